// The dispatcher between shards and a transport that answers when the test says so.
#include "daemon/outbox/dispatcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "channels/answer.h"
#include "daemon/outbox/limits.h"
#include "daemon/transports/io_loop.h"
#include "tests/outbox/mailbox.h"

namespace huitou {
namespace {

using channels::Answer;
using channels::HttpRequest;
using channels::HttpResponse;
using channels::Outcome;
using Kind = Outcome::Kind;

Answer Status(int status, std::string body = "") {
  Answer answer;
  answer.response = HttpResponse{status, {}, std::move(body)};
  return answer;
}

Answer Lost(channels::TransportError error) {
  return {error, {}, {}};
}

class FakeTransport : public Transport {
 public:
  struct Call {
    HttpRequest request;
    DurationUs timeout = 0;
    Done done;
  };
  void Send(channels::Request request, DurationUs timeout, Done done) override {
    calls.Put({std::get<HttpRequest>(std::move(request)), timeout, std::move(done)});
  }
  Mailbox<Call> calls;
};

// "401" is an expired token, 403 a wrong account; the token, where there is one, goes into the URL.
class FakeChannel : public channels::Channel {
 public:
  explicit FakeChannel(std::string account = "", std::string name = "v1")
      : account_(std::move(account)), name_(std::move(name)) {}

  channels::Request Encode(const channels::Message& message,
                           const channels::EncodeContext& context) const override {
    HttpRequest request;
    request.url = name_ + "?" + context.access_token;
    request.body = message.text;
    request.headers = {{"nonce", context.nonce}};
    return request;
  }
  Outcome Decode(const Answer& answer, TimeUs now) const override {
    if (auto lost = channels::LostAnswer(answer)) {
      return *lost;
    }
    if (channels::HttpResponseOf(answer)->status == 401) {
      return channels::MakeOutcome(Kind::kTokenExpired, "token");
    }
    return channels::HttpFailure(answer, now)
        .value_or(channels::MakeOutcome(Kind::kAccepted, name_));
  }
  channels::CallbackReply DecodeCallback(const channels::CallbackRequest& request,
                                         TimeUs /*now*/) const override {
    channels::CallbackReply reply = channels::AcceptCallback("text/plain", "thanks");
    if (request.body != "signed") {
      return channels::RefuseCallback(403);
    }
    reply.receipts.resize(2);
    return reply;
  }
  std::optional<HttpRequest> TokenRequest() const override {
    if (account_.empty()) {
      return std::nullopt;
    }
    HttpRequest request;
    request.url = "token?" + account_;
    return request;
  }
  Result<Token> DecodeToken(const HttpResponse& response) const override {
    if (response.status == 200) {
      return Token{response.body, 2 * kHourUs};
    }
    return huitou::Status(response.status == 400 ? StatusCode::kInvalid : StatusCode::kUnavailable,
                          "no token");
  }

 private:
  std::string account_;
  std::string name_;
};

class FakeCoupons : public channels::CouponProvider {
 public:
  explicit FakeCoupons(bool local) : local_(local) {}
  Step Issue(const channels::CouponRequest& request,
             const channels::EncodeContext&) const override {
    if (local_) {
      return "CODE-" + request.coupon;
    }
    return HttpRequest{"POST", "coupons", {}, request.coupon};
  }
  channels::CouponOutcome Decode(const Answer& answer, TimeUs) const override {
    const HttpResponse* response = channels::HttpResponseOf(answer);
    return {channels::MakeOutcome(response->status == 200 ? Kind::kAccepted : Kind::kRejected, ""),
            response->body};
  }

 private:
  bool local_;
};

class RecordingObserver : public DispatchObserver {
 public:
  void OnOutcome(std::string_view channel, std::string_view provider, const Outcome& outcome,
                 DurationUs took) override {
    ++told_;
    outcomes.Put(std::string(channel) + "/" + std::string(provider) + " " + outcome.reason + " " +
                 FormatDuration(took));
  }
  void OnCircuit(std::string_view channel, CircuitBreaker::State state) override {
    circuits.Put(std::string(channel) + " " + std::string(ToString(state)) + " after " +
                 std::to_string(told_));
  }
  Mailbox<std::string> outcomes, circuits;
  int told_ = 0;
};

DispatchChannel ChannelOf(std::string name, std::shared_ptr<const channels::Channel> codec,
                          channels::Limits limits = {}) {
  DispatchChannel channel;
  channel.name = std::move(name);
  channel.provider = "fake";
  channel.codec = std::move(codec);
  channel.limits = limits;
  return channel;
}

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    Dispatcher::Options options;
    options.clock = &clock_;
    options.random = &random_;
    options.transport = &transport_;
    options.observer = &observer_;
    options.on_result = [this](uint16_t shard, SendResult result) {
      results_.Put({shard, std::move(result)});
    };
    options.on_room = [this](std::string_view channel) { room_.Put(std::string(channel)); };
    options.on_receipts = [this](const std::string& channel,
                                 std::vector<channels::Receipt> receipts) {
      receipts_.Put({channel, receipts.size()});
      return takes_receipts_;
    };
    dispatcher_ = std::make_unique<Dispatcher>(std::move(options));
  }

  void Load(std::vector<DispatchChannel> channels) {
    const size_t count = channels.size();
    dispatcher_->Reload(std::move(channels));
    for (size_t i = 0; i < count; ++i) {
      room_.Take();
      observer_.circuits.Take();
    }
  }

  bool Send(const std::string& channel, uint64_t id = 1) {
    if (!dispatcher_->TryAcquire(channel)) {
      return false;
    }
    SendJob job;
    job.shard = static_cast<uint16_t>(id % 7);
    job.dispatch = Id128{1, id};
    job.attempt = 3;
    job.channel = channel;
    job.message.text = std::to_string(id);
    job.coupon.coupon = "c" + std::to_string(id);
    dispatcher_->Send(std::move(job));
    return true;
  }

  // "1 accepted(reason)"
  std::string NextResult() {
    const SendResult result = results_.Take().second;
    static const char* const kWords[] = {"accepted", "rejected", "retry",
                                         "unknown",  "expired",  "paused"};
    std::string text =
        std::to_string(result.dispatch.low) + " " + kWords[static_cast<int>(result.outcome.kind)];
    if (!result.outcome.reason.empty()) {
      text += "(" + result.outcome.reason + ")";
    }
    return text + (result.coupon_code.empty() ? "" : " " + result.coupon_code);
  }

  // Answers the next request; its URL.
  std::string AnswerNext(const Answer& answer) {
    FakeTransport::Call call = transport_.calls.Take();
    call.done(answer);
    return call.request.url;
  }

  ManualClock clock_{1'000 * kSecondUs};
  SeededRandom random_{7};
  FakeTransport transport_;
  RecordingObserver observer_;
  Mailbox<std::pair<uint16_t, SendResult>> results_;
  Mailbox<std::string> room_;
  Mailbox<std::pair<std::string, size_t>> receipts_;
  bool takes_receipts_ = true;
  std::unique_ptr<Dispatcher> dispatcher_;
};

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
  second.done(Status(200));
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
  EXPECT_EQ(AnswerNext(Status(200, "SHOP5")), "coupons");
  EXPECT_EQ(NextResult(), "5 accepted SHOP5");
}

TEST_F(DispatcherTest, NoMoreThanItsLimitIsOnItsWay) {
  channels::Limits limits;
  limits.in_flight_max = 2;
  Load({ChannelOf("sms", std::make_shared<FakeChannel>(), limits)});
  EXPECT_TRUE(Send("sms", 1));
  EXPECT_TRUE(Send("sms", 2));
  EXPECT_FALSE(Send("sms", 3));
  AnswerNext(Status(200));
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
  AnswerNext(Status(200));
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
  clock_.Advance(outbox_limits::kOpenMin);
  EXPECT_EQ(room_.Take(), "sms");
  EXPECT_TRUE(Send("sms", 1));
  EXPECT_FALSE(Send("sms", 3)) << "one probe at a time";
  EXPECT_EQ(observer_.circuits.Take(), "sms half_open after 6");
  AnswerNext(Status(200));
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  EXPECT_EQ(observer_.circuits.Take(), "sms closed after 7");
  EXPECT_EQ(room_.Take(), "sms");
  EXPECT_TRUE(Send("sms", 3));
}

TEST_F(DispatcherTest, AWrongAccountStopsItsChannelAtOnce) {
  Load({ChannelOf("sms", std::make_shared<FakeChannel>())});
  EXPECT_TRUE(Send("sms", 1));
  AnswerNext(Status(403));
  EXPECT_EQ(NextResult(), "1 paused(unauthorized)");
  EXPECT_FALSE(Send("sms", 2));
}

TEST_F(DispatcherTest, OneTokenIsFetchedForAllWhoWait) {
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app"))});
  EXPECT_TRUE(Send("wechat", 1));
  EXPECT_TRUE(Send("wechat", 2));
  EXPECT_EQ(AnswerNext(Status(200, "t1")), "token?app");
  EXPECT_EQ(AnswerNext(Status(200)), "v1?t1");
  EXPECT_EQ(AnswerNext(Status(200)), "v1?t1");
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
  EXPECT_TRUE(transport_.calls.empty());
}

TEST_F(DispatcherTest, ATokenIsRenewedBeforeItsEndWithoutHoldingAnybody) {
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app"))});
  EXPECT_TRUE(Send("wechat", 1));
  AnswerNext(Status(200, "t1"));
  AnswerNext(Status(200));
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  clock_.Advance(2 * kHourUs - outbox_limits::kTokenMargin);
  EXPECT_TRUE(Send("wechat", 2));
  FakeTransport::Call refresh = transport_.calls.Take();
  EXPECT_EQ(refresh.request.url, "token?app");
  EXPECT_EQ(AnswerNext(Status(200)), "v1?t1");
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
  EXPECT_TRUE(Send("wechat", 3));
  EXPECT_EQ(AnswerNext(Status(200)), "v1?t1") << "one refresh at a time";
  EXPECT_EQ(NextResult(), "3 accepted(v1)");
  refresh.done(Status(200, "t2"));
  EXPECT_TRUE(Send("wechat", 4));
  EXPECT_EQ(AnswerNext(Status(200)), "v1?t2");
}

TEST_F(DispatcherTest, ATokenThatExpiresInTheMiddleIsReplacedOnce) {
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app"))});
  EXPECT_TRUE(Send("wechat", 1));
  AnswerNext(Status(200, "t1"));
  AnswerNext(Status(200));
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  clock_.Advance(kMinuteUs);
  EXPECT_TRUE(Send("wechat", 2));
  EXPECT_TRUE(Send("wechat", 3));
  EXPECT_EQ(AnswerNext(Status(401)), "v1?t1");
  EXPECT_EQ(AnswerNext(Status(401)), "v1?t1");
  EXPECT_EQ(AnswerNext(Status(200, "t2")), "token?app");
  EXPECT_EQ(AnswerNext(Status(200)), "v1?t2");
  EXPECT_EQ(AnswerNext(Status(401)), "v1?t2");
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
  EXPECT_EQ(NextResult(), "3 expired(token)") << "the shard decides on a second time";
  EXPECT_TRUE(transport_.calls.empty());
}

TEST_F(DispatcherTest, ATokenThatDiesYoungHoldsTheSendsUntilAnotherMayBeAskedFor) {
  channels::Limits limits;
  limits.in_flight_max = 2;
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app"), limits)});
  EXPECT_TRUE(Send("wechat", 1));
  AnswerNext(Status(200, "t1"));
  EXPECT_EQ(AnswerNext(Status(401)), "v1?t1");
  EXPECT_TRUE(Send("wechat", 2));
  EXPECT_FALSE(Send("wechat", 3)) << "those who wait hold their places";
  EXPECT_TRUE(results_.empty());
  EXPECT_TRUE(transport_.calls.empty());
  clock_.Advance(outbox_limits::kTokenAgeMin);
  EXPECT_EQ(AnswerNext(Status(200, "t2")), "token?app");
  EXPECT_EQ(AnswerNext(Status(200)), "v1?t2");
  EXPECT_EQ(AnswerNext(Status(200)), "v1?t2");
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
}

TEST_F(DispatcherTest, AProviderThatStaysAwayIsDown) {
  Load({ChannelOf("sms", std::make_shared<FakeChannel>())});
  EXPECT_TRUE(dispatcher_->IsDown("pigeon")) << "no such channel";
  EXPECT_TRUE(Send("sms", 1));
  AnswerNext(Status(403));
  EXPECT_EQ(NextResult(), "1 paused(unauthorized)");
  clock_.Advance(outbox_limits::kDownAfter);
  EXPECT_TRUE(dispatcher_->IsDown("sms"));
  EXPECT_TRUE(Send("sms", 2)) << "a probe";
  AnswerNext(Status(200));
  EXPECT_EQ(NextResult(), "2 accepted(v1)");
  EXPECT_FALSE(dispatcher_->IsDown("sms"));
}

TEST_F(DispatcherTest, WithoutATokenNothingIsSent) {
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app"))});
  EXPECT_TRUE(Send("wechat", 1));
  EXPECT_EQ(AnswerNext(Status(500)), "token?app");
  EXPECT_EQ(NextResult(), "1 retry(no_token)");
  EXPECT_TRUE(Send("wechat", 2));
  EXPECT_EQ(AnswerNext(Lost(channels::TransportError::kAmbiguous)), "token?app");
  EXPECT_EQ(NextResult(), "2 retry(no_token)");
  EXPECT_TRUE(Send("wechat", 3));
  EXPECT_EQ(AnswerNext(Status(400)), "token?app");
  EXPECT_EQ(NextResult(), "3 paused(token_refused)");
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
  EXPECT_EQ(AnswerNext(Status(200)), "v2?");
  EXPECT_EQ(NextResult(), "3 accepted(v2)");
  first.done(Status(200));
  EXPECT_EQ(NextResult(), "1 accepted(v1)") << "by the codec it began with";
  second.done(Status(200));
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
  dispatcher_->Send(job);
  EXPECT_EQ(NextResult(), "0 paused(no_channel)");
  Load({ChannelOf("sms", std::make_shared<FakeChannel>(), limits)});
  EXPECT_TRUE(Send("sms", 1)) << "its place is free again";
}

TEST_F(DispatcherTest, AReloadKeepsTheTokenOfTheSameAccountOnly) {
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app"))});
  EXPECT_TRUE(Send("wechat", 1));
  AnswerNext(Status(200, "t1"));
  AnswerNext(Status(200));
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("app", "v2"))});
  EXPECT_TRUE(Send("wechat", 2));
  EXPECT_EQ(AnswerNext(Status(200)), "v2?t1");
  Load({ChannelOf("wechat", std::make_shared<FakeChannel>("other", "v3"))});
  EXPECT_TRUE(Send("wechat", 3));
  EXPECT_EQ(AnswerNext(Status(200, "t9")), "token?other");
  EXPECT_EQ(AnswerNext(Status(200)), "v3?t9");
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
  sms.done(Status(200));
  stopper.join();
  EXPECT_EQ(left, 0u);
  EXPECT_EQ(NextResult(), "1 accepted(v1)");
  SendJob late;
  late.channel = "sms";
  dispatcher_->Send(late);
  EXPECT_EQ(NextResult(), "0 retry(stopping)");
}

TEST_F(DispatcherTest, StopCountsWhatItLeavesOpen) {
  Load({ChannelOf("sms", std::make_shared<FakeChannel>())});
  EXPECT_TRUE(Send("sms", 1));
  FakeTransport::Call call = transport_.calls.Take();
  EXPECT_EQ(dispatcher_->Stop(1'000), 1u);
  dispatcher_.reset();
  call.done(Status(200));  // too late, and harmless
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
        done(Status(sent++ % 3 == 0 ? 400 : 200));
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
  options.on_result = [&](uint16_t, SendResult result) {
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
        dispatcher.Send(std::move(job));
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
