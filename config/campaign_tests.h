// A campaign's own `tests:`: stories with their expected decisions (contracts.md section 4), read
// into plain values. Running them in virtual time is floor 3's work. Pure; any thread.
//
// Example:
//   for (const CampaignTest& test :
//        ParseCampaignTests(*document, context, parsed.campaign.get(), &diagnostics)) Run(test);
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/campaign_file.h"
#include "config/diagnostic.h"
#include "config/yaml.h"
#include "triggers/base/money.h"
#include "triggers/base/time.h"
#include "triggers/customer.h"

namespace huitou::config {

// What is known of a customer before the first event.
struct TestCustomer {
  std::string id;
  Profile profile;                    // without consents: those are symbols of a shard
  std::vector<std::string> consents;  // channels with a lasting marketing consent
};

struct TestEvent {
  Place place;
  TimeUs time = 0;
  std::string json;  // of the contract, for the decoder that all events go through
  // What the event is of, where the test names the step that issued or sent it.
  std::string coupon_step;
  std::string message_step;
};

// What one line of the decision log must show. Only what is set is compared.
struct ExpectedDecision {
  Place place;
  std::optional<TimeUs> at;
  std::optional<TimeUs> until;
  std::optional<Money> amount;
  std::optional<std::string> text;            // of the rendered message; '*' stands for anything
  std::map<std::string, std::string> fields;  // the log's other fields by name
};

struct CampaignTest {
  std::string name;
  Place place;
  std::vector<TestCustomer> customers;
  std::vector<TestEvent> events;  // in the order of arrival
  TimeUs until = 0;
  bool holdout = false;
  std::map<std::string, int64_t> pools;  // codes that they have; others have enough
  std::vector<ExpectedDecision> expect;
};

// The tests of a campaign's document; those with mistakes are left out. With `campaign` null (it
// has mistakes itself), what they expect of its steps is not checked.
std::vector<CampaignTest> ParseCampaignTests(const Document& document,
                                             const CampaignContext& context,
                                             const Campaign* campaign, Diagnostics* diagnostics);

// Whether `text` is `pattern`, in which '*' stands for any text.
bool MatchesGlob(std::string_view pattern, std::string_view text);

}  // namespace huitou::config
