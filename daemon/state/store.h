// The store: every durable record of the daemon, typed, over a KeyValue.
//
//   auto store = Store::Open(std::move(key_value), {.shards = 4});
//   auto customer = store->ReadCustomer(shard, "c1");
//   ... engine.Step(...) ...
//   store->Commit(shard, &batch);    // all of it or nothing
//
// A shard's records are touched by its owner thread only; the embedded log, quotas at start and
// campaign texts by any thread. Keys begin with the shard number, so one store serves all shards.
// The formats are in codec.h and records.proto; they evolve, and old bytes are kept as fixtures in
// tests/state/fixtures.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/outbox/outbox.h"
#include "daemon/state/key_value.h"
#include "triggers/base/status.h"
#include "triggers/base/time.h"
#include "triggers/customer.h"
#include "triggers/engine.h"
#include "triggers/shop.h"

namespace huitou {

using ShardNumber = uint16_t;

struct PartsPresent;

// --- What one commit holds ----------------------------------------------------------------------

enum class SinkKind : uint8_t { kDecisions, kEmits, kDeadLetters };
inline constexpr size_t kSinkKinds = 3;
std::string_view ToString(SinkKind kind);

// How far a shard has read one of its inputs.
struct InputPosition {
  std::string input;  // InputSpec::name
  int64_t next_offset = kNoOffset;
  TimeUs newest = kTimeMin;    // newest event time seen, clamped to the wall clock
  TimeUs frontier = kTimeMin;  // of this input

  static constexpr int64_t kNoOffset = -1;  // never read: begin where the source's settings say
};

// What became of a campaign's candidates, for the conservation law and for what the campaign is
// worth; counted since the beginning.
struct CampaignTally {
  uint64_t candidates = 0;
  uint64_t entered = 0;
  uint64_t rejected = 0;
  uint64_t exited = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  int64_t pending = 0;  // open episodes that have not entered yet
  int64_t waiting = 0;  // open episodes that have

  uint64_t holdout = 0;  // of `rejected`: the control group
  uint64_t treated_converted = 0;
  uint64_t holdout_converted = 0;
  std::map<std::string, int64_t> money_minor;  // issued, by currency

  CampaignTally& operator+=(const CampaignTally& other);
  bool operator==(const CampaignTally&) const = default;
};

// The one record that every commit rewrites.
struct ShardState {
  uint64_t owner_epoch = 0;  // raised by every owner that opens the shard
  uint64_t commit = 0;       // number of the commit
  TimeUs frontier = kTimeMin;
  std::string timer_cursor;                               // no timer entry has a lower key
  int64_t timers = 0;                                     // entries in the index from the cursor on
  std::array<uint64_t, kSinkKinds> sinks_written = {};    // sequence of the last record
  std::array<uint64_t, kSinkKinds> sinks_delivered = {};  // all up to these sequences
  std::map<std::string, int64_t> outbox_depth;            // dispatches that wait, by channel
  bool outbox_counted = true;  // else an older version's depths are wrong
  std::vector<InputPosition> inputs;
  std::map<uint32_t, CampaignTally> tallies;  // by campaign symbol
  std::map<uint64_t, int64_t> open_versions;  // open episodes by campaign version
};

// One dispatch as the store has it.
struct StoredDispatch {
  OutboxRecord record;
  // Keys of its index entries as they are stored; empty where there is none.
  std::string index;     // by what is to happen next
  std::string provider;  // by the provider's id of the message
};

// What one step decides of an episode, or what became of a message, as it is kept for explain.
struct JournalLine {
  std::string customer;
  Id128 episode;  // or the dispatch
  uint32_t seq = 0;
  TimeUs wall = 0;        // when it was decided: retention counts from here
  std::string decisions;  // packed, or JSON (decision_codec.h)
};

// A record on its way to a sink; (shard, kind, sequence) names it.
struct SinkRecord {
  SinkKind kind = SinkKind::kDecisions;
  uint64_t sequence = 0;
  std::string key;    // of the Kafka record: the customer; empty for a dead letter
  std::string value;  // one JSON object; of kDecisions those of one step, packed as in the journal
};

// A sum of Quotas, this shard's part of it.
struct QuotaPart {
  std::string name;
  int64_t period = 0;
  int64_t amount = 0;
};

struct CommitBatch {
  ShardState* state = nullptr;
  std::vector<const Customer*> customers;  // the parts that are marked as changed are written
  std::vector<std::string> timers_added;   // keys (timer_key.h)
  std::string timers_drained_from;         // entries in [from, to) are gone; both empty: none
  std::string timers_drained_to;
  std::vector<StoredDispatch*> dispatches;  // their `index` is brought up to date
  std::vector<const StoredDispatch*> dispatches_settled;
  std::vector<std::pair<std::string, LedgerEntry>> ledger;  // customer, entry
  std::vector<JournalLine> journal;
  std::vector<SinkRecord> sinks;
  std::vector<SinkKind> sinks_trimmed;  // drop what state->sinks_delivered covers
  std::vector<QuotaPart> quotas;        // absolute values
  std::vector<QuotaPart> quotas_expired;
  std::vector<std::pair<uint32_t, std::string>> symbols;   // number, name
  std::vector<std::pair<uint16_t, int64_t>> log_consumed;  // stream, offset: older may go

  size_t bytes = 0;     // out: what was written
  DurationUs took = 0;  // out: how long that was
};

// --- The embedded log ---------------------------------------------------------------------------

struct LogAppend {
  std::string key;  // the customer's id: decides the shard
  std::string payload;
  std::vector<std::pair<std::string, std::string>> headers;  // CloudEvents in binary mode
};

struct LogRecord {
  int64_t offset = 0;
  std::string key;
  std::string payload;
  std::vector<std::pair<std::string, std::string>> headers;
};

// What an address is known by in the index: a hash of its kind and of one way to write it, so that
// no address stands in a key. empty() when the address is, or the kind has none.
Id128 AddressHash(CampaignSet::Contact kind, std::string_view address);
// The same of an attribute that is one.
Id128 AttributeHash(std::string_view name, std::string_view address);

// The shard of a key: what Kafka's default partitioner gives for as many partitions.
ShardNumber ShardOf(std::string_view key, uint16_t shards);

// --- The store ----------------------------------------------------------------------------------

struct StoreOptions {
  uint16_t shards = 0;  // fixed when the store is made; 0: whatever the store has
  DurationUs journal_retention = 90 * kDayUs;
  // Attributes that are addresses; others than the store has are indexed first. Nothing: those that
  // it has.
  std::optional<std::set<std::string>> address_attributes = {};
  // Told now and then while addresses are indexed: of a store of an earlier format, or of other
  // attributes.
  std::function<void(uint64_t customers_done)> on_indexing = {};
};

class Store {
 public:
  // kCorrupt when this is not a store, is from a newer format, or has another number of shards
  // than `options` asks for.
  static Result<std::unique_ptr<Store>> Open(std::unique_ptr<KeyValue> key_value,
                                             const StoreOptions& options);

  uint16_t shards() const { return shards_; }

  // --- one shard, by its owner ---
  Result<ShardState> ReadState(ShardNumber shard) const;
  Result<std::vector<std::string>> ReadSymbols(ShardNumber shard) const;  // from number 2 on
  Result<std::vector<QuotaPart>> ReadQuotas(ShardNumber shard) const;

  // A customer that is not known is an empty one.
  Result<std::unique_ptr<Customer>> ReadCustomer(ShardNumber shard, std::string_view id) const;
  // `ids` sorted; one customer each, in the same order.
  Result<std::vector<std::unique_ptr<Customer>>> ReadCustomers(
      ShardNumber shard, std::span<const std::string_view> ids) const;

  // Who has this address (AddressHash) as of the last commit: ids behind `after`, in their order,
  // at most `max`.
  Status FindByAddress(ShardNumber shard, const Id128& address, std::string_view after, size_t max,
                       std::vector<std::string>* customers) const;

  // Timer keys in [from, to), at most `max`.
  Status ReadTimers(ShardNumber shard, std::string_view from, std::string_view to, size_t max,
                    std::vector<std::string>* keys) const;

  Result<std::optional<StoredDispatch>> ReadDispatch(ShardNumber shard, const Id128& id) const;
  // Planned for `channel`, due in [from, until], the most urgent first. `from` spares the way over
  // what was settled since; of those due at `from` itself, the ones from `from_id` on.
  Status ReadPlanned(ShardNumber shard, std::string_view channel, TimeUs from, TimeUs until,
                     size_t max, std::vector<StoredDispatch>* out, const Id128& from_id = {}) const;
  // Accepted or unknown, and due in [from, until].
  Status ReadDue(ShardNumber shard, TimeUs from, TimeUs until, size_t max,
                 std::vector<StoredDispatch>* out) const;
  Status ReadLeased(ShardNumber shard, std::vector<StoredDispatch>* out) const;
  // How many records wait, by channel: reads them all.
  Result<std::map<std::string, int64_t>> CountWaiting(ShardNumber shard) const;
  // Names of the channels that have planned records.
  Result<std::vector<std::string>> ReadPlannedChannels(ShardNumber shard) const;
  // The dispatch that a provider knows by its own id.
  Result<std::optional<Id128>> FindProviderMessage(ShardNumber shard, std::string_view channel,
                                                   std::string_view provider_message_id) const;

  // From the sequence on, at most `max`.
  Status ReadSinks(ShardNumber shard, SinkKind kind, uint64_t from_sequence, size_t max,
                   std::vector<SinkRecord>* out) const;

  Status Commit(ShardNumber shard, CommitBatch* batch);

  // --- one customer, for explain, export and erase ---
  // The newest `max` decisions that the retention leaves at `wall`, oldest first.
  Status ReadJournal(ShardNumber shard, std::string_view customer, TimeUs wall, size_t max,
                     std::vector<std::string>* lines) const;
  Status ReadLedger(ShardNumber shard, std::string_view customer,
                    std::vector<LedgerEntry>* entries) const;
  // Every record of every family that names the customer, as JSON lines {"family":..., ...}.
  Status Export(ShardNumber shard, const SymbolTable& symbols, std::string_view customer,
                std::vector<std::string>* lines) const;
  // Removes the same, and what leads to the customer from an address. The owner must have nothing
  // of this customer in memory that is not committed.
  struct Erased {
    int64_t timers = 0;
    std::vector<std::string> waiting;  // the channel of each dispatch that waited
  };
  Result<Erased> Erase(ShardNumber shard, std::string_view customer);

  // --- the embedded log: any thread ---
  // The number of the stream of this source, given now if it is new.
  Result<uint16_t> LogStream(std::string_view source);
  // All or nothing, each in the slice of its key's shard. `feed` is the feeder's own position (a
  // file's name and byte offset, say), durable in the same instant.
  Status AppendLog(uint16_t stream, std::span<const LogAppend> records,
                   std::optional<std::string_view> feed = std::nullopt);
  Result<std::optional<std::string>> ReadFeed(uint16_t stream) const;
  // Offset of the next record to be appended.
  Result<int64_t> LogEnd(ShardNumber shard, uint16_t stream) const;
  // From offset `from` on: at most `max` records and, past the first, `bytes_max` bytes.
  Status ReadLog(ShardNumber shard, uint16_t stream, int64_t from, size_t max, size_t bytes_max,
                 std::vector<LogRecord>* out) const;

  // --- shared ---
  // Sums over all shards, for the process-wide book of quotas.
  Status ReadAllQuotas(const std::function<void(const QuotaPart&)>& visit) const;
  // Texts of campaign versions: kept from the moment a version is taken up until no episode runs
  // it.
  Status PutCampaign(uint64_t version, std::string_view text);
  Result<std::map<uint64_t, std::string>> ReadCampaigns() const;
  Status DropCampaign(uint64_t version);

 private:
  Store(std::unique_ptr<KeyValue> key_value, const StoreOptions& options);
  Status CheckFormat(const StoreOptions& options);
  Status PutFormat(bool indexed);
  // Anew: for a store that was made before there were addresses in it, or with other attributes.
  Status IndexAddresses(const std::function<void(uint64_t)>& on_progress);
  // Visits a whole family and commits what the visits want changed, many at a time.
  using Revise = std::function<Status(std::string_view key, std::string_view value, WriteSet*)>;
  Status Rewrite(Family family, const Revise& revise,
                 const std::function<void(uint64_t)>& on_progress);
  Status LoadLogStreams();
  Status ReadParts(ShardNumber shard, const PartsPresent& present, Customer* customer) const;
  Status ReadQuotasBetween(const std::string& from, const std::string& to,
                           const std::function<void(const QuotaPart&)>& visit) const;
  // The hashes of a Profile's or ContactsBefore's addresses, by number; empty() where there is
  // none.
  size_t AddressCount() const;
  template <typename Reached>
  Id128 AddressAt(const Reached& reached, size_t number) const;
  void PutAddresses(ShardNumber shard, std::span<const Customer* const> customers,
                    WriteSet* set) const;
  struct DispatchIndexes {
    std::string next;
    std::string provider;
  };
  static DispatchIndexes IndexesOf(ShardNumber shard, const OutboxRecord& record);
  static StoredDispatch Stored(ShardNumber shard, OutboxRecord record);
  // What the indexes of batch.dispatches are then, one by one.
  std::vector<DispatchIndexes> PutDispatches(ShardNumber shard, const CommitBatch& batch,
                                             WriteSet* set) const;
  Status ReadIndexed(ShardNumber shard, const std::string& from, const std::string& to, size_t max,
                     std::vector<StoredDispatch>* out) const;
  using VisitRecord = std::function<void(Family, std::string_view, std::string_view)>;
  // What leads to the customer from an address.
  Status VisitAddresses(ShardNumber shard, std::string_view customer,
                        const VisitRecord& visit) const;
  Status VisitCustomer(ShardNumber shard, std::string_view customer,
                       const VisitRecord& visit) const;
  Result<int64_t> LogEndLocked(ShardNumber shard, uint16_t stream) const;

  const std::unique_ptr<KeyValue> key_value_;
  uint16_t shards_ = 0;
  std::vector<std::string> address_attributes_;  // sorted; constant once the store is open
  const DurationUs journal_retention_;

  mutable std::mutex log_mutex_;  // guards what follows
  std::map<std::string, uint16_t, std::less<>> log_streams_;
  mutable std::map<std::pair<ShardNumber, uint16_t>, int64_t> log_ends_;
};

}  // namespace huitou
