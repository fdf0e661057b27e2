#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "daemon/sinks/writer.h"

namespace huitou {
namespace {

class File {
 public:
  explicit File(const std::string& path)
      : descriptor_(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640)) {}
  ~File() {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Errno says why not. What cannot be synced, a pipe or a device, needs none.
  bool Sync() const {
    return fdatasync(descriptor_) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP;
  }

  bool is_open() const { return descriptor_ >= 0; }

  bool Append(const std::string& line) const {
    const ssize_t written = write(descriptor_, line.data(), line.size());
    if (written == static_cast<ssize_t>(line.size())) {
      return true;
    }
    const int why = written < 0 ? errno : ENOSPC;
    struct stat state {};
    if (written > 0 && fstat(descriptor_, &state) == 0 &&
        ftruncate(descriptor_, state.st_size - written) != 0) {
      // The half line stays; ending it keeps the next one whole.
      (void)!write(descriptor_, "\n", 1);
    }
    errno = why;
    return false;
  }

 private:
  const int descriptor_;
};

class FileWriter final : public SinkWriter {
 public:
  explicit FileWriter(FileTarget target) : path_(std::move(target.path)), sync_(target.sync) {}

  Status Write(std::vector<SinkItem>* items) override {
    const File file(path_);
    if (!file.is_open()) {
      return Failure();
    }
    for (SinkItem& item : *items) {
      if (!item.done && !file.Append(item.value + "\n")) {
        return Failure();
      }
      item.done = true;
    }
    // Once a batch. When it fails, the next try has nothing to write and syncs again.
    return !sync_ || file.Sync() ? Status::Ok() : Failure();
  }

 private:
  Status Failure() const { return {StatusCode::kUnavailable, path_ + ": " + std::strerror(errno)}; }

  const std::string path_;
  const bool sync_;
};

}  // namespace

std::unique_ptr<SinkWriter> MakeFileWriter(const FileTarget& target) {
  return std::make_unique<FileWriter>(target);
}

}  // namespace huitou
