#include "triggers/base/hash.h"

// The header-only form: our inputs are some 40 bytes, where a call costs as much as the hash.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <vector>

namespace huitou {
namespace {

// Parts behind each other, each after its length in 8 little-endian bytes.
class Frame {
 public:
  explicit Frame(std::initializer_list<std::string_view> parts) {
    size_t size = 0;
    for (const std::string_view part : parts) {
      size += 8 + part.size();
    }
    char* p = small_;
    if (size > sizeof small_) {
      large_.resize(size);
      p = large_.data();
    }
    view_ = {p, size};
    for (const std::string_view part : parts) {
      for (size_t i = 0; i < 8; ++i) {
        *p++ = static_cast<char>(static_cast<uint64_t>(part.size()) >> (8 * i));
      }
      if (!part.empty()) {
        std::memcpy(p, part.data(), part.size());
        p += part.size();
      }
    }
  }

  std::string_view view() const { return view_; }

 private:
  std::string_view view_;
  std::vector<char> large_;
  char small_[512];
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

void Id128::Format(char* buffer32) const {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (int i = 0; i < 16; ++i) {
    buffer32[i] = kDigits[high >> (60 - 4 * i) & 15];
    buffer32[16 + i] = kDigits[low >> (60 - 4 * i) & 15];
  }
}

std::string Id128::ToString() const {
  std::string text(32, '\0');
  Format(text.data());
  return text;
}

Id128 Id128::Parse(std::string_view hex) {
  if (hex.size() != 32) {
    return {};
  }
  Id128 id;
  for (size_t i = 0; i < 32; ++i) {
    const int digit = HexDigit(hex[i]);
    if (digit < 0) {
      return {};
    }
    uint64_t& half = i < 16 ? id.high : id.low;
    half = half << 4 | static_cast<uint64_t>(digit);
  }
  return id;
}

uint64_t Hash64(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}

uint64_t Hash64(std::initializer_list<std::string_view> parts) {
  const Frame frame(parts);
  return XXH3_64bits(frame.view().data(), frame.view().size());
}

Id128 Hash128(std::initializer_list<std::string_view> parts) {
  const Frame frame(parts);
  const XXH128_hash_t hash = XXH3_128bits(frame.view().data(), frame.view().size());
  return {hash.high64, hash.low64};
}

uint32_t HashShare(std::initializer_list<std::string_view> parts) {
  return static_cast<uint32_t>(Hash64(parts) % 10000);
}

}  // namespace huitou
