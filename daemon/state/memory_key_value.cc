#include "daemon/state/memory_key_value.h"

namespace huitou {

Result<std::optional<std::string>> MemoryKeyValue::Get(Family family, std::string_view key) const {
  std::lock_guard lock(disk_->mutex);
  const auto& entries = disk_->families[static_cast<size_t>(family)];
  const auto found = entries.find(key);
  if (found == entries.end()) {
    return std::optional<std::string>();
  }
  return std::optional<std::string>(found->second);
}

Status MemoryKeyValue::MultiGet(Family family, std::span<const std::string> keys,
                                std::vector<std::optional<std::string>>* values) const {
  values->clear();
  for (const std::string& key : keys) {
    values->push_back(*Get(family, key));
  }
  return Status::Ok();
}

Status MemoryKeyValue::Scan(Family family, std::string_view from, std::string_view to,
                            const Visit& visit) const {
  // Copied out first: a visitor may come back to the disk.
  std::vector<std::pair<std::string, std::string>> found;
  std::string next(from);
  constexpr size_t kChunk = 64;
  while (true) {
    found.clear();
    {
      std::lock_guard lock(disk_->mutex);
      const auto& entries = disk_->families[static_cast<size_t>(family)];
      for (auto entry = entries.lower_bound(next);
           entry != entries.end() && entry->first < to && found.size() < kChunk; ++entry) {
        found.emplace_back(*entry);
      }
    }
    for (const auto& [key, value] : found) {
      if (!visit(key, value)) {
        return Status::Ok();
      }
    }
    if (found.size() < kChunk) {
      return Status::Ok();
    }
    next = found.back().first + '\0';
  }
}

Status MemoryKeyValue::Commit(const WriteSet& changes) {
  std::lock_guard lock(disk_->mutex);
  if (disk_->full) {
    return Status(StatusCode::kExhausted, "the disk is full");
  }
  if (disk_->fail_after_commits == 0) {
    return Status(StatusCode::kInternal, "the process ended here");
  }
  if (disk_->fail_after_commits > 0) {
    --disk_->fail_after_commits;
  }
  ++disk_->commits;
  for (size_t i = 0; i < changes.size(); ++i) {
    const WriteSet::Change change = changes.change(i);
    auto& entries = disk_->families[static_cast<size_t>(change.family)];
    switch (change.kind) {
      case WriteSet::Kind::kPut:
        entries.insert_or_assign(std::string(change.key), std::string(change.value));
        break;
      case WriteSet::Kind::kDelete:
        if (const auto found = entries.find(change.key); found != entries.end()) {
          entries.erase(found);
        }
        break;
      case WriteSet::Kind::kDeleteRange:
        if (change.key < change.value) {
          entries.erase(entries.lower_bound(change.key), entries.lower_bound(change.value));
        }
        break;
    }
  }
  return Status::Ok();
}

}  // namespace huitou
