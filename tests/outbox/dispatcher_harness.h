// The dispatcher between shards and a transport that answers when the test says so. For the tests
// of one thread each.
//
//   class MyTest : public DispatcherTest {};
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "channels/answer.h"
#include "daemon/outbox/dispatcher.h"
#include "daemon/outbox/limits.h"
#include "daemon/transports/io_loop.h"
#include "tests/outbox/mailbox.h"

namespace huitou {

using channels::Answer;
using channels::HttpRequest;
using channels::HttpResponse;
using channels::Outcome;
using Kind = Outcome::Kind;

inline Answer Http(int status, std::string body = "") {
  Answer answer;
  answer.response = HttpResponse{status, {}, std::move(body)};
  return answer;
}

inline Answer Lost(channels::TransportError error) {
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
    if (!request.url.empty()) {
      reply.receipts[0].kind = channels::Receipt::Kind::kReplied;
    }
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

// As FakeChannel, and messages with the same field may go together. An answer to several is a
// letter for each: a(ccepted), r(ejected), u(nknown); "no" refuses all.
class FakeBatches : public FakeChannel {
 public:
  explicit FakeBatches(size_t most, std::string account = "")
      : FakeChannel(std::move(account)), most_(most) {}

  size_t BatchMax() const override { return most_; }
  std::string BatchKey(const channels::Message& message) const override {
    return message.fields.empty() ? "" : message.fields.front().second;
  }
  channels::Request EncodeBatch(std::span<const channels::Message> messages,
                                const channels::EncodeContext& context) const override {
    auto request = std::get<HttpRequest>(Encode(messages.front(), context));
    request.body = "[";
    for (const channels::Message& message : messages) {
      request.body += message.text + " ";
    }
    request.body.back() = ']';
    return request;
  }
  std::optional<std::vector<Outcome>> DecodeBatch(const Answer& answer,
                                                  std::span<const channels::Message> messages,
                                                  TimeUs now) const override {
    const HttpResponse* response = channels::HttpResponseOf(answer);
    if (response == nullptr || response->status != 200) {
      return channels::OutcomesOfBatch(Decode(answer, now), messages.size());
    }
    if (response->body == "no") {
      return std::nullopt;
    }
    std::vector<Outcome> outcomes;
    for (const char letter : response->body) {
      outcomes.push_back(letter == 'a'   ? channels::MakeOutcome(Kind::kAccepted, "")
                         : letter == 'r' ? channels::MakeOutcome(Kind::kRejected, "bad_number")
                                         : channels::MakeOutcome(Kind::kUnknown, "server_error"));
    }
    return outcomes;
  }

 private:
  size_t most_;
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
  void OnQuery(std::string_view channel, std::string_view answer) override {
    queries.Put(std::string(channel) + " " + std::string(answer));
  }
  Mailbox<std::string> outcomes, circuits, queries;
  int told_ = 0;
};

inline DispatchChannel ChannelOf(std::string name, std::shared_ptr<const channels::Channel> codec,
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
    options.on_query_result = [this](uint16_t shard, QueryResult result) {
      answers_.Put({shard, std::move(result)});
    };
    options.on_polled = [this](const std::string& channel,
                               const std::vector<channels::Receipt>& receipts) {
      polled_.Put({channel, receipts.size()});
    };
    options.on_room = [this](std::string_view channel) { room_.Put(std::string(channel)); };
    options.on_receipts = [this](const std::string& channel,
                                 const std::vector<channels::Receipt>& receipts) {
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

  static SendJob JobOf(const std::string& channel, uint64_t id, const std::string& key = "") {
    SendJob job;
    job.shard = static_cast<uint16_t>(id % 7);
    job.dispatch = Id128{1, id};
    job.attempt = 3;
    job.channel = channel;
    job.message.text = std::to_string(id);
    job.message.address = "to " + std::to_string(id);
    if (!key.empty()) {
      job.message.fields = {{"key", key}};
    }
    job.coupon.coupon = "c" + std::to_string(id);
    return job;
  }

  bool Send(const std::string& channel, uint64_t id = 1) {
    if (!dispatcher_->TryAcquire(channel)) {
      return false;
    }
    dispatcher_->Send({JobOf(channel, id)});
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
  Mailbox<std::pair<uint16_t, QueryResult>> answers_;
  Mailbox<std::pair<std::string, size_t>> polled_;
  bool takes_receipts_ = true;
  std::unique_ptr<Dispatcher> dispatcher_;
};

}  // namespace huitou
