#include "daemon/metrics/uplift.h"

#include <algorithm>
#include <cmath>

namespace huitou {

namespace {

constexpr double kNormal95 = 1.959963984540054;  // 97.5 % quantile of the normal distribution

struct Rate {
  double value = 0;
  double lower = 0;
  double upper = 0;
};

// Wilson's score interval: right also for few trials and for rates near 0, where "rate plus or
// minus two standard errors" leaves [0, 1].
Rate RateOf(uint64_t converted, uint64_t trials) {
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(std::min(converted, trials)) / n;
  const double z2 = kNormal95 * kNormal95;
  const double middle = p + z2 / (2 * n);
  const double half = kNormal95 * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  const double scale = 1 + z2 / n;
  return {p, (middle - half) / scale, (middle + half) / scale};
}

}  // namespace

// Method 10 of R. G. Newcombe, "Interval estimation for the difference between independent
// proportions: comparison of eleven methods", Statistics in Medicine 17 (1998), 873-890: the two
// Wilson intervals' distances from their rates, squared and added.
std::optional<Uplift> UpliftOf(const Arms& arms) {
  if (arms.treated == 0 || arms.holdout == 0) {
    return std::nullopt;
  }
  const Rate treated = RateOf(arms.treated_converted, arms.treated);
  const Rate holdout = RateOf(arms.holdout_converted, arms.holdout);
  const double difference = treated.value - holdout.value;
  return Uplift{
      difference,
      difference - std::hypot(treated.value - treated.lower, holdout.upper - holdout.value),
      difference + std::hypot(treated.upper - treated.value, holdout.value - holdout.lower)};
}

}  // namespace huitou
