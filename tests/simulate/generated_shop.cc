#include "tests/simulate/generated_shop.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>

namespace huitou {
namespace {

std::shared_ptr<const Campaign> Absence(const std::string& id, int days, bool per_category,
                                        bool cancel_any) {
  auto campaign = std::make_shared<Campaign>();
  campaign->id = id;
  AbsenceTrigger absence;
  absence.after = absence.of = "order.placed";
  absence.per_category = per_category;
  absence.cancel_any = cancel_any;
  absence.within_default = days * kDayUs;
  campaign->trigger = absence;
  Step step;
  step.action = EmitStep{"fired", {}, {}};
  campaign->steps.push_back(std::move(step));
  Link(campaign.get());
  return campaign;
}

// Every order starts a clock; one that nothing cancels up to and with its end fires there.
void AddFirings(const std::string& name, const std::string& customer,
                const std::set<TimeUs>& starts, const std::set<TimeUs>& cancels, DurationUs window,
                TimeUs last, Firings* firings) {
  for (const TimeUs start : starts) {
    const auto next = cancels.upper_bound(start);
    const bool cancelled = next != cancels.end() && *next <= start + window;
    if (!cancelled && start + window <= last) {
      firings->push_back(name + "," + customer + "," + FormatRfc3339(start + window));
    }
  }
}

}  // namespace

std::shared_ptr<const CampaignSet> AllScopes() {
  auto set = std::make_shared<CampaignSet>();
  for (const int days : kWindowsDays) {
    const std::string window = std::to_string(days) + ",";
    set->campaigns.push_back(Absence(window + "all", days, false, false));
    set->campaigns.push_back(Absence(window + "category_own", days, true, false));
    set->campaigns.push_back(Absence(window + "category_any", days, true, true));
  }
  return set;
}

std::vector<GeneratedOrder> GenerateOrders() {
  constexpr int kCustomers = 300;
  constexpr int kDays = 500;
  const std::string categories[] = {"dresses", "shoes", "cosmetics"};
  std::mt19937_64 random(47);
  std::vector<GeneratedOrder> orders;
  for (int customer = 0; customer < kCustomers; ++customer) {
    const uint64_t typical_gap = 1 + random() % 120;
    for (uint64_t half_day = random() % 200; half_day < 2 * kDays;
         half_day += random() % (2 * typical_gap)) {
      GeneratedOrder order{"c" + std::to_string(customer),
                           static_cast<TimeUs>(20'000 * kDayUs + half_day * kDayUs / 2),
                           {}};
      for (const std::string& category : categories) {
        if (random() % 2 == 0) {
          order.categories.push_back(category);
        }
      }
      orders.push_back(std::move(order));
    }
  }
  std::stable_sort(
      orders.begin(), orders.end(),
      [](const GeneratedOrder& a, const GeneratedOrder& b) { return a.time < b.time; });
  return orders;
}

std::vector<std::string> ToLines(const std::vector<GeneratedOrder>& orders) {
  std::vector<std::string> lines;
  for (const GeneratedOrder& order : orders) {
    const std::string id = std::to_string(lines.size());
    std::string items;
    for (const std::string& category : order.categories) {
      items += (items.empty() ? "" : ",") + (R"({"sku":"s","category":")" + category) +
               R"(","quantity":1,"price":"9.90"})";
    }
    lines.push_back(R"({"id":"e)" + id + R"(","type":"order.placed","time":")" +
                    FormatRfc3339(order.time) + R"(","customer":{"id":")" + order.customer +
                    R"("},"order":{"id":"o)" + id +
                    R"(","currency":"CNY","total":"9.90","items":[)" + items + "]}}");
  }
  return lines;
}

Firings ReferenceOf(const std::vector<GeneratedOrder>& orders) {
  std::map<std::string, std::set<TimeUs>> all;
  std::map<std::string, std::map<std::string, std::set<TimeUs>>> by_category;
  for (const GeneratedOrder& order : orders) {
    all[order.customer].insert(order.time);
    for (const std::string& category : order.categories) {
      by_category[order.customer][category].insert(order.time);
    }
  }
  const TimeUs last = orders.back().time;
  Firings firings;
  for (const int days : kWindowsDays) {
    const DurationUs window = days * kDayUs;
    const std::string prefix = std::to_string(days);
    for (const auto& [customer, times] : all) {
      AddFirings(prefix + ",all,", customer, times, times, window, last, &firings);
      for (const auto& [category, own] : by_category[customer]) {
        AddFirings(prefix + ",category_own," + category, customer, own, own, window, last,
                   &firings);
        AddFirings(prefix + ",category_any," + category, customer, own, times, window, last,
                   &firings);
      }
    }
  }
  std::sort(firings.begin(), firings.end());
  return firings;
}

}  // namespace huitou
