#include "daemon/simulate/customer_table.h"

#include <utility>

namespace huitou {

namespace {

constexpr size_t kCellsAtFirst = size_t{1} << 12;
constexpr size_t kCacheLineBytes = 64;

}  // namespace

CustomerTable::CustomerTable() : cells_(kCellsAtFirst) {
}

uint32_t CustomerTable::Number(std::string_view id, uint64_t hash) {
  const auto part = static_cast<uint32_t>(hash);
  size_t at = hash & (cells_.size() - 1);
  while (cells_[at].number_plus_1 != 0) {
    const uint32_t number = cells_[at].number_plus_1 - 1;
    if (cells_[at].hash == part && (*this)[number].id == id) {
      return number;
    }
    at = (at + 1) & (cells_.size() - 1);
  }
  const uint32_t number = size_++;
  if (number % kChunk == 0) {
    chunks_.emplace_back().reserve(kChunk);
  }
  chunks_.back().emplace_back().id = id;
  cells_[at] = {part, number + 1};
  if (size_t{size_} * 2 > cells_.size()) {
    Grow();
  }
  return number;
}

void CustomerTable::Grow() {
  std::vector<Cell, HugePageAllocator<Cell>> larger(cells_.size() * 2);
  for (const Cell& cell : cells_) {
    if (cell.number_plus_1 == 0) {
      continue;
    }
    size_t at = cell.hash & (larger.size() - 1);
    while (larger[at].number_plus_1 != 0) {
      at = (at + 1) & (larger.size() - 1);
    }
    larger[at] = cell;
  }
  cells_ = std::move(larger);
}

void CustomerTable::FetchCustomer(uint64_t hash) const {
  if (const uint32_t number_plus_1 = GuessPlusOne(hash); number_plus_1 != 0) {
    FetchNumber(number_plus_1 - 1);
  }
}

void CustomerTable::FetchLists(uint64_t hash) const {
  if (const uint32_t number_plus_1 = GuessPlusOne(hash); number_plus_1 != 0) {
    // An event is looked for among all ids; an order goes to the end of the purchases.
    const Activity& activity = (*this)[number_plus_1 - 1].activity;
    const auto* const ids = reinterpret_cast<const char*>(activity.event_ids.data());
    const size_t bytes = activity.event_ids.size() * sizeof(activity.event_ids[0]);
    for (size_t at = 0; at < bytes; at += kCacheLineBytes) {
      __builtin_prefetch(ids + at);
    }
    __builtin_prefetch(activity.purchases.data() + activity.purchases.size());
    __builtin_prefetch(activity.categories.data());
  }
}

void CustomerTable::FetchNumber(uint32_t number) const {
  const char* const start = reinterpret_cast<const char*>(&(*this)[number]);
  for (size_t at = 0; at < sizeof(Customer); at += kCacheLineBytes) {
    __builtin_prefetch(start + at);
  }
}

}  // namespace huitou
