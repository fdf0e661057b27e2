// Events: one fact about one customer at one time, as contracts.md section 2 describes them.
//
// An Event is a view: its texts and attributes point into the buffer that was decoded, or into the
// OwnedEvent that keeps it. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triggers/base/money.h"
#include "triggers/base/time.h"
#include "triggers/cel/value.h"

namespace huitou {

struct OrderItem {
  std::string_view sku;
  std::string_view category;
  int64_t quantity = 1;
  int64_t price_minor = 0;
  cel::Value attributes;  // a map of what the contract does not name, or null
};

struct Order {
  std::string_view id;
  Currency currency;  // the shop's when the event names none
  int64_t total_minor = 0;
  std::span<const OrderItem> items;
  cel::Value attributes;
};

struct Review {
  std::string_view id;
  std::string_view order_id;
  std::string_view sku;
  std::string_view text;
  int32_t rating = 0;
  bool verified = false;
  cel::Value attributes;
};

// The `consent` object of consent.granted and consent.revoked. An empty channel means all.
struct ConsentChange {
  std::string_view channel;
  std::string_view message_class;  // "marketing" when empty
  std::string_view template_name;
  int32_t credits = 0;  // one-time subscriptions (WeChat); 0 for a lasting consent
};

// The `coupon` and `message` objects of coupon.* and message.* events: `dispatch` names ours.
struct CouponReference {
  std::string_view code;
  std::string_view dispatch;
  int64_t amount_minor = 0;  // 0: not said
  Currency currency;
};
struct MessageReference {
  std::string_view dispatch;
  std::string_view channel;
  std::string_view reason;
  std::string_view text;
};

// What an event says about its customer; empty means unsaid.
struct CustomerFields {
  std::string_view id;
  std::string_view phone;
  std::string_view email;
  std::string_view wechat_openid;
  std::string_view locale;
  std::string_view timezone;
  std::string_view region;
  std::string_view birthday;  // YYYY-MM-DD
  bool has_tags = false;
  std::span<const std::string_view> tags;
  cel::Value attributes;  // map of unknown fields, e.g. name; null when none
  // A hash of all of the above but the id, so that an unchanged profile costs one comparison.
  uint64_t fingerprint = 0;
};

struct Event {
  std::string_view id;
  std::string_view type;
  TimeUs time = 0;
  CustomerFields customer;
  const Order* order = nullptr;
  const Review* review = nullptr;
  const ConsentChange* consent = nullptr;
  const CouponReference* coupon = nullptr;
  const MessageReference* message = nullptr;
  cel::Value attributes;  // other top-level fields; null when none
};

// A deep copy that lives on its own: what an episode keeps of the event that began it.
class OwnedEvent {
 public:
  explicit OwnedEvent(const Event& event);
  OwnedEvent(const OwnedEvent&) = delete;
  OwnedEvent& operator=(const OwnedEvent&) = delete;

  const Event& event() const { return event_; }

 private:
  cel::Arena arena_;
  std::vector<OrderItem> items_;
  std::vector<std::string_view> tags_;
  Order order_;
  Review review_;
  ConsentChange consent_;
  CouponReference coupon_;
  MessageReference message_;
  Event event_;
};

// Why an event is refused; the words of contracts.md.
enum class EventError : uint8_t {
  kNone,
  kBadJson,
  kBadUtf8,
  kTooLarge,
  kMissingField,
  kBadType,
  kBadTime,
  kFuture,
  kTombstone,
};
std::string_view ToString(EventError error);

// Whether `text` can be an event's type: a dotted name such as "order.paid" or "shop.basket-left".
bool IsEventType(std::string_view text);

}  // namespace huitou
