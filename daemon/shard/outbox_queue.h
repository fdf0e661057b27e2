// The dispatches that a shard holds in memory: those that changed since the last commit, those on
// their way, and the next planned ones per channel. The rest waits in the store, so a provider that
// is down for a week costs disk, not memory. Owner thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/state/store.h"
#include "triggers/base/status.h"
#include "triggers/base/time.h"

namespace huitou {

class OutboxQueue {
 public:
  // Counts what waits() in the shard's state.
  OutboxQueue(const Store* store, ShardNumber shard, ShardState* state)
      : store_(store), shard_(shard), state_(*state) {}

  // Finds out which channels have planned records. Before anything else.
  Status Open();

  // Nothing when it was planned before: an id names one dispatch for ever.
  Status Plan(OutboxRecord record);
  // The record, from memory or the store; null when there is none (settled already). What was
  // changed in it counts after Changed.
  Result<OutboxRecord*> Find(const Id128& dispatch);
  void Changed(const Id128& dispatch);
  void Settle(const Id128& dispatch);
  // The most urgent planned record of a channel that may go at `wall`, or null.
  Result<OutboxRecord*> NextPlanned(const std::string& channel, TimeUs wall);
  // Those `wanted` of a channel's planned records that may go at `wall`. Looks at `max` of them,
  // further on at every call, and from the beginning again behind the end.
  using Wanted = std::function<bool(const OutboxRecord& record)>;
  Result<std::vector<Id128>> LookThrough(const std::string& channel, TimeUs wall, size_t max,
                                         const Wanted& wanted);
  // Accepted or unknown records whose time has come.
  Result<std::vector<Id128>> Due(TimeUs wall);
  std::vector<std::string> Channels() const;
  // When the next planned record may go, on a channel that is not among `except`.
  TimeUs NextTime(const std::set<std::string>& except) const;

  bool changed() const { return !changed_.empty(); }
  void Prepare(CommitBatch* batch);
  void Committed();
  // A customer's records were removed from the store; the depth is the caller's to correct. Nothing
  // may be uncommitted.
  void Forget(std::string_view customer);

 private:
  struct Slot {
    StoredDispatch stored;
    bool changed = false;
    bool settled = false;
    std::string counted_in;                                 // the channel; empty: it does not wait
    std::optional<std::pair<TimeUs, std::string>> planned;  // its place in planned_
  };
  struct IdHash {
    size_t operator()(const Id128& id) const { return static_cast<size_t>(id.low); }
  };
  struct Channel {
    std::set<std::pair<TimeUs, Id128>> planned;
    // Planned records from this time on may be in the store and not in memory.
    TimeUs stored_from = kTimeMax;
    std::pair<TimeUs, Id128> looked_to = {kTimeMin, {}};  // by LookThrough
  };
  using Slots = std::unordered_map<Id128, Slot, IdHash>;

  static void Fill(Slot* slot, StoredDispatch stored);
  // Brings the depths up to date.
  void Count(Slot* slot);
  void Place(Slot* slot);
  void Unplace(Slot* slot);
  void Mark(Slot* slot);
  Status Refill(const std::string& name, Channel* channel);
  void Shrink(Channel* channel);

  const Store* const store_;
  const ShardNumber shard_;
  ShardState& state_;
  Slots slots_;
  std::vector<Id128> changed_;
  std::vector<Id128> visited_;  // read from the store since the last commit
  std::map<std::string, Channel> channels_;
  TimeUs due_from_ = kTimeMin;  // no awaited record in the store is due before
};

}  // namespace huitou
