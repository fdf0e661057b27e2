#include <algorithm>
#include <utility>

#include "daemon/shard/limits.h"
#include "daemon/shard/shard_impl.h"
#include "daemon/state/decision_codec.h"
#include "triggers/base/json.h"

namespace huitou {

// Timers that are due come before records; a record whose time moves the frontier waits in hand
// until the timers before it have fired.
Status Shard::Impl::Work(size_t* steps) {
  while (*steps > 0 && !MustCommit()) {
    const Result<bool> all_fired = FireDue(steps);
    if (!all_fired.ok()) {
      return all_fired.status();
    }
    if (!*all_fired) {
      break;
    }
    if (held_input_ != nullptr) {
      --*steps;
      Status status = ApplyHeld();
      if (!status.ok()) {
        return status;
      }
      continue;
    }
    if (InputState* input = NextInput()) {
      Status status = Prefetch(*input);
      if (!status.ok()) {
        return status;
      }
      TakeRecord(input);
    } else if (!TakeEnds()) {
      break;
    }
  }
  return Status::Ok();
}

// --- timers
// ---------------------------------------------------------------------------------------

// False when there are more than this turn may take.
Result<bool> Shard::Impl::FireDue(size_t* steps) {
  const TimeUs target = std::max(frontier_->Target(), state_.frontier);
  while (true) {
    // Also without progress of the frontier: a late event may arm what is due already.
    const Result<bool> found = timers_->HasBefore(target);
    if (!found.ok()) {
      return found.status();
    }
    if (!*found) {
      frontier_moved_ = frontier_moved_ || target > state_.frontier;
      state_.frontier = target;
      return true;
    }
    if (*steps == 0 || MustCommit()) {
      return false;
    }
    Status status = FireSome(target, steps);
    if (!status.ok()) {
      return status;
    }
  }
}

// The next few, whose customers are fetched together.
Status Shard::Impl::FireSome(TimeUs target, size_t* steps) {
  auto upcoming = timers_->Upcoming(target, limits::kCustomersTogether);
  if (!upcoming.ok()) {
    return upcoming.status();
  }
  size_t groups = std::max<size_t>(1, upcoming->size());
  Status status = cache_.Prefetch(*std::move(upcoming));
  for (; status.ok() && groups > 0 && *steps > 0; --groups) {
    const Result<bool> found = timers_->Next(target, &due_);
    if (!found.ok() || !*found) {
      return found.ok() ? Status::Ok() : found.status();
    }
    *steps -= std::min(*steps, due_.slots.size());
    status = Fire(due_);
  }
  return status;
}

Status Shard::Impl::Fire(const DueTimers& due) {
  const Result<Customer*> customer = cache_.Find(due.customer);
  if (!customer.ok()) {
    return customer.status();
  }
  std::vector<uint64_t> slots = due.slots;
  std::stable_sort(slots.begin(), slots.end(), [&](uint64_t a, uint64_t b) {
    return engine_->PriorityRank(**customer, a) < engine_->PriorityRank(**customer, b);
  });
  // The frontier has just passed this deadline, and no later one.
  state_.frontier = std::max(state_.frontier, due.deadline + 1);
  for (const uint64_t slot : slots) {
    if (Status status = Step(TimerInput{due.deadline, slot}, *customer); !status.ok()) {
      return status;
    }
    observer_.OnTimer(wall_ - due.deadline);
  }
  dirty_ = true;
  return Status::Ok();
}

// --- records
// --------------------------------------------------------------------------------------

// The one whose events are the oldest: inputs of one shard stay together in event time.
Shard::Impl::InputState* Shard::Impl::NextInput() {
  InputState* next = nullptr;
  TimeUs oldest = kTimeMax;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!inputs_[i].drained() && (next == nullptr || frontier_->newest(i) < oldest)) {
      next = &inputs_[i];
      oldest = frontier_->newest(i);
    }
  }
  return next;
}

// Where the producer keyed by customer, the keys say who comes next.
Status Shard::Impl::Prefetch(const InputState& input) {
  if (input.used % limits::kCustomersTogether != 0) {
    return Status::Ok();
  }
  std::vector<std::string_view> ids;
  const size_t end = std::min(input.records.size(), input.used + limits::kCustomersTogether);
  for (size_t i = input.used; i < end; ++i) {
    if (!input.records[i].key.empty()) {
      ids.push_back(input.records[i].key);
    }
  }
  return cache_.Prefetch(std::move(ids));
}

void Shard::Impl::TakeRecord(InputState* input) {
  const SourceRecord& record = input->records[input->used];
  if (record.offset < input->next_offset) {
    ++input->used;
    observer_.OnDuplicate("offset");
    return;
  }
  std::string detail;
  const EventError error =
      record.tombstone ? EventError::kTombstone : input->decoder->Decode(record, &held_, &detail);
  dirty_ = true;
  ++events_;
  ++events_since_commit_;
  if (error != EventError::kNone) {
    DeadLetter(*input, record, ToString(error), detail);
    input->next_offset = record.offset + 1;
    ++input->used;
    return;
  }
  const auto index = static_cast<size_t>(input - inputs_.data());
  const TimeUs clamped = frontier_->OnEvent(index, held_.time, wall_);
  if (clamped != held_.time) {
    held_.time = clamped;
    observer_.OnFuture(input->spec);
  }
  if (parts_.pulses != nullptr && input->spec.expect_event_within.has_value()) {
    parts_.pulses->Beat(input->spec.source, frontier_->newest(index));
  }
  held_input_ = input;
}

Status Shard::Impl::ApplyHeld() {
  InputState* const input = std::exchange(held_input_, nullptr);
  const Result<Customer*> customer = cache_.Find(held_.customer.id);
  if (!customer.ok()) {
    held_input_ = input;
    return customer.status();
  }
  observer_.OnEvent(input->spec, held_.type);
  if (Status status = Step(EventInput{&held_}, *customer); !status.ok()) {
    return status;
  }
  if (effects_.duplicate) {
    observer_.OnDuplicate("event");
  } else if (effects_.late) {
    observer_.OnLate(input->spec);
  }
  input->next_offset = input->records[input->used].offset + 1;
  ++input->used;
  return Status::Ok();
}

// Inputs that are used up and stood at their end then: their time goes on with the wall clock.
bool Shard::Impl::TakeEnds() {
  bool any = false;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    InputState& input = inputs_[i];
    if (input.at_end.has_value()) {
      const TimeUs newest = parts_.pulses == nullptr ? frontier_->newest(i)
                                                     : parts_.pulses->Newest(input.spec.source);
      frontier_->OnEnd(i, *input.at_end, newest);
      input.live_at = *input.at_end;
      input.at_end.reset();
      any = true;
    }
  }
  return any;
}

void Shard::Impl::DeadLetter(const InputState& input, const SourceRecord& record,
                             std::string_view reason, std::string_view detail) {
  observer_.OnRejected(input.spec, reason);
  JsonObject letter;
  letter.Add("source", input.spec.source).Add("topic", input.spec.topic);
  letter.AddInteger("partition", input.spec.partition).AddInteger("offset", record.offset);
  letter.Add("reason", reason).AddIfAny("detail", detail);
  letter.Add("value", record.payload.substr(0, limits::kDeadLetterBytesMax));
  AddSinkRecord(SinkKind::kDeadLetters, {}, letter.Close());
}

// --- steps
// ----------------------------------------------------------------------------------------

Context Shard::Impl::ContextNow() {
  Context context;
  context.frontier = state_.frontier;
  context.wall = wall_;
  context.symbols = &symbols_;
  context.quotas = &quotas_;
  context.codes = parts_.codes;
  context.stock = parts_.pools;
  return context;
}

Status Shard::Impl::Step(const huitou::Input& input, Customer* customer) {
  CountEpisodes(*customer, -1);
  engine_->Step(input, ContextNow(), customer, &effects_);
  CountEpisodes(*customer, 1);
  cache_.Touched(customer);
  return TakeEffects(customer);
}

Status Shard::Impl::TakeEffects(Customer* customer) {
  for (const std::string_view campaign : effects_.candidates) {
    ++state_.tallies[symbols_.Find(campaign)].candidates;
  }
  for (const Decision& decision : effects_.decisions) {
    CountDecision(decision);
  }
  KeepDecisions(*customer);
  for (const Id128& dispatch : effects_.withdrawn) {
    Withdraw(dispatch, customer);
  }
  for (Dispatch& dispatch : effects_.dispatches) {
    PromiseCode(dispatch);
    OutboxRecord record;
    record.dispatch = std::move(dispatch);
    record.not_before = wall_;
    record.give_up_at = wall_ + options_.dispatch_deadline;
    if (Status status = outbox_.Plan(std::move(record)); !status.ok()) {
      return status;
    }
  }
  if (options_.sink_emits) {
    for (const Emission& emission : effects_.emissions) {
      AddSinkRecord(SinkKind::kEmits, emission.customer, parts_.rendering->Emission(emission));
    }
  }
  for (LedgerEntry& entry : effects_.ledger) {
    record_bytes_ += sizeof entry;
    ledger_.emplace_back(customer->id, std::move(entry));
  }
  for (const TimerArm& arm : effects_.timers) {
    timers_->Add(arm.deadline, customer->id, arm.slot);
  }
  for (const ConditionError& error : effects_.condition_errors) {
    observer_.OnConditionError(error.campaign, error.why);
  }
  dirty_ = true;
  return Status::Ok();
}

void Shard::Impl::PromiseCode(const Dispatch& dispatch) {
  if (parts_.pools != nullptr && !dispatch.pool.empty()) {
    parts_.pools->Promise(dispatch.pool, dispatch.id, options_.shard);
  }
}

void Shard::Impl::ReleaseCode(const Dispatch& dispatch) {
  if (parts_.pools != nullptr && !dispatch.pool.empty()) {
    parts_.pools->Release(dispatch.pool, dispatch.id);
  }
}

void Shard::Impl::CountDecision(const Decision& decision) {
  CampaignTally& tally = state_.tallies[symbols_.Find(decision.campaign)];
  switch (decision.outcome) {
    case OutcomeKind::kEntered:
      ++tally.entered;
      break;
    case OutcomeKind::kRejected:
      ++tally.rejected;
      tally.holdout += decision.arm == "holdout" ? 1 : 0;
      break;
    case OutcomeKind::kExited:
      ++tally.exited;
      break;
    case OutcomeKind::kCompleted:
      ++tally.completed;
      break;
    case OutcomeKind::kFailed:
      ++tally.failed;
      break;
    case OutcomeKind::kIssued:
      tally.money_minor[std::string(decision.amount.currency.code())] += decision.amount.minor;
      break;
    case OutcomeKind::kConverted:
      ++(decision.arm == "holdout" ? tally.holdout_converted : tally.treated_converted);
      break;
    case OutcomeKind::kDeferred:
    case OutcomeKind::kDispatched:
    case OutcomeKind::kEmitted:
    case OutcomeKind::kSkipped:
      break;
  }
  observer_.OnDecision(decision);
}

// What one step decides of an episode is written together, for explain and for the sink.
void Shard::Impl::KeepDecisions(const Customer& customer) {
  const std::span<const Decision> decisions(effects_.decisions);
  for (size_t begin = 0; begin < decisions.size();) {
    const Decision& first = decisions[begin];
    size_t end = begin + 1;
    while (end < decisions.size() && decisions[end].episode == first.episode) {
      ++end;
    }
    std::string packed;
    PackDecisions(decisions.subspan(begin, end - begin), &packed);
    record_bytes_ += packed.size() + customer.id.size();
    if (options_.sink_decisions) {
      AddSinkRecord(SinkKind::kDecisions, customer.id, packed);
    }
    journal_.push_back({customer.id, first.episode, first.seq, wall_, std::move(packed)});
    begin = end;
  }
}

void Shard::Impl::CountEpisodes(const Customer& customer, int64_t by) {
  for (const Episode& episode : customer.episodes) {
    CampaignTally& tally = state_.tallies[episode.campaign];
    if (episode.state == Episode::State::kSettling ||
        episode.state == Episode::State::kDeferredEntry) {
      tally.pending += by;
    } else if (episode.entered() && episode.state != Episode::State::kEnded) {
      tally.waiting += by;
    }
    int64_t& open = state_.open_versions[episode.version];
    open += by;
  }
}

// An erased customer's open episodes are counted as gone.
void Shard::Impl::CloseEpisodes(const Customer& customer) {
  for (const Episode& episode : customer.episodes) {
    CampaignTally& tally = state_.tallies[episode.campaign];
    if (episode.state == Episode::State::kSettling ||
        episode.state == Episode::State::kDeferredEntry) {
      ++tally.rejected;
    } else if (episode.entered() && episode.state != Episode::State::kEnded) {
      ++tally.exited;
    }
  }
  CountEpisodes(customer, -1);
}

void Shard::Impl::AddSinkRecord(SinkKind kind, std::string key, std::string value) {
  SinkRecord record;
  record.kind = kind;
  record.sequence = ++state_.sinks_written[static_cast<size_t>(kind)];
  record.key = std::move(key);
  record.value = std::move(value);
  record_bytes_ += record.key.size() + record.value.size();
  sink_records_.push_back(std::move(record));
}

}  // namespace huitou
