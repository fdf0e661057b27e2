// The bytes of a file as they are, or decompressed. One thread at a time; for LineReader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "triggers/base/status.h"

namespace huitou {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Up to `size` bytes into `buffer`; 0 at the end. An error says what is wrong, not where.
  virtual Result<size_t> Read(char* buffer, size_t size) = 0;
  // Goes to a byte from the start; false when only reading leads there.
  virtual bool Seek(uint64_t position) = 0;
};

// gzip and zstd are told by their first bytes.
Result<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& path);

}  // namespace huitou
