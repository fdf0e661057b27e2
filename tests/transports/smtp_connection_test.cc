// What goes over a mail server's connection, mail after mail.
#include "daemon/transports/smtp_connection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <latch>
#include <string>
#include <utility>
#include <vector>

#include "daemon/transports/limits.h"
#include "daemon/transports/mail_transport.h"
#include "tests/transports/mail_script.h"
#include "tests/transports/support.h"

namespace huitou {
namespace {

using channels::Answer;
using channels::Mail;
using Connection = RawServer::Connection;
using Lines = std::vector<std::string>;

constexpr DurationUs kShort = 500'000;
const std::pair<std::string, std::string> kPipelining = {"EHLO", "250-mx.test\r\n250 PIPELINING"};

// What the server has read behind EHLO, all connections one after another.
Lines Commands(RawServer* server) {
  server->Stop();
  Lines lines = server->requests();
  std::erase_if(lines, [](const std::string& line) {
    return line.empty() || line.starts_with("EHLO") || line == "QUIT";
  });
  return lines;
}

TEST(SmtpConnection, WaitsForEachReplyUnlessTheServerTakesMore) {
  RawServer server{Script()};
  {
    MailTransport transport;
    EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "250");
  }
  EXPECT_EQ(Commands(&server),
            (Lines{"MAIL FROM:<shop@example.com>", "RCPT TO:<li@example.com>", "DATA", "."}));
}

TEST(SmtpConnection, TheEnvelopeIsOneWriteWhereTheServerTakesIt) {
  RawServer server([](Connection& connection) {
    std::string line;
    connection.Write("220 mx.test\r\n");
    connection.ReadLine(&line);
    connection.Write("250-mx.test\r\n250 PIPELINING\r\n");
    do {
      for (int i = 0; i < 3; ++i) {  // no reply until all has come
        if (!connection.ReadLine(&line)) {
          return;
        }
        connection.Remember(line);
      }
      connection.Write("250 ok\r\n25");
      connection.Write("0 ok\r\n354 go on\r\n");
      while (connection.ReadLine(&line) && line != ".") {
        connection.Remember(line);
      }
      connection.Write("250 taken\r\n");
    } while (true);
  });
  MailTransport transport;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "250");
  }
  EXPECT_EQ(server.connections(), 1);
  const Lines once = {"MAIL FROM:<shop@example.com>",
                      "RCPT TO:<li@example.com>",
                      "DATA",
                      "Subject: hi",
                      "",
                      "hello"};
  Lines twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  EXPECT_EQ(server.requests(), twice);
}

TEST(SmtpConnection, ARefusedEnvelopeCostsNoConnection) {
  struct Row {
    const char* name;
    Script::Replies replies;
    const char* expected;
    Lines first;  // what the server gets for the first mail
  };
  const std::string mail = "MAIL FROM:<shop@example.com>";
  const std::string rcpt = "RCPT TO:<li@example.com>";
  const Row rows[] = {
      {"sender", {{"MAIL", "550 who"}}, "550", {mail}},
      {"recipient", {{"RCPT", "550 nobody"}}, "550", {mail, rcpt}},
      {"data", {{"DATA", "451 disk"}}, "451", {mail, rcpt, "DATA"}},
      {"text", {{".", "554 spam"}}, "554", {mail, rcpt, "DATA", "."}},
      {"sender, pipelining",
       {kPipelining, {"MAIL", "550 who"}, {"RCPT", "503 no"}, {"DATA", "503 no"}},
       "550",
       {mail + " (more)", rcpt + " (more)", "DATA"}},
      {"recipient, pipelining",
       {kPipelining, {"RCPT", "550 nobody"}, {"DATA", "503 no"}},
       "550",
       {mail + " (more)", rcpt + " (more)", "DATA"}},
      {"data, pipelining",
       {kPipelining, {"DATA", "451 disk"}},
       "451",
       {mail + " (more)", rcpt + " (more)", "DATA"}},
      {"text, pipelining",
       {kPipelining, {".", "554 spam"}},
       "554",
       {mail + " (more)", rcpt + " (more)", "DATA", "."}},
  };
  for (const Row& row : rows) {
    RawServer server{Script(row.replies)};
    MailTransport transport;
    EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), row.expected) << row.name;
    EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), row.expected) << row.name;
    EXPECT_EQ(server.connections(), 1) << row.name;
    // The server still has the envelope that it refused a part of; none behind a text.
    Lines expected = row.first;
    if (row.first.back() != ".") {
      expected.push_back(row.first.size() > 1 && row.first[0] != mail ? "RSET (more)" : "RSET");
    }
    expected.insert(expected.end(), row.first.begin(), row.first.end());
    EXPECT_EQ(Commands(&server), expected) << row.name;
  }
}

// A text behind 354 goes to whomever the server took: for a refused recipient there must be none,
// also no empty one.
TEST(SmtpConnection, NothingIsDeliveredToARefusedRecipient) {
  RawServer server{Script(Script::Replies{kPipelining, {"RCPT", "550 5.1.1 nobody"}})};
  MailTransport transport;
  EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "550");
  EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "550");
  EXPECT_EQ(server.connections(), 2);
  for (const std::string& line : Commands(&server)) {
    EXPECT_NE(line, ".");
  }
}

TEST(SmtpConnection, SaysOfAMailWhatTheServerWantsToKnow) {
  Mail ascii = MailTo(0);
  Mail wide = MailTo(0, "李@example.com");
  wide.data = "Subject: hi\r\n\r\n您好\r\n";
  struct Row {
    const char* offer;
    const Mail* mail;
    const char* parameters;
  };
  const Row rows[] = {
      {"250 HELP", &wide, ""},
      {"250-SIZE 1000\r\n250-8BITMIME\r\n250 SMTPUTF8", &ascii, " SIZE=22"},
      {"250-SIZE 1000\r\n250-8BITMIME\r\n250 SMTPUTF8", &wide, " SIZE=23 BODY=8BITMIME SMTPUTF8"},
      {"250 8BITMIME", &wide, " BODY=8BITMIME"},
      {"250 SMTPUTF8", &wide, " SMTPUTF8"},
  };
  for (const Row& row : rows) {
    RawServer server{Script(Script::Replies{{"EHLO", std::string("250-mx.test\r\n") + row.offer}})};
    Mail mail = *row.mail;
    mail.url = MailTo(server.port()).url;
    MailTransport transport;
    EXPECT_EQ(Say(Call(&transport, mail)), "250");
    EXPECT_EQ(Commands(&server)[0], std::string("MAIL FROM:<shop@example.com>") + row.parameters);
  }
}

// Between mails, and as the next one is on its way: a server that ends a kept connection has
// surely not taken the mail, which goes by another one.
TEST(SmtpConnection, AKeptConnectionThatTheServerEndedCostsNoMail) {
  for (const char* goodbye : {"", "421 4.4.2 idle\r\n"}) {
    for (const bool at_once : {false, true}) {
      std::atomic<int> begun = 0;
      RawServer server([&begun, goodbye, at_once](Connection& connection) {
        if (++begun > 1) {
          Script{}(connection);
          return;
        }
        std::string line;
        connection.Write("220 mx.test\r\n");
        connection.ReadLine(&line);
        connection.Write("250 mx.test\r\n");
        connection.ReadLine(&line);
        connection.Write("250 ok\r\n");
        connection.ReadLine(&line);
        connection.Write("250 ok\r\n");
        connection.ReadLine(&line);
        connection.Write("354 go on\r\n");
        while (line != ".") {
          connection.ReadLine(&line);
        }
        connection.Write("250 ok\r\n");
        if (!at_once) {
          connection.ReadLine(&line);  // MAIL
        }
        connection.Write(goodbye);
      });
      MailTransport transport;
      EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "250");
      EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "250") << goodbye << at_once;
      EXPECT_EQ(server.connections(), 2);
    }
  }
}

TEST(SmtpConnection, RepliesThatMakeNoSenseAreNone) {
  struct Row {
    Script::Replies replies;
    const char* expected;
    const char* why;
  };
  const Row rows[] = {
      {{{"MAIL", "354 go on"}}, "not sent", "the reply to MAIL makes no sense"},
      {{{"RCPT", "334 who"}}, "not sent", "the reply to RCPT makes no sense"},
      {{{"DATA", "250 ok"}}, "not sent", "the reply to DATA makes no sense"},
      {{kPipelining, {"DATA", "250 ok"}}, "not sent", "the reply to DATA makes no sense"},
      {{{"MAIL", "what?"}}, "not sent", "the reply to MAIL is not SMTP"},
      {{{".", "354 go on"}}, "ambiguous", "the reply to the text makes no sense"},
      {{{".", "421 4.3.0 later"}}, "421", ""},
      {{kPipelining, {"RCPT", "550 no\r\n421 4.3.0 later"}}, "550", ""},
  };
  for (const Row& row : rows) {
    RawServer server{Script(row.replies)};
    MailTransport transport;
    const Answer answer = Call(&transport, MailTo(server.port()));
    EXPECT_EQ(Say(answer), row.expected);
    EXPECT_EQ(answer.error_text, row.why);
  }
}

TEST(SmtpConnection, WhatTimedOutIsSaidAndTheNextMailGoesElsewhere) {
  struct Row {
    const char* command;
    const char* expected;
    const char* why;
  };
  const Row rows[] = {
      {"MAIL", "not sent", "timed out waiting for the reply to MAIL"},
      {"RCPT", "not sent", "timed out waiting for the reply to RCPT"},
      {"DATA", "not sent", "timed out waiting for the reply to DATA"},
      {".", "ambiguous", "timed out waiting for the reply to the text"},
  };
  for (const Row& row : rows) {
    std::atomic<int> begun = 0;
    RawServer server([&begun, &row](Connection& connection) {
      Script(++begun > 1 ? Script::Replies() : Script::Replies{{row.command, "hang"}})(connection);
    });
    MailTransport transport;
    const Answer answer = Call(&transport, MailTo(server.port()), 2 * kShort);
    EXPECT_EQ(Say(answer), row.expected);
    EXPECT_EQ(answer.error_text, row.why);
    EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "250");
  }
}

// The text is longer than all buffers between us and the server, so that its end stays here.
TEST(SmtpConnection, ATextThatDidNotGetOutIsNotInDoubt) {
  RawServer server([](Connection& connection) {
    std::string line;
    connection.Write("220 mx.test\r\n");
    connection.ReadLine(&line);
    connection.Write("250-mx.test\r\n250 PIPELINING\r\n");
    while (line != "DATA") {
      connection.ReadLine(&line);
    }
    connection.Write("250 ok\r\n250 ok\r\n354 go on\r\n");
    connection.ReadLine(&line);
    connection.Reset();
  });
  MailTransport transport;
  Mail mail = MailTo(server.port());
  mail.data.append(64'000'000, 'x');
  const Answer answer = Call(&transport, std::move(mail), 60 * kSecondUs);
  EXPECT_EQ(Say(answer), "not sent");
  EXPECT_EQ(answer.error_text, "the connection was lost before the reply to the text");
}

TEST(SmtpConnection, SaysGoodbye) {
  RawServer server{Script()};
  {
    MailTransport transport;
    EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "250");
  }
  server.Stop();
  EXPECT_EQ(server.requests().back(), "QUIT");
}

constexpr int kConnections = transport_limits::kMailConnectionsMax;

// All at once; how many of them were taken.
int CountTaken(MailTransport* transport, const Mail& mail, int mails) {
  std::vector<std::promise<Answer>> answers(static_cast<size_t>(mails));
  for (std::promise<Answer>& promise : answers) {
    transport->Send(mail, 60 * kSecondUs,
                    [&promise](Answer answer) { promise.set_value(std::move(answer)); });
  }
  return static_cast<int>(std::count_if(
      answers.begin(), answers.end(),
      [](std::promise<Answer>& promise) { return Say(promise.get_future().get()) == "250"; }));
}

TEST(SmtpConnection, MoreMailsThanConnectionsWaitForOne) {
  std::latch all_open(kConnections);
  RawServer server([&all_open](Connection& connection) {
    all_open.arrive_and_wait();
    Script{}(connection);
  });
  MailTransport transport;
  EXPECT_EQ(CountTaken(&transport, MailTo(server.port()), 3 * kConnections), 3 * kConnections);
  EXPECT_EQ(server.connections(), kConnections);
}

// What it says too much would be taken for the reply to the next mail.
TEST(SmtpConnection, AServerThatSaysMoreThanItWasAskedIsLeft) {
  RawServer server{Script(Script::Replies{{".", "250 ok\r\n250 and another"}})};
  MailTransport transport;
  EXPECT_EQ(CountTaken(&transport, MailTo(server.port()), 2 * kConnections), 2 * kConnections);
  EXPECT_EQ(server.connections(), 2 * kConnections);
}

TEST(SmtpConnection, AMailThatIsBeingSignedHoldsNoOther) {
  RawServer server{Script()};
  MailTransport transport;
  std::promise<void> release;
  Mail slow = MailTo(server.port());
  slow.sign = [&release](std::string_view) {
    release.get_future().wait();
    return std::string("Signature: late\r\n");
  };
  std::promise<Answer> late;
  transport.Send(slow, 60 * kSecondUs,
                 [&late](Answer answer) { late.set_value(std::move(answer)); });
  EXPECT_EQ(Say(Call(&transport, MailTo(server.port()))), "250");
  release.set_value();
  EXPECT_EQ(Say(late.get_future().get()), "250");
}

}  // namespace
}  // namespace huitou
