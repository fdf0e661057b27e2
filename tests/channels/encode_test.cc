// The exact bytes that leave for each provider.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "channels/url.h"
#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

std::string Encoded(const std::string& provider, const config::Settings& settings,
                    const Message& message) {
  return ToText(MakeChannel(provider, settings)->Encode(message, ExampleContext()));
}

TEST(Console, ShowsAMessageAndNothingThatMovesTheCursor) {
  Message message = ExampleMessage();
  message.fields = {{"subject", "Hi\x1b[2J"}};
  message.text = "one\ntwo\r\n\a";
  EXPECT_EQ(Encoded("console", {}, message),
            "\n2026-11-11T00:03:12Z test: winback to c1\n"
            "    subject: Hi?[2J\n"
            "    one\n"
            "    two\n"
            "    ?");
}

TEST(File, WritesOneJsonLineAMessage) {
  Message message = ExampleMessage();
  message.text = "a \"b\"\n🎁";
  EXPECT_EQ(Encoded("file", {{{"path", "/x"}}}, message),
            "/x\n"
            R"({"dispatch":"0123456789abcdef0123456789abcdef","customer":"c1","channel":"test",)"
            R"("template":"winback","locale":"zh-CN","text":"a \"b\"\n🎁",)"
            R"("time":"2026-11-11T00:03:12Z"})");
}

TEST(PhoneList, WritesOneCsvLineAMessage) {
  Message message = ExampleMessage();
  message.address = "+8613800000000";
  message.text = "你好, \"友\"\r\n🎁";
  EXPECT_EQ(Encoded("phone_list", {{{"path", "/x"}}}, message),
            "/x\n"
            R"("+8613800000000","你好, ""友""  🎁",0123456789abcdef0123456789abcdef,)"
            R"("winback",2026-11-11T00:03:12Z)");
}

TEST(Webhook, SignsItsBodyUnderEveryKey) {
  Message message = ExampleMessage();
  message.fields = {{"subject", "你好"}};
  message.text = "hello";
  // Signatures from Python's hmac, one for each key.
  EXPECT_EQ(
      Encoded("webhook",
              {{{"url", "https://shop.example.com/hooks"},
                {"secret",
                 "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw "
                 "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}}},
              message),
      "POST https://shop.example.com/hooks\n"
      "content-type: application/json\n"
      "webhook-id: 0123456789abcdef0123456789abcdef\n"
      "webhook-timestamp: 1794355392\n"
      "webhook-signature: v1,nZmS4YawGPw5OLFp1hNZ55yLR2p4StGJoof/VXH1S6U= "
      "v1,AuRNvgMOoZrLX7NKv9RUnkPG6PgpjxzlhbjyHYOpS2c=\n"
      "\n"
      R"({"type":"message","timestamp":"2026-11-11T00:03:12Z","data":{)"
      R"("dispatch":"0123456789abcdef0123456789abcdef","customer":"c1","channel":"test",)"
      R"("template":"winback","locale":"zh-CN","fields":{"subject":"你好"},"text":"hello"}})");
}

TEST(Kafka, WritesOneRecordAMessageWithTheCustomerAsItsKey) {
  Message message = ExampleMessage();
  message.customer = "客户 1";
  message.fields = {{"subject", "你好"}};
  message.text = "a \"b\"\n🎁";
  EXPECT_EQ(Encoded("kafka", {{{"brokers", "127.0.0.1:9092"}, {"topic", "messages"}}}, message),
            "127.0.0.1:9092 messages 客户 1\n"
            "content-type: application/json\n"
            "dispatch: 0123456789abcdef0123456789abcdef\n"
            "\n"
            R"({"dispatch":"0123456789abcdef0123456789abcdef","customer":"客户 1",)"
            R"("channel":"test","template":"winback","locale":"zh-CN",)"
            R"("fields":{"subject":"你好"},"text":"a \"b\"\n🎁","time":"2026-11-11T00:03:12Z"})");
}

TEST(Smtp, SendsTextAndHtmlAsOneMailOfTwoVersions) {
  Message message = ExampleMessage();
  message.address = "a@example.com";
  message.fields = {{"subject", "hi"}};
  message.text = "你好";
  message.html = "<p>hi</p>";
  const std::string mail =
      Encoded("smtp", {{{"url", "smtp://127.0.0.1:25"}, {"from", "b@example.com"}}}, message);
  EXPECT_THAT(mail, testing::EndsWith("MIME-Version: 1.0\r\n"
                                      "Content-Type: multipart/alternative;\r\n"
                                      " boundary=\"=_0123456789abcdef0123456789abcdef\"\r\n"
                                      "\r\n"
                                      "--=_0123456789abcdef0123456789abcdef\r\n"
                                      "Content-Type: text/plain; charset=utf-8\r\n"
                                      "Content-Transfer-Encoding: base64\r\n"
                                      "\r\n"
                                      "5L2g5aW9DQo=\r\n"
                                      "\r\n"
                                      "--=_0123456789abcdef0123456789abcdef\r\n"
                                      "Content-Type: text/html; charset=utf-8\r\n"
                                      "Content-Transfer-Encoding: quoted-printable\r\n"
                                      "\r\n"
                                      "<p>hi</p>\r\n"
                                      "\r\n"
                                      "--=_0123456789abcdef0123456789abcdef--\r\n"));
}

TEST(Smtp, SendsFromAnAddressThatKnowsTheDispatch) {
  Message message = ExampleMessage();
  message.address = "a@example.com";
  const auto channel = MakeChannel("smtp", {{{"url", "smtp://127.0.0.1:25"},
                                             {"from", "b@example.com"},
                                             {"return_path", "bounces+{dispatch}@example.com"}}});
  EXPECT_EQ(std::get<Mail>(channel->Encode(message, ExampleContext())).from,
            "bounces+0123456789abcdef0123456789abcdef@example.com");
}

TEST(WechatTemplate, SendsDataUrlAndMiniProgram) {
  Message message = ExampleMessage();
  message.address = "o6_b";
  message.fields = {{"template_id", "T1"},        {"url", "https://shop.example.com/?a=1&b=2"},
                    {"miniprogram.appid", "wx1"}, {"miniprogram.pagepath", "pages/coupon?id=1"},
                    {"data.first", "好久不见"},   {"data.keyword1", "50.00"}};
  const std::string text = Encoded(
      "wechat_template", {{{"app_id", "wx5823bf96d3bd56c7"}, {"app_secret", "s"}}}, message);
  EXPECT_EQ(text,
            "POST https://api.weixin.qq.com/cgi-bin/message/template/send?access_token="
            "TOKEN-OF-THE-HOUR\n"
            "content-type: application/json; charset=utf-8\n"
            "\n"
            R"({"touser":"o6_b","template_id":"T1","url":"https://shop.example.com/?a=1&b=2",)"
            R"("miniprogram":{"appid":"wx1","pagepath":"pages/coupon?id=1"},)"
            R"("client_msg_id":"0123456789abcdef0123456789abcdef",)"
            R"("data":{"first":{"value":"好久不见"},"keyword1":{"value":"50.00"}}})");
}

TEST(WechatSubscription, SendsPageAndDataToTheAccountsOwnPath) {
  Message message = ExampleMessage();
  message.address = "o6_b";
  message.fields = {{"template_id", "T1"},
                    {"page", "https://shop.example.com/?a=1&b=2"},
                    {"data.thing1", "好久不见"},
                    {"data.amount2", "50.00"}};
  config::Settings settings{{{"app_id", "wx5823bf96d3bd56c7"}, {"app_secret", "s"}}};
  const std::string rest =
      "?access_token=TOKEN-OF-THE-HOUR\n"
      "content-type: application/json; charset=utf-8\n"
      "\n"
      R"({"touser":"o6_b","template_id":"T1","page":"https://shop.example.com/?a=1&b=2",)"
      R"("data":{"thing1":{"value":"好久不见"},"amount2":{"value":"50.00"}}})";
  EXPECT_EQ(Encoded("wechat_subscription", settings, message),
            "POST https://api.weixin.qq.com/cgi-bin/message/subscribe/bizsend" + rest);
  settings.values["account"] = "mini_program";
  EXPECT_EQ(Encoded("wechat_subscription", settings, message),
            "POST https://api.weixin.qq.com/cgi-bin/message/subscribe/send" + rest);
}

TEST(WechatCustomerService, SendsTheTextInItsAccountsName) {
  Message message = ExampleMessage();
  message.address = "o6_b";
  message.text = "您好 \"回\"\n";
  config::Settings settings{{{"app_id", "wx5823bf96d3bd56c7"}, {"app_secret", "s"}}};
  const std::string head =
      "POST https://api.weixin.qq.com/cgi-bin/message/custom/send?access_token=TOKEN-OF-THE-HOUR\n"
      "content-type: application/json; charset=utf-8\n"
      "\n"
      R"({"touser":"o6_b","msgtype":"text","text":{"content":"您好 \"回\""})";
  EXPECT_EQ(Encoded("wechat_customer_service", settings, message), head + "}");
  settings.values["kf_account"] = "help@gh_shop";
  EXPECT_EQ(Encoded("wechat_customer_service", settings, message),
            head + R"(,"customservice":{"kf_account":"help@gh_shop"}})");
}

config::Settings Company() {
  return {{{"corp_id", "ww1"}, {"corp_secret", "s3cret+of/app"}, {"recipient", "assistant"}}};
}

TEST(WecomApp, SendsToOnePersonOnly) {
  Message message = ExampleMessage();
  message.text = "客户 c1 很久没来\n";
  config::Settings settings = Company();
  settings.values["agent_id"] = "1000002";
  const auto sent_to = [&](const std::string& address) {
    message.address = address;
    return Encoded("wecom_app", settings, message);
  };
  const std::string head =
      "POST https://qyapi.weixin.qq.com/cgi-bin/message/send?access_token=TOKEN-OF-THE-HOUR\n"
      "content-type: application/json; charset=utf-8\n"
      "\n";
  const std::string rest =
      R"(,"msgtype":"text","agentid":1000002,"text":{"content":"客户 c1 很久没来"})";
  EXPECT_EQ(sent_to("Zhang-3@shop.com"), head + R"({"touser":"Zhang-3@shop.com")" + rest + "}");
  for (const char* many : {"@all", "@ALL", "a|b", "", " a", "_a", "小张"}) {
    EXPECT_EQ(sent_to(many), head + R"({"touser":"_")" + rest + "}") << many;
  }
  settings.values["duplicate_check"] = "true";
  EXPECT_EQ(sent_to("a"), head + R"({"touser":"a")" + rest +
                              R"(,"enable_duplicate_check":1,"duplicate_check_interval":1800})");
  settings.values["format"] = "markdown";
  EXPECT_THAT(sent_to("a"),
              testing::HasSubstr(R"("msgtype":"markdown","agentid":1000002,"markdown":{)"));
}

TEST(WecomExternal, AsksForOneContactAndNeverForAll) {
  Message message = ExampleMessage();
  message.text = "好久不见";
  const std::string head =
      "POST https://qyapi.weixin.qq.com/cgi-bin/externalcontact/add_msg_template?access_token="
      "TOKEN-OF-THE-HOUR\n"
      "content-type: application/json; charset=utf-8\n"
      "\n";
  message.address = "";
  EXPECT_EQ(
      Encoded("wecom_external", Company(), message),
      head + R"({"chat_type":"single","external_userid":["_"],"text":{"content":"好久不见"}})");
  message.address = "woAJ2GCAAAXtWyujaWJHDDGi0mACAAAA";
  message.fields = {{"sender", "zhangsan"},
                    {"link.title", "回"},
                    {"link.url", "https://shop.example.com/?a=1&b=2"}};
  EXPECT_EQ(Encoded("wecom_external", Company(), message),
            head +
                R"({"chat_type":"single","external_userid":["woAJ2GCAAAXtWyujaWJHDDGi0mACAAAA"],)"
                R"("sender":"zhangsan","text":{"content":"好久不见"},"attachments":[)"
                R"({"msgtype":"link","link":{"title":"回",)"
                R"("url":"https://shop.example.com/?a=1&b=2"}}]})");
}

TEST(Wecom, GetsItsTokenByTheAppsSecret) {
  const auto channel = MakeChannel("wecom_external", Company());
  const auto request = channel->TokenRequest();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "GET");
  EXPECT_EQ(request->url,
            "https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=ww1&corpsecret=s3cret%2Bof%2Fapp");
  EXPECT_THAT(PublicUrl(request->url), testing::Not(testing::HasSubstr("s3cret")));
  const auto token = channel->DecodeToken(
      {200, {}, R"({"errcode":0,"errmsg":"ok","access_token":"T","expires_in":7200})"});
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(token->value, "T");
  const auto refused = channel->DecodeToken({200, {}, R"({"errcode":40001,"errmsg":"bad"})"});
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalid);
}

TEST(Aliyun, SendsDigitsOnlyAndNoParametersWhereTheTemplateHasNone) {
  Message message = ExampleMessage();
  message.address = "+86 139-0000-0000";
  message.fields = {{"code", "SMS_1"}};
  const std::string text = Encoded("aliyun",
                                   {{{"access_key_id", "id"},
                                     {"access_key_secret", "secret"},
                                     {"sign_name", "阿里云"},
                                     {"endpoint", "http://127.0.0.1:8080/"}}},
                                   message);
  EXPECT_THAT(text, testing::StartsWith(
                        "POST http://127.0.0.1:8080/?OutId=0123456789abcdef0123456789abcdef&"
                        "PhoneNumbers=8613900000000&SignName=%E9%98%BF%E9%87%8C%E4%BA%91&"
                        "TemplateCode=SMS_1\nhost: 127.0.0.1:8080\nx-acs-action: SendSms\n"));
  EXPECT_THAT(text, testing::HasSubstr("\nx-acs-date: 2026-11-11T00:03:12Z\n"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("content-type"))) << "it would need signing";
}

TEST(Tencent, SendsItsParametersInTheOrderOfTheirNumbers) {
  Message message = ExampleMessage();
  message.address = "+8613900000000";
  message.fields = {
      {"param.10", "ten"}, {"template_id", "1234"}, {"param.2", "two \"2\""}, {"param.1", "一"}};
  // The signature from Python's hmac.
  EXPECT_EQ(Encoded("tencent",
                    {{{"secret_id", "id"},
                      {"secret_key", "key"},
                      {"sdk_app_id", "1400006666"},
                      {"sign_name", "腾讯云"},
                      {"endpoint", "http://127.0.0.1:8080/"}}},
                    message),
            "POST http://127.0.0.1:8080/\n"
            "content-type: application/json; charset=utf-8\n"
            "host: 127.0.0.1:8080\n"
            "x-tc-action: SendSms\n"
            "x-tc-version: 2021-01-11\n"
            "x-tc-timestamp: 1794355392\n"
            "x-tc-region: ap-guangzhou\n"
            "authorization: TC3-HMAC-SHA256 Credential=id/2026-11-11/sms/tc3_request, "
            "SignedHeaders=content-type;host, "
            "Signature=ed5bce52a9970aa6fddbf51a332f31760a630e58dd773c35793823f307b6be2c\n"
            "\n"
            R"({"SmsSdkAppId":"1400006666","SignName":"腾讯云","TemplateId":"1234",)"
            R"("TemplateParamSet":["一","two \"2\"","ten"],"PhoneNumberSet":["+8613900000000"],)"
            R"("SessionContext":"0123456789abcdef0123456789abcdef"})");
}

TEST(Twilio, PostsAFormFromANumberOrAService) {
  Message message = ExampleMessage();
  message.address = "+8613900000000";
  message.text = "50 元 & more\n";
  const config::Settings settings{{{"account_sid", "AC1"},
                                   {"auth_token", "12345"},
                                   {"from", "+15005550006"},
                                   {"callback_url", "https://x.test/v1/callbacks/sms"},
                                   {"valid_for", "90s"}}};
  EXPECT_EQ(Encoded("twilio", settings, message),
            "POST https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json\n"
            "content-type: application/x-www-form-urlencoded\n"
            "accept: application/json\n"
            "authorization: Basic QUMxOjEyMzQ1\n"
            "\n"
            "To=%2B8613900000000&From=%2B15005550006&Body=50%20%E5%85%83%20%26%20more&"
            "ValidityPeriod=90&StatusCallback=https%3A%2F%2Fx.test%2Fv1%2Fcallbacks%2Fsms%3F"
            "dispatch%3D0123456789abcdef0123456789abcdef");
  EXPECT_THAT(Encoded("twilio",
                      {{{"account_sid", "AC1"},
                        {"auth_token", "12345"},
                        {"api_key", "SK1"},
                        {"api_key_secret", "s"},
                        {"messaging_service_sid", "MG1"}}},
                      message),
              testing::AllOf(testing::HasSubstr("authorization: Basic U0sxOnM=\n"),
                             testing::EndsWith("&MessagingServiceSid=MG1&Body=50%20%E5%85%83%20%26%"
                                               "20more&ValidityPeriod=3600")));
}

TEST(SmsHttp, EscapesEachPlaceholderForItsPlace) {
  Message message = ExampleMessage();
  message.address = "+8613900000000";
  message.text = "\"50\" <元> & {to}\n";
  message.fields = {{"sign", "回 &"}};
  config::Settings settings{
      {{"url", "https://sms.test/send?k={token}&s={field.sign}"},
       {"headers", "X-Text: {text}\n\n x-unix:{unix}"},
       {"token", "t&="},
       {"body", R"({"to":"{to_digits}","text":"{text}","none":"{field.x}"})"}}};
  EXPECT_EQ(Encoded("sms_http", settings, message),
            "POST https://sms.test/send?k=t%26%3D&s=%E5%9B%9E%20%26\n"
            "x-text: \"50\" <元> & {to}\n"
            "x-unix: 1794355392\n"
            "content-type: application/json; charset=utf-8\n"
            "\n"
            R"({"to":"8613900000000","text":"\"50\" <元> & {to}","none":""})");
  settings.values["content_type"] = "text/xml";
  settings.values["body"] = "<sms a='{to}'>{text}</sms>";
  EXPECT_THAT(
      Encoded("sms_http", settings, message),
      testing::EndsWith("<sms a='+8613900000000'>&quot;50&quot; &lt;元&gt; &amp; {to}</sms>"));
  settings.values["content_type"] = "application/x-www-form-urlencoded";
  settings.values["body"] = "to={to}&text={text}";
  EXPECT_THAT(
      Encoded("sms_http", settings, message),
      testing::EndsWith("to=%2B8613900000000&text=%2250%22%20%3C%E5%85%83%3E%20%26%20%7Bto%7D"));
  settings.values["method"] = "GET";
  settings.values["body"] = "";
  settings.values["url"] = "https://sms.test/send?to={to}";
  EXPECT_THAT(
      Encoded("sms_http", settings, message),
      testing::AllOf(testing::StartsWith("GET "), testing::EndsWith("x-unix: 1794355392\n\n")));
}

TEST(Smtp, WarnsOfAPasswordThatAnybodyOnTheWayCanRead) {
  const auto warns = [](const std::string& url, const std::string& require_tls,
                        const std::string& password) {
    const config::Settings settings{
        {{"url", url}, {"require_tls", require_tls}, {"password", password}}};
    return FindProvider("smtp")->schema.advise(settings).has_value();
  };
  EXPECT_TRUE(warns("smtp://mail.example.com:587", "false", "secret"));
  EXPECT_FALSE(warns("smtp://mail.example.com:587", "", "secret")) << "then STARTTLS is a must";
  EXPECT_FALSE(warns("smtps://mail.example.com:465", "false", "secret"));
  EXPECT_FALSE(warns("smtp://mail.example.com:25", "false", "")) << "there is no password";
  EXPECT_FALSE(warns("smtp://127.0.0.1:2525", "false", "secret")) << "it leaves no machine";
}

TEST(Smtp, WritesAWholeMessage) {
  Message message = ExampleMessage();
  message.address = "xiaoming@example.com";
  message.text = "<p>回头客专享</p>";
  message.fields = {{"subject", "Hello"}, {"content_type", "text/html"}};
  EXPECT_EQ(
      Encoded("smtp", {{{"url", "smtp://127.0.0.1:2525"}, {"from", "Demo <demo@example.com>"}}},
              message),
      "smtp://127.0.0.1:2525 demo@example.com xiaoming@example.com plain\n"
      "Date: Wed, 11 Nov 2026 00:03:12 +0000\r\n"
      "From: Demo <demo@example.com>\r\n"
      "To: xiaoming@example.com\r\n"
      "Subject: Hello\r\n"
      "Message-ID: <0123456789abcdef0123456789abcdef@example.com>\r\n"
      "MIME-Version: 1.0\r\n"
      "Content-Type: text/html; charset=utf-8\r\n"
      "Content-Transfer-Encoding: base64\r\n"
      "\r\n"
      "PHA+5Zue5aS05a6i5LiT5LqrPC9wPg0K\r\n");
}

}  // namespace
}  // namespace huitou::channels
