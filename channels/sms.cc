#include "channels/sms.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "channels/crypto.h"
#include "channels/opt_out.h"
#include "channels/url.h"
#include "triggers/base/json.h"
#include "triggers/base/text.h"

namespace huitou::channels {

std::string Digits(std::string_view phone) {
  std::string digits;
  std::copy_if(phone.begin(), phone.end(), std::back_inserter(digits),
               [](char c) { return c >= '0' && c <= '9'; });
  return digits;
}

std::string JsonTexts(std::span<const std::string> texts) {
  std::string json;
  for (const std::string& text : texts) {
    json += json.empty() ? "[" : ",";
    AppendJsonString(&json, text);
  }
  return json.empty() ? "[]" : json + "]";
}

std::string SmsText(const Message& message) {
  return message.text.substr(0, message.text.find_last_not_of("\r\n") + 1);
}

Receipt SmsReply(std::string_view phone, std::string text, TimeUs time) {
  const bool opt_out = MeansOptOut(text);
  Receipt receipt;
  receipt.kind = opt_out ? Receipt::Kind::kUnsubscribed : Receipt::Kind::kReplied;
  receipt.reason = opt_out ? "opted_out" : "";
  receipt.address = E164(phone);
  receipt.text = std::move(text);
  receipt.time = time;
  return receipt;
}

void SetFate(bool delivered, std::string_view code, Receipt* receipt) {
  receipt->kind = delivered ? Receipt::Kind::kDelivered : Receipt::Kind::kUndelivered;
  receipt->reason = delivered ? "" : ReasonWord(code.empty() ? "undelivered" : code);
}

void TakeBetter(QueryAnswer said, QueryAnswer* best) {
  const bool delivered = said.kind == QueryAnswer::Kind::kTold &&
                         said.receipts.front().kind == Receipt::Kind::kDelivered;
  if (delivered || best->kind != QueryAnswer::Kind::kTold) {
    *best = std::move(said);
  }
}

TokenCallback ReadTokenCallback(const CallbackRequest& request, std::string_view token,
                                std::string_view acknowledgement) {
  if (token.empty() || !SameSecret(QueryValue(request.url, "token"), token)) {
    return {RefuseCallback(403), {}};
  }
  if (request.method != "POST") {
    return {RefuseCallback(405), {}};
  }
  std::optional<std::vector<FlatObject>> items = ParseJsonObjects(request.body);
  if (!items) {
    return {RefuseCallback(400), {}};
  }
  return {AcceptCallback("application/json; charset=utf-8", acknowledgement), *std::move(items)};
}

}  // namespace huitou::channels
