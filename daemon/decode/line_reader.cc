#include "daemon/decode/line_reader.h"

#include <algorithm>
#include <cstring>

#include "daemon/decode/byte_source.h"
#include "daemon/decode/event_decoder.h"
#include "daemon/decode/limits.h"

namespace huitou {
namespace {

// Room for a line that just fits and a block behind it.
constexpr size_t kBufferBytes = limits::kLineBytesMax + limits::kReadBytes;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

Result<std::unique_ptr<LineReader>> LineReader::Open(const std::string& path,
                                                     const Options& options) {
  Result<std::unique_ptr<ByteSource>> source = OpenByteSource(path);
  if (!source.ok()) {
    return Status(source.status().code(),
                  std::string(path).append(": ").append(source.status().message()));
  }
  std::unique_ptr<LineReader> reader(new LineReader(path, options, std::move(*source)));
  if (options.position > 0) {
    const Status skipped = reader->Skip(options.position);
    if (!skipped.ok()) {
      return skipped;
    }
  }
  return reader;
}

LineReader::LineReader(const std::string& path, const Options& options,
                       std::unique_ptr<ByteSource> source)
    : path_(path),
      options_(options),
      source_(std::move(source)),
      buffer_(new char[kBufferBytes + kJsonPaddingBytes]) {
  // What lies behind the last line is read, never understood.
  std::memset(buffer_.get() + kBufferBytes, ' ', kJsonPaddingBytes);
}

LineReader::~LineReader() = default;

Status LineReader::Skip(uint64_t bytes) {
  position_ = bytes;
  if (source_->Seek(bytes)) {
    return Status::Ok();
  }
  while (bytes > 0) {
    const Result<size_t> read =
        source_->Read(buffer_.get(), std::min<uint64_t>(bytes, kBufferBytes));
    if (!read.ok() || *read == 0) {
      return {StatusCode::kCorrupt,
              std::string(path_).append(": shorter than what was read of it before")};
    }
    bytes -= *read;
  }
  return Status::Ok();
}

bool LineReader::Next(std::string_view* line) {
  while (FindLine(line)) {
    ++line_number_;
    if (line_number_ == 1 && options_.position == 0 && line->starts_with(kByteOrderMark)) {
      line->remove_prefix(kByteOrderMark.size());
    }
    if (!IsBlank(*line)) {
      return true;
    }
  }
  return false;
}

bool LineReader::FindLine(std::string_view* line) {
  for (;;) {
    const void* newline = std::memchr(buffer_.get() + scanned_, '\n', end_ - scanned_);
    if (newline != nullptr) {
      const auto at = static_cast<size_t>(static_cast<const char*>(newline) - buffer_.get());
      *line = {buffer_.get() + begin_, std::min(at - begin_, limits::kLineBytesMax)};
      position_ += at + 1 - begin_;
      begin_ = scanned_ = at + 1;
      return true;
    }
    scanned_ = end_;
    if (end_ - begin_ >= limits::kLineBytesMax) {
      SkipLongLine();
      *line = {buffer_.get(), limits::kLineBytesMax};
      return true;
    }
    if (!Fill()) {
      // The last line may lack its end, unless it is still being written.
      if (!status_.ok() || begin_ == end_ || options_.follow) {
        return false;
      }
      *line = {buffer_.get() + begin_, end_ - begin_};
      position_ += end_ - begin_;
      begin_ = scanned_ = end_;
      return true;
    }
  }
}

bool LineReader::Fill() {
  if (kBufferBytes - end_ < limits::kReadBytes) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  const size_t size = Read(end_, limits::kReadBytes);
  end_ += size;
  return size > 0;
}

size_t LineReader::Read(size_t at, size_t size) {
  if (!status_.ok() || (at_end_ && !options_.follow)) {
    return 0;
  }
  const Result<size_t> read = source_->Read(buffer_.get() + at, size);
  if (!read.ok()) {
    status_ = {read.status().code(), std::string(path_)
                                         .append(": line ")
                                         .append(std::to_string(line_number_ + 1))
                                         .append(": ")
                                         .append(read.status().message())};
    return 0;
  }
  at_end_ = *read == 0;
  return *read;
}

void LineReader::SkipLongLine() {
  // The line's start stays in front for the caller; what follows is read behind it and dropped.
  std::memmove(buffer_.get(), buffer_.get() + begin_, limits::kLineBytesMax);
  position_ += end_ - begin_;
  begin_ = scanned_ = end_ = limits::kLineBytesMax;
  while (const size_t size = Read(begin_, limits::kReadBytes)) {
    const void* newline = std::memchr(buffer_.get() + begin_, '\n', size);
    if (newline != nullptr) {
      const auto at = static_cast<size_t>(static_cast<const char*>(newline) - buffer_.get());
      position_ += at + 1 - begin_;
      end_ = begin_ + size;
      begin_ = scanned_ = at + 1;
      return;
    }
    position_ += size;
  }
}

}  // namespace huitou
