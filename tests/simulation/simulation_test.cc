#include "tests/simulation/simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace huitou::simulation {
namespace {

// SIMULATION_SEEDS: fewer where a sanitizer makes each of them long.
uint64_t Seeds() {
  const char* seeds = std::getenv("SIMULATION_SEEDS");
  return seeds == nullptr ? 300 : std::stoull(seeds);
}

TEST(Simulation, EveryInvariantHoldsThroughEveryFault) {
  const uint64_t seeds = Seeds();
  size_t candidates = 0;
  int crashes = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const Outcome outcome = Simulate(seed);
    candidates += outcome.candidates;
    crashes += outcome.crashes;
    for (const std::string& violation : outcome.violations) {
      ADD_FAILURE() << "seed " << seed << ": " << violation
                    << "\n  replay: huitou_simulation --seeds 1 --from " << seed;
    }
  }
  // The simulation itself must not fall asleep.
  EXPECT_GT(candidates, seeds * 50);
  EXPECT_GT(crashes, static_cast<int>(seeds) * 3);
}

TEST(Simulation, TheSameSeedLivesTheSameLife) {
  const Outcome a = Simulate(7);
  const Outcome b = Simulate(7);
  EXPECT_EQ(a.decisions, b.decisions);
  EXPECT_EQ(a.crashes, b.crashes);
  EXPECT_EQ(a.commits, b.commits);
}

}  // namespace
}  // namespace huitou::simulation
