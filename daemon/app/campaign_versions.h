// Campaign versions in the store: the text of each version that open episodes run, so that an edit
// or a restart lets them finish what they began. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "channels/public_links.h"
#include "config/loader.h"
#include "daemon/state/store.h"
#include "triggers/base/status.h"

namespace huitou {

// The stored form of a version, and back. Nothing when the text is none.
std::string EncodeCampaignText(const config::CampaignText& source);
std::optional<config::CampaignText> DecodeCampaignText(std::string_view encoded);

// Templates by the version of the campaign that uses them.
using TemplatesByVersion = std::map<uint64_t, std::shared_ptr<const config::TemplateSet>>;

// The campaigns to run: the loaded ones, with the older versions that open episodes still run.
struct Plays {
  std::shared_ptr<const CampaignSet> set;
  std::shared_ptr<const config::TemplateSet> templates;  // of the current versions
  std::shared_ptr<const channels::PublicLinks> links;    // null: the config has no `public:`
  TemplatesByVersion retired_templates;
  std::vector<std::string> lost;  // versions that no longer compile: their episodes stand still
};

// Stores the loaded versions, drops those that nobody runs, and compiles the rest again.
Result<Plays> MakePlays(std::shared_ptr<config::Loaded> loaded,
                        const config::ChannelSchemas& channels, const std::set<std::string>& paused,
                        Store* store);

}  // namespace huitou
