// Records of the outbox and their transitions, in words.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "daemon/outbox/outbox.h"

namespace huitou {

using channels::Outcome;
using channels::Promise;
using channels::Receipt;
using Event = Transition::Event;
using State = OutboxRecord::State;

inline constexpr TimeUs kNow = 1'000 * kSecondUs;
inline constexpr TimeUs kDeadline = kNow + kDayUs;
inline constexpr Id128 kId{1, 2};

inline OutboxRecord Leased(std::vector<std::string> via = {"wechat", "sms"}) {
  OutboxRecord record;
  record.dispatch.id = kId;
  record.dispatch.via = std::move(via);
  record.state = State::kLeased;
  record.give_up_at = kDeadline;
  return record;
}

inline OutboxRecord LeasedCoupon() {
  OutboxRecord record = Leased({});
  record.dispatch.kind = Dispatch::Kind::kCoupon;
  return record;
}

inline SendResult ResultOf(const OutboxRecord& record, Outcome::Kind kind,
                           std::string reason = "word") {
  SendResult result;
  result.dispatch = record.dispatch.id;
  result.attempt = record.attempts;
  result.outcome.kind = kind;
  result.outcome.reason = std::move(reason);
  return result;
}

inline Receipt ReceiptOf(Receipt::Kind kind, std::string provider_message_id = "") {
  Receipt receipt;
  receipt.kind = kind;
  receipt.dispatch = kId;
  receipt.provider_message_id = std::move(provider_message_id);
  return receipt;
}

inline const char* Name(State state) {
  static const char* const kNames[] = {"planned", "leased", "accepted", "unknown"};
  return kNames[static_cast<int>(state)];
}

inline const char* Name(Event event) {
  static const char* const kNames[] = {"",          "accepted", "awaiting", "over",
                                       "delivered", "failed",   "issued",   "refused"};
  return kNames[static_cast<int>(event)];
}

// "planned wechat#1 +1s", or "settled failed(word) dead": the whole state as a sentence.
inline std::string Say(const OutboxRecord& record, const Transition& transition) {
  std::string text;
  if (transition.settled) {
    text = std::string("settled ") + Name(transition.event);
  } else {
    text = std::string(Name(record.state)) + " " + record.channel() + "#" +
           std::to_string(record.attempts) + " +" + FormatDuration(record.not_before - kNow);
    if (transition.event != Event::kNone) {
      text += std::string(" ") + Name(transition.event);
    }
    if (transition.fell_back) {
      text += " fell back";
    }
  }
  if (!transition.reason.empty()) {
    text += "(" + transition.reason + ")";
  }
  return text + (transition.dead_letter ? " dead" : "");
}

inline ChannelPolicy PolicyOf(Promise promise) {
  ChannelPolicy policy;
  policy.promise = promise;
  policy.attempts_max = 3;
  return policy;
}

}  // namespace huitou
