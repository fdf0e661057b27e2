// Published test vectors of the providers' signatures and encryptions, and derived ones.
#include <gtest/gtest.h>

#include "channels/cloud_signature.h"
#include "channels/crypto.h"
#include "channels/twilio_signature.h"
#include "channels/url.h"
#include "channels/wechat_callback.h"
#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

TEST(StandardWebhooks, SignsAsItsOwnExample) {
  const auto key = FromBase64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(key);
  EXPECT_EQ(
      ToBase64(HmacSha256(*key, "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}")),
      "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(HmacSha256, ThePreparedKeySignsTheSame) {
  const HmacSha256Key key("a secret");
  EXPECT_EQ(HmacSha256("a secret", "one"), key.Sign("one"));
  EXPECT_EQ(HmacSha256("a secret", "another"), key.Sign("another"));
  EXPECT_EQ(HmacSha256("", "one"), HmacSha256Key("").Sign("one"));
}

TEST(Acs3, SignsAsTheDocumentationsExample) {
  CloudRequest request;
  request.query = {{"RegionId", "cn-shanghai"},
                   {"ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}};
  request.headers = {
      {"x-acs-version", "2014-05-26"},
      {"host", "ecs.cn-shanghai.aliyuncs.com"},
      {"x-acs-action", "RunInstances"},
      {"x-acs-date", "2023-10-26T10:22:32Z"},
      {"x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"},
      {"x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}};
  EXPECT_EQ(CanonicalHash(request),
            "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259");
  EXPECT_EQ(Acs3Authorization(request, "YourAccessKeyId", "YourAccessKeySecret"),
            "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-"
            "content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature="
            "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");
}

TEST(Acs3, SignsASendSmsWithChineseAndReservedCharacters) {
  CloudRequest request;
  request.query = {{"TemplateParam", R"({"code":"a b*~/"})"},
                   {"SignName", "阿里云"},
                   {"PhoneNumbers", "13900000000"},
                   {"TemplateCode", "SMS_154950909"},
                   {"OutId", "camp-1"}};
  request.headers = {{"host", "dysmsapi.aliyuncs.com"},
                     {"x-acs-action", "SendSms"},
                     {"x-acs-version", "2017-05-25"},
                     {"x-acs-date", "2026-01-02T03:04:05Z"},
                     {"x-acs-signature-nonce", "0123456789abcdef0123456789abcdef"},
                     {"x-acs-content-sha256", Sha256Hex("")}};
  EXPECT_EQ(CanonicalQuery(request),
            "OutId=camp-1&PhoneNumbers=13900000000&SignName=%E9%98%BF%E9%87%8C%E4%BA%91&"
            "TemplateCode=SMS_154950909&TemplateParam=%7B%22code%22%3A%22a%20b%2A~%2F%22%7D");
  EXPECT_EQ(CanonicalHash(request),
            "ff31f1723cea98cb4466dfc396cff760a5481b75e8431138ee918de1195b55b4");
  const std::string header = Acs3Authorization(request, "x", "YourAccessKeySecret");
  EXPECT_EQ(header.substr(header.rfind('=') + 1),
            "08a9c68c24f18aeb5d62f0c20aad7280aace2898882a0736eeaeb03d8c404e67");
}

// The example of Tencent's signature documents, in its older and its newer form.
CloudRequest DescribeInstances() {
  CloudRequest request;
  request.headers = {{"host", "cvm.tencentcloudapi.com"},
                     {"content-type", "application/json; charset=utf-8"}};
  request.body =
      R"({"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]})";
  return request;
}

TEST(Tc3, SignsAsTheDocumentationsOlderExample) {
  EXPECT_EQ(CanonicalHash(DescribeInstances()),
            "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031");
  EXPECT_EQ(
      Tc3Authorization(DescribeInstances(), "cvm", 1'551'113'065 * kSecondUs,
                       "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"),
      "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/"
      "tc3_request, SignedHeaders=content-type;host, Signature="
      "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168");
}

TEST(Tc3, SignsAsTheDocumentationsNewerExample) {
  CloudRequest request = DescribeInstances();
  request.headers.emplace_back("x-tc-action", "DescribeInstances");
  const std::string masked(32, '*');
  EXPECT_EQ(Tc3Authorization(request, "cvm", 1'551'113'065 * kSecondUs, "AKID" + masked, masked),
            "TC3-HMAC-SHA256 Credential=AKID" + masked +
                "/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host;x-tc-action, "
                "Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f");
}

TEST(Tc3, SignsASendSmsWithChineseText) {
  CloudRequest request;
  request.headers = {{"host", "sms.tencentcloudapi.com"},
                     {"content-type", "application/json; charset=utf-8"}};
  request.body =
      R"({"SmsSdkAppId":"1400006666","SignName":"腾讯云","TemplateId":"1234",)"
      R"("TemplateParamSet":["12345"],"PhoneNumberSet":["+8618511122266"],"SessionContext":"test"})";
  EXPECT_EQ(CanonicalHash(request),
            "e32c20232c094f378cd6b7dc68bdc8a18c931d31ddbbe8b61b663b2f9bc2ad48");
  const std::string header = Tc3Authorization(request, "sms", 1'767'323'045 * kSecondUs, "x",
                                              "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE");
  EXPECT_EQ(header.substr(header.rfind('=') + 1),
            "e81e37c51ebe1b8f0df6814b0c2423220173f447a33d70fa1f74fb4f84f9f12d");
}

TEST(TwilioSignature, IsThatOfTheVendorsOwnTests) {
  const FormFields call = {{"To", "+18005551212"},
                           {"CallSid", "CA1234567890ABCDE"},
                           {"Digits", "1234"},
                           {"From", "+14158675309"},
                           {"Caller", "+14158675309"}};
  const std::string url = "https://mycompany.com/myapp.php?foo=1&bar=2";
  EXPECT_EQ(TwilioSignature("12345", url, call), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
  EXPECT_EQ(TwilioSignature("12345", url,
                            {{"Sid", "CA123"},
                             {"SidAccount", "AC123"},
                             {"Digits", "5678"},
                             {"Digits", "1234"},
                             {"Digits", "1234"}}),
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=");
  EXPECT_TRUE(IsTwilioSigned("12345", url, call, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
  EXPECT_FALSE(IsTwilioSigned("12346", url, call, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
  EXPECT_FALSE(IsTwilioSigned("12345", url, call, ""));
}

TEST(TwilioSignature, HoldsWithTheUsualPortAndWithoutAny) {
  const FormFields call = {{"To", "+18005551212"},
                           {"CallSid", "CA1234567890ABCDE"},
                           {"Digits", "1234"},
                           {"From", "+14158675309"},
                           {"Caller", "+14158675309"}};
  const std::string path = "/myapp.php?foo=1&bar=2";
  for (const auto& [url, signature] :
       {std::pair("https://mycompany.com:443", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        std::pair("https://mycompany.com:1234", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        std::pair("https://mycompany.com", "kvajT1Ptam85bY51eRf/AJRuM3w="),
        std::pair("http://mycompany.com", "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        std::pair("http://mycompany.com:1234", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=")}) {
    EXPECT_TRUE(IsTwilioSigned("12345", url + path, call, signature)) << url;
  }
  EXPECT_FALSE(IsTwilioSigned("12345", "https://mycompany.com:8443" + path, call,
                              "kvajT1Ptam85bY51eRf/AJRuM3w="));
}

constexpr char kWecomKey[] = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
constexpr char kWecomApp[] = "wx5823bf96d3bd56c7";
constexpr char kWecomMessage[] =
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj"
    "911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06"
    "DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQ"
    "H03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo"
    "6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+q"
    "N+E7Q==";

WechatCallbackSettings WecomSettings() {
  return {"QDG6eK", ParseEncodingAesKey(kWecomKey).value_or(""), kWecomApp};
}

TEST(WechatCrypto, AnswersTheEncryptedQuestion) {
  const std::string echo =
      "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";
  const std::string url =
      "/v1/callbacks/wechat?msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp="
      "1409659589&nonce=263014780&echostr=" +
      PercentEncode(echo);
  const TimeUs now = 1'409'659'589 * kSecondUs;
  const WechatCall call = VerifyWechatCall({"GET", url, {}, ""}, WecomSettings(), now);
  EXPECT_TRUE(call.reply.verified);
  EXPECT_EQ(call.reply.response.body, "1616140317555161061");
  WechatCallbackSettings other_app = WecomSettings();
  other_app.app_id = "wx0000000000000000";
  EXPECT_FALSE(VerifyWechatCall({"GET", url, {}, ""}, other_app, now).reply.verified);
}

TEST(WechatCrypto, ReadsTheEncryptedMessageAndNoForgedOne) {
  const std::string url =
      "/v1/callbacks/wechat?msg_signature=477715d11cdb4164915debcba66cb864d751f3e6&timestamp="
      "1409659813&nonce=1372623149";
  const std::string body = std::string(
                               "<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName>"
                               "<Encrypt><![CDATA[") +
                           kWecomMessage + "]]></Encrypt></xml>";
  const TimeUs now = 1'409'659'813 * kSecondUs;
  const WechatCall call = VerifyWechatCall({"POST", url, {}, body}, WecomSettings(), now);
  ASSERT_TRUE(call.reply.verified);
  ASSERT_TRUE(call.message);
  EXPECT_EQ(ValueOf(*call.message, "Content"), "hello");
  EXPECT_EQ(ValueOf(*call.message, "MsgId"), "4561255354251345929");
  EXPECT_EQ(call.reply.response.body, "success");

  std::string forged = body;
  forged[forged.find("RypEv")] = 'S';
  EXPECT_FALSE(VerifyWechatCall({"POST", url, {}, forged}, WecomSettings(), now).reply.verified);
  const std::string plain = "<xml><MsgType>text</MsgType><Content>hello</Content></xml>";
  EXPECT_FALSE(VerifyWechatCall({"POST", url, {}, plain}, WecomSettings(), now).reply.verified);
}

TEST(WechatCrypto, ReadsWhatAnotherLibraryEncrypted) {
  const auto key = ParseEncodingAesKey("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG");
  ASSERT_TRUE(key);
  const std::string encrypted =
      "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg==";
  EXPECT_EQ(DecryptWechat(*key, "wxb11529c136998cb6", encrypted), "我是中文abcd123");
  EXPECT_EQ(DecryptWechat(*key, "wxb11529c136998cb7", encrypted), std::nullopt);
  EXPECT_EQ(DecryptWechat(*key, "wxb11529c136998cb6", encrypted.substr(4)), std::nullopt);
  EXPECT_EQ(DecryptWechat(*key, "wxb11529c136998cb6", ""), std::nullopt);
}

TEST(WechatToken, IsAskedForAndRead) {
  config::Settings settings;
  settings.values = {{"app_id", "wx5823bf96d3bd56c7"}, {"app_secret", "s3cret-of-app"}};
  const auto channel = MakeChannel("wechat_template", settings);
  const auto request = channel->TokenRequest();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->url, "https://api.weixin.qq.com/cgi-bin/stable_token");
  EXPECT_EQ(
      request->body,
      R"({"grant_type":"client_credential","appid":"wx5823bf96d3bd56c7","secret":"s3cret-of-app"})");
  const auto token =
      channel->DecodeToken({200, {}, R"({"access_token":"ACCESS_TOKEN","expires_in":7200})"});
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(token->value, "ACCESS_TOKEN");
  EXPECT_EQ(token->lifetime, 2 * kHourUs);
  const auto busy = channel->DecodeToken({200, {}, R"({"errcode":-1,"errmsg":"system error"})"});
  EXPECT_EQ(busy.status().code(), StatusCode::kUnavailable);
  const auto wrong = channel->DecodeToken(
      {200, {}, R"({"errcode":40125,"errmsg":"invalid appsecret s3cret-of-app"})"});
  EXPECT_EQ(wrong.status().code(), StatusCode::kInvalid);
  EXPECT_EQ(wrong.status().message(), "code 40125");
  for (const char* body : {"", "[]", R"({"access_token":"","expires_in":7200})",
                           R"({"access_token":"x","expires_in":-1})", R"({"access_token":"x"})"}) {
    EXPECT_FALSE(channel->DecodeToken({200, {}, body}).ok()) << body;
  }
  EXPECT_FALSE(channel->DecodeToken({500, {}, R"({"access_token":"x","expires_in":1})"}).ok());
}

TEST(WechatTemplate, WaitsForBeijingsMidnightWhenTheDaysQuotaIsUsedUp) {
  config::Settings settings;
  settings.values = {{"app_id", "wx5823bf96d3bd56c7"}, {"app_secret", "s3cret-of-app"}};
  const Outcome outcome = MakeChannel("wechat_template", settings)
                              ->Decode(HttpAnswer(200, R"({"errcode":45009})"),
                                       *ParseRfc3339("2026-11-11T23:30:00+08:00"));
  EXPECT_EQ(outcome.kind, Outcome::Kind::kRetry);
  EXPECT_EQ(outcome.retry_after, 30 * kMinuteUs);
}

TEST(Aliyun, WaitsAsLongAsTheRecipientsLimitCounts) {
  const auto channel = MakeChannel("aliyun", CaseOf("aliyun").settings);
  const auto retry_after = [&channel](const std::string& message) {
    return channel
        ->Decode(HttpAnswer(
                     200, R"({"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":")" + message + "\"}"),
                 kNow)
        .retry_after;
  };
  EXPECT_EQ(retry_after("触发分钟级流控Permits:1"), kMinuteUs);
  EXPECT_EQ(retry_after("触发小时级流控Permits:5"), kHourUs);
  EXPECT_EQ(retry_after("触发天级流控Permits:10"), kDayUs);
}

TEST(Aliyun, TellsItsBizIdAndTheCustomersWish) {
  const auto channel = MakeChannel("aliyun", CaseOf("aliyun").settings);
  const Outcome sent =
      channel->Decode(HttpAnswer(200, R"({"Code":"OK","BizId":"9006197469364984400"})"), kNow);
  EXPECT_EQ(sent.provider_message_id, "9006197469364984400");
  const Outcome refused =
      channel->Decode(HttpAnswer(200, R"({"Code":"isv.CUSTOMER_REFUSED"})"), kNow);
  EXPECT_TRUE(refused.revoke_consent);
  const Outcome no_number =
      channel->Decode(HttpAnswer(200, R"({"Code":"isv.MOBILE_NUMBER_ILLEGAL"})"), kNow);
  EXPECT_TRUE(no_number.suppress_address);
}

TEST(Tencent, WaitsAsLongAsTheLimitHolds) {
  const auto channel = MakeChannel("tencent", CaseOf("tencent").settings);
  const auto retry_after = [&channel](const std::string& code) {
    const Outcome outcome = channel->Decode(
        HttpAnswer(200, R"({"Response":{"SendStatusSet":[{"Code":")" + code + R"("}]}})"),
        *ParseRfc3339("2026-11-11T23:30:00+08:00"));
    EXPECT_EQ(outcome.kind, Outcome::Kind::kRetry) << code;
    return outcome.retry_after;
  };
  EXPECT_EQ(retry_after("LimitExceeded.PhoneNumberThirtySecondLimit"), 30 * kSecondUs);
  EXPECT_EQ(retry_after("LimitExceeded.PhoneNumberOneHourLimit"), kHourUs);
  EXPECT_EQ(retry_after("LimitExceeded.PhoneNumberDailyLimit"), 30 * kMinuteUs);
  EXPECT_EQ(retry_after("LimitExceeded.PhoneNumberSameContentDailyLimit"), 30 * kMinuteUs);
  EXPECT_EQ(retry_after("FailedOperation.MarketingSendTimeConstraint"),
            8 * kHourUs + 30 * kMinuteUs);
  EXPECT_EQ(retry_after("LimitExceeded.DeliveryFrequencyLimit"), 0);
}

TEST(Tencent, TellsItsSerialNumberAndTheCustomersWish) {
  const auto channel = MakeChannel("tencent", CaseOf("tencent").settings);
  const auto decode = [&channel](const std::string& status) {
    return channel->Decode(HttpAnswer(200, R"({"Response":{"SendStatusSet":[)" + status + "]}}"),
                           kNow);
  };
  EXPECT_EQ(decode(R"({"Code":"Ok","SerialNo":"2019:538884"})").provider_message_id, "2019:538884");
  EXPECT_TRUE(decode(R"({"Code":"FailedOperation.PhoneNumberInBlacklist"})").revoke_consent);
  EXPECT_TRUE(decode(R"({"Code":"InvalidParameterValue.IncorrectPhoneNumber"})").suppress_address);
}

TEST(Twilio, CreatesAMessageAndTellsItsSid) {
  const auto channel = MakeChannel("twilio", CaseOf("twilio").settings);
  const Outcome sent = channel->Decode(
      HttpAnswer(201, R"({"sid":"SM1","status":"queued","error_code":null})"), kNow);
  EXPECT_EQ(sent.provider_message_id, "SM1");
  EXPECT_TRUE(channel->Decode(HttpAnswer(400, R"({"code":21610})"), kNow).revoke_consent);
  EXPECT_TRUE(channel->Decode(HttpAnswer(400, R"({"code":21211})"), kNow).suppress_address);
}

TEST(SmsHttp, ReadsCodesByExpressionsToo) {
  const auto channel =
      MakeChannel("sms_http", {{{"url", "https://sms.test/send?to={to}&text={text}"},
                                {"code", "result=([0-9-]+)"},
                                {"id", "id=(\\w+)"},
                                {"accepted", "0"},
                                {"paused", "-4,-5"}}});
  const Outcome taken = channel->Decode(HttpAnswer(200, "result=0&id=abc"), kNow);
  EXPECT_EQ(taken.kind, Outcome::Kind::kAccepted);
  EXPECT_EQ(taken.provider_message_id, "abc");
  EXPECT_EQ(channel->Decode(HttpAnswer(200, "result=-5"), kNow).kind,
            Outcome::Kind::kChannelPaused);
  EXPECT_EQ(channel->Decode(HttpAnswer(200, "<html>"), kNow).kind, Outcome::Kind::kUnknown);
  const auto by_status =
      MakeChannel("sms_http", {{{"url", "https://sms.test/send?to={to}&text={text}"}}});
  EXPECT_EQ(by_status->Decode(HttpAnswer(202, ""), kNow).kind, Outcome::Kind::kAccepted);
  EXPECT_EQ(by_status->Decode(HttpAnswer(500, ""), kNow).kind, Outcome::Kind::kUnknown);
}

TEST(Base64, TakesOnlyWhatIsCanonical) {
  EXPECT_EQ(FromBase64("Zm9vYg=="), "foob");
  EXPECT_EQ(FromBase64(""), "");
  for (const char* bad : {"Zm9vYg=", "Zm9vYh==", "Zm9v Yg=", "Zm9vY===", "====", "Zm9v\nYg="}) {
    EXPECT_EQ(FromBase64(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(FromBase64Url(ToBase64Url("\xff\xfe\xfd?>")), "\xff\xfe\xfd?>");
  EXPECT_EQ(FromBase64Url("ab=="), std::nullopt);
}

TEST(Answers, TellTheProvidersCodeAndNothingOfAPerson) {
  const auto detail = [](std::string_view code) {
    return WithCode(MakeOutcome(Outcome::Kind::kRejected, "refused"), code).detail;
  };
  for (const char* code : {"40164", "-1", "isv.BUSINESS_LIMIT_CONTROL", "SignatureDoesNotMatch",
                           "FailedOperation.InsufficientBalanceInSmsPackage", "0"}) {
    EXPECT_EQ(detail(code), std::string("code ") + code);
  }
  for (const char* code : {"", "-", "13800138000", "+8613800138000", "ann@example.com",
                           "o6_bmjrPTlm6_2sgVt7hMZOPfL2M", "two words", "tk_1", "a\nb"}) {
    EXPECT_EQ(detail(code), "") << code;
  }
  EXPECT_EQ(detail(std::string(65, 'x')), "");
  EXPECT_EQ(WithCode(MakeOutcome(Outcome::Kind::kAccepted, ""), "0").detail, "");
  const auto channel = MakeChannel("sms_http", {{{"url", "https://sms.test/?to={to}&text={text}"},
                                                 {"code", "/code"},
                                                 {"accepted", "0"},
                                                 {"rejected", "22"}}});
  EXPECT_EQ(channel->Decode(HttpAnswer(200, R"({"code":77})"), kNow).detail, "code 77");
  EXPECT_EQ(channel->Decode(HttpAnswer(200, R"({"code":22})"), kNow).detail, "code 22");
}

}  // namespace
}  // namespace huitou::channels
