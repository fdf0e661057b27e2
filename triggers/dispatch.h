// A dispatch: one coupon or message on its way out, as the engine plans it and the outbox keeps it.
// Self-contained and owned, for it outlives the step that planned it. No address: that is read from
// the customer's profile at the moment of sending.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "triggers/base/hash.h"
#include "triggers/base/money.h"
#include "triggers/base/time.h"
#include "triggers/campaign.h"

namespace huitou {

struct Dispatch {
  enum class Kind : uint8_t { kMessage, kCoupon };

  Id128 id;  // hash of campaign, customer, episode, step: the idempotency key
  Kind kind = Kind::kMessage;
  Id128 episode;
  std::string customer;
  std::string campaign;
  uint64_t version = 0;
  std::string step;  // name
  TimeUs time = 0;   // event time of the decision

  // Messages:
  MessageClass message_class = MessageClass::kMarketing;
  std::string template_name;
  std::string locale;            // recipient's, else the shop's
  std::vector<std::string> via;  // channels that passed the gates, in order
  DurationUs wait_receipt = 0;   // 0: fall back only on refusal
  bool holds_credit = false;     // a one-time subscription, for the channel that it is on
  std::vector<std::pair<std::string, std::string>> variables;  // name, text for people

  // Coupons of a provider or a pool that is asked (CampaignSet::coupons_local, pools_local):
  std::string coupon;  // the step's id
  std::string pool;    // of the shop file; empty: the provider's
  Money value;
  Money min_spend;
  TimeUs expires_at = 0;
};

// What an `emit` step sends to the emits sink.
struct Emission {
  Id128 id;
  std::string type;
  std::string customer;
  std::string campaign;
  Id128 episode;
  TimeUs time = 0;
  std::vector<std::pair<std::string, std::string>> data;  // key, Mustache text
  std::vector<std::pair<std::string, std::string>> variables;
};

}  // namespace huitou
