// Limits and budgets that all shards of the process share: sums in memory under a mutex, so that
// none is exceeded by one cent; each shard makes its own part durable with its commits. What is
// taken but not committed counts too (reserved >= committed), and is given back when its shard ends
// without a commit. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/state/store.h"
#include "triggers/base/status.h"
#include "triggers/base/time.h"
#include "triggers/engine.h"

namespace huitou {

class QuotaBook {
 public:
  // Reads the sums of all shards: before the first shard opens.
  Status Load(const Store& store);

  bool Has(std::string_view name, int64_t period, int64_t amount, int64_t max) const;
  bool Take(std::string_view name, int64_t period, int64_t amount, int64_t max);
  void GiveBack(std::string_view name, int64_t period, int64_t amount);
  int64_t Sum(std::string_view name, int64_t period) const;

 private:
  using Key = std::pair<std::string, int64_t>;
  mutable std::mutex mutex_;
  std::map<Key, int64_t> sums_;
};

// A shard's door to the book: remembers what the next commit must write. Owner thread.
class ShardQuotas final : public Quotas {
 public:
  explicit ShardQuotas(QuotaBook* book) : book_(book) {}
  ~ShardQuotas() override;  // gives back what was not committed

  // Of each name the newest limits::kQuotaPeriodsKept periods are kept.
  void Load(std::vector<QuotaPart> parts);
  bool Has(std::string_view name, int64_t period, int64_t amount, int64_t max) const override;
  bool Take(std::string_view name, int64_t period, int64_t amount, int64_t max) override;
  void GiveBack(std::string_view name, int64_t period, int64_t amount) override;

  std::vector<QuotaPart> Changed() const;  // absolute values of what changed
  const std::vector<QuotaPart>& expired() const { return expired_; }
  void Committed();

 private:
  struct Part {
    int64_t amount = 0;
    int64_t uncommitted = 0;
  };
  using Key = std::pair<std::string, int64_t>;
  void Change(std::string_view name, int64_t period, int64_t amount);

  QuotaBook* const book_;
  std::map<Key, Part> parts_;
  std::set<Key> changed_;
  std::vector<QuotaPart> expired_;
};

// When each source last had an event, over all shards of the process: silence is a matter of the
// source, not of one quiet partition. Any thread.
class SourcePulses {
 public:
  void Beat(const std::string& source, TimeUs newest);
  TimeUs Newest(const std::string& source) const;  // kTimeMin: never

 private:
  mutable std::mutex mutex_;
  std::map<std::string, TimeUs> newest_;
};

}  // namespace huitou
