// What a mail server says (RFC 5321, section 4.2), from the bytes as they come. Pure; any thread.
//
//   replies.Add("250-mx.example.com\r\n250 PIPELI");
//   replies.Add("NING\r\n");
//   replies.Take(&reply);  // kReply: 250, "250-mx.example.com\n250 PIPELINING"
#pragma once

#include <string>
#include <string_view>

#include "channels/channel.h"

namespace huitou {

class SmtpReplies {
 public:
  enum class Next { kNone, kReply, kGarbage };

  void Add(std::string_view bytes) { unread_ += bytes; }
  // A whole reply: its last line's code and its lines, cut at limits::kReplyBytesMax. Behind
  // kGarbage comes nothing more.
  Next Take(channels::SmtpReply* reply);
  // Nothing has come but what was taken.
  bool empty() const { return unread_.empty() && begun_.text.empty(); }

 private:
  std::string unread_;
  channels::SmtpReply begun_;
};

// What a server offers in its reply to EHLO.
struct SmtpExtensions {
  bool pipelining = false;  // RFC 2920
  bool eight_bit = false;   // 8BITMIME, RFC 6152
  bool utf8 = false;        // SMTPUTF8, RFC 6531
  bool size = false;        // RFC 1870
  bool start_tls = false;   // RFC 3207
  bool auth_plain = false;  // RFC 4954
  bool auth_login = false;
};
SmtpExtensions ReadExtensions(std::string_view reply_text);

}  // namespace huitou
