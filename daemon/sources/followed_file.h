// A file that another program appends to, as told from its number (which stays when it is renamed)
// and its bytes: whether it is still the file that was read up to a position, or was cut off or
// rewritten since. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace huitou {

class FollowedFile {
 public:
  // How far a file was read. Kept in the log as "BYTES#NUMBER#FINGERPRINT PATH".
  struct Place {
    uint64_t position = 0;
    uint64_t number = 0;       // the inode; 0: not known
    uint64_t fingerprint = 0;  // of the bytes before the position; 0: not known
  };
  // The beginning, for a feed of another path.
  static Place PlaceOf(std::string_view feed, std::string_view path);
  static std::string FeedOf(const Place& place, const std::string& path);

  // Nothing when it cannot be opened.
  static std::optional<FollowedFile> Open(const std::string& path);
  // The file of `place` under another name in the folder of `path`.
  static std::optional<std::string> FindRenamed(const std::string& path, const Place& place);

  // The file that was begun next after the one with this number: of those beside `path` that are
  // named like it with digits behind ("x.1", "x-20261122"), or `path` itself. Archives of such are
  // not read, and told of in `*archives`.
  static std::string FindNext(const std::string& path, uint64_t number,
                              std::vector<std::string>* archives);

  FollowedFile(FollowedFile&& other) noexcept;
  FollowedFile& operator=(FollowedFile&& other) noexcept;
  ~FollowedFile();

  uint64_t number() const { return number_; }
  // Nothing when the file ends before.
  std::optional<Place> PlaceAt(uint64_t position) const;
  // Whether what was read up to `place` is still there.
  bool IsAsRead(const Place& place) const;

 private:
  FollowedFile(int descriptor, uint64_t number) : descriptor_(descriptor), number_(number) {}

  int descriptor_ = -1;
  uint64_t number_ = 0;
};

}  // namespace huitou
