// Coupon codes that the shop made beforehand, each given once, whatever crashes.
//
// Beside the file of codes lies its book. A block of codes is reserved there, and the disk has it,
// before the first of them is given; each code that is given is written with its dispatch, and the
// same dispatch gets the same code again. When the process alone died the book is complete. When
// the machine went down its last lines may be missing: then what was reserved and is not known to
// have been given is passed over for good, since it may have been.
//
//   auto pools = CodePools::Open("pools", 1000, BootId());
//   auto step = (*pools)->Issue(request, {});  // a code, or why there is none
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "channels/coupon_provider.h"
#include "triggers/base/hash.h"
#include "triggers/base/status.h"

namespace huitou {

// Another one after each start of the machine.
std::string BootId();

// One file. One thread at a time.
class CodePool {
 public:
  // kInvalid for a file with something else than codes in it, or one that another process gives
  // from.
  static Result<std::unique_ptr<CodePool>> Open(const std::string& path,
                                                const std::string& boot_id);
  ~CodePool();  // what was reserved and not given may be given again
  CodePool(const CodePool&) = delete;
  CodePool& operator=(const CodePool&) = delete;

  // The code of this dispatch; nothing when all are given.
  Result<std::optional<std::string>> Take(const Id128& dispatch);
  size_t remaining() const { return free_.size() - next_; }
  size_t passed_over() const { return passed_over_; }

 private:
  CodePool(std::string path, int book) : path_(std::move(path)), book_(book) {}

  Status ReadBook(const std::string& boot_id);
  void ReadRecord(std::string_view record);
  // Appends what the file has and the book has not.
  Status ReadCodes();
  Status Reserve();
  Status Write(const std::string& records, bool sync) const;

  const std::string path_;
  const int book_;  // descriptor
  std::vector<std::string> free_;
  size_t next_ = 0;                           // into free_
  size_t reserved_ = 0;                       // up to there
  std::set<std::string, std::less<>> known_;  // given, passed over or in free_
  std::map<Id128, std::string> given_;
  size_t passed_over_ = 0;
  timespec read_at_ = {};  // the file's time of change when it was read
  // While the book is read: reserved and not given, since the boot of this id.
  std::set<std::string, std::less<>> open_;
  std::string boot_;
};

// All files of a folder, as a coupon provider. Any thread.
class CodePools final : public channels::CouponProvider {
 public:
  static Result<std::shared_ptr<CodePools>> Open(const std::string& folder, size_t low,
                                                 const std::string& boot_id);

  Step Issue(const channels::CouponRequest& request,
             const channels::EncodeContext& context) const override;
  channels::CouponOutcome Decode(const channels::Answer& answer, TimeUs now) const override;

  // By coupon step.
  std::map<std::string, size_t> Remaining() const;
  // Those that have got low, or empty, since this was asked last.
  struct Warning {
    std::string pool;
    size_t codes = 0;
  };
  std::vector<Warning> TakeWarnings() const;
  size_t passed_over() const;  // of all

 private:
  enum class Level : uint8_t { kFull, kLow, kEmpty };
  struct Known {
    std::unique_ptr<CodePool> pool;
    mutable Level told = Level::kFull;
  };

  explicit CodePools(size_t low) : low_(low) {}

  const size_t low_;
  mutable std::mutex mutex_;
  std::map<std::string, Known> pools_;
};

}  // namespace huitou
