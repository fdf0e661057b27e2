#include "daemon/decode/byte_source.h"

#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

namespace huitou {
namespace {

constexpr char kEndsTooEarly[] = "the archive ends too early";

// A FILE without its own buffer: blocks are large already.
class File {
 public:
  explicit File(std::FILE* file) : file_(file) { std::setvbuf(file_, nullptr, _IONBF, 0); }
  ~File() { std::fclose(file_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  Result<size_t> Read(void* buffer, size_t size) {
    // A file that grows is at its end only for now.
    std::clearerr(file_);
    const size_t read = std::fread(buffer, 1, size, file_);
    if (read == 0 && std::ferror(file_) != 0) {
      return Status(StatusCode::kUnavailable, std::strerror(errno));
    }
    return read;
  }
  bool Seek(uint64_t position) {
    return fseeko(file_, static_cast<off_t>(position), SEEK_SET) == 0;
  }

 private:
  std::FILE* file_;
};

class PlainSource final : public ByteSource {
 public:
  explicit PlainSource(std::unique_ptr<File> file) : file_(std::move(file)) {}
  Result<size_t> Read(char* buffer, size_t size) override { return file_->Read(buffer, size); }
  bool Seek(uint64_t position) override { return file_->Seek(position); }

 private:
  std::unique_ptr<File> file_;
};

// What both kinds of archives share: a block of input, and the end inside or between members.
class ArchiveSource : public ByteSource {
 public:
  explicit ArchiveSource(std::unique_ptr<File> file) : file_(std::move(file)) {}

  Result<size_t> Read(char* buffer, size_t size) final {
    size_t written = 0;
    while (written == 0) {
      if (begin_ == end_ && !holds_output_) {
        Result<size_t> read = file_->Read(input_.data(), input_.size());
        if (!read.ok()) {
          return read;
        }
        if (*read == 0) {
          return is_inside_ ? Result<size_t>(Status(StatusCode::kCorrupt, kEndsTooEarly)) : read;
        }
        begin_ = 0;
        end_ = *read;
      }
      const Status status = Decompress(buffer, size, &written);
      if (!status.ok()) {
        return status;
      }
      // A full buffer: more may come out before more goes in.
      holds_output_ = is_inside_ && written == size;
    }
    return written;
  }
  bool Seek(uint64_t /*position*/) final { return false; }

 protected:
  // Takes from input_[begin_, end_), moving begin_; sets is_inside_.
  virtual Status Decompress(char* buffer, size_t size, size_t* written) = 0;

  std::vector<char> input_ = std::vector<char>(256 * 1024);
  size_t begin_ = 0;
  size_t end_ = 0;
  // Whether a member (gzip) or frame (zstd) has begun and not ended.
  bool is_inside_ = false;

 private:
  bool holds_output_ = false;
  std::unique_ptr<File> file_;
};

class GzipSource final : public ArchiveSource {
 public:
  explicit GzipSource(std::unique_ptr<File> file) : ArchiveSource(std::move(file)) {
    // 16: a gzip header and checksum, nothing else.
    CHECK(inflateInit2(&stream_, 16 + MAX_WBITS) == Z_OK);
  }
  ~GzipSource() override { inflateEnd(&stream_); }

 private:
  Status Decompress(char* buffer, size_t size, size_t* written) override {
    if (!is_inside_) {
      // The first member, or one behind another, as `cat a.gz b.gz` makes them.
      inflateReset(&stream_);
      is_inside_ = true;
    }
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data() + begin_);
    stream_.avail_in = static_cast<uInt>(end_ - begin_);
    stream_.next_out = reinterpret_cast<Bytef*>(buffer);
    stream_.avail_out = static_cast<uInt>(size);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    begin_ = end_ - stream_.avail_in;
    *written = size - stream_.avail_out;
    if (result == Z_STREAM_END) {
      is_inside_ = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return {StatusCode::kCorrupt,
              std::string("gzip: ").append(stream_.msg == nullptr ? "damaged" : stream_.msg)};
    }
    return Status::Ok();
  }

  z_stream stream_ = {};
};

class ZstdSource final : public ArchiveSource {
 public:
  explicit ZstdSource(std::unique_ptr<File> file)
      : ArchiveSource(std::move(file)), stream_(ZSTD_createDStream()) {
    CHECK(stream_ != nullptr);
  }
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }

 private:
  Status Decompress(char* buffer, size_t size, size_t* written) override {
    ZSTD_inBuffer in = {input_.data() + begin_, end_ - begin_, 0};
    ZSTD_outBuffer out = {buffer, size, 0};
    const size_t result = ZSTD_decompressStream(stream_, &out, &in);
    if (ZSTD_isError(result) != 0) {
      return {StatusCode::kCorrupt, std::string("zstd: ").append(ZSTD_getErrorName(result))};
    }
    begin_ += in.pos;
    *written = out.pos;
    is_inside_ = result != 0;
    return Status::Ok();
  }

  ZSTD_DStream* stream_;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& path) {
  std::FILE* opened = std::fopen(path.c_str(), "rbe");
  if (opened == nullptr) {
    return Status(errno == ENOENT ? StatusCode::kNotFound : StatusCode::kUnavailable,
                  std::strerror(errno));
  }
  auto file = std::make_unique<File>(opened);
  char magic[4] = {};
  const Result<size_t> read = file->Read(magic, sizeof magic);
  if (!read.ok()) {
    return read.status();
  }
  // A pipe cannot go back; a plain file is read from its start.
  if (!file->Seek(0)) {
    return Status(StatusCode::kInvalid, "not a regular file");
  }
  const std::string_view start(magic, *read);
  if (start.starts_with("\x1F\x8B")) {
    return std::unique_ptr<ByteSource>(std::make_unique<GzipSource>(std::move(file)));
  }
  if (start == "\x28\xB5\x2F\xFD") {
    return std::unique_ptr<ByteSource>(std::make_unique<ZstdSource>(std::move(file)));
  }
  return std::unique_ptr<ByteSource>(std::make_unique<PlainSource>(std::move(file)));
}

}  // namespace huitou
