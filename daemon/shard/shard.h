// A shard: exactly-once processing in event time for the customers of one partition.
//
// A deterministic state machine that somebody else drives: a ShardWorker with its thread, or a test
// and the fault simulation step by step. It reads no clock and opens no socket.
//
//   auto shard = Shard::Open(options, parts);          // at the stored positions
//   shard->Feed(0, records);                            // views must last until Wants(0) again
//   shard->AtEnd(0, wall);                              // the input ended behind them at that time
//   while (shard->Turn(wall)->more) {}                  // bounded work per turn
//
// One turn: results and receipts from the inbox; timers that the frontier has passed, before any
// event later than them; records; leases; and, when it is time, one commit. What leaves the shard
// (sends, sink records) leaves behind the commit that says so.
//
// Threads: Post* are for any thread, everything else for the owner thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "channels/channel.h"
#include "daemon/clock/clock.h"
#include "daemon/outbox/outbox.h"
#include "daemon/shard/input.h"
#include "daemon/shard/quota_book.h"
#include "daemon/state/store.h"
#include "triggers/base/status.h"
#include "triggers/engine.h"

namespace huitou {

class CodePools;

// --- What a shard is given ----------------------------------------------------------------------

// Turns plans into what leaves the house, when they leave. One per shard, owner thread.
class Rendering {
 public:
  virtual ~Rendering() = default;
  // The message for record.channel(), with the address in force now.
  virtual Result<channels::Message> Message(const OutboxRecord& record, const Customer& customer,
                                            std::string_view address) = 0;
  // The JSON object for the emits sink.
  virtual std::string Emission(const huitou::Emission& emission) = 0;
};

// Where sink records go: a Kafka producer or a file. Any thread.
class RecordSinks {
 public:
  virtual ~RecordSinks() = default;
  // Takes the first n of `records`, in order, and returns n; fewer when it is full, and the shard
  // is then woken when there is room. Each that arrived is told by Shard::PostDelivered.
  virtual size_t Offer(ShardNumber shard, SinkKind kind, std::span<const SinkRecord> records) = 0;
};

// Hears what happens, for metrics. Owner thread of the shard.
class ShardObserver {
 public:
  virtual ~ShardObserver() = default;
  virtual void OnEvent(const InputSpec& /*input*/, std::string_view /*type*/) {}
  // `reason` is a word of EventError.
  virtual void OnRejected(const InputSpec& /*input*/, std::string_view /*reason*/) {}
  virtual void OnLate(const InputSpec& /*input*/) {}
  virtual void OnFuture(const InputSpec& /*input*/) {}
  // "event" (an id seen before) or "offset" (a record read before).
  virtual void OnDuplicate(std::string_view /*kind*/) {}
  virtual void OnDecision(const Decision& /*decision*/) {}
  // A condition of the campaign failed with this message; it counts as not true.
  virtual void OnConditionError(std::string_view /*campaign*/, std::string_view /*why*/) {}
  // A timer fired this long after its deadline, by the wall clock.
  virtual void OnTimer(DurationUs /*lateness*/) {}
  // What became of a dispatch beside its attempts, which the DispatchObserver hears of: delivered,
  // undelivered, refused (the last question before sending), diverted or failed (for good).
  virtual void OnDispatch(std::string_view /*channel*/, std::string_view /*outcome*/) {}
  virtual void OnConservationViolation(std::string_view /*what*/) {}
  virtual void OnCommit(const CommitBatch& /*batch*/) {}
  // The store refuses (a full disk), or takes again.
  virtual void OnStalled(bool /*stalled*/, std::string_view /*why*/) {}
};

struct ShardOptions {
  ShardNumber shard = 0;
  DurationUs commit_interval = 100 * 1000;
  DurationUs dispatch_deadline = kDayUs;  // OutboxRecord::give_up_at from the plan on
  size_t cache_customers = 100'000;
  bool sink_decisions = false;  // which sinks are configured; dead letters are always kept
  bool sink_emits = false;
  bool sink_dead_letters = false;
  std::map<std::string, ChannelPolicy> policies;  // by channel; those of coupons too
};

struct ShardParts {
  Store* store = nullptr;
  QuotaBook* quotas = nullptr;
  SendGate* gate = nullptr;
  Rendering* rendering = nullptr;
  RecordSinks* sinks = nullptr;        // null: sink records are kept only
  const CouponCodes* codes = nullptr;  // of the local coupon provider
  CodePools* pools = nullptr;          // of the shop file; null: none is asked
  ShardObserver* observer = nullptr;   // null: nobody listens
  Random* random = nullptr;            // jitter
  SourcePulses* pulses = nullptr;      // for expect_event_within; null: this shard's own only
  Waker* waker = nullptr;              // woken by Post*; null: the caller polls
  std::shared_ptr<const CampaignSet> campaigns;
  struct InputPart {
    InputSpec spec;
    Decoder* decoder = nullptr;
  };
  std::vector<InputPart> inputs;
};

// --- What can be asked --------------------------------------------------------------------------

// One look at a shard for other threads; a snapshot of the last turn.
struct ShardStatus {
  ShardNumber shard = 0;
  TimeUs frontier = kTimeMin;
  TimeUs newest = kTimeMin;
  uint64_t events = 0;
  uint64_t commits = 0;
  bool at_end = false;
  bool stalled = false;                         // the store refuses; new work is not taken
  bool held = false;                            // a feed is silent for too long
  size_t timers_held = 0;                       // due but for the silence; counted up to a bound
  int64_t timers_pending = 0;                   // entries in the index
  std::map<std::string, int64_t> outbox_depth;  // by channel
  std::map<std::string, CampaignTally> tallies;
  std::vector<std::string> silent_sources;
};

// What a customer said or did outside of the sources, of which an event is made: by a provider's
// callback, or on a page of ours.
struct Said {
  std::string id;    // of the event
  std::string type;  // "consent.revoked", "message.clicked", ...
  std::string customer;
  std::string channel;
  std::string message_class;  // of consents; empty: marketing
  std::string template_name;  // of consents; empty: of every template
  int32_t credits = 0;        // of consents: one-time ones; 0: a lasting one
  std::string dispatch;       // what it answers, of a click perhaps the first digits; or empty
  std::string text;           // what was written; of a click the link's name
  TimeUs time = 0;            // 0: now
};

// What runs on the owner thread between two inputs, with everything committed.
class ShardView {
 public:
  virtual ~ShardView() = default;
  virtual Result<const Customer*> FindCustomer(std::string_view id) = 0;
  virtual Engine& engine() = 0;
  virtual Context context() = 0;
  virtual Store& store() = 0;
  virtual SymbolTable& symbols() = 0;
  // Out of every family; at once.
  virtual Status Erase(std::string_view customer) = 0;
};

class Shard {
 public:
  // kUnavailable when the store can't be read; kCorrupt when its records make no sense.
  static Result<std::unique_ptr<Shard>> Open(ShardOptions options, ShardParts parts);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // --- inputs, by their index in ShardParts::inputs ---
  // Where to begin: InputPosition::next_offset of what is stored.
  int64_t NextOffset(size_t input) const;
  // Committed up to here.
  int64_t CommittedOffset(size_t input) const;
  // Whether all records that were fed are used up; only then may more be fed.
  bool Wants(size_t input) const;
  void Feed(size_t input, std::span<const SourceRecord> records);
  // Behind the records fed so far the input stood at its end at this wall time.
  void AtEnd(size_t input, TimeUs wall);

  // --- work ---
  struct Progress {
    bool more = false;          // call again at once
    bool committed = false;     // this turn committed
    TimeUs wake_at = kTimeMax;  // wall clock; unless something comes before
  };
  // Does a bounded piece of work. kExhausted: the store is full; nothing is lost, call again after
  // a pause. Any other error is final: throw the shard away and open it anew.
  Result<Progress> Turn(TimeUs wall);
  // Commits what is there now (shutdown; a partition that is taken away).
  Status Commit(TimeUs wall);

  // Whether dispatches may leave; off while the process is about to end.
  void SetSending(bool sending);

  // New campaigns from the next input on; `versions` that open episodes run must be among
  // set->retired. Owner thread (see Post).
  Status SetCampaigns(std::shared_ptr<const CampaignSet> set);

  ShardStatus Snapshot() const;  // any thread

  // --- any thread ---
  void PostResult(SendResult result);
  void PostQueryResult(QueryResult result);
  // `done` runs on the owner thread when the receipt is durable, with whether this shard knew what
  // it is about. A receipt without a dispatch id is looked for by the provider's message id; what a
  // person said reaches everybody who has the address.
  void PostReceipt(std::string channel, channels::Receipt receipt, std::function<void(bool)> done);
  // `done` runs on the owner thread when the event is durable, or is none: a click of somebody of
  // whom nothing is known, or on a message that nobody remembers.
  void PostSaid(Said said, std::function<void()> done);
  // The sink has everything up to this sequence.
  void PostDelivered(SinkKind kind, uint64_t sequence);
  // There is room again on this channel (SendGate) or in the sinks.
  void PostRoom();
  // Runs on the owner thread with everything committed.
  void Post(std::function<void(ShardView&)> task);

  class Impl;

 private:
  explicit Shard(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace huitou
