// A campaign file: YAML to a checked huitou::Campaign (contracts.md section 4). Pure; any thread.
//
// Example:
//   auto parsed = ParseCampaign(*document, {.shop = shop, .channels = channels}, &diagnostics);
//   if (parsed.campaign != nullptr) Use(parsed.campaign);
#pragma once

#include <map>
#include <memory>
#include <string>

#include "config/diagnostic.h"
#include "config/schema.h"
#include "config/yaml.h"
#include "triggers/campaign.h"
#include "triggers/shop.h"

namespace huitou::config {

class TemplateSet;

// The channels that `via:` may name, by the name in the config file. A null schema is a channel
// whose provider is not known (its mistake was told already).
using ChannelSchemas = std::map<std::string, const ComponentSchema*>;

// What a campaign is checked against. A part that is null is not known, and what depends on it is
// not checked: better silent than wrong.
struct CampaignContext {
  const Shop& shop;  // for currency and time zone, always
  bool shop_complete = true;
  const ChannelSchemas* channels = nullptr;
  const TemplateSet* templates = nullptr;
  bool coupons_local = true;    // codes come from here, not from a provider that may refuse
  bool coupons_checked = true;  // off: whether a message's coupon was issued is not asked
};

struct ParsedCampaign {
  std::shared_ptr<Campaign> campaign;  // linked; null when there were errors
  std::string id;                      // as written, also then; may be empty
  Place id_place;
};

ParsedCampaign ParseCampaign(const Document& document, const CampaignContext& context,
                             Diagnostics* diagnostics);

}  // namespace huitou::config
