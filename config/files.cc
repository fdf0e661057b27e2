#include "config/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/limits.h"

namespace huitou::config {
namespace {

namespace fs = std::filesystem;

bool EndsInOneOf(const std::string& name, const std::vector<std::string_view>& endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

template <typename Iterator>
Status Collect(const std::string& path, const std::vector<std::string_view>& endings,
               std::vector<std::string>* files) {
  std::error_code error;
  for (Iterator it(path, error), end; it != end; it.increment(error)) {
    if (error) {
      break;
    }
    const std::string name = it->path().filename().string();
    if constexpr (requires { it.disable_recursion_pending(); }) {
      if (name.starts_with('.')) {
        it.disable_recursion_pending();
      }
    }
    std::error_code ignored;  // what cannot be asked is no file that we read
    if (!name.starts_with('.') && EndsInOneOf(name, endings) && it->is_regular_file(ignored)) {
      files->push_back(it->path().string());
    }
  }
  return error ? Status(StatusCode::kUnavailable, error.message()) : Status::Ok();
}

}  // namespace

Result<std::string> ReadWholeFile(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return Status(StatusCode::kUnavailable, "it is a folder");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Status(StatusCode::kUnavailable, std::strerror(errno));
  }
  // One byte more than is allowed, so that the reader of the text can say that it is too long.
  std::string text(limits::kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) {
    return Status(StatusCode::kUnavailable, "it cannot be read");
  }
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

Result<std::vector<std::string>> ListFiles(const std::string& path,
                                           const std::vector<std::string_view>& endings,
                                           bool recursive) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    return Status(StatusCode::kUnavailable,
                  error ? error.message() : std::string("No such file or directory"));
  }
  std::vector<std::string> files;
  if (!fs::is_directory(status)) {
    files.push_back(path);
    return files;
  }
  const Status collected = recursive
                               ? Collect<fs::recursive_directory_iterator>(path, endings, &files)
                               : Collect<fs::directory_iterator>(path, endings, &files);
  if (!collected.ok()) {
    return collected;
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string CanonicalPath(const std::string& path) {
  std::error_code error;
  const fs::path canonical = fs::weakly_canonical(path, error);
  return error ? path : canonical.string();
}

}  // namespace huitou::config
