// The life of a provider's access token: when it may be used, when a new one must be fetched, and
// what to do when the provider calls it expired. Pure: the time is an argument, fetching is done by
// the owner, one at a time. Not synchronised.
//
//   if (token.ShouldFetch(now)) { token.OnFetching(); ... token.OnFetched(value, lifetime, now); }
//   if (token.IsValid(now)) Send(token.value()); else wait for the fetch, or until one may begin
#pragma once

#include <string>
#include <string_view>

#include "triggers/base/time.h"

namespace huitou {

class AccessToken {
 public:
  bool IsValid(TimeUs now) const;
  bool IsFetching() const { return fetching_; }
  // No fetch is on its way, and the token is missing, over or soon to be.
  bool ShouldFetch(TimeUs now) const;

  void OnFetching() { fetching_ = true; }
  void OnFetched(std::string value, DurationUs lifetime, TimeUs now);
  void OnFailed(TimeUs now);

  // The provider refused `value` as expired: it is given up, unless another is there already. After
  // one that was brand new ShouldFetch waits a while.
  void OnExpired(std::string_view value);

  const std::string& value() const { return value_; }

 private:
  std::string value_;  // empty: none
  TimeUs fetched_at_ = 0;
  TimeUs refresh_at_ = 0;
  TimeUs expires_at_ = 0;
  TimeUs failed_at_ = kTimeMin;
  bool fetching_ = false;
  bool refused_ = false;  // the last one, before its time
};

}  // namespace huitou
