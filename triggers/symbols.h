// Names that recur in every customer's state (categories, campaigns, channels) as small numbers.
// Numbers are given in the order of first use and never change: stored state refers to them. One
// table per shard, touched by its owner thread only; the store persists what was added.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace huitou {

class SymbolTable {
 public:
  // 0 is the empty name.
  SymbolTable();
  SymbolTable(const SymbolTable&) = delete;
  SymbolTable& operator=(const SymbolTable&) = delete;

  // The number of `name`, given now if it is new. Past limits::kSymbolsMax a new name gets
  // kOverflow, shared by all of them.
  uint32_t Intern(std::string_view name);
  // 0 when unknown (or empty).
  uint32_t Find(std::string_view name) const;
  const std::string& Name(uint32_t symbol) const;
  uint32_t size() const { return static_cast<uint32_t>(names_.size()); }

  static constexpr uint32_t kOverflow = 1;

 private:
  std::deque<std::string> names_;
  std::unordered_map<std::string_view, uint32_t> numbers_;
};

}  // namespace huitou
