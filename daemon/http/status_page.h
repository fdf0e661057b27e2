// The page at "/": for whoever is woken by an alert and has a browser. Plain HTML without scripts;
// everything in it is escaped. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "triggers/base/time.h"

namespace huitou::http {

struct StatusReport {
  struct Source {
    std::string name;
    std::string kind;               // "kafka", "http", "file"
    std::optional<int64_t> behind;  // records that are there and not applied
    std::string problem;            // why it does not go on
  };
  struct Shard {
    int number = 0;
    std::optional<DurationUs> frontier_lag;  // nothing: no event yet
    int64_t timers_pending = 0;
    int64_t timers_held = 0;
    bool at_end = false;
    std::string problem;
  };
  struct Channel {
    std::string name;
    std::string provider;
    std::string circuit;  // "closed", "open", "half_open"
    int64_t waiting = 0;  // planned and not settled
    std::string last_refusal;
  };
  struct Campaign {
    std::string name;
    bool paused = false;
    uint64_t candidates = 0;
    uint64_t rejected = 0;
    uint64_t entered = 0;
    int64_t open = 0;  // episodes: held before they begin, and under way
    uint64_t completed = 0;
    uint64_t exited = 0;
    uint64_t failed = 0;
  };

  std::string version;
  TimeUs now = 0;
  std::vector<std::string> not_ready;  // empty: ready
  std::vector<Source> sources;
  std::vector<Shard> shards;
  std::vector<Channel> channels;
  std::vector<Campaign> campaigns;
};

std::string StatusPage(const StatusReport& report);

}  // namespace huitou::http
