// The customers of a run in memory, by number and by id; millions of them. Reaching one is three
// misses of the processor's caches behind each other, together as long as decoding an event:
// whoever knows the next ids fetches ahead, in three steps.
//
//   table.FetchCell(hash);      // well before ...
//   table.FetchCustomer(hash);
//   table.FetchLists(hash);     // ... and some events apart
//   Customer& customer = table[table.Number(id, hash)];
//
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "daemon/simulate/huge_pages.h"
#include "triggers/customer.h"

namespace huitou {

class CustomerTable {
 public:
  CustomerTable();

  // The number of a customer, created if new; `hash` is Hash64(id). Numbers count from 0, and a
  // customer never moves.
  uint32_t Number(std::string_view id, uint64_t hash);
  Customer& operator[](uint32_t number) { return chunks_[number / kChunk][number % kChunk]; }
  const Customer& operator[](uint32_t number) const {
    return chunks_[number / kChunk][number % kChunk];
  }
  uint32_t size() const { return size_; }

  void FetchCell(uint64_t hash) const { __builtin_prefetch(&cells_[hash & (cells_.size() - 1)]); }
  // These guess that the first cell is the right one.
  void FetchCustomer(uint64_t hash) const;
  void FetchLists(uint64_t hash) const;
  void FetchNumber(uint32_t number) const;

 private:
  // 6 MiB, three huge pages.
  static constexpr uint32_t kChunk = 16'384;
  // Open addressing: the lower half of the id's hash, and the number.
  struct Cell {
    uint32_t hash = 0;
    uint32_t number_plus_1 = 0;
  };
  // The number of the customer whose cell is the first for this hash, if it is there; plus one.
  uint32_t GuessPlusOne(uint64_t hash) const {
    const Cell& cell = cells_[hash & (cells_.size() - 1)];
    return cell.hash == static_cast<uint32_t>(hash) ? cell.number_plus_1 : 0;
  }
  void Grow();

  std::vector<Cell, HugePageAllocator<Cell>> cells_;
  std::vector<std::vector<Customer, HugePageAllocator<Customer>>> chunks_;  // never reallocated
  uint32_t size_ = 0;
};

}  // namespace huitou
