// What a record becomes by questions to the provider.
#include <gtest/gtest.h>

#include <string>

#include "daemon/outbox/outbox.h"
#include "tests/outbox/transition_support.h"

namespace huitou {
namespace {

ChannelPolicy AskedPolicy(Promise promise) {
  ChannelPolicy policy = PolicyOf(promise);
  policy.queries_max = 3;
  return policy;
}

OutboxRecord Unknown(const ChannelPolicy& policy) {
  OutboxRecord record = Leased();
  OnSendResult(&record, ResultOf(record, Outcome::Kind::kUnknown), policy, kNow, 0);
  return record;
}

QueryResult Answered(channels::QueryAnswer::Kind kind) {
  QueryResult result;
  result.dispatch = kId;
  result.answer.kind = kind;
  return result;
}

TEST(TransitionByQuery, WhatIsUnknownIsAskedOfTheProviderBeforeThePromiseDecides) {
  const ChannelPolicy policy = AskedPolicy(Promise::kAtMostOnce);
  OutboxRecord record = Unknown(policy);
  std::string questions;
  TimeUs now = record.not_before;
  Transition due = OnDue(&record, policy, now);
  for (; due.query; due = OnDue(&record, policy, now)) {
    questions += FormatDuration(now - kNow) + " ";
    EXPECT_EQ(record.state, State::kUnknown);
    now = record.not_before;
  }
  EXPECT_EQ(questions, "1m 2m 3m ");
  EXPECT_EQ(FormatDuration(now - kNow) + " " + Say(record, due), "4m settled failed(unknown) dead");
}

TEST(TransitionByQuery, AnAnswerOfTheProviderSettlesWhatIsUnknown) {
  using K = channels::QueryAnswer::Kind;
  struct Row {
    Promise promise;
    K kind;
    const char* expected;
  };
  const Row rows[] = {
      {Promise::kAtMostOnce, K::kAccepted, "settled accepted"},
      {Promise::kAtLeastOnce, K::kAccepted, "settled accepted"},
      // It may be on its way to the provider still: only who may repeat it does.
      {Promise::kAtMostOnce, K::kNotFound, "unknown wechat#1 +2m"},
      {Promise::kAtLeastOnce, K::kNotFound, "planned wechat#1 +1m"},
      {Promise::kAtMostOnce, K::kUnanswered, "unknown wechat#1 +2m"},
      {Promise::kAtLeastOnce, K::kUnanswered, "unknown wechat#1 +2m"},
  };
  for (const Row& row : rows) {
    const ChannelPolicy policy = AskedPolicy(row.promise);
    OutboxRecord record = Unknown(policy);
    const TimeUs now = kNow + kMinuteUs;
    ASSERT_TRUE(OnDue(&record, policy, now).query);
    const Transition transition = OnQueryResult(&record, Answered(row.kind), policy, now);
    EXPECT_EQ(Say(record, transition), row.expected);
  }
}

TEST(TransitionByQuery, AProviderThatTwiceKnowsOfNoSuchMessageIsBelieved) {
  const ChannelPolicy policy = AskedPolicy(Promise::kAtMostOnce);
  OutboxRecord record = Unknown(policy);
  const QueryResult nothing = Answered(channels::QueryAnswer::Kind::kNotFound);
  ASSERT_TRUE(OnDue(&record, policy, kNow + kMinuteUs).query);
  OnQueryResult(&record, nothing, policy, kNow + kMinuteUs);
  ASSERT_TRUE(OnDue(&record, policy, kNow + 2 * kMinuteUs).query);
  const Transition end = OnQueryResult(&record, nothing, policy, kNow + 2 * kMinuteUs);
  EXPECT_EQ(Say(record, end), "settled failed(unknown) dead");
}

TEST(TransitionByQuery, AnAnswerNamesTheMessageForItsReceipts) {
  ChannelPolicy policy = AskedPolicy(Promise::kAtMostOnce);
  policy.receipt_wait = kDayUs;
  OutboxRecord record = Unknown(policy);
  QueryResult found = Answered(channels::QueryAnswer::Kind::kAccepted);
  found.answer.provider_message_id = "SM1";
  EXPECT_EQ(Say(record, OnQueryResult(&record, found, policy, kNow)),
            "accepted wechat#1 +1d accepted");
  EXPECT_EQ(record.provider_message_id, "SM1");
}

TEST(TransitionByQuery, TheProviderIsAskedOnceBeforeSilenceCounts) {
  const ChannelPolicy policy = AskedPolicy(Promise::kAtMostOnce);  // and no callback comes in
  OutboxRecord record = Leased();
  record.dispatch.wait_receipt = 10 * kMinuteUs;
  OnSendResult(&record, ResultOf(record, Outcome::Kind::kAccepted), policy, kNow, 0);
  ASSERT_EQ(record.state, State::kAccepted);
  const Transition due = OnDue(&record, policy, kNow + 10 * kMinuteUs);
  EXPECT_TRUE(due.query && !due.fell_back);
  EXPECT_TRUE(OnDue(&record, policy, kNow + 11 * kMinuteUs).fell_back);
}

TEST(TransitionByQuery, NobodyAsksAboutCouponsAndWhatWasWithdrawn) {
  const ChannelPolicy policy = AskedPolicy(Promise::kAtMostOnce);
  OutboxRecord coupon = LeasedCoupon();
  OnSendResult(&coupon, ResultOf(coupon, Outcome::Kind::kUnknown), policy, kNow, 0);
  EXPECT_FALSE(OnDue(&coupon, policy, kNow + kMinuteUs).query);
  OutboxRecord withdrawn = Unknown(policy);
  Withdraw(&withdrawn, kNow);
  EXPECT_FALSE(OnDue(&withdrawn, policy, kNow + kMinuteUs).query);
}

TEST(TransitionByQuery, AfterACrashTheProviderIsAskedBeforeAMessageIsRepeated) {
  const auto recovered = [](Promise promise, uint32_t queries_max) {
    ChannelPolicy policy = PolicyOf(promise);
    policy.queries_max = queries_max;
    OutboxRecord record = Leased();
    Recover(&record, policy, kNow);
    return std::string(Name(record.state));
  };
  EXPECT_EQ(recovered(Promise::kAtLeastOnce, 0), "planned");
  EXPECT_EQ(recovered(Promise::kAtLeastOnce, 3), "unknown");
  EXPECT_EQ(recovered(Promise::kAtMostOnce, 3), "unknown");
  EXPECT_EQ(recovered(Promise::kExactlyOnceByKey, 3), "planned") << "the key makes it harmless";
}

}  // namespace
}  // namespace huitou
