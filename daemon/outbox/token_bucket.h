// A rate: so many sends a second, a few at once. Pure: the time is an argument; a wall clock that
// is set back costs at most the pause until it runs on. Not synchronised: its owner locks.
//
//   TokenBucket bucket(100, 10);       // 100 a second, 10 at once
//   if (bucket.TryTake(now)) Send();   // else not before bucket.NextAt(now)
#pragma once

#include "triggers/base/time.h"

namespace huitou {

class TokenBucket {
 public:
  // A rate of 0 is no limit.
  TokenBucket(double rate_per_second, double burst);

  bool TryTake(TimeUs now);
  // What was taken was not used.
  void GiveBack();
  // The earliest time at which TryTake can succeed; `now` when it would now.
  TimeUs NextAt(TimeUs now);
  // Another rate from now on; what has gathered stays, up to the new burst.
  void SetRate(double rate_per_second, double burst);

 private:
  void Refill(TimeUs now);

  double rate_per_second_;
  double burst_;
  double tokens_;
  TimeUs filled_at_ = kTimeMin;
};

}  // namespace huitou
