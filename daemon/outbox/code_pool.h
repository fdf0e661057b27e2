// The pools of the shop file: coupon codes that the shop made beforehand, each given once, whatever
// crashes.
//
// Beside a pool's file of codes lies its book. A block of codes is reserved there, and the disk has
// it, before the first of them is given; each code that is given is written with its dispatch, and
// the same dispatch gets the same code again. When the process alone died the book is complete.
// When the machine went down its last lines may be missing: then what was reserved and is not known
// to have been given is passed over for good, since it may have been.
//
// A code on its way to a customer is promised first, so that the gate `stock` lets no more in than
// there are codes. Promises are in memory alone: what was promised before a restart may find the
// pool empty when it is asked for, and is then refused.
//
//   CodePools pools(BootId());
//   Status status = pools.Use(shop.pools);
//   if (pools.Left("winback-50") > 0) pools.Promise("winback-50", dispatch, shard);
//   auto step = pools.Issue(request, {});  // a code, or why there is none
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
#include <utility>
#include <vector>

#include "channels/coupon_provider.h"
#include "triggers/base/hash.h"
#include "triggers/base/status.h"
#include "triggers/engine.h"
#include "triggers/shop.h"

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
  // Takes up what was added to the file. Its last line must have ended: the rest of a code may yet
  // be written. kInvalid: a line is no code, and nothing is taken until that is mended.
  Status Refresh();
  size_t remaining() const { return free_.size() - next_; }
  size_t passed_over() const { return passed_over_; }

 private:
  CodePool(std::string path, int book) : path_(std::move(path)), book_(book) {}

  Status ReadBook(const std::string& boot_id);
  void ReadRecord(std::string_view record);
  // Appends what the file has and the book has not.
  Status ReadCodes(bool growing);
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
  // The file's time of change and size when it was read.
  timespec read_at_ = {};
  int64_t read_bytes_ = -1;
  // While the book is read: reserved and not given, since the boot of this id.
  std::set<std::string, std::less<>> open_;
  std::string boot_;
};

// All pools, as a coupon provider and as what the gate asks. Any thread.
class CodePools final : public channels::CouponProvider, public CouponStock {
 public:
  explicit CodePools(std::string boot_id) : boot_id_(std::move(boot_id)) {}

  // These from now on: a file that was open stays so, one that is named no more is closed.
  // kInvalid: one cannot be used, and nothing has changed.
  Status Use(const std::map<std::string, PoolFile>& files);
  // Looks for codes that were added.
  void Refresh();

  Step Issue(const channels::CouponRequest& request,
             const channels::EncodeContext& context) const override;
  channels::CouponOutcome Decode(const channels::Answer& answer, TimeUs now) const override;

  // Never waits for a disk; 0 for a pool that there is not.
  int64_t Left(const std::string& pool) const override;
  // Until the code is given, or the promise is released by dispatch or by shard.
  void Promise(const std::string& pool, const Id128& dispatch, uint16_t shard);
  void Release(const std::string& pool, const Id128& dispatch);
  void ReleaseAll(uint16_t shard);

  struct Level {
    size_t codes = 0;  // left
    int64_t low = 0;
  };
  std::map<std::string, Level> Levels() const;
  // Pools that have got low, or empty, or whose file was spoilt, since this was asked last.
  struct Warning {
    std::string pool;
    size_t codes = 0;
    std::string problem;  // of the file; empty: it has few codes
  };
  std::vector<Warning> TakeWarnings();
  size_t passed_over() const;  // of all

 private:
  enum class Told : uint8_t { kFull, kLow, kEmpty };
  struct Pool {
    PoolFile settings;
    std::shared_ptr<CodePool> codes;
    Told told = Told::kFull;
    std::string problem;  // that the last look at the file has found
    std::string problem_told;
  };
  struct Count {
    size_t free = 0;
    std::map<Id128, uint16_t> promised;  // to the dispatch, of the shard
  };

  void CountFree(const std::string& pool, size_t free) const;

  const std::string boot_id_;
  mutable std::mutex files_mutex_;
  std::map<std::string, Pool> pools_;
  mutable std::mutex counts_mutex_;  // never held while a file is read or written
  mutable std::map<std::string, Count> counts_;
};

}  // namespace huitou
