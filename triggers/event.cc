#include "triggers/event.h"

#include <algorithm>

#include "triggers/limits.h"

namespace huitou {
namespace {

// Copies texts and attributes into one arena. An event that was accepted fits; if one ever does
// not, a cut copy would be wrong in silence, so that is a bug.
class Copier {
 public:
  explicit Copier(cel::Arena& arena) : arena_(arena) {}

  void operator()(std::string_view& text) const {
    if (!text.empty()) {
      text = arena_.Copy(text);
      CHECK(text.data() != nullptr);
    }
  }
  void operator()(cel::Value& value) const {
    if (!value.is_null()) {
      value = cel::Copy(value, arena_);
      CHECK(!value.is_error());
    }
  }
  template <typename... Fields>
  void All(Fields&... fields) const {
    ((*this)(fields), ...);
  }

 private:
  cel::Arena& arena_;
};

}  // namespace

OwnedEvent::OwnedEvent(const Event& event) : arena_(limits::kOwnedEventBytesMax), event_(event) {
  const Copier copy(arena_);
  copy.All(event_.id, event_.type, event_.attributes);
  CustomerFields& customer = event_.customer;
  copy.All(customer.id, customer.phone, customer.email, customer.wechat_openid, customer.locale,
           customer.timezone, customer.region, customer.birthday, customer.attributes);
  tags_.assign(customer.tags.begin(), customer.tags.end());
  for (std::string_view& tag : tags_) {
    copy(tag);
  }
  customer.tags = tags_;
  if (event.order != nullptr) {
    order_ = *event.order;
    copy.All(order_.id, order_.attributes);
    items_.assign(order_.items.begin(), order_.items.end());
    for (OrderItem& item : items_) {
      copy.All(item.sku, item.category, item.attributes);
    }
    order_.items = items_;
    event_.order = &order_;
  }
  if (event.review != nullptr) {
    review_ = *event.review;
    copy.All(review_.id, review_.order_id, review_.sku, review_.text, review_.attributes);
    event_.review = &review_;
  }
  if (event.consent != nullptr) {
    consent_ = *event.consent;
    copy.All(consent_.channel, consent_.message_class, consent_.template_name);
    event_.consent = &consent_;
  }
  if (event.coupon != nullptr) {
    coupon_ = *event.coupon;
    copy.All(coupon_.code, coupon_.dispatch);
    event_.coupon = &coupon_;
  }
  if (event.message != nullptr) {
    message_ = *event.message;
    copy.All(message_.dispatch, message_.channel, message_.reason, message_.text);
    event_.message = &message_;
  }
}

bool IsEventType(std::string_view text) {
  const bool letters = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
  return letters && text.find('.') != std::string_view::npos && text.front() != '.' &&
         text.back() != '.' && text.find("..") == std::string_view::npos;
}

std::string_view ToString(EventError error) {
  switch (error) {
    case EventError::kNone:
      return "none";
    case EventError::kBadJson:
      return "bad_json";
    case EventError::kBadUtf8:
      return "bad_utf8";
    case EventError::kTooLarge:
      return "too_large";
    case EventError::kMissingField:
      return "missing_field";
    case EventError::kBadType:
      return "bad_type";
    case EventError::kBadTime:
      return "bad_time";
    case EventError::kFuture:
      return "future";
    case EventError::kTombstone:
      return "tombstone";
  }
  return "none";
}

}  // namespace huitou
