// Hashes that outlive the process: ids, holdouts and variants rest on them, so none may ever
// change (tests pin the values). XXH3 with the parts framed by their lengths, so that ("a","bc")
// and ("ab","c") differ. Not for secrets: coupon codes are keyed with HMAC on floor 3.
#pragma once

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace huitou {

// An identifier of 128 bits: episodes and dispatches.
struct Id128 {
  uint64_t high = 0;
  uint64_t low = 0;

  bool operator==(const Id128&) const = default;
  auto operator<=>(const Id128&) const = default;
  bool empty() const { return high == 0 && low == 0; }
  // 32 lower-case hex digits; Parse takes no others.
  std::string ToString() const;
  void Format(char* buffer32) const;
  static Id128 Parse(std::string_view hex);  // empty() when the text is not 32 hex digits
};

uint64_t Hash64(std::string_view text);
uint64_t Hash64(std::initializer_list<std::string_view> parts);
Id128 Hash128(std::initializer_list<std::string_view> parts);

// A share in [0, 10000) that is the same for ever for these parts: 10 % is share < 1000.
uint32_t HashShare(std::initializer_list<std::string_view> parts);

}  // namespace huitou
