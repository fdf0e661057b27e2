#include <algorithm>
#include <utility>

#include "daemon/shard/limits.h"
#include "daemon/shard/shard_impl.h"
#include "triggers/base/hash.h"
#include "triggers/base/json.h"

namespace huitou {
namespace {

using channels::Outcome;

// What the engine hears of a transition.
std::optional<ReceiptInput::Kind> KindOf(Transition::Event event) {
  switch (event) {
    case Transition::Event::kNone:
      return std::nullopt;
    case Transition::Event::kAccepted:
      return ReceiptInput::Kind::kAccepted;
    case Transition::Event::kAwaitingReceipt:
      return ReceiptInput::Kind::kAwaitingReceipt;
    case Transition::Event::kSettled:
      return ReceiptInput::Kind::kSettled;
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
  request.pool = dispatch.pool;
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
  // Who refuses a message that a one-time consent let pass refuses what is like it, not the
  // channel.
  const std::string refused = record->dispatch.holds_credit ? record->dispatch.template_name : "";
  const Transition transition =
      OnSendResult(record, result, PolicyOf(channel), wall_, parts_.random->NextUnit());
  Status status = AfterTransition(record, channel, transition, result.coupon_code);
  if (status.ok() && result.outcome.suppress_address) {
    status = SuppressChannel(customer, channel, result.outcome.reason);
  }
  if (status.ok() && result.outcome.revoke_consent) {
    Said said;
    said.id = Hash128({result.dispatch.ToString(), channel, "refused"}).ToString();
    said.type = kConsentRevoked;
    said.customer = customer;
    said.channel = channel;
    said.template_name = refused;
    status = Hear(said);
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
    if (status.ok() && transition.query) {
      status = Query(**record);
    }
    if (!status.ok()) {
      return status;
    }
  }
  return Status::Ok();
}

// A question changes nothing and may be asked twice, so it need not wait for the commit. What
// cannot be rendered any more, of somebody erased or changed, is not asked about.
Status Shard::Impl::Query(const OutboxRecord& record) {
  const Result<Customer*> customer = cache_.Find(record.dispatch.customer);
  if (!customer.ok()) {
    return customer.status();
  }
  auto message = parts_.rendering->Message(record, **customer,
                                           engine_->AddressFor(**customer, record.channel()));
  if (message.ok()) {
    QueryJob job;
    job.shard = options_.shard;
    job.dispatch = record.dispatch.id;
    job.attempts = record.attempts;
    job.channel = record.channel();
    job.sent = {*std::move(message), record.provider_message_id, record.sent_at};
    parts_.gate->Query(std::move(job));
  }
  return Status::Ok();
}

Status Shard::Impl::ApplyQueryResult(const QueryResult& result) {
  const Result<OutboxRecord*> found = outbox_.Find(result.dispatch);
  if (!found.ok()) {
    return found.status();
  }
  OutboxRecord* const record = *found;
  using State = OutboxRecord::State;
  const bool is_open = record != nullptr && record->channel() == result.channel &&
                       record->attempts == result.attempts &&
                       (record->state == State::kUnknown || record->state == State::kAccepted);
  if (!is_open) {
    return Status::Ok();  // settled otherwise meanwhile
  }
  for (const channels::Receipt& receipt : result.answer.receipts) {
    PostedReceipt posted;
    posted.channel = result.channel;
    posted.receipt = receipt;
    Status status = ApplyReceipt(std::move(posted));
    if (!status.ok()) {
      return status;
    }
  }
  const bool told = result.answer.kind == channels::QueryAnswer::Kind::kTold;
  if (told || record->state != State::kUnknown) {
    return Status::Ok();
  }
  const Transition transition = OnQueryResult(record, result, PolicyOf(result.channel), wall_);
  return AfterTransition(record, result.channel, transition, {});
}

// A one-time subscription is used up once the message was sent, or may have been, and given back
// when the message leaves the channel without.
Status Shard::Impl::EndCredit(OutboxRecord* record, const std::string& channel_before,
                              const Transition& transition) {
  using Event = Transition::Event;
  const bool sent = transition.event == Event::kAccepted ||
                    transition.event == Event::kAwaitingReceipt ||
                    transition.event == Event::kDelivered;
  const bool leaves = transition.fell_back || transition.settled;
  if (!record->dispatch.holds_credit || !(sent || leaves)) {
    return Status::Ok();
  }
  const Result<Customer*> customer = cache_.Find(record->dispatch.customer);
  if (customer.ok()) {
    engine_->ReleaseCredit(channel_before, sent || transition.may_be_sent, &record->dispatch,
                           *customer);
    cache_.Touched(*customer);
  }
  return customer.status();
}

// `record` was changed by the transition; `code` is that of an issued coupon.
Status Shard::Impl::AfterTransition(OutboxRecord* record, const std::string& channel_before,
                                    const Transition& transition, std::string_view code) {
  const Dispatch& dispatch = record->dispatch;
  const Id128 id = dispatch.id;
  dirty_ = true;
  if (Status status = EndCredit(record, channel_before, transition); !status.ok()) {
    return status;
  }
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
    receipt.asked_at = dispatch.time;
    receipt.may_exist = transition.may_be_sent;
    if (Status status = Step(receipt, *customer); !status.ok()) {
      return status;
    }
  }
  const bool is_decided = !transition.may_be_sent &&  // the engine has said why itself
                          (transition.reason == ToString(Reason::kRevoked) ||
                           transition.reason == ToString(Reason::kExpired));
  if (transition.fell_back || (transition.event == Transition::Event::kFailed && !is_decided)) {
    KeepInJournal(*record, channel_before, transition);
  }
  if (transition.event == Transition::Event::kFailed ||
      transition.event == Transition::Event::kCouponRefused) {
    observer_.OnDispatch(channel_before, transition.reason == kWithdrawn ? "refused" : "failed");
  }
  if (transition.dead_letter) {
    JsonObject letter;
    letter.Add("source", "outbox").Add("topic", channel_before);
    letter.AddInteger("partition", options_.shard).AddInteger("offset", 0);
    letter.Add("reason", transition.reason).Add("value", id.ToString());
    AddSinkRecord(SinkKind::kDeadLetters, dispatch.customer, letter.Close());
  }
  if (transition.settled) {
    ReleaseCode(dispatch);
    outbox_.Settle(id);
  } else {
    outbox_.Changed(id);
  }
  return Status::Ok();
}

// No decision, so it has no `seq` and goes to no sink: what was decided is that the message is
// dispatched. It is JSON already, which the journal keeps as well.
void Shard::Impl::KeepInJournal(const OutboxRecord& record, const std::string& channel_before,
                                const Transition& transition) {
  const Dispatch& dispatch = record.dispatch;
  JsonObject line;
  line.Add("time", FormatRfc3339(wall_)).Add("campaign", dispatch.campaign);
  line.Add("customer", dispatch.customer).Add("episode", dispatch.episode.ToString());
  line.Add("outcome", transition.may_be_sent ? "uncertain" : "undelivered");
  line.Add("reason", transition.reason).Add("dispatch", dispatch.id.ToString());
  line.Add("channel", channel_before).Add("template", dispatch.template_name);
  if (transition.fell_back) {
    line.Add("next", record.channel());
  }
  const size_t tried = record.channel_index + (transition.fell_back ? 0 : 1);
  journal_.push_back(
      {dispatch.customer, dispatch.id, static_cast<uint32_t>(tried), wall_, line.Close()});
}

void Shard::Impl::Withdraw(const Id128& dispatch, Customer* customer) {
  const Result<OutboxRecord*> found = outbox_.Find(dispatch);
  if (!found.ok() || *found == nullptr) {
    return;
  }
  OutboxRecord* const record = *found;
  const bool coupon = record->dispatch.kind == Dispatch::Kind::kCoupon;
  const std::string channel = record->channel();
  if (record->state == OutboxRecord::State::kPlanned && !coupon) {
    engine_->ReleaseCredit(channel, record->may_be_sent, &record->dispatch, customer);
    cache_.Touched(customer);
    outbox_.Settle(dispatch);
    return;
  }
  // A coupon's end is told to the engine, which gives its money back.
  huitou::Withdraw(record, wall_);
  outbox_.Changed(dispatch);
  dirty_ = true;
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

// What waits for a channel without room fails by its deadline all the same; and where the channel
// is down for long, what may takes the next way that is not.
Status Shard::Impl::LookThroughBlocked() {
  const bool asked_lately = wall_ >= blocked_asked_at_ && blocked_asked_at_ != kTimeMin &&
                            wall_ - blocked_asked_at_ < limits::kAwaitedInterval;
  if (blocked_.empty() || asked_lately) {
    return Status::Ok();
  }
  blocked_asked_at_ = wall_;
  for (const std::string& channel : blocked_) {
    const ChannelPolicy& policy = PolicyOf(channel);
    const bool down = parts_.gate->IsDown(channel);
    const auto diverts = [&](const OutboxRecord& record) {
      const auto& via = record.dispatch.via;
      return down && MayDivert(record, policy) &&
             std::any_of(via.begin() + record.channel_index + 1, via.end(),
                         [this](const std::string& next) { return !parts_.gate->IsDown(next); });
    };
    const auto found = outbox_.LookThrough(
        channel, wall_, limits::kBlockedTogether,
        [&](const OutboxRecord& record) { return wall_ >= record.give_up_at || diverts(record); });
    if (!found.ok()) {
      return found.status();
    }
    for (const Id128& dispatch : *found) {
      const Result<OutboxRecord*> record = outbox_.Find(dispatch);
      if (!record.ok()) {
        return record.status();
      }
      if (*record == nullptr) {
        continue;  // withdrawn: the one before it ended its episode
      }
      Transition transition = OnDue(*record, policy, wall_);
      if (!transition.settled) {
        observer_.OnDispatch(channel, "diverted");
        transition = Divert(*record, wall_);
      }
      Status status = AfterTransition(*record, channel, transition, {});
      if (!status.ok()) {
        return status;
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
    outbox_.Changed(dispatch.id);
    dirty_ = true;
    return false;
  }
  const Reason reason = engine_->CheckSend(dispatch, channel, ContextNow(), **customer);
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
    if ((*customer)->profile != nullptr) {
      job.coupon.wechat_openid = (*customer)->profile->wechat_openid;
    }
  }
  if (!refusal.empty()) {
    Status status = Refuse(record, reason, refusal);
    return status.ok() ? Result<bool>(false) : Result<bool>(status);
  }
  record->state = OutboxRecord::State::kLeased;
  record->sent_at = wall_;
  outbox_.Changed(dispatch.id);
  outgoing_.push_back({std::move(job), false});
  dirty_ = true;
  return true;
}

// The last question, right before the commit: events that came since the lease count too. A channel
// that the message has fallen back to takes its one-time subscription here.
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
    const std::string& channel = outgoing.job.channel;
    Dispatch& dispatch = (*record)->dispatch;
    const Reason reason = engine_->CheckSend(dispatch, channel, ContextNow(), **customer);
    if (reason == Reason::kNone) {
      engine_->HoldCredit(channel, &dispatch, *customer);
      cache_.Touched(*customer);
      if (dispatch.holds_credit) {
        outbox_.Changed(dispatch.id);
      }
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
  if (reason == Reason::kRevoked || reason == Reason::kExpired) {
    const bool coupon = record->dispatch.kind == Dispatch::Kind::kCoupon;
    transition.event = coupon ? Transition::Event::kCouponRefused : Transition::Event::kFailed;
    transition.settled = true;
    transition.may_be_sent = record->may_be_sent;
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
