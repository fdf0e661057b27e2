// Reads a file of events line by line, plain, gzip or zstd (told by its first bytes, not by its
// name), in large blocks and without copying lines. One thread at a time.
//
// Example:
//   Result<std::unique_ptr<LineReader>> reader = LineReader::Open("events.jsonl.zst");
//   std::string_view line;
//   while ((*reader)->Next(&line)) Use(line);
//   if (!(*reader)->status().ok()) ...  // "events.jsonl.zst: line 1234: the archive ends too
//   early"
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "triggers/base/status.h"

namespace huitou {

// A stream of bytes of a file, decompressed.
class ByteSource;

class LineReader {
 public:
  struct Options {
    // A plain file that still grows: a last line without its end is not given yet, and Next may be
    // called again after it said false.
    bool follow = false;
    // Begin behind this many (decompressed) bytes: what position() said.
    uint64_t position = 0;
  };

  static Result<std::unique_ptr<LineReader>> Open(const std::string& path, const Options& options);
  static Result<std::unique_ptr<LineReader>> Open(const std::string& path) {
    return Open(path, Options());
  }
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // The next line that is not blank, without its end; kJsonPaddingBytes behind it are readable, so
  // that it can go to EventDecoder::DecodePadded. Valid until the next call. False at the end, or
  // when status() is an error (also after lines that were fine: a truncated archive).
  //
  // A line past limits::kLineBytesMax is cut to that, which the decoder refuses as too_large.
  bool Next(std::string_view* line);

  const Status& status() const { return status_; }
  // Of the line that Next gave last, from 1. Counted from where the reading began.
  uint64_t line_number() const { return line_number_; }
  // Decompressed bytes up to the end of that line.
  uint64_t position() const { return position_; }

 private:
  LineReader(const std::string& path, const Options& options, std::unique_ptr<ByteSource> source);
  // Reads until there is a whole line or the end; false when there is nothing more.
  bool FindLine(std::string_view* line);
  bool Fill();
  // Past the limit: forgets bytes up to the line's end, which may be blocks away.
  void SkipLongLine();
  // Up to `size` bytes to buffer_[at]; 0 at the end or with an error, which status_ then has.
  size_t Read(size_t at, size_t size);
  Status Skip(uint64_t bytes);

  const std::string path_;
  const Options options_;
  std::unique_ptr<ByteSource> source_;
  std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0;    // of what is not given yet
  size_t scanned_ = 0;  // up to here there is no line end
  size_t end_ = 0;
  bool at_end_ = false;
  uint64_t line_number_ = 0;
  uint64_t position_ = 0;
  Status status_;
};

}  // namespace huitou
