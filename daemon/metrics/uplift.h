// What a campaign is worth: how much more often those who entered reach its goal than the control
// group does. Pure.
//
//   if (auto uplift = UpliftOf({.treated = 900, .treated_converted = 90,
//                               .holdout = 100, .holdout_converted = 5})) {
//     uplift->estimate;   // 0.05: five points more; worth believing where lower > 0
//   }
#pragma once

#include <cstdint>
#include <optional>

namespace huitou {

struct Arms {
  uint64_t treated = 0;
  uint64_t treated_converted = 0;
  uint64_t holdout = 0;
  uint64_t holdout_converted = 0;
};

struct Uplift {
  double estimate = 0;  // rate of the treated minus rate of the control group
  double lower = 0;     // of the 95 % interval
  double upper = 0;
};

// Nothing while one of the arms is empty.
std::optional<Uplift> UpliftOf(const Arms& arms);

}  // namespace huitou
