#include <algorithm>
#include <utility>

#include "daemon/outbox/outbox.h"
#include "triggers/base/check.h"

namespace huitou {
namespace {

using channels::Outcome;
using channels::Promise;
using channels::Receipt;
using Event = Transition::Event;
using State = OutboxRecord::State;

// How often a provider must be asked before it is believed that it has no such message, where that
// ends the message.
constexpr uint32_t kQueriesForNothing = 2;

bool IsCoupon(const OutboxRecord& record) {
  return record.dispatch.kind == Dispatch::Kind::kCoupon;
}

// Coupons carry their dispatch id to the shop whatever the policy says.
Promise PromiseFor(const OutboxRecord& record, const ChannelPolicy& policy) {
  return IsCoupon(record) ? Promise::kExactlyOnceByKey : policy.promise;
}

bool HasNextChannel(const OutboxRecord& record) {
  return !IsCoupon(record) && record.channel_index + 1 < record.dispatch.via.size();
}

// Without the overflow that kTimeMax as a deadline or a length would bring.
TimeUs After(TimeUs now, DurationUs delay) {
  return delay >= kTimeMax - now ? kTimeMax : now + delay;
}

// Full jitter above the minimum: min + random * (min(max, min * 2^attempts) - min).
DurationUs Backoff(const OutboxRecord& record, const ChannelPolicy& policy, double random) {
  const DurationUs ceiling_max = std::max(policy.backoff_min, policy.backoff_max);
  DurationUs ceiling = policy.backoff_min;
  for (uint32_t i = 0; i < record.attempts && ceiling < ceiling_max; ++i) {
    ceiling = ceiling > ceiling_max / 2 ? ceiling_max : ceiling * 2;
  }
  const auto jitter = static_cast<double>(ceiling - policy.backoff_min) * random;
  return policy.backoff_min + static_cast<DurationUs>(jitter);
}

Transition Fail(const OutboxRecord& record, std::string reason) {
  Transition transition;
  transition.event = IsCoupon(record) ? Event::kCouponRefused : Event::kFailed;
  transition.settled = true;
  transition.may_be_sent = record.may_be_sent;
  transition.dead_letter = !IsWithdrawn(record);
  transition.reason = IsWithdrawn(record) ? kWithdrawn : std::move(reason);
  return transition;
}

// Whether the next channel's turn comes when no receipt does: only where one could have come.
bool AwaitsReceipt(const OutboxRecord& record, const ChannelPolicy& policy) {
  const bool may_come = policy.receipt_wait > 0 || policy.queries_max > 0;
  return HasNextChannel(record) && record.dispatch.wait_receipt > 0 && may_come &&
         policy.tells_delivery;
}

// This channel will not bring it: on to the next one, which is the same message still.
Transition FallBack(OutboxRecord* record, std::string reason, TimeUs now) {
  if (!HasNextChannel(*record) || now >= record->give_up_at) {
    return Fail(*record, std::move(reason));
  }
  ++record->channel_index;
  record->attempts = 0;
  record->state = State::kPlanned;
  record->not_before = now;
  record->provider_message_id.clear();
  Transition transition;
  transition.fell_back = true;
  transition.may_be_sent = std::exchange(record->may_be_sent, false);
  transition.reason = std::move(reason);
  return transition;
}

// Certainly not sent: again at `not_before`, while attempts and the deadline last.
Transition RepeatAt(OutboxRecord* record, TimeUs not_before, std::string reason,
                    const ChannelPolicy& policy, TimeUs now) {
  if (record->attempts >= policy.attempts_max || not_before >= record->give_up_at) {
    return FallBack(record, std::move(reason), now);
  }
  record->state = State::kPlanned;
  record->not_before = not_before;
  return {};
}

Transition OnAccepted(OutboxRecord* record, const std::string& provider_message_id,
                      const ChannelPolicy& policy, TimeUs now) {
  Transition transition;
  if (IsCoupon(*record)) {
    transition.event = Event::kCouponIssued;
    transition.settled = true;
    return transition;
  }
  const bool awaits = AwaitsReceipt(*record, policy);
  transition.event = awaits ? Event::kAwaitingReceipt : Event::kAccepted;
  record->state = State::kAccepted;
  record->provider_message_id = provider_message_id;
  record->queries = 0;
  // The next channel's turn comes after wait_receipt; the last one waits for as long as any
  // receipt may come.
  const DurationUs wait = awaits ? record->dispatch.wait_receipt : policy.receipt_wait;
  record->not_before = After(now, wait);
  transition.settled = wait <= 0;
  return transition;
}

// May have been sent: a receipt may settle it for a while.
void AwaitUnknown(OutboxRecord* record, const ChannelPolicy& policy, DurationUs wait, TimeUs now) {
  record->state = State::kUnknown;
  record->may_be_sent = true;
  record->queries = 0;
  record->not_before = After(now, std::max(policy.unknown_wait, wait));
}

// Is the receipt about what this record is waiting for, not about an earlier channel of it?
bool IsOfThisAttempt(const OutboxRecord& record, const Receipt& receipt) {
  return receipt.provider_message_id.empty() || record.provider_message_id.empty() ||
         receipt.provider_message_id == record.provider_message_id;
}

// Asks the provider; without an answer the record is due again a while later.
Transition Ask(OutboxRecord* record, const ChannelPolicy& policy, TimeUs now) {
  ++record->queries;
  record->not_before = After(now, policy.unknown_wait);
  Transition transition;
  transition.query = true;
  return transition;
}

// Nothing settles it any more but the promise.
Transition OnUnknownDue(OutboxRecord* record, const ChannelPolicy& policy, TimeUs now) {
  const Promise promise = PromiseFor(*record, policy);
  if (promise == Promise::kAtMostOnce) {
    // No fallback: the customer may have it from this channel already.
    return Fail(*record, "unknown");
  }
  if (record->attempts < policy.attempts_max && now < record->give_up_at) {
    record->state = State::kPlanned;
    record->not_before = now;
    return {};
  }
  // Another channel does not know the key that would make a repeat harmless.
  return promise == Promise::kExactlyOnceByKey ? Fail(*record, "unknown")
                                               : FallBack(record, "unknown", now);
}

}  // namespace

const std::string& OutboxRecord::channel() const {
  static const std::string coupons = kCouponChannel;
  static const std::string pools = kPoolChannel;
  if (IsCoupon(*this)) {
    return dispatch.pool.empty() ? coupons : pools;
  }
  CHECK(channel_index < dispatch.via.size());
  return dispatch.via[channel_index];
}

Transition OnSendResult(OutboxRecord* record, const SendResult& result, const ChannelPolicy& policy,
                        TimeUs now, double random) {
  if (record->state != State::kLeased || result.dispatch != record->dispatch.id ||
      result.attempt != record->attempts) {
    return {};
  }
  const Outcome& outcome = result.outcome;
  if (outcome.kind == Outcome::Kind::kChannelPaused ||
      outcome.kind == Outcome::Kind::kTokenExpired) {
    // Not this message's fault: no attempt is counted, only the deadline ends it. A token that was
    // refused was replaced and refused again.
    const DurationUs wait =
        outcome.kind == Outcome::Kind::kChannelPaused ? policy.backoff_max : policy.backoff_min;
    const auto jitter = static_cast<double>(wait) * random;
    const TimeUs later = After(now, wait + static_cast<DurationUs>(jitter));
    record->state = State::kPlanned;
    record->not_before = std::min(later, record->give_up_at);
    return {};
  }
  ++record->attempts;
  const DurationUs backoff = Backoff(*record, policy, random);
  switch (outcome.kind) {
    case Outcome::Kind::kAccepted:
      return OnAccepted(record, outcome.provider_message_id, policy, now);
    case Outcome::Kind::kRejected:
      return FallBack(record, outcome.reason, now);
    case Outcome::Kind::kRetry: {
      // Never before the time that the provider named, and not all at once then.
      const TimeUs asked = After(now, outcome.retry_after);
      return RepeatAt(record, After(outcome.retry_after > 0 ? asked : now, backoff), outcome.reason,
                      policy, now);
    }
    case Outcome::Kind::kUnknown:
    case Outcome::Kind::kTokenExpired:
    case Outcome::Kind::kChannelPaused:
      break;
  }
  record->provider_message_id = outcome.provider_message_id;
  AwaitUnknown(record, policy, backoff, now);
  return {};
}

Transition OnQueryResult(OutboxRecord* record, const QueryResult& result,
                         const ChannelPolicy& policy, TimeUs now) {
  using Kind = channels::QueryAnswer::Kind;
  if (record->state != State::kUnknown) {
    return {};
  }
  if (result.answer.kind == Kind::kAccepted) {
    const std::string& id = result.answer.provider_message_id;
    return OnAccepted(record, id.empty() ? record->provider_message_id : id, policy, now);
  }
  // Who may repeat it does. Who may not asks once more: it may have been on its way still.
  const bool repeats = PromiseFor(*record, policy) != Promise::kAtMostOnce;
  const bool enough = repeats || record->queries >= kQueriesForNothing;
  return result.answer.kind == Kind::kNotFound && enough ? OnUnknownDue(record, policy, now)
                                                         : Transition();
}

Transition OnReceipt(OutboxRecord* record, const Receipt& receipt, TimeUs now) {
  if (IsCoupon(*record)) {
    return {};
  }
  if (receipt.kind == Receipt::Kind::kDelivered) {
    // By whichever attempt or channel: the customer has it.
    Transition transition;
    transition.event = Event::kDelivered;
    transition.settled = true;
    return transition;
  }
  // One that is planned or on its way will bring news of its own.
  const bool waiting = record->state == State::kAccepted || record->state == State::kUnknown;
  if (receipt.kind == Receipt::Kind::kUndelivered && waiting && IsOfThisAttempt(*record, receipt)) {
    return FallBack(record, receipt.reason.empty() ? "undelivered" : receipt.reason, now);
  }
  return {};
}

Transition OnDue(OutboxRecord* record, const ChannelPolicy& policy, TimeUs now) {
  switch (record->state) {
    case State::kPlanned:
      return now >= record->give_up_at ? Fail(*record, "deadline") : Transition();
    case State::kLeased:
      return {};
    case State::kAccepted:
    case State::kUnknown:
      break;
  }
  if (now < record->not_before) {
    return {};
  }
  const bool may_ask = !IsCoupon(*record) && !IsWithdrawn(*record);
  if (record->state == State::kUnknown) {
    return may_ask && record->queries < policy.queries_max ? Ask(record, policy, now)
                                                           : OnUnknownDue(record, policy, now);
  }
  const bool awaited = AwaitsReceipt(*record, policy);
  if (awaited && now < record->give_up_at) {
    if (may_ask && record->queries == 0 && policy.queries_max > 0) {
      return Ask(record, policy, now);
    }
    return FallBack(record, "no_receipt", now);
  }
  // No more will be known. One that was withdrawn may have been awaiting its receipt till then.
  Transition transition;
  transition.event = awaited || IsWithdrawn(*record) ? Event::kSettled : Event::kNone;
  transition.settled = true;
  return transition;
}

void Withdraw(OutboxRecord* record, TimeUs now) {
  if (!IsCoupon(*record)) {
    record->dispatch.via.resize(record->channel_index + 1);
  }
  record->give_up_at = kTimeMin;
  if (record->state == State::kPlanned) {
    record->not_before = std::min(record->not_before, now);
  }
}

bool IsWithdrawn(const OutboxRecord& record) {
  return record.give_up_at == kTimeMin;
}

bool MayDivert(const OutboxRecord& record, const ChannelPolicy& policy) {
  const bool key_was_used =
      record.attempts > 0 && PromiseFor(record, policy) == Promise::kExactlyOnceByKey;
  return record.state == State::kPlanned && HasNextChannel(record) && !key_was_used;
}

Transition Divert(OutboxRecord* record, TimeUs now) {
  return FallBack(record, "channel_down", now);
}

Transition Recover(OutboxRecord* record, const ChannelPolicy& policy, TimeUs now) {
  if (record->state != State::kLeased) {
    return {};
  }
  ++record->attempts;
  const Promise promise = PromiseFor(*record, policy);
  if (promise == Promise::kAtMostOnce ||
      (promise == Promise::kAtLeastOnce && policy.queries_max > 0)) {
    AwaitUnknown(record, policy, 0, now);
    return {};
  }
  record->state = State::kPlanned;
  record->may_be_sent = true;
  record->not_before = now;
  return {};
}

}  // namespace huitou
