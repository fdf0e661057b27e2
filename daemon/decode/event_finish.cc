// What of an event hangs on its type or its currency, once all of it was read.
#include "daemon/decode/event_decoder_impl.h"

namespace huitou {

bool EventDecoder::Impl::Finish() {
  return FinishHeading() && FinishOrder() && FinishConsent() && FinishCoupon() && FinishMessage() &&
         CloseAttributes(&attributes_, &event_->attributes);
}

bool EventDecoder::Impl::FinishHeading() {
  event_->id = envelope_.id.empty() ? own_.id : envelope_.id;
  event_->type = envelope_.type.empty() ? own_.type : envelope_.type;
  const std::string_view time = envelope_.time.empty() ? own_.time : envelope_.time;
  const std::string_view missing = event_->id.empty()            ? "id"
                                   : event_->type.empty()        ? "type"
                                   : time.empty()                ? "time"
                                   : event_->customer.id.empty() ? "customer.id"
                                                                 : "";
  if (!missing.empty()) {
    return Fail(EventError::kMissingField, missing);
  }
  if (event_->type.size() > limits::kTypeBytesMax) {
    return Fail(EventError::kTooLarge, "type");
  }
  if (!IsEventType(event_->type)) {
    return Fail(EventError::kBadType, "type");
  }
  const std::optional<TimeUs> parsed = ParseRfc3339(time);
  if (!parsed) {
    return Fail(EventError::kBadTime, "time");
  }
  event_->time = *parsed;
  return true;
}

bool EventDecoder::Impl::FinishOrder() {
  if (event_->order == nullptr) {
    return true;
  }
  if (total_.data() != nullptr) {
    const std::optional<int64_t> total = ParseMinor(total_, order_.currency);
    if (!total) {
      return Fail(EventError::kBadType, "order.total");
    }
    order_.total_minor = *total;
  }
  for (size_t i = 0; i < items_.size(); ++i) {
    if (prices_[i].data() == nullptr) {
      continue;
    }
    const std::optional<int64_t> price = ParseMinor(prices_[i], order_.currency);
    if (!price) {
      return Fail(EventError::kBadType,
                  std::string("order.items[").append(std::to_string(i)).append("].price"));
    }
    items_[i].price_minor = *price;
  }
  order_.items = items_;
  return true;
}

bool EventDecoder::Impl::IsMeant(const cel::Value& held, std::string_view name, bool type_fits) {
  if (held.is_null()) {
    return false;
  }
  if (!type_fits && options_->keep_attributes) {
    attributes_.emplace_back(cel::Value::String(name), held);
  }
  return type_fits;
}

bool EventDecoder::Impl::Close(const Members& members, const cel::Value& held,
                               std::string_view name) {
  if (members.error() != EventError::kNone) {
    return Fail(members.error(), members.path());
  }
  if (members.has_others() && options_->keep_attributes) {
    attributes_.emplace_back(cel::Value::String(name), held);
  }
  return true;
}

bool EventDecoder::Impl::FinishConsent() {
  const bool fits = event_->type.starts_with("consent.") || event_->type.starts_with("channel.");
  if (!IsMeant(consent_value_, "consent", fits)) {
    return true;
  }
  Members members("consent", consent_value_, arena_);
  consent_.channel = members.TakeText("channel", limits::kWordBytesMax);
  consent_.message_class = members.TakeText("class", limits::kWordBytesMax);
  consent_.template_name = members.TakeText("template", limits::kWordBytesMax);
  consent_.credits = members.TakeCount("credits", limits::kCreditsMax);
  event_->consent = &consent_;
  // One that names no channel is for all; with a word beside it, that was meant to be the channel.
  const bool grants = event_->type == "consent.granted" || event_->type == "channel.subscribed";
  if (grants && consent_.channel.empty() && members.has_others() &&
      members.error() == EventError::kNone) {
    return Fail(EventError::kMissingField, "consent.channel");
  }
  return Close(members, consent_value_, "consent");
}

bool EventDecoder::Impl::FinishCoupon() {
  if (!IsMeant(coupon_value_, "coupon", event_->type.starts_with("coupon."))) {
    return true;
  }
  Members members("coupon", coupon_value_, arena_);
  coupon_.code = members.TakeText("code", limits::kWordBytesMax);
  coupon_.dispatch = members.TakeText("dispatch", limits::kIdBytesMax);
  coupon_.amount_minor = members.TakeAmount("amount", options_->currency);
  coupon_.currency = options_->currency;
  event_->coupon = &coupon_;
  return Close(members, coupon_value_, "coupon");
}

bool EventDecoder::Impl::FinishMessage() {
  if (!IsMeant(message_value_, "message", event_->type.starts_with("message."))) {
    return true;
  }
  Members members("message", message_value_, arena_);
  message_.dispatch = members.TakeText("dispatch", limits::kIdBytesMax);
  message_.channel = members.TakeText("channel", limits::kWordBytesMax);
  message_.reason = members.TakeText("reason", limits::kWordBytesMax);
  message_.text = members.TakeText("text", limits::kTextBytesMax);
  event_->message = &message_;
  return Close(members, message_value_, "message");
}

}  // namespace huitou
