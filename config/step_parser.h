// The steps of a campaign file. Part of campaign_file.cc, apart for its length. One thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/campaign_file.h"
#include "config/coupons_held.h"
#include "config/reader.h"
#include "config/variables.h"
#include "triggers/cel/cel.h"

namespace huitou::config {

// The names of all coupon and send steps in the order of the file, so that conditions can be
// compiled before the steps are.
StepNames CollectStepNames(const Node& steps);

class StepParser {
 public:
  // `campaign` has its class and limits.
  StepParser(const CampaignContext& context, const StepNames& names,
             const cel::Environment& environment, const Campaign& campaign)
      : context_(context),
        names_(names),
        environment_(environment),
        marketing_(campaign.message_class == MessageClass::kMarketing),
        held_(names.coupons,
              {.local = context.coupons_local,
               .limited = campaign.limits.money.has_value() || !campaign.limits.budget.empty()}) {}

  // `steps` is a list of steps; `depth` counts the branches around it.
  std::vector<Step> Parse(const Value& steps, int depth = 0);

 private:
  void ParseStep(const Value& item, int depth, std::vector<Step>* steps);
  void ParseAction(const MapReader& map, int depth, Step* step);
  // Keeps track of the coupons held behind the step, which is null where it has mistakes.
  void Follow(const Node& node, const Step* step);
  // Where the `when` of this map is true.
  CouponsHeld HeldIn(const MapReader& map, const Condition& when) const;
  CouponStep ParseCoupon(const MapReader& map) const;
  // The pool's name; empty where there is none.
  std::string ParseCodes(const Value& value) const;
  SendStep ParseSend(const Value& value, const CouponsHeld& held) const;
  void CheckVia(const Value& via) const;
  WaitStep ParseWait(const Value& value) const;
  BranchStep ParseBranch(const Value& value, int depth);
  EmitStep ParseEmit(const Value& value, const CouponsHeld& held) const;
  ReadingStep Reading(const Value& value, const CouponsHeld& held) const;
  SetStep ParseSet(const MapReader& map) const;

  const CampaignContext& context_;
  const StepNames& names_;
  const cel::Environment& environment_;
  const bool marketing_;
  std::set<std::string> ids_;
  size_t count_ = 0;
  CouponsHeld held_;
  size_t coupons_seen_ = 0;
};

}  // namespace huitou::config
