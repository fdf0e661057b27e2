#include "channels/mime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "channels/limits.h"
#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

using testing::HasSubstr;
using testing::Not;

// The longest line, without its CRLF; every LF must stand behind a CR and the other way round.
size_t LongestLine(const std::string& text) {
  size_t longest = 0;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_EQ(text[i] == '\r', i + 1 < text.size() && text[i + 1] == '\n') << "at " << i;
    if (text[i] == '\n') {
      longest = std::max(longest, i - 1 - start);
      start = i + 1;
    }
  }
  EXPECT_TRUE(text.ends_with("\r\n"));
  return longest;
}

TEST(MailHeader, LeavesPlainTextAsItIs) {
  EXPECT_EQ(EncodeHeader("Subject", "We miss you"), "Subject: We miss you\r\n");
  EXPECT_EQ(EncodeHeader("Subject", ""), "Subject:\r\n");
}

TEST(MailHeader, PutsChineseIntoEncodedWordsThatSplitNoCharacter) {
  EXPECT_EQ(EncodeHeader("Subject", "回头客专享"), "Subject: =?UTF-8?B?5Zue5aS05a6i5LiT5Lqr?=\r\n");
  std::string text;
  for (int i = 0; i < 60; ++i) {
    text += i % 7 == 0 ? "🎁" : i % 3 == 0 ? "a" : "回";
    const std::string header = EncodeHeader("Subject", text);
    EXPECT_LE(LongestLine(header), 76U);
    EXPECT_THAT(header, Not(HasSubstr("�")));
  }
}

TEST(MailHeader, FoldsLongTextAtBlanks) {
  const std::string header = EncodeHeader(
      "Subject", std::string(20, 'a') + " " + std::string(30, 'b') + " " + std::string(40, 'c'));
  EXPECT_EQ(header, "Subject: " + std::string(20, 'a') + " " + std::string(30, 'b') + "\r\n " +
                        std::string(40, 'c') + "\r\n");
  EXPECT_LE(LongestLine(EncodeHeader("Subject", std::string(500, 'x'))), 76U);
}

TEST(MailHeader, EndsWhereItShouldWhateverTheTextSays) {
  for (const std::string& text :
       {std::string("x\r\nBcc: all@example.com"), std::string("x\nBcc: a@b"),
        std::string("x\rBcc:"), std::string("x\0y", 3), std::string("=?UTF-8?B?DQpCY2M6?="),
        std::string("回\r\nBcc: a@b")}) {
    const std::string header = EncodeHeader("Subject", text);
    EXPECT_THAT(header, Not(testing::ContainsRegex("\r\n[^ ]")));
    LongestLine(header);
  }
}

TEST(MailAddress, IsOneThatCannotStartASecondCommand) {
  for (const char* good : {"a@b", "anna.o+tag@example.com", "用户@例子.公司"}) {
    EXPECT_TRUE(IsMailAddress(good)) << good;
  }
  for (const char* bad : {"", "@b", "a@", "ab", "a@b@c", "a b@c", "a@b\r\nDATA", "<a@b>", "a@b,c@d",
                          "a\"b\"@c", "a@b>", "a@b\x7f"}) {
    EXPECT_FALSE(IsMailAddress(bad)) << bad;
  }
}

TEST(Mailbox, HasANameOrNone) {
  EXPECT_EQ(EncodeMailbox("From", *ParseMailbox("Demo Shop <demo@example.com>")),
            "From: Demo Shop <demo@example.com>\r\n");
  EXPECT_EQ(EncodeMailbox("From", *ParseMailbox("\"Shop, \\\"A\\\" Inc.\" <demo@example.com>")),
            "From: \"Shop, \\\"A\\\" Inc.\" <demo@example.com>\r\n");
  EXPECT_EQ(EncodeMailbox("From", *ParseMailbox("回头小店 <demo@example.com>")),
            "From: =?UTF-8?B?5Zue5aS05bCP5bqX?= <demo@example.com>\r\n");
  EXPECT_EQ(EncodeMailbox("To", *ParseMailbox("a@b")), "To: a@b\r\n");
  EXPECT_EQ(ParseMailbox("<demo@example.com> x"), std::nullopt);
}

TEST(MailBody, IsBase64ForChineseAndQuotedPrintableForTheRest) {
  const EncodedBody chinese = EncodeBody("亲爱的小明，好久不见！");
  EXPECT_EQ(chinese.transfer_encoding, "base64");
  EXPECT_LE(LongestLine(chinese.data), 76U);
  const EncodedBody english = EncodeBody("Hello =) caf\xc3\xa9 \nend. \n.dot\n");
  EXPECT_EQ(english.transfer_encoding, "quoted-printable");
  EXPECT_EQ(english.data, "Hello =3D) caf=C3=A9=20\r\nend.=20\r\n.dot\r\n");
}

TEST(MailBody, KeepsLinesShortAndLineEndsWhole) {
  EXPECT_EQ(EncodeBody("").data, "\r\n");
  EXPECT_EQ(EncodeBody("a\rb\nc\r\nd").data, "a\r\nb\r\nc\r\nd\r\n");
  for (size_t length = 70; length < 160; ++length) {
    EXPECT_LE(LongestLine(EncodeBody(std::string(length, 'x')).data), 76U);
    EXPECT_LE(LongestLine(EncodeBody(std::string(length, 'x') + " =").data), 76U);
    EXPECT_LE(LongestLine(EncodeBody(std::string(length, 'x') + "\xc3\xa9 y").data), 76U);
  }
  EXPECT_LE(LongestLine(EncodeBody(std::string(1'000'000, 'x')).data), 76U);
}

TEST(MailDate, SaysTheDayInEnglishAndUtc) {
  EXPECT_EQ(MailDate(784'111'777 * kSecondUs), "Sun, 06 Nov 1994 08:49:37 +0000");
  EXPECT_EQ(MailDate(0), "Thu, 01 Jan 1970 00:00:00 +0000");
  EXPECT_EQ(MailDate(*ParseRfc3339("2028-02-29T23:59:59.9Z")), "Tue, 29 Feb 2028 23:59:59 +0000");
}

TEST(Smtp, RepeatsTheSameMessageUnderTheSameId) {
  const ProviderCase& c = CaseOf("smtp");
  const auto channel = MakeChannel("smtp", c.settings);
  EncodeContext later = c.context;
  later.now += kHourUs;
  const auto first = std::get<Mail>(channel->Encode(c.message, c.context));
  const auto second = std::get<Mail>(channel->Encode(c.message, later));
  const std::string id = "Message-ID: <0123456789abcdef0123456789abcdef@example.com>\r\n";
  EXPECT_THAT(first.data, HasSubstr(id));
  EXPECT_THAT(second.data, HasSubstr(id));
  EXPECT_THAT(second.data, HasSubstr("Date: Wed, 11 Nov 2026 01:03:12 +0000\r\n"));
  EXPECT_TRUE(first.require_tls) << "a password never crosses the wire in clear by default";
}

TEST(Smtp, OffersOneClickUnsubscribeByHttpsOnly) {
  const ProviderCase& c = CaseOf("smtp");
  const auto channel = MakeChannel("smtp", c.settings);
  const auto headers_with = [&](std::string url) {
    Message message = c.message;
    message.unsubscribe_url = std::move(url);
    return std::get<Mail>(channel->Encode(message, c.context)).data;
  };
  const std::string offered = headers_with("https://shop.example.com/u/x_-9");
  EXPECT_THAT(offered, HasSubstr("List-Unsubscribe: <https://shop.example.com/u/x_-9>\r\n"
                                 "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
  for (const std::string& url :
       {std::string(), std::string("http://shop.example.com/u/x"),
        "https://shop.example.com/u/" + std::string(limits::kMailLineBytesMax, 'x')}) {
    EXPECT_THAT(headers_with(url), Not(HasSubstr("List-Unsubscribe")));
  }
}

}  // namespace
}  // namespace huitou::channels
