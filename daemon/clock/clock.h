// The wall clock and the dice: the only ways by which the daemon learns of the outside world's time
// and chance, so that tests and the fault simulation can put their own in place. Any thread. (A
// Clock without "wall" is an absence clock of a customer.)
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <random>

#include "triggers/base/time.h"

namespace huitou {

class WallClock {
 public:
  virtual ~WallClock() = default;
  virtual TimeUs Now() const = 0;
};

class SystemClock final : public WallClock {
 public:
  TimeUs Now() const override;
};

// Never set back; only its differences mean anything. For waits and measurements, not for
// decisions.
TimeUs SteadyNow();

// Moves only when told.
class ManualClock final : public WallClock {
 public:
  explicit ManualClock(TimeUs now = 0) : now_(now) {}
  TimeUs Now() const override { return now_.load(); }
  void Set(TimeUs now) { now_.store(now); }
  void Advance(DurationUs by) { now_.fetch_add(by); }

 private:
  std::atomic<TimeUs> now_;
};

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;

  // In [0, 1).
  double NextUnit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
};

// Repeats itself for the same seed.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  uint64_t Next() override {
    std::lock_guard lock(mutex_);
    return engine_();
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace huitou
