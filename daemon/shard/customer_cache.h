// The customers in memory: those that the next commit must write, and the most recently used others
// up to a bound. A pointer stays good until Trim. Owner thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/state/store.h"
#include "triggers/base/hash.h"
#include "triggers/base/status.h"
#include "triggers/customer.h"

namespace huitou {

class CustomerCache {
 public:
  CustomerCache(const Store* store, ShardNumber shard, size_t customers_max)
      : store_(store), shard_(shard), customers_max_(customers_max) {}

  Result<Customer*> Find(std::string_view id);
  // Reads those that are not here, in one sorted go.
  Status Prefetch(std::vector<std::string_view> ids);
  // Call after every change that set one of the customer's marks.
  void Touched(Customer* customer);

  // Those with a mark, for the commit.
  const std::vector<Customer*>& changed() const { return changed_; }
  void Committed();
  // Lets those go that were not used for longest.
  void Trim();
  void Forget(std::string_view id);
  size_t size() const { return entries_.size(); }

 private:
  // The next to go at the end. Use leaves a mark, for moving the entry each time costs more.
  using Entries = std::list<std::unique_ptr<Customer>>;
  struct Hash {
    using is_avalanching = void;
    uint64_t operator()(std::string_view id) const { return Hash64(id); }
  };
  Customer* Insert(std::unique_ptr<Customer> customer);

  const Store* const store_;
  const ShardNumber shard_;
  const size_t customers_max_;
  Entries entries_;
  // Views into the customers.
  boost::unordered_flat_map<std::string_view, Entries::iterator, Hash> by_id_;
  std::vector<Customer*> changed_;
};

}  // namespace huitou
