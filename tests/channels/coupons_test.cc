#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "channels/coupon_provider.h"
#include "channels/words.h"
#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;
using testing::HasSubstr;
using testing::Not;

Result<std::unique_ptr<CouponProvider>> Make(const std::string& provider,
                                             std::map<std::string, std::string> values) {
  return FindCouponProvider(provider)->make(config::Settings{std::move(values)});
}

CouponRequest Example() {
  CouponRequest request;
  request.dispatch = Id128::Parse("0123456789abcdef0123456789abcdef");
  request.customer = "客户\"1\"";
  request.campaign = "winback";
  request.coupon = "big";
  request.value = *ParseMoney("50 CNY");
  request.min_spend = *ParseMoney("200 CNY");
  request.expires_at = *ParseRfc3339("2026-12-11T00:00:00Z");
  return request;
}

std::string Code(const CouponProvider& provider, const Id128& dispatch) {
  CouponRequest request = Example();
  request.dispatch = dispatch;
  return std::get<std::string>(provider.Issue(request, {}));
}

TEST(LocalCoupons, AreTheSameForTheSameDispatchForEver) {
  const auto provider = *Make("local", {{"secret", "a secret of the shop"}});
  // Pinned: a change would issue second codes after an upgrade. From Python's hmac and base64.
  EXPECT_EQ(Code(*provider, Example().dispatch), "9HZH5LAFYVV5");
  EXPECT_EQ(Code(*provider, Example().dispatch), Code(*provider, Example().dispatch));
}

TEST(LocalCoupons, DifferByDispatchAndBySecret) {
  const auto provider = *Make("local", {{"secret", "a secret of the shop"}});
  const auto other = *Make("local", {{"secret", "another secret of it"}});
  std::set<std::string> codes;
  for (uint64_t i = 0; i < 20'000; ++i) {
    const std::string code = Code(*provider, Id128{i, i * i});
    EXPECT_THAT(code, testing::MatchesRegex("[2-9A-HJ-NP-Z]{12}"));
    EXPECT_TRUE(codes.insert(code).second) << code;
    EXPECT_NE(code, Code(*other, Id128{i, i * i}));
  }
}

TEST(LocalCoupons, HaveTheLengthAndPrefixAskedFor) {
  EXPECT_EQ(Code(**Make("local", {{"length", "24"}}), Id128{1, 2}).size(), 24U);
  EXPECT_THAT(Code(**Make("local", {{"length", "8"}, {"prefix", "WB-"}}), Id128{1, 2}),
              testing::MatchesRegex("WB-[2-9A-HJ-NP-Z]{8}"));
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"length", "7"}, {"secret", "shorty"}, {"prefix", "wb"}}) {
    const auto bad = Make("local", {{name, value}});
    ASSERT_FALSE(bad.ok());
    EXPECT_THAT(bad.status().message(), HasSubstr(name));
    EXPECT_THAT(bad.status().message(), Not(HasSubstr(" " + value + " ")));
  }
  for (const char* length : {"25", "-1", "x", "1e1", "12 ", "99999999999"}) {
    EXPECT_FALSE(Make("local", {{"length", length}}).ok()) << length;
  }
}

TEST(HttpCoupons, AskTheShopWithTheDispatchAsKey) {
  const auto provider =
      *Make("http", {{"url", "https://shop.example.com/coupons"}, {"token", "t0ken"}});
  const auto request = std::get<HttpRequest>(provider->Issue(Example(), {}));
  EXPECT_EQ(ToText(Request(request)),
            "POST https://shop.example.com/coupons\n"
            "content-type: application/json\n"
            "accept: application/json\n"
            "idempotency-key: 0123456789abcdef0123456789abcdef\n"
            "authorization: Bearer t0ken\n"
            "\n"
            R"({"dispatch":"0123456789abcdef0123456789abcdef","customer":"客户\"1\"",)"
            R"("campaign":"winback","coupon":"big","value":"50.00","currency":"CNY",)"
            R"("min_spend":"200.00","expires_at":"2026-12-11T00:00:00Z"})");
  const auto again = std::get<HttpRequest>(provider->Issue(Example(), ExampleContext()));
  EXPECT_EQ(ToText(Request(request)), ToText(Request(again)));
}

TEST(HttpCoupons, MapEveryAnswer) {
  const auto provider = *Make("http", {{"url", "https://shop.example.com/coupons"}});
  struct Row {
    Answer answer;
    Kind kind;
    std::string reason;
    std::string code;
  };
  const std::string huge(10'000'000, 'x');
  for (const Row& row : std::vector<Row>{
           {HttpAnswer(201, R"({"code":"ABC-1"})"), Kind::kAccepted, "", "ABC-1"},
           {HttpAnswer(200, R"({"code":"优惠"})"), Kind::kAccepted, "", "优惠"},
           {HttpAnswer(200, R"({"code":""})"), Kind::kAccepted, "", ""},
           {HttpAnswer(200, R"({"code":null})"), Kind::kAccepted, "", ""},
           {HttpAnswer(409, R"({"code":"ABC-1"})"), Kind::kAccepted, "", "ABC-1"},
           {HttpAnswer(409, R"({"error":"in progress"})"), Kind::kUnknown, "conflict", ""},
           {HttpAnswer(204, ""), Kind::kUnknown, "bad_answer", ""},
           {HttpAnswer(200, ""), Kind::kUnknown, "bad_answer", ""},
           {HttpAnswer(200, "[]"), Kind::kUnknown, "bad_answer", ""},
           {HttpAnswer(200, "{}"), Kind::kUnknown, "bad_answer", ""},
           {HttpAnswer(200, R"({"code":"a\nb"})"), Kind::kUnknown, "bad_answer", ""},
           {HttpAnswer(200, R"({"code":")" + huge + "\"}"), Kind::kUnknown, "bad_answer", ""},
           {HttpAnswer(200, R"({"code":")" + huge.substr(0, 300) + "\"}"), Kind::kUnknown,
            "bad_answer", ""},
           {HttpAnswer(302, ""), Kind::kChannelPaused, "redirect", ""},
           {HttpAnswer(400, ""), Kind::kRejected, "bad_request", ""},
           {HttpAnswer(401, ""), Kind::kChannelPaused, "unauthorized", ""},
           {HttpAnswer(404, ""), Kind::kChannelPaused, "no_endpoint", ""},
           {HttpAnswer(422, R"({"code":"x"})"), Kind::kRejected, "bad_request", ""},
           {HttpAnswer(429, ""), Kind::kRetry, "rate_limited", ""},
           {HttpAnswer(500, R"({"code":"x"})"), Kind::kUnknown, "server_error", ""},
           {HttpAnswer(503, ""), Kind::kRetry, "unavailable", ""},
           {LostAnswerOf(TransportError::kNotSent), Kind::kRetry, "not_sent", ""},
           {LostAnswerOf(TransportError::kAmbiguous), Kind::kUnknown, "no_answer", ""},
           {SmtpAnswer(250, "ok"), Kind::kUnknown, "bad_answer", ""},
       }) {
    const CouponOutcome got = provider->Decode(row.answer, kNow);
    EXPECT_EQ(ToWord(got.outcome.kind), ToWord(row.kind)) << row.reason;
    EXPECT_EQ(got.outcome.reason, row.reason);
    EXPECT_EQ(got.code, row.code);
  }
}

TEST(HttpCoupons, NameABadSettingAndNeverQuoteIt) {
  const auto bad_url = Make("http", {{"url", "shop.example.com/secret"}});
  ASSERT_FALSE(bad_url.ok());
  EXPECT_THAT(bad_url.status().message(), testing::StartsWith("url: "));
  EXPECT_THAT(bad_url.status().message(), Not(HasSubstr("secret")));
  const auto bad_token = Make("http", {{"url", "http://x.test/"}, {"token", "two\r\nlines"}});
  ASSERT_FALSE(bad_token.ok());
  EXPECT_THAT(bad_token.status().message(), Not(HasSubstr("two")));
}

}  // namespace
}  // namespace huitou::channels
