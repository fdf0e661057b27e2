#include "config/campaign_checks.h"

#include <re2/re2.h>

#include <algorithm>
#include <span>
#include <utility>

#include "triggers/base/money.h"

namespace huitou::config {
namespace {

using Keys = std::span<const std::string_view>;
constexpr std::string_view kConditionKeys[] = {"where", "when", "key"};
constexpr std::string_view kStepConditionKeys[] = {"when"};

// All text nodes below `node` that a condition may stand in, under these keys.
template <typename Visit>
void VisitConditions(const Node& node, const Visit& visit, Keys keys = kConditionKeys) {
  for (const Node* item : node.items) {
    VisitConditions(*item, visit, keys);
  }
  for (const auto& [key, value] : node.entries) {
    if (value == nullptr || key->text == "tests" || key->text == "data" || key->text == "set") {
      continue;
    }
    if (value->kind == Node::Kind::kText) {
      if (std::find(keys.begin(), keys.end(), key->text) != keys.end()) {
        visit(*value);
      }
    } else {
      VisitConditions(*value, visit, keys);
    }
  }
}

void CheckSegments(const MapReader& map, const CampaignContext& context) {
  std::vector<std::string> names;
  for (const auto& [name, condition] : context.shop.segments) {
    names.push_back(name);
  }
  VisitConditions(map.node(), [&](const Node& node) {
    for (const auto& [name, offset] : SegmentsNamedIn(node.text)) {
      if (!context.shop.segments.contains(name)) {
        map.reader().diagnostics().Error(map.reader().document().PlaceOf(node, offset),
                                         "no segment " + Quote(name) + " in the shop file",
                                         Choices(name, names));
      }
    }
  });
}

// Whether a condition lets only good ratings pass: `rating >= 4` does, `rating >= 1` does not.
bool ChoosesRatings(const std::string& condition) {
  static const re2::RE2 kRating(R"((?:event|trigger)\.review\.rating\s*(>=|>|==)\s*(\d{1,3}))");
  re2::StringPiece rest(condition);
  std::string comparison;
  int rating = 0;
  while (re2::RE2::FindAndConsume(&rest, kRating, &comparison, &rating)) {
    if (rating > (comparison == ">" ? 0 : 1)) {
      return true;
    }
  }
  return false;
}

// The coupon steps below `node` that come only to those who rated well.
void WarnOfBoughtReviews(const Reader& reader, const Node& steps, bool chosen) {
  for (const Node* step : steps.items) {
    bool here = chosen;
    const Node* branch = nullptr;
    const Node* coupon_key = nullptr;
    for (const auto& [key, value] : step->entries) {
      here = here || (key->text == "when" && ChoosesRatings(value->text));
      branch = key->text == "branch" ? value : branch;
      coupon_key = key->text == "coupon" ? key : coupon_key;
    }
    if (coupon_key != nullptr && here) {
      reader.Warning(*coupon_key, "a coupon that hangs on the review's rating",
                     "rewards for favourable reviews are forbidden in China and the US: reward "
                     "every review alike, or send thanks only");
    }
    if (branch == nullptr) {
      continue;
    }
    for (const Node* arm : branch->items) {
      bool arm_chosen = here;
      for (const auto& [key, value] : arm->entries) {
        arm_chosen = arm_chosen || (key->text == "when" && ChoosesRatings(value->text));
      }
      for (const auto& [key, value] : arm->entries) {
        if (key->text == "steps") {
          WarnOfBoughtReviews(reader, *value, arm_chosen);
        }
      }
    }
  }
}

void CheckReviews(const MapReader& map, const Campaign& campaign) {
  const EventTrigger* trigger = campaign.event();
  const Value steps = map["steps"];
  if (trigger == nullptr || !trigger->event.starts_with("review.") || !steps.is_list()) {
    return;
  }
  const Value where = map["where"];
  const bool chosen = where.is_text() && ChoosesRatings(where.node().text);
  WarnOfBoughtReviews(map.reader(), steps.node(), chosen);
}

// The dearest coupon among the steps.
int64_t DearestCoupon(const std::vector<Step>& steps) {
  int64_t dearest = 0;
  for (const Step& step : steps) {
    if (const auto* coupon = std::get_if<CouponStep>(&step.action)) {
      dearest = std::max(dearest, coupon->value.minor);
    } else if (const auto* branch = std::get_if<BranchStep>(&step.action)) {
      for (const BranchArm& arm : branch->arms) {
        dearest = std::max(dearest, DearestCoupon(arm.steps));
      }
    }
  }
  return dearest;
}

void CheckMoney(const MapReader& map, const CampaignContext& context, const Campaign& campaign) {
  const int64_t dearest = DearestCoupon(campaign.steps);
  const Value limits = map["limits"];
  if (dearest == 0 || !limits.is_map()) {
    return;
  }
  const auto told = [&](std::string_view what, int64_t amount) {
    if (amount < dearest) {
      limits.Error(std::string(what) + " of " + FormatMinorShort(amount, context.shop.currency) +
                       " lets no coupon of " + FormatMinorShort(dearest, context.shop.currency) +
                       " through",
                   "raise it");
    }
  };
  if (campaign.limits.money) {
    told("money", campaign.limits.money->minor);
  }
  const auto budget = context.shop.budgets.find(campaign.limits.budget);
  if (context.shop_complete && budget != context.shop.budgets.end()) {
    told("budget", budget->second.amount.minor);
  }
}

// An absence fires because nothing came: no event is at hand at its entry and in its steps.
void CheckAbsence(const MapReader& map) {
  static const re2::RE2 kEvent(R"((?:^|[^.\w'"])((event|trigger)\s*[.\[]))");
  const auto check = [&](const Node& node) {
    re2::StringPiece found;
    re2::StringPiece name;
    if (re2::RE2::PartialMatch(node.text, kEvent, &found, &name)) {
      const auto offset = static_cast<size_t>(name.data() - node.text.data());
      map.reader().diagnostics().Error(
          map.reader().document().PlaceOf(node, offset),
          "an absence has no " + Quote(std::string(name)) + ": it fires because none came",
          "ask the customer, such as customer.last_order_at; exit:, goal: and wait: see events");
    }
  };
  if (const Value where = map["where"]; where.is_text()) {
    check(where.node());
  }
  if (const Value steps = map["steps"]) {
    VisitConditions(steps.node(), check, kStepConditionKeys);
  }
}

}  // namespace

std::vector<std::pair<std::string, size_t>> SegmentsNamedIn(const std::string& condition) {
  static const re2::RE2 kSegment(R"re(in_segment\s*\(\s*(?:'([^']*)'|"([^"]*)"))re");
  std::vector<std::pair<std::string, size_t>> named;
  re2::StringPiece rest(condition);
  re2::StringPiece single;
  re2::StringPiece twin;
  while (re2::RE2::FindAndConsume(&rest, kSegment, &single, &twin)) {
    const re2::StringPiece& name = single.data() != nullptr ? single : twin;
    named.emplace_back(std::string(name.data(), name.size()),
                       static_cast<size_t>(name.data() - condition.data()));
  }
  return named;
}

void CheckCampaign(const MapReader& map, const CampaignContext& context, const Campaign& campaign) {
  if (context.shop_complete) {
    CheckSegments(map, context);
  }
  CheckReviews(map, campaign);
  if (campaign.absence() != nullptr) {
    CheckAbsence(map);
  }
  CheckMoney(map, context, campaign);
}

}  // namespace huitou::config
