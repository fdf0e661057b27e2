// Money: integer minor units of one currency (ISO 4217 says how many digits those have). Text in
// and out is decimal; a double only appears in conditions, correctly rounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace huitou {

// Three letters, compact enough to pass by value; the default is "no currency".
class Currency {
 public:
  Currency() = default;
  // Nothing unless three capital letters.
  static std::optional<Currency> Parse(std::string_view code);

  // 0 to 4: JPY 0, CNY 2, KWD 3; 2 for no currency.
  int minor_digits() const { return digits_; }
  std::string_view code() const { return {code_, code_[0] == '\0' ? size_t{0} : size_t{3}}; }
  bool operator==(const Currency&) const = default;

 private:
  char code_[3] = {};
  uint8_t digits_ = 2;
};

struct Money {
  int64_t minor = 0;
  Currency currency;

  bool operator==(const Money&) const = default;
};

// "259.00", "-3", "0.5" into minor units; nothing for other text, more digits than the currency
// has (unless zero), or past 2^53 minor units (so that a double holds it exactly).
std::optional<int64_t> ParseMinor(std::string_view decimal, Currency currency);
// "50 CNY"
std::optional<Money> ParseMoney(std::string_view text);
// "259.00": always with the currency's digits.
std::string FormatMinor(int64_t minor, Currency currency);
// "50" or "49.50": without digits that are all zero, for people.
std::string FormatMinorShort(int64_t minor, Currency currency);
// Major units, correctly rounded.
double ToMajor(int64_t minor, Currency currency);

}  // namespace huitou
