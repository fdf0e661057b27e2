// How a mail server's connection begins, step by step.
#include "daemon/transports/smtp_opening.h"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/transports/io_loop.h"
#include "tests/transports/mail_script.h"
#include "tests/transports/support.h"

namespace huitou {
namespace {

using channels::Answer;
using channels::Mail;
using Lines = std::vector<std::string>;

// "ready", the refusal's code, or why it was not sent.
std::string Open(const Mail& like, DurationUs timeout = 10 * kSecondUs) {
  IoLoop loop;
  Dialer dialer(&loop.context(), {});
  std::promise<std::string> said;
  loop.Post([&] {
    OpenSmtp(&loop.context(), &dialer, like, timeout,
             [&said](std::unique_ptr<ByteStream> stream, SmtpExtensions, const Answer& failure) {
               const std::string why = Say(failure);
               said.set_value(stream != nullptr   ? "ready"
                              : why == "not sent" ? failure.error_text
                                                  : why);
             });
  });
  std::string text = said.get_future().get();
  loop.Stop();
  return text;
}

Mail WithUser(Mail mail) {
  mail.username = "huitou";
  mail.password = "secret";
  return mail;
}

Mail Encrypted(Mail mail) {
  mail.require_tls = true;
  return mail;
}

// The client's lines, the machine's own name aside.
Lines Said(RawServer* server) {
  server->Stop();
  Lines lines = server->requests();
  for (std::string& line : lines) {
    if (line.starts_with("EHLO ") || line.starts_with("HELO ")) {
      EXPECT_GT(line.size(), 5U);
      line.resize(4);
    }
  }
  return lines;
}

TEST(SmtpOpening, TakesTheServerAsItIs) {
  RawServer server{Script()};
  EXPECT_EQ(Open(MailTo(server.port())), "ready");
  EXPECT_EQ(Said(&server), (Lines{"", "EHLO"}));
}

TEST(SmtpOpening, SaysHeloToAnOldServer) {
  RawServer server{Script(Script::Replies{{"EHLO", "502 what"}})};
  EXPECT_EQ(Open(MailTo(server.port())), "ready");
  EXPECT_EQ(Said(&server), (Lines{"", "EHLO", "HELO"}));
}

TEST(SmtpOpening, CallsItselfAsTheUrlSays) {
  RawServer server{Script()};
  Mail mail = MailTo(server.port());
  mail.url += "/shop.example.com";
  EXPECT_EQ(Open(mail), "ready");
  EXPECT_EQ(server.requests().back(), "EHLO shop.example.com");
}

TEST(SmtpOpening, EveryRefusalIsTheServersOwn) {
  const Script::Replies rows[] = {{{"GREETING", "554 no"}},
                                  {{"GREETING", "421 busy"}},
                                  {{"EHLO", "421 busy"}},
                                  {{"EHLO", "451 later"}},
                                  {{"EHLO", "502 what"}, {"HELO", "504 what"}}};
  for (const Script::Replies& replies : rows) {
    RawServer server{Script(replies)};
    EXPECT_EQ(Open(MailTo(server.port())), replies.back().second.substr(0, 3));
  }
}

TEST(SmtpOpening, SaysWhatItWaitedFor) {
  struct Row {
    Script::Replies replies;
    const char* awaited;
  };
  const Row rows[] = {
      {{{"GREETING", "hang"}}, "the server's greeting"},
      {{{"EHLO", "hang"}}, "the reply to EHLO"},
      {{{"EHLO", "502 what"}, {"HELO", "hang"}}, "the reply to HELO"},
      {{{"EHLO", "250-mx\r\n250 AUTH PLAIN"}, {"AUTH", "hang"}}, "the reply to AUTH"},
  };
  for (const Row& row : rows) {
    RawServer server{Script(row.replies)};
    EXPECT_EQ(Open(WithUser(MailTo(server.port())), kSecondUs),
              std::string("timed out waiting for ") + row.awaited);
  }
  for (const Row& row : rows) {
    Script::Replies replies = row.replies;
    replies.back().second = "";
    RawServer server{Script(replies)};
    EXPECT_EQ(Open(WithUser(MailTo(server.port()))),
              std::string("the connection was lost before ") + row.awaited);
  }
  for (const Row& row : rows) {
    Script::Replies replies = row.replies;
    replies.back().second = "what?";
    RawServer server{Script(replies)};
    EXPECT_EQ(Open(WithUser(MailTo(server.port()))), std::string(row.awaited) + " is not SMTP");
  }
}

TEST(SmtpOpening, NobodyThereIsSaidWithoutAnAddress) {
  RawServer server{Script()};
  server.Stop();
  EXPECT_EQ(Open(MailTo(server.port())), "connection refused");
  Mail mail;
  mail.url = "http://127.0.0.1";
  EXPECT_EQ(Open(mail), "not the URL of a mail server");
}

TEST(SmtpOpening, LogsInWithWhatTheServerOffers) {
  RawServer plain{
      Script(Script::Replies{{"EHLO", "250-mx\r\n250 AUTH LOGIN PLAIN"}, {"AUTH", "235 ok"}})};
  EXPECT_EQ(Open(WithUser(MailTo(plain.port()))), "ready");
  EXPECT_EQ(Said(&plain), (Lines{"", "EHLO", "AUTH PLAIN AGh1aXRvdQBzZWNyZXQ="}));

  RawServer login{Script(Script::Replies{{"EHLO", "250-mx\r\n250 AUTH LOGIN"},
                                         {"AUTH", "334 VXNlcm5hbWU6"},
                                         {"aHVp", "334 UGFzc3dvcmQ6"},
                                         {"c2Vj", "235 ok"}})};
  EXPECT_EQ(Open(WithUser(MailTo(login.port()))), "ready");
  EXPECT_EQ(Said(&login), (Lines{"", "EHLO", "AUTH LOGIN", "aHVpdG91", "c2VjcmV0"}));
}

TEST(SmtpOpening, ALoginThatFailsIsNoMail) {
  RawServer wrong{
      Script(Script::Replies{{"EHLO", "250-mx\r\n250 AUTH PLAIN"}, {"AUTH", "535 5.7.8 no"}})};
  EXPECT_EQ(Open(WithUser(MailTo(wrong.port()))), "535");
  RawServer user{Script(
      {{"EHLO", "250-mx\r\n250 AUTH LOGIN"}, {"AUTH", "334 who"}, {"aHVp", "535 5.7.8 no"}})};
  EXPECT_EQ(Open(WithUser(MailTo(user.port()))), "535");
  RawServer asks{
      Script(Script::Replies{{"EHLO", "250-mx\r\n250 AUTH PLAIN"}, {"AUTH", "334 more"}})};
  EXPECT_EQ(Open(WithUser(MailTo(asks.port()))), "the reply to AUTH makes no sense");
  for (const char* offer : {"250 HELP", "250 AUTH CRAM-MD5"}) {
    RawServer server{Script(Script::Replies{{"EHLO", std::string("250-mx\r\n") + offer}})};
    EXPECT_EQ(Open(WithUser(MailTo(server.port()))),
              "there is a username and the server offers neither AUTH PLAIN nor AUTH LOGIN");
  }
}

TEST(SmtpOpening, NothingIsSaidInTheClearThatIsToBeEncrypted) {
  struct Row {
    Script::Replies replies;
    const char* why;
  };
  const Row rows[] = {
      {{}, "TLS is required and the server does not offer STARTTLS"},
      {{{"EHLO", "502 what"}}, "TLS is required and the server does not offer STARTTLS"},
      {{{"EHLO", "250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS"}, {"STAR", "454 not now"}},
       "TLS is required and the server refused STARTTLS"},
      {{{"EHLO", "250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS"}, {"STAR", "220 go\r\n250 mx"}},
       "the server said more than the reply to STARTTLS"},
      {{{"EHLO", "250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS"}, {"STAR", "220 go\r\n25"}},
       "the server said more than the reply to STARTTLS"},
  };
  for (const Row& row : rows) {
    RawServer server{Script(row.replies)};
    EXPECT_EQ(Open(Encrypted(WithUser(MailTo(server.port())))), row.why);
    for (const std::string& line : Said(&server)) {
      EXPECT_FALSE(line.starts_with("AUTH")) << "a password in the clear";
    }
  }
}

TEST(SmtpOpening, NoStartTlsWhereNoneIsRequired) {
  RawServer server{Script(Script::Replies{{"EHLO", "250-mx\r\n250 STARTTLS"}})};
  EXPECT_EQ(Open(MailTo(server.port())), "ready");
  EXPECT_EQ(Said(&server), (Lines{"", "EHLO"}));
}

}  // namespace
}  // namespace huitou
