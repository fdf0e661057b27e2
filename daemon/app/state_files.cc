#include "daemon/app/state_files.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "config/files.h"

namespace huitou {

namespace {

constexpr size_t kKeyBytes = 32;
constexpr std::string_view kHexDigits = "0123456789abcdef";

Status Failure(const std::string& path, const std::string& why, int code) {
  return {StatusCode::kUnavailable, path + ": " + why + ": " + std::strerror(code)};
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags)
      : number_(open(path.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR)) {}
  ~Descriptor() {
    if (number_ >= 0) {
      close(number_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  // Errno says why not.
  bool WriteAll(std::string_view text) const {
    while (number_ >= 0 && !text.empty()) {
      const ssize_t written = write(number_, text.data(), text.size());
      if (written < 0 && errno != EINTR) {
        return false;
      }
      text.remove_prefix(written < 0 ? 0 : static_cast<size_t>(written));
    }
    return number_ >= 0;
  }
  bool Sync() const { return number_ >= 0 && fsync(number_) == 0; }

 private:
  const int number_;
};

}  // namespace

Status MakeStateFolder(const std::string& path) {
  std::error_code error;
  if (std::filesystem::create_directories(path, error)) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  }
  return error ? Status(StatusCode::kUnavailable,
                        path + ": the state directory cannot be made: " + error.message())
               : Status::Ok();
}

Status ReplaceFile(const std::string& path, std::string_view text) {
  const std::string fresh = path + ".new";
  const Descriptor file(fresh, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.WriteAll(text) || !file.Sync() || rename(fresh.c_str(), path.c_str()) != 0) {
    const int code = errno;
    unlink(fresh.c_str());
    return Failure(path, "cannot be written", code);
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Descriptor above(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
  return above.Sync() ? Status::Ok() : Failure(path, "its folder cannot be synced", errno);
}

Result<std::string> ReadOrMakeKey(const std::string& path) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error && error != std::errc::no_such_file_or_directory) {
    return Failure(path, "the key of coupon codes cannot be read", error.value());
  }
  if (!error && size > 0) {
    auto key = config::ReadWholeFile(path);
    if (!key.ok()) {
      return Status(key.status().code(), path + ": " + key.status().message());
    }
    if (key->size() != 2 * kKeyBytes || key->find_first_not_of(kHexDigits) != std::string::npos) {
      return Status(StatusCode::kInvalid,
                    path +
                        ": the key of coupon codes is not 64 hexadecimal digits; restore the "
                        "file, or delete it for a new key, by which codes of steps that are "
                        "still to run come out differently");
    }
    return key;
  }
  unsigned char bytes[kKeyBytes];
  if (RAND_bytes(bytes, sizeof bytes) != 1) {
    return Status(StatusCode::kInternal, "no randomness for the key of coupon codes");
  }
  std::string key;
  for (const unsigned char byte : bytes) {
    key.push_back(kHexDigits[byte >> 4]);
    key.push_back(kHexDigits[byte & 15]);
  }
  if (Status status = ReplaceFile(path, key); !status.ok()) {
    return status;
  }
  return key;
}

Status KeepCurrency(const std::string& path, const Currency& currency) {
  const auto known = config::ReadWholeFile(path);
  if (!known.ok() || known->empty()) {
    return ReplaceFile(path, currency.code());
  }
  if (*known == currency.code()) {
    return Status::Ok();
  }
  return {StatusCode::kInvalid, "the shop's currency is " + std::string(currency.code()) +
                                    ", the sums in this state are " + *known +
                                    "; put the currency back, or begin with a new state folder"};
}

}  // namespace huitou
