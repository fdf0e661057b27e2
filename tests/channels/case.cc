#include "tests/channels/case.h"

#include <cstdio>
#include <cstdlib>

#include "channels/words.h"
#include "triggers/base/check.h"

namespace huitou::channels {

Message ExampleMessage() {
  Message message;
  message.dispatch = Id128::Parse("0123456789abcdef0123456789abcdef");
  message.customer = "c1";
  message.channel = "test";
  message.template_name = "winback";
  message.locale = "zh-CN";
  message.text = "亲爱的小明，好久不见！优惠码 ABC-123 🎁\n";
  message.time = kNow;
  return message;
}

EncodeContext ExampleContext() {
  EncodeContext context;
  context.now = kNow;
  context.nonce = "00112233445566778899aabbccddeeff";
  context.access_token = "TOKEN-OF-THE-HOUR";
  return context;
}

Answer HttpAnswer(int status, std::string body, Headers headers) {
  Answer answer;
  answer.response = HttpResponse{status, std::move(headers), std::move(body)};
  return answer;
}

Answer SmtpAnswer(int code, std::string text) {
  Answer answer;
  answer.response = SmtpReply{code, std::move(text)};
  return answer;
}

Answer RecordAnswer(std::string place, std::string error) {
  Answer answer;
  answer.response = RecordReply{std::move(place), std::move(error)};
  return answer;
}

CallbackRequest Post(std::string url, std::string body) {
  return {"POST", std::move(url), {}, std::move(body)};
}

Answer LineAnswer() {
  return {};
}

Answer LostAnswerOf(TransportError error) {
  Answer answer;
  answer.error = error;
  answer.error_text = "connection reset";
  return answer;
}

std::unique_ptr<Channel> MakeChannel(const std::string& provider,
                                     const config::Settings& settings) {
  const Registration* registration = FindProvider(provider);
  CHECK(registration != nullptr);
  Result<std::unique_ptr<Channel>> channel = registration->make(settings);
  if (!channel.ok()) {
    std::fprintf(stderr, "%s: %s\n", provider.c_str(), channel.status().message().c_str());
    std::abort();
  }
  return *std::move(channel);
}

std::string ToText(const std::vector<Receipt>& receipts) {
  std::string text;
  for (const Receipt& receipt : receipts) {
    text += text.empty() ? "" : "; ";
    text += ToWord(receipt.kind);
    const auto add = [&text](const char* name, const std::string& value) {
      text += value.empty() ? "" : std::string(" ") + name + "=" + value;
    };
    add("dispatch", receipt.dispatch.empty() ? "" : receipt.dispatch.ToString());
    add("id", receipt.provider_message_id);
    add("address", receipt.address);
    add("reason", receipt.reason);
    add("text", receipt.text);
    add("template", receipt.template_name);
    add("time", receipt.time == 0 ? "" : FormatRfc3339(receipt.time));
  }
  return text;
}

std::string ToText(const Request& request) {
  std::string text;
  if (const auto* http = std::get_if<HttpRequest>(&request)) {
    text = http->method + " " + http->url + "\n";
    for (const auto& [name, value] : http->headers) {
      text += name + ": " + value + "\n";
    }
    text += "\n" + http->body;
  } else if (const auto* mail = std::get_if<Mail>(&request)) {
    text = mail->url + " " + mail->from + " " + mail->to + " " +
           (mail->require_tls ? "tls" : "plain") + "\n" +
           (mail->sign ? mail->sign(mail->data) : "") + mail->data;
  } else if (const auto* record = std::get_if<Record>(&request)) {
    text = record->brokers + " " + record->topic + " " + record->key + "\n";
    for (const auto& [name, value] : record->headers) {
      text += name + ": " + value + "\n";
    }
    text += "\n" + record->value;
  } else {
    const auto& line = std::get<Line>(request);
    text = line.path + "\n" + line.text;
  }
  return text;
}

}  // namespace huitou::channels
