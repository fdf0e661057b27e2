// What comes from providers: callbacks and answers of every channel, and the texts that go into
// mails. The first byte says which; the rest is the input. Nothing may crash, and what is not
// signed may not be believed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "channels/answer.h"
#include "channels/coupon_provider.h"
#include "channels/crypto.h"
#include "channels/mime.h"
#include "channels/opt_out.h"
#include "channels/public_links.h"
#include "channels/reference.h"
#include "channels/twilio_signature.h"
#include "channels/url.h"
#include "channels/wechat_callback.h"
#include "tests/channels/case.h"
#include "tests/channels/pay_key.h"
#include "triggers/base/check.h"
#include "triggers/base/text.h"

namespace huitou::channels {
namespace {

constexpr char kAliyunToken[] = "0123456789abcdef0123";
constexpr char kTwilioToken[] = "12345";
constexpr char kAesKey[] = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
constexpr char kAppId[] = "wx5823bf96d3bd56c7";

// As its case in the conformance suite, with the secrets of the callbacks here.
std::unique_ptr<Channel> Make(const config::ComponentSchema& schema) {
  config::Settings settings = CaseOf(schema.name).settings;
  const std::string aes_key = schema.name.starts_with("wecom") ? kAesKey : "";
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"auth_token", kTwilioToken},
                                    {"callback_url", "https://x.example.com/v1/callbacks/x"},
                                    {"app_id", kAppId},
                                    {"encoding_aes_key", aes_key},
                                    {"callback_token", kAliyunToken}}) {
    const bool takes =
        std::any_of(schema.settings.begin(), schema.settings.end(),
                    [&name = name](const auto& setting) { return setting.name == name; });
    if (takes) {
      settings.values[name] = value;
    }
  }
  return MakeChannel(schema.name, settings);
}

const std::vector<std::unique_ptr<Channel>>& Channels() {
  static const std::vector<std::unique_ptr<Channel>> channels = [] {
    std::vector<std::unique_ptr<Channel>> made;
    for (const Registration& registration : AllProviders()) {
      made.push_back(Make(registration.schema));
    }
    return made;
  }();
  return channels;
}

void CheckOutcome(const Outcome& outcome) {
  CHECK(outcome.kind == Outcome::Kind::kAccepted ? outcome.reason.empty()
                                                 : !ReasonMeaning(outcome.reason).empty());
  CHECK(outcome.retry_after >= 0);
}

void CheckBatch(const Channel& channel, const Answer& answer) {
  if (channel.BatchMax() == 1) {
    return;
  }
  std::vector<Message> messages(2);
  messages[0].address = "+8613800000000";
  messages[1].address = "+8613900000000";
  const auto outcomes = channel.DecodeBatch(answer, messages, kNow);
  CHECK(!outcomes || outcomes->size() == messages.size());
  for (size_t i = 0; outcomes && i < outcomes->size(); ++i) {
    CheckOutcome((*outcomes)[i]);
  }
}

// What is told is told of the message that was asked about, or by somebody.
void CheckQuery(const Channel& channel, const Answer& answer) {
  SentMessage sent;
  sent.message.dispatch = Id128::Parse("0123456789abcdef0123456789abcdef");
  sent.message.address = "+8613900000001";
  sent.message.text = "x";
  for (const char* id : {"", "SM1"}) {
    sent.provider_message_id = id;
    const QueryAnswer said = channel.DecodeQuery(answer, sent);
    CHECK((said.kind == QueryAnswer::Kind::kTold) == !said.receipts.empty());
    for (const Receipt& receipt : said.receipts) {
      CHECK(receipt.dispatch == sent.message.dispatch);
      CHECK(receipt.reason.size() <= 40);
    }
  }
  const auto polled = channel.DecodePoll(answer);
  for (size_t i = 0; polled.ok() && i < polled->receipts.size(); ++i) {
    CHECK(polled->receipts[i].reason.size() <= 40);
  }
}

// The input as an answer: a status, then headers and body.
void FuzzAnswers(std::string_view input) {
  const int status = input.empty() ? 200 : static_cast<unsigned char>(input[0]) * 3;
  const size_t end = std::min(input.find('\n'), input.size());
  Answer http;
  http.response = HttpResponse{status < 100 ? 200 : status,
                               {{"retry-after", std::string(input.substr(0, end))}},
                               std::string(input.substr(end))};
  Answer smtp;
  smtp.response = SmtpReply{status, std::string(input)};
  for (const auto& channel : Channels()) {
    CheckOutcome(channel->Decode(http, kNow));
    CheckOutcome(channel->Decode(smtp, kNow));
    (void)channel->DecodeToken(std::get<HttpResponse>(http.response));
    CheckBatch(*channel, http);
    CheckQuery(*channel, http);
  }
  for (const CouponRegistration& registration : AllCouponProviders()) {
    const auto provider = registration.make(config::Settings{{{"url", "https://x.example.com/"},
                                                              {"folder", "x"},
                                                              {"mch_id", "1"},
                                                              {"serial_no", "1"},
                                                              {"private_key", kPayPrivateKey},
                                                              {"platform_key", kPayPublicKey},
                                                              {"platform_key_id", "1"},
                                                              {"app_id", kAppId},
                                                              {"stocks", "big=1"}}});
    CHECK(provider.ok());
    CheckOutcome((*provider)->Decode(http, kNow).outcome);
  }
}

// The input as a body under a URL of the fuzzer's own: nobody may believe it.
void FuzzForgedCallbacks(std::string_view input) {
  const size_t end = std::min(input.find('\n'), input.size());
  const CallbackRequest request{end % 2 == 0 ? "POST" : "GET",
                                std::string(input.substr(0, end)),
                                {},
                                std::string(input.substr(end))};
  if (request.url.find(kAliyunToken) != std::string::npos) {
    return;  // the dictionary knows it
  }
  for (const auto& channel : Channels()) {
    const CallbackReply reply = channel->DecodeCallback(request, kNow);
    CHECK(!reply.verified && reply.receipts.empty());
  }
}

// The input as a body that is rightly signed.
void FuzzSignedCallbacks(std::string_view input) {
  const std::string timestamp = std::to_string(kNow / kSecondUs);
  // Sorted: "0123456789abcdef0123" < "1794355392" < "nonce".
  const std::string signature = Sha1Hex(std::string(kAliyunToken) + timestamp + "nonce");
  CallbackRequest request;
  request.method = "POST";
  request.url = std::string("/v1/callbacks/x?token=") + kAliyunToken + "&signature=" + signature +
                "&timestamp=" + timestamp + "&nonce=nonce";
  request.body = input;
  request.headers = {
      {"x-twilio-signature", TwilioSignature(kTwilioToken,
                                             "https://x.example.com/v1/callbacks/x" +
                                                 request.url.substr(request.url.find('?')),
                                             ParseForm(input).value_or(FormFields()))}};
  for (const auto& channel : Channels()) {
    for (const Receipt& receipt : channel->DecodeCallback(request, kNow).receipts) {
      CHECK(receipt.time >= 0 || receipt.time >= kTimestampMin);
      CHECK(receipt.reason.size() <= 40);
    }
  }
}

void FuzzDecryption(std::string_view input) {
  static const std::string key = *ParseEncodingAesKey(kAesKey);
  (void)DecryptWechat(key, kAppId, input);
  (void)DecryptWechat(key, "", ToBase64(input));
  CHECK(FromBase64(ToBase64(input)) == input);
  CHECK(FromBase64Url(ToBase64Url(input)) == input);
  static const PublicLinks links({.url = "", .secret = "sixteen bytes or more", .links = {}});
  CHECK(!links.ParsePreferences(input));
  CHECK(!links.ParseClick(input));  // but once in 2^64
}

void FuzzTexts(std::string_view input) {
  const std::string header = EncodeHeader("Subject", input);
  for (size_t at = header.find('\n'); at + 1 < header.size(); at = header.find('\n', at + 1)) {
    CHECK(header[at - 1] == '\r' && header[at + 1] == ' ');
  }
  const EncodedBody body = EncodeBody(input);
  size_t column = 0;
  for (const char c : body.data) {
    column = c == '\n' ? 0 : column + 1;
    CHECK(column <= 77 && static_cast<unsigned char>(c) < 0x80);
  }
  if (const std::optional<Mailbox> mailbox = ParseMailbox(input)) {
    CHECK(IsMailAddress(mailbox->address));
    CHECK(EncodeMailbox("To", *mailbox).find("\n\r") == std::string::npos);
  }
  CHECK(PercentDecode(PercentEncode(input)) == input);
  CHECK(PublicUrl(input).find('?') == std::string::npos);
  (void)ParseUrl(input);
  (void)QueryValue(input, "token");
  if (const std::optional<FormFields> fields = ParseForm(input)) {
    CHECK(ParseForm(FormEncode(*fields)) == fields);
  }
  (void)MeansOptOut(input);
}

}  // namespace
}  // namespace huitou::channels

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  using namespace huitou::channels;
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0:
      FuzzAnswers(input);
      break;
    case 1:
      FuzzForgedCallbacks(input);
      break;
    case 2:
      FuzzSignedCallbacks(input);
      break;
    case 3:
      FuzzDecryption(input);
      break;
    default:
      FuzzTexts(input);
  }
  return 0;
}
