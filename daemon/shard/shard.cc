#include "daemon/shard/shard.h"

#include <algorithm>
#include <iterator>

#include "daemon/shard/limits.h"
#include "daemon/shard/shard_impl.h"
#include "triggers/base/check.h"

namespace huitou {

Shard::Impl::Impl(ShardOptions options, ShardParts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      observer_(parts_.observer == nullptr ? silent_observer_ : *parts_.observer),
      quotas_(parts_.quotas),
      cache_(parts_.store, options_.shard, options_.cache_customers),
      outbox_(parts_.store, options_.shard, &state_) {
  CHECK(parts_.store != nullptr && parts_.quotas != nullptr && parts_.gate != nullptr);
  CHECK(parts_.rendering != nullptr && parts_.random != nullptr && parts_.campaigns != nullptr);
}

Shard::Impl::~Impl() {
  if (parts_.pools != nullptr) {
    parts_.pools->ReleaseAll(options_.shard);
  }
}

// --- opening
// --------------------------------------------------------------------------------------

Status Shard::Impl::Open() {
  auto state = parts_.store->ReadState(options_.shard);
  if (!state.ok()) {
    return state.status();
  }
  state_ = *std::move(state);
  ++state_.owner_epoch;
  Status status = OpenSymbols();
  if (status.ok()) {
    status = OpenQuotas();
  }
  if (status.ok()) {
    status = OpenInputs();
  }
  if (status.ok()) {
    status = outbox_.Open();
  }
  if (!status.ok()) {
    return status;
  }
  // Campaigns and channels are named in the shard's table first thing, behind what is stored.
  engine_ = std::make_unique<Engine>(parts_.campaigns, &symbols_);
  timers_ = std::make_unique<TimerIndex>(parts_.store, options_.shard, state_);
  for (size_t i = 0; i < kSinkKinds; ++i) {
    sinks_[i].offered = state_.sinks_delivered[i];
    sinks_[i].behind = state_.sinks_written[i] > state_.sinks_delivered[i];
  }
  Publish();
  return Status::Ok();
}

Status Shard::Impl::OpenSymbols() {
  const auto names = parts_.store->ReadSymbols(options_.shard);
  if (!names.ok()) {
    return names.status();
  }
  for (const std::string& name : *names) {
    symbols_.Intern(name);
  }
  symbols_committed_ = symbols_.size();
  return Status::Ok();
}

Status Shard::Impl::OpenQuotas() {
  auto parts = parts_.store->ReadQuotas(options_.shard);
  if (!parts.ok()) {
    return parts.status();
  }
  quotas_.Load(*std::move(parts));
  return Status::Ok();
}

Status Shard::Impl::OpenInputs() {
  std::vector<InputSpec> specs;
  for (const ShardParts::InputPart& part : parts_.inputs) {
    specs.push_back(part.spec);
    InputState& input = inputs_.emplace_back();
    input.spec = part.spec;
    input.decoder = part.decoder;
  }
  frontier_ = std::make_unique<Frontier>(std::move(specs), state_.frontier);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    for (const InputPosition& position : state_.inputs) {
      if (position.input == inputs_[i].spec.name) {
        inputs_[i].next_offset = position.next_offset;
        inputs_[i].committed_offset = position.next_offset;
        frontier_->Restore(i, position.newest, position.frontier);
        if (parts_.pulses != nullptr) {
          parts_.pulses->Beat(inputs_[i].spec.source, position.newest);
        }
      }
    }
  }
  return Status::Ok();
}

// --- turns
// ----------------------------------------------------------------------------------------

Result<Shard::Progress> Shard::Impl::Turn(TimeUs wall) {
  wall_ = wall;
  committed_this_turn_ = false;
  if (last_commit_at_ == kTimeMin || wall < last_commit_at_) {
    last_commit_at_ = wall;  // the first turn; or the wall clock was set back
  }
  if (stalled_) {
    // Nothing new before what is there already could be written.
    Status status = CommitNow();
    if (!status.ok()) {
      return status;
    }
  }
  size_t steps = limits::kStepsPerTurn;
  Status status = recovered_ ? Status::Ok() : RecoverLeased();
  if (status.ok()) {
    status = TakeInbox();
  }
  if (status.ok()) {
    status = Work(&steps);
  }
  if (status.ok()) {
    status = ApplyDue();
  }
  if (status.ok() && sending_) {
    status = Lease();
    status = status.ok() ? LookThroughBlocked() : status;
  }
  if (status.ok() && CommitIsDue()) {
    status = CommitNow();
  }
  if (status.ok()) {
    status = RunTasks();
  }
  if (status.ok()) {
    status = OfferSinks();
  }
  if (!status.ok()) {
    return status;
  }
  cache_.Trim();
  Progress progress;
  progress.more = !IsIdle() && !stalled_;
  progress.committed = committed_this_turn_;
  progress.wake_at = WakeAt();
  return progress;
}

// Whether nothing is left to be done before something comes.
bool Shard::Impl::IsIdle() const {
  for (const InputState& input : inputs_) {
    if (!input.drained() || input.at_end.has_value()) {
      return false;
    }
  }
  std::lock_guard lock(inbox_mutex_);
  return held_input_ == nullptr && frontier_->Target() <= state_.frontier && inbox_.empty();
}

bool Shard::Impl::IsLive() const {
  return std::all_of(inputs_.begin(), inputs_.end(), [this](const InputState& input) {
    return input.live_at != kTimeMin && input.live_at + limits::kLiveWithin >= wall_;
  });
}

// Memory is bounded: so much uncommitted work and no more.
bool Shard::Impl::MustCommit() const {
  return events_since_commit_ >= limits::kEventsPerCommit ||
         cache_.changed().size() >= std::max<size_t>(1, options_.cache_customers / 2) ||
         record_bytes_ >= limits::kCommitBytesMax;
}

bool Shard::Impl::CommitIsDue() const {
  const DurationUs since = wall_ - last_commit_at_;
  if (!dirty_) {
    return frontier_moved_ && since >= limits::kFrontierCommitInterval;
  }
  if (MustCommit() || !tasks_.empty()) {
    return true;
  }
  // Somebody waits for what stands ready: at once, when nothing else is to be read first.
  const bool answers = !acknowledge_.empty() || !postponed_.empty();
  if (IsIdle() && (answers || (!outgoing_.empty() && IsLive()))) {
    return true;
  }
  return since >= CommitInterval();
}

// While catching up nobody waits, and a large commit costs half as much per event.
DurationUs Shard::Impl::CommitInterval() const {
  return IsLive() ? options_.commit_interval : limits::kCatchUpCommitInterval;
}

TimeUs Shard::Impl::WakeAt() const {
  TimeUs wake_at = awaited_asked_at_ + limits::kAwaitedInterval;
  if (sending_) {
    wake_at = std::min(wake_at, outbox_.NextTime(blocked_));
  }
  return dirty_ ? std::min(wake_at, last_commit_at_ + CommitInterval()) : wake_at;
}

Status Shard::Impl::Commit(TimeUs wall) {
  wall_ = wall;
  // The last results too: a send that is over must not look unknown at the next start.
  if (Status status = TakeInbox(); !status.ok()) {
    return status;
  }
  return dirty_ || frontier_moved_ ? CommitNow() : Status::Ok();
}

Status Shard::Impl::SetCampaigns(std::shared_ptr<const CampaignSet> set) {
  engine_ = std::make_unique<Engine>(std::move(set), &symbols_);
  dirty_ = true;
  return Status::Ok();
}

// --- the inbox
// ------------------------------------------------------------------------------------

Status Shard::Impl::TakeInbox() {
  Inbox taken;
  {
    std::lock_guard lock(inbox_mutex_);
    std::swap(taken, inbox_);
  }
  for (const SendResult& result : taken.results) {
    Status status = ApplyResult(result);
    if (!status.ok()) {
      return status;
    }
  }
  for (const QueryResult& result : taken.answers) {
    Status status = ApplyQueryResult(result);
    if (!status.ok()) {
      return status;
    }
  }
  for (PostedReceipt& receipt : taken.receipts) {
    Status status = ApplyReceipt(std::move(receipt));
    if (!status.ok()) {
      return status;
    }
  }
  for (PostedSaid& said : taken.said) {
    Status status = ApplySaid(std::move(said));
    if (!status.ok()) {
      return status;
    }
  }
  for (const auto& [kind, sequence] : taken.delivered) {
    uint64_t& delivered = state_.sinks_delivered[static_cast<size_t>(kind)];
    if (sequence > delivered) {
      delivered = sequence;
      dirty_ = true;
    }
  }
  std::move(taken.tasks.begin(), taken.tasks.end(), std::back_inserter(tasks_));
  return Status::Ok();
}

// What a task sees. All of it is committed when the task begins.
class Shard::Impl::View final : public ShardView {
 public:
  explicit View(Impl* impl) : impl_(impl) {}

  Result<const Customer*> FindCustomer(std::string_view id) override {
    Result<Customer*> found = impl_->cache_.Find(id);
    if (!found.ok()) {
      return found.status();
    }
    return static_cast<const Customer*>(*found);
  }
  Engine& engine() override { return *impl_->engine_; }
  Context context() override { return impl_->ContextNow(); }
  Store& store() override { return *impl_->parts_.store; }
  SymbolTable& symbols() override { return impl_->symbols_; }

  Status Erase(std::string_view customer) override {
    Status status = impl_->Commit(impl_->wall_);
    if (!status.ok()) {
      return status;
    }
    Result<Customer*> found = impl_->cache_.Find(customer);
    if (!found.ok()) {
      return found.status();
    }
    impl_->CloseEpisodes(**found);
    const std::string id((*found)->id);
    auto erased = impl_->parts_.store->Erase(impl_->options_.shard, id);
    if (!erased.ok()) {
      return erased.status();
    }
    impl_->cache_.Forget(id);
    impl_->outbox_.Forget(id);
    impl_->timers_->Reload(erased->timers);
    for (const std::string& channel : erased->waiting) {
      --impl_->state_.outbox_depth[channel];
    }
    if (impl_->parts_.pools != nullptr) {
      impl_->parts_.pools->ReleaseAll(impl_->options_.shard);  // what was erased is among them
    }
    impl_->dirty_ = true;
    return impl_->CommitNow();
  }

 private:
  Impl* const impl_;
};

Status Shard::Impl::RunTasks() {
  if (tasks_.empty() || dirty_) {
    return Status::Ok();
  }
  std::vector<std::function<void(ShardView&)>> tasks;
  std::swap(tasks, tasks_);
  View view(this);
  for (const auto& task : tasks) {
    task(view);
  }
  return Status::Ok();
}

// --- what can be seen
// -----------------------------------------------------------------------------

void Shard::Impl::Publish() {
  ShardStatus status;
  status.shard = options_.shard;
  status.frontier = state_.frontier;
  status.events = events_;
  status.commits = state_.commit;
  status.at_end = IsLive();
  status.stalled = stalled_;
  status.timers_pending = timers_->count();
  status.outbox_depth = state_.outbox_depth;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    status.newest = std::max(status.newest, frontier_->newest(i));
    if (frontier_->IsSilent(i)) {
      status.silent_sources.push_back(inputs_[i].spec.source);
      const TimeUs otherwise = wall_ - inputs_[i].spec.allowed_lateness;
      status.timers_held = std::max(status.timers_held, timers_->CountBefore(otherwise));
    }
  }
  status.held = !status.silent_sources.empty();
  for (const auto& [campaign, tally] : state_.tallies) {
    status.tallies[symbols_.Name(campaign)] = tally;
  }
  std::lock_guard lock(status_mutex_);
  status_ = std::move(status);
}

ShardStatus Shard::Impl::Snapshot() const {
  std::lock_guard lock(status_mutex_);
  return status_;
}

// --- the door
// -------------------------------------------------------------------------------------

Shard::Shard(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
Shard::~Shard() = default;

Result<std::unique_ptr<Shard>> Shard::Open(ShardOptions options, ShardParts parts) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(parts));
  Status status = impl->Open();
  if (!status.ok()) {
    return status;
  }
  return std::unique_ptr<Shard>(new Shard(std::move(impl)));
}

int64_t Shard::NextOffset(size_t input) const {
  return impl_->inputs_[input].next_offset;
}

int64_t Shard::CommittedOffset(size_t input) const {
  return impl_->inputs_[input].committed_offset;
}

bool Shard::Wants(size_t input) const {
  return impl_->inputs_[input].drained();
}

void Shard::Feed(size_t input, std::span<const SourceRecord> records) {
  Impl::InputState& state = impl_->inputs_[input];
  CHECK(state.drained());
  state.records.assign(records.begin(), records.end());
  state.used = 0;
  state.at_end.reset();
}

void Shard::AtEnd(size_t input, TimeUs wall) {
  impl_->inputs_[input].at_end = wall;
}

Result<Shard::Progress> Shard::Turn(TimeUs wall) {
  return impl_->Turn(wall);
}
Status Shard::Commit(TimeUs wall) {
  return impl_->Commit(wall);
}

void Shard::SetSending(bool sending) {
  impl_->SetSending(sending);
}

Status Shard::SetCampaigns(std::shared_ptr<const CampaignSet> set) {
  return impl_->SetCampaigns(std::move(set));
}

ShardStatus Shard::Snapshot() const {
  return impl_->Snapshot();
}

void Shard::PostResult(SendResult result) {
  impl_->ToInbox([&result](Impl::Inbox* inbox) { inbox->results.push_back(std::move(result)); });
}

void Shard::PostQueryResult(QueryResult result) {
  impl_->ToInbox([&](Impl::Inbox* inbox) { inbox->answers.push_back(std::move(result)); });
}

void Shard::PostReceipt(std::string channel, channels::Receipt receipt,
                        std::function<void(bool)> done) {
  impl_->ToInbox([&](Impl::Inbox* inbox) {
    Impl::PostedReceipt& posted = inbox->receipts.emplace_back();
    posted.channel = std::move(channel);
    posted.receipt = std::move(receipt);
    posted.done = std::move(done);
  });
}

void Shard::PostSaid(Said said, std::function<void()> done) {
  impl_->ToInbox([&](Impl::Inbox* inbox) {
    inbox->said.push_back({std::move(said), std::move(done)});
  });
}

void Shard::PostDelivered(SinkKind kind, uint64_t sequence) {
  impl_->ToInbox([&](Impl::Inbox* inbox) { inbox->delivered.emplace_back(kind, sequence); });
}

void Shard::PostRoom() {
  impl_->ToInbox([](Impl::Inbox* /*inbox*/) {});
}

void Shard::Post(std::function<void(ShardView&)> task) {
  impl_->ToInbox([&task](Impl::Inbox* inbox) { inbox->tasks.push_back(std::move(task)); });
}

}  // namespace huitou
