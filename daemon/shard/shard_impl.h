// The inside of a shard, in parts: shard.cc (opening, turns, the inbox), shard_events.cc (records,
// timers, the frontier, what a step has for effects), shard_outbox.cc (leases, results),
// shard_receipts.cc (receipts, what people say), shard_commit.cc (the one batch and what leaves
// behind it). Include nowhere else.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/outbox/code_pool.h"
#include "daemon/shard/customer_cache.h"
#include "daemon/shard/frontier.h"
#include "daemon/shard/outbox_queue.h"
#include "daemon/shard/shard.h"
#include "daemon/shard/timer_index.h"

namespace huitou {

class Shard::Impl {
 public:
  Impl(ShardOptions options, ShardParts parts);
  ~Impl();

  // --- shard.cc
  Status Open();
  Result<Progress> Turn(TimeUs wall);
  Status Commit(TimeUs wall);
  Status SetCampaigns(std::shared_ptr<const CampaignSet> set);
  ShardStatus Snapshot() const;

  // One input as far as it was read.
  struct InputState {
    InputSpec spec;
    Decoder* decoder = nullptr;
    int64_t next_offset = InputPosition::kNoOffset;
    int64_t committed_offset = InputPosition::kNoOffset;
    int64_t trimmed_offset = 0;  // of the embedded log
    std::vector<SourceRecord> records;
    size_t used = 0;
    std::optional<TimeUs> at_end;  // holds behind `records`
    TimeUs live_at = kTimeMin;     // when it was last seen to stand at its end

    bool drained() const { return used == records.size(); }
  };

  // What other threads leave for the owner.
  struct PostedReceipt {
    std::string channel;
    channels::Receipt receipt;
    std::function<void(bool)> done;
    bool retried = false;
    bool known = false;
    std::string heard_until;  // of those who have the address: the last one who was told
  };
  struct PostedSaid {
    Said said;
    std::function<void()> done;
  };
  struct Inbox {
    std::vector<SendResult> results;
    std::vector<QueryResult> answers;
    std::vector<PostedReceipt> receipts;
    std::vector<PostedSaid> said;
    std::vector<std::pair<SinkKind, uint64_t>> delivered;
    std::vector<std::function<void(ShardView&)>> tasks;

    bool empty() const {
      return results.empty() && answers.empty() && receipts.empty() && said.empty() &&
             delivered.empty() && tasks.empty();
    }
  };
  template <typename Change>
  void ToInbox(const Change& change) {
    {
      std::lock_guard lock(inbox_mutex_);
      change(&inbox_);
    }
    if (parts_.waker != nullptr) {
      parts_.waker->Wake();
    }
  }

  void SetSending(bool sending) { sending_ = sending; }

  std::vector<InputState> inputs_;
  Inbox inbox_;  // under inbox_mutex_
  mutable std::mutex inbox_mutex_;

 private:
  class View;
  struct SinkOut {
    std::vector<SinkRecord> ready;  // committed, to be handed over
    size_t handed = 0;              // of `ready`
    uint64_t offered = 0;           // sequence of the last one handed over
    uint64_t trimmed = 0;
    bool behind = false;  // there are more in the store, behind `ready`
  };

  // --- shard.cc
  Status OpenSymbols();
  Status OpenInputs();
  Status OpenQuotas();
  Status TakeInbox();
  Status RunTasks();
  void Publish();
  bool IsLive() const;
  bool IsIdle() const;
  bool MustCommit() const;
  bool CommitIsDue() const;
  DurationUs CommitInterval() const;
  TimeUs WakeAt() const;

  // --- shard_events.cc
  Status Work(size_t* steps);
  Result<bool> FireDue(size_t* steps);
  Status FireSome(TimeUs target, size_t* steps);
  Status Fire(const DueTimers& due);
  InputState* NextInput();
  Status Prefetch(const InputState& input);
  void TakeRecord(InputState* input);
  bool TakeEnds();
  Status ApplyHeld();
  void DeadLetter(const InputState& input, const SourceRecord& record, std::string_view reason,
                  std::string_view detail);
  Context ContextNow();
  // One step of the engine, and everything that follows from it.
  Status Step(const huitou::Input& input, Customer* customer);
  Status TakeEffects(Customer* customer);
  void CountDecision(const Decision& decision);
  void KeepDecisions(const Customer& customer);
  void CountEpisodes(const Customer& customer, int64_t by);
  void CloseEpisodes(const Customer& customer);
  // The codes that its pool holds back for a coupon on its way.
  void PromiseCode(const Dispatch& dispatch);
  void ReleaseCode(const Dispatch& dispatch);
  void AddSinkRecord(SinkKind kind, std::string key, std::string value);

  // --- shard_outbox.cc
  Status RecoverLeased();
  Status ApplyResult(const SendResult& result);
  Status ApplyQueryResult(const QueryResult& result);
  Status Query(const OutboxRecord& record);
  Status ApplyDue();
  Status Lease();
  Status LookThroughBlocked();
  // Whether the acquired room was used.
  Result<bool> LeaseOne(OutboxRecord* record);
  Status Refuse(OutboxRecord* record, Reason reason, std::string_view word);
  Status AfterTransition(OutboxRecord* record, const std::string& channel_before,
                         const Transition& transition, std::string_view code);
  Status AskLast();
  Status EndCredit(OutboxRecord* record, const std::string& channel_before,
                   const Transition& transition);
  // A message that a channel did not bring, for those who ask why.
  void KeepInJournal(const OutboxRecord& record, const std::string& channel_before,
                     const Transition& transition);
  void Withdraw(const Id128& dispatch, Customer* customer);
  const ChannelPolicy& PolicyOf(const std::string& channel) const;

  // --- shard_receipts.cc
  static constexpr std::string_view kMessageReplied = "message.replied";
  static constexpr std::string_view kMessageClicked = "message.clicked";
  static constexpr std::string_view kConsentRevoked = "consent.revoked";
  static constexpr std::string_view kConsentGranted = "consent.granted";
  static constexpr std::string_view kChannelSubscribed = "channel.subscribed";
  static constexpr std::string_view kChannelUnsubscribed = "channel.unsubscribed";
  Status ApplyReceipt(PostedReceipt posted);
  // Null when it is not known, or settled.
  Result<OutboxRecord*> RecordOf(const PostedReceipt& posted);
  Result<bool> HearPerson(const OutboxRecord* record, PostedReceipt* posted);
  // Who has answered a message with a stop word does not get it from another channel.
  Status SettleAnswered(const Id128& dispatch);
  Status StopFallback(const std::string& customer, const std::string& channel);
  Status ApplySaid(PostedSaid posted);
  // The whole id of a customer's dispatch; empty when it is not remembered.
  Result<std::string> CompleteDispatch(const std::string& customer,
                                       const std::string& digits) const;
  Status Hear(const Said& said);
  Status SuppressChannel(const std::string& customer, const std::string& channel,
                         std::string_view reason);

  // --- shard_commit.cc
  Status CommitNow();
  void Fill(CommitBatch* batch);
  void FillTrims(CommitBatch* batch);
  void AfterCommit(const CommitBatch& batch);
  Status OfferSinks();
  void CheckConservation();

  const ShardOptions options_;
  const ShardParts parts_;
  ShardObserver silent_observer_;
  ShardObserver& observer_;

  ShardState state_;
  SymbolTable symbols_;
  uint32_t symbols_committed_ = SymbolTable::kOverflow + 1;
  ShardQuotas quotas_;
  std::unique_ptr<Engine> engine_;
  Effects effects_;
  CustomerCache cache_;
  OutboxQueue outbox_;
  std::unique_ptr<Frontier> frontier_;
  std::unique_ptr<TimerIndex> timers_;
  DueTimers due_;

  // The record in hand: decoded, and waiting for timers that are due before it.
  InputState* held_input_ = nullptr;
  Event held_;

  // Since the last commit:
  std::vector<std::pair<std::string, LedgerEntry>> ledger_;
  std::vector<JournalLine> journal_;
  std::vector<SinkRecord> sink_records_;
  size_t record_bytes_ = 0;  // of the three above
  size_t events_since_commit_ = 0;
  bool dirty_ = false;           // something that must not be lost; the frontier alone can be
  bool frontier_moved_ = false;  // likewise, but it comes again by itself
  bool sending_ = true;
  // Leased, to be sent behind the commit; `asked` once the last question was answered with yes.
  struct Outgoing {
    SendJob job;
    bool asked = false;
  };
  std::vector<Outgoing> outgoing_;
  std::vector<std::function<void()>> acknowledge_;  // to be told behind the commit

  std::array<SinkOut, kSinkKinds> sinks_;
  std::vector<PostedReceipt> postponed_;  // receipts that may be for what is not committed yet
  std::vector<std::function<void(ShardView&)>> tasks_;
  std::set<std::string> blocked_;   // channels without room
  std::set<std::string> violated_;  // told already
  bool recovered_ = false;
  bool stalled_ = false;
  bool committed_this_turn_ = false;
  TimeUs wall_ = kTimeMin;
  TimeUs last_commit_at_ = kTimeMin;
  TimeUs awaited_asked_at_ = kTimeMin;
  TimeUs blocked_asked_at_ = kTimeMin;
  uint64_t events_ = 0;

  mutable std::mutex status_mutex_;
  ShardStatus status_;  // under status_mutex_
};

}  // namespace huitou
