// huitou_simulation --seeds N --from S: the fault simulation for a night. Prints every violation
// with the seed that replays it; exit code 1 when there was any.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/simulation/simulation.h"

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a night is long: show what failed at once
  uint64_t seeds = 300;
  uint64_t from = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--seeds") == 0) {
      seeds = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (std::strcmp(argv[i], "--from") == 0) {
      from = std::strtoull(argv[i + 1], nullptr, 10);
    } else {
      std::fprintf(stderr, "usage: huitou_simulation [--seeds N] [--from S]\n");
      return 2;
    }
  }
  uint64_t failed = 0;
  size_t decisions = 0;
  size_t candidates = 0;
  uint64_t crashes = 0;
  for (uint64_t seed = from; seed < from + seeds; ++seed) {
    const huitou::simulation::Outcome outcome = huitou::simulation::Simulate(seed);
    decisions += outcome.decisions;
    candidates += outcome.candidates;
    crashes += static_cast<uint64_t>(outcome.crashes);
    failed += outcome.violations.empty() ? 0 : 1;
    for (const std::string& violation : outcome.violations) {
      std::printf("seed %" PRIu64 ": %s\n", seed, violation.c_str());
    }
    if (!outcome.violations.empty()) {
      std::printf("replay: huitou_simulation --seeds 1 --from %" PRIu64 "\n", seed);
    }
  }
  std::printf("%" PRIu64 " seeds, %zu decisions, %zu candidates judged by the oracle, %" PRIu64
              " crashes, %" PRIu64 " seeds failed\n",
              seeds, decisions, candidates, crashes, failed);
  return failed == 0 ? 0 : 1;
}
