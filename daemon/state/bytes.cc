#include "daemon/state/bytes.h"

#include <limits>

namespace huitou {

void ByteWriter::Fixed(uint64_t value, size_t length) {
  char bytes[sizeof value];
  for (size_t i = length; i > 0; --i) {
    bytes[i - 1] = static_cast<char>(value);
    value >>= 8;
  }
  out_->append(bytes, length);
}

void ByteWriter::Id(const Id128& id) {
  Fixed64(id.high);
  Fixed64(id.low);
}

void ByteWriter::Varint(uint64_t value) {
  char bytes[10];
  size_t length = 0;
  while (value >= 0x80) {
    bytes[length++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes[length++] = static_cast<char>(value);
  out_->append(bytes, length);
}

void ByteWriter::Text(std::string_view text) {
  Varint(text.size());
  Raw(text);
}

uint8_t ByteReader::Byte() {
  if (bytes_.empty()) {
    Fail();
    return 0;
  }
  const auto value = static_cast<uint8_t>(bytes_.front());
  bytes_.remove_prefix(1);
  return value;
}

uint64_t ByteReader::Fixed(size_t length) {
  if (bytes_.size() < length) {
    Fail();
    return 0;
  }
  uint64_t value = 0;
  for (size_t i = 0; i < length; ++i) {
    value = value << 8 | static_cast<uint8_t>(bytes_[i]);
  }
  bytes_.remove_prefix(length);
  return value;
}

Id128 ByteReader::Id() {
  Id128 id;
  id.high = Fixed64();
  id.low = Fixed64();
  return id;
}

uint64_t ByteReader::Varint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = Byte();
    const uint64_t bits = byte & 0x7F;
    if (shift == 63 && bits > 1) {
      break;
    }
    value |= bits << shift;
    if ((byte & 0x80) == 0) {
      return value;
    }
  }
  Fail();
  return 0;
}

int64_t ByteReader::Signed() {
  const uint64_t value = Varint();
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

uint32_t ByteReader::Varint32() {
  const uint64_t value = Varint();
  if (value > std::numeric_limits<uint32_t>::max()) {
    Fail();
    return 0;
  }
  return static_cast<uint32_t>(value);
}

std::string_view ByteReader::Raw(size_t length) {
  if (bytes_.size() < length) {
    Fail();
    return {};
  }
  const std::string_view value = bytes_.substr(0, length);
  bytes_.remove_prefix(length);
  return value;
}

}  // namespace huitou
