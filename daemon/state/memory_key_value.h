// A KeyValue in memory. Two handles on one MemoryDisk see the same bytes, so a test crashes a
// process by throwing its Store away and opening another on the disk.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/state/key_value.h"

namespace huitou {

struct MemoryDisk {
  std::mutex mutex;
  std::array<std::map<std::string, std::string, std::less<>>, kFamilyCount> families;
  uint64_t commits = 0;

  // Faults, by the number of commits from now on.
  std::atomic<bool> full = false;   // Commit answers kExhausted and writes nothing
  int64_t fail_after_commits = -1;  // >= 0: so many more succeed, then kInternal, nothing written
};

class MemoryKeyValue final : public KeyValue {
 public:
  explicit MemoryKeyValue(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {}

  Result<std::optional<std::string>> Get(Family family, std::string_view key) const override;
  Status MultiGet(Family family, std::span<const std::string> keys,
                  std::vector<std::optional<std::string>>* values) const override;
  Status Scan(Family family, std::string_view from, std::string_view to,
              const Visit& visit) const override;
  Status Commit(const WriteSet& changes) override;

 private:
  const std::shared_ptr<MemoryDisk> disk_;
};

}  // namespace huitou
