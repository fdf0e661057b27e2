// The bytes under the store: sorted keys in families, written by atomic sets. RocksKeyValue keeps
// them on disk; MemoryKeyValue in memory, for tests and the fault simulation, with the same
// meaning: a set is there wholly or not at all, and what was not committed is gone after a crash.
// Every method may be called by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triggers/base/status.h"

namespace huitou {

// Column families. Numbers and names are part of the stored format.
enum class Family : uint8_t {
  kMeta,       // format, shard states, log streams, positions of feeds
  kActivity,   // per customer: what changes with every order
  kProfile,    // per customer: contacts, consents, attributes
  kEpisodes,   // per customer: running campaigns
  kTimers,     // by deadline
  kOutbox,     // dispatches and their indexes
  kLedger,     // coupons issued
  kJournal,    // decisions per customer, for explain; dropped after the retention
  kSinks,      // records on their way to the decision, emit and dead letter sinks
  kLog,        // the embedded log
  kSymbols,    // names of symbols
  kQuotas,     // sums of limits and budgets
  kCampaigns,  // texts of campaign versions
  kAddresses,  // hashes of phones, emails and other addresses: whose they are
};
inline constexpr size_t kFamilyCount = 14;
std::string_view ToString(Family family);
// Whose entries a commit puts in the order of their keys: all by customer, and the addresses.
bool IsPutSorted(Family family);

// Changes that become visible together, applied in the order in which they were added.
class WriteSet {
 public:
  enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };
  struct Change {
    Kind kind = Kind::kPut;
    Family family = Family::kMeta;
    std::string_view key;
    std::string_view value;  // of kPut; of kDeleteRange the end of the range (exclusive)
  };

  void Put(Family family, std::string_view key, std::string_view value);
  void Delete(Family family, std::string_view key);
  // Never in a family that is put sorted: see rocks_key_value.cc.
  void DeleteRange(Family family, std::string_view from, std::string_view to);

  void Reserve(size_t bytes) { bytes_.reserve(bytes); }

  size_t size() const { return entries_.size(); }
  size_t bytes() const { return bytes_.size(); }
  Change change(size_t index) const;
  void Clear();

 private:
  struct Entry {
    Kind kind;
    Family family;
    uint32_t key_bytes;
    uint32_t value_bytes;
    size_t begin;
  };
  void Add(Kind kind, Family family, std::string_view key, std::string_view value);

  std::vector<Entry> entries_;
  std::string bytes_;
};

class KeyValue {
 public:
  virtual ~KeyValue() = default;
  // Nothing when there is no such key.
  virtual Result<std::optional<std::string>> Get(Family family, std::string_view key) const = 0;
  // One answer per key; fastest when the keys are sorted.
  virtual Status MultiGet(Family family, std::span<const std::string> keys,
                          std::vector<std::optional<std::string>>* values) const = 0;
  // Visits [from, to) in order until `visit` returns false.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  virtual Status Scan(Family family, std::string_view from, std::string_view to,
                      const Visit& visit) const = 0;
  // kExhausted: the disk is full, nothing was written, try again later (each try asks the store to
  // resume). Any other error is final for this process.
  virtual Status Commit(const WriteSet& changes) = 0;
};

}  // namespace huitou
