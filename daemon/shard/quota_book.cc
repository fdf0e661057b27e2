#include "daemon/shard/quota_book.h"

#include <algorithm>

#include "daemon/shard/limits.h"
#include "triggers/base/check.h"

namespace huitou {

Status QuotaBook::Load(const Store& store) {
  std::lock_guard lock(mutex_);
  sums_.clear();
  return store.ReadAllQuotas([this](const QuotaPart& part) {
    sums_[{part.name, part.period}] += part.amount;
  });
}

bool QuotaBook::Has(std::string_view name, int64_t period, int64_t amount, int64_t max) const {
  return amount <= max - Sum(name, period);
}

bool QuotaBook::Take(std::string_view name, int64_t period, int64_t amount, int64_t max) {
  CHECK(amount >= 0);
  std::lock_guard lock(mutex_);
  int64_t& sum = sums_[{std::string(name), period}];
  if (amount > max - sum) {
    return false;
  }
  sum += amount;
  return true;
}

void QuotaBook::GiveBack(std::string_view name, int64_t period, int64_t amount) {
  std::lock_guard lock(mutex_);
  sums_[{std::string(name), period}] -= amount;
}

int64_t QuotaBook::Sum(std::string_view name, int64_t period) const {
  std::lock_guard lock(mutex_);
  const auto found = sums_.find({std::string(name), period});
  return found == sums_.end() ? 0 : found->second;
}

ShardQuotas::~ShardQuotas() {
  for (const auto& [key, part] : parts_) {
    if (part.uncommitted != 0) {
      book_->GiveBack(key.first, key.second, part.uncommitted);
    }
  }
}

void ShardQuotas::Load(std::vector<QuotaPart> parts) {
  std::map<std::string, size_t> periods;
  for (const QuotaPart& part : parts) {
    ++periods[part.name];
  }
  // They come by name and rising period: the first ones are the oldest.
  for (QuotaPart& part : parts) {
    if (periods[part.name]-- > limits::kQuotaPeriodsKept) {
      expired_.push_back(std::move(part));
    } else {
      parts_[{std::move(part.name), part.period}] = {part.amount, 0};
    }
  }
}

bool ShardQuotas::Has(std::string_view name, int64_t period, int64_t amount, int64_t max) const {
  return book_->Has(name, period, amount, max);
}

bool ShardQuotas::Take(std::string_view name, int64_t period, int64_t amount, int64_t max) {
  if (!book_->Take(name, period, amount, max)) {
    return false;
  }
  Change(name, period, amount);
  return true;
}

void ShardQuotas::GiveBack(std::string_view name, int64_t period, int64_t amount) {
  book_->GiveBack(name, period, amount);
  Change(name, period, -amount);
}

void ShardQuotas::Change(std::string_view name, int64_t period, int64_t amount) {
  const Key key{std::string(name), period};
  Part& part = parts_[key];
  part.amount += amount;
  part.uncommitted += amount;
  changed_.insert(key);
}

std::vector<QuotaPart> ShardQuotas::Changed() const {
  std::vector<QuotaPart> changed;
  for (const Key& key : changed_) {
    changed.push_back({key.first, key.second, parts_.at(key).amount});
  }
  return changed;
}

void ShardQuotas::Committed() {
  for (const Key& key : changed_) {
    parts_[key].uncommitted = 0;
  }
  changed_.clear();
  expired_.clear();
}

void SourcePulses::Beat(const std::string& source, TimeUs newest) {
  std::lock_guard lock(mutex_);
  TimeUs& known = newest_.try_emplace(source, kTimeMin).first->second;
  known = std::max(known, newest);
}

TimeUs SourcePulses::Newest(const std::string& source) const {
  std::lock_guard lock(mutex_);
  const auto found = newest_.find(source);
  return found == newest_.end() ? kTimeMin : found->second;
}

}  // namespace huitou
