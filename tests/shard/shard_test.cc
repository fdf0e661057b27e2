#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "daemon/state/rocks_key_value.h"
#include "tests/shard/harness.h"

namespace huitou {
namespace {

using channels::Outcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kFiredOnDay10 = {
    "2026-01-11T00:00:00Z winback c1 entered", "2026-01-11T00:00:00Z winback c1 issued",
    "2026-01-11T00:00:00Z winback c1 dispatched", "2026-01-11T00:00:00Z winback c1 completed"};

InputSpec Named(const std::string& name, DurationUs lateness = 0) {
  InputSpec spec;
  spec.name = name;
  spec.source = name;
  spec.allowed_lateness = lateness;
  return spec;
}

TEST(Shard, FiresOnceWhenTheFrontierHasPassedTheDeadline) {
  ShardWorld world(SetOf({Winback()}));
  world.Append(OrderJson(At(0), "c1"));
  ASSERT_TRUE(world.LiveUntil(At(10)));
  EXPECT_THAT(world.Decisions(), IsEmpty());  // an order exactly now would still cancel
  ASSERT_TRUE(world.LiveUntil(At(10) + 1));
  EXPECT_THAT(world.Decisions(), testing::ElementsAreArray(kFiredOnDay10));
  ASSERT_EQ(1u, world.gate.sent.size());
  EXPECT_EQ("sms", world.gate.sent[0].channel);
  EXPECT_EQ(1u, world.LedgerSize());
  ASSERT_TRUE(world.LiveUntil(At(40)));
  EXPECT_EQ(kFiredOnDay10.size(), world.Decisions().size());  // it rests until the next order
  EXPECT_THAT(world.observer.counts, IsEmpty());
}

TEST(Shard, ARestartFiresNothingTwice) {
  ShardWorld world(SetOf({Winback()}));
  world.Append(OrderJson(At(0), "c1"));
  ASSERT_TRUE(world.LiveUntil(At(11)));
  world.Answer();
  ASSERT_TRUE(world.LiveUntil(At(11) + kSecondUs));
  world.Crash();
  ASSERT_TRUE(world.LiveUntil(At(30)));
  EXPECT_THAT(world.Decisions(), testing::ElementsAreArray(kFiredOnDay10));
  EXPECT_THAT(world.gate.sent, IsEmpty());
  EXPECT_EQ(1u, world.LedgerSize());
}

TEST(Shard, ATimerSurvivesARestart) {
  ShardWorld world(SetOf({Winback()}));
  world.Append(OrderJson(At(0), "c1"));
  ASSERT_TRUE(world.LiveUntil(At(1)));
  world.Crash();
  ASSERT_TRUE(world.LiveUntil(At(11)));
  EXPECT_THAT(world.Decisions(), testing::ElementsAreArray(kFiredOnDay10));
}

TEST(Shard, ARepurchaseInTheBacklogCancelsBeforeTheTimerFires) {
  ShardWorld world(SetOf({Winback()}));
  world.Append(OrderJson(At(0), "c1"));
  ASSERT_TRUE(world.LiveUntil(At(1)));
  world.Crash();
  // Twenty days of outage; the customer came back on day 9.
  world.Append(OrderJson(At(9), "c1"));
  ASSERT_TRUE(world.LiveUntil(At(18)));
  EXPECT_THAT(world.Decisions(), IsEmpty());
  ASSERT_TRUE(world.LiveUntil(At(20)));
  EXPECT_THAT(world.Decisions().at(0), HasSubstr("2026-01-20T00:00:00Z winback c1 entered"));
}

TEST(Shard, BehindItsEndTheFrontierIgnoresTheWallClock) {
  ShardWorld world(SetOf({Winback()}));
  world.clock.Set(At(100));
  world.Append(OrderJson(At(0), "c1"));
  ASSERT_TRUE(world.Run());
  ASSERT_TRUE(world.Commit().ok());
  EXPECT_EQ(At(0), world.shard().Snapshot().frontier);
  world.Append(OrderJson(At(15), "c2"));
  ASSERT_TRUE(world.Run());
  ASSERT_TRUE(world.Commit().ok());
  ASSERT_TRUE(world.Turn());
  EXPECT_THAT(world.Decisions(), testing::ElementsAreArray(kFiredOnDay10));
  EXPECT_EQ(At(15), world.shard().Snapshot().frontier);
}

TEST(Shard, TheSlowestInputHoldsTheFrontier) {
  ShardWorld world(SetOf({Winback()}), {Named("orders"), Named("reviews")});
  world.Append(OrderJson(At(0), "c1"), 0);
  world.Append(OrderJson(At(15), "c2"), 0);
  world.clock.Set(At(20));
  ASSERT_TRUE(world.Run());
  ASSERT_TRUE(world.Commit().ok());
  EXPECT_THAT(world.Decisions(), IsEmpty());
  world.Append(EventJson(At(12), "review.posted", "c1"), 1);
  ASSERT_TRUE(world.Run());
  ASSERT_TRUE(world.Commit().ok());
  EXPECT_EQ(At(12), world.shard().Snapshot().frontier);
  ASSERT_TRUE(world.Turn());
  EXPECT_EQ(4u, world.Decisions().size());
}

TEST(Shard, ASilentFeedHoldsAbsencesUntilItSpeaks) {
  InputSpec feed = Named("shop");
  feed.expect_event_within = 15 * kMinuteUs;
  ShardWorld world(SetOf({Winback()}), {feed});
  world.Append(OrderJson(At(0), "c1"));
  ASSERT_TRUE(world.LiveUntil(At(0) + 10 * kMinuteUs));
  EXPECT_FALSE(world.shard().Snapshot().held);
  ASSERT_TRUE(world.LiveUntil(At(12)));
  world.Append("{}");  // a bad record makes a commit, and is no sign of life
  ASSERT_TRUE(world.LiveUntil(At(12)));
  EXPECT_THAT(world.Decisions(), IsEmpty());
  EXPECT_TRUE(world.shard().Snapshot().held);
  EXPECT_EQ(1u, world.shard().Snapshot().timers_held);
  EXPECT_THAT(world.shard().Snapshot().silent_sources, ElementsAre("shop"));
  world.Append(EventJson(At(12), "review.posted", "c2"));
  ASSERT_TRUE(world.LiveUntil(At(12)));
  EXPECT_FALSE(world.shard().Snapshot().held);
  EXPECT_THAT(world.Decisions(), testing::ElementsAreArray(kFiredOnDay10));
}

TEST(Shard, OrdersWithinTheLatenessMayComeInAnyOrder) {
  ShardWorld world(SetOf({Winback()}), {Named("shop", kDayUs)});
  world.clock.Set(At(60));
  world.Append(OrderJson(At(0), "c1"));
  world.Append(OrderJson(At(10.9), "c1"));  // arrives first, is second
  world.Append(OrderJson(At(10), "c1"));    // exactly at the deadline: cancels
  world.Append(OrderJson(At(30), "c2"));
  ASSERT_TRUE(world.Run());
  ASSERT_TRUE(world.Commit().ok());
  ASSERT_TRUE(world.Turn());
  EXPECT_THAT(world.Decisions().at(0), HasSubstr("2026-01-21T21:36:00Z winback c1 entered"));
}

TEST(Shard, AnEventFromTheFutureIsClampedAndCounted) {
  ShardWorld world(SetOf({Winback()}), {Named("shop", kSecondUs)});
  world.clock.Set(At(1));
  world.Append(OrderJson(At(300), "c1"));
  ASSERT_TRUE(world.LiveUntil(At(1)));
  EXPECT_EQ(1, world.observer.counts["future"]);
  EXPECT_LE(world.shard().Snapshot().frontier, At(1));
}

TEST(Shard, RepeatedRecordsAndEventsAreDroppedAndCounted) {
  ShardWorld world(SetOf({Winback()}));
  const std::string order = OrderJson(At(0), "c1");
  world.Append(order);
  world.Append(order);
  ASSERT_TRUE(world.LiveUntil(At(1)));
  EXPECT_EQ(1, world.observer.counts["duplicate event"]);
  SourceRecord old;
  old.offset = 0;
  old.payload = order;
  world.shard().Feed(0, {&old, 1});
  ASSERT_TRUE(world.Turn());
  EXPECT_EQ(1, world.observer.counts["duplicate offset"]);
}

TEST(Shard, PoisonBecomesADeadLetterWithItsPlaceAndTheStreamGoesOn) {
  InputSpec topic = Named("shop/orders");
  topic.source = "shop";
  topic.topic = "orders";
  topic.partition = 3;
  ShardWorld world(SetOf({Winback()}), {topic});
  world.Append("{not json");
  world.Append("");  // a tombstone
  world.Append(OrderJson(At(0), "c1"));
  ASSERT_TRUE(world.LiveUntil(At(11)));
  EXPECT_THAT(world.Decisions(), testing::ElementsAreArray(kFiredOnDay10));
  std::vector<std::string> letters;
  for (const SinkRecord& record : world.sinks.taken) {
    if (record.kind == SinkKind::kDeadLetters) {
      letters.push_back(record.value);
    }
  }
  ASSERT_EQ(2u, letters.size());
  EXPECT_THAT(letters[0],
              HasSubstr(R"("source":"shop","topic":"orders","partition":3,"offset":0)"));
  EXPECT_THAT(letters[0], HasSubstr(R"("reason":"bad_json")"));
  EXPECT_THAT(letters[0], HasSubstr("{not json"));
  EXPECT_THAT(letters[1], HasSubstr(R"("offset":1,"reason":"tombstone")"));
}

// --- commits and crashes
// --------------------------------------------------------------------------

// A busy month: 40 customers who come back or don't, reviews, an answer to every send.
void TellTheMonth(ShardWorld* world) {
  for (int customer = 0; customer < 40; ++customer) {
    const std::string id = "c" + std::to_string(customer);
    for (int order = 0; order <= customer % 4; ++order) {
      world->Append(OrderJson(At(0.1 * customer + 7.3 * order), id));
      world->Append(EventJson(At(0.1 * customer + 7.3 * order + 1), "review.posted", id));
    }
  }
}

// Lives day by day, answers what is sent, opens again after every crash. False when it crashed on
// the way.
bool LiveTheMonth(ShardWorld* world) {
  for (int day = 0; day <= 60; ++day) {
    world->clock.Set(std::max(world->clock.Now(), At(day)));
    if (!world->Run(/*at_end=*/day > 30) || !world->Commit().ok()) {
      return false;
    }
    world->Answer();
  }
  return true;
}

TEST(Shard, ACrashAtEveryCommitBoundaryChangesNoDecision) {
  ShardWorld calm(SetOf({Winback(), Thanks()}), {Named("shop", 30 * kDayUs)});
  TellTheMonth(&calm);
  ASSERT_TRUE(LiveTheMonth(&calm));
  const std::vector<std::string> expected = calm.Decisions();
  const auto commits = static_cast<int64_t>(calm.disk->commits);
  ASSERT_GT(expected.size(), 150u);
  ASSERT_GT(commits, 20);
  for (int64_t boundary = 1; boundary < commits; ++boundary) {
    ShardWorld world(SetOf({Winback(), Thanks()}), {Named("shop", 30 * kDayUs)});
    TellTheMonth(&world);
    world.disk->fail_after_commits = boundary;
    ASSERT_FALSE(LiveTheMonth(&world));
    world.Crash();
    world.disk->fail_after_commits = -1;
    ASSERT_TRUE(LiveTheMonth(&world));
    std::vector<std::string> decisions = world.Decisions();
    std::vector<std::string> sorted = expected;
    std::sort(decisions.begin(), decisions.end());
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, decisions) << "crashed at commit " << boundary;
    EXPECT_EQ(0, world.Contradictions());
    EXPECT_EQ(calm.LedgerSize(), world.LedgerSize());
    EXPECT_EQ(0, world.observer.counts.count("violation winback"));
  }
}

TEST(Shard, NothingLeavesBeforeItsCommit) {
  ShardWorld world(SetOf({Thanks()}));
  ASSERT_TRUE(world.LiveUntil(At(0)));
  world.disk->full = true;
  world.Append(EventJson(At(0), "review.posted", "c1"));
  EXPECT_FALSE(world.LiveUntil(At(0)));
  EXPECT_THAT(world.gate.sent, IsEmpty());
  EXPECT_THAT(world.Decisions(), IsEmpty());
}

TEST(Shard, WhatACampaignCostAndBroughtIsThereAfterARestart) {
  const auto campaign = Winback();
  campaign->goal = Goal{"order.paid", nullptr, 5 * kDayUs};
  campaign->holdout_share = 5000;
  ShardWorld world(SetOf({campaign}));
  for (int i = 0; i < 20; ++i) {
    world.Append(OrderJson(At(0), "c" + std::to_string(i)));
  }
  ASSERT_TRUE(world.LiveUntil(At(11)));
  for (int i = 0; i < 20; i += 2) {
    world.Append(OrderJson(At(11), "c" + std::to_string(i)));
  }
  ASSERT_TRUE(world.LiveUntil(At(12)));
  const CampaignTally tally = world.shard().Snapshot().tallies.at("winback");
  EXPECT_EQ(20u, tally.entered + tally.holdout);
  EXPECT_GT(tally.entered, 0u);
  EXPECT_GT(tally.holdout, 0u);
  EXPECT_EQ(10u, tally.treated_converted + tally.holdout_converted);
  EXPECT_EQ(static_cast<int64_t>(tally.entered) * 5000, tally.money_minor.at("CNY"));
  world.Crash();
  ASSERT_TRUE(world.LiveUntil(At(12)));
  EXPECT_EQ(tally, world.shard().Snapshot().tallies.at("winback"));
}

TEST(Shard, AFullDiskStallsAndNothingIsLost) {
  ShardWorld world(SetOf({Thanks()}));
  ASSERT_TRUE(world.LiveUntil(At(0)));
  world.disk->full = true;
  world.Append(EventJson(At(0), "review.posted", "c1"));
  EXPECT_FALSE(world.LiveUntil(At(0)));
  EXPECT_EQ(StatusCode::kExhausted, world.last_error.code());
  EXPECT_TRUE(world.shard().Snapshot().stalled);
  EXPECT_FALSE(world.Turn());
  EXPECT_EQ(1, world.observer.counts["stalled"]);
  world.disk->full = false;
  ASSERT_TRUE(world.Turn());
  EXPECT_EQ(1, world.observer.counts["resumed"]);
  EXPECT_FALSE(world.shard().Snapshot().stalled);
  EXPECT_EQ(1u, world.gate.sent.size());
  EXPECT_EQ(3u, world.Decisions().size());
}

// --- sending
// --------------------------------------------------------------------------------------

ShardWorld& Reviewed(ShardWorld* world, channels::Promise promise) {
  world->options.policies["sms"].promise = promise;
  world->Append(EventJson(At(0), "review.posted", "c1"));
  EXPECT_TRUE(world->LiveUntil(At(0)));
  EXPECT_EQ(1u, world->gate.sent.size());
  return *world;
}

TEST(Shard, KilledBetweenLeaseAndResultItSendsAgainWhereThatIsPromised) {
  ShardWorld world(SetOf({Thanks()}));
  Reviewed(&world, channels::Promise::kAtLeastOnce);
  const Id128 dispatch = world.gate.sent[0].dispatch;
  world.Crash();
  ASSERT_TRUE(world.LiveUntil(At(0) + kSecondUs));
  ASSERT_EQ(1u, world.gate.sent.size());
  EXPECT_EQ(dispatch, world.gate.sent[0].dispatch);  // the same key
  world.Answer();
  ASSERT_TRUE(world.LiveUntil(At(1)));
  EXPECT_THAT(world.gate.sent, IsEmpty());
  EXPECT_THAT(world.shard().Snapshot().outbox_depth, ElementsAre(testing::Pair("sms", 0)));
}

TEST(Shard, KilledBetweenLeaseAndResultItNeverSendsAgainWhereAtMostOnceIsPromised) {
  ShardWorld world(SetOf({Thanks()}));
  Reviewed(&world, channels::Promise::kAtMostOnce);
  world.Crash();
  for (int minute = 0; minute < 5; ++minute) {
    ASSERT_TRUE(world.LiveUntil(At(0) + (1 + minute) * kMinuteUs));
  }
  EXPECT_THAT(world.gate.sent, IsEmpty());
  ASSERT_FALSE(world.sinks.taken.empty());
  EXPECT_THAT(world.sinks.taken.back().value, HasSubstr(R"("reason":"unknown")"));
}

TEST(Shard, ARefusalFallsBackToTheNextChannel) {
  ShardWorld world(SetOf({Thanks({"sms", "email"})}));
  Reviewed(&world, channels::Promise::kAtLeastOnce);
  world.Answer(Outcome::Kind::kRejected, "bad_number");
  ASSERT_TRUE(world.LiveUntil(At(0) + 1));
  ASSERT_EQ(1u, world.gate.sent.size());
  EXPECT_EQ("email", world.gate.sent[0].channel);
}

TEST(Shard, ARetryWaitsForItsTimeAlsoOverARestart) {
  ShardWorld world(SetOf({Thanks()}));
  Reviewed(&world, channels::Promise::kAtLeastOnce);
  std::vector<SendJob> sent;
  std::swap(sent, world.gate.sent);
  SendResult result;
  result.dispatch = sent[0].dispatch;
  result.outcome.kind = Outcome::Kind::kRetry;
  result.outcome.retry_after = kHourUs;
  world.shard().PostResult(result);
  ASSERT_TRUE(world.LiveUntil(At(0) + kSecondUs));
  world.Crash();
  ASSERT_TRUE(world.LiveUntil(At(0) + kHourUs));
  EXPECT_THAT(world.gate.sent, IsEmpty());
  ASSERT_TRUE(world.LiveUntil(At(0) + kHourUs + 10 * kSecondUs));
  ASSERT_EQ(1u, world.gate.sent.size());
  EXPECT_EQ(1u, world.gate.sent[0].attempt);
}

TEST(Shard, ConsentRevokedBeforeTheMomentOfSendingMeansNotSent) {
  ShardWorld world(SetOf({Thanks()}));
  world.gate.room["sms"] = 0;
  world.Append(EventJson(At(0), "review.posted", "c1"));
  ASSERT_TRUE(world.LiveUntil(At(0)));
  world.Append(EventJson(At(0.1), "consent.revoked", "c1", R"("consent":{"channel":"sms"})"));
  ASSERT_TRUE(world.LiveUntil(At(0.2)));
  world.gate.room["sms"] = 5;
  world.shard().PostRoom();
  ASSERT_TRUE(world.LiveUntil(At(0.3)));
  EXPECT_THAT(world.gate.sent, IsEmpty());
  EXPECT_EQ(5, world.gate.room["sms"]);  // what was acquired was given back
}

TEST(Shard, AReceiptIsFoundByTheProvidersIdAndAcknowledgedBehindTheCommit) {
  ShardWorld world(SetOf({Thanks()}));
  world.options.policies["sms"].receipt_wait = kHourUs;
  Reviewed(&world, channels::Promise::kAtLeastOnce);
  SendResult result;
  result.dispatch = world.gate.sent[0].dispatch;
  result.outcome.kind = Outcome::Kind::kAccepted;
  result.outcome.provider_message_id = "p-77";
  world.shard().PostResult(result);
  channels::Receipt receipt;
  receipt.provider_message_id = "p-77";
  std::vector<bool> told;
  // At once: the acceptance is not committed yet.
  world.shard().PostReceipt("sms", receipt, [&](bool known) { told.push_back(known); });
  channels::Receipt other;
  other.provider_message_id = "p-78";
  world.shard().PostReceipt("sms", other, [&](bool known) { told.push_back(known); });
  ASSERT_TRUE(world.LiveUntil(At(0) + kSecondUs));
  ASSERT_TRUE(world.LiveUntil(At(0) + 2 * kSecondUs));
  EXPECT_THAT(told, testing::UnorderedElementsAre(true, false));
  EXPECT_THAT(world.shard().Snapshot().outbox_depth, ElementsAre(testing::Pair("sms", 0)));
}

TEST(Shard, AHardBounceSuppressesTheChannel) {
  ShardWorld world(SetOf({Thanks()}));
  Reviewed(&world, channels::Promise::kAtLeastOnce);
  SendResult result;
  result.dispatch = world.gate.sent[0].dispatch;
  result.outcome.kind = Outcome::Kind::kRejected;
  result.outcome.reason = "bounced";
  result.outcome.suppress_address = true;
  world.shard().PostResult(result);
  ASSERT_TRUE(world.LiveUntil(At(1)));
  world.Append(EventJson(At(1), "review.posted", "c1"));
  ASSERT_TRUE(world.LiveUntil(At(1.1)));
  EXPECT_THAT(world.Decisions().back(), HasSubstr("thanks c1 rejected suppression"));
}

TEST(Shard, SinksThatAreFullGetTheRestLater) {
  ShardWorld world(SetOf({Thanks()}));
  world.sinks.taken_max = 0;
  for (int i = 0; i < 3000; ++i) {
    world.Append(EventJson(At(0), "review.posted", "c" + std::to_string(i)));
  }
  ASSERT_TRUE(world.LiveUntil(At(0)));
  EXPECT_THAT(world.sinks.taken, IsEmpty());
  world.sinks.taken_max = 700;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(world.LiveUntil(At(0.01 * i)));
  }
  ASSERT_EQ(9000u, world.sinks.taken.size());
  for (size_t i = 0; i < world.sinks.taken.size(); ++i) {
    EXPECT_EQ(i / 3 + 1, world.sinks.taken[i].sequence);  // a step's three stand in one record
  }
  // Delivered ones don't come again after a restart.
  world.shard().PostDelivered(SinkKind::kDecisions, 2990);
  ASSERT_TRUE(world.LiveUntil(At(0.3)));
  world.Crash();
  world.sinks.taken.clear();
  ASSERT_TRUE(world.LiveUntil(At(0.4)));
  ASSERT_TRUE(world.LiveUntil(At(0.4)));
  EXPECT_EQ(30u, world.sinks.taken.size());
}

// --- campaigns, limits, rights
// --------------------------------------------------------------------

TEST(Shard, ALimitHoldsOverRestarts) {
  const auto thanks = Thanks();
  thanks->limits.entries = 3;
  thanks->limits.entries_period = CampaignLimits::Period::kTotal;
  ShardWorld world(SetOf({thanks}));
  for (int i = 0; i < 6; ++i) {
    world.Append(EventJson(At(0.1 * i), "review.posted", "c" + std::to_string(i)));
    ASSERT_TRUE(world.LiveUntil(At(0.1 * i)));
    world.Crash();
  }
  ASSERT_TRUE(world.LiveUntil(At(1)));
  int entered = 0;
  for (const std::string& line : world.Decisions()) {
    entered += line.find(" entered") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(3, entered);
}

TEST(QuotaBook, IsNeverExceededOverShardsAndGivesBackWhatWasNotCommitted) {
  QuotaBook book;
  {
    ShardQuotas lost(&book);
    EXPECT_TRUE(lost.Take("money", 7, 60, 100));
    ShardQuotas kept(&book);
    EXPECT_FALSE(kept.Take("money", 7, 41, 100));
    EXPECT_TRUE(kept.Take("money", 7, 40, 100));
    EXPECT_FALSE(kept.Has("money", 7, 1, 100));
    EXPECT_TRUE(kept.Has("money", 8, 100, 100));
    ASSERT_EQ(1u, kept.Changed().size());
    EXPECT_EQ(40, kept.Changed()[0].amount);
    kept.Committed();
  }
  EXPECT_EQ(40, book.Sum("money", 7));
}

TEST(Shard, NewCampaignsCountFromTheNextEventOn) {
  ShardWorld world(SetOf({}));
  world.Append(EventJson(At(0), "review.posted", "c1"));
  ASSERT_TRUE(world.LiveUntil(At(0)));
  ASSERT_TRUE(world.shard().SetCampaigns(SetOf({Thanks()})).ok());
  world.Append(EventJson(At(1), "review.posted", "c1"));
  ASSERT_TRUE(world.LiveUntil(At(1)));
  EXPECT_THAT(world.Decisions().at(0), HasSubstr("2026-01-02T00:00:00Z thanks c1 entered"));
}

TEST(Shard, AnErasedCustomerLeavesNothingAndNoTimer) {
  ShardWorld world(SetOf({Winback(), Thanks()}));
  world.gate.room["sms"] = 0;
  world.Append(OrderJson(At(0), "c1"));
  world.Append(EventJson(At(1), "review.posted", "c1"));
  world.Append(OrderJson(At(1), "c2"));
  ASSERT_TRUE(world.LiveUntil(At(2)));
  Status erased(StatusCode::kInternal, "not run");
  std::vector<std::string> lines;
  world.shard().Post([&](ShardView& view) {
    erased = view.Erase("c1");
    EXPECT_TRUE(view.store().Export(0, view.symbols(), "c1", &lines).ok());
  });
  ASSERT_TRUE(world.Turn());
  EXPECT_TRUE(erased.ok()) << erased.message();
  EXPECT_EQ(0u, lines.size());
  world.gate.room["sms"] = 9;
  ASSERT_TRUE(world.LiveUntil(At(20)));
  ASSERT_EQ(1u, world.gate.sent.size());
  EXPECT_EQ("c2", world.gate.sent[0].message.customer);
  EXPECT_THAT(world.observer.counts, IsEmpty());
}

// --- the same on a disk
// ---------------------------------------------------------------------------

TEST(Shard, LivesOnRocksDbAsInMemory) {
  char name[] = "/tmp/huitou-shard-XXXXXX";
  const std::string directory = mkdtemp(name);
  ShardWorld memory(SetOf({Winback(), Thanks()}), {Named("shop", 30 * kDayUs)});
  TellTheMonth(&memory);
  ASSERT_TRUE(LiveTheMonth(&memory));
  {
    ShardWorld rocks(SetOf({Winback(), Thanks()}), {Named("shop", 30 * kDayUs)});
    rocks.open_key_value = [&] {
      RocksOptions options;
      options.directory = directory;
      return *OpenRocks(options);
    };
    TellTheMonth(&rocks);
    for (int day = 0; day <= 60; day += 3) {
      rocks.clock.Set(At(day));
      ASSERT_TRUE(rocks.Run(/*at_end=*/day > 30));
      ASSERT_TRUE(rocks.Commit().ok());
      rocks.Answer();
      ASSERT_TRUE(rocks.Turn());
      ASSERT_TRUE(rocks.Commit().ok());
      rocks.Crash();
    }
    std::vector<std::string> expected = memory.Decisions();
    std::vector<std::string> decisions = rocks.Decisions();
    std::sort(expected.begin(), expected.end());
    std::sort(decisions.begin(), decisions.end());
    EXPECT_EQ(expected, decisions);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace huitou
