#include "triggers/symbols.h"

#include "triggers/base/check.h"
#include "triggers/limits.h"

namespace huitou {

SymbolTable::SymbolTable() {
  names_.emplace_back();
  names_.emplace_back("(other)");
  numbers_.emplace(names_.back(), kOverflow);
}

uint32_t SymbolTable::Intern(std::string_view name) {
  if (name.empty()) {
    return 0;
  }
  if (const auto found = numbers_.find(name); found != numbers_.end()) {
    return found->second;
  }
  if (size() >= limits::kSymbolsMax) {
    return kOverflow;
  }
  const uint32_t number = size();
  names_.emplace_back(name);
  numbers_.emplace(names_.back(), number);
  return number;
}

uint32_t SymbolTable::Find(std::string_view name) const {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? 0 : found->second;
}

const std::string& SymbolTable::Name(uint32_t symbol) const {
  CHECK(symbol < names_.size());
  return names_[symbol];
}

}  // namespace huitou
