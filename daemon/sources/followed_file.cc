#include "daemon/sources/followed_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <tuple>
#include <utility>

#include "daemon/sources/limits.h"
#include "triggers/base/hash.h"

namespace huitou {

namespace {

// A file that was rotated away.
struct Rotated {
  std::string path;
  uint64_t number = 0;
  bool archive = false;
  int64_t written_s = 0;
  int64_t written_ns = 0;
  uint64_t suffix = 0;  // of "x.2"; days and times are too long to be such
};

// By the last writing; where the clock is too coarse for that, "x.2" is older than "x.1".
bool IsOlder(const Rotated& a, const Rotated& b) {
  return std::tie(a.written_s, a.written_ns, b.suffix, a.path) <
         std::tie(b.written_s, b.written_ns, a.suffix, b.path);
}

// Whether `name` is `base` with '.' or '-' and digits behind ("x.1", "x-2026-11-22"), perhaps with
// an archive's ending.
bool IsRotated(std::string_view name, std::string_view base, Rotated* rotated) {
  static constexpr std::string_view kEndings[] = {".gz", ".zst", ".bz2", ".xz"};
  static constexpr uint64_t kSuffixMax = 99'999;
  for (const std::string_view ending : kEndings) {
    if (name.ends_with(ending)) {
      name.remove_suffix(ending.size());
      rotated->archive = true;
      break;
    }
  }
  if (!name.starts_with(base) || name.size() < base.size() + 2 ||
      (name[base.size()] != '.' && name[base.size()] != '-')) {
    return false;
  }
  const std::string_view digits = name.substr(base.size() + 1);
  uint64_t suffix = 0;
  const char* const end = digits.data() + digits.size();
  const bool is_number = std::from_chars(digits.data(), end, suffix).ptr == end;
  rotated->suffix = is_number && suffix <= kSuffixMax ? suffix : 0;
  return digits[0] >= '0' && digits[0] <= '9' &&
         digits.find_first_not_of("0123456789.-_") == std::string_view::npos;
}

}  // namespace

std::string FollowedFile::FindNext(const std::string& path, uint64_t number,
                                   std::vector<std::string>* archives) {
  const std::filesystem::path whole(path);
  const std::string base = whole.filename().string();
  std::vector<Rotated> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(
      whole.has_parent_path() ? whole.parent_path() : std::filesystem::path("."), error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    Rotated file;
    struct stat state {};
    file.path = entry->path().string();
    if (!IsRotated(entry->path().filename().string(), base, &file) ||
        lstat(file.path.c_str(), &state) != 0 || !S_ISREG(state.st_mode)) {
      continue;
    }
    file.number = state.st_ino;
    file.written_s = state.st_mtim.tv_sec;
    file.written_ns = state.st_mtim.tv_nsec;
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(), IsOlder);
  auto next = std::find_if(files.begin(), files.end(),
                           [number](const Rotated& file) { return file.number == number; });
  if (next == files.end()) {
    return path;
  }
  while (++next != files.end()) {
    if (!next->archive) {
      return next->path;
    }
    archives->push_back(next->path);
  }
  return path;
}

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
    std::string name = entry->path().string();
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
