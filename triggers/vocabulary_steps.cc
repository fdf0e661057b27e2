// `coupons`, `coupon`, `messages`, `shop`: what an episode issued and sent.
#include "triggers/vocabulary_objects.h"

namespace huitou::vocabulary {

namespace {

using cel::Arena;
using cel::Field;
using cel::Type;
using cel::Value;

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

// A step without an id keeps its position under a name that nobody can write.
std::vector<Field> FieldsOf(const std::vector<std::string>& names, const Type& type) {
  std::vector<Field> fields;
  for (size_t i = 0; i < names.size(); ++i) {
    fields.push_back({names[i].empty() ? "#" + std::to_string(i) : names[i], type});
  }
  return fields;
}

}  // namespace

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

void DeclareShop(cel::Environment* env) {
  env->AddObject("shop", {{"name", Type::String()}, {"currency", Type::String()}}, &kShopObject);
  env->AddVariable("coupon", Type::Object("coupon"), kSlotCoupon);
  env->AddVariable("shop", Type::Object("shop"), kSlotShop);
}

cel::Value CouponsValue(const Binding& binding) {
  return Value::Object(&kCouponsObject, &binding);
}

cel::Value MessagesValue(const Binding& binding) {
  return Value::Object(&kMessagesObject, &binding);
}

cel::Value LastCouponValue(const Binding& binding, Arena& arena) {
  const IssuedCoupon* last = nullptr;
  if (binding.episode != nullptr && !binding.episode->coupons.empty()) {
    last = &binding.episode->coupons.back();
  }
  return CouponValue(binding, last, arena);
}

cel::Value ShopValue(const Shop& shop) {
  return Value::Object(&kShopObject, &shop);
}

}  // namespace huitou::vocabulary
