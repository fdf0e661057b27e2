// What a campaign that is well formed may still get wrong. Part of campaign_file.cc, apart for its
// length. Pure; any thread.
#pragma once

#include "config/campaign_file.h"
#include "config/reader.h"

namespace huitou::config {

// Tells segments that the shop file lacks, limits that refuse every coupon, coupons that reward
// favourable reviews, and other texts that cannot mean what they say.
void CheckCampaign(const MapReader& map, const CampaignContext& context, const Campaign& campaign);

// The segments that a condition names, each with its byte offset in the text.
std::vector<std::pair<std::string, size_t>> SegmentsNamedIn(const std::string& condition);

}  // namespace huitou::config
