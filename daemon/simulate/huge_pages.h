// An allocator for tables of hundreds of megabytes that are read at random: asks the kernel for
// pages of 2 MiB, since finding the small ones costs more than the memory's own delay.
//
//   std::vector<Cell, HugePageAllocator<Cell>> cells;
//
// Any thread.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

namespace huitou {

template <typename T>
struct HugePageAllocator {
  using value_type = T;

  HugePageAllocator() = default;
  template <typename U>
  explicit HugePageAllocator(const HugePageAllocator<U>&) {}

  T* allocate(size_t count) {
    constexpr size_t kPageBytes = size_t{2} << 20;
    const bool is_large = count * sizeof(T) >= kPageBytes;
    const size_t alignment = is_large ? kPageBytes : alignof(std::max_align_t);
    const size_t bytes = (count * sizeof(T) + alignment - 1) / alignment * alignment;
    void* const memory = std::aligned_alloc(alignment, bytes);
    if (memory == nullptr) {
      throw std::bad_alloc();
    }
    if (is_large) {
      ::madvise(memory, bytes, MADV_HUGEPAGE);  // where that is switched off, small pages do
    }
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t) { std::free(memory); }

  bool operator==(const HugePageAllocator&) const = default;
};

}  // namespace huitou
