// `customer`: profile, aggregates, categories and segments.
#include "triggers/activity.h"
#include "triggers/vocabulary_objects.h"

namespace huitou::vocabulary {

namespace {

using cel::Arena;
using cel::Type;
using cel::Value;

struct CategoryRef {
  const CategoryActivity* activity;
  Currency currency;
};

enum CategoryField : int { kCategoryOrders, kCategorySpend, kCategoryLastOrderAt };

class CategoryType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena&) const override {
    const auto& ref = *static_cast<const CategoryRef*>(self);
    switch (field) {
      case kCategoryOrders:
        return Value::Int(ref.activity->orders);
      case kCategorySpend:
        return Value::Double(ToMajor(ref.activity->spend_minor, ref.currency));
      default:
        return OptionalTime(ref.activity->last_order_at);
    }
  }
  bool Has(const void*, int) const override { return true; }
};

const CategoryType kCategoryObject;

class CategoriesView : public cel::MapView {
 public:
  explicit CategoriesView(const Binding& binding) : binding_(binding) {}
  size_t size() const override { return Categories().size(); }
  bool Find(const Value& key, Arena& arena, Value* value) const override {
    const uint32_t symbol = key.is_string() ? binding_.symbols->Find(key.as_string()) : 0;
    for (const CategoryActivity& known : Categories()) {
      if (symbol != 0 && known.category == symbol) {
        const auto* ref = Make<CategoryRef>(arena, &known, binding_.shop->currency);
        *value = ref == nullptr ? Value::Error(kFull) : Value::Object(&kCategoryObject, ref);
        return true;
      }
    }
    return false;
  }
  Value KeyAt(size_t index, Arena&) const override {
    return Value::String(binding_.symbols->Name(Categories()[index].category));
  }

 private:
  const ShortList<CategoryActivity, 1>& Categories() const {
    return binding_.customer->activity.categories;
  }
  const Binding& binding_;
};

class TagsView : public cel::ListView {
 public:
  explicit TagsView(const std::vector<std::string>& tags) : tags_(tags) {}
  size_t size() const override { return tags_.size(); }
  Value At(size_t index, Arena&) const override { return Value::String(tags_[index]); }

 private:
  const std::vector<std::string>& tags_;
};

class AttributesView : public cel::MapView {
 public:
  explicit AttributesView(const std::vector<Attribute>& attributes) : attributes_(attributes) {}
  size_t size() const override { return attributes_.size(); }
  bool Find(const Value& key, Arena&, Value* value) const override {
    for (const Attribute& known : attributes_) {
      if (key.is_string() && known.name == key.as_string()) {
        *value = ValueOf(known);
        return true;
      }
    }
    return false;
  }
  Value KeyAt(size_t index, Arena&) const override {
    return Value::String(attributes_[index].name);
  }

 private:
  static Value ValueOf(const Attribute& attribute) {
    switch (attribute.kind) {
      case Attribute::Kind::kInt:
        return Value::Int(attribute.integer);
      case Attribute::Kind::kBool:
        return Value::Bool(attribute.integer != 0);
      case Attribute::Kind::kDouble:
        return Value::Double(attribute.real);
      default:
        return Value::String(attribute.text);
    }
  }
  const std::vector<Attribute>& attributes_;
};

enum CustomerField : int {
  kCustomerId,
  kCustomerTier,
  kCustomerTags,
  kCustomerRegion,
  kCustomerLocale,
  kCustomerTimezone,
  kCustomerBirthday,
  kCustomerAttributes,
  kCustomerOrders,
  kCustomerSpend,
  kCustomerFirstOrderAt,
  kCustomerLastOrderAt,
  kCustomerAverageOrder,
  kCustomerReviews,
  kCustomerReturns,
  kCustomerTenureDays,
  kCustomerOrders30d,
  kCustomerOrders90d,
  kCustomerOrders365d,
  kCustomerSpend30d,
  kCustomerSpend90d,
  kCustomerSpend365d,
  kCustomerCategories,
};

class CustomerType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena& arena) const override {
    const auto& binding = *static_cast<const Binding*>(self);
    if (field >= kCustomerOrders) {
      return Aggregate(binding, field, arena);
    }
    static const Profile nobody;
    const Customer& customer = *binding.customer;
    const Profile& profile = customer.profile == nullptr ? nobody : *customer.profile;
    switch (field) {
      case kCustomerId:
        return Value::String(customer.id);
      case kCustomerTier:
        return Value::String(binding.symbols->Name(customer.activity.tier));
      case kCustomerTags: {
        const auto* view = Make<TagsView>(arena, profile.tags);
        return view == nullptr ? Value::Error(kFull) : Value::List(view);
      }
      case kCustomerAttributes: {
        const auto* view = Make<AttributesView>(arena, profile.attributes);
        return view == nullptr ? Value::Error(kFull) : Value::Map(view);
      }
      default:
        return Value::String(TextOf(profile, field));
    }
  }

  bool Has(const void* self, int field) const override {
    const auto& binding = *static_cast<const Binding*>(self);
    const Customer& customer = *binding.customer;
    switch (field) {
      case kCustomerRegion:
      case kCustomerLocale:
      case kCustomerTimezone:
      case kCustomerBirthday:
        return customer.profile != nullptr && !TextOf(*customer.profile, field).empty();
      case kCustomerTier:
        return customer.activity.tier != 0;
      case kCustomerFirstOrderAt:
      case kCustomerLastOrderAt:
      case kCustomerTenureDays:
        return customer.activity.orders > 0;
      default:
        return true;
    }
  }

 private:
  static const std::string& TextOf(const Profile& profile, int field) {
    switch (field) {
      case kCustomerRegion:
        return profile.region;
      case kCustomerLocale:
        return profile.locale;
      case kCustomerTimezone:
        return profile.timezone;
      default:
        return profile.birthday;
    }
  }

  static Value Aggregate(const Binding& binding, int field, Arena& arena) {
    const Activity& activity = binding.customer->activity;
    const auto major = [&](int64_t minor) {
      return Value::Double(ToMajor(minor, binding.shop->currency));
    };
    const auto sum = [&](int days) { return SumSince(activity, binding.now, days * kDayUs); };
    switch (field) {
      case kCustomerOrders:
        return Value::Int(activity.orders);
      case kCustomerSpend:
        return major(activity.spend_minor);
      case kCustomerFirstOrderAt:
        return OptionalTime(activity.first_order_at);
      case kCustomerLastOrderAt:
        return OptionalTime(activity.last_order_at);
      case kCustomerAverageOrder:
        return Value::Double(activity.orders == 0
                                 ? 0.0
                                 : ToMajor(activity.spend_minor, binding.shop->currency) /
                                       static_cast<double>(activity.orders));
      case kCustomerReviews:
        return Value::Int(activity.reviews);
      case kCustomerReturns:
        return Value::Int(activity.returns);
      case kCustomerTenureDays:
        return Value::Int(activity.orders == 0 ? 0
                                               : (binding.now - activity.first_order_at) / kDayUs);
      case kCustomerOrders30d:
        return Value::Int(sum(30).orders);
      case kCustomerOrders90d:
        return Value::Int(sum(90).orders);
      case kCustomerOrders365d:
        return Value::Int(sum(365).orders);
      case kCustomerSpend30d:
        return major(sum(30).spend_minor);
      case kCustomerSpend90d:
        return major(sum(90).spend_minor);
      case kCustomerSpend365d:
        return major(sum(365).spend_minor);
      default: {
        const auto* view = Make<CategoriesView>(arena, binding);
        return view == nullptr ? Value::Error(kFull) : Value::Map(view);
      }
    }
  }
};

const CustomerType kCustomerObject;

// `customer.in_segment('regulars')`: the host is the Binding.
Value InSegment(void* host, std::span<const Value> arguments, Arena& arena) {
  const auto& binding = *static_cast<const Binding*>(host);
  const auto found = binding.shop->segments.find(std::string(arguments[1].as_string()));
  if (found == binding.shop->segments.end()) {
    return Value::Error("no such segment in the shop file");
  }
  return Evaluate(found->second, binding, arena);
}

}  // namespace

void DeclareCustomer(cel::Environment* env) {
  env->AddObject(
      "category",
      {{"orders", Type::Int()}, {"spend", Type::Double()}, {"last_order_at", Type::Timestamp()}},
      &kCategoryObject);
  env->AddObject("customer",
                 {{"id", Type::String()},
                  {"tier", Type::String(), true},
                  {"tags", Type::List(Type::String())},
                  {"region", Type::String(), true},
                  {"locale", Type::String(), true},
                  {"timezone", Type::String(), true},
                  {"birthday", Type::String(), true},
                  {"attributes", AttributesType(), true},
                  {"orders", Type::Int()},
                  {"spend", Type::Double()},
                  {"first_order_at", Type::Timestamp(), true},
                  {"last_order_at", Type::Timestamp(), true},
                  {"average_order", Type::Double()},
                  {"reviews", Type::Int()},
                  {"returns", Type::Int()},
                  {"tenure_days", Type::Int()},
                  {"orders_30d", Type::Int()},
                  {"orders_90d", Type::Int()},
                  {"orders_365d", Type::Int()},
                  {"spend_30d", Type::Double()},
                  {"spend_90d", Type::Double()},
                  {"spend_365d", Type::Double()},
                  {"categories", Type::Map(Type::String(), Type::Object("category"))}},
                 &kCustomerObject);
  env->AddVariable("customer", Type::Object("customer"), kSlotCustomer);
  env->AddVariable("now", Type::Timestamp(), kSlotNow);
}

void DeclareSegments(cel::Environment* env) {
  env->AddFunction(
      {"in_segment", true, {Type::Object("customer"), Type::String()}, Type::Bool(), &InSegment});
}

cel::Value CustomerValue(const Binding& binding) {
  return Value::Object(&kCustomerObject, &binding);
}

}  // namespace huitou::vocabulary
