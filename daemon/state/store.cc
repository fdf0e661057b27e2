#include "daemon/state/store.h"

#include <algorithm>

#include "daemon/clock/clock.h"
#include "daemon/state/activity_codec.h"
#include "daemon/state/bytes.h"
#include "daemon/state/keys.h"
#include "daemon/state/record_codec.h"
#include "daemon/state/records.pb.h"
#include "daemon/state/sink_chunk.h"

namespace huitou {
namespace {

// Raised when a stored format changes so that older programs must not touch it: 2 has the index of
// addresses, which a program that does not know it would let grow wrong; 3 has packed decisions and
// chunks of sink records; 4 may have attributes among the addresses.
constexpr uint32_t kFormatVersion = 4;
constexpr uint32_t kFormatWithAddresses = 2;

Status Damaged(std::string_view what) {
  return Status(StatusCode::kCorrupt, "the store has a damaged " + std::string(what));
}

// The first eight letters as a number in their order: comparing those spares most looks at the ids.
uint64_t FirstLetters(std::string_view id) {
  uint64_t letters = 0;
  for (size_t i = 0; i < sizeof letters; ++i) {
    letters = letters << 8 | (i < id.size() ? static_cast<unsigned char>(id[i]) : 0);
  }
  return letters;
}

// Sorts by customer; keeps the order of those of one customer.
template <typename T, typename IdOf>
void SortByCustomer(std::vector<const T*>* items, const IdOf& id_of) {
  std::vector<std::pair<uint64_t, const T*>> keyed;
  keyed.reserve(items->size());
  for (const T* item : *items) {
    keyed.emplace_back(FirstLetters(id_of(*item)), item);
  }
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : id_of(*a.second) < id_of(*b.second);
  });
  std::transform(keyed.begin(), keyed.end(), items->begin(),
                 [](const auto& each) { return each.second; });
}

template <typename T>
std::vector<const T*> PointersTo(const std::vector<T>& items) {
  std::vector<const T*> pointers;
  pointers.reserve(items.size());
  for (const T& item : items) {
    pointers.push_back(&item);
  }
  return pointers;
}

// A customer's parts into the three families, each family's keys rising.
void PutActivities(ShardNumber shard, std::span<const Customer* const> customers, WriteSet* set) {
  std::string bytes;
  for (const Customer* customer : customers) {
    // The other parts' presence stands in the activity.
    if (customer->activity_changed || customer->profile_changed || customer->episodes_changed) {
      const PartsPresent present{customer->profile != nullptr, !customer->episodes.empty()};
      EncodeActivity(customer->activity, present, &bytes);
      set->Put(Family::kActivity, keys::Customer(shard, customer->id), bytes);
    }
  }
}

void PutProfiles(ShardNumber shard, std::span<const Customer* const> customers, WriteSet* set) {
  for (const Customer* customer : customers) {
    if (customer->profile_changed && customer->profile != nullptr) {
      set->Put(Family::kProfile, keys::Customer(shard, customer->id),
               EncodeProfile(*customer->profile));
    }
  }
}

void PutEpisodes(ShardNumber shard, std::span<const Customer* const> customers, WriteSet* set) {
  for (const Customer* customer : customers) {
    if (!customer->episodes_changed) {
      continue;
    }
    if (customer->episodes.empty() && customer->no_stored_episodes) {
      continue;  // begun and ended since the last commit
    }
    const std::string key = keys::Customer(shard, customer->id);
    if (customer->episodes.empty()) {
      set->Delete(Family::kEpisodes, key);
    } else {
      set->Put(Family::kEpisodes, key, EncodeEpisodes(customer->episodes));
    }
  }
}

void PutTimers(const CommitBatch& batch, WriteSet* set) {
  // Before the puts: an entry may be added behind the cursor.
  if (!batch.timers_drained_to.empty()) {
    set->DeleteRange(Family::kTimers, batch.timers_drained_from, batch.timers_drained_to);
  }
  for (const std::string& key : batch.timers_added) {
    set->Put(Family::kTimers, key, {});
  }
}

void PutRecords(ShardNumber shard, const CommitBatch& batch, WriteSet* set) {
  // Entries that lie beside each other in a family are put one after another.
  auto ledger = PointersTo(batch.ledger);
  SortByCustomer(&ledger, [](const auto& line) -> const std::string& { return line.first; });
  for (const auto* line : ledger) {
    set->Put(Family::kLedger, keys::Ledger(shard, line->first, line->second.dispatch),
             EncodeLedgerEntry(line->second));
  }
  auto journal = PointersTo(batch.journal);
  SortByCustomer(&journal,
                 [](const JournalLine& line) -> const std::string& { return line.customer; });
  for (const JournalLine* line : journal) {
    std::string value;
    ByteWriter writer(&value);
    writer.Time(line->wall);
    writer.Raw(line->decisions);
    set->Put(Family::kJournal,
             keys::Journal(shard, line->customer, line->wall, line->episode, line->seq), value);
  }
  for (const QuotaPart& part : batch.quotas) {
    std::string value;
    ByteWriter(&value).Signed(part.amount);
    set->Put(Family::kQuotas, keys::Quota(shard, part.name, part.period), value);
  }
  for (const QuotaPart& part : batch.quotas_expired) {
    set->Delete(Family::kQuotas, keys::Quota(shard, part.name, part.period));
  }
  for (const auto& [number, name] : batch.symbols) {
    set->Put(Family::kSymbols, keys::Symbol(shard, number), name);
  }
}

// Each kind's records, in chunks.
void PutSinks(ShardNumber shard, const CommitBatch& batch, WriteSet* set) {
  for (size_t kind = 0; kind < kSinkKinds; ++kind) {
    SinkChunk chunk;
    uint64_t last = 0;
    const auto put = [&] {
      set->Put(Family::kSinks, keys::SinkRecord(shard, static_cast<uint8_t>(kind), last),
               chunk.bytes());
      chunk.Clear();
    };
    for (const SinkRecord& record : batch.sinks) {
      if (static_cast<size_t>(record.kind) != kind) {
        continue;
      }
      chunk.Add(record.key, record.value);
      last = record.sequence;
      if (chunk.bytes().size() >= SinkChunk::kBytes) {
        put();
      }
    }
    if (!chunk.empty()) {
      put();
    }
  }
}

// About what the batch takes; a large one that grew by doubling would be copied half a dozen times.
size_t SizeOf(const CommitBatch& batch) {
  constexpr size_t kPerEntry = 64;      // its key, for the most part
  constexpr size_t kPerCustomer = 384;  // activity of some orders, and a new one's profile
  size_t bytes = (batch.customers.size() + batch.ledger.size()) * kPerCustomer +
                 batch.timers_added.size() * kPerEntry;
  for (const JournalLine& line : batch.journal) {
    bytes += line.decisions.size() + kPerEntry;
  }
  for (const SinkRecord& record : batch.sinks) {
    bytes += record.key.size() + record.value.size() + sizeof(uint64_t);
  }
  return bytes;
}

// What is consumed goes: delivered sink records, log records that were applied.
void PutTrims(ShardNumber shard, const CommitBatch& batch, WriteSet* set) {
  for (const SinkKind kind : batch.sinks_trimmed) {
    const auto number = static_cast<uint8_t>(kind);
    const uint64_t delivered = batch.state->sinks_delivered[number];
    set->DeleteRange(Family::kSinks, keys::SinkRecord(shard, number, 0),
                     keys::SinkRecord(shard, number, delivered + 1));
  }
  for (const auto& [stream, offset] : batch.log_consumed) {
    set->DeleteRange(Family::kLog, keys::LogRecord(shard, stream, 0),
                     keys::LogRecord(shard, stream, offset));
  }
}

}  // namespace

CampaignTally& CampaignTally::operator+=(const CampaignTally& other) {
  candidates += other.candidates;
  entered += other.entered;
  rejected += other.rejected;
  exited += other.exited;
  completed += other.completed;
  failed += other.failed;
  pending += other.pending;
  waiting += other.waiting;
  holdout += other.holdout;
  treated_converted += other.treated_converted;
  holdout_converted += other.holdout_converted;
  for (const auto& [currency, minor] : other.money_minor) {
    money_minor[currency] += minor;
  }
  return *this;
}

std::string_view ToString(SinkKind kind) {
  switch (kind) {
    case SinkKind::kDecisions:
      return "decisions";
    case SinkKind::kEmits:
      return "emits";
    case SinkKind::kDeadLetters:
      return "dead_letters";
  }
  CHECK(false);
  return {};
}

Store::Store(std::unique_ptr<KeyValue> key_value, const StoreOptions& options)
    : key_value_(std::move(key_value)),
      shards_(options.shards),
      journal_retention_(options.journal_retention) {
}

Result<std::unique_ptr<Store>> Store::Open(std::unique_ptr<KeyValue> key_value,
                                           const StoreOptions& options) {
  std::unique_ptr<Store> store(new Store(std::move(key_value), options));
  Status status = store->CheckFormat(options);
  if (!status.ok()) {
    return status;
  }
  status = store->LoadLogStreams();
  if (!status.ok()) {
    return status;
  }
  return store;
}

Status Store::CheckFormat(const StoreOptions& options) {
  const auto found = key_value_->Get(Family::kMeta, keys::Format());
  if (!found.ok()) {
    return found.status();
  }
  if (options.address_attributes.has_value()) {
    address_attributes_.assign(options.address_attributes->begin(),
                               options.address_attributes->end());
  }
  records::Format format;
  if (!found->has_value()) {
    if (shards_ == 0) {
      return Status(StatusCode::kNotFound, "the store is empty");
    }
    return PutFormat(/*indexed=*/true);
  }
  if (!format.ParseFromString(**found)) {
    return Damaged("format record");
  }
  if (format.version() > kFormatVersion) {
    return Status(StatusCode::kCorrupt, "the store was written by a newer huitou (format " +
                                            std::to_string(format.version()) + ")");
  }
  if (shards_ != 0 && format.shards() != shards_) {
    return Status(StatusCode::kCorrupt, "the store has " + std::to_string(format.shards()) +
                                            " shards, not " + std::to_string(shards_) +
                                            "; their number is fixed when the store is made");
  }
  shards_ = static_cast<uint16_t>(format.shards());
  const std::vector<std::string> indexed(format.address_attributes().begin(),
                                         format.address_attributes().end());
  if (!options.address_attributes.has_value()) {
    address_attributes_ = indexed;
  }
  if (format.version() >= kFormatWithAddresses && !format.index_unfinished() &&
      indexed == address_attributes_) {
    return format.version() == kFormatVersion ? Status::Ok() : PutFormat(/*indexed=*/true);
  }
  // Cut off in the middle, it begins anew, also for who wants other attributes then.
  Status status = PutFormat(/*indexed=*/false);
  status = status.ok() ? IndexAddresses(options.on_indexing) : status;
  return status.ok() ? PutFormat(/*indexed=*/true) : status;
}

Status Store::PutFormat(bool indexed) {
  records::Format format;
  format.set_version(kFormatVersion);
  format.set_shards(shards_);
  format.set_index_unfinished(!indexed);
  for (const std::string& name : address_attributes_) {
    format.add_address_attributes(name);
  }
  WriteSet set;
  set.Put(Family::kMeta, keys::Format(), format.SerializeAsString());
  return key_value_->Commit(set);
}

Result<ShardState> Store::ReadState(ShardNumber shard) const {
  const auto found = key_value_->Get(Family::kMeta, keys::ShardState(shard));
  if (!found.ok()) {
    return found.status();
  }
  ShardState state;
  if (found->has_value()) {
    Status status = DecodeShardState(**found, &state);
    if (!status.ok()) {
      return status;
    }
  }
  return state;
}

Result<std::vector<std::string>> Store::ReadSymbols(ShardNumber shard) const {
  std::vector<std::string> names;
  bool whole = true;
  const std::string prefix = keys::Shard(shard);
  Status status = key_value_->Scan(Family::kSymbols, prefix, keys::End(prefix),
                                   [&](std::string_view key, std::string_view name) {
                                     whole = keys::NumberOfSymbol(key) ==
                                             names.size() + SymbolTable::kOverflow + 1;
                                     names.emplace_back(name);
                                     return whole;
                                   });
  if (!status.ok()) {
    return status;
  }
  if (!whole) {
    return Damaged("table of symbols");
  }
  return names;
}

Status Store::ReadQuotasBetween(const std::string& from, const std::string& to,
                                const std::function<void(const QuotaPart&)>& visit) const {
  bool whole = true;
  Status status = key_value_->Scan(
      Family::kQuotas, from, to, [&](std::string_view key, std::string_view value) {
        std::string_view name;
        QuotaPart part;
        ByteReader reader(value);
        part.amount = reader.Signed();
        whole = keys::ParseQuota(key, &name, &part.period) && reader.ok();
        part.name = name;
        visit(part);
        return whole;
      });
  return status.ok() && !whole ? Damaged("quota") : status;
}

Result<std::vector<QuotaPart>> Store::ReadQuotas(ShardNumber shard) const {
  std::vector<QuotaPart> parts;
  const std::string prefix = keys::Shard(shard);
  Status status = ReadQuotasBetween(prefix, keys::End(prefix),
                                    [&parts](const QuotaPart& part) { parts.push_back(part); });
  if (!status.ok()) {
    return status;
  }
  return parts;
}

Status Store::ReadAllQuotas(const std::function<void(const QuotaPart&)>& visit) const {
  return ReadQuotasBetween({}, keys::End({}), visit);
}

Status Store::ReadParts(ShardNumber shard, const PartsPresent& present, Customer* customer) const {
  const std::string key = keys::Customer(shard, customer->id);
  if (present.profile) {
    const auto found = key_value_->Get(Family::kProfile, key);
    if (!found.ok()) {
      return found.status();
    }
    if (!found->has_value()) {
      return Damaged("customer: the profile is missing");
    }
    customer->profile = std::make_unique<Profile>();
    Status status = DecodeProfile(**found, customer->profile.get());
    if (!status.ok()) {
      return status;
    }
  }
  if (!present.episodes) {
    return Status::Ok();
  }
  const auto found = key_value_->Get(Family::kEpisodes, key);
  if (!found.ok()) {
    return found.status();
  }
  return found->has_value() ? DecodeEpisodes(**found, &customer->episodes)
                            : Damaged("customer: the episodes are missing");
}

Result<std::unique_ptr<Customer>> Store::ReadCustomer(ShardNumber shard,
                                                      std::string_view id) const {
  auto customers = ReadCustomers(shard, {&id, 1});
  if (!customers.ok()) {
    return customers.status();
  }
  return std::move(customers->front());
}

Result<std::vector<std::unique_ptr<Customer>>> Store::ReadCustomers(
    ShardNumber shard, std::span<const std::string_view> ids) const {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const std::string_view id : ids) {
    keys.push_back(keys::Customer(shard, id));
  }
  std::vector<std::optional<std::string>> values;
  Status status = key_value_->MultiGet(Family::kActivity, keys, &values);
  if (!status.ok()) {
    return status;
  }
  std::vector<std::unique_ptr<Customer>> customers;
  customers.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    Customer* const customer = customers.emplace_back(std::make_unique<Customer>()).get();
    customer->id = ids[i];
    if (!values[i].has_value()) {
      customer->no_stored_episodes = true;
      continue;
    }
    PartsPresent present;
    status = DecodeActivity(*values[i], &customer->activity, &present);
    if (status.ok()) {
      customer->no_stored_episodes = !present.episodes;
      status = ReadParts(shard, present, customer);
    }
    if (!status.ok()) {
      return status;
    }
  }
  return customers;
}

Status Store::ReadTimers(ShardNumber shard, std::string_view from, std::string_view to, size_t max,
                         std::vector<std::string>* keys) const {
  const std::string first = keys::Shard(shard);
  return key_value_->Scan(Family::kTimers, std::max<std::string_view>(from, first), to,
                          [&](std::string_view key, std::string_view /*value*/) {
                            keys->emplace_back(key);
                            return keys->size() < max;
                          });
}

Status Store::ReadSinks(ShardNumber shard, SinkKind kind, uint64_t from_sequence, size_t max,
                        std::vector<SinkRecord>* out) const {
  const auto number = static_cast<uint8_t>(kind);
  const std::string from = keys::SinkRecord(shard, number, from_sequence);
  const std::string to = keys::SinkRecord(shard, number, UINT64_MAX);
  size_t taken = 0;
  Status read;
  std::vector<SinkView> views;
  Status status =
      key_value_->Scan(Family::kSinks, from, to, [&](std::string_view key, std::string_view value) {
        views.clear();
        read = ReadSinkChunk(value, keys::SequenceOfSinkRecord(key), &views);
        for (size_t i = 0; i < views.size() && read.ok() && taken < max; ++i) {
          if (views[i].sequence >= from_sequence && !views[i].value.empty()) {
            out->push_back(
                {kind, views[i].sequence, std::string(views[i].key), std::string(views[i].value)});
            ++taken;
          }
        }
        return read.ok() && taken < max;
      });
  return status.ok() ? read : status;
}

Status Store::Commit(ShardNumber shard, CommitBatch* batch) {
  const TimeUs begun = SteadyNow();
  SortByCustomer(&batch->customers,
                 [](const Customer& customer) -> const std::string& { return customer.id; });
  std::sort(batch->timers_added.begin(), batch->timers_added.end());
  WriteSet set;
  set.Reserve(SizeOf(*batch));
  PutActivities(shard, batch->customers, &set);
  PutProfiles(shard, batch->customers, &set);
  PutEpisodes(shard, batch->customers, &set);
  PutAddresses(shard, batch->customers, &set);
  PutTimers(*batch, &set);
  std::vector<DispatchIndexes> indexes = PutDispatches(shard, *batch, &set);
  PutRecords(shard, *batch, &set);
  PutSinks(shard, *batch, &set);
  PutTrims(shard, *batch, &set);
  set.Put(Family::kMeta, keys::ShardState(shard), EncodeShardState(*batch->state));
  Status status = key_value_->Commit(set);
  if (status.ok()) {
    for (size_t i = 0; i < indexes.size(); ++i) {
      batch->dispatches[i]->index = std::move(indexes[i].next);
      batch->dispatches[i]->provider = std::move(indexes[i].provider);
    }
    batch->bytes = set.bytes();
    batch->took = SteadyNow() - begun;
  }
  return status;
}

Status Store::PutCampaign(uint64_t version, std::string_view text) {
  WriteSet set;
  set.Put(Family::kCampaigns, keys::Campaign(version), text);
  return key_value_->Commit(set);
}

Result<std::map<uint64_t, std::string>> Store::ReadCampaigns() const {
  std::map<uint64_t, std::string> campaigns;
  Status status = key_value_->Scan(Family::kCampaigns, {}, keys::End({}),
                                   [&](std::string_view key, std::string_view text) {
                                     campaigns[ByteReader(key).Fixed64()] = text;
                                     return true;
                                   });
  if (!status.ok()) {
    return status;
  }
  return campaigns;
}

Status Store::DropCampaign(uint64_t version) {
  WriteSet set;
  set.Delete(Family::kCampaigns, keys::Campaign(version));
  return key_value_->Commit(set);
}

}  // namespace huitou
