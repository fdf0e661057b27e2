#include <algorithm>
#include <utility>

#include "daemon/shard/limits.h"
#include "daemon/shard/shard_impl.h"
#include "triggers/base/hash.h"
#include "triggers/base/json.h"

namespace huitou {
namespace {

using channels::Outcome;
using channels::Receipt;

// What the engine hears of a transition.
std::optional<ReceiptInput::Kind> KindOf(Transition::Event event) {
  switch (event) {
    case Transition::Event::kNone:
      return std::nullopt;
    case Transition::Event::kAccepted:
      return ReceiptInput::Kind::kAccepted;
    case Transition::Event::kDelivered:
      return ReceiptInput::Kind::kDelivered;
    case Transition::Event::kFailed:
      return ReceiptInput::Kind::kFailed;
    case Transition::Event::kCouponIssued:
      return ReceiptInput::Kind::kCouponIssued;
    case Transition::Event::kCouponRefused:
      return ReceiptInput::Kind::kCouponRefused;
  }
  return std::nullopt;
}

channels::CouponRequest RequestOf(const Dispatch& dispatch) {
  channels::CouponRequest request;
  request.dispatch = dispatch.id;
  request.customer = dispatch.customer;
  request.campaign = dispatch.campaign;
  request.coupon = dispatch.coupon;
  request.value = dispatch.value;
  request.min_spend = dispatch.min_spend;
  request.expires_at = dispatch.expires_at;
  return request;
}

}  // namespace

const ChannelPolicy& Shard::Impl::PolicyOf(const std::string& channel) const {
  static const ChannelPolicy usual;
  const auto found = options_.policies.find(channel);
  return found == options_.policies.end() ? usual : found->second;
}

// The process before this one ended between a lease and its result.
Status Shard::Impl::RecoverLeased() {
  std::vector<StoredDispatch> leased;
  Status status = parts_.store->ReadLeased(options_.shard, &leased);
  if (!status.ok()) {
    return status;
  }
  for (const StoredDispatch& stored : leased) {
    const Result<OutboxRecord*> record = outbox_.Find(stored.record.dispatch.id);
    if (!record.ok()) {
      return record.status();
    }
    const std::string channel = (*record)->channel();
    const Transition transition = Recover(*record, PolicyOf(channel), wall_);
    status = AfterTransition(*record, channel, transition, {});
    if (!status.ok()) {
      return status;
    }
  }
  recovered_ = true;
  return Status::Ok();
}

// --- what came back
// -------------------------------------------------------------------------------

Status Shard::Impl::ApplyResult(const SendResult& result) {
  const Result<OutboxRecord*> found = outbox_.Find(result.dispatch);
  if (!found.ok()) {
    return found.status();
  }
  OutboxRecord* const record = *found;
  if (record == nullptr || record->state != OutboxRecord::State::kLeased ||
      record->attempts != result.attempt) {
    return Status::Ok();  // settled by a receipt, erased, or an answer from before a restart
  }
  const std::string channel = record->channel();
  const std::string customer = record->dispatch.customer;
  const Transition transition =
      OnSendResult(record, result, PolicyOf(channel), wall_, parts_.random->NextUnit());
  Status status = AfterTransition(record, channel, transition, result.coupon_code);
  if (status.ok() && (result.outcome.suppress_address || result.outcome.revoke_consent)) {
    status = Suppress(customer, channel, result.outcome.reason, result.outcome.revoke_consent);
  }
  return status;
}

Status Shard::Impl::ApplyReceipt(PostedReceipt posted) {
  Id128 dispatch = posted.receipt.dispatch;
  if (dispatch.empty() && !posted.receipt.provider_message_id.empty()) {
    const auto known = parts_.store->FindProviderMessage(options_.shard, posted.channel,
                                                         posted.receipt.provider_message_id);
    if (!known.ok()) {
      return known.status();
    }
    if (!known->has_value() && !posted.retried && outbox_.changed()) {
      // It may be about what the next commit writes.
      posted.retried = true;
      postponed_.push_back(std::move(posted));
      return Status::Ok();
    }
    dispatch = known->value_or(Id128());
  }
  const Result<OutboxRecord*> record = outbox_.Find(dispatch);
  if (!record.ok()) {
    return record.status();
  }
  const bool known = *record != nullptr;
  Status status;
  if (known) {
    const std::string channel = (*record)->channel();
    const std::string customer = (*record)->dispatch.customer;
    if (posted.receipt.kind == Receipt::Kind::kUnsubscribed) {
      status = Suppress(customer, posted.channel, "unsubscribed", false);
    } else if (posted.receipt.kind == Receipt::Kind::kReplied) {
      status = HearReply(**record, posted);
    } else {
      const bool delivered = posted.receipt.kind == Receipt::Kind::kDelivered;
      observer_.OnDispatch(posted.channel, delivered ? "delivered" : "undelivered");
      const Transition transition = OnReceipt(*record, posted.receipt, wall_);
      status = AfterTransition(*record, channel, transition, {});
    }
    dirty_ = true;
  }
  if (posted.done != nullptr) {
    acknowledge_.push_back([known, done = std::move(posted.done)] { done(known); });
    dirty_ = true;
  }
  return status;
}

// Accepted ones whose receipt did not come, unknown ones that nothing settled.
Status Shard::Impl::ApplyDue() {
  const bool asked_lately = wall_ >= awaited_asked_at_ && awaited_asked_at_ != kTimeMin &&
                            wall_ - awaited_asked_at_ < limits::kAwaitedInterval;
  if (asked_lately) {
    return Status::Ok();
  }
  awaited_asked_at_ = wall_;
  const auto due = outbox_.Due(wall_);
  if (!due.ok()) {
    return due.status();
  }
  for (const Id128& dispatch : *due) {
    const Result<OutboxRecord*> record = outbox_.Find(dispatch);
    if (!record.ok()) {
      return record.status();
    }
    const std::string channel = (*record)->channel();
    const Transition transition = OnDue(*record, PolicyOf(channel), wall_);
    Status status = AfterTransition(*record, channel, transition, {});
    if (!status.ok()) {
      return status;
    }
  }
  return Status::Ok();
}

// `record` was changed by the transition; `code` is that of an issued coupon.
Status Shard::Impl::AfterTransition(OutboxRecord* record, const std::string& channel_before,
                                    const Transition& transition, std::string_view code) {
  const Dispatch& dispatch = record->dispatch;
  const Id128 id = dispatch.id;
  dirty_ = true;
  if (const auto kind = KindOf(transition.event)) {
    const Result<Customer*> customer = cache_.Find(dispatch.customer);
    if (!customer.ok()) {
      return customer.status();
    }
    ReceiptInput receipt;
    receipt.kind = *kind;
    receipt.dispatch = id;
    receipt.episode = dispatch.episode;
    receipt.time = std::max(state_.frontier, dispatch.time);
    receipt.code = code;
    receipt.reason = transition.reason;
    Step(receipt, *customer);
  }
  if (transition.event == Transition::Event::kFailed ||
      transition.event == Transition::Event::kCouponRefused) {
    observer_.OnDispatch(channel_before, "failed");
  }
  if (transition.dead_letter) {
    JsonObject letter;
    letter.Add("source", "outbox").Add("topic", channel_before);
    letter.AddInteger("partition", options_.shard).AddInteger("offset", 0);
    letter.Add("reason", transition.reason).Add("value", id.ToString());
    AddSinkRecord(SinkKind::kDeadLetters, dispatch.customer, letter.Close());
  }
  if (transition.settled) {
    outbox_.Settle(id);
  } else {
    outbox_.Changed(id, channel_before);
  }
  return Status::Ok();
}

// The provider says that this customer must not, or does not want to, be written to on the channel.
Status Shard::Impl::Suppress(const std::string& customer_id, const std::string& channel,
                             std::string_view reason, bool consent_only) {
  const Result<Customer*> customer = cache_.Find(customer_id);
  if (!customer.ok()) {
    return customer.status();
  }
  const uint32_t symbol = symbols_.Intern(channel);
  Profile& profile = (*customer)->MutableProfile();
  if (consent_only) {
    const auto known = std::find_if(
        profile.consents.begin(), profile.consents.end(), [&](const ConsentState& consent) {
          return consent.channel == symbol && consent.message_class == MessageClass::kMarketing &&
                 consent.template_name.empty();
        });
    ConsentState& consent =
        known == profile.consents.end() ? profile.consents.emplace_back() : *known;
    consent.channel = symbol;
    consent.granted = false;
  } else {
    const bool known =
        std::any_of(profile.suppressions.begin(), profile.suppressions.end(),
                    [&](const Suppression& suppression) { return suppression.channel == symbol; });
    if (!known) {
      profile.suppressions.push_back({symbol, std::string(reason)});
    }
  }
  (*customer)->profile_changed = true;
  cache_.Touched(*customer);
  dirty_ = true;
  return Status::Ok();
}

// An answer of the customer is an event like any other; what it is about makes its id.
Status Shard::Impl::HearReply(const OutboxRecord& record, const PostedReceipt& posted) {
  const Result<Customer*> customer = cache_.Find(record.dispatch.customer);
  if (!customer.ok()) {
    return customer.status();
  }
  const std::string dispatch = record.dispatch.id.ToString();
  const Receipt& receipt = posted.receipt;
  const std::string id =
      Hash128({dispatch, receipt.provider_message_id, receipt.text, "replied"}).ToString();
  MessageReference message;
  message.dispatch = dispatch;
  message.channel = posted.channel;
  message.text = receipt.text;
  Event event;
  event.id = id;
  event.type = "message.replied";
  event.time = std::max(state_.frontier, std::min(receipt.time == 0 ? wall_ : receipt.time, wall_));
  event.customer.id = (*customer)->id;
  event.message = &message;
  Step(EventInput{&event}, *customer);
  return Status::Ok();
}

void Shard::Impl::Withdraw(const Id128& dispatch) {
  const Result<OutboxRecord*> record = outbox_.Find(dispatch);
  // One that is on its way can't be called back; asked again before a repeat, it will not go.
  if (record.ok() && *record != nullptr && (*record)->state == OutboxRecord::State::kPlanned) {
    outbox_.Settle(dispatch);
  }
}

// --- leases
// ---------------------------------------------------------------------------------------

Status Shard::Impl::Lease() {
  blocked_.clear();
  size_t looked_at = 0;
  for (const std::string& channel : outbox_.Channels()) {
    while (looked_at < limits::kLeasesPerTurn) {
      const Result<OutboxRecord*> record = outbox_.NextPlanned(channel, wall_);
      if (!record.ok()) {
        return record.status();
      }
      if (*record == nullptr) {
        break;
      }
      if (!parts_.gate->TryAcquire(channel)) {
        blocked_.insert(channel);
        break;
      }
      ++looked_at;
      const Result<bool> used = LeaseOne(*record);
      if (!used.ok() || !*used) {
        parts_.gate->Release(channel);
      }
      if (!used.ok()) {
        return used.status();
      }
    }
  }
  return Status::Ok();
}

Result<bool> Shard::Impl::LeaseOne(OutboxRecord* record) {
  const std::string channel = record->channel();
  const Dispatch& dispatch = record->dispatch;
  const Transition overdue = OnDue(record, PolicyOf(channel), wall_);
  if (overdue.settled) {
    Status status = AfterTransition(record, channel, overdue, {});
    return status.ok() ? Result<bool>(false) : Result<bool>(status);
  }
  const Result<Customer*> customer = cache_.Find(dispatch.customer);
  if (!customer.ok()) {
    return customer.status();
  }
  const TimeUs quiet_until = engine_->QuietUntil(dispatch, **customer, wall_);
  if (quiet_until > wall_) {
    record->not_before = quiet_until;
    record->give_up_at = std::max(record->give_up_at, quiet_until + kHourUs);
    outbox_.Changed(dispatch.id, channel);
    dirty_ = true;
    return false;
  }
  const Reason reason = engine_->CheckSend(dispatch, channel, ContextNow(), *customer,
                                           /*spend=*/false);
  SendJob job;
  job.shard = options_.shard;
  job.dispatch = dispatch.id;
  job.attempt = record->attempts;
  job.channel = channel;
  std::string_view refusal = ToString(reason);
  if (reason == Reason::kNone && dispatch.kind == Dispatch::Kind::kMessage) {
    auto message =
        parts_.rendering->Message(*record, **customer, engine_->AddressFor(**customer, channel));
    if (message.ok()) {
      job.message = *std::move(message);
    } else {
      refusal = "render";
    }
  } else if (reason == Reason::kNone) {
    job.coupon = RequestOf(dispatch);
  }
  if (!refusal.empty()) {
    Status status = Refuse(record, reason, refusal);
    return status.ok() ? Result<bool>(false) : Result<bool>(status);
  }
  record->state = OutboxRecord::State::kLeased;
  outbox_.Changed(dispatch.id, channel);
  outgoing_.push_back({std::move(job), false});
  dirty_ = true;
  return true;
}

// The last question, right before the commit: events that came since the lease count too. A
// one-time subscription is spent here, once per channel.
Status Shard::Impl::AskLast() {
  std::vector<Outgoing> all;
  std::swap(all, outgoing_);
  for (Outgoing& outgoing : all) {
    if (outgoing.asked) {
      outgoing_.push_back(std::move(outgoing));
      continue;
    }
    const Result<OutboxRecord*> record = outbox_.Find(outgoing.job.dispatch);
    if (!record.ok()) {
      return record.status();
    }
    const Result<Customer*> customer = cache_.Find((*record)->dispatch.customer);
    if (!customer.ok()) {
      return customer.status();
    }
    const Reason reason =
        engine_->CheckSend((*record)->dispatch, outgoing.job.channel, ContextNow(), *customer,
                           /*spend=*/(*record)->attempts == 0);
    cache_.Touched(*customer);
    if (reason == Reason::kNone) {
      outgoing.asked = true;
      outgoing_.push_back(std::move(outgoing));
      continue;
    }
    parts_.gate->Release(outgoing.job.channel);
    Status status = Refuse(*record, reason, ToString(reason));
    if (!status.ok()) {
      return status;
    }
  }
  return Status::Ok();
}

// The last question before sending was answered with no: on to the next channel, or the end.
Status Shard::Impl::Refuse(OutboxRecord* record, Reason reason, std::string_view word) {
  const std::string channel = record->channel();
  observer_.OnDispatch(channel, "refused");
  Transition transition;
  if (reason == Reason::kExit) {
    const bool coupon = record->dispatch.kind == Dispatch::Kind::kCoupon;
    transition.event = coupon ? Transition::Event::kCouponRefused : Transition::Event::kFailed;
    transition.settled = true;
    transition.reason = word;
    return AfterTransition(record, channel, transition, {});
  }
  SendResult result;
  result.dispatch = record->dispatch.id;
  result.attempt = record->attempts;
  result.outcome.kind = Outcome::Kind::kRejected;
  result.outcome.reason = word;
  record->state = OutboxRecord::State::kLeased;
  transition = OnSendResult(record, result, PolicyOf(channel), wall_, 0);
  return AfterTransition(record, channel, transition, {});
}

}  // namespace huitou
