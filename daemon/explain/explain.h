// "Why did she not get it?": what each campaign would say to a customer now, what is due when, and
// what was decided before. For `huitou explain`, the HTTP interface and the demo. Owner thread of
// the customer's shard.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "triggers/engine.h"

namespace huitou {

// A reason word as a sentence for people: "no consent for any of the step's channels".
std::string_view Describe(std::string_view reason);

// A channel that takes nothing now, and why: its messages wait.
struct DownChannel {
  std::string channel;
  std::string reason;
};

// One JSON object: customer, campaigns (each with `would` enter or refuse, reason, why, clock,
// next, episode), decisions (the journal's lines, newest last), down (channel, reason). `campaign`
// limits it to one; empty: all.
std::string ExplainJson(Engine* engine, const Context& context, const Customer& customer,
                        const std::vector<std::string>& journal,
                        const std::vector<DownChannel>& down, std::string_view campaign);

// The same JSON as lines of text for a terminal; an error text when it is not such JSON.
std::string ExplainText(std::string_view json);

// What is known of a customer, addresses masked: aggregates, tier, tags, consents, open episodes.
std::string CustomerJson(const Customer& customer, const Engine& engine,
                         const SymbolTable& symbols);

}  // namespace huitou
