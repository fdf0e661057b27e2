#include "daemon/state/key_value.h"

#include "triggers/base/check.h"

namespace huitou {

std::string_view ToString(Family family) {
  switch (family) {
    case Family::kMeta:
      return "meta";
    case Family::kActivity:
      return "activity";
    case Family::kProfile:
      return "profile";
    case Family::kEpisodes:
      return "episodes";
    case Family::kTimers:
      return "timers";
    case Family::kOutbox:
      return "outbox";
    case Family::kLedger:
      return "ledger";
    case Family::kJournal:
      return "journal";
    case Family::kSinks:
      return "sinks";
    case Family::kLog:
      return "log";
    case Family::kSymbols:
      return "symbols";
    case Family::kQuotas:
      return "quotas";
    case Family::kCampaigns:
      return "campaigns";
    case Family::kAddresses:
      return "addresses";
  }
  CHECK(false);
  return {};
}

bool IsPutSorted(Family family) {
  return family == Family::kActivity || family == Family::kProfile || family == Family::kEpisodes ||
         family == Family::kLedger || family == Family::kJournal || family == Family::kAddresses;
}

void WriteSet::Put(Family family, std::string_view key, std::string_view value) {
  Add(Kind::kPut, family, key, value);
}

void WriteSet::Delete(Family family, std::string_view key) {
  Add(Kind::kDelete, family, key, {});
}

void WriteSet::DeleteRange(Family family, std::string_view from, std::string_view to) {
  CHECK(!IsPutSorted(family));
  Add(Kind::kDeleteRange, family, from, to);
}

void WriteSet::Add(Kind kind, Family family, std::string_view key, std::string_view value) {
  entries_.push_back({kind, family, static_cast<uint32_t>(key.size()),
                      static_cast<uint32_t>(value.size()), bytes_.size()});
  bytes_.append(key).append(value);
}

WriteSet::Change WriteSet::change(size_t index) const {
  const Entry& entry = entries_[index];
  const std::string_view bytes = bytes_;
  return {entry.kind, entry.family, bytes.substr(entry.begin, entry.key_bytes),
          bytes.substr(entry.begin + entry.key_bytes, entry.value_bytes)};
}

void WriteSet::Clear() {
  entries_.clear();
  bytes_.clear();
}

}  // namespace huitou
