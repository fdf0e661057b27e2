// What Amazon SES tells of mails, by way of SNS: messages signed by a certificate that stands at a
// host of the topic's own region, and nowhere else. Pure; any thread.
// (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html and
// https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html)
//
// Example:
//   const SnsTopic topic = *SnsTopic::Parse("arn:aws:sns:eu-west-1:123456789012:bounces");
//   auto message = topic.Read(body);             // nothing: of another topic, or no such message
//   topic.CertificateUrl(*message);              // to be fetched; empty: not of SNS
//   topic.IsSigned(*message, certificate_pem);
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "channels/answer.h"
#include "channels/channel.h"

namespace huitou::channels {

class SnsTopic {
 public:
  // Nothing for what is no topic's ARN. `endpoint` (scheme and host) stands for that of the region,
  // in tests; empty otherwise.
  static std::optional<SnsTopic> Parse(std::string_view arn, std::string_view endpoint = "");

  std::optional<FlatObject> Read(std::string_view body) const;
  std::string CertificateUrl(const FlatObject& message) const;
  static bool IsSigned(const FlatObject& message, std::string_view certificate_pem);
  // The URL to ask, so that SNS sends what the topic has; empty for what is no such wish.
  std::string ConfirmationUrl(const FlatObject& message) const;

 private:
  std::string arn_;
  std::string host_;      // "https://sns.eu-west-1.amazonaws.com"
  std::string endpoint_;  // the same, or that of a test
};

// The receipts in one notification or event of SES, the text of an SNS message.
std::vector<Receipt> SesReceipts(std::string_view notification,
                                 std::span<const AnswerRule> answers);

}  // namespace huitou::channels
