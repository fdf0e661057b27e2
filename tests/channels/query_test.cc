// What providers are asked about single messages, and what their answers mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "channels/url.h"
#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kDispatch[] = "0123456789abcdef0123456789abcdef";

SentMessage Sent(const std::string& provider, const std::string& provider_message_id = "") {
  SentMessage sent;
  sent.message = CaseOf(provider).message;
  sent.message.dispatch = Id128::Parse(kDispatch);
  sent.message.address = "+8613900000001";
  sent.provider_message_id = provider_message_id;
  sent.sent_at = *ParseRfc3339("2026-01-01T23:30:00+08:00");
  return sent;
}

std::string Say(const QueryAnswer& answer) {
  static const char* const kWords[] = {"unanswered", "not_found", "accepted", "told"};
  std::string text = kWords[static_cast<int>(answer.kind)];
  text += answer.provider_message_id.empty() ? "" : " " + answer.provider_message_id;
  return text + (answer.receipts.empty() ? "" : ": " + ToText(answer.receipts));
}

std::unique_ptr<Channel> Make(const std::string& provider) {
  return MakeChannel(provider, CaseOf(provider).settings);
}

std::string Ask(const SentMessage& sent, const std::string& provider, const std::string& body,
                int status = 200) {
  return Say(Make(provider)->DecodeQuery(HttpAnswer(status, body), sent));
}

HttpRequest Question(const std::string& provider, const SentMessage& sent) {
  return *Make(provider)->EncodeQuery(sent, ExampleContext());
}

TEST(Query, WhoSaysThatItAnswersCanBeAskedAndKeepsItsSecrets) {
  int asked = 0;
  for (const ProviderCase& c : AllCases()) {
    SentMessage sent;
    sent.message = c.message;
    const auto channel = MakeChannel(c.provider, c.settings);
    const auto request = channel->EncodeQuery(sent, c.context);
    EXPECT_EQ(request.has_value(), FindProvider(c.provider)->answers_queries) << c.provider;
    if (!request) {
      continue;
    }
    ++asked;
    for (const std::string& secret : c.secrets) {
      EXPECT_THAT(PublicUrl(request->url), Not(HasSubstr(secret)));
      EXPECT_THAT(request->body, Not(HasSubstr(secret)));
    }
    // Whatever is no answer to the question settles nothing.
    for (const char* body : {"", "{}", "[]", "null", "no JSON", "{\"Code\":\"Throttling\"}",
                             "{\"Response\":{\"Error\":{\"Code\":\"InternalError\"}}}",
                             "{\"messages\":1,\"SmsSendDetailDTOs\":[]}"}) {
      EXPECT_EQ(Say(channel->DecodeQuery(HttpAnswer(200, body), sent)), "unanswered")
          << c.provider << ": " << body;
    }
    EXPECT_EQ(Say(channel->DecodeQuery(HttpAnswer(500, "oops"), sent)), "unanswered");
    EXPECT_EQ(Say(channel->DecodeQuery(LostAnswerOf(TransportError::kAmbiguous), sent)),
              "unanswered");
  }
  EXPECT_EQ(asked, 3);
}

// --- Alibaba
// --------------------------------------------------------------------------------------

std::string Details(const std::string& items) {
  return R"({"TotalCount":1,"Message":"OK","RequestId":"819B","Code":"OK",)"
         R"("SmsSendDetailDTOs":{"SmsSendDetailDTO":[)" +
         items + "]}}";
}

std::string Detail(const std::string& out_id, int status, const std::string& code = "") {
  return R"({"ErrCode":")" + code + R"(","TemplateCode":"SMS_1","OutId":")" + out_id +
         R"(","ReceiveDate":"2026-01-01 23:31:05","SendDate":"2026-01-01 23:30:00",)"
         R"("PhoneNum":"13900000001","Content":"【阿里云】您好","SendStatus":)" +
         std::to_string(status) + "}";
}

TEST(Query, AliyunIsAskedForTheNumbersMessagesOfTheDayInBeijing) {
  const HttpRequest request = Question("aliyun", Sent("aliyun"));
  EXPECT_EQ(QueryValue(request.url, "PhoneNumber"), "13900000001");
  EXPECT_EQ(QueryValue(request.url, "SendDate"), "20260101");
  EXPECT_EQ(QueryValue(request.url, "PageSize"), "50");
  EXPECT_THAT(ToText(request), HasSubstr("x-acs-action: QuerySendDetails"));
  SentMessage abroad = Sent("aliyun");
  abroad.message.address = "+85290000000";
  abroad.sent_at += kHourUs;  // half past midnight there
  const HttpRequest other = Question("aliyun", abroad);
  EXPECT_EQ(QueryValue(other.url, "PhoneNumber"), "85290000000");
  EXPECT_EQ(QueryValue(other.url, "SendDate"), "20260102");
}

TEST(Query, AliyunIsAskedForBothDaysOfAMessageAtMidnight) {
  SentMessage sent = Sent("aliyun");
  sent.sent_at = *ParseRfc3339("2026-01-01T23:59:55+08:00");
  EncodeContext context = ExampleContext();
  const auto day = [&] {
    return QueryValue(Make("aliyun")->EncodeQuery(sent, context)->url, "SendDate");
  };
  const std::string first = day();
  context.now += kMinuteUs;
  EXPECT_THAT((std::set{first, day()}), testing::ElementsAre("20260101", "20260102"));
  // That one day does not know it says nothing; that one does, all.
  EXPECT_EQ(Ask(sent, "aliyun", Details("")), "unanswered");
  EXPECT_EQ(Ask(sent, "aliyun", Details(Detail(kDispatch, 1))), "accepted");
  sent.sent_at -= kMinuteUs;
  EXPECT_EQ(Ask(sent, "aliyun", Details("")), "not_found");
  EXPECT_EQ(day(), "20260101");
  context.now += kMinuteUs;
  EXPECT_EQ(day(), "20260101");
}

TEST(Query, AliyunKnowsTheMessageByItsOutId) {
  const SentMessage sent = Sent("aliyun");
  const std::string at = " time=2026-01-01T15:31:05Z";
  EXPECT_EQ(Ask(sent, "aliyun", Details("")), "not_found");
  EXPECT_EQ(Ask(sent, "aliyun", Details(Detail("another", 3))), "not_found");
  EXPECT_EQ(Ask(sent, "aliyun", Details(Detail(kDispatch, 1))), "accepted");
  EXPECT_EQ(Ask(sent, "aliyun", Details(Detail(kDispatch, 3, "DELIVERED"))),
            std::string("told: delivered dispatch=") + kDispatch + at);
  EXPECT_EQ(Ask(sent, "aliyun", Details(Detail(kDispatch, 2, "MK:0001"))),
            std::string("told: undelivered dispatch=") + kDispatch + " reason=mk:0001" + at);
  EXPECT_EQ(Ask(sent, "aliyun", Details(Detail(kDispatch, 2, "MOBILE_IN_BLACK"))),
            std::string("told: undelivered dispatch=") + kDispatch + " reason=mobile_in_black" +
                at + "; unsubscribed dispatch=" + kDispatch +
                " address=+8613900000001 reason=mobile_in_black" + at);
  EXPECT_THAT(Ask(sent, "aliyun",
                  Details(Detail(kDispatch, 2, "MK:0001") + "," + Detail(kDispatch, 3) + "," +
                          Detail(kDispatch, 1))),
              HasSubstr("delivered"))
      << "a repeat has arrived";
}

TEST(Query, AliyunKnowsAMessageOfABatchByItsIdThere) {
  std::vector<Message> batch = {CaseOf("aliyun").message, CaseOf("aliyun").message};
  batch[1].address = "+8613900000001";
  batch[1].dispatch = Id128::Parse(kDispatch);
  const auto channel = Make("aliyun");
  const auto request = std::get<HttpRequest>(channel->EncodeBatch(batch, ExampleContext()));
  const auto outcomes = channel->DecodeBatch(HttpAnswer(500, "oops"), batch, kNow);
  ASSERT_TRUE(outcomes.has_value());
  const std::string found = Details(Detail(QueryValue(request.url, "OutId"), 1));
  EXPECT_EQ(Ask(Sent("aliyun", (*outcomes)[1].provider_message_id), "aliyun", found), "accepted");
  EXPECT_EQ(Ask(Sent("aliyun", (*outcomes)[0].provider_message_id), "aliyun", found), "not_found");
}

// --- Tencent
// --------------------------------------------------------------------------------------

std::string Status(const std::string& serial, const std::string& session, const char* status) {
  return R"({"UserReceiveTime":1767281465,"CountryCode":"86","SubscriberNumber":"13900000001",)"
         R"("PhoneNumber":"+8613900000001","SerialNo":")" +
         serial + R"(","ReportStatus":")" + status +
         R"(","Description":"DELIVRD","SessionContext":")" + session + "\"}";
}

std::string Pulled(const std::string& set, const std::string& items) {
  return R"({"Response":{"RequestId":"a0aa",")" + set + "\":[" + items + "]}}";
}

TEST(Query, TencentIsAskedForTheNumbersStatusesSinceThen) {
  const HttpRequest request = Question("tencent", Sent("tencent"));
  EXPECT_EQ(request.body,
            R"({"BeginTime":1767281400,"Offset":0,"Limit":100,"PhoneNumber":"+8613900000001",)"
            R"("SmsSdkAppId":"1400006666"})");
  EXPECT_THAT(ToText(request), HasSubstr("x-tc-action: PullSmsSendStatusByPhoneNumber"));
}

TEST(Query, TencentKnowsTheMessageByItsSerialNumberOrItsSession) {
  const auto ask = [](const std::string& id, const std::string& items) {
    return Ask(Sent("tencent", id), "tencent", Pulled("PullSmsSendStatusSet", items));
  };
  const std::string told = std::string("delivered dispatch=") + kDispatch;
  EXPECT_EQ(ask("", ""), "not_found");
  EXPECT_EQ(ask("", Status("1:2", "", "SUCCESS")), "not_found");
  EXPECT_THAT(ask("", Status("1:2", kDispatch, "SUCCESS")), HasSubstr("told: " + told));
  EXPECT_THAT(ask("1:2", Status("1:2", "", "SUCCESS")), HasSubstr("told: " + told));
  EXPECT_THAT(ask("1:2", Status("1:2", "", "FAIL")), HasSubstr("told: undelivered"));
  EXPECT_EQ(ask("1:2", Status("1:3", "", "SUCCESS")), "not_found");
  EXPECT_THAT(ask("", Status("1:2", kDispatch, "FAIL") + "," + Status("1:3", kDispatch, "SUCCESS") +
                          "," + Status("1:4", kDispatch, "FAIL")),
              HasSubstr("told: " + told));
}

TEST(Query, TencentsReceiptsAndRepliesAreFetched) {
  config::Settings settings = CaseOf("tencent").settings;
  EXPECT_EQ(MakeChannel("tencent", settings)->PollInterval(), 0);
  settings.values["poll"] = "30s";
  const auto channel = MakeChannel("tencent", settings);
  EXPECT_EQ(channel->PollInterval(), 30 * kSecondUs);
  const auto requests = channel->EncodePolls(ExampleContext());
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_THAT(ToText(requests[0]), HasSubstr("x-tc-action: PullSmsSendStatus\n"));
  EXPECT_THAT(ToText(requests[1]), HasSubstr("x-tc-action: PullSmsReplyStatus\n"));
  EXPECT_EQ(requests[0].body, R"({"Limit":100,"SmsSdkAppId":"1400006666"})");
  const auto polled = [&](const std::string& body) {
    const auto got = channel->DecodePoll(HttpAnswer(200, body));
    return got.ok() ? ToText(got->receipts) + (got->more ? " more" : "")
                    : "no answer: " + got.status().message();
  };
  EXPECT_EQ(polled(Pulled("PullSmsSendStatusSet", "")), "");
  EXPECT_EQ(polled(Pulled("PullSmsSendStatusSet", Status("1:2", "", "FAIL"))),
            "undelivered id=1:2 reason=delivrd time=2026-01-01T15:31:05Z");
  const std::string reply =
      R"({"CountryCode":"86","ReplyContent":"退订","SubscriberNumber":"13900000001",)"
      R"("ExtendCode":"11","ReplyTime":1767281465,"PhoneNumber":"+8613900000001"})";
  EXPECT_EQ(polled(Pulled("PullSmsReplyStatusSet", reply)),
            "unsubscribed address=+8613900000001 reason=opted_out text=退订 "
            "time=2026-01-01T15:31:05Z");
  std::string full = Status("1:2", "", "SUCCESS");
  for (int i = 1; i < 100; ++i) {
    full += "," + Status("1:2", "", "SUCCESS");
  }
  EXPECT_THAT(polled(Pulled("PullSmsSendStatusSet", full)), testing::EndsWith(" more"));
  EXPECT_EQ(polled(R"({"Response":{"Error":{"Code":"UnauthorizedOperation"}}})"),
            "no answer: unauthorized");
  EXPECT_EQ(polled("oops"), "no answer: bad_answer");
}

// --- Twilio
// ---------------------------------------------------------------------------------------

std::string Listed(const std::string& sid, const std::string& body, const std::string& status,
                   const std::string& created = "Thu, 01 Jan 2026 15:30:02 +0000",
                   const std::string& error = "null") {
  return R"({"sid":")" + sid + R"(","body":")" + body + R"(","status":")" + status +
         R"(","direction":"outbound-api","date_created":")" + created +
         R"(","to":"+8613900000001","error_code":)" + error + ",\"subresource_uris\":{}}";
}

TEST(Query, TwilioIsAskedForTheNumbersMessagesOrTheOneItNamed) {
  const HttpRequest list = Question("twilio", Sent("twilio"));
  EXPECT_EQ(list.method, "GET");
  EXPECT_THAT(list.url, testing::EndsWith("/Messages.json?To=%2B8613900000001&PageSize=50"));
  const HttpRequest one = Question("twilio", Sent("twilio", "SM1/../x"));
  EXPECT_THAT(one.url, testing::EndsWith("/Messages/SM1%2F..%2Fx.json"));
}

TEST(Query, TwilioKnowsTheMessageByItsTextAndItsTime) {
  SentMessage sent = Sent("twilio");
  sent.message.text = "Come back, 10 % off";
  const auto ask = [&](const std::string& messages) {
    return Ask(sent, "twilio", "{\"messages\":[" + messages + "],\"page\":0}");
  };
  const std::string text = sent.message.text;
  EXPECT_EQ(ask(""), "not_found");
  EXPECT_EQ(ask(Listed("SM1", "Another", "sent")), "not_found");
  EXPECT_EQ(ask(Listed("SM1", text, "sent", "Thu, 01 Jan 2026 15:28:00 +0000")), "not_found")
      << "an older one";
  EXPECT_EQ(ask(Listed("SM1", text, "queued")), "accepted SM1");
  EXPECT_EQ(ask(Listed("SM1", "Sent from your Twilio trial account - " + text, "sent")),
            "accepted SM1");
  EXPECT_EQ(ask(Listed("SM1", text, "delivered")),
            std::string("told SM1: delivered dispatch=") + kDispatch);
  EXPECT_EQ(ask(Listed("SM1", text, "failed", "Thu, 01 Jan 2026 15:30:02 +0000", "21610")),
            std::string("told SM1: undelivered dispatch=") + kDispatch +
                " reason=21610; unsubscribed dispatch=" + kDispatch +
                " address=+8613900000001 reason=opted_out");
  std::string inbound = Listed("SM1", text, "received");
  inbound.replace(inbound.find("outbound-api"), 12, "inbound");
  EXPECT_EQ(ask(inbound), "not_found");
  EXPECT_EQ(Ask(Sent("twilio", "SM1"), "twilio", Listed("SM1", "whatever", "undelivered")),
            std::string("told SM1: undelivered dispatch=") + kDispatch + " reason=undelivered");
  EXPECT_EQ(Ask(Sent("twilio", "SM1"), "twilio", R"({"code":20404})", 404), "unanswered");
}

}  // namespace
}  // namespace huitou::channels
