#include "triggers/base/text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <vector>

namespace huitou {
namespace {

// The length of the UTF-8 sequence at `p`, of which `left` bytes remain; 0 when it is none.
size_t SequenceLength(const unsigned char* p, size_t left) {
  const auto continues = [&](size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < left && p[i] >= low && p[i] <= high;
  };
  const unsigned lead = p[0];
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return continues(1) ? 2 : 0;
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    // Below 0xA0 the form is overlong; above 0x9F behind 0xED lie the surrogates.
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  size_t left = text.size();
  while (left > 0) {
    // Eight ASCII bytes at a time: most texts are nothing else.
    uint64_t word = 0;
    if (left >= sizeof word) {
      std::memcpy(&word, p, sizeof word);
      if ((word & 0x8080808080808080u) == 0) {
        p += sizeof word;
        left -= sizeof word;
        continue;
      }
    }
    const size_t length = SequenceLength(p, left);
    if (length == 0) {
      return false;
    }
    p += length;
    left -= length;
  }
  return true;
}

size_t CountCodePoints(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string MaskPhone(std::string_view phone) {
  // Short ones show nothing: seven digits with four shown would leave a thousand guesses.
  if (phone.size() < 10) {
    return std::string(phone.size(), '*');
  }
  const size_t head = phone[0] == '+' ? 3 : 2;
  std::string masked(phone);
  std::fill(masked.begin() + static_cast<ptrdiff_t>(head), masked.end() - 4, '*');
  return masked;
}

std::string E164(std::string_view phone) {
  std::string digits;
  std::copy_if(phone.begin(), phone.end(), std::back_inserter(digits),
               [](char c) { return c >= '0' && c <= '9'; });
  if (phone.find('+') == std::string_view::npos) {
    if (digits.starts_with("00")) {
      digits.erase(0, 2);
    } else if (digits.size() == 11 && digits.front() == '1') {
      digits.insert(0, "86");
    }
  }
  return digits.empty() ? digits : "+" + digits;
}

std::string MaskEmail(std::string_view email) {
  const size_t at = email.rfind('@');
  if (at == std::string_view::npos || at == 0) {
    return "***";
  }
  // A whole first letter, also where it takes several bytes.
  const size_t letter = SequenceLength(reinterpret_cast<const unsigned char*>(email.data()), at);
  // A name of one letter would be shown whole.
  const std::string_view shown = letter < at ? email.substr(0, letter) : std::string_view();
  return std::string(shown).append("***").append(email.substr(at));
}

size_t EditDistance(std::string_view a, std::string_view b) {
  // Three rows of the usual table; a swap looks back two.
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::string_view Suggest(std::string_view word, std::span<const std::string_view> candidates) {
  // A key or a name; nothing of this length is a typing error, and the table costs its square.
  constexpr size_t kWordBytesMax = 64;
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  if (word.size() > kWordBytesMax) {
    return best;
  }
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kWordBytesMax || candidate.empty()) {
      continue;
    }
    const size_t distance = EditDistance(word, candidate);
    // Replacing every letter is no suggestion.
    if (distance < best_distance && distance < std::max(word.size(), candidate.size())) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace huitou
