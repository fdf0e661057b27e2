// What the conformance suite needs to know of one provider: good and bad settings, its answers with
// the outcome of each, its callbacks, true and forged. One function a provider
// in cases.cc, sms_cases.cc or wechat_cases.cc.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "channels/channel.h"

namespace huitou::channels {

struct BadSettings {
  std::string setting;  // must be named by the error
  std::string value;    // must not be quoted by it
};

struct AnswerCase {
  std::string story;
  Answer answer;
  Outcome::Kind kind = Outcome::Kind::kUnknown;
  std::string reason;
};

struct CallbackCase {
  std::string story;
  CallbackRequest request;
  TimeUs now = 0;
  std::string receipts;  // as ToText says; "refused" for one that must not be believed
};

struct ProviderCase {
  std::string provider;
  config::Settings settings;
  std::vector<std::string> secrets;
  std::vector<BadSettings> bad_settings;
  Message message;
  EncodeContext context;
  std::vector<AnswerCase> answers;
  std::vector<CallbackCase> callbacks;
  bool status_is_enough = false;   // an accepted message needs no body in the answer
  bool sends_no_text = false;      // but fields, for a template of the provider's
  bool sends_no_dispatch = false;  // the provider has no place for an id of ours
  bool sends_secrets_in_its_body = false;
};

const std::vector<ProviderCase>& AllCases();
const ProviderCase& CaseOf(std::string_view provider);
inline void PrintTo(const ProviderCase& c, std::ostream* out) {
  *out << c.provider;
}

// Those of SMS, in sms_cases.cc.
ProviderCase AliyunCase();
ProviderCase TencentCase();
ProviderCase TwilioCase();
ProviderCase SmsHttpCase();

// Those of WeChat, in wechat_cases.cc.
ProviderCase WechatTemplateCase();
ProviderCase WechatSubscriptionCase();
ProviderCase WechatCustomerServiceCase();
ProviderCase WecomAppCase();
ProviderCase WecomExternalCase();

// 2026-11-11T00:03:12Z, "now" in all cases.
inline constexpr TimeUs kNow = 1'794'355'392 * kSecondUs;

// The private key of RFC 8463, appendix A.2.
inline constexpr char kEd25519Pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

Message ExampleMessage();
EncodeContext ExampleContext();
Answer HttpAnswer(int status, std::string body, Headers headers = {});
Answer SmtpAnswer(int code, std::string text);
Answer LineAnswer();
Answer RecordAnswer(std::string place, std::string error);
CallbackRequest Post(std::string url, std::string body);
Answer LostAnswerOf(TransportError error);
std::unique_ptr<Channel> MakeChannel(const std::string& provider, const config::Settings& settings);

// "delivered id=.. address=.. reason=.. text=.. time=..;"
std::string ToText(const std::vector<Receipt>& receipts);
// All bytes of a request.
std::string ToText(const Request& request);

}  // namespace huitou::channels
