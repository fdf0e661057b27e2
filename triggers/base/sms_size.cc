#include "triggers/base/sms_size.h"

#include <algorithm>
#include <vector>

namespace huitou {
namespace {

struct Capacity {
  size_t single;  // a message of one part
  size_t long_part;
};
constexpr Capacity kGsm7Capacity = {160, 153};
constexpr Capacity kUcs2Capacity = {70, 67};

// GSM 03.38's basic table without the letters and digits of ASCII, and its extension.
constexpr std::u32string_view kBasic =
    U"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
constexpr std::u32string_view kExtension = U"\f^{}\\[~]|€";

// The code point at `*at`, which moves behind it. Malformed bytes count one each.
char32_t NextCodePoint(std::string_view text, size_t* at) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned lead = byte((*at)++);
  const size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
  char32_t code = more == 0 ? lead : lead & (0x3Fu >> more);
  for (size_t i = 0; i < more && (byte(*at) & 0xC0) == 0x80; ++i) {
    code = (code << 6) | (byte((*at)++) & 0x3Fu);
  }
  return code;
}

// Units of one character; 0 when the alphabet lacks it.
size_t Gsm7Units(char32_t code) {
  const bool plain = (code >= U'0' && code <= U'9') || (code >= U'A' && code <= U'Z') ||
                     (code >= U'a' && code <= U'z') || kBasic.find(code) != kBasic.npos;
  return plain ? 1 : kExtension.find(code) != kExtension.npos ? 2 : 0;
}

size_t Ucs2Units(char32_t code) {
  return code > 0xFFFF ? 2 : 1;
}

}  // namespace

SmsSize MeasureSms(std::string_view text, SmsAlphabet alphabet) {
  std::vector<char32_t> codes;
  for (size_t at = 0; at < text.size();) {
    codes.push_back(NextCodePoint(text, &at));
  }
  SmsSize size;
  size.ucs2 = alphabet == SmsAlphabet::kUcs2 ||
              std::any_of(codes.begin(), codes.end(), [](char32_t c) { return Gsm7Units(c) == 0; });
  const Capacity capacity = size.ucs2 ? kUcs2Capacity : kGsm7Capacity;
  size_t parts = codes.empty() ? 0 : 1;
  size_t in_part = 0;
  for (const char32_t code : codes) {
    const size_t units = size.ucs2 ? Ucs2Units(code) : Gsm7Units(code);
    size.units += units;
    if (in_part + units > capacity.long_part) {
      ++parts;
      in_part = 0;
    }
    in_part += units;
  }
  const bool single = size.units <= capacity.single;
  size.parts = single ? std::min<size_t>(parts, 1) : parts;
  size.units_per_part = single ? capacity.single : capacity.long_part;
  return size;
}

}  // namespace huitou
