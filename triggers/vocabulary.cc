#include "triggers/vocabulary.h"

#include <array>
#include <charconv>
#include <cmath>
#include <new>

#include "triggers/activity.h"
#include "triggers/base/civil_time.h"

namespace huitou {

namespace {

using cel::Arena;
using cel::Field;
using cel::Kind;
using cel::Type;
using cel::Value;

Value Time(TimeUs time) {
  TimeUs seconds = time / kSecondUs;
  TimeUs rest = time % kSecondUs;
  if (rest < 0) {
    --seconds;
    rest += kSecondUs;
  }
  return Value::Timestamp(seconds, static_cast<int32_t>(rest) * 1000);
}

Value OptionalTime(TimeUs time) {
  return time == kTimeMin || time == kTimeMax ? Value::Error("not known yet") : Time(time);
}

Value MapOrEmpty(const Value& attributes) {
  class Empty : public cel::MapView {
   public:
    size_t size() const override { return 0; }
    bool Find(const Value&, Arena&, Value*) const override { return false; }
    Value KeyAt(size_t, Arena&) const override { return Value::Null(); }
  };
  static const Empty empty;
  return attributes.is_null() ? Value::Map(&empty) : attributes;
}

// Small views are made in the arena; it never runs destructors, and they need none.
template <typename T, typename... Arguments>
T* Make(Arena& arena, Arguments&&... arguments) {
  void* memory = arena.Allocate(sizeof(T), alignof(T));
  return memory == nullptr ? nullptr : new (memory) T{std::forward<Arguments>(arguments)...};
}

constexpr std::string_view kFull = "too large";

const Type& Attributes() {
  static const Type type = Type::Map(Type::String(), Type::Dyn());
  return type;
}

// --- event
// ----------------------------------------------------------------------------------------

enum ItemField : int { kItemSku, kItemCategory, kItemQuantity, kItemPrice, kItemAttributes };

// Prices need the order's currency.
struct ItemRef {
  const OrderItem* item;
  Currency currency;
};

class ItemType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena&) const override {
    const auto& ref = *static_cast<const ItemRef*>(self);
    switch (field) {
      case kItemSku:
        return Value::String(ref.item->sku);
      case kItemCategory:
        return Value::String(ref.item->category);
      case kItemQuantity:
        return Value::Int(ref.item->quantity);
      case kItemPrice:
        return Value::Double(ToMajor(ref.item->price_minor, ref.currency));
      default:
        return MapOrEmpty(ref.item->attributes);
    }
  }
  bool Has(const void*, int) const override { return true; }
};

const ItemType kItemObject;

class ItemsView : public cel::ListView {
 public:
  explicit ItemsView(const Order& order) : order_(order) {}
  size_t size() const override { return order_.items.size(); }
  Value At(size_t index, Arena& arena) const override {
    const auto* ref = Make<ItemRef>(arena, &order_.items[index], order_.currency);
    return ref == nullptr ? Value::Error(kFull) : Value::Object(&kItemObject, ref);
  }

 private:
  const Order& order_;
};

enum OrderField : int { kOrderId, kOrderCurrency, kOrderTotal, kOrderItems, kOrderAttributes };

class OrderType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena& arena) const override {
    const auto* order = static_cast<const Order*>(self);
    if (order == nullptr) {
      return Value::Error("the event has no order");
    }
    switch (field) {
      case kOrderId:
        return Value::String(order->id);
      case kOrderCurrency:
        return Value::String(order->currency.code());
      case kOrderTotal:
        return Value::Double(ToMajor(order->total_minor, order->currency));
      case kOrderItems: {
        const auto* view = Make<ItemsView>(arena, *order);
        return view == nullptr ? Value::Error(kFull) : Value::List(view);
      }
      default:
        return MapOrEmpty(order->attributes);
    }
  }
  bool Has(const void* self, int) const override { return self != nullptr; }
};

const OrderType kOrderObject;

enum ReviewField : int {
  kReviewId,
  kReviewOrderId,
  kReviewSku,
  kReviewRating,
  kReviewText,
  kReviewVerified,
  kReviewAttributes
};

class ReviewType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena&) const override {
    const auto* review = static_cast<const Review*>(self);
    if (review == nullptr) {
      return Value::Error("the event has no review");
    }
    switch (field) {
      case kReviewId:
        return Value::String(review->id);
      case kReviewOrderId:
        return Value::String(review->order_id);
      case kReviewSku:
        return Value::String(review->sku);
      case kReviewRating:
        return Value::Int(review->rating);
      case kReviewText:
        return Value::String(review->text);
      case kReviewVerified:
        return Value::Bool(review->verified);
      default:
        return MapOrEmpty(review->attributes);
    }
  }
  bool Has(const void* self, int) const override { return self != nullptr; }
};

const ReviewType kReviewObject;

enum EventField : int {
  kEventId,
  kEventType,
  kEventTime,
  kEventOrder,
  kEventReview,
  kEventChannel,
  kEventText,
  kEventAttributes
};

class EventType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena&) const override {
    const auto* event = static_cast<const Event*>(self);
    if (event == nullptr) {
      return Value::Error("there is no event here: the campaign began by a clock");
    }
    switch (field) {
      case kEventId:
        return Value::String(event->id);
      case kEventType:
        return Value::String(event->type);
      case kEventTime:
        return Time(event->time);
      case kEventOrder:
        return Value::Object(&kOrderObject, event->order);
      case kEventReview:
        return Value::Object(&kReviewObject, event->review);
      case kEventChannel:
        return Value::String(Channel(*event));
      case kEventText:
        return Value::String(event->message == nullptr ? std::string_view() : event->message->text);
      default:
        return MapOrEmpty(event->attributes);
    }
  }
  bool Has(const void* self, int field) const override {
    const auto* event = static_cast<const Event*>(self);
    if (event == nullptr) {
      return false;
    }
    switch (field) {
      case kEventOrder:
        return event->order != nullptr;
      case kEventReview:
        return event->review != nullptr;
      case kEventChannel:
        return !Channel(*event).empty();
      case kEventText:
        return event->message != nullptr && !event->message->text.empty();
      default:
        return true;
    }
  }

 private:
  static std::string_view Channel(const Event& event) {
    if (event.consent != nullptr) {
      return event.consent->channel;
    }
    return event.message == nullptr ? std::string_view() : event.message->channel;
  }
};

const EventType kEventObject;

// --- customer
// -------------------------------------------------------------------------------------

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
  const std::vector<CategoryActivity>& Categories() const {
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

// --- coupons, messages, shop
// ----------------------------------------------------------------------

struct CouponRef {
  const Binding* binding;
  const IssuedCoupon* coupon;  // null: not issued
};

enum CouponField : int {
  kCouponIssued,
  kCouponRedeemed,
  kCouponExpired,
  kCouponCode,
  kCouponValue,
  kCouponMinSpend,
  kCouponCurrency,
  kCouponExpiresAt,
};

class CouponType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena&) const override {
    const auto& ref = *static_cast<const CouponRef*>(self);
    const IssuedCoupon* coupon = ref.coupon;
    if (field == kCouponIssued) {
      return Value::Bool(coupon != nullptr);
    }
    if (field == kCouponRedeemed) {
      return Value::Bool(coupon != nullptr && coupon->redeemed);
    }
    if (field == kCouponExpired) {
      return Value::Bool(coupon != nullptr && !coupon->redeemed && coupon->expires_at != 0 &&
                         coupon->expires_at <= ref.binding->now);
    }
    if (coupon == nullptr) {
      return Value::Error("the coupon has not been issued");
    }
    switch (field) {
      case kCouponCode:
        return Value::String(coupon->code);
      case kCouponValue:
        return Value::Double(ToMajor(coupon->value.minor, coupon->value.currency));
      case kCouponMinSpend:
        return MinSpend(ref);
      case kCouponCurrency:
        return Value::String(coupon->value.currency.code());
      default:
        return OptionalTime(coupon->expires_at == 0 ? kTimeMin : coupon->expires_at);
    }
  }
  bool Has(const void* self, int field) const override {
    const auto& ref = *static_cast<const CouponRef*>(self);
    if (field <= kCouponExpired) {
      return true;
    }
    return ref.coupon != nullptr && (field != kCouponExpiresAt || ref.coupon->expires_at != 0);
  }

 private:
  static Value MinSpend(const CouponRef& ref) {
    const Step* step = ref.binding->campaign->coupon_steps[static_cast<size_t>(ref.coupon->step)];
    const auto& min_spend = std::get<CouponStep>(step->action).min_spend;
    return Value::Double(min_spend.has_value() ? ToMajor(min_spend->minor, min_spend->currency)
                                               : 0.0);
  }
};

const CouponType kCouponObject;

Value CouponValue(const Binding& binding, const IssuedCoupon* coupon, Arena& arena) {
  const auto* ref = Make<CouponRef>(arena, &binding, coupon);
  return ref == nullptr ? Value::Error(kFull) : Value::Object(&kCouponObject, ref);
}

// Its fields are the campaign's coupon steps, by position.
class CouponsType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena& arena) const override {
    const auto& binding = *static_cast<const Binding*>(self);
    const IssuedCoupon* issued = nullptr;
    if (binding.episode != nullptr) {
      for (const IssuedCoupon& coupon : binding.episode->coupons) {
        issued = coupon.step == field ? &coupon : issued;
      }
    }
    return CouponValue(binding, issued, arena);
  }
  bool Has(const void*, int) const override { return true; }
};

const CouponsType kCouponsObject;

enum MessageField : int { kMessageDelivered, kMessageClicked, kMessageFailed };

class MessageType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena&) const override {
    const auto* message = static_cast<const SentMessage*>(self);
    if (message == nullptr) {
      return Value::Bool(false);
    }
    switch (field) {
      case kMessageDelivered:
        return Value::Bool(message->status == SentMessage::Status::kDelivered);
      case kMessageClicked:
        return Value::Bool(message->clicked);
      default:
        return Value::Bool(message->status == SentMessage::Status::kFailed);
    }
  }
  bool Has(const void*, int) const override { return true; }
};

const MessageType kMessageObject;

class MessagesType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena&) const override {
    const auto& binding = *static_cast<const Binding*>(self);
    const SentMessage* sent = nullptr;
    if (binding.episode != nullptr) {
      for (const SentMessage& message : binding.episode->messages) {
        sent = message.step == field ? &message : sent;
      }
    }
    return Value::Object(&kMessageObject, sent);
  }
  bool Has(const void*, int) const override { return true; }
};

const MessagesType kMessagesObject;

class ShopType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena&) const override {
    const auto& shop = *static_cast<const Shop*>(self);
    return Value::String(field == 0 ? std::string_view(shop.name) : shop.currency.code());
  }
  bool Has(const void*, int) const override { return true; }
};

const ShopType kShopObject;

// --- declarations
// ---------------------------------------------------------------------------------

void DeclareEvent(cel::Environment* env) {
  env->AddObject("item",
                 {{"sku", Type::String()},
                  {"category", Type::String()},
                  {"quantity", Type::Int()},
                  {"price", Type::Double()},
                  {"attributes", Attributes()}},
                 &kItemObject);
  env->AddObject("order",
                 {{"id", Type::String()},
                  {"currency", Type::String()},
                  {"total", Type::Double()},
                  {"items", Type::List(Type::Object("item"))},
                  {"attributes", Attributes()}},
                 &kOrderObject);
  env->AddObject("review",
                 {{"id", Type::String()},
                  {"order_id", Type::String()},
                  {"sku", Type::String()},
                  {"rating", Type::Int()},
                  {"text", Type::String()},
                  {"verified", Type::Bool()},
                  {"attributes", Attributes()}},
                 &kReviewObject);
  env->AddObject("event",
                 {{"id", Type::String()},
                  {"type", Type::String()},
                  {"time", Type::Timestamp()},
                  {"order", Type::Object("order"), true},
                  {"review", Type::Object("review"), true},
                  {"channel", Type::String(), true},
                  {"text", Type::String(), true},
                  {"attributes", Attributes()}},
                 &kEventObject);
  env->AddVariable("event", Type::Object("event"), kSlotEvent);
  env->AddVariable("trigger", Type::Object("event"), kSlotTrigger);
}

// `customer.in_segment('regulars')`: the host is the Binding.
Value InSegment(void* host, std::span<const Value> arguments, Arena& arena) {
  const auto& binding = *static_cast<const Binding*>(host);
  const auto found = binding.shop->segments.find(std::string(arguments[1].as_string()));
  if (found == binding.shop->segments.end()) {
    return Value::Error("no such segment in the shop file");
  }
  return Evaluate(found->second, binding, arena);
}

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
                  {"attributes", Attributes(), true},
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

// A step without an id keeps its position under a name that nobody can write.
std::vector<Field> FieldsOf(const std::vector<std::string>& names, const Type& type) {
  std::vector<Field> fields;
  for (size_t i = 0; i < names.size(); ++i) {
    fields.push_back({names[i].empty() ? "#" + std::to_string(i) : names[i], type});
  }
  return fields;
}

void DeclareSteps(cel::Environment* env, const StepNames& steps) {
  env->AddObject("coupon",
                 {{"issued", Type::Bool()},
                  {"redeemed", Type::Bool()},
                  {"expired", Type::Bool()},
                  {"code", Type::String()},
                  {"value", Type::Double()},
                  {"min_spend", Type::Double()},
                  {"currency", Type::String()},
                  {"expires_at", Type::Timestamp(), true}},
                 &kCouponObject);
  env->AddObject("message",
                 {{"delivered", Type::Bool()}, {"clicked", Type::Bool()}, {"failed", Type::Bool()}},
                 &kMessageObject);
  env->AddObject("coupons", FieldsOf(steps.coupons, Type::Object("coupon")), &kCouponsObject);
  env->AddObject("messages", FieldsOf(steps.messages, Type::Object("message")), &kMessagesObject);
  env->AddVariable("coupons", Type::Object("coupons"), kSlotCoupons);
  env->AddVariable("messages", Type::Object("messages"), kSlotMessages);
  env->AddVariable("variant", Type::String(), kSlotVariant);
}

Value LastCoupon(const Binding& binding, Arena& arena) {
  const IssuedCoupon* last = nullptr;
  if (binding.episode != nullptr && !binding.episode->coupons.empty()) {
    last = &binding.episode->coupons.back();
  }
  return CouponValue(binding, last, arena);
}

Value ValueOfSlot(int slot, const Binding& binding, Arena& arena) {
  switch (slot) {
    case kSlotEvent:
      return Value::Object(&kEventObject, binding.event);
    case kSlotTrigger:
      return Value::Object(&kEventObject, binding.trigger);
    case kSlotCustomer:
      return Value::Object(&kCustomerObject, &binding);
    case kSlotCoupons:
      return Value::Object(&kCouponsObject, &binding);
    case kSlotMessages:
      return Value::Object(&kMessagesObject, &binding);
    case kSlotNow:
      return Time(binding.now);
    case kSlotVariant: {
      const bool any = binding.episode != nullptr && binding.campaign != nullptr &&
                       binding.episode->variant < binding.campaign->variants.size();
      return Value::String(
          any ? std::string_view(binding.campaign->variants[binding.episode->variant].name)
              : std::string_view());
    }
    case kSlotCoupon:
      return LastCoupon(binding, arena);
    default:
      return Value::Object(&kShopObject, binding.shop);
  }
}

std::string FormatDouble(double number) {
  if (!std::isfinite(number)) {
    return {};
  }
  char text[64];
  const double cents = number * 100;
  const bool whole = number == std::floor(number);
  if (std::abs(number) < 1e15 && (whole || std::abs(cents - std::round(cents)) < 1e-6)) {
    const auto end =
        std::to_chars(text, text + sizeof text, number, std::chars_format::fixed, whole ? 0 : 2);
    return std::string(text, end.ptr);
  }
  return std::string(text, std::to_chars(text, text + sizeof text, number).ptr);
}

}  // namespace

cel::Environment ConditionEnvironment(const StepNames& steps) {
  cel::Environment env;
  DeclareEvent(&env);
  DeclareCustomer(&env);
  DeclareSteps(&env, steps);
  env.AddStringExtensions();
  env.AddFunction(
      {"in_segment", true, {Type::Object("customer"), Type::String()}, Type::Bool(), &InSegment});
  return env;
}

cel::Environment TemplateEnvironment(const StepNames& steps) {
  cel::Environment env = ConditionEnvironment(steps);
  env.AddObject("shop", {{"name", Type::String()}, {"currency", Type::String()}}, &kShopObject);
  env.AddVariable("coupon", Type::Object("coupon"), kSlotCoupon);
  env.AddVariable("shop", Type::Object("shop"), kSlotShop);
  return env;
}

cel::Environment ShopEnvironment() {
  cel::Environment env;
  DeclareCustomer(&env);
  env.AddStringExtensions();
  return env;
}

Value Evaluate(const Condition& condition, const Binding& binding, Arena& arena) {
  if (condition == nullptr) {
    return Value::Bool(true);
  }
  std::array<Value, kSlotCount> slots;
  for (const int slot : condition->slots_used()) {
    slots[static_cast<size_t>(slot)] = ValueOfSlot(slot, binding, arena);
  }
  return condition->Eval(slots, const_cast<Binding*>(&binding), arena);
}

std::string FormatForPeople(const Value& value, const Zone& zone) {
  switch (value.kind()) {
    case Kind::kBool:
      return value.as_bool() ? "true" : "";
    case Kind::kInt:
      return std::to_string(value.as_int());
    case Kind::kUint:
      return std::to_string(value.as_uint());
    case Kind::kDouble:
      return FormatDouble(value.as_double());
    case Kind::kString:
      return std::string(value.as_string());
    case Kind::kTimestamp:
      return FormatDate(CivilDay(value.seconds() * kSecondUs, zone));
    case Kind::kNull:
    case Kind::kError:
    case Kind::kObject:
      return {};
    default:
      return cel::ToJson(value);
  }
}

}  // namespace huitou
