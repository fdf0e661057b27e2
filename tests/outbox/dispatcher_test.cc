#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "tests/outbox/dispatcher_harness.h"

namespace huitou {
namespace {

TEST_F(DispatcherTest, EachSendEndsWithOneResultAtItsShard) {
  channels::Limits limits;
  limits.timeout = 7 * kSecondUs;
  Load({ChannelOf("sms", std::make_shared<FakeChannel>(), limits)});
  EXPECT_TRUE(Send("sms", 1));
  EXPECT_TRUE(Send("sms", 2));
  FakeTransport::Call first = transport_.calls.Take();
  FakeTransport::Call second = transport_.calls.Take();
  EXPECT_EQ(first.request.body, "1");
  EXPECT_EQ(first.timeout, 7 * kSecondUs);
  EXPECT_EQ(first.request.headers[0].second.size(), 32u);
  EXPECT_NE(first.request.headers, second.request.headers) << "a new nonce for each";
  clock_.Advance(1'500'000);
  second.done(Http(200));
  const auto [shard, result] = results_.Take();
  EXPECT_EQ(shard, 2);
  EXPECT_EQ(result.dispatch, (Id128{1, 2}));
  EXPECT_EQ(result.attempt, 3u);
  EXPECT_EQ(result.outcome.kind, Kind::kAccepted);
  EXPECT_EQ(observer_.outcomes.Take(), "sms/fake v1 1.5s");
  first.done(Lost(channels::TransportError::kAmbiguous));
  EXPECT_EQ(NextResult(), "1 unknown(no_answer)");
  EXPECT_TRUE(results_.empty());
}

TEST_F(DispatcherTest, CouponsComeFromTheirProvider) {
  DispatchChannel coupons;
  coupons.name = kCouponChannel;
  coupons.coupons = std::make_shared<FakeCoupons>(true);
  Load({coupons});
  EXPECT_TRUE(Send("coupons", 4));
  EXPECT_EQ(NextResult(), "4 accepted CODE-c4");
  coupons.coupons = std::make_shared<FakeCoupons>(false);
  Load({coupons});
  EXPECT_TRUE(Send("coupons", 5));
  EXPECT_EQ(AnswerNext(Http(200, "SHOP5")), "coupons");
  EXPECT_EQ(NextResult(), "5 accepted SHOP5");
}

TEST_F(DispatcherTest, NoMoreThanItsLimitIsOnItsWay) {
  channels::Limits limits;
  limits.in_flight_max = 2;
  Load({ChannelOf("sms", std::make_shared<FakeChannel>(), limits)});
  EXPECT_TRUE(Send("sms", 1));
  EXPECT_TRUE(Send("sms", 2));
  EXPECT_FALSE(Send("sms", 3));
  AnswerNext(Http(200));
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  EXPECT_EQ(room_.Take(), "sms");
  EXPECT_TRUE(dispatcher_->TryAcquire("sms"));
  EXPECT_FALSE(dispatcher_->TryAcquire("sms"));
  dispatcher_->Release("sms");
  EXPECT_EQ(room_.Take(), "sms");
  EXPECT_TRUE(Send("sms", 3));
}

TEST_F(DispatcherTest, ARateLetsOneThroughWhenItsTimeHasCome) {
  channels::Limits limits;
  limits.rate_per_second = 1;
  Load({ChannelOf("sms", std::make_shared<FakeChannel>(), limits),
        ChannelOf("other", std::make_shared<FakeChannel>())});
  EXPECT_TRUE(Send("sms", 1));
  EXPECT_FALSE(Send("sms", 2));
  EXPECT_TRUE(Send("other", 3)) << "another channel is not held";
  clock_.Advance(kSecondUs);
  EXPECT_EQ(room_.Take(), "sms");
  EXPECT_TRUE(Send("sms", 2));
  EXPECT_FALSE(Send("sms", 3));
}

TEST_F(DispatcherTest, AProviderThatIsDownIsLeftAloneUntilAProbeGetsThrough) {
  Load({ChannelOf("sms", std::make_shared<FakeChannel>()),
        ChannelOf("other", std::make_shared<FakeChannel>())});
  for (int i = 0; i < outbox_limits::kFailuresInRowMax; ++i) {
    EXPECT_TRUE(Send("sms", 1));
    AnswerNext(Lost(channels::TransportError::kNotSent));
    EXPECT_EQ(NextResult(), "1 retry(not_sent)");
  }
  EXPECT_EQ(observer_.circuits.Take(), "sms open after 5");
  EXPECT_FALSE(Send("sms", 1));
  EXPECT_TRUE(Send("other", 2));
  AnswerNext(Http(200));
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
  clock_.Advance(outbox_limits::kOpenMin);
  EXPECT_EQ(room_.Take(), "sms");
  EXPECT_TRUE(Send("sms", 1));
  EXPECT_FALSE(Send("sms", 3)) << "one probe at a time";
  EXPECT_EQ(observer_.circuits.Take(), "sms half_open after 6");
  AnswerNext(Http(200));
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  EXPECT_EQ(observer_.circuits.Take(), "sms closed after 7");
  EXPECT_EQ(room_.Take(), "sms");
  EXPECT_TRUE(Send("sms", 3));
}

TEST_F(DispatcherTest, AWrongAccountStopsItsChannelAtOnce) {
  Load({ChannelOf("sms", std::make_shared<FakeChannel>())});
  EXPECT_TRUE(Send("sms", 1));
  AnswerNext(Http(403));
  EXPECT_EQ(NextResult(), "1 paused(unauthorized)");
  EXPECT_FALSE(Send("sms", 2));
}

TEST_F(DispatcherTest, AProviderThatStaysAwayIsDown) {
  Load({ChannelOf("sms", std::make_shared<FakeChannel>())});
  EXPECT_TRUE(dispatcher_->IsDown("pigeon")) << "no such channel";
  EXPECT_TRUE(Send("sms", 1));
  AnswerNext(Http(403));
  EXPECT_EQ(NextResult(), "1 paused(unauthorized)");
  clock_.Advance(outbox_limits::kDownAfter);
  EXPECT_TRUE(dispatcher_->IsDown("sms"));
  EXPECT_TRUE(Send("sms", 2)) << "a probe";
  AnswerNext(Http(200));
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
  EXPECT_FALSE(dispatcher_->IsDown("sms"));
}

TEST_F(DispatcherTest, AReloadLosesNothingThatIsOnItsWay) {
  channels::Limits limits;
  limits.in_flight_max = 1;
  Load({ChannelOf("sms", std::make_shared<FakeChannel>("", "v1"), limits),
        ChannelOf("gone", std::make_shared<FakeChannel>())});
  EXPECT_TRUE(Send("sms", 1));
  FakeTransport::Call first = transport_.calls.Take();
  EXPECT_TRUE(Send("gone", 2));
  FakeTransport::Call second = transport_.calls.Take();
  limits.in_flight_max = 2;
  Load({ChannelOf("sms", std::make_shared<FakeChannel>("", "v2"), limits)});
  EXPECT_TRUE(Send("sms", 3));
  EXPECT_FALSE(Send("sms", 4)) << "the first one counts still";
  EXPECT_EQ(AnswerNext(Http(200)), "v2?");
  EXPECT_EQ(NextResult(), "3 accepted(v2)");
  first.done(Http(200));
  EXPECT_EQ(NextResult(), "1 accepted(v1)") << "by the codec it began with";
  second.done(Http(200));
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
  EXPECT_FALSE(Send("gone", 5));
}

TEST_F(DispatcherTest, AChannelThatWentBetweenLeaseAndSendKeepsTheMessage) {
  channels::Limits limits;
  limits.in_flight_max = 1;
  Load({ChannelOf("sms", std::make_shared<FakeChannel>(), limits)});
  EXPECT_TRUE(dispatcher_->TryAcquire("sms"));
  Load({});
  SendJob job;
  job.channel = "sms";
  dispatcher_->Send({job});
  EXPECT_EQ(NextResult(), "0 paused(no_channel)");
  Load({ChannelOf("sms", std::make_shared<FakeChannel>(), limits)});
  EXPECT_TRUE(Send("sms", 1)) << "its place is free again";
}

TEST_F(DispatcherTest, CallbacksAreBelievedWhenSignedAndKeptWhenTaken) {
  Load({ChannelOf("sms", std::make_shared<FakeChannel>())});
  channels::CallbackRequest request;
  EXPECT_EQ(dispatcher_->HandleCallback("nobody", request).response.status, 404);
  request.body = "forged";
  EXPECT_EQ(dispatcher_->HandleCallback("sms", request).response.status, 403);
  EXPECT_TRUE(receipts_.empty());
  request.body = "signed";
  const channels::CallbackReply reply = dispatcher_->HandleCallback("sms", request);
  EXPECT_EQ(reply.response.body, "thanks");
  EXPECT_EQ(receipts_.Take(), (std::pair<std::string, size_t>("sms", 2)));
  takes_receipts_ = false;
  EXPECT_EQ(dispatcher_->HandleCallback("sms", request).response.status, 503);
}

TEST_F(DispatcherTest, StopWaitsForWhatIsOnItsWay) {
  Load({ChannelOf("sms", std::make_shared<FakeChannel>()),
        ChannelOf("wechat", std::make_shared<FakeChannel>("app"))});
  EXPECT_TRUE(Send("sms", 1));
  EXPECT_TRUE(Send("wechat", 2));
  FakeTransport::Call sms = transport_.calls.Take();
  FakeTransport::Call token = transport_.calls.Take();
  size_t left = 99;
  std::thread stopper([&] { left = dispatcher_->Stop(30 * kSecondUs); });
  EXPECT_EQ(NextResult(), "2 retry(stopping)") << "it waits for a token and was not sent";
  EXPECT_FALSE(dispatcher_->TryAcquire("sms"));
  sms.done(Http(200));
  stopper.join();
  EXPECT_EQ(left, 0u);
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  SendJob late;
  late.channel = "sms";
  dispatcher_->Send({late});
  EXPECT_EQ(NextResult(), "0 retry(stopping)");
}

TEST_F(DispatcherTest, StopCountsWhatItLeavesOpen) {
  Load({ChannelOf("sms", std::make_shared<FakeChannel>())});
  EXPECT_TRUE(Send("sms", 1));
  FakeTransport::Call call = transport_.calls.Take();
  EXPECT_EQ(dispatcher_->Stop(1'000), 1u);
  dispatcher_.reset();
  call.done(Http(200));  // too late, and harmless
  EXPECT_TRUE(results_.empty());
}

// Many shards at once: each attempt ends once, and no limit is ever passed.
TEST(Dispatcher, ManyShardsShareAChannel) {
  constexpr int kShards = 4;
  constexpr int kSendsEach = 2'000;
  constexpr int kInFlightMax = 8;
  struct CountingTransport : Transport {
    void Send(channels::Request, DurationUs, Done done) override {
      const int now = ++in_flight;
      most = std::max(most.load(), now);
      loop.Post([this, done = std::move(done)] {
        --in_flight;
        done(Http(sent++ % 3 == 0 ? 400 : 200));
      });
    }
    std::atomic<int> in_flight = 0;
    std::atomic<int> most = 0;
    int sent = 0;
    IoLoop loop;
  };
  SystemClock clock;
  SeededRandom random(1);
  CountingTransport transport;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<Id128, int> results;
  uint64_t rooms = 0;
  Dispatcher::Options options;
  options.clock = &clock;
  options.random = &random;
  options.transport = &transport;
  options.on_result = [&](uint16_t, const SendResult& result) {
    const std::lock_guard lock(mutex);
    ++results[result.dispatch];
  };
  options.on_room = [&](std::string_view) {
    const std::lock_guard lock(mutex);
    ++rooms;
    changed.notify_all();
  };
  Dispatcher dispatcher(options);
  channels::Limits limits;
  limits.in_flight_max = kInFlightMax;
  dispatcher.Reload({ChannelOf("sms", std::make_shared<FakeChannel>(), limits)});
  std::vector<std::thread> shards;
  shards.reserve(kShards);
  for (int shard = 0; shard < kShards; ++shard) {
    shards.emplace_back([&, shard] {
      for (int i = 0; i < kSendsEach; ++i) {
        for (;;) {
          std::unique_lock lock(mutex);
          const uint64_t before = rooms;
          lock.unlock();
          if (dispatcher.TryAcquire("sms")) {
            break;
          }
          lock.lock();
          changed.wait(lock, [&] { return rooms != before; });
        }
        SendJob job;
        job.dispatch = Id128{static_cast<uint64_t>(shard) + 1, static_cast<uint64_t>(i)};
        job.channel = "sms";
        dispatcher.Send({std::move(job)});
      }
    });
  }
  for (std::thread& shard : shards) {
    shard.join();
  }
  EXPECT_EQ(dispatcher.Stop(30 * kSecondUs), 0u);
  EXPECT_EQ(results.size(), static_cast<size_t>(kShards * kSendsEach));
  for (const auto& [id, count] : results) {
    ASSERT_EQ(count, 1);
  }
  EXPECT_LE(transport.most, kInFlightMax);
}

}  // namespace
}  // namespace huitou
