// A mail server that says what a test wants, and the mail to send there.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "channels/channel.h"
#include "tests/transports/raw_server.h"

namespace huitou {

inline channels::Mail MailTo(int port, std::string to = "li@example.com") {
  channels::Mail mail;
  mail.url = "smtp://127.0.0.1:" + std::to_string(port);
  mail.from = "shop@example.com";
  mail.to = std::move(to);
  mail.data = "Subject: hi\r\n\r\nhello\r\n";
  return mail;
}

// Answers each command with what `replies` says ("MAIL" -> "250 ok"); "" closes the connection,
// "hang" says nothing more. "GREETING" and "." are commands too. Remembers every command, with
// "(more)" behind it when the client had not waited for its reply.
class Script {
 public:
  using Replies = std::vector<std::pair<std::string, std::string>>;
  Script() = default;
  explicit Script(Replies replies) : replies_(std::move(replies)) {}

  void operator()(RawServer::Connection& connection) const {
    std::string line;
    std::string command = "GREETING";
    bool in_data = false;
    do {
      if (in_data && line != ".") {
        continue;
      }
      command = in_data ? "." : line.empty() ? "GREETING" : line.substr(0, 4);
      connection.Remember(line + (connection.has_more() ? " (more)" : ""));
      const std::string reply = ReplyTo(command);
      if (reply.empty()) {
        return;
      }
      if (reply == "hang") {
        connection.Hang();
        return;
      }
      connection.Write(reply + "\r\n");
      in_data = command == "DATA" && reply.starts_with("354");
    } while (connection.ReadLine(&line));
  }

 private:
  std::string ReplyTo(const std::string& command) const {
    for (const auto& [known, reply] : replies_) {
      if (known == command) {
        return reply;
      }
    }
    if (command == "GREETING") {
      return "220 mx.test";
    }
    if (command == "EHLO") {
      return "250-mx.test\r\n250 8BITMIME";
    }
    return command == "DATA" ? "354 go on" : command == "QUIT" ? "221 bye" : "250 ok";
  }

  Replies replies_;
};

}  // namespace huitou
