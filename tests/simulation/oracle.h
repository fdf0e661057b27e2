// What must be decided, by the words of contracts.md alone: a plain and slow re-implementation that
// sees the whole log sorted by time, shares no code with the engine and knows no machine.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/simulation/workload.h"

namespace huitou::simulation {

// A candidate: "2026-01-11T00:00:00Z winback c1 shoes".
using Candidates = std::set<std::string>;

// All candidates of the absence campaigns and of "thanks" for customers that are exact, where the
// frontier ended at `frontier`.
Candidates ExpectedCandidates(const std::vector<Deed>& deeds, TimeUs frontier);
std::string CandidateText(TimeUs time, const std::string& campaign, const std::string& customer,
                          const std::string& clock);

}  // namespace huitou::simulation
