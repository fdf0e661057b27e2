#include "channels/opt_out.h"

#include <algorithm>
#include <array>
#include <string>

namespace huitou::channels {
namespace {

constexpr std::array<std::string_view, 16> kWords = {
    "REVOKE",  "OPTOUT", "TD",          "T",  "N",   "R",      "TT",   "STOP",
    "STOPALL", "QUIT",   "UNSUBSCRIBE", "QX", "END", "CANCEL", "取消", "停止"};

// Wherever these stand, the meaning is plain.
constexpr std::array<std::string_view, 3> kPhrases = {"退订", "拒收", "UNSUBSCRIBE"};

// Full-width ASCII (U+FF01 to U+FF5E) becomes ASCII, lower case upper case; blanks and punctuation,
// ASCII and the common CJK ones, go.
std::string Normalized(std::string_view reply) {
  std::string text;
  for (size_t i = 0; i < reply.size();) {
    const std::string_view rest = reply.substr(i);
    auto c = static_cast<unsigned char>(rest[0]);
    size_t length = 1;
    if (rest.size() >= 3 && c == 0xEF && (rest[1] == '\xBC' || rest[1] == '\xBD')) {
      const int offset =
          (rest[1] == '\xBD' ? 64 : 0) + (static_cast<unsigned char>(rest[2]) - 0x80);
      length = 3;
      c = offset >= 1 && offset <= 94 ? static_cast<unsigned char>(0x20 + offset) : ' ';
    } else if (rest.size() >= 3 && ((c == 0xE3 && rest[1] == '\x80') ||   // U+3000 to U+303F
                                    (c == 0xE2 && rest[1] == '\x80'))) {  // U+2000 to U+203F
      length = 3;
      c = ' ';
    } else if (c >= 0x80) {
      text += static_cast<char>(c);
      i += 1;
      continue;
    }
    if (c >= 'a' && c <= 'z') {
      c = static_cast<unsigned char>(c - 'a' + 'A');
    }
    if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
      text += static_cast<char>(c);
    }
    i += length;
  }
  return text;
}

}  // namespace

bool MeansOptOut(std::string_view reply) {
  const std::string text = Normalized(reply);
  return std::find(kWords.begin(), kWords.end(), text) != kWords.end() ||
         std::any_of(kPhrases.begin(), kPhrases.end(), [&text](std::string_view phrase) {
           return text.find(phrase) != std::string::npos;
         });
}

}  // namespace huitou::channels
