// A shop's customers in memory, in virtual time: what campaign tests and backtests run on. Time is
// the frontier alone; no wall clock takes part. The engine is the one that runs live.
//
//   World world(set, options, [](const Effects& effects) { ... });
//   world.Apply(event);        // fires what is due before it, then applies it
//   world.FinishAt(until);     // fires everything due by `until`
//
// One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/simulate/customer_table.h"
#include "daemon/simulate/timer_queue.h"
#include "triggers/engine.h"

namespace huitou {

struct WorldOptions {
  DurationUs lateness = 0;
  bool assume_contact = false;
  bool assume_consent = false;
  bool holdouts = true;
  const CouponStock* stock = nullptr;  // null: no pool is ever empty
};

// Sums of one process, without durability.
class MemoryQuotas : public Quotas {
 public:
  bool Has(std::string_view name, int64_t period, int64_t amount, int64_t max) const override;
  bool Take(std::string_view name, int64_t period, int64_t amount, int64_t max) override;
  void GiveBack(std::string_view name, int64_t period, int64_t amount) override;

 private:
  std::unordered_map<std::string, int64_t> sums_;
};

// Codes of coupons that nobody will redeem: from the dispatch id alone.
class SampleCodes : public CouponCodes {
 public:
  std::string CodeOf(const Id128& dispatch) const override;
};

class World {
 public:
  // Called after every step that had effects; `customer` is the number of customer().
  using Listener = std::function<void(const Effects& effects, uint32_t customer)>;

  World(std::shared_ptr<const CampaignSet> set, const WorldOptions& options, Listener listener);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  enum class Applied : uint8_t { kApplied, kLate, kDuplicate };
  Applied Apply(const Event& event) { return Apply(event, Hash64(event.customer.id)); }
  Applied Apply(const Event& event, uint64_t customer_hash);
  // Fires everything due at or before `time`.
  void FinishAt(TimeUs time);

  CustomerTable& customers() { return customers_; }
  TimeUs newest() const { return newest_; }
  SymbolTable& symbols() { return symbols_; }
  const CampaignSet& set() const { return *set_; }
  uint64_t condition_errors() const { return condition_errors_; }

 private:
  void FireBefore(TimeUs frontier);
  void Step(const Input& input, uint32_t number);

  std::shared_ptr<const CampaignSet> set_;
  WorldOptions options_;
  Listener listener_;
  SymbolTable symbols_;
  MemoryQuotas quotas_;
  SampleCodes codes_;
  Engine engine_;
  Context context_;
  Effects effects_;
  CustomerTable customers_;
  TimerQueue timers_;
  std::vector<PendingTimer> group_;
  TimeUs newest_ = kTimeMin;
  uint64_t condition_errors_ = 0;
};

}  // namespace huitou
