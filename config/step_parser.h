// The steps of a campaign file. Part of campaign_file.cc, apart for its length. One thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/campaign_file.h"
#include "config/reader.h"
#include "triggers/cel/cel.h"

namespace huitou::config {

// The names of all coupon and send steps in the order of the file, so that conditions can be
// compiled before the steps are.
StepNames CollectStepNames(const Node& steps);

class StepParser {
 public:
  StepParser(const CampaignContext& context, const StepNames& names,
             const cel::Environment& environment)
      : context_(context), names_(names), environment_(environment) {}

  // `steps` is a list of steps; `depth` counts the branches around it.
  std::vector<Step> Parse(const Value& steps, int depth = 0);

 private:
  void ParseStep(const Value& item, int depth, std::vector<Step>* steps);
  void ParseAction(const MapReader& map, int depth, Step* step);
  CouponStep ParseCoupon(const MapReader& map) const;
  SendStep ParseSend(const Value& value) const;
  void CheckVia(const Value& via) const;
  WaitStep ParseWait(const Value& value) const;
  BranchStep ParseBranch(const Value& value, int depth);
  EmitStep ParseEmit(const Value& value) const;
  SetStep ParseSet(const MapReader& map) const;

  const CampaignContext& context_;
  const StepNames& names_;
  const cel::Environment& environment_;
  std::set<std::string> ids_;
  size_t count_ = 0;
};

}  // namespace huitou::config
