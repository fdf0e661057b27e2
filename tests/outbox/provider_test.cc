// The whole way out: records, dispatcher, transports, and a provider in another process that
// verifies like a real one and fails in every way (tests/judges/provider_server.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "channels/channel.h"
#include "daemon/outbox/dispatcher.h"
#include "daemon/transports/transports.h"
#include "tests/transports/support.h"

namespace huitou {
namespace {

using channels::Outcome;
using channels::Promise;

constexpr auto kPatience = std::chrono::seconds(120);

// A judge takes orders and says what it received, by HTTP.
class Judge {
 public:
  explicit Judge(const std::string& script = "provider_server.py")
      : child_({"/usr/bin/python3", HUITOU_SOURCE_DIR "/tests/judges/" + script}) {
    ports_ = child_.ReadLine();
    url_ = "http://127.0.0.1:" + ports_.substr(ports_.find(' ') + 1);
  }

  bool alive() const { return !ports_.empty(); }
  std::string url(const std::string& path = "") const { return url_ + path; }
  // Of the mail judge: the port for mail comes before that for orders.
  std::string mail_url() const { return "smtp://127.0.0.1:" + ports_.substr(0, ports_.find(' ')); }

  void Order(const std::string& order) {
    channels::HttpRequest request;
    request.url = url("/control");
    request.body = order;
    EXPECT_TRUE(Say(Call(&transport_, request)).starts_with("200")) << order;
  }

  // {"messages": ...} as text.
  std::string Received() {
    channels::HttpRequest request;
    request.method = "GET";
    request.url = url("/received");
    return Say(Call(&transport_, request));
  }

 private:
  Child child_;
  std::string ports_;
  std::string url_;
  HttpTransport transport_;
};

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

std::shared_ptr<const channels::Channel> Make(const std::string& provider,
                                              std::map<std::string, std::string> values) {
  config::Settings settings;
  settings.values = std::move(values);
  Result<std::unique_ptr<channels::Channel>> channel =
      channels::FindProvider(provider)->make(settings);
  EXPECT_TRUE(channel.ok()) << channel.status().message();
  return std::move(*channel);
}

DispatchChannel ChannelOf(const std::string& name, std::shared_ptr<const channels::Channel> codec) {
  DispatchChannel channel;
  channel.name = name;
  channel.provider = "test";
  channel.codec = std::move(codec);
  channel.limits.in_flight_max = 4;
  channel.limits.timeout = kSecondUs;
  return channel;
}

// What a shard does with its outbox, without the rest of a shard.
class TinyShard {
 public:
  struct Life {
    OutboxRecord record;
    Transition end;
    int sends = 0;
    int unknown = 0;
  };

  TinyShard(const WallClock* clock, Transport* transport, DispatchObserver* observer = nullptr)
      : clock_(clock) {
    Dispatcher::Options options;
    options.observer = observer;
    options.clock = clock;
    options.random = &random_;
    options.transport = transport;
    options.on_result = [this](uint16_t, SendResult result) {
      const std::lock_guard lock(mutex_);
      inbox_.push_back(std::move(result));
      news_.notify_one();
    };
    options.on_room = [this](std::string_view) {
      const std::lock_guard lock(mutex_);
      room_ = true;
      news_.notify_one();
    };
    dispatcher_ = std::make_unique<Dispatcher>(std::move(options));
  }

  Dispatcher* dispatcher() { return dispatcher_.get(); }

  void SetPolicy(const std::string& channel, Promise promise) {
    ChannelPolicy policy;
    policy.promise = promise;
    policy.backoff_min = 1'000;
    policy.backoff_max = 20'000;
    policy.attempts_max = 50;
    policy.unknown_wait = 1'000;
    policies_[channel] = policy;
  }

  Id128 Plan(const std::string& channel) {
    const Id128 id{0xabc, ++planned_};
    Life life;
    life.record.dispatch.id = id;
    life.record.dispatch.via = {channel};
    lives_[id] = std::move(life);
    return id;
  }

  // Until every record is settled.
  void Run() {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (Turn()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "does not settle";
      std::unique_lock lock(mutex_);
      // Retries come due by the clock, everything else with news.
      news_.wait_for(lock, std::chrono::milliseconds(5),
                     [this] { return room_ || !inbox_.empty(); });
      room_ = false;
    }
  }

  const std::map<Id128, Life>& lives() const { return lives_; }

  static std::string AddressOf(const std::string& channel, const Id128& dispatch) {
    if (channel == "email") {
      return "li@example.com";
    }
    const bool sms = channel.starts_with("aliyun") || channel.starts_with("tencent");
    return sms ? "+86" + std::to_string(13'800'000'000 + dispatch.low) : "oABCDEF123456";
  }

 private:
  // False when all is settled.
  bool Turn() {
    std::vector<SendResult> results;
    {
      const std::lock_guard lock(mutex_);
      results.swap(inbox_);
    }
    for (const SendResult& result : results) {
      Life& life = lives_.at(result.dispatch);
      life.unknown += result.outcome.kind == Outcome::Kind::kUnknown ? 1 : 0;
      Apply(&life, OnSendResult(&life.record, result, Policy(life), clock_->Now(), 0.5));
    }
    bool open = false;
    std::vector<SendJob> jobs;
    for (auto& [id, life] : lives_) {
      if (!life.end.settled) {
        Apply(&life, OnDue(&life.record, Policy(life), clock_->Now()));
        Lease(&life, &jobs);
        open = true;
      }
    }
    if (!jobs.empty()) {
      dispatcher_->Send(std::move(jobs));
    }
    return open;
  }

  const ChannelPolicy& Policy(const Life& life) const {
    return policies_.at(life.record.channel());
  }

  static void Apply(Life* life, const Transition& transition) {
    if (transition.settled) {
      life->end = transition;
    }
  }

  void Lease(Life* life, std::vector<SendJob>* jobs) {
    OutboxRecord& record = life->record;
    if (life->end.settled || record.state != OutboxRecord::State::kPlanned ||
        record.not_before > clock_->Now() || !dispatcher_->TryAcquire(record.channel())) {
      return;
    }
    record.state = OutboxRecord::State::kLeased;
    ++life->sends;
    SendJob job;
    job.dispatch = record.dispatch.id;
    job.attempt = record.attempts;
    job.channel = record.channel();
    job.message.dispatch = record.dispatch.id;
    job.message.customer = "c1";
    job.message.address = AddressOf(job.channel, job.dispatch);
    job.message.channel = job.channel;
    job.message.template_name = "winback";
    job.message.text = "回头";
    job.message.fields = {{"template_id", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123"},
                          {"code", "SMS_123"},
                          {"param.thing1", "回头"},
                          {"subject", "回头客,您好"}};
    if (job.channel.starts_with("tencent")) {
      job.message.fields.front().second = "1234";
    }
    jobs->push_back(std::move(job));
  }

  const WallClock* clock_;
  SeededRandom random_{1};
  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<SendResult> inbox_;
  bool room_ = false;
  std::map<std::string, ChannelPolicy> policies_;
  std::map<Id128, Life> lives_;
  uint64_t planned_ = 0;
  std::unique_ptr<Dispatcher> dispatcher_;
};

// Every fault before and after the message was taken, among right answers so that no circuit opens.
void OrderFaults(Judge* judge, const std::string& path) {
  const std::string faults[] = {
      R"("fault": "hang")",
      R"("fault": "hang", "after": true)",
      R"("fault": "reset")",
      R"("fault": "reset", "after": true)",
      R"("fault": "close")",
      R"("fault": "close", "after": true)",
      R"("fault": "cut", "after": true)",
      R"("fault": "garbage", "after": true)",
      R"("fault": "huge", "after": true)",
      R"("fault": "slow", "delay_ms": 50)",
      R"("fault": "status", "status": 500)",
      R"("fault": "status", "status": 500, "after": true)",
      R"("fault": "status", "status": 503)",
      R"("fault": "status", "status": 429, "headers": {"retry-after": "1"})",
  };
  for (const std::string& fault : faults) {
    judge->Order(R"({"path": ")" + path + R"(", )" + fault + "}");
    judge->Order(R"({"path": ")" + path + R"(", "fault": "slow", "times": 3})");
  }
}

TEST(Provider, NothingIsLostAndNothingDoubledBeyondThePromise) {
  const TemporaryDirectory directory;
  Judge judge;
  Transports transports;
  SystemClock clock;
  TinyShard shard(&clock, &transports);
  const std::map<std::string, std::string> webhook = {
      {"url", judge.url("/webhook")}, {"secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}};
  const std::string path = directory / "calm.jsonl";
  shard.dispatcher()->Reload({ChannelOf("least", Make("webhook", webhook)),
                              ChannelOf("most", Make("webhook", webhook)),
                              ChannelOf("calm", Make("file", {{"path", path}}))});
  shard.SetPolicy("least", Promise::kAtLeastOnce);
  shard.SetPolicy("most", Promise::kAtMostOnce);
  shard.SetPolicy("calm", Promise::kAtLeastOnce);
  OrderFaults(&judge, "/webhook");
  for (int i = 0; i < 40; ++i) {
    shard.Plan("least");
    shard.Plan("most");
    shard.Plan("calm");
  }
  shard.Run();
  ASSERT_EQ(shard.dispatcher()->Stop(10 * kSecondUs), 0u);

  const std::string received = judge.Received();
  std::ifstream file(path);
  const std::string lines{std::istreambuf_iterator<char>(file), {}};
  int unknown = 0;
  for (const auto& [id, life] : shard.lives()) {
    unknown += life.unknown;
    const bool accepted = life.end.event == Transition::Event::kAccepted;
    const std::string name = life.record.channel();
    if (name == "calm") {
      EXPECT_EQ(life.sends, 1) << "not held by the others";
      EXPECT_EQ(CountOf(lines, id.ToString()), 1);
      continue;
    }
    const int copies = CountOf(received, "\"id\": \"" + id.ToString() + "\"");
    if (name == "least") {
      EXPECT_TRUE(accepted) << life.end.reason;
      EXPECT_GE(copies, 1);
      EXPECT_LE(copies, 1 + life.unknown);
    } else {
      EXPECT_LE(copies, 1);
      EXPECT_EQ(accepted, life.unknown == 0);
      EXPECT_TRUE(!accepted || copies == 1);
      EXPECT_TRUE(accepted || life.end.reason == "unknown") << life.end.reason;
    }
  }
  EXPECT_GE(unknown, 8) << "the faults came to pass";
}

// Whole batches go wrong, and nothing else does.
TEST(Provider, ABatchKeepsThePromiseForEachOfItsMessages) {
  Judge judge;
  Transports transports;
  SystemClock clock;
  TinyShard shard(&clock, &transports);
  const std::map<std::string, std::string> keys = {{"access_key_id", "judge-key-id"},
                                                   {"access_key_secret", "judge-key-secret"},
                                                   {"secret_id", "judge-secret-id"},
                                                   {"secret_key", "judge-secret-key"},
                                                   {"sdk_app_id", "1400006666"},
                                                   {"sign_name", "回头小店"},
                                                   {"batch", "10"},
                                                   {"endpoint", judge.url()}};
  std::vector<DispatchChannel> channels;
  for (const std::string provider : {"aliyun", "tencent"}) {
    channels.push_back(ChannelOf(provider, Make(provider, keys)));
    channels.back().limits.in_flight_max = 40;
    shard.SetPolicy(provider, Promise::kAtMostOnce);
  }
  shard.dispatcher()->Reload(channels);
  OrderFaults(&judge, "/");
  for (int i = 0; i < 200; ++i) {
    shard.Plan("aliyun");
    shard.Plan("tencent");
  }
  shard.Run();
  ASSERT_EQ(shard.dispatcher()->Stop(10 * kSecondUs), 0U);

  const std::string received = judge.Received();
  int unknown = 0;
  for (const auto& [id, life] : shard.lives()) {
    const std::string address = TinyShard::AddressOf(life.record.channel(), id);
    const int copies = CountOf(received, address.substr(1) + "\"");
    const bool accepted = life.end.event == Transition::Event::kAccepted;
    unknown += life.unknown;
    EXPECT_LE(copies, 1);
    EXPECT_EQ(accepted, life.unknown == 0) << life.end.reason;
    EXPECT_TRUE(!accepted || copies == 1);
  }
  EXPECT_GE(unknown, 16) << "the faults came to pass, for several each";
  EXPECT_LE(CountOf(received, "\"provider\""), 400);
  const std::string requests = received.substr(received.find("\"requests\""));
  EXPECT_LT(std::stoi(requests.substr(requests.find("\"/\": ") + 5)), 200) << "far fewer requests";
}

class CircuitObserver : public DispatchObserver {
 public:
  void OnCircuit(std::string_view, CircuitBreaker::State state) override { last = state; }
  void OnOutcome(std::string_view, std::string_view, const Outcome& outcome, DurationUs) override {
    reason = outcome.reason;
  }
  CircuitBreaker::State last = CircuitBreaker::State::kClosed;
  std::string reason;
};

TEST(Provider, ARedirectStopsTheChannelAndIsNotFollowed) {
  Judge judge;
  Transports transports;
  SystemClock clock;
  CircuitObserver observer;
  TinyShard shard(&clock, &transports, &observer);
  shard.dispatcher()->Reload(
      {ChannelOf("hook", Make("webhook", {{"url", judge.url("/webhook")},
                                          {"secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}))});
  judge.Order(R"({"path": "/webhook", "fault": "redirect"})");
  ASSERT_TRUE(shard.dispatcher()->TryAcquire("hook"));
  SendJob job;
  job.channel = "hook";
  shard.dispatcher()->Send({job});
  EXPECT_EQ(shard.dispatcher()->Stop(30 * kSecondUs), 0u);
  EXPECT_EQ(observer.reason, "redirect");
  EXPECT_EQ(observer.last, CircuitBreaker::State::kOpen);
  EXPECT_NE(judge.Received().find("\"redirects_followed\": 0"), std::string::npos);
}

TEST(Provider, ATokenThatDiesInTheMiddleCostsNoMessage) {
  Judge judge;
  Transports transports;
  ManualClock clock(SystemClock().Now());
  TinyShard shard(&clock, &transports);
  shard.dispatcher()->Reload(
      {ChannelOf("wechat", Make("wechat_template", {{"app_id", "wx5823bf96d3bd56c7"},
                                                    {"app_secret", "judge-app-secret"},
                                                    {"endpoint", judge.url()}}))});
  shard.SetPolicy("wechat", Promise::kAtMostOnce);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i) {
      shard.Plan("wechat");
    }
    shard.Run();
    clock.Advance(kMinuteUs);
    judge.Order(R"({"expire_tokens": true})");
  }
  for (const auto& [id, life] : shard.lives()) {
    EXPECT_EQ(life.end.event, Transition::Event::kAccepted) << life.end.reason;
    EXPECT_EQ(life.sends, 1) << "the dispatcher repeats by itself";
  }
  const std::string received = judge.Received();
  EXPECT_EQ(CountOf(received, "\"address\": \"oABCDEF123456\""), 30);
  EXPECT_NE(received.find("\"/cgi-bin/stable_token\": 3"), std::string::npos) << received;
}

TEST(Provider, MailIsRepeatedOnlyWhereItCertainlyDidNotArrive) {
  Judge judge("smtp_server.py");
  if (!judge.alive()) {
    GTEST_SKIP() << "no aiosmtpd here";
  }
  Transports transports;
  SystemClock clock;
  TinyShard shard(&clock, &transports);
  DispatchChannel email = ChannelOf(
      "email", Make("smtp", {{"url", judge.mail_url()}, {"from", "回头 <shop@example.com>"}}));
  email.limits.timeout = 2 * kSecondUs;
  shard.dispatcher()->Reload({email});
  shard.SetPolicy("email", Promise::kAtMostOnce);
  const std::string orders[] = {
      R"({"at": "rcpt", "reply": "450 4.2.0 later", "times": 2})",
      R"({"at": "rcpt", "reply": "550 5.1.1 nobody"})",
      R"({"at": "mail", "reply": "451 4.3.0 later"})",
      R"({"at": "mail", "drop": true})",
      R"({"at": "data", "reply": "452 4.3.1 full"})",
      R"({"at": "data", "reply": "554 5.7.1 spam"})",
      R"({"at": "data", "drop": true})",
      R"({"at": "data", "drop": true, "after": true})",
      R"({"at": "data", "delay_ms": 20000})",
  };
  for (const std::string& order : orders) {
    judge.Order(order);
  }
  for (int i = 0; i < 20; ++i) {
    shard.Plan("email");
  }
  shard.Run();
  ASSERT_EQ(shard.dispatcher()->Stop(10 * kSecondUs), 0u);
  const std::string received = judge.Received();
  int accepted = 0;
  std::map<std::string, int> failures;
  for (const auto& [id, life] : shard.lives()) {
    const int copies = CountOf(received, "\"message_id\": \"<" + id.ToString());
    EXPECT_LE(copies, 1);
    if (life.end.event == Transition::Event::kAccepted) {
      EXPECT_EQ(copies, 1);
      ++accepted;
    } else {
      ++failures[life.end.reason];
    }
  }
  EXPECT_EQ(failures,
            (std::map<std::string, int>{{"bad_address", 1}, {"policy", 1}, {"unknown", 3}}));
  EXPECT_EQ(accepted, 15);
  EXPECT_GE(CountOf(received, "\"subject\": \"回头客,您好\", \"text\": \"回头"), accepted);
  EXPECT_EQ(CountOf(received, "\"defects\": []"), CountOf(received, "\"message_id\""));
}

}  // namespace
}  // namespace huitou
