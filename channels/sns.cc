#include "channels/sns.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "channels/crypto.h"
#include "channels/mail_callback.h"
#include "channels/url.h"

namespace huitou::channels {
namespace {

bool IsWord(std::string_view text, std::string_view more) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

// "arn:aws:sns:eu-west-1:123456789012:bounces" in its six parts.
std::vector<std::string_view> Split(std::string_view arn) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t colon = arn.find(':');
    parts.push_back(arn.substr(0, colon));
    if (colon == std::string_view::npos) {
      return parts;
    }
    arn.remove_prefix(colon + 1);
  }
}

// The lines that are signed: names and values, by name; of the subject only where there is one.
std::string SignedText(const FlatObject& message) {
  static constexpr std::string_view kOfNotifications[] = {"Message",   "MessageId", "Subject",
                                                          "Timestamp", "TopicArn",  "Type"};
  static constexpr std::string_view kOfSubscriptions[] = {
      "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"};
  const bool notification = ValueOf(message, "Type") == "Notification";
  std::string text;
  for (const std::string_view name : notification
                                         ? std::span<const std::string_view>(kOfNotifications)
                                         : std::span<const std::string_view>(kOfSubscriptions)) {
    const auto found = message.find(name);
    if (found != message.end() && (name != "Subject" || !found->second.empty())) {
      text += name;
      text += '\n';
      text += found->second;
      text += '\n';
    }
  }
  return text;
}

bool Verify(std::string_view certificate_pem, const EVP_MD* digest, std::string_view text,
            std::string_view signature) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(
      BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())), &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr), &X509_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      certificate == nullptr ? nullptr : X509_get_pubkey(certificate.get()), &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  const auto bytes = [](std::string_view data) {
    return reinterpret_cast<const unsigned char*>(data.data());
  };
  const bool good = key != nullptr && EVP_PKEY_base_id(key.get()) == EVP_PKEY_RSA &&
                    EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.get()) == 1 &&
                    EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(text),
                                     text.size()) == 1;
  ERR_clear_error();
  return good;
}

// Places in a notification of SES (a topic of an identity) or an event (of a configuration set).
enum Place : size_t {
  kNotificationType,
  kEventType,
  kMessageId,
  kOurMessageId,
  kBounceType,
  kBounceAddress,
  kBounceStatus,
  kBounceTime,
  kComplaintAddress,
  kComplaintKind,
  kComplaintTime,
  kDeliveryTime,
  kPlaces
};
constexpr std::string_view kPointers[kPlaces] = {"/notificationType",
                                                 "/eventType",
                                                 "/mail/messageId",
                                                 "/mail/commonHeaders/messageId",
                                                 "/bounce/bounceType",
                                                 "/bounce/bouncedRecipients/0/emailAddress",
                                                 "/bounce/bouncedRecipients/0/status",
                                                 "/bounce/timestamp",
                                                 "/complaint/complainedRecipients/0/emailAddress",
                                                 "/complaint/complaintFeedbackType",
                                                 "/complaint/timestamp",
                                                 "/delivery/timestamp"};

}  // namespace

std::optional<SnsTopic> SnsTopic::Parse(std::string_view arn, std::string_view endpoint) {
  const std::vector<std::string_view> parts = Split(arn);
  const bool china = parts.size() == 6 && parts[1] == "aws-cn";
  if (parts.size() != 6 || parts[0] != "arn" || parts[2] != "sns" ||
      !(china || parts[1] == "aws" || parts[1] == "aws-us-gov") || !IsWord(parts[3], "-") ||
      !IsWord(parts[4], "") || !IsWord(parts[5], "-_.")) {
    return std::nullopt;
  }
  SnsTopic topic;
  topic.arn_ = arn;
  topic.host_ =
      "https://sns." + std::string(parts[3]) + ".amazonaws.com" + std::string(china ? ".cn" : "");
  topic.endpoint_ = endpoint.empty() ? topic.host_ : std::string(endpoint);
  return topic;
}

std::optional<FlatObject> SnsTopic::Read(std::string_view body) const {
  std::optional<FlatObject> message = ParseJsonObject(body);
  return message && ValueOf(*message, "TopicArn") == arn_ ? std::move(message) : std::nullopt;
}

std::string SnsTopic::CertificateUrl(const FlatObject& message) const {
  std::string url = ValueOf(message, "SigningCertURL");
  const std::string start = host_ + "/";
  if (!url.starts_with(start) || !url.ends_with(".pem") ||
      !IsWord(std::string_view(url).substr(start.size()), "-_.")) {
    return {};
  }
  return endpoint_ + url.substr(host_.size());
}

bool SnsTopic::IsSigned(const FlatObject& message, std::string_view certificate_pem) {
  const std::string version = ValueOf(message, "SignatureVersion");
  const EVP_MD* const digest = version == "1"   ? EVP_sha1()
                               : version == "2" ? EVP_sha256()
                                                : nullptr;
  const std::optional<std::string> signature = FromBase64(ValueOf(message, "Signature"));
  return digest != nullptr && signature && !signature->empty() &&
         Verify(certificate_pem, digest, SignedText(message), *signature);
}

std::string SnsTopic::ConfirmationUrl(const FlatObject& message) const {
  if (ValueOf(message, "Type") != "SubscriptionConfirmation") {
    return {};
  }
  // Made here, of what was signed: no URL of a message is ever followed.
  return endpoint_ + "/?" +
         FormEncode({{"Action", "ConfirmSubscription"},
                     {"TopicArn", arn_},
                     {"Token", ValueOf(message, "Token")}});
}

std::vector<Receipt> SesReceipts(std::string_view notification,
                                 std::span<const AnswerRule> answers) {
  const auto values = ParseJsonAt(notification, kPointers);
  if (!values) {
    return {};
  }
  const auto value = [&](Place place) -> const std::string& { return (*values)[place]; };
  const auto time = [&](Place place) { return ParseRfc3339(value(place)).value_or(0); };
  const std::string& type =
      value(kNotificationType).empty() ? value(kEventType) : value(kNotificationType);
  const Id128 dispatch = DispatchOfMessageId(value(kOurMessageId));
  if (type == "Bounce") {
    Bounce bounce;
    bounce.dispatch = dispatch;
    bounce.provider_message_id = value(kMessageId);
    bounce.address = value(kBounceAddress);
    bounce.status = value(kBounceStatus);
    bounce.hard = value(kBounceType) == "Permanent";
    bounce.time = time(kBounceTime);
    return BounceReceipts(bounce, answers);
  }
  if (type == "Complaint" && value(kComplaintKind) != "not-spam") {
    return {ComplaintReceipt(dispatch, value(kMessageId), value(kComplaintAddress),
                             time(kComplaintTime))};
  }
  Receipt receipt;
  receipt.dispatch = dispatch;
  receipt.provider_message_id = value(kMessageId);
  if (type == "Delivery") {
    receipt.time = time(kDeliveryTime);
    return {receipt};
  }
  if (type == "Reject") {  // SES found a virus in it
    receipt.kind = Receipt::Kind::kUndelivered;
    receipt.reason = "rejected";
    return {receipt};
  }
  return {};
}

}  // namespace huitou::channels
