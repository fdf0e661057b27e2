#include "triggers/clocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace huitou {
namespace {

constexpr DurationUs kWindow = 10;
constexpr ClockRule kOwn{kWindow, true};

// One instant in the order of arrival, then the firings that a frontier passes.
struct Story {
  explicit Story(ClockRule clock_rule, DurationUs allowed_lateness)
      : rule(clock_rule), lateness(allowed_lateness) {}

  void Arrive(ClockInstant instant) {
    newest = std::max(newest, instant.time);
    AdvanceTo(newest - lateness);
    AddInstant(&clock, instant, rule, frontier);
    Arm();
  }

  void AdvanceTo(TimeUs to) {
    frontier = std::max(frontier, to);
    while (clock.armed < frontier) {
      const TimeUs deadline = clock.armed;
      clock.armed = kTimeMax;
      if (FireAt(&clock, deadline, rule, frontier)) {
        fired.push_back(deadline);
      }
      Arm();
    }
  }

  void Arm() { clock.armed = std::min(clock.armed, DeadlineOf(clock, rule)); }

  ClockRule rule;
  DurationUs lateness;
  Clock clock;
  TimeUs newest = kTimeMin + 1'000'000;
  TimeUs frontier = kTimeMin;
  std::vector<TimeUs> fired;
};

constexpr ClockInstant Order(TimeUs time) {
  return {time, true, true};
}

TEST(Clock, FiresOnceWhenTheWindowPassesAndThenRests) {
  Story story(kOwn, 0);
  story.Arrive(Order(100));
  story.AdvanceTo(110);
  EXPECT_TRUE(story.fired.empty()) << "the frontier stands at the deadline, not behind it";
  story.AdvanceTo(111);
  EXPECT_EQ(story.fired, std::vector<TimeUs>({110}));
  story.AdvanceTo(1000);
  EXPECT_EQ(story.fired.size(), 1U);
}

TEST(Clock, AnOrderExactlyAtTheDeadlineStillCancels) {
  Story story(kOwn, 0);
  story.Arrive(Order(100));
  story.Arrive(Order(110));
  story.AdvanceTo(1000);
  EXPECT_EQ(story.fired, std::vector<TimeUs>({120}));
}

TEST(Clock, AnOrderJustBehindTheDeadlineDoesNotCancel) {
  Story story(kOwn, 0);
  story.Arrive(Order(100));
  story.Arrive(Order(111));
  story.AdvanceTo(1000);
  EXPECT_EQ(story.fired, std::vector<TimeUs>({110, 121}));
}

TEST(Clock, ALaterOrderThatArrivesBeforeTheFrontierPassedTheDeadlineDoesNotWipeOutTheFiring) {
  Story story(kOwn, 50);
  story.Arrive(Order(100));
  story.Arrive(Order(115));  // the frontier is at 65: nobody knows yet what came in between
  story.AdvanceTo(1000);
  EXPECT_EQ(story.fired, std::vector<TimeUs>({110, 125}));
}

TEST(Clock, AnOrderThatArrivesOutOfOrderJoinsWhatLiesAroundIt) {
  Story story(kOwn, 50);
  story.Arrive(Order(100));
  story.Arrive(Order(115));
  story.Arrive(Order(108));
  story.AdvanceTo(1000);
  EXPECT_EQ(story.fired, std::vector<TimeUs>({125}));
}

TEST(Clock, ALateOrderRestartsButFiresNothingInThePast) {
  Story story(kOwn, 0);
  story.Arrive(Order(100));
  story.AdvanceTo(105);
  story.Arrive(Order(103));  // late, and the deadline 110 is still ahead: restarted
  story.AdvanceTo(112);
  EXPECT_TRUE(story.fired.empty());
  story.AdvanceTo(200);
  EXPECT_EQ(story.fired, std::vector<TimeUs>({113}));
  story.Arrive(Order(150));  // 160 is past
  story.AdvanceTo(1000);
  EXPECT_EQ(story.fired.size(), 1U);
}

TEST(Clock, WithTwoEventTypesACancelAtTheInstantOfTheStartWins) {
  const ClockRule rule{kWindow, false};
  for (const bool start_first : {true, false}) {
    Story story(rule, 0);
    const ClockInstant start{100, true, false};
    const ClockInstant cancel{100, false, true};
    story.Arrive(start_first ? start : cancel);
    story.Arrive(start_first ? cancel : start);
    story.AdvanceTo(1000);
    EXPECT_TRUE(story.fired.empty()) << start_first;
  }
}

// The semantics in one loop over the sorted instants: what every order of arrival must give.
std::vector<TimeUs> Oracle(std::vector<ClockInstant> instants, const ClockRule& rule) {
  std::sort(instants.begin(), instants.end(),
            [](const ClockInstant& a, const ClockInstant& b) { return a.time < b.time; });
  std::vector<TimeUs> fired;
  TimeUs start = kTimeMin;
  for (size_t i = 0; i < instants.size();) {
    ClockInstant all = instants[i];
    for (++i; i < instants.size() && instants[i].time == all.time; ++i) {
      all.starts |= instants[i].starts;
      all.cancels |= instants[i].cancels;
    }
    if (start != kTimeMin && start + rule.window < all.time) {
      fired.push_back(start + rule.window);
      start = kTimeMin;
    }
    start = all.cancels ? kTimeMin : start;
    if (all.starts && (rule.same_event || !all.cancels)) {
      start = all.time;
    }
  }
  if (start != kTimeMin) {
    fired.push_back(start + rule.window);
  }
  return fired;
}

TEST(Clock, AnyOrderOfArrivalWithinTheLatenessGivesTheSameFirings) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20'000; ++round) {
    const ClockRule rule{static_cast<DurationUs>(1 + random() % 40), random() % 2 == 0};
    const auto lateness = static_cast<DurationUs>(random() % 30);
    std::vector<ClockInstant> instants;
    TimeUs time = 1000;
    for (size_t i = 0; i < 1 + random() % 10; ++i) {
      time += static_cast<TimeUs>(random() % 25);
      const uint64_t kind = random() % 3;
      instants.push_back({time, kind != 1, rule.same_event ? kind != 2 : kind == 1});
      if (rule.same_event && random() % 4 != 0) {
        instants.back().starts = instants.back().cancels = true;
      }
    }
    std::vector<std::pair<TimeUs, ClockInstant>> arrivals;
    for (const ClockInstant& instant : instants) {
      const TimeUs delay = lateness == 0 ? 0 : static_cast<TimeUs>(random()) % (lateness + 1);
      arrivals.emplace_back(instant.time + std::abs(delay), instant);
    }
    std::stable_sort(arrivals.begin(), arrivals.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    Story story(rule, lateness);
    for (const auto& [at, instant] : arrivals) {
      story.Arrive(instant);
    }
    story.AdvanceTo(1'000'000);
    ASSERT_EQ(story.fired, Oracle(instants, rule)) << "round " << round;
  }
}

}  // namespace
}  // namespace huitou
