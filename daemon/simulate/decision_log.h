// The backtest's decision log: takes decisions in any order, gives them sorted by time, customer,
// campaign, clock and seq, as JSON lines and their SHA-256. Kept small in memory (some 100 bytes a
// decision); names point into the world, which must outlive it. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "triggers/base/status.h"
#include "triggers/decision.h"

namespace huitou {

class DecisionLog {
 public:
  void Add(const Decision& decision);
  // Writes all lines to `path` (empty: nowhere) and gives their hash in hex.
  Result<std::string> Finish(const std::string& path);

 private:
  // A Decision without what can be said shorter.
  struct Line {
    TimeUs time;
    TimeUs until;
    Id128 episode;
    Id128 dispatch;
    int64_t amount_minor;
    std::string_view customer;
    uint32_t seq;
    uint16_t campaign;  // into names_
    uint16_t clock;
    uint16_t reason;
    uint16_t step;
    uint16_t channel;
    uint16_t template_name;
    uint16_t variant;
    OutcomeKind outcome;
    uint8_t arm;
    bool has_coupon;
    Currency currency;
  };
  uint16_t Number(std::string_view name);
  Decision Expand(const Line& line) const;

  std::vector<std::string_view> names_ = {std::string_view()};
  std::map<std::string_view, uint16_t> numbers_;
  // The names of the last decisions by where they stand: most come again and again.
  struct Known {
    const char* data = nullptr;
    size_t size = 0;
    uint16_t number = 0;
  };
  std::array<Known, 64> known_;
  std::map<int64_t, std::vector<Line>> hours_;
  int64_t last_hour_ = INT64_MIN;
  std::vector<Line>* last_lines_ = nullptr;
};

}  // namespace huitou
