// Several messages in one request: the exact bytes, and what an answer means for each of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "channels/answer.h"
#include "channels/words.h"
#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;
using Fields = std::vector<std::pair<std::string, std::string>>;

Message MessageTo(const std::string& address, int number, Fields fields) {
  Message message = ExampleMessage();
  message.dispatch.low += static_cast<uint64_t>(number);
  message.address = address;
  message.fields = std::move(fields);
  return message;
}

std::vector<Message> OfAliyun() {
  return {MessageTo("+8613900000001", 1, {{"code", "SMS_1"}, {"param.name", "小明 \"1\""}}),
          MessageTo("+8613900000002", 2, {{"code", "SMS_1"}, {"param.name", "a&b=c"}})};
}

std::vector<Message> OfTencent() {
  const Fields fields = {{"template_id", "1234"}, {"param.1", "双十一"}};
  return {MessageTo("+8613900000001", 1, fields), MessageTo("+8613900000002", 2, fields),
          MessageTo("+8613900000003", 3, fields)};
}

std::unique_ptr<Channel> Make(const std::string& provider) {
  return MakeChannel(provider, CaseOf(provider).settings);
}

// "accepted, rejected(bad_number)", or "each alone".
std::string Decoded(const std::string& provider, const std::vector<Message>& messages,
                    const Answer& answer) {
  const auto outcomes = Make(provider)->DecodeBatch(answer, messages, kNow);
  if (!outcomes) {
    return "each alone";
  }
  std::string text;
  for (const Outcome& outcome : *outcomes) {
    text += (text.empty() ? "" : ", ") + std::string(ToWord(outcome.kind));
    text += outcome.reason.empty() ? "" : "(" + outcome.reason + ")";
  }
  return text;
}

std::string Code(const std::string& code) {
  return R"({"Code":")" + code + R"(","Message":"天","BizId":"900619746936498440^0"})";
}

TEST(AliyunBatch, SendsOneTemplateToManyEachWithItsOwnValues) {
  const std::string text = ToText(Make("aliyun")->EncodeBatch(OfAliyun(), ExampleContext()));
  // Signature and digest from Python's hmac and hashlib.
  EXPECT_EQ(text,
            "POST https://dysmsapi.aliyuncs.com/?OutId=batch-c14f7986d588fc522cb84d8a025d7140&"
            "TemplateCode=SMS_1\n"
            "host: dysmsapi.aliyuncs.com\n"
            "x-acs-action: SendBatchSms\n"
            "x-acs-version: 2017-05-25\n"
            "x-acs-date: 2026-11-11T00:03:12Z\n"
            "x-acs-signature-nonce: 00112233445566778899aabbccddeeff\n"
            "x-acs-content-sha256: "
            "94c45b13ab27e70d61d91402dc1f966394874e3ea4e7316390386e08e1acac5e\n"
            "content-type: application/x-www-form-urlencoded\n"
            "authorization: ACS3-HMAC-SHA256 Credential=LTAI-example,SignedHeaders=content-type;"
            "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
            "Signature=066085481e028e023498a9067f7daf40d05762aeffb37dbd68aefe76faf58e96\n"
            "accept: application/json\n"
            "\n"
            "PhoneNumberJson=%5B%228613900000001%22%2C%228613900000002%22%5D&"
            "SignNameJson=%5B%22%E9%98%BF%E9%87%8C%E4%BA%91%22%2C%22%E9%98%BF%E9%87%8C%E4%BA%91%22"
            "%5D&TemplateParamJson=%5B%7B%22name%22%3A%22%E5%B0%8F%E6%98%8E%20%5C%221%5C%22%22%7D"
            "%2C%7B%22name%22%3A%22a%26b%3Dc%22%7D%5D");
}

TEST(AliyunBatch, NeedsNoValuesWhereTheTemplateHasNone) {
  std::vector<Message> messages = OfAliyun();
  messages[0].fields.resize(1);
  messages[1].fields.resize(1);
  const auto channel = Make("aliyun");
  EXPECT_THAT(ToText(channel->EncodeBatch(messages, ExampleContext())),
              testing::Not(testing::HasSubstr("TemplateParamJson")));
  messages[1].fields = {{"code", "SMS_1"}, {"param.a", "1"}};
  EXPECT_THAT(ToText(channel->EncodeBatch(messages, ExampleContext())),
              testing::HasSubstr("TemplateParamJson=%5B%7B%7D%2C%7B%22a%22%3A%221%22%7D%5D"));
}

TEST(AliyunBatch, TakesWhatHasTheSameTemplate) {
  const auto channel = Make("aliyun");
  const std::vector<Message> messages = OfAliyun();
  EXPECT_EQ(channel->BatchMax(), 100U);
  EXPECT_EQ(channel->BatchKey(messages[0]), channel->BatchKey(messages[1]));
  EXPECT_NE(channel->BatchKey(messages[0]),
            channel->BatchKey(MessageTo("+8613900000003", 3, {{"code", "SMS_2"}})));
}

TEST(AliyunBatch, HasOneAnswerForAllThatLetsNobodyDownForAnother) {
  const auto decoded = [](const Answer& answer) { return Decoded("aliyun", OfAliyun(), answer); };
  EXPECT_EQ(decoded(HttpAnswer(200, Code("OK"))), "accepted, accepted");
  for (const char* of_one : {"isv.MOBILE_NUMBER_ILLEGAL", "isv.BUSINESS_LIMIT_CONTROL",
                             "isv.PARAM_LENGTH_LIMIT", "isv.SOMETHING_NEW"}) {
    EXPECT_EQ(decoded(HttpAnswer(200, Code(of_one))), "each alone") << of_one;
  }
  EXPECT_EQ(decoded(HttpAnswer(403, Code("NoPermission"))), "each alone")
      << "it may have leave for SendSms alone";
  EXPECT_EQ(decoded(HttpAnswer(200, Code("isv.AMOUNT_NOT_ENOUGH"))),
            "channel_paused(no_balance), channel_paused(no_balance)");
  EXPECT_EQ(decoded(HttpAnswer(400, Code("Throttling.User"))),
            "retry(rate_limited), retry(rate_limited)");
  EXPECT_EQ(decoded(HttpAnswer(200, Code("isp.SYSTEM_ERROR"))),
            "unknown(server_error), unknown(server_error)");
  EXPECT_EQ(decoded(HttpAnswer(200, "{")), "unknown(bad_answer), unknown(bad_answer)");
  EXPECT_EQ(decoded(LostAnswerOf(TransportError::kAmbiguous)),
            "unknown(no_answer), unknown(no_answer)");
  EXPECT_EQ(decoded(LostAnswerOf(TransportError::kNotSent)), "retry(not_sent), retry(not_sent)");
}

// A batch has one OutId and one BizId: the number says whose receipt it is.
TEST(AliyunBatch, ReceiptsFindEachMessageAlsoWhenTheAnswerWasLost) {
  const auto channel = Make("aliyun");
  const std::vector<Message> messages = OfAliyun();
  const auto request = std::get<HttpRequest>(channel->EncodeBatch(messages, ExampleContext()));
  const size_t at = request.url.find("OutId=") + std::string("OutId=").size();
  const std::string out_id = request.url.substr(at, request.url.find('&', at) - at);
  for (const Answer& answer :
       {HttpAnswer(200, Code("OK")), LostAnswerOf(TransportError::kAmbiguous)}) {
    const auto outcomes = channel->DecodeBatch(answer, messages, kNow);
    ASSERT_TRUE(outcomes.has_value());
    for (size_t i = 0; i < messages.size(); ++i) {
      const CallbackReply reply = channel->DecodeCallback(
          Post("/v1/callbacks/sms?token=0123456789abcdef0123",
               R"([{"phone_number":"1390000000)" + std::to_string(i + 1) +
                   R"(","success":true,"biz_id":"900619746936498440^0","out_id":")" + out_id +
                   "\"}]"),
          kNow);
      ASSERT_EQ(reply.receipts.size(), 1U);
      EXPECT_TRUE(reply.receipts[0].dispatch.empty());
      EXPECT_EQ(reply.receipts[0].provider_message_id, (*outcomes)[i].provider_message_id);
    }
    EXPECT_NE((*outcomes)[0].provider_message_id, (*outcomes)[1].provider_message_id);
  }
  const std::vector<Message> others = {messages[1], messages[0]};
  EXPECT_THAT(ToText(channel->EncodeBatch(others, ExampleContext())),
              testing::Not(testing::HasSubstr(out_id)));
}

TEST(TencentBatch, SendsOneTextToManyNumbers) {
  // The signature from Python's hmac.
  EXPECT_EQ(ToText(Make("tencent")->EncodeBatch(OfTencent(), ExampleContext())),
            "POST https://sms.tencentcloudapi.com/\n"
            "content-type: application/json; charset=utf-8\n"
            "host: sms.tencentcloudapi.com\n"
            "x-tc-action: SendSms\n"
            "x-tc-version: 2021-01-11\n"
            "x-tc-timestamp: 1794355392\n"
            "x-tc-region: ap-beijing\n"
            "authorization: TC3-HMAC-SHA256 Credential=AKID-example/2026-11-11/sms/tc3_request, "
            "SignedHeaders=content-type;host, "
            "Signature=0ead45f6c601237092908873afac4634aff9405708fe8df8bb2e1680af484e86\n"
            "\n"
            R"({"SmsSdkAppId":"1400006666","SignName":"腾讯云","TemplateId":"1234",)"
            R"("TemplateParamSet":["双十一"],"PhoneNumberSet":["+8613900000001",)"
            R"("+8613900000002","+8613900000003"],"SenderId":"Shop"})");
}

TEST(TencentBatch, TakesWhatHasTheSameTextOnOneSideOfTheBorder) {
  const auto channel = Make("tencent");
  const Fields fields = OfTencent()[0].fields;
  const std::string key = channel->BatchKey(OfTencent()[0]);
  EXPECT_EQ(channel->BatchMax(), 200U);
  EXPECT_EQ(key, channel->BatchKey(OfTencent()[1]));
  EXPECT_NE(key, channel->BatchKey(MessageTo("+85261234567", 1, fields)));
  EXPECT_EQ(channel->BatchKey(MessageTo("+447700900001", 1, fields)),
            channel->BatchKey(MessageTo("+85261234567", 2, fields)));
  for (const Fields& other :
       {Fields{{"template_id", "1234"}, {"param.1", "双十二"}}, Fields{{"template_id", "1234"}},
        Fields{{"template_id", "5"}, {"param.1", "双十一"}}}) {
    EXPECT_NE(key, channel->BatchKey(MessageTo("+8613900000001", 1, other)));
  }
}

TEST(TencentBatch, HasAnAnswerForEachNumberInAnyOrder) {
  const auto status = [](const std::string& number, const std::string& code) {
    return R"({"SerialNo":"2019:)" + number + R"(","PhoneNumber":"+861390000000)" + number +
           R"(","Code":")" + code + "\"}";
  };
  const auto answer = [](const std::string& statuses) {
    return HttpAnswer(
        200, R"({"Response":{"SendStatusSet":[)" + statuses + R"(],"RequestId":"a0aabda6"}})");
  };
  const Answer mixed =
      answer(status("3", "Ok") + "," + status("1", "LimitExceeded.PhoneNumberOneHourLimit") + "," +
             status("2", "FailedOperation.PhoneNumberInBlacklist"));
  EXPECT_EQ(Decoded("tencent", OfTencent(), mixed),
            "retry(recipient_limit), rejected(opted_out), accepted");
  const auto outcomes = *Make("tencent")->DecodeBatch(mixed, OfTencent(), kNow);
  EXPECT_EQ(outcomes[0].retry_after, kHourUs);
  EXPECT_TRUE(outcomes[1].revoke_consent);
  EXPECT_EQ(outcomes[2].provider_message_id, "2019:3");
  EXPECT_EQ(Decoded("tencent", OfTencent(), answer(status("1", "Ok") + "," + status("3", "Ok"))),
            "accepted, unknown(bad_answer), accepted")
      << "what is not spoken of is open";
  EXPECT_EQ(Decoded("tencent", OfTencent(), answer("")),
            "unknown(bad_answer), unknown(bad_answer), unknown(bad_answer)");
}

TEST(TencentBatch, AnErrorOfTheWholeCallIsThatOfAllOrOfNobody) {
  const auto decoded = [](const std::string& code, const std::string& more = "") {
    return Decoded("tencent", OfTencent(),
                   HttpAnswer(200, R"({"Response":{"Error":{"Code":")" + code + "\"}" + more +
                                       R"(,"RequestId":"a0aabda6"}})"));
  };
  const auto thrice = [](const std::string& word) { return word + ", " + word + ", " + word; };
  EXPECT_EQ(decoded("RequestLimitExceeded"), thrice("retry(rate_limited)"));
  EXPECT_EQ(decoded("InternalError.Timeout"), thrice("unknown(server_error)"));
  EXPECT_EQ(decoded("FailedOperation.InsufficientBalanceInSmsPackage"),
            thrice("channel_paused(no_balance)"));
  EXPECT_EQ(decoded("LimitExceeded.PhoneNumberCountLimit"), "each alone");
  EXPECT_EQ(decoded("InvalidParameterValue.IncorrectPhoneNumber"), "each alone");
  EXPECT_EQ(decoded("InternalError",
                    R"(,"SendStatusSet":[{"PhoneNumber":"+8613900000001","Code":"Ok"}])"),
            thrice("unknown(server_error)"))
      << "as for one message";
}

TEST(Batch, ItsSizeIsASettingThatOneTurnsOff) {
  for (const auto& [provider, most] : {std::pair("aliyun", 100U), std::pair("tencent", 200U)}) {
    config::Settings settings = CaseOf(provider).settings;
    settings.values["batch"] = "1";
    EXPECT_EQ(MakeChannel(provider, settings)->BatchMax(), 1U);
    for (const std::string& bad :
         std::vector<std::string>{"0", std::to_string(most + 1), "many", "5.", "-1"}) {
      settings.values["batch"] = bad;
      const auto channel = FindProvider(provider)->make(settings);
      ASSERT_FALSE(channel.ok()) << bad;
      EXPECT_EQ(channel.status().message(),
                "batch: not a number from 1 to " + std::to_string(most));
    }
  }
}

}  // namespace
}  // namespace huitou::channels
