// Writes what the channels encode for hard texts, one JSON line a request, for the judges to read:
//   dump_requests UNIX_SECONDS
// {"provider", "message": {...}, "url", "headers": {...}, "body": hex, "from", "to"}
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "channels/channel.h"
#include "channels/coupon_provider.h"
#include "channels/crypto.h"
#include "tests/channels/pay_key.h"
#include "triggers/base/hash.h"
#include "triggers/base/json.h"

namespace huitou::channels {
namespace {

// The keys that provider_server.py takes by default.
const config::Settings kSettings{{
    {"url", "https://hooks.example.com/webhook"},
    {"secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    {"access_key_id", "judge-key-id"},
    {"access_key_secret", "judge-key-secret"},
    {"sign_name", "回头小店"},
    {"app_id", "wx5823bf96d3bd56c7"},
    {"app_secret", "judge-app-secret"},
    {"token", "judge-coupon-token"},
    {"secret_id", "judge-secret-id"},
    {"secret_key", "judge-secret-key"},
    {"sdk_app_id", "1400006666"},
    {"account_sid", "AC0123456789abcdef0123456789abcdef"},
    {"auth_token", "judge-auth-token"},
    {"from", "+15005550006"},
    {"kf_account", "help@gh_shop"},
    {"corp_id", "ww5823bf96d3bd56c7"},
    {"corp_secret", "judge-corp-secret"},
    {"recipient", "wecom_id"},
    {"agent_id", "1000002"},
    {"callback_url", "https://huitou.example.com/v1/callbacks/sms"},
}};

// Of the channel smtp too: with an HTML version beside the text.
constexpr char kMailOfTwo[] = "smtp_html";

const config::Settings kMailSettings{{
    {"url", "smtp://127.0.0.1:25"},
    {"from", "\"回头小店, 上海\" <shop@example.com>"},
    {"reply_to", "Service <help@example.com>"},
}};

// Each kind of body that the channel sms_http escapes for.
struct SmsBody {
  std::string content_type;
  std::string body;
};
const SmsBody kSmsBodies[] = {
    {"application/json", R"({"to": "{to}", "text": "{text}"})"},
    {"application/x-www-form-urlencoded", "to={to}&text={text}"},
    {"text/xml", "<sms to=\"{to}\" same=\"{text}\"><text>{text}</text></sms>"},
};

// Their parameters have 35 characters; all of them go into a URL, which servers bound.
constexpr size_t kQueryTextBytesMax = 4000;

std::vector<std::string> HardTexts() {
  std::string chinese;
  while (chinese.size() < 1800) {
    chinese += "回头客专享优惠，限今日！";
  }
  return {"亲爱的小明，好久不见！优惠码 ABC-123",
          "🎁👨‍👩‍👧‍👦 emoji, é, ﷽ and ＡＢＣ",
          "a b*~/?&=+%20%zz#;:@!$'()[]<>\"\\{}|^`,",
          "",
          " leading and trailing ",
          "two\nlines\r\nand\tthree\n\n.\n..dots\nFrom here",
          "=?UTF-8?B?5Zue?= is no encoded word here",
          "double  blanks   stay",
          chinese,
          std::string(1900, 'x'),
          std::string(20'000, '=') + "\n" + chinese + chinese};
}

Message HardMessage(const std::string& text, int number) {
  Message message;
  message.dispatch = Hash128({"judge", std::to_string(number)});
  message.customer = text.empty() || text.size() > 256 ? "c1" : text;  // ids have up to 256 bytes
  message.channel = "judged";
  message.template_name = "winback";
  message.locale = "zh-CN";
  message.text = text;
  message.time = 1'794'355'392 * kSecondUs;
  message.unsubscribe_url = "https://shop.example.com/u/judged";
  return message;
}

void Shape(const std::string& provider, const std::string& text, Message* message) {
  if (provider == "aliyun") {
    message->address = "+8613900000000";
    message->fields = {{"code", "SMS_154950909"}, {"param.name", text}, {"param.x y", "1"}};
  } else if (provider == "tencent") {
    message->address = "+8613900000000";
    message->fields = {{"template_id", "1234"}, {"param.2", "second"}, {"param.1", text}};
  } else if (provider == "twilio") {
    message->address = "+8613900000000";
  } else if (provider == "wechat_template") {
    message->address = "oia2TjuEGTNoeX76QEjQNrcURxG8";
    message->fields = {{"template_id", "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"},
                       {"data.first", text}};
  } else if (provider == "wechat_subscription") {
    message->address = "oia2TjuEGTNoeX76QEjQNrcURxG8";
    message->fields = {{"template_id", "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"},
                       {"page", "https://shop.example.com/"},
                       {"data.thing1", text}};
  } else if (provider == "wechat_customer_service") {
    message->address = "oia2TjuEGTNoeX76QEjQNrcURxG8";
  } else if (provider == "wecom_app") {
    message->address = "zhangsan";
  } else if (provider == "wecom_external") {
    message->address = "woAJ2GCAAAXtWyujaWJHDDGi0mACAAAA";
    message->fields = {{"sender", "zhangsan"}};
  } else if (provider == "smtp" || provider == kMailOfTwo) {
    message->address = "xiaoming@example.com";
    message->fields = {{"subject", text}};
    message->html = provider == kMailOfTwo ? "<p>" + text + "</p>" : "";
  } else {
    message->fields = {{"subject", text}};
  }
}

void Print(const std::string& provider, const std::string& text, const Message& message,
           const Request& request) {
  JsonObject line;
  line.Add("provider", provider)
      .Add("text", text)
      .Add("dispatch", message.dispatch.ToString())
      .Add("customer", message.customer);
  if (const auto* http = std::get_if<HttpRequest>(&request)) {
    JsonObject headers;
    for (const auto& [name, value] : http->headers) {
      headers.Add(name, value);
    }
    line.Add("method", http->method)
        .Add("url", http->url)
        .AddRaw("headers", headers.Close())
        .Add("body", ToHex(http->body));
  } else {
    const auto& mail = std::get<Mail>(request);
    line.Add("from", mail.from).Add("to", mail.to).Add("body", ToHex(mail.data));
  }
  std::printf("%s\n", line.Close().c_str());
}

// The channel sms_http, with each kind of body and the text in the query as well.
void PrintSmsHttp(TimeUs now, int* number) {
  for (const SmsBody& kind : kSmsBodies) {
    const config::Settings settings{{{"url", "https://sms.example.com/send?text={text}"},
                                     {"headers", "X-Text: {text}"},
                                     {"content_type", kind.content_type},
                                     {"body", kind.body}}};
    const auto channel = FindProvider("sms_http")->make(settings);
    for (const std::string& text : HardTexts()) {
      Message message = HardMessage(text, ++*number);
      message.address = "+8613900000000";
      EncodeContext context;
      context.now = now;
      Print("sms_http", text, message, (*channel)->Encode(message, context));
    }
  }
}

// The channel twilio with the other kinds of sender and key, and without callbacks.
void PrintTwilioService(int* number) {
  const config::Settings settings{{{"account_sid", kSettings.Get("account_sid")},
                                   {"auth_token", kSettings.Get("auth_token")},
                                   {"api_key", "SK0123456789abcdef0123456789abcdef"},
                                   {"api_key_secret", "judge-api-key-secret"},
                                   {"messaging_service_sid", "MG0123456789abcdef0123456789abcdef"},
                                   {"valid_for", "10h"}}};
  const auto channel = FindProvider("twilio")->make(settings);
  for (const std::string& text : HardTexts()) {
    Message message = HardMessage(text, ++*number);
    Shape("twilio", text, &message);
    Print("twilio_service", text, message, (*channel)->Encode(message, {}));
  }
}

void PrintWechatPay(TimeUs now, int* number) {
  const config::Settings settings{{{"mch_id", "1900009191"},
                                   {"serial_no", "F5765756002FDD77"},
                                   {"private_key", kPayPrivateKey},
                                   {"platform_key", kPayPublicKey},
                                   {"platform_key_id", "PUB_KEY_ID_1"},
                                   {"app_id", "wx5823bf96d3bd56c7"},
                                   {"stocks", "big=9856000"}}};
  const auto coupons = FindCouponProvider("wechat_pay")->make(settings);
  for (const std::string openid :
       {"oia2TjuEGTNoeX76QEjQNrcURxG8", "o-_1", "客户", "a b/c?d=e#f%20"}) {
    const Message message = HardMessage(openid, ++*number);
    CouponRequest request;
    request.dispatch = message.dispatch;
    request.coupon = "big";
    request.wechat_openid = openid;
    EncodeContext context;
    context.now = now;
    context.nonce = Hash128({"nonce", openid}).ToString();
    Print("wechat_pay", openid, message,
          std::get<HttpRequest>((*coupons)->Issue(request, context)));
  }
}

// Two messages in one request, of the channels that have that.
void PrintBatches(TimeUs now, int* number) {
  for (const std::string provider : {"aliyun", "tencent"}) {
    const auto channel = FindProvider(provider)->make(kSettings);
    for (const std::string& text : HardTexts()) {
      Message first = HardMessage(text, ++*number);
      Shape(provider, text, &first);
      Message second = HardMessage(text, ++*number);
      Shape(provider, text, &second);
      second.address = "+8613900000001";
      EncodeContext context;
      context.now = now;
      context.nonce = Hash128({"nonce", std::to_string(*number)}).ToString();
      Print(provider + "_batch", text, first,
            (*channel)->EncodeBatch(std::vector<Message>{first, second}, context));
    }
  }
}

// What providers are asked about single messages, and for the receipts that they keep.
void PrintQueries(TimeUs now, int* number) {
  for (const std::string provider : {"aliyun", "tencent", "twilio"}) {
    const auto channel = FindProvider(provider)->make(kSettings);
    for (const std::string& text : HardTexts()) {
      for (const char* id : {"", "SM0123456789abcdef0123456789abcdef"}) {
        SentMessage sent;
        sent.message = HardMessage(text, ++*number);
        Shape(provider, text, &sent.message);
        sent.provider_message_id = id;
        sent.sent_at = now - kMinuteUs;
        EncodeContext context;
        context.now = now;
        context.nonce = Hash128({"nonce", std::to_string(*number)}).ToString();
        Print(provider + "_query", text, sent.message, *(*channel)->EncodeQuery(sent, context));
      }
    }
  }
  EncodeContext context;
  context.now = now;
  for (const HttpRequest& request :
       (*FindProvider("tencent")->make(kSettings))->EncodePolls(context)) {
    Print("tencent_poll", "", HardMessage("", ++*number), request);
  }
}

int Run(TimeUs now) {
  int number = 0;
  PrintQueries(now, &number);
  PrintSmsHttp(now, &number);
  PrintBatches(now, &number);
  PrintTwilioService(&number);
  for (const std::string provider :
       {"webhook", "aliyun", "tencent", "twilio", "wechat_template", "wechat_subscription",
        "wechat_customer_service", "wecom_app", "wecom_external", "smtp", kMailOfTwo}) {
    const bool mail = provider == "smtp" || provider == kMailOfTwo;
    const auto channel =
        FindProvider(mail ? "smtp" : provider)->make(mail ? kMailSettings : kSettings);
    if (!channel.ok()) {
      std::fprintf(stderr, "%s: %s\n", provider.c_str(), channel.status().message().c_str());
      return 1;
    }
    for (const std::string& text : HardTexts()) {
      if (provider == "aliyun" && text.size() > kQueryTextBytesMax) {
        continue;
      }
      Message message = HardMessage(text, ++number);
      Shape(provider, text, &message);
      EncodeContext context;
      context.now = now;
      context.nonce = Hash128({"nonce", std::to_string(number)}).ToString();
      context.access_token = "TOKEN";
      Print(provider, text, message, (*channel)->Encode(message, context));
    }
  }
  config::Settings shop = kSettings;
  shop.values["url"] = "https://shop.example.com/coupons";
  const auto coupons = FindCouponProvider("http")->make(shop);
  for (const std::string& text : HardTexts()) {
    const Message message = HardMessage(text, ++number);
    CouponRequest request;
    request.dispatch = message.dispatch;
    request.customer = message.customer;
    request.campaign = "winback";
    request.coupon = "big";
    request.value = *ParseMoney("49.50 CNY");
    request.min_spend = *ParseMoney("200 CNY");
    request.expires_at = now + kDayUs;
    Print("coupons", text, message, std::get<HttpRequest>((*coupons)->Issue(request, {})));
  }
  PrintWechatPay(now, &number);
  return 0;
}

}  // namespace
}  // namespace huitou::channels

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: dump_requests UNIX_SECONDS\n");
    return 2;
  }
  return huitou::channels::Run(std::atoll(argv[1]) * huitou::kSecondUs);
}
