#include "channels/mail_callback.h"

#include <utility>

#include "channels/answer.h"
#include "channels/limits.h"
#include "channels/mail_report.h"

namespace huitou::channels {
namespace {

constexpr std::string_view kOptedOut = "opted_out";
constexpr std::string_view kBadAddress = "bad_address";

void AppendEvent(const FlatObject& event, std::span<const AnswerRule> answers,
                 std::vector<Receipt>* receipts) {
  const std::string kind = ValueOf(event, "event");
  const Id128 dispatch = DispatchOfMessageId(ValueOf(event, "message_id"));
  const std::string address = ValueOf(event, "address");
  const TimeUs time = ParseRfc3339(ValueOf(event, "time")).value_or(0);
  if (kind == "bounce") {
    Bounce bounce;
    bounce.dispatch = dispatch;
    bounce.address = address;
    bounce.status = ValueOf(event, "status");
    bounce.time = time;
    for (Receipt& receipt : BounceReceipts(bounce, answers)) {
      receipts->push_back(std::move(receipt));
    }
  } else if (kind == "complaint" || kind == "unsubscribe") {
    receipts->push_back(ComplaintReceipt(dispatch, "", address, time));
  } else if (kind == "delivered") {
    Receipt receipt;
    receipt.dispatch = dispatch;
    receipt.time = time;
    receipts->push_back(std::move(receipt));
  }
}

}  // namespace

std::vector<Receipt> BounceReceipts(const Bounce& bounce, std::span<const AnswerRule> answers) {
  const AnswerRule* rule = FindRule(answers, bounce.status);
  Receipt receipt;
  receipt.kind = Receipt::Kind::kUndelivered;
  receipt.dispatch = bounce.dispatch;
  receipt.provider_message_id = bounce.provider_message_id;
  receipt.time = bounce.time;
  receipt.reason = rule != nullptr          ? std::string(rule->reason)
                   : bounce.hard            ? std::string(kBadAddress)
                   : !bounce.status.empty() ? ReasonWord(bounce.status)
                                            : "bounced";
  std::vector<Receipt> receipts;
  if (bounce.hard || (rule != nullptr && rule->suppress_address)) {
    Receipt& gone = receipts.emplace_back(receipt);  // first: the other one settles the dispatch
    gone.kind = Receipt::Kind::kUnsubscribed;
    gone.address = bounce.address;
    gone.reason = kBadAddress;
  }
  receipts.push_back(std::move(receipt));
  return receipts;
}

Receipt ComplaintReceipt(Id128 dispatch, std::string provider_message_id, std::string address,
                         TimeUs time) {
  Receipt receipt;
  receipt.kind = Receipt::Kind::kUnsubscribed;
  receipt.dispatch = dispatch;
  receipt.provider_message_id = std::move(provider_message_id);
  receipt.address = std::move(address);
  receipt.reason = kOptedOut;
  receipt.time = time;
  return receipt;
}

std::optional<std::vector<Receipt>> MailReportReceipts(std::string_view mail,
                                                       std::span<const AnswerRule> answers) {
  const std::optional<MailReport> report = ParseMailReport(mail);
  if (!report) {
    return std::nullopt;
  }
  switch (report->kind) {
    case MailReport::Kind::kNoNews:
      return std::vector<Receipt>();
    case MailReport::Kind::kComplaint:
      return std::vector<Receipt>{ComplaintReceipt(report->dispatch, "", "", 0)};
    case MailReport::Kind::kDelivered: {
      Receipt receipt;
      receipt.dispatch = report->dispatch;
      return std::vector<Receipt>{receipt};
    }
    case MailReport::Kind::kFailed:
      break;
  }
  Bounce bounce;
  bounce.dispatch = report->dispatch;
  bounce.status = report->status;
  return BounceReceipts(bounce, answers);
}

CallbackReply DecodeMailCallback(const CallbackRequest& request,
                                 std::span<const AnswerRule> answers) {
  CallbackReply reply = AcceptCallback("application/json", "{}");
  if (HeaderValue(request.headers, "content-type").starts_with("message/rfc822")) {
    std::optional<std::vector<Receipt>> receipts = MailReportReceipts(request.body, answers);
    if (!receipts) {
      return RefuseCallback(400);
    }
    reply.receipts = *std::move(receipts);
    return reply;
  }
  const auto events = ParseJsonObjects(request.body);
  if (!events) {
    return RefuseCallback(400);
  }
  for (const FlatObject& event : *events) {
    if (reply.receipts.size() + 2 > limits::kReceiptsMax) {
      break;
    }
    AppendEvent(event, answers, &reply.receipts);
  }
  return reply;
}

Id128 DispatchOfMessageId(std::string_view message_id) {
  if (message_id.starts_with('<')) {
    message_id.remove_prefix(1);
  }
  return Id128::Parse(message_id.substr(0, message_id.find('@')));
}

}  // namespace huitou::channels
