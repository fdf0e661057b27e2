// Questions to providers: about single messages, and for receipts that they keep.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/outbox/limits.h"
#include "tests/outbox/dispatcher_harness.h"

namespace huitou {
namespace {

using channels::QueryAnswer;
using channels::SentMessage;

// Answers "found", "lost" and any other; nothing can be asked about a message without a text.
// Receipts are fetched from "kept" at once, the answer says how many there are, "+" that there are
// more.
class AskedChannel : public FakeChannel {
 public:
  explicit AskedChannel(DurationUs poll = 0) : poll_(poll) {}

  std::optional<HttpRequest> EncodeQuery(const SentMessage& sent,
                                         const channels::EncodeContext& context) const override {
    if (sent.message.text.empty()) {
      return std::nullopt;
    }
    HttpRequest request;
    request.url = "query?" + sent.message.text + "&" + FormatDuration(sent.sent_at);
    request.headers = {{"nonce", context.nonce}};
    return request;
  }
  QueryAnswer DecodeQuery(const Answer& answer, const SentMessage& sent) const override {
    const HttpResponse* response = channels::HttpResponseOf(answer);
    QueryAnswer said;
    if (response == nullptr) {
      return said;
    }
    said.kind =
        response->body == "found" ? QueryAnswer::Kind::kAccepted : QueryAnswer::Kind::kNotFound;
    said.provider_message_id = "id of " + sent.message.text;
    return said;
  }
  DurationUs PollInterval() const override { return poll_; }
  std::vector<HttpRequest> EncodePolls(const channels::EncodeContext&) const override {
    HttpRequest request;
    request.url = "kept";
    return {request};
  }
  Result<Polled> DecodePoll(const Answer& answer) const override {
    const HttpResponse* response = channels::HttpResponseOf(answer);
    if (response == nullptr) {
      return huitou::Status(StatusCode::kUnavailable, "no_answer");
    }
    Polled polled;
    polled.receipts.resize(static_cast<size_t>(response->body[0] - '0'));
    polled.more = response->body.ends_with('+');
    return polled;
  }

 private:
  const DurationUs poll_;
};

class DispatcherQueryTest : public DispatcherTest {
 protected:
  void Ask(uint64_t id, const std::string& text, const std::string& channel = "sms") {
    QueryJob job;
    job.shard = static_cast<uint16_t>(id);
    job.dispatch = Id128{1, id};
    job.attempts = 2;
    job.channel = channel;
    job.sent.message.text = text;
    job.sent.sent_at = 5 * kSecondUs;
    dispatcher_->Query(std::move(job));
  }

  // "3 1-3#2 sms accepted id of x": shard, dispatch, attempts, channel and answer.
  std::string NextAnswer() {
    static const char* const kWords[] = {"unanswered", "not_found", "accepted", "told"};
    const auto [shard, result] = answers_.Take();
    return std::to_string(shard) + " " + std::to_string(result.dispatch.low) + "#" +
           std::to_string(result.attempts) + " " + result.channel + " " +
           kWords[static_cast<int>(result.answer.kind)] + " " + result.answer.provider_message_id;
  }
};

TEST_F(DispatcherQueryTest, EveryQuestionIsAnsweredAtItsShard) {
  Load({ChannelOf("sms", std::make_shared<AskedChannel>())});
  Ask(3, "x");
  EXPECT_EQ(AnswerNext(Http(200, "found")), "query?x&5s");
  EXPECT_EQ(NextAnswer(), "3 3#2 sms accepted id of x");
  Ask(4, "y");
  AnswerNext(Http(200, "nothing"));
  EXPECT_EQ(NextAnswer(), "4 4#2 sms not_found id of y");
  Ask(5, "z");
  AnswerNext(Lost(channels::TransportError::kAmbiguous));
  EXPECT_EQ(NextAnswer(), "5 5#2 sms unanswered ");
  for (const std::string answer : {"accepted", "not_found", "unanswered"}) {
    EXPECT_EQ(observer_.queries.Take(), "sms " + answer);
  }
}

TEST_F(DispatcherQueryTest, WhatCannotBeAskedForIsNotFound) {
  Load({ChannelOf("sms", std::make_shared<AskedChannel>())});
  Ask(3, "");
  EXPECT_EQ(NextAnswer(), "3 3#2 sms not_found ");
  EXPECT_TRUE(transport_.calls.empty());
}

TEST_F(DispatcherQueryTest, ManyQuestionsTakeTheirTurnAndNoRoomOfWhatIsSent) {
  channels::Limits limits;
  limits.in_flight_max = 1;
  Load({ChannelOf("sms", std::make_shared<AskedChannel>(), limits)});
  const size_t count = outbox_limits::kQueriesTogether + 2;
  for (size_t i = 0; i < count; ++i) {
    Ask(i, "x");
  }
  EXPECT_TRUE(Send("sms", 1)) << "the one place is free";
  std::vector<FakeTransport::Call> calls;
  for (size_t i = 0; i < outbox_limits::kQueriesTogether + 1; ++i) {
    calls.push_back(transport_.calls.Take());
  }
  EXPECT_TRUE(transport_.calls.empty()) << "the others wait";
  for (FakeTransport::Call& call : calls) {
    call.done(Http(200, "found"));
  }
  AnswerNext(Http(200, "found"));
  AnswerNext(Http(200, "found"));
  for (size_t i = 0; i < count; ++i) {
    NextAnswer();
  }
  EXPECT_TRUE(answers_.empty());
}

TEST_F(DispatcherQueryTest, AQuestionOfAChannelThatWentIsNotAnswered) {
  Load({ChannelOf("sms", std::make_shared<AskedChannel>())});
  Ask(3, "x", "gone");
  Ask(4, "x");
  AnswerNext(Http(200, "found"));
  EXPECT_EQ(NextAnswer(), "4 4#2 sms accepted id of x");
  EXPECT_TRUE(answers_.empty());
}

TEST_F(DispatcherQueryTest, ReceiptsAreFetchedAgainAndAgain) {
  Load({ChannelOf("sms", std::make_shared<AskedChannel>(1))});
  EXPECT_EQ(AnswerNext(Http(200, "3+")), "kept");
  EXPECT_EQ(polled_.Take(), (std::pair<std::string, size_t>("sms", 3)));
  AnswerNext(Http(200, "2"));
  EXPECT_EQ(polled_.Take(), (std::pair<std::string, size_t>("sms", 2)));
  AnswerNext(Lost(channels::TransportError::kNotSent));
  AnswerNext(Http(200, "0"));
  AnswerNext(Http(200, "1"));
  EXPECT_EQ(polled_.Take(), (std::pair<std::string, size_t>("sms", 1)))
      << "neither a failure nor nothing ends it";
}

TEST_F(DispatcherQueryTest, AChannelThatFetchesNoMoreIsLeftAlone) {
  Load({ChannelOf("sms", std::make_shared<AskedChannel>(1))});
  AnswerNext(Http(200, "0"));
  Load({ChannelOf("sms", std::make_shared<AskedChannel>())});
  // What was planned before may still come; then it is over, which only Stop can show.
  dispatcher_->Stop(0);
  while (!transport_.calls.empty()) {
    AnswerNext(Http(200, "1"));
  }
  EXPECT_TRUE(polled_.empty());
}

}  // namespace
}  // namespace huitou
