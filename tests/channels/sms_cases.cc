// The providers of SMS.
#include "channels/twilio_signature.h"
#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

Answer AliyunAnswer(const std::string& code, const std::string& message = "") {
  return HttpAnswer(200, R"({"RequestId":"F655","Code":")" + code + R"(","Message":")" + message +
                             R"(","BizId":"9006197469364984400"})");
}

std::vector<CallbackCase> AliyunCallbacks() {
  const std::string url = "/v1/callbacks/sms?token=0123456789abcdef0123";
  const std::string report =
      R"([{"phone_number":"13900000001","send_time":"2017-01-01 00:00:00",)"
      R"("report_time":"2017-01-01 08:00:01","success":true,"err_code":"DELIVERED",)"
      R"("err_msg":"ok","sms_size":"1","biz_id":"12345","out_id":"0123456789abcdef0123456789abcdef"}])";
  const auto failed = [](const std::string& code) {
    return R"([{"phone_number":"13900000001","success":false,"err_code":")" + code +
           R"(","biz_id":"12345","out_id":"67","report_time":"2017-01-01 08:00:01"}])";
  };
  const auto reply = [](const std::string& content) {
    return R"([{"phone_number":"13900000001","send_time":"2017-01-01 08:00:00","content":")" +
           content + R"(","sign_name":"x","dest_code":"1","sequence_id":1234567890}])";
  };
  const std::string opted_out = "unsubscribed address=+8613900000001 reason=opted_out text=";
  const std::string at = " time=2017-01-01T00:00:00Z";
  std::vector<CallbackCase> cases = {
      {"delivered", Post(url, report), kNow,
       "delivered dispatch=0123456789abcdef0123456789abcdef id=12345 time=2017-01-01T00:00:01Z"},
      {"not delivered", Post(url, failed("MK:0001")), kNow,
       "undelivered id=12345 reason=mk:0001 time=2017-01-01T00:00:01Z"},
      {"refused by the customer", Post(url, failed("USER_REJECT")), kNow,
       "undelivered id=12345 reason=user_reject time=2017-01-01T00:00:01Z; unsubscribed id=12345 "
       "address=+8613900000001 reason=user_reject time=2017-01-01T00:00:01Z"},
      {"a question", Post(url, reply("几点关门?")), kNow,
       "replied address=+8613900000001 text=几点关门?" + at},
      {"nothing new", Post(url, "[]"), kNow, ""},
      {"fields we do not know", Post(url, R"([{"a":1},{"b":{"success":true}}])"), kNow, ""},
      {"no token", Post("/v1/callbacks/sms", report), kNow, "refused"},
      {"an empty token", Post("/v1/callbacks/sms?token=", report), kNow, "refused"},
      {"half a token", Post("/v1/callbacks/sms?token=0123456789abcdef", report), kNow, "refused"},
      {"the token in another place", Post("/v1/callbacks/0123456789abcdef0123?x=1", report), kNow,
       "refused"},
      {"not JSON", Post(url, "<xml/>"), kNow, "refused"},
      {"an array of numbers", Post(url, "[1]"), kNow, "refused"},
      {"too many of them", Post(url, "[" + std::string(2'000'000, ' ') + "]"), kNow, "refused"},
      {"not a POST", {"GET", url, {}, ""}, kNow, "refused"}};
  for (const char* word : {"TD", "td", " T ", "N", "R", "STOP", "stop.", "退订", "我要退订！",
                           "ＴＤ", "“T”", "拒收", "TD退订"}) {
    cases.push_back({"opt-out", Post(url, reply(word)), kNow, opted_out + word + at});
  }
  for (const char* word : {"TODAY", "RN", "好的", "NO.1", "T恤有吗"}) {
    cases.push_back({"no opt-out", Post(url, reply(word)), kNow,
                     std::string("replied address=+8613900000001 text=") + word + at});
  }
  return cases;
}

}  // namespace

ProviderCase AliyunCase() {
  ProviderCase c;
  c.provider = "aliyun";
  c.sends_no_text = true;
  c.settings.values = {{"access_key_id", "LTAI-example"},
                       {"access_key_secret", "the-secret-of-the-key"},
                       {"sign_name", "阿里云"},
                       {"endpoint", "https://dysmsapi.aliyuncs.com"},
                       {"callback_token", "0123456789abcdef0123"},
                       {"batch", "100"}};
  c.secrets = {"the-secret-of-the-key", "0123456789abcdef0123", "LTAI-example"};
  c.bad_settings = {{"access_key_id", ""},
                    {"access_key_id", "two words"},
                    {"access_key_secret", ""},
                    {"access_key_secret", "line\r\nbreak"},
                    {"sign_name", ""},
                    {"endpoint", "dysmsapi.aliyuncs.com"},
                    {"endpoint", "ftp://x.test"},
                    {"endpoint", "https://x.test/path"},
                    {"callback_token", "too-little"},
                    {"batch", "1001"}};
  c.message = ExampleMessage();
  c.message.address = "+8613900000000";
  c.message.fields = {{"code", "SMS_154950909"}, {"param.name", "小明"}, {"param.off", "50 元"}};
  c.context = ExampleContext();
  c.answers = {
      {"sent", AliyunAnswer("OK", "OK"), Kind::kAccepted, ""},
      {"OK, but not HTTP's", HttpAnswer(500, R"({"Code":"OK"})"), Kind::kUnknown, "server_error"},
      {"no code", HttpAnswer(200, R"({"Message":"OK"})"), Kind::kUnknown, "bad_answer"},
      {"a code that is an object", HttpAnswer(200, R"({"Code":{"a":"OK"}})"), Kind::kUnknown,
       "bad_answer"},
      {"the gateway is busy", HttpAnswer(429, R"({"Code":"Throttling.User"})"), Kind::kRetry,
       "rate_limited"},
      {"busy, with HTTP's 400", HttpAnswer(400, R"({"Code":"Throttling.User"})"), Kind::kRetry,
       "rate_limited"},
      {"wrong signature", HttpAnswer(400, R"({"Code":"SignatureDoesNotMatch"})"),
       Kind::kChannelPaused, "unauthorized"},
      {"clock is wrong", HttpAnswer(400, R"({"Code":"InvalidTimeStamp.Expired"})"),
       Kind::kChannelPaused, "clock"},
      {"a code of tomorrow", AliyunAnswer("isv.SOMETHING_NEW"), Kind::kRejected, "refused"},
      {"a failure of tomorrow", AliyunAnswer("isp.SOMETHING_NEW"), Kind::kUnknown, "server_error"},
      {"a gateway code of tomorrow", HttpAnswer(400, R"({"Code":"NewThing"})"), Kind::kRejected,
       "bad_request"},
  };
  for (const AnswerRule& rule : FindProvider("aliyun")->answers) {
    const std::string code(rule.code);
    c.answers.push_back({code, AliyunAnswer(code), rule.kind, std::string(rule.reason)});
  }
  c.callbacks = AliyunCallbacks();
  return c;
}

namespace {

std::string TencentStatus(const std::string& code) {
  return R"({"Response":{"SendStatusSet":[{"SerialNo":"2019:538884","PhoneNumber":"+8613900000000",)"
         R"("Fee":1,"SessionContext":"x","Code":")" +
         code + R"(","Message":"m","IsoCode":"CN"}],"RequestId":"a0aabda6"}})";
}

std::string TencentError(const std::string& code) {
  return R"({"Response":{"Error":{"Code":")" + code +
         R"(","Message":"m"},"RequestId":"ed93f3cb"}})";
}

std::vector<CallbackCase> TencentCallbacks() {
  const std::string url = "/v1/callbacks/sms?token=0123456789abcdef0123";
  const auto report = [](const std::string& status, const std::string& error) {
    return R"({"user_receive_time":"2017-01-01 08:00:01","nationcode":"86","mobile":"13900000001",)"
           R"("report_status":")" +
           status + R"(","errmsg":")" + error + R"(","description":"x","sid":"2019:538884"})";
  };
  const std::string delivered = "delivered id=2019:538884 time=2017-01-01T00:00:01Z";
  const auto reply = [](const std::string& text, const std::string& nation = "86") {
    return R"({"extend":"01","mobile":"13900000001","nationcode":")" + nation +
           R"(","sign":"x","text":")" + text + R"(","time":1483228800})";
  };
  const std::string at = " time=2017-01-01T00:00:00Z";
  return {
      {"delivered", Post(url, "[" + report("SUCCESS", "DELIVRD") + "]"), kNow, delivered},
      {"several at once",
       Post(url, "[" + report("SUCCESS", "DELIVRD") + "," + report("FAIL", "MK:0001") + "]"), kNow,
       delivered + "; undelivered id=2019:538884 reason=mk:0001 time=2017-01-01T00:00:01Z"},
      {"not delivered, nobody says why", Post(url, "[" + report("FAIL", "") + "]"), kNow,
       "undelivered id=2019:538884 reason=undelivered time=2017-01-01T00:00:01Z"},
      {"a question", Post(url, reply("几点关门?")), kNow,
       "replied address=+8613900000001 text=几点关门?" + at},
      {"from another country", Post(url, reply("hi", "44")), kNow,
       "replied address=+4413900000001 text=hi" + at},
      {"an opt-out", Post(url, reply("TD")), kNow,
       "unsubscribed address=+8613900000001 reason=opted_out text=TD" + at},
      {"an opt-out in Chinese", Post(url, reply("退订")), kNow,
       "unsubscribed address=+8613900000001 reason=opted_out text=退订" + at},
      {"an opt-out in English", Post(url, reply("stop")), kNow,
       "unsubscribed address=+8613900000001 reason=opted_out text=stop" + at},
      {"nothing new", Post(url, "[]"), kNow, ""},
      {"fields we do not know", Post(url, R"({"a":1})"), kNow, ""},
      {"no token", Post("/v1/callbacks/sms", reply("TD")), kNow, "refused"},
      {"half a token", Post("/v1/callbacks/sms?token=0123456789abcdef", reply("TD")), kNow,
       "refused"},
      {"not JSON", Post(url, "text=TD"), kNow, "refused"},
      {"not a POST", {"GET", url, {}, ""}, kNow, "refused"}};
}

}  // namespace

ProviderCase TencentCase() {
  ProviderCase c;
  c.provider = "tencent";
  c.sends_no_text = true;
  c.settings.values = {{"secret_id", "AKID-example"},
                       {"secret_key", "the-key-of-the-secret"},
                       {"sdk_app_id", "1400006666"},
                       {"sign_name", "腾讯云"},
                       {"sender_id", "Shop"},
                       {"region", "ap-beijing"},
                       {"endpoint", "https://sms.tencentcloudapi.com"},
                       {"callback_token", "0123456789abcdef0123"},
                       {"batch", "200"}};
  c.secrets = {"the-key-of-the-secret", "0123456789abcdef0123", "AKID-example"};
  c.bad_settings = {{"secret_id", ""},
                    {"secret_key", "line\r\nbreak"},
                    {"sdk_app_id", ""},
                    {"region", "ap beijing"},
                    {"endpoint", "sms.tencentcloudapi.com"},
                    {"endpoint", "https://x.test/path"},
                    {"callback_token", "too-little"},
                    {"batch", "1001"}};
  c.message = ExampleMessage();
  c.message.address = "+8613900000000";
  c.message.fields = {{"template_id", "1234"}, {"param.1", "小明"}, {"param.2", "50 元"}};
  c.context = ExampleContext();
  c.answers = {{"sent, but not HTTP's", HttpAnswer(500, TencentStatus("Ok")), Kind::kUnknown,
                "server_error"},
               {"no status", HttpAnswer(200, R"({"Response":{"SendStatusSet":[]}})"),
                Kind::kUnknown, "bad_answer"},
               {"sent and an error",
                HttpAnswer(200, R"({"Response":{"Error":{"Code":"InternalError"},)"
                                R"("SendStatusSet":[{"Code":"Ok"}]}})"),
                Kind::kUnknown, "server_error"},
               {"wrong signature", HttpAnswer(200, TencentError("AuthFailure.SignatureFailure")),
                Kind::kChannelPaused, "unauthorized"},
               {"busy", HttpAnswer(200, TencentError("RequestLimitExceeded.IPLimitExceeded")),
                Kind::kRetry, "rate_limited"},
               {"timed out behind", HttpAnswer(200, TencentStatus("InternalError.Timeout")),
                Kind::kUnknown, "server_error"},
               {"a code of tomorrow", HttpAnswer(200, TencentStatus("FailedOperation.New")),
                Kind::kRejected, "refused"},
               {"a family of tomorrow", HttpAnswer(200, TencentStatus("New.Thing")), Kind::kUnknown,
                "server_error"}};
  for (const AnswerRule& rule : FindProvider("tencent")->answers) {
    const std::string code(rule.code);
    const std::string reason(rule.reason);
    c.answers.push_back({code, HttpAnswer(200, TencentStatus(code)), rule.kind, reason});
    if (rule.kind != Kind::kAccepted) {
      c.answers.push_back({code, HttpAnswer(200, TencentError(code)), rule.kind, reason});
    }
  }
  c.callbacks = TencentCallbacks();
  return c;
}

namespace {

constexpr char kTwilioToken[] = "12345678901234567890123456789012";
constexpr char kTwilioUrl[] = "https://huitou.example.com/v1/callbacks/sms";

// As the provider posts it to the path behind a proxy, signed over the public URL.
CallbackRequest TwilioPost(const std::string& query, const FormFields& fields,
                           const std::string& token = kTwilioToken) {
  return {"POST",
          "/v1/callbacks/sms" + query,
          {{"x-twilio-signature", TwilioSignature(token, kTwilioUrl + query, fields)}},
          FormEncode(fields)};
}

std::vector<CallbackCase> TwilioCallbacks() {
  const std::string query = "?dispatch=0123456789abcdef0123456789abcdef";
  const std::string ids = " dispatch=0123456789abcdef0123456789abcdef id=SM1";
  const auto status = [&query](const std::string& word, const std::string& code = "") {
    FormFields fields = {{"MessageSid", "SM1"},
                         {"MessageStatus", word},
                         {"AccountSid", "AC1"},
                         {"To", "+8613900000001"},
                         {"From", "+15005550006"}};
    if (!code.empty()) {
      fields.emplace_back("ErrorCode", code);
    }
    return TwilioPost(query, fields);
  };
  const auto incoming = [](const std::string& text, const std::string& type = "") {
    FormFields fields = {{"MessageSid", "SM2"}, {"From", "+8613900000001"}, {"Body", text}};
    if (!type.empty()) {
      fields.emplace_back("OptOutType", type);
    }
    return TwilioPost("", fields);
  };
  const std::string from = " address=+8613900000001";
  CallbackRequest changed = status("delivered");
  changed.body += "&ErrorCode=30003";
  CallbackRequest other_dispatch = status("delivered");
  other_dispatch.url.back() = 'e';
  CallbackRequest unsigned_one = incoming("STOP");
  unsigned_one.headers.clear();
  CallbackRequest broken = incoming("STOP");
  broken.body += "%";
  return {
      {"delivered", status("delivered"), kNow, "delivered" + ids},
      {"read", status("read"), kNow, "delivered" + ids},
      {"under way", status("sent"), kNow, ""},
      {"not delivered", status("undelivered", "30003"), kNow,
       "undelivered" + ids + " reason=30003"},
      {"failed, nobody says why", status("failed"), kNow, "undelivered" + ids + " reason=failed"},
      {"refused by the customer", status("failed", "21610"), kNow,
       "undelivered" + ids + " reason=21610; unsubscribed" + ids + from + " reason=opted_out"},
      {"a question", incoming("几点关门?"), kNow, "replied" + from + " text=几点关门?"},
      {"an opt-out", incoming("Stop"), kNow, "unsubscribed" + from + " reason=opted_out text=Stop"},
      {"an opt-out by the account's own word", incoming("arrêt", "STOP"), kNow,
       "unsubscribed" + from + " reason=opted_out text=arrêt"},
      {"back again", incoming("START", "START"), kNow, "subscribed" + from + " text=START"},
      {"help", incoming("HELP", "HELP"), kNow, "replied" + from + " text=HELP"},
      {"something else", TwilioPost("", {{"CallSid", "CA1"}}), kNow, ""},
      {"another token", TwilioPost("", {{"Body", "STOP"}, {"From", "+1"}}, "other"), kNow,
       "refused"},
      {"a field more than was signed", changed, kNow, "refused"},
      {"another dispatch", other_dispatch, kNow, "refused"},
      {"no signature", unsigned_one, kNow, "refused"},
      {"no form", broken, kNow, "refused"},
      {"not a POST", {"GET", "/v1/callbacks/sms", {}, ""}, kNow, "refused"}};
}

}  // namespace

ProviderCase TwilioCase() {
  ProviderCase c;
  c.provider = "twilio";
  c.settings.values = {{"account_sid", "AC0123456789abcdef0123456789abcdef"},
                       {"auth_token", kTwilioToken},
                       {"api_key", "SK-of-the-account"},
                       {"api_key_secret", "secret-of-the-key"},
                       {"from", "+15005550006"},
                       {"callback_url", kTwilioUrl},
                       {"valid_for", "2h"},
                       {"endpoint", "https://api.twilio.com"}};
  c.secrets = {kTwilioToken, "SK-of-the-account", "secret-of-the-key"};
  c.bad_settings = {{"account_sid", ""},
                    {"account_sid", "SK0123"},
                    {"account_sid", "AC/../x"},
                    {"auth_token", ""},
                    {"auth_token", "two words"},
                    {"api_key", ""},
                    {"api_key_secret", ""},
                    {"from", ""},
                    {"messaging_service_sid", "MG0123"},
                    {"callback_url", "huitou.example.com/x"},
                    {"callback_url", "https://huitou.example.com/x?y=1"},
                    {"valid_for", "11h"},
                    {"endpoint", "https://api.twilio.com/2010-04-01"}};
  c.message = ExampleMessage();
  c.message.address = "+8613900000000";
  c.context = ExampleContext();
  c.answers = {
      {"created", HttpAnswer(201, R"({"sid":"SM1","status":"queued","error_code":null})"),
       Kind::kAccepted, ""},
      {"created and failed at once",
       HttpAnswer(201, R"({"sid":"SM1","status":"failed","error_code":21610})"), Kind::kRejected,
       "opted_out"},
      {"created and failed, new reason",
       HttpAnswer(201, R"({"sid":"SM1","status":"failed","error_code":39999})"), Kind::kRejected,
       "refused"},
      {"no sid", HttpAnswer(201, R"({"status":"queued"})"), Kind::kUnknown, "bad_answer"},
      {"a code of tomorrow", HttpAnswer(400, R"({"code":29999,"status":400})"), Kind::kRejected,
       "bad_request"},
      {"wrong token", HttpAnswer(401, R"({"code":20003,"status":401})"), Kind::kChannelPaused,
       "unauthorized"},
      {"busy", HttpAnswer(429, R"({"code":20429,"status":429})"), Kind::kRetry, "rate_limited"},
      {"broken, perhaps after it was taken", HttpAnswer(503, R"({"code":20503,"status":503})"),
       Kind::kUnknown, "server_error"},
      {"an error in spite of a sid", HttpAnswer(500, R"({"sid":"SM1"})"), Kind::kUnknown,
       "server_error"}};
  for (const AnswerRule& rule : FindProvider("twilio")->answers) {
    const std::string code(rule.code);
    c.answers.push_back({code, HttpAnswer(400, R"({"code":)" + code + R"(,"message":"m"})"),
                         rule.kind, std::string(rule.reason)});
  }
  c.callbacks = TwilioCallbacks();
  return c;
}

namespace {

std::vector<AnswerCase> SmsHttpAnswers() {
  const auto says = [](const std::string& code) {
    return HttpAnswer(200, R"({"data":{"id":"m-1"},"code":)" + code + "}");
  };
  return {
      {"taken", says("0"), Kind::kAccepted, ""},
      {"taken, in words", says(R"("OK")"), Kind::kAccepted, ""},
      {"too fast", says("8"), Kind::kRetry, "rate_limited"},
      {"refused", says("22"), Kind::kRejected, "refused"},
      {"no such number", says("17"), Kind::kRejected, "bad_number"},
      {"opted out", says("33"), Kind::kRejected, "opted_out"},
      {"out of money", says("3"), Kind::kChannelPaused, "account"},
      {"a code of tomorrow", says("99"), Kind::kUnknown, "bad_answer"},
      {"taken, but not HTTP's", HttpAnswer(500, R"({"code":0})"), Kind::kUnknown, "server_error"},
      {"opted out, with HTTP's 400", HttpAnswer(400, R"({"code":33})"), Kind::kRejected,
       "opted_out"}};
}

}  // namespace

ProviderCase SmsHttpCase() {
  ProviderCase c;
  c.provider = "sms_http";
  c.sends_secrets_in_its_body = true;
  c.settings.values = {
      {"url", "https://sms.example.com/send?key={token}"},
      {"method", "POST"},
      {"headers", "Authorization: Basic {basic}\nX-Id: {dispatch} {customer}"},
      {"content_type", "application/json"},
      {"body", R"({"to":"{to}","text":"{text}","user":"{username}","sign":"{field.sign}"})"},
      {"username", "user-of-ours"},
      {"password", "pass-of-ours"},
      {"token", "token-of-ours"},
      {"code", "/code"},
      {"id", "/data/id"},
      {"accepted", "0, OK"},
      {"retry", "8"},
      {"rejected", "22"},
      {"bad_number", "17"},
      {"opted_out", "33"},
      {"paused", "3,4"}};
  c.secrets = {"user-of-ours", "pass-of-ours", "token-of-ours"};
  c.bad_settings = {{"url", "sms.example.com"},
                    {"url", "https://sms.example.com/{token}/send"},
                    {"url", "https://{to}.example.com/send"},
                    {"url", "https://sms.example.com/send?to={phone}"},
                    {"headers", "no colon"},
                    {"headers", "bad name: x"},
                    {"headers", "Content-Type: text/plain"},
                    {"headers", "x: {nothing}"},
                    {"token", ""},
                    {"username", ""},
                    {"content_type", "image/png"},
                    {"body", "{nothing}"},
                    {"body", ""},
                    {"body", R"({"to":"{to}"})"},
                    {"body", R"({"text":"{text}"})"},
                    {"body", "to={to}&text={text}"},
                    {"body", R"({"to":"{to}","text":"{text}")"},
                    {"code", "no group"},
                    {"code", "(broken"},
                    {"id", "no group"},
                    {"accepted", ""},
                    {"paused", "33"}};
  c.message = ExampleMessage();
  c.message.address = "+8613900000000";
  c.message.fields = {{"sign", "回头小店"}};
  c.context = ExampleContext();
  c.answers = SmsHttpAnswers();
  return c;
}

}  // namespace huitou::channels
