// `event` and `trigger`: events with their orders, items and reviews.
#include "triggers/vocabulary_objects.h"

namespace huitou::vocabulary {

namespace {

using cel::Arena;
using cel::Type;
using cel::Value;

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

// A text of the event's small objects: one that was not said is not there.
Value TextOrError(std::string_view text) {
  return text.empty() ? Value::Error("the event does not say it") : Value::String(text);
}

enum ConsentField : int { kConsentChannel, kConsentClass, kConsentTemplate, kConsentCredits };

class ConsentType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena&) const override {
    const auto* consent = static_cast<const ConsentChange*>(self);
    if (consent == nullptr) {
      return Value::Error("the event has no consent");
    }
    return field == kConsentCredits ? Value::Int(consent->credits)
                                    : TextOrError(Text(*consent, field));
  }
  bool Has(const void* self, int field) const override {
    const auto* consent = static_cast<const ConsentChange*>(self);
    return consent != nullptr && (field == kConsentCredits || !Text(*consent, field).empty());
  }

 private:
  static std::string_view Text(const ConsentChange& consent, int field) {
    return field == kConsentChannel ? consent.channel
           : field == kConsentClass ? consent.message_class
                                    : consent.template_name;
  }
};

const ConsentType kConsentObject;

enum CouponField : int { kCouponCode, kCouponDispatch, kCouponAmount };

class EventCouponType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena&) const override {
    const auto* coupon = static_cast<const CouponReference*>(self);
    if (coupon == nullptr) {
      return Value::Error("the event has no coupon");
    }
    if (field == kCouponAmount && Has(self, field)) {
      return Value::Double(ToMajor(coupon->amount_minor, coupon->currency));
    }
    return TextOrError(Text(*coupon, field));
  }
  bool Has(const void* self, int field) const override {
    const auto* coupon = static_cast<const CouponReference*>(self);
    return coupon != nullptr &&
           (field == kCouponAmount ? coupon->amount_minor != 0 : !Text(*coupon, field).empty());
  }

 private:
  static std::string_view Text(const CouponReference& coupon, int field) {
    return field == kCouponCode       ? coupon.code
           : field == kCouponDispatch ? coupon.dispatch
                                      : std::string_view();
  }
};

const EventCouponType kEventCouponObject;

enum MessageField : int { kMessageDispatch, kMessageChannel, kMessageReason, kMessageText };

class EventMessageType : public cel::ObjectType {
 public:
  Value Get(const void* self, int field, Arena&) const override {
    const auto* message = static_cast<const MessageReference*>(self);
    return message == nullptr ? Value::Error("the event has no message")
                              : TextOrError(Text(*message, field));
  }
  bool Has(const void* self, int field) const override {
    const auto* message = static_cast<const MessageReference*>(self);
    return message != nullptr && !Text(*message, field).empty();
  }

 private:
  static std::string_view Text(const MessageReference& message, int field) {
    return field == kMessageDispatch  ? message.dispatch
           : field == kMessageChannel ? message.channel
           : field == kMessageReason  ? message.reason
                                      : message.text;
  }
};

const EventMessageType kEventMessageObject;

enum EventField : int {
  kEventId,
  kEventType,
  kEventTime,
  kEventOrder,
  kEventReview,
  kEventConsent,
  kEventCoupon,
  kEventMessage,
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
      case kEventConsent:
        return Value::Object(&kConsentObject, event->consent);
      case kEventCoupon:
        return Value::Object(&kEventCouponObject, event->coupon);
      case kEventMessage:
        return Value::Object(&kEventMessageObject, event->message);
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
      case kEventConsent:
        return event->consent != nullptr;
      case kEventCoupon:
        return event->coupon != nullptr;
      case kEventMessage:
        return event->message != nullptr;
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

// The objects that only events of one kind have.
void DeclareParts(cel::Environment* env) {
  env->AddObject("event.consent",
                 {{"channel", Type::String(), true},
                  {"class", Type::String(), true},
                  {"template", Type::String(), true},
                  {"credits", Type::Int()}},
                 &kConsentObject);
  env->AddObject("event.coupon",
                 {{"code", Type::String(), true},
                  {"dispatch", Type::String(), true},
                  {"amount", Type::Double(), true}},
                 &kEventCouponObject);
  env->AddObject("event.message",
                 {{"dispatch", Type::String(), true},
                  {"channel", Type::String(), true},
                  {"reason", Type::String(), true},
                  {"text", Type::String(), true}},
                 &kEventMessageObject);
}

}  // namespace

void DeclareEvent(cel::Environment* env) {
  DeclareParts(env);
  env->AddObject("item",
                 {{"sku", Type::String()},
                  {"category", Type::String()},
                  {"quantity", Type::Int()},
                  {"price", Type::Double()},
                  {"attributes", AttributesType()}},
                 &kItemObject);
  env->AddObject("order",
                 {{"id", Type::String()},
                  {"currency", Type::String()},
                  {"total", Type::Double()},
                  {"items", Type::List(Type::Object("item"))},
                  {"attributes", AttributesType()}},
                 &kOrderObject);
  env->AddObject("review",
                 {{"id", Type::String()},
                  {"order_id", Type::String()},
                  {"sku", Type::String()},
                  {"rating", Type::Int()},
                  {"text", Type::String()},
                  {"verified", Type::Bool()},
                  {"attributes", AttributesType()}},
                 &kReviewObject);
  env->AddObject("event",
                 {{"id", Type::String()},
                  {"type", Type::String()},
                  {"time", Type::Timestamp()},
                  {"order", Type::Object("order"), true},
                  {"review", Type::Object("review"), true},
                  {"consent", Type::Object("event.consent"), true},
                  {"coupon", Type::Object("event.coupon"), true},
                  {"message", Type::Object("event.message"), true},
                  {"channel", Type::String(), true},
                  {"text", Type::String(), true},
                  {"attributes", AttributesType()}},
                 &kEventObject);
  env->AddVariable("event", Type::Object("event"), kSlotEvent);
  env->AddVariable("trigger", Type::Object("event"), kSlotTrigger);
}

cel::Value EventValue(const Event* event) {
  return Value::Object(&kEventObject, event);
}

}  // namespace huitou::vocabulary
