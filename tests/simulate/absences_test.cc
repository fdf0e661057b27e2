// Absences of real shops and of a generated one: the set of firings must equal the reference,
// whatever the order of arrival within the allowed lateness and whatever is repeated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "daemon/decode/event_decoder.h"
#include "daemon/decode/line_reader.h"
#include "daemon/simulate/world.h"

namespace huitou {
namespace {

constexpr int kWindowsDays[] = {30, 47, 60, 78, 90};

std::string DataPath(const std::string& name) {
  return std::string(HUITOU_SOURCE_DIR) + "/../shared/data/" + name;
}

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

// All windows and scopes at once, as campaigns "30,all", "30,category_own", ...
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

std::vector<std::unique_ptr<OwnedEvent>> ReadEvents(const std::string& path) {
  std::vector<std::unique_ptr<OwnedEvent>> events;
  auto reader = LineReader::Open(path);
  EXPECT_TRUE(reader.ok());
  EventDecoder decoder;
  Event event;
  std::string detail;
  std::string_view line;
  while ((*reader)->Next(&line)) {
    EXPECT_EQ(decoder.DecodePadded(line, {}, &event, &detail), EventError::kNone) << detail;
    events.push_back(std::make_unique<OwnedEvent>(event));
  }
  return events;
}

// "30,all,,00001,1997-01-31T00:00:00Z", sorted.
using Firings = std::vector<std::string>;

Firings ReadReference(const std::string& path) {
  Firings firings;
  auto reader = LineReader::Open(path);
  EXPECT_TRUE(reader.ok());
  std::string_view line;
  bool header = true;
  while ((*reader)->Next(&line)) {
    if (header) {
      header = false;
      continue;
    }
    std::vector<std::string> cells;
    std::stringstream text{std::string(line)};
    for (std::string cell; std::getline(text, cell, ',');) {
      cells.push_back(cell);
    }
    firings.push_back(cells[0] + "," + cells[1] + "," + cells[2] + "," + cells[3] + "," + cells[5]);
  }
  std::sort(firings.begin(), firings.end());
  return firings;
}

// --- a shop of our own, and its reference by going over all pairs of orders ---

struct Order {
  std::string customer;
  TimeUs time = 0;
  std::vector<std::string> categories;
};

// On a grid of half days, so that many orders come exactly at the end of a window.
std::vector<Order> GenerateOrders() {
  constexpr int kCustomers = 300;
  constexpr int kDays = 500;
  const std::string categories[] = {"dresses", "shoes", "cosmetics"};
  std::mt19937_64 random(47);
  std::vector<Order> orders;
  for (int customer = 0; customer < kCustomers; ++customer) {
    const uint64_t typical_gap = 1 + random() % 120;
    for (uint64_t half_day = random() % 200; half_day < 2 * kDays;
         half_day += random() % (2 * typical_gap)) {
      Order order{"c" + std::to_string(customer),
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
  std::stable_sort(orders.begin(), orders.end(),
                   [](const Order& a, const Order& b) { return a.time < b.time; });
  return orders;
}

std::vector<std::unique_ptr<OwnedEvent>> ToEvents(const std::vector<Order>& orders) {
  std::vector<std::unique_ptr<OwnedEvent>> events;
  EventDecoder decoder;
  Event event;
  std::string detail;
  for (const Order& order : orders) {
    const std::string id = std::to_string(events.size());
    std::string items;
    for (const std::string& category : order.categories) {
      items += (items.empty() ? "" : ",") + (R"({"sku":"s","category":")" + category) +
               R"(","quantity":1,"price":"9.90"})";
    }
    const std::string line = R"({"id":"e)" + id + R"(","type":"order.placed","time":")" +
                             FormatRfc3339(order.time) + R"(","customer":{"id":")" +
                             order.customer + R"("},"order":{"id":"o)" + id +
                             R"(","currency":"CNY","total":"9.90","items":[)" + items + "]}}";
    EXPECT_EQ(decoder.Decode(line, {}, &event, &detail), EventError::kNone) << detail;
    events.push_back(std::make_unique<OwnedEvent>(event));
  }
  return events;
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

Firings ReferenceOf(const std::vector<Order>& orders) {
  std::map<std::string, std::set<TimeUs>> all;
  std::map<std::string, std::map<std::string, std::set<TimeUs>>> by_category;
  for (const Order& order : orders) {
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

// Counts by "30,category_any" and category from expected.csv.
std::map<std::string, size_t> ReadCounts(const std::string& path) {
  std::map<std::string, size_t> counts;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> cells;
    std::stringstream text(line);
    for (std::string cell; std::getline(text, cell, ',');) {
      cells.push_back(cell);
    }
    if (cells[0] == "lapse_firings" && cells[3] == "all" && cells[4] == "closed" &&
        cells[5] == "last_event") {
      counts[cells[6] + "," + cells[1] + "," + cells[2]] = std::stoul(cells[7]);
    }
  }
  return counts;
}

template <typename Events>
Firings Fire(const Events& events, DurationUs lateness) {
  Firings firings;
  World world(AllScopes(), {lateness, true, true, true}, [&](const Effects& effects, uint32_t) {
    for (const Decision& decision : effects.decisions) {
      if (decision.outcome == OutcomeKind::kEntered) {
        std::string firing(decision.campaign);
        firing.append(",").append(decision.clock).append(",").append(decision.customer);
        firings.push_back(firing.append(",").append(FormatRfc3339(decision.time)));
      }
    }
  });
  TimeUs last = kTimeMin;
  for (const auto& event : events) {
    world.Apply(event->event());
    last = std::max(last, event->event().time);
  }
  world.FinishAt(last);
  std::sort(firings.begin(), firings.end());
  EXPECT_EQ(std::adjacent_find(firings.begin(), firings.end()), firings.end()) << "fired twice";
  return firings;
}

std::string Difference(const Firings& got, const Firings& want) {
  Firings missing;
  Firings extra;
  std::set_difference(want.begin(), want.end(), got.begin(), got.end(),
                      std::back_inserter(missing));
  std::set_difference(got.begin(), got.end(), want.begin(), want.end(), std::back_inserter(extra));
  std::string text;
  for (size_t i = 0; i < missing.size() && i < 5; ++i) {
    text += "missing " + missing[i] + "\n";
  }
  for (size_t i = 0; i < extra.size() && i < 5; ++i) {
    text += "extra " + extra[i] + "\n";
  }
  return text;
}

// Each event arrives up to three days late, and every tenth twice.
Firings FireShuffled(const std::vector<std::unique_ptr<OwnedEvent>>& events) {
  constexpr DurationUs kLateness = 3 * kDayUs;
  std::mt19937_64 random(20261122);
  std::vector<std::pair<TimeUs, const OwnedEvent*>> arrivals;
  for (const auto& event : events) {
    const auto arrive = [&] {
      const TimeUs delay = static_cast<TimeUs>(random() % kLateness);
      arrivals.emplace_back(event->event().time + delay, event.get());
    };
    arrive();
    if (random() % 10 == 0) {
      arrive();
    }
  }
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const OwnedEvent*> order;
  for (const auto& [at, event] : arrivals) {
    order.push_back(event);
  }
  return Fire(order, kLateness);
}

// The reference lists every firing of the scopes `all` and `category_own`.
Firings Listed(const Firings& firings) {
  Firings listed;
  for (const std::string& firing : firings) {
    if (firing.find("category_any") == std::string::npos) {
      listed.push_back(firing);
    }
  }
  return listed;
}

class RealData : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(DataPath(GetParam()))) {
      GTEST_SKIP() << "needs ../shared/data";
    }
    events_ = ReadEvents(DataPath(GetParam()) + std::string("/events.jsonl.zst"));
    reference_ = ReadReference(DataPath(GetParam()) + std::string("/firings.csv.zst"));
    // cdnow has one category, and its reference only the scope `all`.
    const bool own = std::any_of(reference_.begin(), reference_.end(), [](const auto& firing) {
      return firing.find("category_own") != std::string::npos;
    });
    scopes_own_ = own;
  }

  Firings Comparable(const Firings& firings) const {
    Firings kept;
    for (const std::string& firing : Listed(firings)) {
      if (scopes_own_ || firing.find("category_own") == std::string::npos) {
        kept.push_back(firing);
      }
    }
    return kept;
  }

  std::vector<std::unique_ptr<OwnedEvent>> events_;
  Firings reference_;
  bool scopes_own_ = false;
};

TEST_P(RealData, FiresExactlyTheReferenceSet) {
  const Firings fired = Fire(events_, 0);
  EXPECT_EQ(Difference(Comparable(fired), reference_), "");
  EXPECT_EQ(Comparable(fired).size(), reference_.size());
}

TEST_P(RealData, CountsOfTheScopeAnyAgreeWithTheReference) {
  std::map<std::string, size_t> fired;
  for (const std::string& firing : Fire(events_, 0)) {
    size_t comma = firing.find(',');
    comma = firing.find(',', comma + 1);
    ++fired[firing.substr(0, firing.find(',', comma + 1))];
  }
  size_t compared = 0;
  for (const auto& [key, count] : ReadCounts(DataPath(GetParam()) + std::string("/expected.csv"))) {
    if (key.find("category_any") != std::string::npos && key.find("(sum)") == std::string::npos) {
      EXPECT_EQ(fired[key], count) << key;
      ++compared;
    }
  }
  EXPECT_TRUE(compared > 0 || !scopes_own_);
}

TEST_P(RealData, ShufflingWithinTheLatenessAndRepeatsChangeNothing) {
  const Firings fired = FireShuffled(events_);
  EXPECT_EQ(Difference(fired, Fire(events_, 0)), "");
  EXPECT_EQ(Difference(Comparable(fired), reference_), "");
}

TEST(GeneratedShop, FiresExactlyTheReferenceSet) {
  const std::vector<Order> orders = GenerateOrders();
  const Firings reference = ReferenceOf(orders);
  const auto events = ToEvents(orders);
  EXPECT_GT(reference.size(), 10'000U);
  EXPECT_EQ(Difference(Fire(events, 0), reference), "");
  EXPECT_EQ(Difference(FireShuffled(events), reference), "");
}

INSTANTIATE_TEST_SUITE_P(Shops, RealData, testing::Values("cdnow", "online_retail"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace huitou
