// Runs a campaign's own `tests:` in virtual time: the engine that runs live, one campaign, the
// test's customers and events. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/loader.h"
#include "triggers/shop.h"

namespace huitou {

struct CampaignTestResult {
  std::string campaign;
  std::string name;
  std::string file;
  int line = 0;
  bool passed = false;
  std::string difference;  // the timeline, line by line, where it failed; else empty
};

// All tests of one loaded campaign. `set` gives shop and channels.
std::vector<CampaignTestResult> RunCampaignTests(const config::LoadedCampaign& campaign,
                                                 const CampaignSet& set,
                                                 const config::TemplateSet& templates);

}  // namespace huitou
