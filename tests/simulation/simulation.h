// The fault simulation: a daemon of two shards lives through a workload in virtual time, with
// crashes at commit boundaries, full disks, outages, a clock that jumps and providers that fail; at
// the end every invariant of docs/architecture.md is asked of what it left behind. The same seed
// always lives the same life.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace huitou::simulation {

struct Outcome {
  std::vector<std::string> violations;  // empty: all invariants hold
  size_t decisions = 0;
  size_t candidates = 0;  // compared with the oracle
  int crashes = 0;
  uint64_t commits = 0;
};

Outcome Simulate(uint64_t seed);

}  // namespace huitou::simulation
