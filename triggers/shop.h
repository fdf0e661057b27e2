// What campaigns share: the shop file, checked (contracts.md section 5). Immutable; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "triggers/base/civil_time.h"
#include "triggers/base/money.h"
#include "triggers/base/time.h"
#include "triggers/campaign.h"

namespace huitou {

// At most `max` messages in (t - per, t] per customer, over all campaigns.
struct Cap {
  std::optional<MessageClass> message_class;
  std::string channel;  // empty: all
  int max = 0;
  DurationUs per = 0;
};

struct QuietHours {
  DurationUs from = 0;  // since local midnight
  DurationUs to = 0;
  bool zone_recipient = true;
  Zone zone;          // when not the recipient's
  bool skip = false;  // else defer
};

struct Budget {
  Money amount;
  CampaignLimits::Period period = CampaignLimits::Period::kTotal;
};

// Coupon codes that were made beforehand, one a line of a file.
struct PoolFile {
  std::string file;
  int64_t low = 1000;  // fewer codes left are warned of
};

struct TierLevel {
  std::string name;
  double at = 0;
};

struct Tiers {
  Condition by;  // over `customer`
  DurationUs keep = 0;
  std::vector<TierLevel> levels;  // rising
};

struct Shop {
  std::string name = "shop";
  Currency currency = *Currency::Parse("CNY");
  std::string timezone = "Asia/Shanghai";
  Zone zone;  // of timezone
  std::string locale = "zh-CN";
  std::string country = "CN";  // of phone numbers without their code: ISO 3166
  std::string order_counts_on = "order.paid";
  Tiers tiers;
  std::map<std::string, Condition> segments;
  std::vector<Cap> caps;
  std::optional<QuietHours> quiet_hours;
  uint32_t holdout_share = 0;  // global control group, in 1/10000
  std::map<std::string, Budget> budgets;
  std::map<std::string, PoolFile> pools;
  bool opt_in = true;                             // consent.default
  std::map<std::string, bool> opt_in_by_channel;  // overrides
  // Attributes by which channels reach one customer and nobody else: who has it is looked up by
  // them, as by a phone.
  std::set<std::string> address_attributes;

  bool OptIn(const std::string& channel) const {
    const auto found = opt_in_by_channel.find(channel);
    return found == opt_in_by_channel.end() ? opt_in : found->second;
  }
};

// Everything that the engine decides by: one immutable value, swapped as a whole on a reload.
struct CampaignSet {
  Shop shop;
  std::vector<std::shared_ptr<const Campaign>>
      campaigns;  // current ones, priority falling, then id
  // Versions that open episodes still run (on_update: finish_old).
  std::vector<std::shared_ptr<const Campaign>> retired;
  // Which address each channel of the config needs: "sms" -> kPhone.
  enum class Contact : uint8_t { kNone, kPhone, kEmail, kWechatOpenid, kAttribute };
  std::map<std::string, Contact> channels;
  std::map<std::string, std::string> recipient_attributes;  // of channels with kAttribute: its name
  std::set<std::string> paused;  // campaigns that an operator has paused: nobody enters
  // Coupons are issued inside the step (provider local) or by a dispatch of their own (http).
  bool coupons_local = true;
  // Those of a pool too: campaign tests and backtests, which touch no pool.
  bool pools_local = false;
};

}  // namespace huitou
