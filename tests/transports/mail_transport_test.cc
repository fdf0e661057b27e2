// Mail against a real server, and against one that fails at every step of the conversation.
#include "daemon/transports/mail_transport.h"

#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/transports/http_transport.h"
#include "tests/transports/mail_script.h"
#include "tests/transports/support.h"

namespace huitou {
namespace {

using channels::Answer;
using channels::Mail;
using channels::SmtpReply;
using Connection = RawServer::Connection;

constexpr DurationUs kShort = 500'000;

TEST(MailTransport, EveryStepThatFailsHasItsAnswer) {
  struct Row {
    const char* name;
    Script::Replies replies;
    const char* expected;
  };
  const Row rows[] = {
      {"all is well", {}, "250"},
      {"busy at the door", {{"GREETING", "421 4.3.2 busy"}}, "421"},
      {"unwelcome at the door", {{"GREETING", "554 5.7.1 no"}}, "554"},
      {"an old server", {{"EHLO", "502 what"}}, "250"},
      {"knows no greeting at all", {{"EHLO", "502 what"}, {"HELO", "502 what"}}, "502"},
      {"sender refused", {{"MAIL", "550 5.7.1 who"}}, "550"},
      {"sender delayed", {{"MAIL", "451 4.7.1 later"}}, "451"},
      {"recipient unknown", {{"RCPT", "550 5.1.1 nobody"}}, "550"},
      {"recipient delayed", {{"RCPT", "450 4.2.1 greylisted"}}, "450"},
      {"no data", {{"DATA", "451 4.3.0 disk"}}, "451"},
      {"refused after the data", {{".", "554 5.7.1 spam"}}, "554"},
      {"delayed after the data", {{".", "451 4.3.0 later"}}, "451"},
      {"a reply of many lines",
       {{".", "550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three"}},
       "550"},
      {"gone at EHLO", {{"EHLO", ""}}, "not sent"},
      {"gone at the door", {{"GREETING", ""}}, "not sent"},
      {"gone at MAIL", {{"MAIL", ""}}, "not sent"},
      {"gone at RCPT", {{"RCPT", ""}}, "not sent"},
      {"gone at DATA", {{"DATA", ""}}, "not sent"},
      {"gone after the data", {{".", ""}}, "ambiguous"},
      {"hangs at the door", {{"GREETING", "hang"}}, "not sent"},
      {"hangs at EHLO", {{"EHLO", "hang"}}, "not sent"},
      {"hangs at RCPT", {{"RCPT", "hang"}}, "not sent"},
      {"hangs after the data", {{".", "hang"}}, "ambiguous"},
      {"refuses, then hangs", {{"RCPT", "550 5.1.1 nobody"}, {"QUIT", "hang"}}, "550"},
      {"garbage at the door", {{"GREETING", "HTTP/1.1 400 Bad Request"}}, "not sent"},
      {"garbage after the data", {{".", "what?"}}, "ambiguous"},
  };
  for (const Row& row : rows) {
    RawServer server{Script(row.replies)};
    MailTransport transport;
    const bool hangs = std::string_view(row.name).starts_with("hangs");
    const Answer answer = Call(&transport, MailTo(server.port()), hangs ? kShort : 10 * kSecondUs);
    EXPECT_EQ(Say(answer), row.expected) << row.name << ": " << answer.error_text;
    EXPECT_EQ(answer.error_text.find("example.com"), std::string::npos);
  }
}

TEST(MailTransport, KeepsTheRefusalsWords) {
  RawServer server{Script(Script::Replies{{"RCPT", "550 5.1.1 <li@example.com>: nobody"}})};
  MailTransport transport;
  const Answer answer = Call(&transport, MailTo(server.port()));
  const auto& reply = std::get<SmtpReply>(answer.response);
  EXPECT_EQ(reply.code, 550);
  EXPECT_EQ(reply.text, "550 5.1.1 <li@example.com>: nobody");
}

TEST(MailTransport, KeepsItsConnection) {
  RawServer server{Script(Script::Replies())};
  MailTransport transport;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "250");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(MailTransport, AServerThatIsSlowWithOneMailHoldsNoOther) {
  std::promise<void> has_all;
  RawServer slow([&has_all](Connection& connection) {
    Script(Script::Replies{{".", ""}})(connection);
    has_all.set_value();
    connection.Hang();
  });
  RawServer quick{Script(Script::Replies())};
  MailTransport transport;
  std::promise<Answer> late;
  transport.Send(MailTo(slow.port()), 60 * kSecondUs,
                 [&late](Answer answer) { late.set_value(std::move(answer)); });
  has_all.get_future().wait();
  EXPECT_EQ(Say(Call(&transport, MailTo(quick.port()), 10 * kSecondUs)), "250");
  slow.Stop();
  EXPECT_EQ(Say(late.get_future().get()), "ambiguous");
}

// A server may end a kept connection any time before the data: nothing is lost by that.
TEST(MailTransport, AKeptConnectionThatBrokeIsNotSent) {
  RawServer server([](Connection& connection) {
    Script once({{"RSET", ""}, {"MAIL", "250 ok"}});
    once(connection);
  });
  MailTransport transport;
  EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "250");
  server.Stop();
  EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "not sent");
}

TEST(MailTransport, AnAddressCannotEndTheCommand) {
  RawServer server{Script(Script::Replies())};
  MailTransport transport;
  for (const char* to : {"", "a@b>\r\nRCPT TO:<c@d", "a b@c", "a@b> SIZE=1"}) {
    EXPECT_EQ(Say(Call(&transport, MailTo(server.port(), to))), "553") << to;
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST(MailTransport, TlsThatIsRequiredAndNotOfferedIsNotSent) {
  RawServer server{Script(Script::Replies())};
  MailTransport transport;
  Mail mail = MailTo(server.port());
  mail.require_tls = true;
  mail.username = "huitou";
  mail.password = "secret";
  EXPECT_EQ(Say(Call(&transport, mail)), "not sent");
  for (const std::string& line : server.requests()) {
    EXPECT_FALSE(line.starts_with("AUTH")) << "a password in the clear";
  }
}

// tests/judges/smtp_server.py: a real server (aiosmtpd) that keeps every mail as a file.
class RealServer {
 public:
  explicit RealServer(const std::vector<std::string>& options = {})
      : child_(Command(directory_, options)) {
    const std::string ports = child_.ReadLine();
    alive_ = !ports.empty();
    if (alive_) {
      port_ = std::stoi(ports);
      control_ = "http://127.0.0.1:" + ports.substr(ports.find(' ') + 1);
    }
  }

  bool alive() const { return alive_; }
  int port() const { return port_; }
  std::string certificate() const { return directory_ / "cert.pem"; }

  std::string Mail(int number) const {
    std::string name = std::to_string(number);
    name = std::string(6 - name.size(), '0') + name + ".eml";
    std::ifstream file(directory_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string Received() const {
    HttpTransport transport;
    channels::HttpRequest request;
    request.method = "GET";
    request.url = control_ + "/received";
    return Say(Call(&transport, request));
  }

 private:
  static std::vector<std::string> Command(const TemporaryDirectory& directory,
                                          const std::vector<std::string>& options) {
    std::vector<std::string> words = {
        "/usr/bin/python3", HUITOU_SOURCE_DIR "/tests/judges/smtp_server.py",
        "--maildir",        directory / ".",
        "--certificates",   directory / "."};
    words.insert(words.end(), options.begin(), options.end());
    return words;
  }

  TemporaryDirectory directory_;
  Child child_;
  bool alive_ = false;
  int port_ = 0;
  std::string control_;
};

TEST(MailTransport, ARealServerGetsEveryByte) {
  const RealServer server;
  if (!server.alive()) {
    GTEST_SKIP() << "no aiosmtpd here";
  }
  std::string long_mail = "Subject: big\r\n\r\n";
  for (int i = 0; i < 20'000; ++i) {
    long_mail += ".回头 " + std::to_string(i) + "\r\n";
  }
  const std::string texts[] = {
      "Subject: =?utf-8?B?5Zue5aS0?=\r\n\r\n您好,回头客!\r\n.\r\n..\r\n.dots\r\n",
      "\r\n.first line\r\n", long_mail};
  MailTransport transport;
  int number = 0;
  for (const std::string& text : texts) {
    Mail mail = MailTo(server.port());
    mail.data = text;
    EXPECT_EQ(Say(Call(&transport, mail)), "250");
    EXPECT_EQ(server.Mail(++number), text);
  }
  const std::string received = server.Received();
  EXPECT_NE(received.find(R"("from": "shop@example.com", "to": ["li@example.com"])"),
            std::string::npos);
}

TEST(MailTransport, ARealServerGetsTheNextMailBehindARefusedRecipient) {
  const RealServer server;
  if (!server.alive()) {
    GTEST_SKIP() << "no aiosmtpd here";
  }
  MailTransport transport;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Say(Call(&transport, MailTo(server.port(), "nobody@invalid"))), "550");
    EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "250");
  }
  EXPECT_NE(server.Received().find(R"("connections": 1)"), std::string::npos);
}

TEST(MailTransport, SignsOnAThreadOfItsOwn) {
  const RealServer server;
  if (!server.alive()) {
    GTEST_SKIP() << "no aiosmtpd here";
  }
  MailTransport transport;
  Mail mail = MailTo(server.port());
  const std::string data = mail.data;
  std::thread::id signed_by;
  mail.sign = [&signed_by](std::string_view text) {
    signed_by = std::this_thread::get_id();
    return "Signature: of " + std::to_string(text.size()) + "\r\n";
  };
  EXPECT_EQ(Say(Call(&transport, mail)), "250");
  EXPECT_EQ(server.Mail(1), "Signature: of " + std::to_string(data.size()) + "\r\n" + data);
  EXPECT_NE(signed_by, std::thread::id());
  EXPECT_NE(signed_by, std::this_thread::get_id());
}

TEST(MailTransport, EncryptsAndLogsInWhereAsked) {
  const RealServer server({"--tls", "starttls", "--user", "huitou", "--password", "geheim 回头"});
  if (!server.alive()) {
    GTEST_SKIP() << "no aiosmtpd here";
  }
  Mail mail = MailTo(server.port());
  mail.require_tls = true;
  mail.username = "huitou";
  mail.password = "geheim 回头";
  MailTransport distrustful;
  EXPECT_EQ(Say(Call(&distrustful, mail)), "not sent") << "self-signed";
  MailTransport transport(DialOptions{server.certificate()});
  EXPECT_EQ(Say(Call(&transport, mail)), "250");
  EXPECT_NE(server.Received().find(R"("tls": true, "user": "huitou")"), std::string::npos);
  mail.password = "wrong";
  EXPECT_EQ(Say(Call(&transport, mail)), "535");
  mail.require_tls = false;
  mail.username.clear();
  EXPECT_EQ(Say(Call(&transport, mail)), "530") << "STARTTLS first";
}

TEST(MailTransport, SpeaksTlsFromTheFirstByteWhereTheUrlSaysSo) {
  const RealServer server({"--tls", "smtps"});
  if (!server.alive()) {
    GTEST_SKIP() << "no aiosmtpd here";
  }
  Mail mail = MailTo(server.port());
  mail.url = "smtps://127.0.0.1:" + std::to_string(server.port());
  MailTransport distrustful;
  EXPECT_EQ(Say(Call(&distrustful, mail)), "not sent") << "self-signed";
  MailTransport transport(DialOptions{server.certificate()});
  EXPECT_EQ(Say(Call(&transport, mail)), "250");
}

}  // namespace
}  // namespace huitou
