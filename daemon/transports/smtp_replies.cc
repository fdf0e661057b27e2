#include "daemon/transports/smtp_replies.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/transports/limits.h"

namespace huitou {

namespace {

// Up to the separator, which goes too.
std::string_view Cut(std::string_view* text, char separator) {
  const size_t end = std::min(text->find(separator), text->size());
  const std::string_view part = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return part;
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// "250-SIZE": the code and whether it is the reply's last line; nothing for other text.
std::optional<std::pair<int, bool>> ReadLine(std::string_view line) {
  const bool is_reply = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && IsDigit(line[1]) &&
                        IsDigit(line[2]) && (line.size() == 3 || line[3] == ' ' || line[3] == '-');
  if (!is_reply) {
    return std::nullopt;
  }
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  return std::pair(code, line.size() == 3 || line[3] == ' ');
}

std::string UpperCase(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return upper;
}

}  // namespace

SmtpReplies::Next SmtpReplies::Take(channels::SmtpReply* reply) {
  size_t end = 0;
  while ((end = unread_.find('\n')) != std::string::npos) {
    std::string_view line = std::string_view(unread_).substr(0, end);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    const auto read = ReadLine(line);
    if (!read.has_value()) {
      return Next::kGarbage;
    }
    begun_.code = read->first;
    if (!begun_.text.empty()) {
      begun_.text += '\n';
    }
    begun_.text += line;
    begun_.text.resize(std::min(begun_.text.size(), transport_limits::kReplyBytesMax));
    const bool last = read->second;
    unread_.erase(0, end + 1);
    if (last) {
      *reply = std::exchange(begun_, {});
      return Next::kReply;
    }
  }
  return unread_.size() > transport_limits::kReplyBytesMax ? Next::kGarbage : Next::kNone;
}

SmtpExtensions ReadExtensions(std::string_view reply_text) {
  SmtpExtensions extensions;
  Cut(&reply_text, '\n');  // the server's name
  while (!reply_text.empty()) {
    std::string_view line = Cut(&reply_text, '\n');
    line.remove_prefix(std::min<size_t>(4, line.size()));
    const std::string upper = UpperCase(line);
    std::string_view words = upper;
    const std::string_view keyword = Cut(&words, ' ');
    extensions.pipelining |= keyword == "PIPELINING";
    extensions.eight_bit |= keyword == "8BITMIME";
    extensions.utf8 |= keyword == "SMTPUTF8";
    extensions.size |= keyword == "SIZE";
    extensions.start_tls |= keyword == "STARTTLS";
    while (keyword == "AUTH" && !words.empty()) {
      const std::string_view mechanism = Cut(&words, ' ');
      extensions.auth_plain |= mechanism == "PLAIN";
      extensions.auth_login |= mechanism == "LOGIN";
    }
  }
  return extensions;
}

}  // namespace huitou
