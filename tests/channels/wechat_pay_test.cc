// WeChat Pay coupons: what is asked, and which answers are believed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "channels/coupon_provider.h"
#include "channels/crypto.h"
#include "channels/private_key.h"
#include "channels/public_key.h"
#include "channels/words.h"
#include "tests/channels/case.h"
#include "tests/channels/pay_key.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;
using testing::HasSubstr;

const std::map<std::string, std::string> kSettings = {{"mch_id", "1900009191"},
                                                      {"serial_no", "F5765756002FDD77"},
                                                      {"private_key", kPayPrivateKey},
                                                      {"platform_key", kPayPublicKey},
                                                      {"platform_key_id", "PUB_KEY_ID_1"},
                                                      {"app_id", "wx5823bf96d3bd56c7"},
                                                      {"stocks", " big=9856000, small=9856001 "}};

Result<std::unique_ptr<CouponProvider>> Make(const std::string& name = "",
                                             const std::string& value = "") {
  config::Settings settings{kSettings};
  if (!name.empty()) {
    settings.values[name] = value;
  }
  return FindCouponProvider("wechat_pay")->make(settings);
}

CouponRequest Example() {
  CouponRequest request;
  request.dispatch = Id128::Parse("0123456789abcdef0123456789abcdef");
  request.customer = "c1";
  request.coupon = "big";
  request.wechat_openid = "o6_b";
  return request;
}

// As WeChat Pay signs it at `signed_at`.
Answer Signed(int status, const std::string& body, TimeUs signed_at = kNow) {
  const std::string time = std::to_string(signed_at / kSecondUs);
  const std::string signature =
      PrivateKey::FromPem(kPayPrivateKey)->Sign(time + "\nNONCE\n" + body + "\n");
  return HttpAnswer(status, body,
                    {{"wechatpay-timestamp", time},
                     {"wechatpay-nonce", "NONCE"},
                     {"wechatpay-serial", "PUB_KEY_ID_1"},
                     {"wechatpay-signature", ToBase64(signature)}});
}

std::string Decoded(const Answer& answer) {
  const CouponOutcome got = (*Make())->Decode(answer, kNow);
  EXPECT_TRUE(got.outcome.reason.empty() || !std::string(got.outcome.reason).empty());
  return std::string(ToWord(got.outcome.kind)) + "(" + got.outcome.reason + ")" + got.code;
}

TEST(WechatPay, SignsAsItsOwnSdkDoes) {
  const std::string signature = PrivateKey::FromPem(kPayPrivateKey)->Sign("source");
  EXPECT_EQ(
      ToBase64(signature),
      "BKyAfU4iMCuvXMXS0Wzam3V/cnxZ+JaqigPM5OhljS2iOT95OO6Fsuml2JkFANJU9K6q9bLlDhPXuoVz+pp4hAm6"
      "pHU4ld815U4jsKu1RkyaII+1CYBUYC8TK0XtJ8FwUXXz8vZHh58rrAVN1XwNyvD1vfpxrMT4SL536GLwvpUHlCqI"
      "MzoZUguLli/K8V29QiOhuH6IEqLNJn8e9b3nwNcQ7be3CzYGpDAKBfDGPCqCv8Rw5zndhlffk2FEA70G4hvMwe51"
      "qMN/RAJbknXG23bSlObuTCN7Ndj1aJGH6/L+hdwfLpUtJm4QYVazzW7DFD27EpSQEqA8bX9+8m1rLg==");
  const auto key = PublicKey::FromPem(kPayPublicKey);
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->Verifies("source", signature));
  EXPECT_FALSE(key->Verifies("sourcf", signature));
  EXPECT_FALSE(key->Verifies("source", signature.substr(1)));
  EXPECT_FALSE(key->Verifies("source", ""));
  EXPECT_FALSE(PublicKey::FromPem(kPayPrivateKey));
  EXPECT_FALSE(PublicKey::FromPem(""));
}

// The signature of the golden request was made by python3-cryptography.
TEST(WechatPay, AsksForOneCouponWithTheDispatchAsItsNumber) {
  const auto provider = *Make();
  const auto request = std::get<HttpRequest>(provider->Issue(Example(), ExampleContext()));
  EXPECT_EQ(
      ToText(Request(request)),
      "POST https://api.mch.weixin.qq.com/v3/marketing/favor/users/o6_b/coupons\n"
      "content-type: application/json\n"
      "accept: application/json\n"
      "user-agent: huitou\n"
      "authorization: WECHATPAY2-SHA256-RSA2048 mchid=\"1900009191\",nonce_str=\""
      "00112233445566778899aabbccddeeff\",timestamp=\"1794355392\",serial_no=\""
      "F5765756002FDD77\",signature=\"KBb/PeV6X3I4p8E+4gWC6c2onoGt7maUjasTdM9Izs+l4XAC9XrSux"
      "kUmMtFKOA3N6LPR4ukJk06I6V9HdQayoh773mP/DBjBRuhUNijzPaEQMdLneYHiea8SAKQnAinbqABpqZbvWzjKi"
      "MxXsgJwjhnWqENzMZurKXD8TXil2cKM3ADF6t2A3hlskXQ2GRVW3SiEGBG362dF4Qh+hTAXxKGNtRtzC+QfgdmKg"
      "jGdxZf2kwaRtm7EKRB8UNw3Pesw77MZsrUTRJHWs0BRiwevrQUIxJ5HDJ6JnbukMbYMYpJQENY6G5D8JuVtH0y8F"
      "Pj1GJxSgfqZEAJNMa5Djx9ew==\"\n"
      "\n"
      R"({"stock_id":"9856000","out_request_no":"0123456789abcdef0123456789abcdef",)"
      R"("appid":"wx5823bf96d3bd56c7","stock_creator_mchid":"1900009191"})");
  // A repeat is signed anew; what makes it harmless stays.
  EncodeContext later = ExampleContext();
  later.now += kHourUs;
  const auto again = std::get<HttpRequest>(provider->Issue(Example(), later));
  EXPECT_EQ(request.body, again.body);
  EXPECT_NE(request.headers, again.headers);
}

TEST(WechatPay, RefusesAtOnceWhatWouldNotDo) {
  CouponRequest request = Example();
  request.coupon = "huge";
  auto step = (*Make())->Issue(request, ExampleContext());
  EXPECT_EQ(std::get<Outcome>(step).kind, Kind::kRejected);
  EXPECT_EQ(std::get<Outcome>(step).reason, "no_stock");
  request = Example();
  request.wechat_openid = "";
  step = (*Make())->Issue(request, ExampleContext());
  EXPECT_EQ(std::get<Outcome>(step).reason, "bad_openid");
  request.wechat_openid = "../x?y#z";
  step = (*Make())->Issue(request, ExampleContext());
  EXPECT_THAT(std::get<HttpRequest>(step).url, HasSubstr("/users/..%2Fx%3Fy%23z/coupons"));
}

TEST(WechatPay, MapsEveryAnswer) {
  EXPECT_EQ(Decoded(Signed(200, R"({"coupon_id":"9867041"})")), "accepted()9867041");
  EXPECT_EQ(Decoded(Signed(200, R"({"coupon_id":""})")), "unknown(bad_answer)");
  EXPECT_EQ(Decoded(Signed(200, "{}")), "unknown(bad_answer)");
  EXPECT_EQ(Decoded(Signed(200, "[]")), "unknown(bad_answer)");
  EXPECT_EQ(Decoded(Signed(204, "")), "unknown(bad_answer)");
  const auto refused = [](int status, const std::string& code) {
    return Decoded(Signed(status, R"({"code":")" + code + R"(","message":"x"})"));
  };
  EXPECT_EQ(refused(500, "SYSTEM_ERROR"), "unknown(server_error)");
  EXPECT_EQ(refused(429, "FREQUENCY_LIMITED"), "retry(rate_limited)");
  EXPECT_EQ(refused(429, "FREQUENCY_LIMIT_EXCEED"), "retry(rate_limited)");
  EXPECT_EQ(refused(429, "RATELIMIT_EXCEEDED"), "retry(rate_limited)");
  EXPECT_EQ(refused(403, "RULE_LIMIT"), "rejected(recipient_limit)");
  EXPECT_EQ(refused(404, "USER_NOT_EXISTS"), "rejected(bad_openid)");
  EXPECT_EQ(refused(403, "USER_ACCOUNT_ABNORMAL"), "rejected(blocked)");
  EXPECT_EQ(refused(403, "USER_ACCOUNT_ABNORMITY"), "rejected(blocked)");
  EXPECT_EQ(refused(403, "NOT_ENOUGH"), "rejected(no_balance)");
  EXPECT_EQ(refused(404, "RESOURCE_NOT_EXISTS"), "rejected(no_stock)");
  EXPECT_EQ(refused(404, "RESOURCE_NOT_FOUND"), "rejected(no_stock)");
  EXPECT_EQ(refused(400, "PARAM_ERROR"), "rejected(bad_request)");
  EXPECT_EQ(refused(400, "INVALID_REQUEST"), "rejected(refused)");
  EXPECT_EQ(refused(404, "MCH_NOT_EXISTS"), "channel_paused(account)");
  EXPECT_EQ(refused(400, "APPID_MCHID_NOT_MATCH"), "channel_paused(account)");
  EXPECT_EQ(refused(403, "NO_AUTH"), "channel_paused(unauthorized)");
  EXPECT_EQ(refused(401, "SIGN_ERROR"), "channel_paused(unauthorized)");
  EXPECT_EQ(refused(503, "OF_TOMORROW"), "retry(unavailable)");
  EXPECT_EQ(Decoded(LostAnswerOf(TransportError::kNotSent)), "retry(not_sent)");
  EXPECT_EQ(Decoded(LostAnswerOf(TransportError::kAmbiguous)), "unknown(no_answer)");
  EXPECT_EQ(Decoded(SmtpAnswer(250, "ok")), "unknown(bad_answer)");
}

TEST(WechatPay, BelievesNothingThatWechatPayDidNotSignJustNow) {
  const std::string body = R"({"coupon_id":"9867041"})";
  const auto good = [&body] { return Signed(200, body); };
  const auto response = [](Answer* answer) { return &std::get<HttpResponse>(answer->response); };
  Answer answer = good();
  response(&answer)->body = R"({"coupon_id":"9867042"})";
  EXPECT_EQ(Decoded(answer), "unknown(bad_answer)") << "another body";
  for (const size_t header : {0U, 1U, 2U, 3U}) {
    answer = good();
    response(&answer)->headers[header].second += "0";
    EXPECT_EQ(Decoded(answer), "unknown(bad_answer)") << "another " << header;
    answer = good();
    response(&answer)->headers.erase(response(&answer)->headers.begin() + header);
    EXPECT_EQ(Decoded(answer), "unknown(bad_answer)") << "without " << header;
  }
  EXPECT_EQ(Decoded(Signed(200, body, kNow - 6 * kMinuteUs)), "unknown(bad_answer)");
  EXPECT_EQ(Decoded(Signed(200, body, kNow + 6 * kMinuteUs)), "unknown(bad_answer)");
  EXPECT_EQ(Decoded(Signed(200, body, kNow - 4 * kMinuteUs)), "accepted()9867041");
  // What is not signed tells no more than its status.
  EXPECT_EQ(Decoded(HttpAnswer(403, R"({"code":"RULE_LIMIT"})")), "channel_paused(unauthorized)");
  EXPECT_EQ(Decoded(HttpAnswer(302, body)), "channel_paused(redirect)");
  EXPECT_EQ(Decoded(HttpAnswer(200, std::string(100'000, '['))), "unknown(bad_answer)");
}

TEST(WechatPay, NamesABadSettingAndNeverQuotesIt) {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"mch_id", ""},
           {"mch_id", "19\"1"},
           {"serial_no", "two words"},
           {"private_key", "-----BEGIN PRIVATE KEY-----"},
           {"private_key", kEd25519Pem},
           {"private_key", kPayPublicKey},
           {"platform_key", kPayPrivateKey},
           {"platform_key_id", ""},
           {"app_id", ""},
           {"endpoint", "api.mch.weixin.qq.com"},
           {"stocks", ""},
           {"stocks", "9856000"},
           {"stocks", "big=ABC"},
           {"stocks", "big=1,big=2"},
           {"stocks", "big=1,,"}}) {
    const auto bad = Make(name, value);
    ASSERT_FALSE(bad.ok()) << name << "=" << value;
    EXPECT_THAT(bad.status().message(), testing::StartsWith(name + ": "));
    EXPECT_TRUE(value.empty() || bad.status().message().find(value) == std::string::npos);
  }
}

}  // namespace
}  // namespace huitou::channels
