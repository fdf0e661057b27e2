// What every provider must keep, whoever wrote it. A new one adds its case in cases.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "channels/answer.h"
#include "channels/reference.h"
#include "channels/url.h"
#include "channels/words.h"
#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;
using testing::HasSubstr;
using testing::Not;

class Provider : public testing::TestWithParam<ProviderCase> {
 protected:
  void ExpectNoSecret(const std::string& text) {
    for (const std::string& secret : GetParam().secrets) {
      EXPECT_THAT(text, Not(HasSubstr(secret)));
    }
  }

  void ExpectOutcome(const Outcome& outcome) {
    EXPECT_THAT(outcome.reason, testing::MatchesRegex("[a-z_]*"));
    EXPECT_LE(outcome.reason.size(), 24U);
    EXPECT_EQ(outcome.reason.empty(), outcome.kind == Kind::kAccepted) << ToWord(outcome.kind);
    EXPECT_TRUE(outcome.reason.empty() || !ReasonMeaning(outcome.reason).empty())
        << outcome.reason << " has no line in the reference";
    EXPECT_TRUE(outcome.retry_after == 0 || outcome.kind == Kind::kRetry);
    EXPECT_TRUE(!outcome.suppress_address || outcome.kind == Kind::kRejected);
    EXPECT_TRUE(!outcome.revoke_consent || outcome.kind == Kind::kRejected);
    ExpectNoSecret(outcome.reason);
    ExpectNoSecret(outcome.provider_message_id);
  }

  bool SpeaksHttp() {
    return std::holds_alternative<HttpRequest>(
        channel_->Encode(GetParam().message, GetParam().context));
  }

  Outcome Decoded(const Answer& answer) {
    Outcome outcome = channel_->Decode(answer, kNow);
    ExpectOutcome(outcome);
    return outcome;
  }

  const std::unique_ptr<Channel> channel_ = MakeChannel(GetParam().provider, GetParam().settings);
};

TEST_P(Provider, EncodesTheSameInputsToTheSameBytes) {
  const auto& [message, context] = std::pair(GetParam().message, GetParam().context);
  const std::string first = ToText(channel_->Encode(message, context));
  EXPECT_EQ(first, ToText(channel_->Encode(message, context)));
  const auto another = MakeChannel(GetParam().provider, GetParam().settings);
  EXPECT_EQ(first, ToText(another->Encode(message, context)));
}

// Whatever else a request looks like: another dispatch, address, text or field makes another one.
TEST_P(Provider, SendsTheDispatchTheAddressAndTheText) {
  const auto& [message, context] = std::pair(GetParam().message, GetParam().context);
  const std::string sent = ToText(channel_->Encode(message, context));
  Message another = message;
  another.dispatch.low ^= 1;
  EXPECT_EQ(GetParam().sends_no_dispatch, sent == ToText(channel_->Encode(another, context)));
  another = message;
  ASSERT_EQ(message.address.empty(),
            FindProvider(GetParam().provider)->schema.address == config::Address::kNone);
  if (!message.address.empty()) {
    another.address.back() = another.address.back() == '1' ? '2' : '1';
    EXPECT_NE(sent, ToText(channel_->Encode(another, context)));
  }
  another = message;
  another.text += "x";
  EXPECT_EQ(GetParam().sends_no_text, sent == ToText(channel_->Encode(another, context)));
  for (size_t i = 0; i < message.fields.size(); ++i) {
    another = message;
    another.fields[i].second += "x";
    EXPECT_NE(sent, ToText(channel_->Encode(another, context))) << message.fields[i].first;
  }
}

TEST_P(Provider, EncodesAnyTextWithoutLettingItOutOfItsPlace) {
  for (const std::string& text :
       {std::string(), std::string("\r\nBcc: all@example.com\r\n\r\nx"), std::string("\"}],\\"),
        std::string("\xff\xfe\x00", 3), std::string(100'000, 'x'), std::string("<&>'%{{x}}")}) {
    Message message = GetParam().message;
    message.text = text;
    message.customer = text;
    for (auto& [name, value] : message.fields) {
      value = text;
    }
    if (!message.address.empty()) {
      message.address = text;
    }
    const Request request = channel_->Encode(message, GetParam().context);
    if (const auto* http = std::get_if<HttpRequest>(&request)) {
      EXPECT_TRUE(ParseUrl(http->url).has_value()) << http->url.substr(0, 200);
      for (const auto& [name, value] : http->headers) {
        EXPECT_THAT(name + value, Not(testing::ContainsRegex("[\r\n]")));
      }
      if (text.size() < 1000 &&  // more than an answer may have is not read
          HeaderValue(http->headers, "content-type").starts_with("application/json")) {
        EXPECT_TRUE(ParseJsonAt(http->body, {}).has_value()) << http->body.substr(0, 200);
      }
    } else if (const auto* line = std::get_if<Line>(&request);
               line != nullptr && line->path != "") {
      EXPECT_THAT(line->text, Not(HasSubstr("\n")));
    }
  }
}

TEST_P(Provider, ShowsNoSecretInTheUrlForLogsNorInTheBody) {
  Message message = GetParam().message;
  message.dispatch = {1, 2};  // unlike any token
  const Request request = channel_->Encode(message, GetParam().context);
  if (const auto* http = std::get_if<HttpRequest>(&request)) {
    ExpectNoSecret(PublicUrl(http->url));
    ASSERT_FALSE(GetParam().context.access_token.empty());
    EXPECT_THAT(PublicUrl(http->url), Not(HasSubstr(GetParam().context.access_token)));
    if (!GetParam().sends_secrets_in_its_body) {
      ExpectNoSecret(http->body);
    }
  }
}

TEST_P(Provider, NamesABadSettingAndNeverQuotesIt) {
  for (const BadSettings& bad : GetParam().bad_settings) {
    config::Settings settings = GetParam().settings;
    settings.values[bad.setting] = bad.value;
    const auto channel = FindProvider(GetParam().provider)->make(settings);
    ASSERT_FALSE(channel.ok()) << bad.setting << "=" << bad.value;
    EXPECT_THAT(channel.status().message(), HasSubstr(bad.setting)) << bad.value;
    EXPECT_TRUE(bad.value.empty() ||
                channel.status().message().find(bad.value) == std::string::npos)
        << channel.status().message();
    ExpectNoSecret(channel.status().message());
  }
}

TEST_P(Provider, DeclaresEverySettingThatItsCaseUses) {
  const config::ComponentSchema& schema = FindProvider(GetParam().provider)->schema;
  for (const auto& [name, value] : GetParam().settings.values) {
    EXPECT_TRUE(std::any_of(schema.settings.begin(), schema.settings.end(),
                            [&name = name](const auto& setting) { return setting.name == name; }))
        << name;
  }
  for (const config::Setting& setting : schema.settings) {
    EXPECT_FALSE(setting.help.empty()) << setting.name;
    EXPECT_TRUE(!setting.required || GetParam().settings.values.contains(setting.name));
  }
  EXPECT_FALSE(schema.help.empty());
  EXPECT_FALSE(FindProvider(GetParam().provider)->cost.empty());
}

TEST_P(Provider, HasACaseThatSaysEnough) {
  const config::ComponentSchema& schema = FindProvider(GetParam().provider)->schema;
  const auto any = [&schema](auto is) {
    return std::any_of(schema.settings.begin(), schema.settings.end(), is);
  };
  EXPECT_FALSE(GetParam().message.text.empty());
  EXPECT_NE(GetParam().context.now, 0);
  EXPECT_TRUE(std::any_of(GetParam().answers.begin(), GetParam().answers.end(),
                          [](const AnswerCase& c) { return c.kind == Kind::kAccepted; }));
  EXPECT_TRUE(!GetParam().bad_settings.empty() ||
              !any([](const config::Setting& setting) { return setting.required; }));
  EXPECT_TRUE(!GetParam().secrets.empty() || !any([](const config::Setting& setting) {
    return setting.required && setting.type == config::SettingType::kSecret;
  }));
}

TEST_P(Provider, AllowsItsOwnPromise) {
  const Registration* registration = FindProvider(GetParam().provider);
  EXPECT_THAT(registration->promises_allowed, testing::Contains(registration->promise));
}

TEST_P(Provider, MapsEachOfItsAnswers) {
  for (const AnswerCase& answer : GetParam().answers) {
    const Outcome outcome = Decoded(answer.answer);
    EXPECT_EQ(ToWord(outcome.kind), ToWord(answer.kind)) << answer.story;
    EXPECT_EQ(outcome.reason, answer.reason) << answer.story;
  }
}

TEST_P(Provider, HasOneOutcomeForEachCodeOfItsTable) {
  std::set<std::string> codes;
  for (const AnswerRule& rule : FindProvider(GetParam().provider)->answers) {
    EXPECT_TRUE(codes.insert(std::string(rule.code)).second) << "twice: " << rule.code;
    EXPECT_EQ(rule.reason.empty(), rule.kind == Kind::kAccepted) << rule.code;
    EXPECT_THAT(std::string(rule.reason), testing::MatchesRegex("[a-z_]*"));
    EXPECT_TRUE(rule.reason.empty() || !ReasonMeaning(rule.reason).empty())
        << rule.reason << " has no line in the reference";
  }
}

TEST_P(Provider, KnowsWhatALostAnswerMeans) {
  EXPECT_EQ(Decoded(LostAnswerOf(TransportError::kNotSent)).kind, Kind::kRetry);
  EXPECT_EQ(Decoded(LostAnswerOf(TransportError::kAmbiguous)).kind, Kind::kUnknown);
  EXPECT_EQ(Decoded(LostAnswerOf(TransportError::kNotSent)).detail, "connection reset");
}

TEST_P(Provider, BelievesNoGarbage) {
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("null"), std::string("[]"), std::string("{}"),
        std::string("<html>OK</html>"), std::string("\xff\x00\xfe", 3),
        std::string(10'000'000, '['), std::string(10'000'000, 'O'),
        "{\"Code\":\"OK\",\"errcode\":0,\"x\":\"" + std::string(10'000'000, 'x') + "\"}"}) {
    const Outcome outcome = Decoded(HttpAnswer(200, body));
    if (!(GetParam().status_is_enough && SpeaksHttp())) {
      EXPECT_EQ(ToWord(outcome.kind), "unknown") << body.substr(0, 60);
    }
    if (SpeaksHttp()) {  // it may have been sent all the same
      EXPECT_EQ(ToWord(Decoded(HttpAnswer(500, body)).kind), "unknown") << body.substr(0, 60);
    }
    EXPECT_NE(Decoded(HttpAnswer(0, body)).kind, Kind::kAccepted);
    EXPECT_NE(Decoded(SmtpAnswer(0, body)).kind, Kind::kAccepted);
    EXPECT_NE(Decoded(SmtpAnswer(550, body)).kind, Kind::kAccepted);
  }
}

TEST_P(Provider, FollowsNoRedirectAndHonoursRetryAfter) {
  if (!SpeaksHttp()) {
    return;
  }
  for (const int status : {300, 301, 302, 303, 304, 307, 308}) {
    const Outcome outcome = Decoded(HttpAnswer(status, "", {{"location", "http://evil/"}}));
    EXPECT_EQ(ToWord(outcome.kind), "channel_paused") << status;
    EXPECT_EQ(outcome.reason, "redirect");
  }
  const Outcome seconds = Decoded(HttpAnswer(429, "", {{"retry-after", "120"}}));
  EXPECT_EQ(ToWord(seconds.kind), "retry");
  EXPECT_EQ(seconds.retry_after, 120 * kSecondUs);
  const Outcome date =
      Decoded(HttpAnswer(503, "", {{"retry-after", "Wed, 11 Nov 2026 00:04:12 GMT"}}));
  EXPECT_EQ(ToWord(date.kind), "retry");
  EXPECT_EQ(date.retry_after, kMinuteUs);
  for (const char* odd : {"", "soon", "-5", "Tue, 10 Nov 2026 00:00:00 GMT", "12x"}) {
    EXPECT_EQ(Decoded(HttpAnswer(429, "", {{"retry-after", odd}})).retry_after, 0) << odd;
  }
  for (const char* far :
       {"999999999999999999999999", "90000000", "Sat, 01 Jan 2050 00:00:00 GMT"}) {
    EXPECT_EQ(Decoded(HttpAnswer(429, "", {{"retry-after", far}})).retry_after, kDayUs) << far;
  }
}

TEST_P(Provider, DecodesItsCallbacksAndRefusesForgedOnes) {
  for (const CallbackCase& callback : GetParam().callbacks) {
    const CallbackReply reply = channel_->DecodeCallback(callback.request, callback.now);
    if (callback.receipts == "refused") {
      EXPECT_FALSE(reply.verified) << callback.story;
      EXPECT_GE(reply.response.status, 400) << callback.story;
      EXPECT_EQ(ToText(reply.receipts), "") << callback.story;
    } else {
      EXPECT_TRUE(reply.verified) << callback.story;
      EXPECT_EQ(ToText(reply.receipts), callback.receipts) << callback.story;
    }
    ExpectNoSecret(reply.response.body);
  }
  for (const char* body : {"", "{}", "[]", "<xml/>", "\xff", "[{\"biz_id\":\"1\"}]"}) {
    const CallbackReply reply =
        channel_->DecodeCallback({"POST", "/v1/callbacks/x", {}, body}, kNow);
    EXPECT_FALSE(reply.verified);
    EXPECT_EQ(ToText(reply.receipts), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Every, Provider, testing::ValuesIn(AllCases()),
                         [](const auto& info) { return info.param.provider; });

TEST(Conformance, CoversEveryProvider) {
  std::vector<std::string> tested;
  for (const ProviderCase& c : AllCases()) {
    tested.push_back(c.provider);
  }
  for (const Registration& registration : AllProviders()) {
    EXPECT_THAT(tested, testing::Contains(registration.schema.name));
  }
}

}  // namespace
}  // namespace huitou::channels
