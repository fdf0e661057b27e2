#include "triggers/cel/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace huitou::cel {
namespace {

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// The length that a leading byte promises; 0 for one that cannot lead.
size_t SequenceLength(unsigned char lead) {
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead < 0xE0) {
    return 2;
  }
  if (lead >= 0xE0 && lead < 0xF0) {
    return 3;
  }
  return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

bool IsSurrogate(uint32_t code_point) {
  return code_point >= 0xD800 && code_point < 0xE000;
}

bool IsDecimal(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && std::any_of(text.begin(), text.end(), is_digit) &&
         text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

}  // namespace

bool AppendUtf8(uint32_t code_point, std::string* out) {
  if (IsSurrogate(code_point) || code_point > 0x10FFFF) {
    return false;
  }
  const auto put = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
  return true;
}

size_t CodePointOffset(std::string_view text, size_t index) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsContinuation(text[i])) {
      continue;
    }
    if (index == 0) {
      return i;
    }
    --index;
  }
  return index == 0 ? text.size() : std::string_view::npos;
}

uint32_t NextCodePoint(std::string_view text, size_t* offset) {
  const auto lead = static_cast<unsigned char>(text[(*offset)++]);
  const size_t length = SequenceLength(lead);
  uint32_t code_point = length < 2 ? lead : lead & (0x7Fu >> length);
  for (size_t k = 1; k < length && *offset < text.size() && IsContinuation(text[*offset]); ++k) {
    code_point = code_point << 6 | (static_cast<unsigned char>(text[(*offset)++]) & 0x3F);
  }
  return code_point;
}

std::string DoubleText(double d) {
  if (std::isnan(d)) {
    return "NaN";
  }
  if (std::isinf(d)) {
    return d < 0 ? "-Infinity" : "Infinity";
  }
  const double magnitude = std::fabs(d);
  // People read money and counts: no exponent where it only shortens the text.
  const bool fixed = d == 0 || (magnitude >= 1e-6 && magnitude < 1e21);
  char buffer[64];
  const auto result =
      std::to_chars(buffer, buffer + sizeof(buffer), d,
                    fixed ? std::chars_format::fixed : std::chars_format::scientific);
  return {buffer, result.ptr};
}

std::optional<double> ParseDouble(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  const std::string_view word =
      !text.empty() && (negative || text.front() == '+') ? text.substr(1) : text;
  if (word == "Infinity" || word == "Inf" || word == "inf" || word == "infinity") {
    const double infinity = std::numeric_limits<double>::infinity();
    return negative ? -infinity : infinity;
  }
  if (word == "NaN" || word == "nan") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (!IsDecimal(word) || word.front() == '-' || word.front() == '+') {
    return std::nullopt;
  }
  double d = 0;
  const auto result = std::from_chars(word.data(), word.data() + word.size(), d);
  if (result.ptr != word.data() + word.size()) {
    return std::nullopt;
  }
  if (result.ec == std::errc::result_out_of_range) {
    // Too small is zero, too large is refused; from_chars does not tell which it was.
    d = std::strtod(std::string(word).c_str(), nullptr);
    if (std::isinf(d)) {
      return std::nullopt;
    }
  } else if (result.ec != std::errc{}) {
    return std::nullopt;
  }
  return negative ? -d : d;
}

std::string Base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0);
    }
    for (size_t k = 0; k < 4; ++k) {
      out.push_back(k <= count ? kDigits[group >> (18 - 6 * k) & 0x3F] : '=');
    }
  }
  return out;
}

}  // namespace huitou::cel
