// Bounces and complaints as mail servers send them.
#include "channels/mail_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "channels/mail_callback.h"
#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

constexpr char kId[] = "0123456789abcdef0123456789abcdef";

// As Exim writes them, apart from what is not read.
std::string Bounce(const std::string& status_part, const std::string& returned) {
  return "Return-path: <>\n"
         "Received: from Debian-exim by mail.example.com with local\n"
         "\tid 10HmaX-0005vi-00; Tue, 2 Mar 1999 09:44:33 +0000\n"
         "Auto-Submitted: auto-replied\n"
         "From: Mail Delivery System <Mailer-Daemon@mail.example.com>\n"
         "To: bounces@example.com\n"
         "Content-Type: multipart/report; report-type=delivery-status;\n"
         "\tboundary=1234567890-eximdsn-1\n"
         "MIME-Version: 1.0\n"
         "Subject: Mail delivery failed: returning message to sender\n"
         "\n"
         "--1234567890-eximdsn-1\n"
         "Content-type: text/plain; charset=us-ascii\n"
         "\n"
         "This message was created automatically by mail delivery software.\n"
         "\n"
         "--1234567890-eximdsn-1\n"
         "Content-type: message/delivery-status\n"
         "\n"
         "Reporting-MTA: dns; mail.example.com\n"
         "\n" +
         status_part +
         "\n"
         "--1234567890-eximdsn-1\n"
         "Content-type: message/rfc822\n"
         "\n" +
         returned +
         "\n"
         "--1234567890-eximdsn-1--\n";
}

const std::string kOurs = "From: shop@example.com\nMessage-ID: <" + std::string(kId) +
                          "@example.com>\nSubject: hi\n\nhello\n";
const std::string kFailed =
    "Action: failed\nFinal-Recipient: rfc822;userx@test.ex\nStatus: 5.0.0\n"
    "Remote-MTA: dns; mx.test.ex\nDiagnostic-Code: smtp; 550 5.1.1 unknown user\n";

std::string Told(std::string_view mail) {
  const std::optional<MailReport> report = ParseMailReport(mail);
  if (!report) {
    return "nothing";
  }
  static constexpr const char* kKinds[] = {"no news", "delivered", "failed", "complaint"};
  return std::string(kKinds[static_cast<int>(report->kind)]) + " " +
         (report->dispatch == Id128::Parse(kId) ? "ours" : "another") +
         (report->status.empty() ? "" : " " + report->status);
}

std::string WithCrlf(std::string text) {
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 2)) {
    text.replace(at, 1, "\r\n");
  }
  return text;
}

std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(MailReport, ABounceTellsOfWhichMailAndWhy) {
  EXPECT_EQ(Told(Bounce(kFailed, kOurs)), "failed ours 5.1.1");
  EXPECT_EQ(Told(WithCrlf(Bounce(kFailed, kOurs))), "failed ours 5.1.1");
  EXPECT_EQ(Told(Bounce("Action: FAILED (given up)\nStatus: 4.4.7 (expired)\n", kOurs)),
            "failed ours 4.4.7");
  EXPECT_EQ(Told(Bounce("ACTION: Failed\nstatus: 4.4.7\n", kOurs)), "failed ours 4.4.7");
  EXPECT_EQ(Told(Bounce("Action: delayed\nStatus: 4.2.0\n", kOurs)), "no news ours");
  EXPECT_EQ(Told(Bounce("Action: delivered\nStatus: 2.0.0\n", kOurs)), "delivered ours");
}

TEST(MailReport, TheMailIsKnownByReferencesOrByTheAddressThatTheBounceCameTo) {
  const std::string bounce = Bounce(kFailed, "Subject: headers were cut\n");
  EXPECT_EQ(Told(bounce), "nothing");
  const std::string id(kId);
  EXPECT_EQ(Told("References: <x@y> <" + id + "@example.com>\n" + bounce), "failed ours 5.1.1");
  EXPECT_EQ(Told(Replaced(bounce, "bounces@", "bounces+" + id + "@")), "failed ours 5.1.1");
  EXPECT_EQ(Told("Delivered-To: b+" + id + "@example.com\n" + bounce), "failed ours 5.1.1");
}

TEST(MailReport, OtherMailsAreNone) {
  EXPECT_EQ(Told(""), "nothing");
  EXPECT_EQ(Told("Subject: out of office\n\nback on Monday <" + std::string(kId) + "@x>\n"),
            "nothing");
  EXPECT_EQ(Told(Replaced(Bounce(kFailed, kOurs), "multipart/report", "multipart/mixed")),
            "nothing");
  EXPECT_EQ(Told(Replaced(Bounce(kFailed, kOurs), "boundary=", "x=")), "nothing");
  EXPECT_EQ(Told(Replaced(Bounce(kFailed, kOurs), "message/delivery-status", "text/plain")),
            "nothing");
}

TEST(MailReport, WhatIsCutOffSaysAsMuchAsItHas) {
  const std::string bounce = Bounce(kFailed, kOurs);
  size_t understood = 0;
  for (size_t size = 0; size <= bounce.size(); ++size) {
    understood += Told(bounce.substr(0, size)) == "failed ours 5.1.1" ? 1 : 0;
  }
  EXPECT_GT(understood, 20U);
}

TEST(MailReport, AComplaintOfAFeedbackLoopIsOne) {
  std::string complaint =
      Replaced(Bounce("Feedback-Type: abuse\nVersion: 1\n", kOurs),
               "Content-type: message/delivery-status\n\nReporting-MTA: dns; mail.example.com\n\n",
               "Content-Type: message/feedback-report\n\n");
  EXPECT_EQ(Told(complaint), "complaint ours");
  EXPECT_EQ(Told(Replaced(complaint, "abuse", "not-spam")), "no news ours");
}

TEST(MailReport, AMissingMailboxEndsTheChannelAndAFullOneDoesNot) {
  const auto channel = MakeChannel("smtp", CaseOf("smtp").settings);
  const auto told = [&](const std::string& mail) {
    const auto receipts = channel->DecodeMail(mail);
    return receipts ? ToText(*receipts) : "nothing";
  };
  const std::string dispatch = " dispatch=" + std::string(kId);
  EXPECT_EQ(told(Bounce(kFailed, kOurs)), "unsubscribed" + dispatch + " reason=bad_address; " +
                                              "undelivered" + dispatch + " reason=bad_address");
  EXPECT_EQ(told(Bounce("Action: failed\nStatus: 5.2.2\n", kOurs)),
            "undelivered" + dispatch + " reason=mailbox_full");
  EXPECT_EQ(told(Bounce("Action: failed\nStatus: 4.4.7\n", kOurs)),
            "undelivered" + dispatch + " reason=4.4.7");
  EXPECT_EQ(told(Bounce("Action: delayed\nStatus: 4.4.7\n", kOurs)), "");
  EXPECT_EQ(told("Subject: no bounce\n\n"), "nothing");
}

}  // namespace
}  // namespace huitou::channels
