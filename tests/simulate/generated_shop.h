// A shop made from a seed, the campaigns that are tried on it, and what must fire: found by going
// over the orders, without clocks, timers or a frontier.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "triggers/shop.h"

namespace huitou {

inline constexpr int kWindowsDays[] = {30, 47, 60, 78, 90};

// All windows and scopes at once, as campaigns "30,all", "30,category_own", ...
std::shared_ptr<const CampaignSet> AllScopes();

// "30,all,,00001,1997-01-31T00:00:00Z", sorted.
using Firings = std::vector<std::string>;

struct GeneratedOrder {
  std::string customer;
  TimeUs time = 0;
  std::vector<std::string> categories;
};

// By time, on a grid of half days, so that many come exactly at the end of a window.
std::vector<GeneratedOrder> GenerateOrders();

// As order.placed events, a JSON line each.
std::vector<std::string> ToLines(const std::vector<GeneratedOrder>& orders);

Firings ReferenceOf(const std::vector<GeneratedOrder>& orders);

}  // namespace huitou
