// What waits for a provider: for long, for another way, until its deadline.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "daemon/shard/limits.h"
#include "tests/shard/harness.h"
#include "triggers/limits.h"

namespace huitou {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Outbox, AProviderThatIsDownCostsDiskNotMemoryAndDeliversLater) {
  ShardWorld world(SetOf({Thanks()}));
  world.gate.room["sms"] = 0;
  const int count = static_cast<int>(limits::kPlannedAhead) + 500;
  for (int i = 0; i < count; ++i) {
    world.Append(EventJson(At(0), "review.posted", "c" + std::to_string(i)));
  }
  ASSERT_TRUE(world.LiveUntil(At(0)));
  world.Crash();
  std::set<Id128> sent;
  world.gate.room["sms"] = 50;
  for (int round = 0; round < count && sent.size() < static_cast<size_t>(count); ++round) {
    ASSERT_TRUE(world.LiveUntil(At(0) + round * kSecondUs));
    for (const SendJob& job : world.gate.sent) {
      EXPECT_TRUE(sent.insert(job.dispatch).second);
    }
    world.Answer();
  }
  EXPECT_EQ(static_cast<size_t>(count), sent.size());
  ASSERT_TRUE(world.LiveUntil(At(0.5)));
  EXPECT_THAT(world.shard().Snapshot().outbox_depth, ElementsAre(testing::Pair("sms", 0)));
}

TEST(Outbox, WhatWaitsForAChannelThatIsDownTakesTheNextThatIsNot) {
  ShardWorld world(SetOf({Thanks({"sms", "email"})}));
  world.gate.room["sms"] = 0;
  const int count = 2 * static_cast<int>(limits::kBlockedTogether) + 10;
  for (int i = 0; i < count; ++i) {
    world.Append(EventJson(At(0), "review.posted", "c" + std::to_string(i)));
  }
  ASSERT_TRUE(world.LiveUntil(At(0)));
  ASSERT_TRUE(world.LiveUntil(At(0) + kMinuteUs));
  EXPECT_THAT(world.gate.sent, IsEmpty()) << "a short pause is waited for";
  world.gate.down = {"sms", "email"};
  ASSERT_TRUE(world.LiveUntil(At(0) + 2 * kMinuteUs));
  EXPECT_THAT(world.gate.sent, IsEmpty()) << "the other way is no better";
  world.gate.down = {"sms"};
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(world.LiveUntil(At(0) + 3 * kMinuteUs + i * kSecondUs));
  }
  EXPECT_EQ(static_cast<size_t>(count), world.gate.sent.size());
  EXPECT_TRUE(std::all_of(world.gate.sent.begin(), world.gate.sent.end(),
                          [](const SendJob& job) { return job.channel == "email"; }));
  world.Answer();
  ASSERT_TRUE(world.LiveUntil(At(0.5)));
  EXPECT_THAT(world.shard().Snapshot().outbox_depth,
              ElementsAre(testing::Pair("email", 0), testing::Pair("sms", 0)));
}

TEST(Outbox, TheDeadlineEndsWhatNobodyCouldEvenTry) {
  ShardWorld world(SetOf({Thanks()}));
  world.options.dispatch_deadline = kHourUs;
  world.gate.room["sms"] = 0;
  for (int i = 0; i < 5; ++i) {
    world.Append(EventJson(At(0) + i, "review.posted", "c" + std::to_string(i)));
  }
  ASSERT_TRUE(world.LiveUntil(At(0) + kSecondUs));
  ASSERT_TRUE(world.LiveUntil(At(0) + kHourUs));
  EXPECT_THAT(world.shard().Snapshot().outbox_depth, ElementsAre(testing::Pair("sms", 5)));
  ASSERT_TRUE(world.LiveUntil(At(0) + kHourUs + 2 * kSecondUs));
  EXPECT_THAT(world.shard().Snapshot().outbox_depth, ElementsAre(testing::Pair("sms", 0)));
  EXPECT_THAT(world.sinks.taken.back().value, HasSubstr(R"("reason":"deadline")"));
}

TEST(Outbox, AMessageThatIsPlannedAgainWhileItsReceiptIsAwaitedIsOneMessage) {
  ShardWorld world(SetOf({Thanks()}));
  world.options.policies["sms"].receipt_wait = kDayUs;
  const std::string review = EventJson(At(0), "review.posted", "c1");
  world.Append(review);
  ASSERT_TRUE(world.LiveUntil(At(0)));
  world.Answer();
  ASSERT_TRUE(world.LiveUntil(At(0) + kSecondUs));
  // So much later that its id is forgotten.
  for (size_t i = 0; i <= limits::kEventIdsMax; ++i) {
    world.Append(EventJson(At(0) + static_cast<TimeUs>(i) * kSecondUs, "page.viewed", "c1"));
  }
  world.Append(review);
  ASSERT_TRUE(world.LiveUntil(At(0.1)));
  EXPECT_THAT(world.gate.sent, IsEmpty());
  // What the provider took waits for nothing but its receipt.
  EXPECT_THAT(world.shard().Snapshot().outbox_depth, ElementsAre(testing::Pair("sms", 0)));
  ASSERT_TRUE(world.LiveUntil(At(2)));
  ASSERT_TRUE(world.LiveUntil(At(2) + 2 * kSecondUs));
  EXPECT_THAT(world.shard().Snapshot().outbox_depth, ElementsAre(testing::Pair("sms", 0)));
}

// --- what the provider is asked

channels::Receipt Told(const QueryJob& job, channels::Receipt::Kind kind) {
  channels::Receipt receipt;
  receipt.dispatch = job.dispatch;
  receipt.kind = kind;
  receipt.reason = kind == channels::Receipt::Kind::kDelivered ? "" : "absent";
  return receipt;
}

QueryResult AnswerTo(const QueryJob& job, std::vector<channels::Receipt> receipts) {
  QueryResult result{job.dispatch, job.attempts, job.channel, {}};
  result.answer.kind = channels::QueryAnswer::Kind::kTold;
  result.answer.receipts = std::move(receipts);
  return result;
}

// One thanks by SMS and else by email, of which nobody knows whether it was sent.
void LoseOne(ShardWorld* world) {
  world->options.policies["sms"].promise = channels::Promise::kAtMostOnce;
  world->options.policies["sms"].queries_max = 3;
  world->Append(EventJson(At(0), "review.posted", "c1"));
  ASSERT_TRUE(world->LiveUntil(At(0)));
  ASSERT_TRUE(world->LiveUntil(At(0) + kSecondUs));
  ASSERT_EQ(1u, world->gate.sent.size());
}

TEST(Outbox, AMessageThatWasOnItsWayInACrashIsAskedForAndItsFateIsTold) {
  ShardWorld world(SetOf({Thanks({"sms", "email"})}));
  LoseOne(&world);
  ASSERT_TRUE(world.Commit().ok());
  world.Crash();
  world.gate.sent.clear();
  ASSERT_TRUE(world.LiveUntil(At(0.5)));  // half a day later
  ASSERT_TRUE(world.LiveUntil(At(0.5) + 2 * kMinuteUs));
  ASSERT_EQ(1u, world.gate.asked.size());
  const QueryJob job = world.gate.asked[0];
  EXPECT_EQ("sms", job.channel);
  EXPECT_LE(job.sent.sent_at, At(0) + kSecondUs) << "when it was sent, not when it is asked for";
  EXPECT_EQ(job.dispatch, job.sent.message.dispatch);
  world.shard().PostQueryResult(AnswerTo(job, {Told(job, channels::Receipt::Kind::kUndelivered)}));
  ASSERT_TRUE(world.LiveUntil(At(0.5) + 2 * kMinuteUs + kSecondUs));
  ASSERT_TRUE(world.LiveUntil(At(0.5) + 3 * kMinuteUs));
  ASSERT_EQ(1u, world.gate.sent.size());
  EXPECT_EQ("email", world.gate.sent[0].channel) << "so the next channel's turn came";
  // What comes late about the first channel is not taken for news of the second.
  world.Answer(channels::Outcome::Kind::kUnknown);
  ASSERT_TRUE(world.LiveUntil(At(0.5) + 3 * kMinuteUs + kSecondUs));
  world.shard().PostQueryResult(AnswerTo(job, {Told(job, channels::Receipt::Kind::kUndelivered)}));
  ASSERT_TRUE(world.LiveUntil(At(0.5) + 3 * kMinuteUs + 2 * kSecondUs));
  EXPECT_THAT(world.shard().Snapshot().outbox_depth,
              ElementsAre(testing::Pair("email", 1), testing::Pair("sms", 0)));
}

TEST(Outbox, AMessageThatTheProviderHasIsNotRepeated) {
  ShardWorld world(SetOf({Thanks({"sms", "email"})}));
  LoseOne(&world);
  world.Answer(channels::Outcome::Kind::kUnknown, "no_answer");
  ASSERT_TRUE(world.LiveUntil(At(0) + 2 * kSecondUs));
  ASSERT_TRUE(world.LiveUntil(At(0) + 2 * kMinuteUs));
  ASSERT_EQ(1u, world.gate.asked.size());
  const QueryJob job = world.gate.asked[0];
  world.shard().PostQueryResult(AnswerTo(job, {Told(job, channels::Receipt::Kind::kDelivered)}));
  ASSERT_TRUE(world.LiveUntil(At(1)));
  EXPECT_THAT(world.gate.sent, IsEmpty());
  EXPECT_EQ(1u, world.gate.asked.size());
  EXPECT_THAT(world.shard().Snapshot().outbox_depth, ElementsAre(testing::Pair("sms", 0)));
}

// --- one-time consents

std::string OneTime(double day, int credits) {
  return EventJson(At(day), "consent.granted", "c1",
                   R"("consent":{"channel":"sms","credits":)" + std::to_string(credits) + "}");
}

TEST(Outbox, AOneTimeConsentIsTakenByTheDecisionAndGivenBackByWhatWasNotSent) {
  ShardWorld world(SetOf({Thanks()}));
  world.gate.room["sms"] = 0;
  world.Append(OneTime(0, 1));
  world.Append(EventJson(At(0.1), "review.posted", "c1"));
  world.Append(EventJson(At(0.2), "review.posted", "c1"));
  ASSERT_TRUE(world.LiveUntil(At(0.3)));
  ASSERT_TRUE(world.LiveUntil(At(0.3) + kSecondUs));
  EXPECT_THAT(world.Decisions(), testing::Contains(HasSubstr("thanks c1 rejected consent")));
  world.Crash();
  world.gate.room["sms"] = 5;
  ASSERT_TRUE(world.LiveUntil(At(0.4)));
  ASSERT_EQ(1u, world.gate.sent.size());
  world.Answer(channels::Outcome::Kind::kRejected, "bad_number");
  world.Append(EventJson(At(0.5), "review.posted", "c1"));
  ASSERT_TRUE(world.LiveUntil(At(0.5)));
  ASSERT_EQ(1u, world.gate.sent.size()) << "the first one did not use it up";
  world.Answer();
  world.Append(EventJson(At(0.6), "review.posted", "c1"));
  ASSERT_TRUE(world.LiveUntil(At(0.6)));
  EXPECT_THAT(world.gate.sent, IsEmpty());
}

TEST(Outbox, AMessageThatIsTriedAgainKeepsItsOneTimeConsent) {
  ShardWorld world(SetOf({Thanks()}));
  world.Append(OneTime(0, 1));
  world.Append(EventJson(At(0.1), "review.posted", "c1"));
  ASSERT_TRUE(world.LiveUntil(At(0.1)));
  ASSERT_EQ(1u, world.gate.sent.size());
  world.Answer(channels::Outcome::Kind::kRetry, "busy");
  ASSERT_TRUE(world.LiveUntil(At(0.2)));
  ASSERT_TRUE(world.LiveUntil(At(0.2) + kHourUs));
  EXPECT_EQ(1u, world.gate.sent.size());
}

TEST(Outbox, AMessageThatFellBackGivesItsOneTimeConsentBackUnlessItMayHaveBeenSent) {
  for (const bool unknown : {false, true}) {
    ShardWorld world(SetOf({Thanks({"sms", "email"})}));
    world.options.policies["sms"].attempts_max = 1;
    world.Append(OneTime(0, 1));
    world.Append(EventJson(At(0.1), "review.posted", "c1"));
    ASSERT_TRUE(world.LiveUntil(At(0.1)));
    ASSERT_EQ(1u, world.gate.sent.size());
    world.Answer(unknown ? channels::Outcome::Kind::kUnknown : channels::Outcome::Kind::kRejected);
    ASSERT_TRUE(world.LiveUntil(At(0.2)));
    ASSERT_TRUE(world.LiveUntil(At(0.2) + kHourUs));
    ASSERT_EQ(1u, world.gate.sent.size());
    EXPECT_EQ("email", world.gate.sent[0].channel);
    world.Answer();
    world.Append(EventJson(At(0.3), "review.posted", "c1"));
    ASSERT_TRUE(world.LiveUntil(At(0.3)));
    ASSERT_EQ(1u, world.gate.sent.size());
    EXPECT_EQ(unknown ? "email" : "sms", world.gate.sent[0].channel);
  }
}

// One campaign for reviews and one for questions, each with a template of its own.
std::shared_ptr<CampaignSet> ThanksAndAnswers() {
  auto answers = Thanks();
  answers->id = "answers";
  answers->trigger = EventTrigger{"question.asked"};
  std::get<SendStep>(answers->steps[0].action).template_name = "answers";
  answers->program.clear();
  answers->message_steps.clear();
  Link(answers.get());
  auto set = SetOf({Thanks(), answers});
  set->shop.opt_in = true;
  set->channels["sms"] = CampaignSet::Contact::kWechatOpenid;
  return set;
}

std::string Credits(double day, const std::string& template_name, int credits) {
  return EventJson(At(day), "consent.granted", "c1",
                   R"("consent":{"channel":"sms","template":")" + template_name +
                       R"(","credits":)" + std::to_string(credits) + "}");
}

// What WeChat's 43101 says to a message.
void Refuse(ShardWorld* world) {
  std::vector<SendJob> sent;
  std::swap(sent, world->gate.sent);
  for (const SendJob& job : sent) {
    SendResult result;
    result.dispatch = job.dispatch;
    result.attempt = job.attempt;
    result.outcome.kind = channels::Outcome::Kind::kRejected;
    result.outcome.reason = "opted_out";
    result.outcome.revoke_consent = true;
    world->gate.Release(job.channel);
    world->shard().PostResult(std::move(result));
  }
}

TEST(Outbox, ARefusalOfAOneTimeMessageRevokesItsTemplateAloneUntilTheNextYes) {
  ShardWorld world(ThanksAndAnswers());
  const auto asks = [&world](double day, const std::string& type) {
    world.Append(EventJson(At(day), type, "c1"));
    ASSERT_TRUE(world.LiveUntil(At(day)));
  };
  std::string order = OrderJson(At(0), "c1");
  const std::string id = R"("id":"c1")";
  world.Append(order.replace(order.find(id), id.size(), id + R"(,"wechat_openid":"o6_b")"));
  world.Append(Credits(0.1, "hello", 3));
  world.Append(Credits(0.15, "answers", 1));
  asks(0.2, "review.posted");
  ASSERT_EQ(1u, world.gate.sent.size());
  Refuse(&world);
  asks(0.3, "review.posted");
  EXPECT_THAT(world.gate.sent, IsEmpty()) << "the two yeses that were left hold no more";
  world.Crash();
  asks(0.4, "review.posted");
  EXPECT_THAT(world.gate.sent, IsEmpty());
  EXPECT_THAT(world.Decisions(), testing::Contains(HasSubstr("thanks c1 rejected consent")));
  asks(0.5, "question.asked");
  ASSERT_EQ(1u, world.gate.sent.size());
  EXPECT_EQ("answers", world.gate.sent[0].message.template_name);
  world.Answer();
  world.Append(Credits(0.6, "hello", 1));
  asks(0.7, "review.posted");
  EXPECT_EQ(1u, world.gate.sent.size());
}

TEST(Outbox, AYesInTheProvidersWindowLetsOneMessageOfItsTemplatePassAndANoTakesAllBack) {
  ShardWorld world(ThanksAndAnswers());
  const auto reviews = [&world](double day) {
    world.Append(EventJson(At(day), "review.posted", "c1"));
    ASSERT_TRUE(world.LiveUntil(At(day)));
  };
  const auto says = [&world](channels::Receipt::Kind kind, const std::string& name, double day) {
    channels::Receipt receipt;
    receipt.kind = kind;
    receipt.reason = kind == channels::Receipt::Kind::kUnsubscribed ? "opted_out" : "";
    receipt.address = "o6_b";
    receipt.template_name = name;
    receipt.time = At(day);
    world.shard().PostReceipt("sms", receipt, nullptr);
    ASSERT_TRUE(world.LiveUntil(At(day) + kSecondUs));
    ASSERT_TRUE(world.LiveUntil(At(day) + 2 * kSecondUs));
  };
  using Kind = channels::Receipt::Kind;
  std::string order = OrderJson(At(0), "c1");
  const std::string id = R"("id":"c1")";
  world.Append(order.replace(order.find(id), id.size(), id + R"(,"wechat_openid":"o6_b")"));
  ASSERT_TRUE(world.LiveUntil(At(0)));
  says(Kind::kSubscribed, "answers", 0.1);
  reviews(0.2);
  EXPECT_THAT(world.gate.sent, IsEmpty()) << "that yes was for another template";
  says(Kind::kSubscribed, "hello", 0.3);
  says(Kind::kSubscribed, "hello", 0.3);  // the provider repeats itself
  reviews(0.4);
  ASSERT_EQ(1u, world.gate.sent.size());
  world.Answer();
  reviews(0.5);
  EXPECT_THAT(world.gate.sent, IsEmpty()) << "one yes, one message";
  says(Kind::kSubscribed, "hello", 0.6);
  says(Kind::kUnsubscribed, "hello", 0.7);
  reviews(0.8);
  EXPECT_THAT(world.gate.sent, IsEmpty());
}

// --- why it did not come

std::vector<std::string> NotArrived(ShardWorld* world, const std::string& customer, TimeUs now) {
  std::vector<std::string> found;
  world->shard().Post([&](ShardView& view) {
    std::vector<std::string> lines;
    EXPECT_TRUE(view.store().ReadJournal(0, customer, now, 100, &lines).ok());
    std::copy_if(lines.begin(), lines.end(), std::back_inserter(found),
                 [](const std::string& line) { return line.find("\"seq\"") == line.npos; });
  });
  EXPECT_TRUE(world->LiveUntil(now));
  return found;
}

TEST(Outbox, AMessageThatDidNotArriveSaysSoWithTheReasonAndWhoTookItUp) {
  ShardWorld world(SetOf({Thanks({"sms", "email"})}));
  world.options.policies["email"].promise = channels::Promise::kAtMostOnce;
  world.Append(EventJson(At(0), "review.posted", "c1"));
  ASSERT_TRUE(world.LiveUntil(At(0)));
  world.Answer(channels::Outcome::Kind::kRejected, "bad_number");
  ASSERT_TRUE(world.LiveUntil(At(0) + kSecondUs));
  ASSERT_TRUE(world.LiveUntil(At(0) + 2 * kSecondUs));
  world.Answer(channels::Outcome::Kind::kUnknown, "timeout");
  ASSERT_TRUE(world.LiveUntil(At(1)));
  ASSERT_TRUE(world.LiveUntil(At(1) + kMinuteUs));
  world.Crash();
  world.Open();
  const std::vector<std::string> lines = NotArrived(&world, "c1", At(1.1));
  ASSERT_EQ(2u, lines.size());
  EXPECT_THAT(lines[0], HasSubstr(R"("outcome":"undelivered","reason":"bad_number")"));
  EXPECT_THAT(lines[0], HasSubstr(R"("channel":"sms","template":"hello","next":"email"})"));
  EXPECT_THAT(lines[1], HasSubstr(R"("outcome":"uncertain","reason":"unknown")"));
  EXPECT_THAT(lines[1], HasSubstr(R"("channel":"email","template":"hello"})"));
}

// --- messages and their coupons

CouponStep ExpiringIn(DurationUs expires) {
  CouponStep coupon = FiftyYuan();
  coupon.expires = expires;
  return coupon;
}

TEST(Outbox, AMessageThatWaitedUntilItsCouponRanOutIsNotSentAndSaysWhy) {
  for (const bool may_be_sent : {false, true}) {
    ShardWorld world(SetOf({ThanksWithACoupon(ExpiringIn(kHourUs))}));
    world.options.policies["sms"].promise = channels::Promise::kAtLeastOnce;
    world.gate.room["sms"] = may_be_sent ? 1 : 0;
    world.Append(EventJson(At(0), "review.posted", "c1"));
    ASSERT_TRUE(world.LiveUntil(At(0)));
    if (may_be_sent) {
      world.Answer(channels::Outcome::Kind::kUnknown, "timeout");
      world.gate.room["sms"] = 0;
    }
    ASSERT_TRUE(world.LiveUntil(At(0) + 2 * kHourUs));
    world.gate.room["sms"] = 5;
    world.shard().PostRoom();
    ASSERT_TRUE(world.LiveUntil(At(0) + 2 * kHourUs + kSecondUs));
    ASSERT_TRUE(world.LiveUntil(At(0) + 2 * kHourUs + kMinuteUs));
    EXPECT_THAT(world.gate.sent, IsEmpty());
    EXPECT_THAT(world.shard().Snapshot().outbox_depth, ElementsAre(testing::Pair("sms", 0)));
    const bool skipped = testing::Value(world.Decisions(),
                                        testing::Contains(HasSubstr("thanks c1 skipped expired")));
    EXPECT_EQ(skipped, !may_be_sent) << "what may have gone out is not called skipped";
  }
}

TEST(Outbox, ACouponThatTheShopMayHaveIssuedIsInTheLedgerAlsoWhenItIsWithdrawn) {
  auto campaign = ThanksWithACoupon(ExpiringIn(30 * kDayUs));
  campaign->exits.push_back({"review.deleted", nullptr});
  for (const bool answered : {true, false}) {
    auto set = SetOf({campaign});
    set->coupons_local = false;
    ShardWorld world(set);
    world.Append(EventJson(At(0), "review.posted", "c1"));
    ASSERT_TRUE(world.LiveUntil(At(0)));
    ASSERT_EQ(1u, world.gate.sent.size());
    world.Answer(answered ? channels::Outcome::Kind::kRetry : channels::Outcome::Kind::kUnknown);
    world.gate.room[kCouponChannel] = 0;
    ASSERT_TRUE(world.LiveUntil(At(0.1)));
    ASSERT_TRUE(world.LiveUntil(At(0.1) + kHourUs));  // planned again, and there is no room
    world.Append(EventJson(At(0.2), "review.deleted", "c1"));
    ASSERT_TRUE(world.LiveUntil(At(0.2)));
    world.gate.room[kCouponChannel] = 5;
    world.shard().PostRoom();
    ASSERT_TRUE(world.LiveUntil(At(0.2) + kSecondUs));
    ASSERT_TRUE(world.LiveUntil(At(0.2) + kMinuteUs));
    EXPECT_THAT(world.gate.sent, IsEmpty());
    EXPECT_THAT(world.shard().Snapshot().outbox_depth,
                ElementsAre(testing::Pair(kCouponChannel, 0)));
    EXPECT_EQ(answered ? 0u : 1u, world.LedgerSize());
  }
}

}  // namespace
}  // namespace huitou
