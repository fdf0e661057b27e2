// Every row of the outbox's state machine, then the promises under random providers.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "daemon/outbox/outbox.h"
#include "tests/outbox/transition_support.h"

namespace huitou {
namespace {

struct ResultRow {
  const char* name;
  Outcome::Kind kind;
  Promise promise;
  uint32_t channel_index;
  uint32_t attempts;
  DurationUs wait_receipt;
  const char* expected;
};

TEST(Transition, EveryResultHasItsRow) {
  using K = Outcome::Kind;
  const ResultRow rows[] = {
      {"accepted, nothing awaited", K::kAccepted, Promise::kAtLeastOnce, 0, 0, 0,
       "settled accepted"},
      {"accepted, fallback after a while", K::kAccepted, Promise::kAtLeastOnce, 0, 0,
       10 * kMinuteUs, "accepted wechat#1 +10m awaiting"},
      {"refused falls back", K::kRejected, Promise::kAtLeastOnce, 0, 0, 0,
       "planned sms#0 +0s fell back(word)"},
      {"refused by the last", K::kRejected, Promise::kAtLeastOnce, 1, 0, 0,
       "settled failed(word) dead"},
      {"retry backs off", K::kRetry, Promise::kAtLeastOnce, 0, 0, 0, "planned wechat#1 +1.5s"},
      {"and further", K::kRetry, Promise::kAtLeastOnce, 0, 1, 0, "planned wechat#2 +2.5s"},
      {"not sent may be repeated even at most once", K::kRetry, Promise::kAtMostOnce, 0, 0, 0,
       "planned wechat#1 +1.5s"},
      {"attempts used up fall back", K::kRetry, Promise::kAtLeastOnce, 0, 2, 0,
       "planned sms#0 +0s fell back(word)"},
      {"attempts used up on the last", K::kRetry, Promise::kAtLeastOnce, 1, 2, 0,
       "settled failed(word) dead"},
      {"a refused token costs no attempt", K::kTokenExpired, Promise::kAtMostOnce, 0, 2, 0,
       "planned wechat#2 +1.5s"},
      {"a paused channel keeps the message", K::kChannelPaused, Promise::kAtLeastOnce, 0, 2, 0,
       "planned wechat#2 +450s"},
      {"unknown waits for a receipt", K::kUnknown, Promise::kAtLeastOnce, 0, 0, 0,
       "unknown wechat#1 +1m"},
      {"by key too", K::kUnknown, Promise::kExactlyOnceByKey, 0, 0, 0, "unknown wechat#1 +1m"},
      {"at most once too", K::kUnknown, Promise::kAtMostOnce, 0, 0, 0, "unknown wechat#1 +1m"},
  };
  for (const ResultRow& row : rows) {
    OutboxRecord record = Leased();
    record.channel_index = row.channel_index;
    record.attempts = row.attempts;
    record.dispatch.wait_receipt = row.wait_receipt;
    ChannelPolicy policy = PolicyOf(row.promise);
    policy.receipt_wait = row.wait_receipt;
    const Transition transition =
        OnSendResult(&record, ResultOf(record, row.kind), policy, kNow, 0.5);
    EXPECT_EQ(Say(record, transition), row.expected) << row.name;
  }
}

TEST(Transition, WhereNoReceiptCanComeNoneIsWaitedFor) {
  const ChannelPolicy policy = PolicyOf(Promise::kAtLeastOnce);
  OutboxRecord record = Leased();
  record.dispatch.wait_receipt = 10 * kMinuteUs;
  const Transition transition =
      OnSendResult(&record, ResultOf(record, Outcome::Kind::kAccepted), policy, kNow, 0.5);
  EXPECT_EQ(Say(record, transition), "settled accepted");
}

TEST(Transition, WhereReceiptsTellOfFailuresAloneSilenceIsNoReasonForTheNextChannel) {
  ChannelPolicy policy = PolicyOf(Promise::kAtLeastOnce);
  policy.receipt_wait = 3 * kDayUs;
  policy.tells_delivery = false;
  OutboxRecord record = Leased();
  record.dispatch.wait_receipt = 10 * kMinuteUs;
  const Transition taken =
      OnSendResult(&record, ResultOf(record, Outcome::Kind::kAccepted), policy, kNow, 0.5);
  EXPECT_EQ(taken.event, Transition::Event::kAccepted);
  EXPECT_EQ(record.not_before, kNow + 3 * kDayUs);
  OutboxRecord silent = record;
  const Transition over = OnDue(&silent, policy, kNow + 3 * kDayUs);
  EXPECT_TRUE(over.settled && !over.fell_back);
  Receipt bounce;
  bounce.kind = Receipt::Kind::kUndelivered;
  EXPECT_TRUE(OnReceipt(&record, bounce, kNow + kMinuteUs).fell_back);
}

TEST(Transition, WhatIsWithdrawnGoesNoFurther) {
  using K = Outcome::Kind;
  ChannelPolicy policy = PolicyOf(Promise::kAtLeastOnce);
  policy.receipt_wait = kHourUs;
  const auto sent = [&](K kind) {
    OutboxRecord record = Leased();
    record.dispatch.wait_receipt = kMinuteUs;
    Withdraw(&record, kNow);
    const Transition transition = OnSendResult(&record, ResultOf(record, kind), policy, kNow, 0.5);
    return Say(record, transition);
  };
  EXPECT_EQ(sent(K::kAccepted), "accepted wechat#1 +1h accepted");
  EXPECT_EQ(sent(K::kRejected), "settled failed(withdrawn)");
  EXPECT_EQ(sent(K::kRetry), "settled failed(withdrawn)");
  const auto due = [&](State state, Dispatch::Kind kind) {
    OutboxRecord record = Leased();
    record.dispatch.kind = kind;
    record.dispatch.wait_receipt = kMinuteUs;
    record.state = state;
    record.not_before = kNow;
    Withdraw(&record, kNow);
    const Transition transition = OnDue(&record, policy, kNow);
    return Say(record, transition);
  };
  EXPECT_EQ(due(State::kAccepted, Dispatch::Kind::kMessage), "settled over");
  EXPECT_EQ(due(State::kUnknown, Dispatch::Kind::kMessage), "settled failed(withdrawn)");
  EXPECT_EQ(due(State::kPlanned, Dispatch::Kind::kCoupon), "settled refused(withdrawn)");
}

TEST(Transition, ACouponIsIssuedRefusedOrAskedForAgain) {
  using K = Outcome::Kind;
  struct Row {
    K kind;
    uint32_t attempts;
    const char* expected;
  };
  const Row rows[] = {
      {K::kAccepted, 0, "settled issued"},       {K::kRejected, 0, "settled refused(word) dead"},
      {K::kRetry, 0, "planned coupons#1 +1.5s"}, {K::kRetry, 2, "settled refused(word) dead"},
      {K::kUnknown, 0, "unknown coupons#1 +1m"},
  };
  for (const Row& row : rows) {
    OutboxRecord record = LeasedCoupon();
    record.attempts = row.attempts;
    const Transition transition = OnSendResult(&record, ResultOf(record, row.kind),
                                               PolicyOf(Promise::kAtMostOnce), kNow, 0.5);
    EXPECT_EQ(Say(record, transition), row.expected);
  }
  OutboxRecord record = LeasedCoupon();
  const ChannelPolicy policy = PolicyOf(Promise::kAtMostOnce);
  OnSendResult(&record, ResultOf(record, K::kUnknown), policy, kNow, 0.5);
  const Transition due = OnDue(&record, policy, kNow + kMinuteUs);
  EXPECT_EQ(Say(record, due), "planned coupons#1 +1m");
}

TEST(Transition, AnUnknownAttemptIsKnownByTheIdThatReceiptsWillName) {
  OutboxRecord record = Leased();
  SendResult lost = ResultOf(record, Outcome::Kind::kUnknown);
  lost.outcome.provider_message_id = "mine";
  OnSendResult(&record, lost, PolicyOf(Promise::kAtMostOnce), kNow, 0);
  EXPECT_EQ(record.provider_message_id, "mine");
  OutboxRecord other = record;
  OnReceipt(&other, ReceiptOf(Receipt::Kind::kUndelivered, "another"), kNow);
  EXPECT_EQ(other.state, State::kUnknown);
  const Transition failed =
      OnReceipt(&record, ReceiptOf(Receipt::Kind::kUndelivered, "mine"), kNow);
  EXPECT_TRUE(failed.fell_back);
}

TEST(Transition, AResultOfAnOlderAttemptIsDropped) {
  OutboxRecord record = Leased();
  const SendResult first = ResultOf(record, Outcome::Kind::kRetry);
  const ChannelPolicy policy = PolicyOf(Promise::kAtLeastOnce);
  OnSendResult(&record, first, policy, kNow, 0);
  EXPECT_EQ(Say(record, OnSendResult(&record, first, policy, kNow, 0)), "planned wechat#1 +1s");
  record.state = State::kLeased;
  OnSendResult(&record, first, policy, kNow, 0);
  EXPECT_EQ(record.state, State::kLeased);
  SendResult foreign = ResultOf(record, Outcome::Kind::kAccepted);
  foreign.dispatch = Id128{3, 4};
  OnSendResult(&record, foreign, policy, kNow, 0);
  EXPECT_EQ(record.state, State::kLeased);
}

TEST(Transition, RetryAfterIsNeverBroken) {
  for (const double random : {0.0, 0.3, 0.999}) {
    OutboxRecord record = Leased();
    SendResult result = ResultOf(record, Outcome::Kind::kRetry);
    result.outcome.retry_after = kHourUs;
    OnSendResult(&record, result, PolicyOf(Promise::kAtLeastOnce), kNow, random);
    EXPECT_EQ(record.state, State::kPlanned);
    EXPECT_GE(record.not_before, kNow + kHourUs);
  }
}

TEST(Transition, BackoffStaysBetweenItsBounds) {
  ChannelPolicy policy = PolicyOf(Promise::kAtLeastOnce);
  policy.attempts_max = 1'000;
  for (uint32_t attempts = 0; attempts < 200; ++attempts) {
    for (const double random : {0.0, 0.5, 0.999999}) {
      OutboxRecord record = Leased();
      record.attempts = attempts;
      OnSendResult(&record, ResultOf(record, Outcome::Kind::kRetry), policy, kNow, random);
      EXPECT_GE(record.not_before, kNow + policy.backoff_min);
      EXPECT_LE(record.not_before, kNow + policy.backoff_max);
    }
  }
}

TEST(Transition, ARetryPastTheDeadlineGoesToTheNextChannelNow) {
  OutboxRecord record = Leased();
  SendResult result = ResultOf(record, Outcome::Kind::kRetry, "rate_limited");
  result.outcome.retry_after = 2 * kDayUs;
  const ChannelPolicy policy = PolicyOf(Promise::kAtLeastOnce);
  const Transition first = OnSendResult(&record, result, policy, kNow, 0);
  EXPECT_EQ(Say(record, first), "planned sms#0 +0s fell back(rate_limited)");
  record.state = State::kLeased;
  const Transition last = OnSendResult(&record, result, policy, kNow, 0);
  EXPECT_EQ(Say(record, last), "settled failed(rate_limited) dead");
}

TEST(Transition, NoFallbackPastTheDeadline) {
  OutboxRecord record = Leased();
  const Transition transition =
      OnSendResult(&record, ResultOf(record, Outcome::Kind::kRejected, "bad_number"),
                   PolicyOf(Promise::kAtLeastOnce), kDeadline, 0);
  EXPECT_EQ(Say(record, transition), "settled failed(bad_number) dead");
}

TEST(Transition, APlannedRecordFailsAtItsDeadline) {
  OutboxRecord record = Leased();
  record.state = State::kPlanned;
  const ChannelPolicy policy = PolicyOf(Promise::kAtLeastOnce);
  EXPECT_FALSE(OnDue(&record, policy, kDeadline - 1).settled);
  EXPECT_EQ(Say(record, OnDue(&record, policy, kDeadline)), "settled failed(deadline) dead");
}

TEST(Transition, APlannedRecordLeavesAChannelThatIsDown) {
  const ChannelPolicy policy = PolicyOf(Promise::kAtMostOnce);
  OutboxRecord record = Leased();
  EXPECT_FALSE(MayDivert(record, policy)) << "it is on its way";
  record.state = State::kPlanned;
  record.attempts = 2;
  ASSERT_TRUE(MayDivert(record, policy));
  EXPECT_FALSE(MayDivert(record, PolicyOf(Promise::kExactlyOnceByKey)))
      << "the other channel does not know the key of the first attempts";
  EXPECT_EQ(Say(record, Divert(&record, kNow)), "planned sms#0 +0s fell back(channel_down)");
  EXPECT_FALSE(MayDivert(record, policy)) << "there is no other way";
}

TEST(Transition, APausedChannelIsAskedAgainNoLaterThanTheDeadline) {
  OutboxRecord record = Leased();
  record.give_up_at = kNow + kSecondUs;
  OnSendResult(&record, ResultOf(record, Outcome::Kind::kChannelPaused),
               PolicyOf(Promise::kAtLeastOnce), kNow, 0.5);
  EXPECT_EQ(record.not_before, kNow + kSecondUs);
}

TEST(Transition, DeadlinesAtTheEndOfTimeDoNotOverflow) {
  OutboxRecord record = Leased();
  record.give_up_at = kTimeMax;
  ChannelPolicy policy = PolicyOf(Promise::kAtLeastOnce);
  policy.backoff_max = kTimeMax;
  policy.attempts_max = std::numeric_limits<uint32_t>::max();
  record.attempts = 1'000;
  OnSendResult(&record, ResultOf(record, Outcome::Kind::kRetry), policy, kNow, 0.999);
  EXPECT_GT(record.not_before, kNow);
}

struct DueRow {
  const char* name;
  State state;
  Promise promise;
  uint32_t channel_index;
  uint32_t attempts;
  DurationUs wait_receipt;
  TimeUs now;
  const char* expected;
};

TEST(Transition, EveryDueTimeHasItsRow) {
  constexpr TimeUs kDue = kNow + kMinuteUs;
  const DueRow rows[] = {
      {"not due yet", State::kUnknown, Promise::kAtMostOnce, 0, 1, 0, kDue - 1,
       "unknown wechat#1 +1m"},
      {"at most once is not repeated and does not fall back", State::kUnknown, Promise::kAtMostOnce,
       0, 1, 0, kDue, "settled failed(unknown) dead"},
      {"at least once is", State::kUnknown, Promise::kAtLeastOnce, 0, 1, 0, kDue,
       "planned wechat#1 +1m"},
      {"by key too", State::kUnknown, Promise::kExactlyOnceByKey, 0, 1, 0, kDue,
       "planned wechat#1 +1m"},
      {"at least once ends on the next channel", State::kUnknown, Promise::kAtLeastOnce, 0, 3, 0,
       kDue, "planned sms#0 +1m fell back(unknown)"},
      {"by key not, for the next does not know the key", State::kUnknown,
       Promise::kExactlyOnceByKey, 0, 3, 0, kDue, "settled failed(unknown) dead"},
      {"an unknown one past the deadline", State::kUnknown, Promise::kAtLeastOnce, 0, 1, 0,
       kDeadline, "settled failed(unknown) dead"},
      {"accepted, no receipt: the next channel", State::kAccepted, Promise::kAtMostOnce, 0, 1,
       kMinuteUs, kDue, "planned sms#0 +1m fell back(no_receipt)"},
      {"accepted by the last", State::kAccepted, Promise::kAtMostOnce, 1, 1, kMinuteUs, kDue,
       "settled "},
      {"accepted, receipts change nothing", State::kAccepted, Promise::kAtMostOnce, 0, 1, 0, kDue,
       "settled "},
      {"accepted, too late for another", State::kAccepted, Promise::kAtMostOnce, 0, 1, kMinuteUs,
       kDeadline, "settled over"},
      {"on its way", State::kLeased, Promise::kAtMostOnce, 0, 1, 0, kDeadline,
       "leased wechat#1 +1m"},
  };
  for (const DueRow& row : rows) {
    OutboxRecord record = Leased();
    record.state = row.state;
    record.channel_index = row.channel_index;
    record.attempts = row.attempts;
    record.dispatch.wait_receipt = row.wait_receipt;
    record.not_before = kDue;
    ChannelPolicy policy = PolicyOf(row.promise);
    policy.receipt_wait = row.wait_receipt;
    const Transition transition = OnDue(&record, policy, row.now);
    std::string said = Say(record, transition);
    EXPECT_EQ(said, row.expected) << row.name;
  }
}

struct ReceiptRow {
  const char* name;
  State state;
  Receipt::Kind kind;
  const char* provider_message_id;
  uint32_t channel_index;
  const char* expected;
};

TEST(Transition, EveryReceiptHasItsRow) {
  using K = Receipt::Kind;
  const ReceiptRow rows[] = {
      {"delivered", State::kAccepted, K::kDelivered, "m1", 0, "settled delivered"},
      {"settles an unknown one", State::kUnknown, K::kDelivered, "", 0, "settled delivered"},
      {"saves a repeat", State::kPlanned, K::kDelivered, "", 0, "settled delivered"},
      {"overtakes the answer", State::kLeased, K::kDelivered, "", 0, "settled delivered"},
      {"by an earlier channel after all", State::kAccepted, K::kDelivered, "m0", 1,
       "settled delivered"},
      {"undelivered falls back", State::kAccepted, K::kUndelivered, "m1", 0,
       "planned sms#0 +0s fell back(undelivered)"},
      {"undelivered by the last", State::kAccepted, K::kUndelivered, "m1", 1,
       "settled failed(undelivered) dead"},
      {"undelivered settles an unknown one", State::kUnknown, K::kUndelivered, "", 0,
       "planned sms#0 +0s fell back(undelivered)"},
      {"undelivered by an earlier channel", State::kAccepted, K::kUndelivered, "m0", 1,
       "accepted sms#1 +0s"},
      {"undelivered while planned again", State::kPlanned, K::kUndelivered, "m1", 0,
       "planned wechat#1 +0s"},
      {"undelivered while on its way", State::kLeased, K::kUndelivered, "m1", 0,
       "leased wechat#1 +0s"},
      {"an answer of the customer", State::kAccepted, K::kReplied, "m1", 0,
       "accepted wechat#1 +0s"},
      {"an unsubscription", State::kAccepted, K::kUnsubscribed, "m1", 0, "accepted wechat#1 +0s"},
  };
  for (const ReceiptRow& row : rows) {
    OutboxRecord record = Leased();
    record.state = row.state;
    record.attempts = 1;
    record.channel_index = row.channel_index;
    record.not_before = kNow;
    record.provider_message_id = row.state == State::kAccepted ? "m1" : "";
    const Transition transition =
        OnReceipt(&record, ReceiptOf(row.kind, row.provider_message_id), kNow);
    EXPECT_EQ(Say(record, transition), row.expected) << row.name;
  }
}

TEST(Transition, RecoverFollowsThePromise) {
  struct Row {
    Promise promise;
    const char* expected;
  };
  const Row rows[] = {
      {Promise::kAtLeastOnce, "planned wechat#1 +0s"},
      {Promise::kExactlyOnceByKey, "planned wechat#1 +0s"},
      {Promise::kAtMostOnce, "unknown wechat#1 +1m"},
  };
  for (const Row& row : rows) {
    OutboxRecord record = Leased();
    const ChannelPolicy policy = PolicyOf(row.promise);
    EXPECT_EQ(Say(record, Recover(&record, policy, kNow)), row.expected);
    const OutboxRecord once = record;
    EXPECT_EQ(Say(record, Recover(&record, policy, kNow)), row.expected) << "changes only leases";
    EXPECT_EQ(record.not_before, once.not_before);
  }
}

TEST(Transition, AcceptedIsKeptForTheReceiptsOfAProviderThatSendsThem) {
  ChannelPolicy policy = PolicyOf(Promise::kAtMostOnce);
  policy.receipt_wait = kDayUs;
  OutboxRecord record = Leased();
  const SendResult accepted = ResultOf(record, Outcome::Kind::kAccepted);
  EXPECT_EQ(Say(record, OnSendResult(&record, accepted, policy, kNow, 0)),
            "accepted wechat#1 +1d accepted");
  record = Leased();
  record.dispatch.wait_receipt = kMinuteUs;
  EXPECT_EQ(Say(record, OnSendResult(&record, accepted, policy, kNow, 0)),
            "accepted wechat#1 +1m awaiting");
  record = Leased();
  record.dispatch.wait_receipt = kMinuteUs;
  record.channel_index = 1;
  EXPECT_EQ(Say(record, OnSendResult(&record, accepted, policy, kNow, 0)),
            "accepted sms#1 +1d accepted");
}

// --- random providers ---------------------------------------------------------------------------

// A provider that answers anything, a process that crashes anywhere, receipts that come anytime.
class RandomLife {
 public:
  RandomLife(uint32_t seed, Promise promise) : random_(seed), policy_(PolicyOf(promise)) {
    policy_.attempts_max = 1 + Draw(5);
    record_ = Leased({"wechat", "sms", "email"});
    record_.state = State::kPlanned;
    record_.dispatch.wait_receipt = Draw(2) * 10 * kMinuteUs;
    policy_.receipt_wait = Draw(2) * kHourUs;
  }

  // Lives until settled; the number of steps it took.
  int Run() {
    for (int step = 1; step < 100'000; ++step) {
      const Transition transition = Step();
      if (transition.fell_back) {
        maybe_sent_ = false;
      }
      if (transition.settled) {
        EXPECT_EQ(transition.dead_letter, transition.event == Event::kFailed);
        EXPECT_EQ(transition.reason.empty(), transition.event != Event::kFailed);
        return step;
      }
      EXPECT_LE(record_.attempts, policy_.attempts_max + crashes_);
    }
    ADD_FAILURE() << "never settles";
    return 0;
  }

 private:
  uint32_t Draw(uint32_t n) { return static_cast<uint32_t>(random_() % n); }

  Transition Step() {
    if (Draw(20) == 0 && sent_ever_) {
      const auto kind = Draw(2) == 0 ? Receipt::Kind::kDelivered : Receipt::Kind::kUndelivered;
      return OnReceipt(&record_, ReceiptOf(kind), now_);
    }
    if (record_.state == State::kLeased) {
      return Attempt();
    }
    now_ = std::max(now_ + Draw(3) * kSecondUs, record_.not_before);
    if (Draw(10) == 0 && MayDivert(record_, policy_)) {
      return Divert(&record_, now_);
    }
    Transition due = OnDue(&record_, policy_, now_);
    if (record_.state == State::kPlanned && !due.settled && !due.fell_back) {
      record_.state = State::kLeased;
    }
    return due;
  }

  Transition Attempt() {
    const auto kind = static_cast<Outcome::Kind>(Draw(6));
    const bool crash = Draw(10) == 0;
    const bool reaches = kind == Outcome::Kind::kAccepted || kind == Outcome::Kind::kUnknown;
    if (reaches) {
      EXPECT_FALSE(maybe_sent_ && policy_.promise == Promise::kAtMostOnce) << "sent twice";
      maybe_sent_ = true;
      sent_ever_ = true;
    }
    if (crash) {
      ++crashes_;
      return Recover(&record_, policy_, now_);
    }
    const double random = Draw(1'000) / 1'000.0;
    return OnSendResult(&record_, ResultOf(record_, kind), policy_, now_, random);
  }

  std::mt19937 random_;
  ChannelPolicy policy_;
  OutboxRecord record_;
  TimeUs now_ = kNow;
  bool maybe_sent_ = false;  // by the channel it is on
  bool sent_ever_ = false;
  uint32_t crashes_ = 0;
};

TEST(Transition, EveryRandomLifeKeepsItsPromiseAndEnds) {
  for (uint32_t seed = 0; seed < 20'000; ++seed) {
    for (const Promise promise :
         {Promise::kAtLeastOnce, Promise::kAtMostOnce, Promise::kExactlyOnceByKey}) {
      RandomLife life(seed, promise);
      life.Run();
      ASSERT_FALSE(HasFailure()) << "seed " << seed << " promise " << static_cast<int>(promise);
    }
  }
}

}  // namespace
}  // namespace huitou
