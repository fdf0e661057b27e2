#include "daemon/outbox/access_token.h"

#include <algorithm>
#include <utility>

#include "daemon/outbox/limits.h"

namespace huitou {

using namespace outbox_limits;  // NOLINT(google-build-using-namespace): this file is about them

bool AccessToken::IsValid(TimeUs now) const {
  return !value_.empty() && now < expires_at_;
}

bool AccessToken::ShouldFetch(TimeUs now) const {
  if (fetching_) {
    return false;
  }
  if (!IsValid(now)) {
    const bool brand_new = now >= fetched_at_ && now - fetched_at_ < kTokenAgeMin;
    return !refused_ || !brand_new;
  }
  const bool failed_just_now =
      now >= failed_at_ && failed_at_ != kTimeMin && now - failed_at_ < kTokenRetryMin;
  return now >= refresh_at_ && !failed_just_now;
}

void AccessToken::OnFetched(std::string value, DurationUs lifetime, TimeUs now) {
  fetching_ = false;
  refused_ = false;
  failed_at_ = kTimeMin;
  value_ = std::move(value);
  lifetime = std::clamp<DurationUs>(lifetime, 0, kTokenLifetimeMax);
  fetched_at_ = now;
  refresh_at_ = now + lifetime - std::min(kTokenMargin, lifetime / 10);
  expires_at_ = now + lifetime;
}

void AccessToken::OnFailed(TimeUs now) {
  fetching_ = false;
  failed_at_ = now;
}

void AccessToken::OnExpired(std::string_view value) {
  if (value == value_) {
    value_.clear();
    refused_ = true;
  }
}

}  // namespace huitou
