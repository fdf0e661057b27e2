#include "daemon/outbox/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace huitou {
namespace {

// A token that is whole but for rounding: 1 us of a rate of 1,000/s is 0.001.
constexpr double kWhole = 1 - 1e-9;

}  // namespace

TokenBucket::TokenBucket(double rate_per_second, double burst)
    : rate_per_second_(rate_per_second), burst_(std::max(1.0, burst)), tokens_(burst_) {
}

bool TokenBucket::TryTake(TimeUs now) {
  if (rate_per_second_ <= 0) {
    return true;
  }
  Refill(now);
  if (tokens_ < kWhole) {
    return false;
  }
  tokens_ = std::max(0.0, tokens_ - 1);
  return true;
}

void TokenBucket::GiveBack() {
  tokens_ = std::min(burst_, tokens_ + 1);
}

TimeUs TokenBucket::NextAt(TimeUs now) {
  if (rate_per_second_ <= 0) {
    return now;
  }
  Refill(now);
  if (tokens_ >= kWhole) {
    return now;
  }
  return now + static_cast<DurationUs>(std::ceil((1 - tokens_) / rate_per_second_ * kSecondUs));
}

void TokenBucket::SetRate(double rate_per_second, double burst) {
  rate_per_second_ = rate_per_second;
  burst_ = std::max(1.0, burst);
  tokens_ = std::min(tokens_, burst_);
}

void TokenBucket::Refill(TimeUs now) {
  if (filled_at_ != kTimeMin && now > filled_at_) {
    const double seconds = static_cast<double>(now - filled_at_) / kSecondUs;
    tokens_ = std::min(burst_, tokens_ + seconds * rate_per_second_);
  }
  filled_at_ = now;
}

}  // namespace huitou
