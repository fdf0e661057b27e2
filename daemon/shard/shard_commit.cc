#include <algorithm>
#include <iterator>
#include <utility>

#include "daemon/shard/limits.h"
#include "daemon/shard/shard_impl.h"

namespace huitou {

Status Shard::Impl::CommitNow() {
  Status status = AskLast();
  if (!status.ok()) {
    return status;
  }
  CommitBatch batch;
  Fill(&batch);
  status = parts_.store->Commit(options_.shard, &batch);
  batch.ledger.swap(ledger_);
  batch.journal.swap(journal_);
  batch.sinks.swap(sink_records_);
  const bool full = status.code() == StatusCode::kExhausted;
  if (full != stalled_) {
    stalled_ = full;
    observer_.OnStalled(full, status.message());
    Publish();
  }
  if (!status.ok()) {
    return status;  // everything is still here; a full disk is tried again
  }
  AfterCommit(batch);
  return Status::Ok();
}

void Shard::Impl::Fill(CommitBatch* batch) {
  ++state_.commit;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    // Positions of inputs that are not configured just now stay as they are.
    const std::string& name = inputs_[i].spec.name;
    const auto known =
        std::find_if(state_.inputs.begin(), state_.inputs.end(),
                     [&name](const InputPosition& position) { return position.input == name; });
    InputPosition& position = known == state_.inputs.end() ? state_.inputs.emplace_back() : *known;
    position = {name, inputs_[i].next_offset, frontier_->newest(i), frontier_->frontier(i)};
  }
  std::erase_if(state_.open_versions, [](const auto& version) { return version.second == 0; });
  batch->state = &state_;
  batch->customers.assign(cache_.changed().begin(), cache_.changed().end());
  timers_->Prepare(batch, &state_);
  outbox_.Prepare(batch);
  // Lent for the commit: these are large when many campaigns fire at once.
  batch->ledger.swap(ledger_);
  batch->journal.swap(journal_);
  batch->sinks.swap(sink_records_);
  batch->quotas = quotas_.Changed();
  batch->quotas_expired = quotas_.expired();
  for (uint32_t number = symbols_committed_; number < symbols_.size(); ++number) {
    batch->symbols.emplace_back(number, symbols_.Name(number));
  }
  FillTrims(batch);
}

void Shard::Impl::FillTrims(CommitBatch* batch) {
  const auto dead = static_cast<size_t>(SinkKind::kDeadLetters);
  if (!options_.sink_dead_letters && state_.sinks_written[dead] > limits::kDeadLettersKept) {
    // Nobody fetches them: the newest are kept to be looked at.
    state_.sinks_delivered[dead] = std::max(state_.sinks_delivered[dead],
                                            state_.sinks_written[dead] - limits::kDeadLettersKept);
  }
  for (size_t i = 0; i < kSinkKinds; ++i) {
    if (state_.sinks_delivered[i] - sinks_[i].trimmed >= limits::kRecordsPerTrim) {
      batch->sinks_trimmed.push_back(static_cast<SinkKind>(i));
    }
  }
  for (const InputState& input : inputs_) {
    if (input.spec.log_stream.has_value() &&
        input.next_offset - input.trimmed_offset >= int64_t{limits::kRecordsPerTrim}) {
      batch->log_consumed.emplace_back(*input.spec.log_stream, input.next_offset);
    }
  }
}

// What leaves the shard leaves now, behind the commit that says so.
void Shard::Impl::AfterCommit(const CommitBatch& batch) {
  observer_.OnCommit(batch);
  cache_.Committed();
  timers_->Committed();
  outbox_.Committed();
  quotas_.Committed();
  symbols_committed_ = symbols_.size();
  ledger_.clear();
  journal_.clear();
  for (const SinkKind kind : batch.sinks_trimmed) {
    const auto number = static_cast<size_t>(kind);
    sinks_[number].trimmed = state_.sinks_delivered[number];
  }
  for (InputState& input : inputs_) {
    input.committed_offset = input.next_offset;
    const bool trimmed =
        input.spec.log_stream.has_value() &&
        std::any_of(batch.log_consumed.begin(), batch.log_consumed.end(),
                    [&](const auto& consumed) { return consumed.first == *input.spec.log_stream; });
    input.trimmed_offset = trimmed ? input.next_offset : input.trimmed_offset;
  }
  for (SinkRecord& record : sink_records_) {
    SinkOut& out = sinks_[static_cast<size_t>(record.kind)];
    if (out.behind || out.ready.size() - out.handed >= limits::kSinkRecordsAhead) {
      out.behind = true;
    } else {
      out.ready.push_back(std::move(record));
    }
  }
  sink_records_.clear();
  record_bytes_ = 0;
  events_since_commit_ = 0;
  last_commit_at_ = wall_;
  dirty_ = false;
  frontier_moved_ = false;
  committed_this_turn_ = true;
  if (!outgoing_.empty()) {
    std::vector<SendJob> jobs;
    for (Outgoing& outgoing : outgoing_) {
      jobs.push_back(std::move(outgoing.job));
    }
    outgoing_.clear();
    parts_.gate->Send(std::move(jobs));
  }
  for (const auto& acknowledge : acknowledge_) {
    acknowledge();
  }
  acknowledge_.clear();
  {
    std::lock_guard lock(inbox_mutex_);
    std::move(postponed_.begin(), postponed_.end(), std::back_inserter(inbox_.receipts));
  }
  postponed_.clear();
  CheckConservation();
  Publish();
}

Status Shard::Impl::OfferSinks() {
  const bool wanted[kSinkKinds] = {options_.sink_decisions, options_.sink_emits,
                                   options_.sink_dead_letters};
  for (size_t i = 0; i < kSinkKinds && parts_.sinks != nullptr; ++i) {
    SinkOut& out = sinks_[i];
    if (!wanted[i]) {
      out = SinkOut{{}, 0, out.offered, out.trimmed, false};
      continue;
    }
    if (out.handed == out.ready.size() && out.behind) {
      out.ready.clear();
      out.handed = 0;
      Status status =
          parts_.store->ReadSinks(options_.shard, static_cast<SinkKind>(i), out.offered + 1,
                                  limits::kSinkRecordsAhead, &out.ready);
      if (!status.ok()) {
        return status;
      }
      out.behind = out.ready.size() >= limits::kSinkRecordsAhead;
    }
    const std::span<const SinkRecord> records(out.ready.data() + out.handed,
                                              out.ready.size() - out.handed);
    if (records.empty()) {
      continue;
    }
    const size_t taken = parts_.sinks->Offer(options_.shard, static_cast<SinkKind>(i), records);
    if (taken > 0) {
      out.offered = records[taken - 1].sequence;
      out.handed += taken;
    }
    if (out.handed == out.ready.size()) {
      out.ready.clear();
      out.handed = 0;
    }
  }
  return Status::Ok();
}

// candidates = entered + rejected + pending; entered = waiting + exited + completed + failed.
void Shard::Impl::CheckConservation() {
  for (const auto& [campaign, tally] : state_.tallies) {
    const auto entered = static_cast<int64_t>(tally.entered);
    const auto candidates = static_cast<int64_t>(tally.candidates);
    const auto ended = static_cast<int64_t>(tally.exited + tally.completed + tally.failed);
    const bool holds =
        candidates == entered + static_cast<int64_t>(tally.rejected) + tally.pending &&
        entered == tally.waiting + ended;
    if (!holds && violated_.insert(symbols_.Name(campaign)).second) {
      observer_.OnConservationViolation(symbols_.Name(campaign));
    }
  }
}

}  // namespace huitou
