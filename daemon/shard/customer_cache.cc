#include "daemon/shard/customer_cache.h"

#include <algorithm>

#include "triggers/base/check.h"

namespace huitou {

Result<Customer*> CustomerCache::Find(std::string_view id) {
  if (const auto found = by_id_.find(id); found != by_id_.end()) {
    Customer* const customer = found->second->get();
    customer->is_recent = true;
    return customer;
  }
  auto read = store_->ReadCustomer(shard_, id);
  if (!read.ok()) {
    return read.status();
  }
  return Insert(*std::move(read));
}

Customer* CustomerCache::Insert(std::unique_ptr<Customer> customer) {
  entries_.push_front(std::move(customer));
  Customer* const inserted = entries_.front().get();
  by_id_.emplace(inserted->id, entries_.begin());
  return inserted;
}

Status CustomerCache::Prefetch(std::vector<std::string_view> ids) {
  std::erase_if(ids, [this](std::string_view id) { return by_id_.contains(id); });
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (ids.empty()) {
    return Status::Ok();
  }
  auto read = store_->ReadCustomers(shard_, ids);
  if (!read.ok()) {
    return read.status();
  }
  for (std::unique_ptr<Customer>& customer : *read) {
    Insert(std::move(customer));
  }
  return Status::Ok();
}

void CustomerCache::Touched(Customer* customer) {
  if (!customer->activity_changed && !customer->profile_changed && !customer->episodes_changed) {
    return;
  }
  if (!customer->is_listed) {
    customer->is_listed = true;
    changed_.push_back(customer);
  }
}

void CustomerCache::Committed() {
  for (Customer* customer : changed_) {
    customer->activity_changed = false;
    customer->profile_changed = false;
    customer->episodes_changed = false;
    customer->is_listed = false;
    customer->no_stored_episodes = customer->episodes.empty();
    customer->contacts_before.reset();
  }
  changed_.clear();
}

void CustomerCache::Trim() {
  // Those that must be written, and those used since they were last at the end, come to the front.
  size_t looked_at = 0;
  while (entries_.size() > customers_max_ && looked_at < entries_.size()) {
    const auto last = std::prev(entries_.end());
    if ((*last)->is_listed || (*last)->is_recent) {
      (*last)->is_recent = false;
      entries_.splice(entries_.begin(), entries_, last);
      ++looked_at;
      continue;
    }
    by_id_.erase((*last)->id);
    entries_.erase(last);
  }
}

void CustomerCache::Forget(std::string_view id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) {
    return;
  }
  CHECK(!(*found->second)->is_listed);
  const auto entry = found->second;
  by_id_.erase(found);
  entries_.erase(entry);
}

}  // namespace huitou
