// The bytes of decisions as journal and sinks keep them: what one step decides of one customer, a
// fifth of its JSON. The JSON is made where it leaves: for a sink, for explain. Pure; any thread.
//
//   std::string packed;
//   PackDecisions(decisions, &packed);
//   RenderDecisions(packed, "c1", &lines);   // the JSON lines
//
// The first byte is the format's version; bytes that begin otherwise are JSON lines themselves:
// what became of a message, and all lines in stores of formats 1 and 2.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triggers/base/status.h"
#include "triggers/decision.h"

namespace huitou {

// All of one customer, who is not repeated in the bytes.
void PackDecisions(std::span<const Decision> decisions, std::string* out);

// Views in a decision point into `packed` and `customer`. kCorrupt on bytes that no version wrote.
using VisitDecision = std::function<void(const Decision&)>;
Status UnpackDecisions(std::string_view packed, std::string_view customer,
                       const VisitDecision& visit);

// Appends one JSON object per decision.
Status RenderDecisions(std::string_view packed, std::string_view customer,
                       std::vector<std::string>* lines);

}  // namespace huitou
