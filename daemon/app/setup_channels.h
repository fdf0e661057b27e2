// From checked settings to what runs: channels, policies, coupons, field maps. Pure but for the key
// file of local coupons.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/daemon_config.h"
#include "daemon/decode/field_map.h"
#include "daemon/outbox/code_pool.h"
#include "daemon/outbox/dispatcher.h"
#include "daemon/outbox/outbox.h"
#include "triggers/base/status.h"
#include "triggers/engine.h"

namespace huitou {

struct Outlets {
  std::vector<DispatchChannel> channels;
  std::map<std::string, ChannelPolicy> policies;
  std::shared_ptr<const CouponCodes> codes;  // of local coupons; null where another is asked
  std::shared_ptr<CodePools> pools;          // of the shop file; empty at first
};

// kInvalid names the channel and its setting. A key for local coupon codes is made in `state_dir`
// where the config gives none.
Result<Outlets> MakeOutlets(const config::DaemonConfig& config, const std::string& state_dir);

// kInvalid where a current campaign needs what `outlets` has not: the config was changed since they
// were made.
Status CanRun(const CampaignSet& set, const Outlets& outlets);

FieldMap MakeFieldMap(const config::FieldMapping& mapping, Currency currency);

}  // namespace huitou
