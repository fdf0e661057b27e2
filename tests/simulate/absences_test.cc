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
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "daemon/decode/event_decoder.h"
#include "daemon/decode/line_reader.h"
#include "daemon/simulate/world.h"
#include "tests/simulate/generated_shop.h"

namespace huitou {
namespace {

std::string DataPath(const std::string& name) {
  return std::string(HUITOU_SOURCE_DIR) + "/../shared/data/" + name;
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

std::vector<std::unique_ptr<OwnedEvent>> Decode(const std::vector<std::string>& lines) {
  std::vector<std::unique_ptr<OwnedEvent>> events;
  EventDecoder decoder;
  Event event;
  std::string detail;
  for (const std::string& line : lines) {
    EXPECT_EQ(decoder.Decode(line, {}, &event, &detail), EventError::kNone) << detail;
    events.push_back(std::make_unique<OwnedEvent>(event));
  }
  return events;
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
  const std::vector<GeneratedOrder> orders = GenerateOrders();
  const Firings reference = ReferenceOf(orders);
  const auto events = Decode(ToLines(orders));
  EXPECT_GT(reference.size(), 10'000U);
  EXPECT_EQ(Difference(Fire(events, 0), reference), "");
  EXPECT_EQ(Difference(FireShuffled(events), reference), "");
}

INSTANTIATE_TEST_SUITE_P(Shops, RealData, testing::Values("cdnow", "online_retail"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace huitou
