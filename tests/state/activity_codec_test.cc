#include "daemon/state/activity_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "daemon/state/records.pb.h"

namespace huitou {
namespace {

constexpr TimeUs kDay1 = 1'770'000'000 * kSecondUs;

// Five orders in two categories within a year, two running clocks: what the size is aimed at.
Activity FiveOrders() {
  Activity activity;
  const DurationUs gaps[] = {0, 31 * kDayUs + 4711 * kSecondUs, 12 * kDayUs + 86 * kSecondUs,
                             64 * kDayUs + 40'000 * kSecondUs, 90 * kDayUs + 7 * kSecondUs};
  TimeUs time = kDay1;
  for (int i = 0; i < 5; ++i) {
    time += gaps[i];
    activity.purchases.push_back({time, 25'900 + 1'111 * i, 1});
    activity.spend_minor += activity.purchases.back().spend_minor;
    activity.event_ids.push_back(0x9E3779B97F4A7C15ull * static_cast<uint64_t>(i + 1));
  }
  activity.orders = 5;
  activity.first_order_at = activity.purchases.front().time;
  activity.last_order_at = time;
  activity.categories = {{7, 3, 60'000, time}, {12, 2, 80'610, activity.purchases[3].time}};
  activity.clocks = {{2, 7, Clock::State::kRunning, time, time + 47 * kDayUs, {}, {}},
                     {2, 12, Clock::State::kResting, activity.purchases[3].time, kTimeMax, {}, {}}};
  return activity;
}

std::string Encoded(const Activity& activity, PartsPresent present = {}) {
  std::string bytes;
  EncodeActivity(activity, present, &bytes);
  return bytes;
}

// Two activities are the same when they have the same bytes: every field is in them.
void ExpectRoundTrip(const Activity& activity) {
  const std::string bytes = Encoded(activity);
  Activity read;
  PartsPresent present;
  ASSERT_TRUE(DecodeActivity(bytes, &read, &present).ok());
  EXPECT_EQ(bytes, Encoded(read));
  EXPECT_EQ(activity.orders, read.orders);
  EXPECT_EQ(activity.spend_minor, read.spend_minor);
  EXPECT_EQ(activity.last_order_at, read.last_order_at);
  EXPECT_EQ(activity.purchases.size(), read.purchases.size());
  EXPECT_EQ(activity.clocks.size(), read.clocks.size());
  for (size_t i = 0; i < std::min(activity.clocks.size(), read.clocks.size()); ++i) {
    EXPECT_EQ(activity.clocks[i].armed, read.clocks[i].armed);
    EXPECT_EQ(activity.clocks[i].last, read.clocks[i].last);
    EXPECT_EQ(activity.clocks[i].pending.size(), read.clocks[i].pending.size());
  }
  EXPECT_EQ(activity.event_ids, read.event_ids);
}

TEST(ActivityCodec, FiveOrdersTakeAtMost120Bytes) {
  const size_t bytes = Encoded(FiveOrders()).size();
  std::printf("activity of a customer with five orders: %zu bytes\n", bytes);
  EXPECT_LE(bytes, 120u);
}

TEST(ActivityCodec, ANewCustomerTakesTwoBytes) {
  EXPECT_EQ(2u, Encoded(Activity()).size());
}

TEST(ActivityCodec, EveryFieldComesBack) {
  Activity activity = FiveOrders();
  ExpectRoundTrip(activity);
  activity.reviews = 3;
  activity.returns = 1;
  activity.tier = 44;
  activity.tier_until = kDay1 + 365 * kDayUs;
  activity.purchases[2].orders = 7;
  activity.orders = 900;  // more than are kept one by one
  activity.first_order_at = kDay1 - 900 * kDayUs;
  activity.clocks[0].pending = {{kDay1 + 5, true, true}, {kDay1 + 9 * kDayUs, false, true}};
  activity.clocks[0].early = {
      {kDay1 + 7, true, true, {25'900, *Currency::Parse("CNY")}},
      {kDay1 + 8, false, true, {}},
  };
  activity.sends = {{kDay1, 5, MessageClass::kMarketing},
                    {kDay1 + 1, 6, MessageClass::kTransactional}};
  activity.progress = {{2, 3, 0xFEDCBA9876543210, kDay1}, {3, 1, 0, kTimeMin}};
  ExpectRoundTrip(activity);
}

TEST(ActivityCodec, MicrosecondsAndTimesBefore1970ComeBack) {
  Activity activity;
  activity.orders = 2;
  activity.purchases = {{-12'345'678'901'234'567, -5, 1}, {1'234'567'890'123'457, 0, 1}};
  activity.first_order_at = activity.purchases[0].time;
  activity.last_order_at = activity.purchases[1].time;
  ExpectRoundTrip(activity);
}

TEST(ActivityCodec, TheOtherPartsPresenceIsKept) {
  for (const bool profile : {false, true}) {
    for (const bool episodes : {false, true}) {
      Activity read;
      PartsPresent present;
      ASSERT_TRUE(DecodeActivity(Encoded(FiveOrders(), {profile, episodes}), &read, &present).ok());
      EXPECT_EQ(profile, present.profile);
      EXPECT_EQ(episodes, present.episodes);
    }
  }
}

TEST(ActivityCodec, DamagedBytesAreRefusedAndNeverReadPastTheirEnd) {
  const std::string whole = Encoded(FiveOrders());
  std::mt19937_64 random(7);
  Activity read;
  PartsPresent present;
  for (size_t length = 0; length < whole.size(); ++length) {
    DecodeActivity(whole.substr(0, length), &read, &present).Ignore();  // must only not crash
  }
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = whole;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes[random() % bytes.size()] = static_cast<char>(random());
    DecodeActivity(bytes, &read, &present).Ignore();  // likewise
  }
  std::string newer = whole;
  newer[0] = 2;
  EXPECT_EQ(StatusCode::kCorrupt, DecodeActivity(newer, &read, &present).code());
}

// The bytes that version 1 wrote stay readable for ever.
TEST(ActivityCodec, Version1IsRead) {
  const std::string path = HUITOU_SOURCE_DIR "/tests/state/fixtures/activity-1.bin";
  if (std::getenv("HUITOU_WRITE_FIXTURES") != nullptr && !std::filesystem::exists(path)) {
    std::ofstream(path, std::ios::binary) << Encoded(FiveOrders(), {true, false});
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << path;
  std::stringstream bytes;
  bytes << file.rdbuf();
  Activity read;
  PartsPresent present;
  ASSERT_TRUE(DecodeActivity(bytes.str(), &read, &present).ok());
  EXPECT_EQ(Encoded(FiveOrders()), Encoded(read));
  EXPECT_TRUE(present.profile);
}

}  // namespace
}  // namespace huitou
