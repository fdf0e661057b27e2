#include "triggers/base/money.h"

#include <algorithm>
#include <array>

namespace huitou {
namespace {

// Past this a double no longer holds every integer.
constexpr int64_t kMinorMax = int64_t{1} << 53;

constexpr std::array<int64_t, 5> kPowerOfTen = {1, 10, 100, 1000, 10000};

constexpr uint32_t Pack(char a, char b, char c) {
  return static_cast<uint32_t>(static_cast<unsigned char>(a)) << 16 |
         static_cast<uint32_t>(static_cast<unsigned char>(b)) << 8 |
         static_cast<uint32_t>(static_cast<unsigned char>(c));
}

// ISO 4217's exceptions; all the others have two.
int MinorDigits(uint32_t code) {
  switch (code) {
    case Pack('B', 'I', 'F'):
    case Pack('C', 'L', 'P'):
    case Pack('D', 'J', 'F'):
    case Pack('G', 'N', 'F'):
    case Pack('I', 'S', 'K'):
    case Pack('J', 'P', 'Y'):
    case Pack('K', 'M', 'F'):
    case Pack('K', 'R', 'W'):
    case Pack('P', 'Y', 'G'):
    case Pack('R', 'W', 'F'):
    case Pack('U', 'G', 'X'):
    case Pack('U', 'Y', 'I'):
    case Pack('V', 'N', 'D'):
    case Pack('V', 'U', 'V'):
    case Pack('X', 'A', 'F'):
    case Pack('X', 'O', 'F'):
    case Pack('X', 'P', 'F'):
      return 0;
    case Pack('B', 'H', 'D'):
    case Pack('I', 'Q', 'D'):
    case Pack('J', 'O', 'D'):
    case Pack('K', 'W', 'D'):
    case Pack('L', 'Y', 'D'):
    case Pack('O', 'M', 'R'):
    case Pack('T', 'N', 'D'):
      return 3;
    case Pack('C', 'L', 'F'):
    case Pack('U', 'Y', 'W'):
      return 4;
    default:
      return 2;
  }
}

}  // namespace

std::optional<Currency> Currency::Parse(std::string_view code) {
  if (code.size() != 3) {
    return std::nullopt;
  }
  Currency currency;
  for (size_t i = 0; i < 3; ++i) {
    if (code[i] < 'A' || code[i] > 'Z') {
      return std::nullopt;
    }
    currency.code_[i] = code[i];
  }
  currency.digits_ = static_cast<uint8_t>(MinorDigits(Pack(code[0], code[1], code[2])));
  return currency;
}

std::optional<int64_t> ParseMinor(std::string_view decimal, Currency currency) {
  const bool negative = !decimal.empty() && decimal[0] == '-';
  const char* p = decimal.data() + (negative ? 1 : 0);
  const char* const end = decimal.data() + decimal.size();
  int64_t minor = 0;
  // Digits before the point, at least one.
  const char* const whole = p;
  for (; p != end && *p >= '0' && *p <= '9'; ++p) {
    minor = minor * 10 + (*p - '0');
    if (minor > kMinorMax) {
      return std::nullopt;
    }
  }
  if (p == whole) {
    return std::nullopt;
  }
  int missing = currency.minor_digits();
  if (p != end) {
    const bool has_point = *p == '.';
    ++p;
    if (!has_point || p == end) {
      return std::nullopt;
    }
    for (; p != end; ++p) {
      if (*p < '0' || *p > '9' || (missing == 0 && *p != '0') || minor > kMinorMax) {
        return std::nullopt;
      }
      if (missing > 0) {
        minor = minor * 10 + (*p - '0');
        --missing;
      }
    }
  }
  if (minor > kMinorMax / kPowerOfTen[static_cast<size_t>(missing)]) {
    return std::nullopt;
  }
  minor *= kPowerOfTen[static_cast<size_t>(missing)];
  return negative ? -minor : minor;
}

std::optional<Money> ParseMoney(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) {
    return std::nullopt;
  }
  const std::optional<Currency> currency = Currency::Parse(text.substr(space + 1));
  if (!currency) {
    return std::nullopt;
  }
  const std::optional<int64_t> minor = ParseMinor(text.substr(0, space), *currency);
  if (!minor) {
    return std::nullopt;
  }
  return Money{*minor, *currency};
}

std::string FormatMinor(int64_t minor, Currency currency) {
  // Unsigned, because the lowest integer has no positive twin.
  uint64_t rest = minor < 0 ? ~static_cast<uint64_t>(minor) + 1 : static_cast<uint64_t>(minor);
  char buffer[32];
  char* p = buffer + sizeof buffer;
  const int digits = currency.minor_digits();
  for (int i = 0; i < digits; ++i, rest /= 10) {
    *--p = static_cast<char>('0' + rest % 10);
  }
  if (digits > 0) {
    *--p = '.';
  }
  do {
    *--p = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (minor < 0) {
    *--p = '-';
  }
  return {p, static_cast<size_t>(buffer + sizeof buffer - p)};
}

std::string FormatMinorShort(int64_t minor, Currency currency) {
  std::string text = FormatMinor(minor, currency);
  if (minor % kPowerOfTen[static_cast<size_t>(currency.minor_digits())] == 0) {
    text.erase(std::min(text.find('.'), text.size()));
  }
  return text;
}

double ToMajor(int64_t minor, Currency currency) {
  // Both sides are exact doubles, so one division rounds once, correctly.
  return static_cast<double>(minor) /
         static_cast<double>(kPowerOfTen[static_cast<size_t>(currency.minor_digits())]);
}

}  // namespace huitou
