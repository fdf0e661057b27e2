// The customers in memory: those that the next commit must write, and the most recently used others
// up to a bound. A pointer stays good until Trim. Owner thread.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/state/store.h"
#include "triggers/base/status.h"
#include "triggers/customer.h"

namespace huitou {

class CustomerCache {
 public:
  CustomerCache(const Store* store, ShardNumber shard, size_t customers_max)
      : store_(store), shard_(shard), customers_max_(customers_max) {}

  Result<Customer*> Find(std::string_view id);
  // Reads those that are not here, in one sorted go.
  Status Prefetch(std::vector<std::string> ids);
  // Call after every change that set one of the customer's marks.
  void Touched(Customer* customer);

  // Those with a mark, for the commit.
  const std::vector<Customer*>& changed() const { return changed_; }
  void Committed();
  // Lets the least recently used go.
  void Trim();
  void Forget(std::string_view id);
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::unique_ptr<Customer> customer;
    bool changed = false;
  };
  using Entries = std::list<Entry>;  // the most recently used first
  Customer* Insert(std::unique_ptr<Customer> customer);

  const Store* const store_;
  const ShardNumber shard_;
  const size_t customers_max_;
  Entries entries_;
  std::unordered_map<std::string_view, Entries::iterator> by_id_;  // views into the customers
  std::vector<Customer*> changed_;
};

}  // namespace huitou
