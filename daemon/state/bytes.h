// Writing and reading of numbers in stored bytes: big-endian where the order of keys must be the
// order of numbers, variable length (7 bits a byte, low first) where size counts. A ByteReader
// never reads past its end: what is missing reads as zero and ok() turns false.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "triggers/base/hash.h"
#include "triggers/base/time.h"

namespace huitou {

class ByteWriter {
 public:
  explicit ByteWriter(std::string* out) : out_(out) {}

  void Byte(uint8_t value) { out_->push_back(static_cast<char>(value)); }
  void Fixed16(uint16_t value) { Fixed(value, 2); }
  void Fixed32(uint32_t value) { Fixed(value, 4); }
  void Fixed64(uint64_t value) { Fixed(value, 8); }
  // Order-preserving for negative times too.
  void Time(TimeUs value) { Fixed64(static_cast<uint64_t>(value) ^ (uint64_t{1} << 63)); }
  void Id(const Id128& id);
  void Varint(uint64_t value);
  void Signed(int64_t value) {
    Varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void Raw(std::string_view bytes) { out_->append(bytes); }
  // Length first.
  void Text(std::string_view text);

 private:
  void Fixed(uint64_t value, size_t length);

  std::string* const out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  size_t remaining() const { return bytes_.size(); }
  uint8_t Byte();
  uint16_t Fixed16() { return static_cast<uint16_t>(Fixed(2)); }
  uint32_t Fixed32() { return static_cast<uint32_t>(Fixed(4)); }
  uint64_t Fixed64() { return Fixed(8); }
  TimeUs Time() { return static_cast<TimeUs>(Fixed64() ^ (uint64_t{1} << 63)); }
  Id128 Id();
  uint64_t Varint();
  int64_t Signed();
  // A varint of at most 32 bits.
  uint32_t Varint32();
  std::string_view Raw(size_t length);
  std::string_view Text() { return Raw(Varint()); }
  void Fail() {
    ok_ = false;
    bytes_ = {};
  }

 private:
  uint64_t Fixed(size_t length);

  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace huitou
