#include "tests/simulation/simulation.h"

#include <gtest/gtest.h>

namespace huitou::simulation {
namespace {

constexpr uint64_t kSeeds = 300;

TEST(Simulation, EveryInvariantHoldsThroughEveryFault) {
  size_t candidates = 0;
  int crashes = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Outcome outcome = Simulate(seed);
    candidates += outcome.candidates;
    crashes += outcome.crashes;
    for (const std::string& violation : outcome.violations) {
      ADD_FAILURE() << "seed " << seed << ": " << violation
                    << "\n  replay: huitou_simulation --seeds 1 --from " << seed;
    }
  }
  // The simulation itself must not fall asleep.
  EXPECT_GT(candidates, kSeeds * 50);
  EXPECT_GT(crashes, static_cast<int>(kSeeds) * 3);
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
