// Access tokens, which the channels of one account share.
#include <gtest/gtest.h>

#include "tests/outbox/dispatcher_harness.h"

namespace huitou {
namespace {

class AccountTest : public DispatcherTest {};

TEST_F(AccountTest, OneTokenIsFetchedForAllWhoWait) {
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app"))});
  EXPECT_TRUE(Send("wechat", 1));
  EXPECT_TRUE(Send("wechat", 2));
  EXPECT_EQ(AnswerNext(Http(200, "t1")), "token?app");
  EXPECT_EQ(AnswerNext(Http(200)), "v1?t1");
  EXPECT_EQ(AnswerNext(Http(200)), "v1?t1");
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
  EXPECT_TRUE(transport_.calls.empty());
}

TEST_F(AccountTest, ATokenIsRenewedBeforeItsEndWithoutHoldingAnybody) {
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app"))});
  EXPECT_TRUE(Send("wechat", 1));
  AnswerNext(Http(200, "t1"));
  AnswerNext(Http(200));
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  clock_.Advance(2 * kHourUs - outbox_limits::kTokenMargin);
  EXPECT_TRUE(Send("wechat", 2));
  FakeTransport::Call refresh = transport_.calls.Take();
  EXPECT_EQ(refresh.request.url, "token?app");
  EXPECT_EQ(AnswerNext(Http(200)), "v1?t1");
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
  EXPECT_TRUE(Send("wechat", 3));
  EXPECT_EQ(AnswerNext(Http(200)), "v1?t1") << "one refresh at a time";
  EXPECT_EQ(NextResult(), "3 accepted(v1)");
  refresh.done(Http(200, "t2"));
  EXPECT_TRUE(Send("wechat", 4));
  EXPECT_EQ(AnswerNext(Http(200)), "v1?t2");
}

TEST_F(AccountTest, ATokenThatExpiresInTheMiddleIsReplacedOnce) {
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app"))});
  EXPECT_TRUE(Send("wechat", 1));
  AnswerNext(Http(200, "t1"));
  AnswerNext(Http(200));
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  clock_.Advance(kMinuteUs);
  EXPECT_TRUE(Send("wechat", 2));
  EXPECT_TRUE(Send("wechat", 3));
  EXPECT_EQ(AnswerNext(Http(401)), "v1?t1");
  EXPECT_EQ(AnswerNext(Http(401)), "v1?t1");
  EXPECT_EQ(AnswerNext(Http(200, "t2")), "token?app");
  EXPECT_EQ(AnswerNext(Http(200)), "v1?t2");
  EXPECT_EQ(AnswerNext(Http(401)), "v1?t2");
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
  EXPECT_EQ(NextResult(), "3 expired(token)") << "the shard decides on a second time";
  EXPECT_TRUE(transport_.calls.empty());
}

TEST_F(AccountTest, ATokenThatDiesYoungHoldsTheSendsUntilAnotherMayBeAskedFor) {
  channels::Limits limits;
  limits.in_flight_max = 2;
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app"), limits)});
  EXPECT_TRUE(Send("wechat", 1));
  AnswerNext(Http(200, "t1"));
  EXPECT_EQ(AnswerNext(Http(401)), "v1?t1");
  EXPECT_TRUE(Send("wechat", 2));
  EXPECT_FALSE(Send("wechat", 3)) << "those who wait hold their places";
  EXPECT_TRUE(results_.empty());
  EXPECT_TRUE(transport_.calls.empty());
  clock_.Advance(outbox_limits::kTokenAgeMin);
  EXPECT_EQ(AnswerNext(Http(200, "t2")), "token?app");
  EXPECT_EQ(AnswerNext(Http(200)), "v1?t2");
  EXPECT_EQ(AnswerNext(Http(200)), "v1?t2");
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
}

TEST_F(AccountTest, OneTokenServesAllChannelsOfAnAccount) {
  Load({ChannelOf("template", std::make_shared<FakeChannel>("app", "v1")),
        ChannelOf("service", std::make_shared<FakeChannel>("app", "v2")),
        ChannelOf("other", std::make_shared<FakeChannel>("another app", "v3"))});
  EXPECT_TRUE(Send("template", 1));
  EXPECT_TRUE(Send("service", 2));
  EXPECT_EQ(AnswerNext(Http(200, "t1")), "token?app");
  EXPECT_EQ(AnswerNext(Http(200)), "v1?t1");
  EXPECT_EQ(AnswerNext(Http(200)), "v2?t1");
  EXPECT_TRUE(Send("other", 3));
  EXPECT_EQ(AnswerNext(Http(200, "t3")), "token?another app");
  EXPECT_EQ(AnswerNext(Http(200)), "v3?t3");
  // It ends in the middle, for both: one of them asks, and the other does not push that one out.
  clock_.Advance(kMinuteUs);
  EXPECT_TRUE(Send("template", 4));
  EXPECT_TRUE(Send("service", 5));
  EXPECT_EQ(AnswerNext(Http(401)), "v1?t1");
  EXPECT_EQ(AnswerNext(Http(401)), "v2?t1");
  EXPECT_EQ(AnswerNext(Http(200, "t2")), "token?app");
  EXPECT_EQ(AnswerNext(Http(200)), "v1?t2");
  EXPECT_EQ(AnswerNext(Http(200)), "v2?t2");
  EXPECT_TRUE(transport_.calls.empty());
  // The one that was there first goes, and what it has got stays.
  Load({ChannelOf("service", std::make_shared<FakeChannel>("app", "v4")),
        ChannelOf("new", std::make_shared<FakeChannel>("app", "v5"))});
  EXPECT_TRUE(Send("new", 6));
  EXPECT_EQ(AnswerNext(Http(200)), "v5?t2");
  EXPECT_TRUE(Send("service", 7));
  EXPECT_EQ(AnswerNext(Http(200)), "v4?t2");
}

TEST_F(AccountTest, WithoutATokenNothingIsSent) {
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app"))});
  EXPECT_TRUE(Send("wechat", 1));
  EXPECT_EQ(AnswerNext(Http(500)), "token?app");
  EXPECT_EQ(NextResult(), "1 retry(no_token)");
  EXPECT_TRUE(Send("wechat", 2));
  EXPECT_EQ(AnswerNext(Lost(channels::TransportError::kAmbiguous)), "token?app");
  EXPECT_EQ(NextResult(), "2 retry(no_token)");
  EXPECT_TRUE(Send("wechat", 3));
  EXPECT_EQ(AnswerNext(Http(400)), "token?app");
  EXPECT_EQ(NextResult(), "3 paused(token_refused)");
}

TEST_F(AccountTest, AReloadKeepsTheTokenOfTheSameAccountOnly) {
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app"))});
  EXPECT_TRUE(Send("wechat", 1));
  AnswerNext(Http(200, "t1"));
  AnswerNext(Http(200));
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app", "v2"))});
  EXPECT_TRUE(Send("wechat", 2));
  EXPECT_EQ(AnswerNext(Http(200)), "v2?t1");
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("other", "v3"))});
  EXPECT_TRUE(Send("wechat", 3));
  EXPECT_EQ(AnswerNext(Http(200, "t9")), "token?other");
  EXPECT_EQ(AnswerNext(Http(200)), "v3?t9");
}

TEST_F(AccountTest, ACallbackOfAnAccountIsHeardByAllItsChannels) {
  Load({ChannelOf("template", std::make_shared<FakeChannel>("app")),
        ChannelOf("service", std::make_shared<FakeChannel>("app")),
        ChannelOf("other", std::make_shared<FakeChannel>("another app"))});
  channels::CallbackRequest request;
  request.body = "signed";
  EXPECT_EQ(dispatcher_->HandleCallback("template", request).response.body, "thanks");
  EXPECT_EQ(receipts_.Take(), (std::pair<std::string, size_t>("template", 2)));
  EXPECT_EQ(receipts_.Take(), (std::pair<std::string, size_t>("service", 2)));
  request.url = "written by a person";
  EXPECT_EQ(dispatcher_->HandleCallback("service", request).response.body, "thanks");
  EXPECT_EQ(receipts_.Take(), (std::pair<std::string, size_t>("service", 2)));
  EXPECT_EQ(receipts_.Take(), (std::pair<std::string, size_t>("template", 1)));
  EXPECT_TRUE(receipts_.empty());
  request.body = "forged";
  EXPECT_EQ(dispatcher_->HandleCallback("service", request).response.status, 403);
  EXPECT_TRUE(receipts_.empty());
}

}  // namespace
}  // namespace huitou
