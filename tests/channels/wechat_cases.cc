#include "channels/url.h"
#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

// Every row of the provider's table, and what has none.
std::vector<AnswerCase> ErrcodeAnswers(const std::string& provider) {
  std::vector<AnswerCase> answers = {
      {"no errcode", HttpAnswer(200, R"({"errmsg":"ok","msgid":1})"), Kind::kUnknown, "bad_answer"},
      {"an errcode as text", HttpAnswer(200, R"({"errcode":"0"})"), Kind::kAccepted, ""},
      {"an error of tomorrow", HttpAnswer(200, R"({"errcode":99999})"), Kind::kRejected, "refused"},
      {"behind a proxy's error", HttpAnswer(502, R"({"errcode":0})"), Kind::kUnknown,
       "server_error"}};
  for (const AnswerRule& rule : FindProvider(provider)->answers) {
    const std::string code(rule.code);
    const std::string body = R"({"errcode":)" + code + R"(,"errmsg":"x","msgid":7})";
    answers.push_back({code, HttpAnswer(200, body), rule.kind, std::string(rule.reason)});
  }
  return answers;
}

// Signed in plain mode by Python: sha1 of the sorted token, timestamp and nonce.
constexpr TimeUs kWechatNow = 1'410'685'589 * kSecondUs;
constexpr char kWechatQuery[] =
    "/v1/callbacks/wechat?signature=f21891de399b4e33a1a93c9a7b8a8fffb5a443ff&timestamp=1410685589"
    "&nonce=test";

std::string WechatEvent(const std::string& inner) {
  return "<xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName>"
         "<FromUserName><![CDATA[oia2TjuEGTNoeX76QEjQNrcURxG8]]></FromUserName>"
         "<CreateTime>1395658920</CreateTime>" +
         inner + "</xml>";
}

std::string JobFinish(const std::string& status, const std::string& id = "200163836") {
  return WechatEvent(
      "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[TEMPLATESENDJOBFINISH]]></"
      "Event><MsgID>" +
      id + "</MsgID><Status><![CDATA[" + status + "]]></Status>");
}

std::vector<CallbackCase> OfPersons() {
  const std::string from = " address=oia2TjuEGTNoeX76QEjQNrcURxG8";
  const std::string at = " time=2014-03-24T11:02:00Z";
  const std::string text = "<MsgType>text</MsgType><Content><![CDATA[";
  const std::string follows = WechatEvent("<MsgType>event</MsgType><Event>subscribe</Event>");
  return {
      {"follows", Post(kWechatQuery, follows), kWechatNow, "subscribed" + from + at},
      {"unfollows",
       Post(kWechatQuery, WechatEvent("<MsgType>event</MsgType><Event>unsubscribe</Event>")),
       kWechatNow, "unsubscribed" + from + " reason=unfollowed" + at},
      {"writes", Post(kWechatQuery, WechatEvent(text + "你好]]></Content>")), kWechatNow,
       "replied" + from + " text=你好" + at},
      {"writes no more", Post(kWechatQuery, WechatEvent(text + "退订]]></Content>")), kWechatNow,
       "unsubscribed" + from + " reason=opted_out text=退订" + at},
      {"an event of no concern",
       Post(kWechatQuery, WechatEvent("<MsgType>event</MsgType><Event>VIEW</Event>")), kWechatNow,
       ""},
      {"the console's question",
       {"GET", std::string(kWechatQuery) + "&echostr=42", {}, ""},
       kWechatNow,
       ""},
      {"an entity that grows",
       Post(kWechatQuery, "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>" +
                              WechatEvent("<MsgType>text</MsgType><Content>&b;</Content>")),
       kWechatNow, "replied" + from + " text=&b;" + at},
      {"an old signature", Post(kWechatQuery, follows), kWechatNow + kHourUs, "refused"},
      {"no XML", Post(kWechatQuery, "{}"), kWechatNow, "refused"},
      {"another nonce", Post(std::string(kWechatQuery) + "2", follows), kWechatNow, "refused"},
      {"no signature", Post("/v1/callbacks/wechat?timestamp=1410685589&nonce=test", follows),
       kWechatNow, "refused"},
      {"a question with a wrong signature",
       {"GET",
        "/v1/callbacks/wechat?signature=00&timestamp=1410685589&nonce=test&echostr=42",
        {},
        ""},
       kWechatNow,
       "refused"},
  };
}

std::vector<CallbackCase> OfTemplates() {
  const std::string from = " address=oia2TjuEGTNoeX76QEjQNrcURxG8";
  const std::string at = " time=2014-03-24T11:02:00Z";
  const std::string id = " id=200163836";
  return {
      {"delivered", Post(kWechatQuery, JobFinish("success")), kWechatNow,
       "delivered" + id + from + at},
      {"delivered, its id untold", Post(kWechatQuery, JobFinish("success", "0")), kWechatNow,
       "delivered" + from + at},
      {"blocked by the user", Post(kWechatQuery, JobFinish("failed:user block")), kWechatNow,
       "undelivered" + id + from + " reason=user_block" + at + "; unsubscribed" + id + from +
           " reason=user_block" + at},
      {"system failure", Post(kWechatQuery, JobFinish("failed: system failed")), kWechatNow,
       "undelivered" + id + from + " reason=system_failed" + at},
  };
}

// <SubscribeMsgSentEvent><List>..</List></SubscribeMsgSentEvent> with the event's name around it.
std::string ListEvent(const std::string& event, const std::string& element,
                      const std::string& items) {
  return WechatEvent("<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[" + event +
                     "]]></Event><" + element + ">" + items + "</" + element + ">");
}

std::string Wish(const std::string& id, const std::string& status) {
  return "<List><TemplateId><![CDATA[" + id + "]]></TemplateId><SubscribeStatusString><![CDATA[" +
         status + "]]></SubscribeStatusString><PopupScene>2</PopupScene></List>";
}

std::string Sent(const std::string& code) {
  return ListEvent("subscribe_msg_sent_event", "SubscribeMsgSentEvent",
                   "<List><TemplateId>TPL-A</TemplateId><MsgID>1700827132819554304</MsgID>"
                   "<ErrorCode>" +
                       code + "</ErrorCode><ErrorStatus>x</ErrorStatus></List>");
}

std::vector<CallbackCase> OfSubscriptions() {
  const std::string from = " address=oia2TjuEGTNoeX76QEjQNrcURxG8";
  const std::string at = " time=2014-03-24T11:02:00Z";
  const std::string id = " id=1700827132819554304";
  const auto popup = [](const std::string& items) {
    return Post(kWechatQuery,
                ListEvent("subscribe_msg_popup_event", "SubscribeMsgPopupEvent", items));
  };
  const auto change = [](const std::string& items) {
    return Post(kWechatQuery,
                ListEvent("subscribe_msg_change_event", "SubscribeMsgChangeEvent", items));
  };
  return {
      {"sent", Post(kWechatQuery, Sent("0")), kWechatNow, "delivered" + id + from + at},
      {"refused on its way", Post(kWechatQuery, Sent("43101")), kWechatNow,
       "undelivered" + id + from + " reason=opted_out" + at},
      {"failed", Post(kWechatQuery, Sent("-9")), kWechatNow,
       "undelivered" + id + from + " reason=undelivered" + at},
      {"yes to one and no to another", popup(Wish("TPL-A", "accept") + Wish("TPL-B", "reject")),
       kWechatNow, "subscribed" + from + " template=winback" + at},
      {"yes to both", popup(Wish("TPL-A", "accept") + Wish("TPL-B", "accept")), kWechatNow,
       "subscribed" + from + " template=winback" + at + "; subscribed" + from +
           " template=last-call" + at},
      {"yes to another's", popup(Wish("TPL-C", "accept")), kWechatNow, ""},
      {"no more", change(Wish("TPL-B", "reject")), kWechatNow,
       "unsubscribed" + from + " reason=opted_out template=last-call" + at},
      {"a wish of tomorrow", change(Wish("TPL-B", "perhaps")), kWechatNow, ""},
      {"an empty list", popup(""), kWechatNow, ""},
  };
}

// What all channels of one app have in common.
ProviderCase OfApp(const std::string& provider) {
  ProviderCase c;
  c.provider = provider;
  c.settings.values = {{"app_id", "wx5823bf96d3bd56c7"},
                       {"app_secret", "the-secret-of-the-app"},
                       {"endpoint", "https://api.weixin.qq.com"},
                       {"callback_token", "test"}};
  c.secrets = {"the-secret-of-the-app", "TOKEN-OF-THE-HOUR"};
  c.bad_settings = {{"app_id", ""},
                    {"app_id", "gh_7f083739789a"},
                    {"app_secret", ""},
                    {"endpoint", "api.weixin.qq.com"},
                    {"endpoint", "https://x.test/cgi-bin"},
                    {"callback_token", "no blanks, please"},
                    {"encoding_aes_key", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2"},
                    {"encoding_aes_key", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2!"}};
  c.message = ExampleMessage();
  c.message.address = "oia2TjuEGTNoeX76QEjQNrcURxG8";
  c.context = ExampleContext();
  c.answers = ErrcodeAnswers(provider);
  return c;
}

// Encrypted and signed by wechatpy, by the token "test" at kWechatNow.
constexpr char kWecomKey[] = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
struct WecomCall {
  const char* signature;
  const char* encrypted;
};
constexpr WecomCall kWritten = {
    "c4ca47a41b0cf48e1d8ba1a05d932fa338a723f7",
    "GdvvEgnRjjkiOEmGHvKFf85pMCmaLjsoKzdRca5eTlcNuuVYY1K3yCUELcPir++hZ1d1CV+EuvEIMU6heqD7SOj7"
    "8ADOGBxOxkYPH6m7jAmBcKM0zU5WE7PJbNIA3ucKh10gnv5mybCYLBeRoETlnkMBhTY1PaHOLH3sEjWA6PSZVQwt"
    "5dyEYXvXnuZPpZHGicfkykOxW1ks3oUjx+XKoDq3/npgFsIGBIlOCYMSTqbGej45zDVI+fSSJiozzsfi8Bfa5qFS"
    "JILCZgqH3GH6zjwQqGmeZfoQDInjHOYGJ+WQzQ5mSngHspyFb++SIPI6lrkEgmWcD9ykcvWam46UKSoUlEuQXoPS"
    "GVBHsYWiw26IVqakRn/n/ChkxtW0TyjY"};
constexpr WecomCall kEntered = {
    "34781919abfc006e5635738dbadcc7aeb0f0091f",
    "JViPP5plQEZsA7kHMdgHL7olhxwRYrtQ7m/Q0gS67+Sf8bbM8FjnxgIPaIkQaCGXpRL4y7drPxR6KX1A0zM418EX"
    "wei8LPaKl8lzd6vBxwgr0ASF+Z6NJAqCDeHqCcBePjJ2ZA9hY3ERUInT/QhGE9BcfGFgcOQYfp2HmpIrdIS7G+Ax"
    "KqjY3VHyUqRYyC83sSMTfbrYfp7ct2olFLV14pvSNCWny9udHoj6jeWBFyeOC4xl6lHnFApYb6MX9Uc1ZIKZG27x"
    "PvH7qkZ0xvzZmHVTecC3iqKtJxePM3K0mk0U7ZPk2Gx56NCydfAx/wibz1nt1UYim1xvnT9rfDQHzA=="};
constexpr WecomCall kLeft = {
    "7b9fe3fd915fd1941c1d4c79f5a9e2ffbd7fd516",
    "uvxrvsW8Zp2zN3ua/zMdOC1vAgXbjn2qWjFWQCv09oP0NP8QGHopLGjcZu8tATZR0Y/aMildfE75oIdzQQdWHzEh"
    "U+qUQawlSkn4KQT4b5+1u1uIaGSgQeP5BXh+pH+7gB4GpimnDd873dJOVkKNGQkl0wM1X8a3iV39KAW3gEeKcP2L"
    "XViqsJ5U8/bQAC8wNDj/cFMv2W8MqtWCMopGYahDUdVTgoUzCKU24hTDXtGRrzl6PsoU/RXrXiC0W2vM9pOocdDj"
    "Qql2CbAbouhbt7WL8CcLJs4AvjOyJ79WdiHxOKPZOcJe7x6edusp/RsBPvQkEPgNh1zk1QGZOWWd4CLuscVhQuAI"
    "vnJOzFqJBcfj8xiu7d6NNNMiDEBJDmKrkV0PbO12V9Ago3qZQjhBbgCswQbTMCWjCbfoRvIhyPOTNFvQw83XKfR5"
    "QxPxd2CDdONatTx6fK3y06tgDEKXEw=="};
constexpr WecomCall kAdded = {
    "5c8765907a9f12a44f2a240dda43609df3f0064a",
    "7FozVq3icWgJXVC87f5m8wN693CS25SDkiIJG1LxCZd2P/hzDr5GOJ+daGMRFx7UDvRmR4nUBrC3lPAvMeUxW1CU"
    "Ujo8qLwvt5FoSPcQ45g3XitkO843QE4dDgvnYZ/GfXG8TJ0oD11/THzrGkzSSt+cqIPvYxBN75JSDD1hRLIDcsYB"
    "fvCu1E07TfdvFOMSTwbm+egvLNGqUTXLs/smvRynVAHVjtEM2jP35gEp/lbLIy9auw4puevkq1wME4t6OrE+6Zdk"
    "ujVDSWsOBuSTOAgtkNTXJDQDFAGxOL0qA8HdMOZ1epqy4pFbEgCra03JDszokZTE3o0msglWSgRBgjvnszVCbFcx"
    "N29Bql7i1qvAbON8QpqjU4uAsQ+lXvgSlZJmiPH9GsXq4Xr7EQgBRn7ML+52J1tAyHVCe+K6TRqINSv1tXM9ut/t"
    "+iN0/VgS0Yx4aLTSZW0HDYqXaCcZKGq8AyPzQXI2LSIqqvthTCgPfVD0VGtdwJzD+ms9n6dY"};
constexpr WecomCall kHalfAdded = {
    "dcc2762c3910a008b69e02eb993e84bbffe66ad2",
    "LbQLkTn93BUrmZIXKdw/SKOMrTuhhqRKNUqKjaGF6qBLWsHqUgB2YA4Na0ulzHf6ncvw+oPKXwEQAE4iYEWBT7KA"
    "Y1BlRiTDLEsKaOmCooakdGsGWZwERgYXdA0buH4PuDqRp8LY96gJdpWUQiCGw8z9TiXuyxPGj/2dQrPV6wmIFQ+c"
    "tDEYRW8TdiQQwMCTW1cZWKiru+yuiSI3y+ObCPn3yNy7EjcmKD4EF+xsfilZjJDIgcAyBo0bWDBBuuhfMW34tSv/"
    "7LkezvzVLVgRTcbzxJ0OhMjncWY9ClYjbb9nn82B1dUpwBt9kql80NJSHxYg1xqNOOk935mHl2DQ+5ji3P8V/FZb"
    "BzsHVsRkZv8pyEK9mWd1IJmCnB/TV87g9DuD7K1S+uhLaXXM/8qFyPLn85CGKKgby41SabQ3Zf5umxOepbiJMfeI"
    "mvSpsITt//A11HGzQYVFNybBnCXuZKb0acwpO8pTwHY99nLIZ2Iawu/Mp6O2S4xFMYeN4uub"};
constexpr WecomCall kDeleted = {
    "66b56e29f7914a138cbbbeed7f7be501e53c7f83",
    "cq113gtnT9qpc05HzFIqIzTSjzCBvXSvWxHpK9vKmyTqJkBRQPDgBECIBNtp5yNiF3ZZS5K9l3FTT8GW/+DvmCsH"
    "yJ4UhBVWgrjCTpARG4k9VY4oI/7urW2tUNOKmt9iMB4lEd8M+bRJDU8mXDT+wKthPyOX6TRDxA83BDTpnIAp5WTA"
    "72oqZl2PLBhEMTRQmWIHJH+Tru4iidMPk4aLROe9yQ13jhbweiGpry5HwEuILq8PkeVF//tUouB0U7SCYkfATiG0"
    "L12/ikSLSTP1ZJFeGhG6PlSJ6CBg2tdzwGXQBs9SkzaM19oF5YDqLpg/ktFyE2dYGdH18COCesqFaKb2UIwTQ8qi"
    "CuSSpoHn2GFpDAarZV8PQAcjTiFgnqgd+PuhyjybKRpdrlu5l+pfmtEW5TYjFR/LiBzRiCyVXdcpgGkx2/Jl4bav"
    "HAcglA+0S+RGGXxd/S5CIqaZxgx0mr8HrDEtTQzOkwYL6lyLBzXQ9j1cGczSOrWuwcVzravK"};
constexpr WecomCall kOfAnother = {
    "017c95074c7b9c93c0ea6980f4ad433157315f47",
    "b34o8W8hPSr7Yp4xz9kKqfeOJdZ7Z3MLhpSWE9vjxALsd5BIJm+0MWBkYCUVHtLw/hBME3bVNYJWokJ+PphUA2FL"
    "Eb+TqEYSpCFSsrAmOe3gZtOtdfWIiFuNV8/mYE2L+yOI5n4VeUeZbokAtQOGi7LVH+DPrFBLVZBw6oAJNRWGD6Xv"
    "BQg51+q2fhc+gFaPzbd9eFC/jfqUKxv383B3eF7fTqgge+zK8tZfcogfJlFl83R/Y8Lyg3knm1n+FCU4eMgvr7RJ"
    "wTwDcA+QyUdpJTANapofKQKy5z6YLFFcb2TXp/Lc1yFhbh242BPXj/j8km1+tw7y7/ECRhBSHWBqxei2thr8KZC9"
    "awbnCrvEpNTXXs1XWAB0mbS6Zt/2eb7mjehNJx/Kd47keqePUIywQszpEuGRO+WJHda82N53ZiDoIXyMt+M806lL"
    "pQjC4Lu3oiozALTeH/6KOllEsWclCg=="};
constexpr WecomCall kQuestion = {
    "1c85f0083605509b9fe9c6619a2901a7f36ae006",
    "+0NPr5BxOWN9MBuk2dgXcxJGQKJ18NclkiigWHzwCmQKfIFzxNrwacLZKS+aoM2gMn2Taq1ecjBFHba9Syly2A=="};

CallbackRequest WecomPost(const WecomCall& call) {
  return Post(std::string("/v1/callbacks/wecom?timestamp=1410685589&nonce=test&msg_signature=") +
                  call.signature,
              std::string("<xml><ToUserName>ww5823bf96d3bd56c7</ToUserName><AgentID>1000002"
                          "</AgentID><Encrypt><![CDATA[") +
                  call.encrypted + "]]></Encrypt></xml>");
}

std::vector<CallbackCase> OfCompanies() {
  CallbackRequest question = WecomPost(kQuestion);
  question.method = "GET";
  question.body.clear();
  question.url += "&echostr=" + PercentEncode(kQuestion.encrypted);
  CallbackRequest plain = Post(kWechatQuery, WechatEvent("<MsgType>text</MsgType>"));
  return {
      {"the console's question", question, kWechatNow, ""},
      {"another company's", WecomPost(kOfAnother), kWechatNow, "refused"},
      {"signed for another text", WecomPost({kLeft.signature, kAdded.encrypted}), kWechatNow,
       "refused"},
      {"an old one", WecomPost(kLeft), kWechatNow + kHourUs, "refused"},
      {"not encrypted", plain, kWechatNow, "refused"},
  };
}

// The same for the channels of one company.
ProviderCase OfCompany(const std::string& provider) {
  ProviderCase c;
  c.provider = provider;
  c.settings.values = {{"corp_id", "ww5823bf96d3bd56c7"},
                       {"corp_secret", "the-secret-of-the-app"},
                       {"endpoint", "https://qyapi.weixin.qq.com"},
                       {"recipient", "assistant"},
                       {"callback_token", "test"},
                       {"encoding_aes_key", kWecomKey}};
  c.secrets = {"the-secret-of-the-app", "TOKEN-OF-THE-HOUR"};
  c.bad_settings = {{"corp_id", ""},
                    {"corp_id", "two words"},
                    {"corp_secret", ""},
                    {"recipient", ""},
                    {"recipient", "two words"},
                    {"endpoint", "qyapi.weixin.qq.com"},
                    {"endpoint", "https://x.test/cgi-bin"},
                    {"callback_token", "no blanks, please"},
                    {"encoding_aes_key", ""},
                    {"encoding_aes_key", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2!"}};
  c.message = ExampleMessage();
  c.message.address = "zhangsan";
  c.context = ExampleContext();
  c.answers = ErrcodeAnswers(provider);
  c.callbacks = OfCompanies();
  return c;
}

}  // namespace

ProviderCase WechatTemplateCase() {
  ProviderCase c = OfApp("wechat_template");
  c.sends_no_text = true;
  c.message.fields = {{"template_id", "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"},
                      {"url", "https://shop.example.com/回"},
                      {"data.first", "好久不见"},
                      {"data.remark", "\"50 元\""}};
  c.callbacks = OfPersons();
  for (CallbackCase& callback : OfTemplates()) {
    c.callbacks.push_back(std::move(callback));
  }
  return c;
}

ProviderCase WechatSubscriptionCase() {
  ProviderCase c = OfApp("wechat_subscription");
  c.sends_no_text = true;
  c.sends_no_dispatch = true;
  c.settings.values["templates"] = " TPL-A=winback ,TPL-B=last-call";
  c.bad_settings.push_back({"templates", "TPL-A"});
  c.bad_settings.push_back({"templates", "TPL-A=x,TPL-A=y"});
  c.bad_settings.push_back({"templates", "TPL-A=x,,"});
  c.message.fields = {{"template_id", "TPL-A"},
                      {"page", "https://shop.example.com/回"},
                      {"data.thing1", "好久不见"}};
  c.callbacks = OfPersons();
  for (CallbackCase& callback : OfSubscriptions()) {
    c.callbacks.push_back(std::move(callback));
  }
  return c;
}

ProviderCase WechatCustomerServiceCase() {
  ProviderCase c = OfApp("wechat_customer_service");
  c.sends_no_dispatch = true;
  c.settings.values["kf_account"] = "help@gh_shop";
  c.bad_settings.push_back({"kf_account", "nobody"});
  c.bad_settings.push_back({"kf_account", "two words@gh_shop"});
  c.callbacks = OfPersons();
  return c;
}

ProviderCase WecomAppCase() {
  ProviderCase c = OfCompany("wecom_app");
  c.sends_no_dispatch = true;
  c.settings.values["agent_id"] = "1000002";
  c.bad_settings.push_back({"agent_id", "007"});
  c.bad_settings.push_back({"agent_id", "-1000002"});
  c.bad_settings.push_back({"agent_id", "12345678901"});
  const auto answers = [&c](const char* story, const char* body, Kind kind, const char* reason) {
    c.answers.push_back({story, HttpAnswer(200, body), kind, reason});
  };
  const std::string from = " address=zhangsan";
  const std::string at = " time=2014-03-24T11:02:00Z";
  c.callbacks.push_back({"an employee writes, were it to stop", WecomPost(kWritten), kWechatNow,
                         "replied" + from + " text=退订" + at});
  c.callbacks.push_back({"an employee opens the app", WecomPost(kEntered), kWechatNow, ""});
  answers("a member who left", R"({"errcode":0,"errmsg":"ok","invaliduser":"zhangsan"})",
          Kind::kRejected, "bad_recipient");
  answers("one without a licence", R"({"errcode":0,"invaliduser":"","unlicenseduser":"zhangsan"})",
          Kind::kRejected, "bad_recipient");
  answers("nobody is left out", R"({"errcode":0,"invaliduser":"","invalidtag":"","msgid":"m1"})",
          Kind::kAccepted, "");
  return c;
}

ProviderCase WecomExternalCase() {
  ProviderCase c = OfCompany("wecom_external");
  c.sends_no_dispatch = true;
  c.message.address = "woAJ2GCAAAXtWyujaWJHDDGi0mACAAAA";
  c.message.fields = {{"sender", "zhangsan"}, {"link.title", "回"}, {"link.url", "https://x.test"}};
  const std::string who = " address=woAJ2GCAAAXtWyujaWJHDDGi0mACAAAA";
  const std::string at = " time=2014-03-24T11:02:00Z";
  c.callbacks.push_back({"a customer deletes the employee", WecomPost(kLeft), kWechatNow,
                         "unsubscribed" + who + " reason=unfollowed" + at});
  c.callbacks.push_back(
      {"a customer becomes a contact", WecomPost(kAdded), kWechatNow, "subscribed" + who + at});
  c.callbacks.push_back({"a customer adds an employee who has still to confirm it",
                         WecomPost(kHalfAdded), kWechatNow, ""});
  c.callbacks.push_back({"an employee deletes the customer", WecomPost(kDeleted), kWechatNow, ""});
  c.answers.push_back({"a contact who cannot get it",
                       HttpAnswer(200, R"({"errcode":0,"fail_list":["wo1"],"msgid":"m1"})"),
                       Kind::kRejected, "bad_recipient"});
  c.answers.push_back({"nobody failed",
                       HttpAnswer(200, R"({"errcode":0,"fail_list":[],"msgid":"m1"})"),
                       Kind::kAccepted, ""});
  return c;
}

}  // namespace huitou::channels
