#include "daemon/sources/followed_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "daemon/sources/limits.h"
#include "triggers/base/hash.h"

namespace huitou {

std::string FollowedFile::FeedOf(const Place& place, const std::string& path) {
  return std::to_string(place.position) + "#" + std::to_string(place.number) + "#" +
         std::to_string(place.fingerprint) + " " + path;
}

FollowedFile::Place FollowedFile::PlaceOf(std::string_view feed, std::string_view path) {
  Place place;
  const size_t blank = feed.find(' ');
  if (blank == std::string_view::npos || feed.substr(blank + 1) != path) {
    return place;
  }
  const char* next = feed.data();
  const char* const end = feed.data() + blank;
  for (uint64_t* const number : {&place.position, &place.number, &place.fingerprint}) {
    next = std::from_chars(next, end, *number).ptr;
    if (next == end) {
      break;
    }
    ++next;
  }
  return place;
}

std::optional<FollowedFile> FollowedFile::Open(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return std::nullopt;
  }
  struct stat state {};
  FollowedFile file(descriptor, 0);
  if (fstat(descriptor, &state) != 0) {
    return std::nullopt;
  }
  file.number_ = state.st_ino;
  return file;
}

std::optional<std::string> FollowedFile::FindRenamed(const std::string& path, const Place& place) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  std::filesystem::directory_iterator entry(folder.empty() ? "." : folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().string();
    struct stat state {};
    if (lstat(name.c_str(), &state) != 0 || !S_ISREG(state.st_mode) ||
        state.st_ino != place.number) {
      continue;
    }
    // Numbers are given again: another file may have that of one that is gone.
    const std::optional<FollowedFile> file = Open(name);
    if (file && place.fingerprint != 0 && file->IsAsRead(place)) {
      return name;
    }
  }
  return std::nullopt;
}

FollowedFile::FollowedFile(FollowedFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), number_(other.number_) {
}

FollowedFile& FollowedFile::operator=(FollowedFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(number_, other.number_);
  return *this;
}

FollowedFile::~FollowedFile() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

std::optional<FollowedFile::Place> FollowedFile::PlaceAt(uint64_t position) const {
  std::string tail(std::min<uint64_t>(position, limits::kFingerprintBytes), '\0');
  const ssize_t count =
      pread(descriptor_, tail.data(), tail.size(), static_cast<off_t>(position - tail.size()));
  if (count != static_cast<ssize_t>(tail.size())) {
    return std::nullopt;
  }
  return Place{position, number_, std::max<uint64_t>(1, Hash64(tail))};
}

bool FollowedFile::IsAsRead(const Place& place) const {
  const std::optional<Place> now = PlaceAt(place.position);
  return now && (place.number == 0 || now->number == place.number) &&
         (place.fingerprint == 0 || now->fingerprint == place.fingerprint);
}

}  // namespace huitou
