#include "triggers/cel/value.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "triggers/cel/builtins.h"
#include "triggers/cel/compare.h"

namespace huitou::cel {

struct alignas(std::max_align_t) Arena::Block {
  Block* next = nullptr;
  size_t capacity = 0;
  size_t used = 0;

  char* data() { return reinterpret_cast<char*>(this + 1); }
};

namespace {

// One event's values fit into the first block; later ones double up to a size that malloc serves
// from its own pools.
constexpr size_t kFirstBlockBytes = size_t{4} << 10;
constexpr size_t kBlockBytesMax = size_t{64} << 10;

// Maps up to this size are searched from the front, larger ones through a sorted index.
constexpr size_t kLinearMapMax = 8;

// A total order over keys in which equal keys are neighbours: null, bool, numbers, text.
bool KeyLess(const Value& a, const Value& b) {
  const auto rank = [](Kind kind) {
    return kind == Kind::kInt || kind == Kind::kUint ? static_cast<int>(Kind::kInt)
                                                     : static_cast<int>(kind);
  };
  const int rank_a = rank(a.kind());
  const int rank_b = rank(b.kind());
  return rank_a != rank_b ? rank_a < rank_b : Compare(a, b) == Order::kLess;
}

bool KeyEqual(const Value& a, const Value& b) {
  return Compare(a, b) == Order::kEqual;
}

class ArenaList final : public ListView {
 public:
  ArenaList(const Value* items, size_t size) : items_(items), size_(size) {}
  size_t size() const override { return size_; }
  Value At(size_t index, Arena&) const override { return items_[index]; }

 private:
  const Value* items_;
  size_t size_;
};

// Keys in the order of their first insertion, values beside them.
class ArenaMap final : public MapView {
 public:
  ArenaMap(const Value* keys, const Value* values, const uint32_t* sorted, size_t size)
      : keys_(keys), values_(values), sorted_(sorted), size_(size) {}
  size_t size() const override { return size_; }
  Value KeyAt(size_t index, Arena&) const override { return keys_[index]; }

  bool Find(const Value& key, Arena&, Value* value) const override {
    const Value wanted = CanonicalKey(key);
    const size_t at = sorted_ == nullptr ? FindLinear(wanted) : FindSorted(wanted);
    if (at == size_) {
      return false;
    }
    *value = values_[at];
    return true;
  }

 private:
  size_t FindLinear(const Value& key) const {
    for (size_t i = 0; i < size_; ++i) {
      if (KeyEqual(keys_[i], key)) {
        return i;
      }
    }
    return size_;
  }

  size_t FindSorted(const Value& key) const {
    const uint32_t* end = sorted_ + size_;
    const uint32_t* at = std::lower_bound(
        sorted_, end, key, [this](uint32_t i, const Value& k) { return KeyLess(keys_[i], k); });
    return at != end && KeyEqual(keys_[*at], key) ? *at : size_;
  }

  const Value* keys_;
  const Value* values_;
  const uint32_t* sorted_;
  size_t size_;
};

template <typename T>
T* AllocateArray(Arena& arena, size_t count) {
  return static_cast<T*>(arena.Allocate(std::max<size_t>(count, 1) * sizeof(T), alignof(T)));
}

// The indices of `entries` sorted by key, those of one key by position.
std::vector<uint32_t> SortedByKey(const std::vector<std::pair<Value, Value>>& entries) {
  std::vector<uint32_t> order(entries.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return KeyLess(entries[a].first, entries[b].first);
  });
  return order;
}

// Moves the last value of each key to its first entry and drops the others.
void DropRepeatedKeys(std::vector<std::pair<Value, Value>>* entries) {
  const std::vector<uint32_t> order = SortedByKey(*entries);
  std::vector<bool> repeated(entries->size(), false);
  bool any = false;
  uint32_t first = 0;
  for (size_t i = 1; i < order.size(); ++i) {
    if (KeyEqual((*entries)[order[first]].first, (*entries)[order[i]].first)) {
      (*entries)[order[first]].second = (*entries)[order[i]].second;
      repeated[order[i]] = true;
      any = true;
    } else {
      first = static_cast<uint32_t>(i);
    }
  }
  if (!any) {
    return;
  }
  size_t kept = 0;
  for (size_t i = 0; i < entries->size(); ++i) {
    if (!repeated[i]) {
      (*entries)[kept++] = (*entries)[i];
    }
  }
  entries->resize(kept);
}

Value CopyList(const ListView& list, Arena& arena) {
  std::vector<Value> items;
  items.reserve(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    items.push_back(Copy(list.At(i, arena), arena));
    if (items.back().is_error()) {
      return items.back();
    }
  }
  return MakeList(std::move(items), arena);
}

Value CopyMap(const MapView& map, Arena& arena) {
  std::vector<std::pair<Value, Value>> entries;
  entries.reserve(map.size());
  for (size_t i = 0; i < map.size(); ++i) {
    const Value key = map.KeyAt(i, arena);
    Value value;
    if (!map.Find(key, arena, &value)) {
      continue;
    }
    entries.emplace_back(Copy(key, arena), Copy(value, arena));
    if (entries.back().first.is_error() || entries.back().second.is_error()) {
      return Value::Error(kOutOfBytes);
    }
  }
  return MakeMap(std::move(entries), arena);
}

}  // namespace

Arena::Arena(size_t bytes_max) : bytes_max_(bytes_max) {
}

Arena::~Arena() {
  for (Block* block = first_; block != nullptr;) {
    Block* next = block->next;
    ::operator delete(block);
    block = next;
  }
}

Arena::Arena(Arena&& other) noexcept
    : first_(std::exchange(other.first_, nullptr)),
      current_(std::exchange(other.current_, nullptr)),
      bytes_max_(other.bytes_max_),
      used_(std::exchange(other.used_, 0)) {
}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(first_, other.first_);
  std::swap(current_, other.current_);
  std::swap(bytes_max_, other.bytes_max_);
  std::swap(used_, other.used_);
  return *this;
}

void* Arena::Allocate(size_t bytes, size_t alignment) {
  CHECK(alignment <= alignof(std::max_align_t));
  if (bytes > bytes_max_ - used_) {
    return nullptr;
  }
  size_t start = current_ == nullptr ? 0 : (current_->used + alignment - 1) & ~(alignment - 1);
  if (current_ == nullptr || start > current_->capacity || bytes > current_->capacity - start) {
    const size_t doubled =
        current_ == nullptr ? kFirstBlockBytes : std::min(2 * current_->capacity, kBlockBytesMax);
    const size_t capacity = std::max(doubled, bytes);
    auto* block = new (::operator new(sizeof(Block) + capacity)) Block;
    block->capacity = capacity;
    (current_ == nullptr ? first_ : current_->next) = block;
    current_ = block;
    start = 0;
  }
  current_->used = start + bytes;
  used_ += bytes;
  return current_->data() + start;
}

std::string_view Arena::Copy(std::string_view text) {
  auto* data = static_cast<char*>(Allocate(text.size(), 1));
  if (data == nullptr) {
    return {};
  }
  if (!text.empty()) {
    std::memcpy(data, text.data(), text.size());
  }
  return {data, text.size()};
}

void Arena::Clear() {
  used_ = 0;
  current_ = first_;
  if (first_ == nullptr) {
    return;
  }
  first_->used = 0;
  for (Block* block = std::exchange(first_->next, nullptr); block != nullptr;) {
    Block* next = block->next;
    ::operator delete(block);
    block = next;
  }
}

Value Value::Timestamp(int64_t seconds, int32_t nanos) {
  Value v(Kind::kTimestamp, static_cast<uint64_t>(seconds));
  v.nanos_ = nanos;
  return v;
}

Value Value::Duration(int64_t seconds, int32_t nanos) {
  Value v(Kind::kDuration, static_cast<uint64_t>(seconds));
  v.nanos_ = nanos;
  return v;
}

Value MakeList(std::vector<Value> items, Arena& arena) {
  Value* copy = AllocateArray<Value>(arena, items.size());
  void* list = arena.Allocate(sizeof(ArenaList), alignof(ArenaList));
  if (copy == nullptr || list == nullptr) {
    return Value::Error(kOutOfBytes);
  }
  std::copy(items.begin(), items.end(), copy);
  return Value::List(new (list) ArenaList(copy, items.size()));
}

Value MakeMap(std::vector<std::pair<Value, Value>> entries, Arena& arena) {
  DropRepeatedKeys(&entries);
  const size_t size = entries.size();
  Value* keys = AllocateArray<Value>(arena, size);
  Value* values = AllocateArray<Value>(arena, size);
  void* map = arena.Allocate(sizeof(ArenaMap), alignof(ArenaMap));
  if (keys == nullptr || values == nullptr || map == nullptr) {
    return Value::Error(kOutOfBytes);
  }
  for (size_t i = 0; i < size; ++i) {
    keys[i] = entries[i].first;
    values[i] = entries[i].second;
  }
  uint32_t* sorted = nullptr;
  if (size > kLinearMapMax) {
    sorted = AllocateArray<uint32_t>(arena, size);
    if (sorted == nullptr) {
      return Value::Error(kOutOfBytes);
    }
    const std::vector<uint32_t> order = SortedByKey(entries);
    std::copy(order.begin(), order.end(), sorted);
  }
  return Value::Map(new (map) ArenaMap(keys, values, sorted, size));
}

Value Copy(const Value& value, Arena& arena) {
  switch (value.kind()) {
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kType:
    case Kind::kError: {
      const std::string_view text = arena.Copy(value.as_string());
      if (text.data() == nullptr) {
        return Value::Error(kOutOfBytes);
      }
      switch (value.kind()) {
        case Kind::kString:
          return Value::String(text);
        case Kind::kBytes:
          return Value::Bytes(text);
        case Kind::kType:
          return Value::Type(text);
        default:
          return Value::Error(text);
      }
    }
    case Kind::kList:
      return CopyList(value.list(), arena);
    case Kind::kMap:
      return CopyMap(value.map(), arena);
    default:
      return value;
  }
}

}  // namespace huitou::cel
