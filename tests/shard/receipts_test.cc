// What a provider tells about a person, by nothing but an address.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/shard/limits.h"
#include "tests/shard/harness.h"

namespace huitou {
namespace {

using channels::Receipt;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// "care": a review begins it; it waits for an answer for long, and leaves when consent is revoked.
std::shared_ptr<Campaign> Care(const std::string& until) {
  auto campaign = std::make_shared<Campaign>();
  campaign->id = "care";
  campaign->version = 7;
  campaign->late.then = LateRule::Then::kFire;
  campaign->trigger = EventTrigger{"review.posted"};
  campaign->exits.push_back({"consent.revoked", nullptr});
  Step wait;
  WaitStep answer;
  answer.for_us = 30 * kDayUs;
  answer.until_event = until;
  wait.action = answer;
  campaign->steps.push_back(std::move(wait));
  Step send;
  send.id = "m2";
  SendStep message;
  message.template_name = "hello";
  message.via = {"sms"};
  send.action = std::move(message);
  campaign->steps.push_back(std::move(send));
  Link(campaign.get());
  return campaign;
}

class People : public ShardWorld {
 public:
  explicit People(std::vector<std::shared_ptr<Campaign>> campaigns)
      : ShardWorld(WithAddresses(std::move(campaigns), "external_userid")) {}

  void Buys(const std::string& customer, const std::string& contacts, TimeUs time) {
    std::string order = OrderJson(time, customer);
    const std::string id = "\"id\":\"" + customer + "\"";
    order.replace(order.find(id), id.size(), id + "," + contacts);
    Append(order);
    ASSERT_TRUE(LiveUntil(time));
  }
  void Reviews(const std::string& customer, TimeUs time) {
    Append(EventJson(time, "review.posted", customer));
    ASSERT_TRUE(LiveUntil(time));
  }
  // Told and made durable. Whether the shard knew who is meant.
  bool Tell(const Receipt& receipt, const std::string& channel = "sms") {
    std::optional<bool> told;
    shard().PostReceipt(channel, receipt, [&](bool known) { told = known; });
    for (int turn = 0; turn < 10 && !told.has_value(); ++turn) {
      clock.Set(clock.Now() + kSecondUs);
      EXPECT_TRUE(Run(/*at_end=*/true));
    }
    EXPECT_TRUE(told.has_value());
    return told.value_or(false);
  }
  std::vector<std::string> SentTo() {
    std::vector<std::string> customers;
    for (const SendJob& job : gate.sent) {
      customers.push_back(job.message.customer);
    }
    return customers;
  }

  static std::shared_ptr<CampaignSet> WithAddresses(
      std::vector<std::shared_ptr<Campaign>> campaigns, const std::string& contact_id) {
    auto set = SetOf(std::move(campaigns));
    set->channels["sms"] = CampaignSet::Contact::kPhone;
    set->channels["email"] = CampaignSet::Contact::kEmail;
    set->channels["wechat"] = CampaignSet::Contact::kWechatOpenid;
    set->channels["wecom"] = set->channels["team"] = CampaignSet::Contact::kAttribute;
    set->recipient_attributes = {{"wecom", contact_id}, {"team", "assistant"}};
    set->shop.address_attributes = {contact_id};
    return set;
  }
};

// As WeCom tells of a contact.
Receipt OfContact(Receipt::Kind kind, const std::string& external_userid, TimeUs time) {
  Receipt receipt;
  receipt.kind = kind;
  receipt.address = external_userid;
  receipt.time = time;
  return receipt;
}

// "gift": who follows gets one message.
std::shared_ptr<Campaign> FollowGift() {
  auto campaign = Thanks({"wecom"});
  campaign->id = "gift";
  campaign->trigger = EventTrigger{"channel.subscribed"};
  return campaign;
}

// A review sets the contact's id, as a campaign's `set` step does.
std::shared_ptr<Campaign> Renames(const std::string& external_userid) {
  auto campaign = std::make_shared<Campaign>();
  campaign->id = "renames";
  campaign->version = 8;
  campaign->late.then = LateRule::Then::kFire;
  campaign->trigger = EventTrigger{"review.posted"};
  Step step;
  SetStep set;
  set.attributes = {{"external_userid", external_userid}};
  step.action = set;
  campaign->steps.push_back(std::move(step));
  Link(campaign.get());
  return campaign;
}

Receipt Stop(const std::string& address, TimeUs time = 0) {
  Receipt receipt;
  receipt.kind = Receipt::Kind::kUnsubscribed;
  receipt.address = address;
  receipt.reason = "opted_out";
  receipt.text = "TD";
  receipt.time = time;
  return receipt;
}

TEST(Receipts, WhoAnswersWithAStopWordGetsNoMore) {
  People world({Thanks()});
  world.Buys("c1", R"("phone":"13800001234")", At(0));
  world.Buys("c2", R"("phone":"+8613800009999")", At(0.1));
  EXPECT_TRUE(world.Tell(Stop("+8613800001234")));
  world.Reviews("c1", At(1));
  world.Reviews("c2", At(1));
  EXPECT_THAT(world.SentTo(), ElementsAre("c2"));
  EXPECT_THAT(world.Decisions(), Contains(HasSubstr("thanks c1 rejected consent")));
  // Who says yes again later gets messages again, and may say no once more.
  world.Append(EventJson(At(2), "consent.granted", "c1", R"("consent":{"channel":"sms"})"));
  world.Reviews("c1", At(3));
  EXPECT_THAT(world.SentTo(), ElementsAre("c2", "c1"));
  EXPECT_TRUE(world.Tell(Stop("+8613800001234")));
  world.Reviews("c1", At(4));
  EXPECT_THAT(world.SentTo(), ElementsAre("c2", "c1"));
}

TEST(Receipts, AStopInTheMiddleKeepsBackWhatIsPlannedAlready) {
  People world({Thanks()});
  world.gate.room["sms"] = 0;
  world.Buys("c1", R"("phone":"13800001234")", At(0));
  world.Reviews("c1", At(1));
  EXPECT_TRUE(world.Tell(Stop("+8613800001234")));
  world.gate.room["sms"] = 5;
  world.shard().PostRoom();
  ASSERT_TRUE(world.LiveUntil(At(2)));
  EXPECT_THAT(world.SentTo(), IsEmpty());
}

TEST(Receipts, WhoAnswersAMessageWithAStopWordDoesNotGetItElsewhere) {
  enum class Says { kNothing, kStop, kStopToThisMessage };
  for (const Says says : {Says::kNothing, Says::kStop, Says::kStopToThisMessage}) {
    auto thanks = Thanks({"wechat", "sms"});
    std::get<SendStep>(thanks->steps[0].action).wait_receipt = 10 * kMinuteUs;
    People world({thanks});
    world.options.policies["wechat"].receipt_wait = kHourUs;
    world.Buys("c1", R"("phone":"13800001234","wechat_openid":"o6_b")", At(0));
    world.Reviews("c1", At(1));
    ASSERT_EQ(world.gate.sent.size(), 1U);
    EXPECT_EQ(world.gate.sent[0].channel, "wechat");
    Receipt stop = Stop("o6_b");
    if (says == Says::kStopToThisMessage) {
      stop.dispatch = world.gate.sent[0].dispatch;
    }
    world.Answer();
    ASSERT_TRUE(world.LiveUntil(At(1) + kSecondUs));
    if (says != Says::kNothing) {
      EXPECT_TRUE(world.Tell(stop, "wechat"));
    }
    ASSERT_TRUE(world.LiveUntil(At(1) + 20 * kMinuteUs));
    ASSERT_TRUE(world.LiveUntil(At(1) + 20 * kMinuteUs + 2 * kSecondUs));
    EXPECT_EQ(world.gate.sent.size(), says == Says::kNothing ? 1U : 0U);
    ASSERT_TRUE(world.LiveUntil(At(1) + 2 * kHourUs));
    if (says != Says::kNothing) {
      EXPECT_THAT(world.shard().Snapshot().outbox_depth,
                  testing::Each(testing::Pair(testing::_, 0)));
    }
  }
}

TEST(Receipts, ASharedPhoneMeansEverybodyWhoHasIt) {
  People world({Thanks()});
  const int count = static_cast<int>(limits::kCustomersPerReceipt) * 2 + 10;
  for (int i = 0; i < count; ++i) {
    OrderOptions options;
    options.phone = "+8613800001234";
    world.Append(OrderJson(At(0), "c" + std::to_string(i), options));
  }
  ASSERT_TRUE(world.LiveUntil(At(0.1)));
  EXPECT_TRUE(world.Tell(Stop("+8613800001234", At(0.1))));
  for (int i = 0; i < count; ++i) {
    world.Append(EventJson(At(1), "review.posted", "c" + std::to_string(i)));
  }
  ASSERT_TRUE(world.LiveUntil(At(1)));
  EXPECT_THAT(world.SentTo(), IsEmpty());
}

TEST(Receipts, AnOldAddressIsNobodysAnyMore) {
  People world({Thanks()});
  world.Buys("c1", R"("phone":"13800001234")", At(0));
  world.Buys("c1", R"("phone":"13800005678")", At(1));
  EXPECT_FALSE(world.Tell(Stop("+8613800001234")));
  world.Reviews("c1", At(2));
  EXPECT_THAT(world.SentTo(), ElementsAre("c1"));
  EXPECT_TRUE(world.Tell(Stop("+8613800005678")));
  world.Reviews("c1", At(3));
  EXPECT_THAT(world.SentTo(), ElementsAre("c1"));
}

TEST(Receipts, AnAddressThatIsNotCommittedYetIsWaitedFor) {
  People world({Thanks()});
  world.Open();
  world.options.commit_interval = kHourUs;
  OrderOptions options;
  options.phone = "+8613800001234";
  world.Append(OrderJson(At(0), "c1", options));
  ASSERT_TRUE(world.Run());
  EXPECT_TRUE(world.Tell(Stop("+8613800001234")));
}

TEST(Receipts, AnErasedCustomerIsNotFoundByAddress) {
  People world({Thanks()});
  world.Buys("c1", R"("phone":"13800001234")", At(0));
  world.shard().Post([](ShardView& view) { ASSERT_TRUE(view.Erase("c1").ok()); });
  ASSERT_TRUE(world.LiveUntil(At(0.5)));
  EXPECT_FALSE(world.Tell(Stop("+8613800001234")));
  EXPECT_TRUE(world.disk->families[static_cast<size_t>(Family::kAddresses)].empty());
}

TEST(Receipts, ARevocationEndsTheEpisodesThatLeaveOnIt) {
  People world({Care("message.replied")});
  world.Buys("c1", R"("phone":"13800001234")", At(0));
  world.Reviews("c1", At(1));
  EXPECT_TRUE(world.Tell(Stop("+8613800001234")));
  ASSERT_TRUE(world.LiveUntil(At(40)));
  EXPECT_THAT(world.Decisions(), Contains(HasSubstr("care c1 exited consent.revoked")));
  EXPECT_THAT(world.Decisions(), Not(Contains(HasSubstr("care c1 dispatched"))));
}

TEST(Receipts, AReplyEndsTheWaitForItAndIsHeardOnceHoweverOftenItIsTold) {
  People world({Care("message.replied")});
  world.Buys("c1", R"("phone":"13800001234")", At(0));
  world.Reviews("c1", At(1));
  Receipt reply;
  reply.kind = Receipt::Kind::kReplied;
  reply.address = "+8613800001234";
  reply.text = "thank you";
  reply.time = At(1.1);
  EXPECT_TRUE(world.Tell(reply));
  EXPECT_THAT(world.SentTo(), ElementsAre("c1"));
  world.Reviews("c1", At(1.2));
  EXPECT_TRUE(world.Tell(reply));  // the provider repeats itself
  EXPECT_THAT(world.SentTo(), ElementsAre("c1"));
}

TEST(Receipts, WhoUnfollowsIsSuppressedUntilTheyFollowAgain) {
  People world({Thanks({"wechat"})});
  world.Buys("c1", R"("wechat_openid":"o6_b")", At(0));
  Receipt receipt;
  receipt.kind = Receipt::Kind::kUnsubscribed;
  receipt.reason = "unfollowed";
  receipt.address = "o6_b";
  EXPECT_TRUE(world.Tell(receipt, "wechat"));
  world.Reviews("c1", At(1));
  EXPECT_THAT(world.Decisions(), Contains(HasSubstr("thanks c1 rejected suppression")));
  receipt.kind = Receipt::Kind::kSubscribed;
  receipt.reason = "";
  EXPECT_TRUE(world.Tell(receipt, "wechat"));
  world.Reviews("c1", At(2));
  EXPECT_THAT(world.SentTo(), ElementsAre("c1"));
}

TEST(Receipts, AContactWhoLeavesIsSuppressedUntilTheyAreBack) {
  People world({Thanks({"wecom"})});
  world.Buys("c1", R"("external_userid":"wo1")", At(0));
  world.Buys("c2", R"("external_userid":"wo2")", At(0.1));
  EXPECT_FALSE(world.Tell(OfContact(Receipt::Kind::kUnsubscribed, "wo3", At(0.5)), "wecom"));
  EXPECT_TRUE(world.Tell(OfContact(Receipt::Kind::kUnsubscribed, "wo1", At(0.5)), "wecom"));
  world.Reviews("c1", At(1));
  world.Reviews("c2", At(1));
  EXPECT_THAT(world.Decisions(), Contains(HasSubstr("thanks c1 rejected suppression")));
  EXPECT_THAT(world.SentTo(), ElementsAre("c2"));
  EXPECT_TRUE(world.Tell(OfContact(Receipt::Kind::kSubscribed, "wo1", At(1.5)), "wecom"));
  world.Reviews("c1", At(2));
  EXPECT_THAT(world.SentTo(), ElementsAre("c2", "c1"));
}

TEST(Receipts, WhoFollowsIsHeardOnceHoweverOftenItIsTold) {
  People world({FollowGift()});
  world.Buys("c1", R"("external_userid":"wo1")", At(0));
  const Receipt left = OfContact(Receipt::Kind::kUnsubscribed, "wo1", At(1));
  const Receipt back = OfContact(Receipt::Kind::kSubscribed, "wo1", At(1));
  // In one second, and both told three times.
  for (const Receipt& told : {left, back, left, back, left, back}) {
    EXPECT_TRUE(world.Tell(told, "wecom"));
    ASSERT_TRUE(world.LiveUntil(world.clock.Now() + kMinuteUs));
  }
  EXPECT_THAT(world.SentTo(), ElementsAre("c1"));
  EXPECT_TRUE(world.Tell(OfContact(Receipt::Kind::kSubscribed, "wo1", At(2)), "wecom"));
  EXPECT_THAT(world.SentTo(), ElementsAre("c1", "c1"));
}

TEST(Receipts, AnAttributeLeadsToItsCustomerAsItIsNow) {
  People world({Renames("wo3")});
  const auto known = [&world](const std::string& external_userid) {
    return world.Tell(OfContact(Receipt::Kind::kSubscribed, external_userid, world.clock.Now()),
                      "wecom");
  };
  world.Buys("c1", R"("external_userid":"wo1")", At(0));
  EXPECT_TRUE(known("wo1"));
  world.Buys("c1", R"("external_userid":"wo2","phone":"13800001234")", At(1));
  EXPECT_FALSE(known("wo1"));
  EXPECT_TRUE(known("wo2"));
  world.Reviews("c1", At(2));
  EXPECT_FALSE(known("wo2"));
  EXPECT_TRUE(known("wo3"));
  world.Buys("c1", R"("external_userid":null)", At(3));
  EXPECT_FALSE(known("wo3"));
}

TEST(Receipts, AnEmployeeWhomManyShareIsNobodysAddress) {
  People world({Thanks()});
  world.Buys("c1", R"("assistant":"zhangsan","external_userid":"wo1")", At(0));
  EXPECT_FALSE(world.Tell(OfContact(Receipt::Kind::kReplied, "zhangsan", At(0.5)), "team"));
}

TEST(Receipts, ARestartWithAnotherRecipientLeadsFromTheOtherAttribute) {
  People world({Thanks({"wecom"})});
  world.Buys("c1", R"("external_userid":"wo1","member":"m1")", At(0));
  const auto known = [&world](const std::string& address) {
    return world.Tell(OfContact(Receipt::Kind::kUnsubscribed, address, world.clock.Now()), "wecom");
  };
  world.Crash();
  ASSERT_TRUE(world.LiveUntil(At(0.5)));
  EXPECT_TRUE(known("wo1"));
  world.Crash();
  world.campaigns = People::WithAddresses({Thanks({"wecom"})}, "member");
  ASSERT_TRUE(world.LiveUntil(At(1)));
  EXPECT_FALSE(known("wo1"));
  EXPECT_TRUE(known("m1"));
}

TEST(Receipts, AComplaintByMailNamesAnAddressInAnyCase) {
  People world({Thanks({"email"})});
  world.Buys("c1", R"("email":"Anna@Example.com")", At(0));
  Receipt receipt;
  receipt.kind = Receipt::Kind::kUnsubscribed;
  receipt.reason = "complaint";
  receipt.address = "anna@example.com";
  EXPECT_TRUE(world.Tell(receipt, "email"));
  EXPECT_FALSE(world.Tell(receipt, "sms"));  // a phone this is not
  world.Reviews("c1", At(1));
  EXPECT_THAT(world.Decisions(), Contains(HasSubstr("thanks c1 rejected suppression")));
}

TEST(Receipts, TheFindSurvivesACrash) {
  People world({Thanks()});
  world.Buys("c1", R"("phone":"13800001234")", At(0));
  world.Crash();
  ASSERT_TRUE(world.LiveUntil(At(0.5)));
  EXPECT_TRUE(world.Tell(Stop("+8613800001234")));
  world.Crash();
  ASSERT_TRUE(world.LiveUntil(At(0.6)));
  world.Reviews("c1", At(1));
  EXPECT_THAT(world.SentTo(), IsEmpty());
}

// As of a batch, whose messages are known by an id that was there before the answer.
TEST(Receipts, OneByTheProvidersIdSettlesWhatALostAnswerLeftOpen) {
  People world({Thanks()});
  world.options.policies["sms"].promise = channels::Promise::kAtMostOnce;
  world.Buys("c1", R"("phone":"13800001234")", At(0));
  world.Reviews("c1", At(1));
  ASSERT_EQ(world.gate.sent.size(), 1U);
  SendResult lost;
  lost.dispatch = world.gate.sent[0].dispatch;
  lost.attempt = world.gate.sent[0].attempt;
  lost.outcome.kind = channels::Outcome::Kind::kUnknown;
  lost.outcome.provider_message_id = "batch-1/c1";
  world.gate.Release("sms");
  world.shard().PostResult(std::move(lost));
  ASSERT_TRUE(world.Run(/*at_end=*/true));
  Receipt receipt;
  receipt.provider_message_id = "batch-1/another";
  EXPECT_FALSE(world.Tell(receipt));
  receipt.provider_message_id = "batch-1/c1";
  EXPECT_TRUE(world.Tell(receipt));
  ASSERT_TRUE(world.LiveUntil(At(2)));
  EXPECT_THAT(world.Decisions(), Not(Contains(HasSubstr("failed"))));
  EXPECT_FALSE(world.Tell(receipt)) << "it is settled";
}

}  // namespace
}  // namespace huitou
