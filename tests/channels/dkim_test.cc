// What a DKIM signature covers. That other people's code believes it: tests/judges/mail_test.py.
#include "channels/dkim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "channels/crypto.h"
#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kMail[] =
    "Date: Wed, 11 Nov 2026 00:03:12 +0000\r\n"
    "From: Shop <shop@example.com>\r\n"
    "Subject: =?UTF-8?B?5Zue5aS05a6i?=\r\n"
    " =?UTF-8?B?5LiT5Lqr?=\r\n"
    "X-Other: not signed\r\n"
    "\r\n"
    "hello\r\n";

std::string SignatureOf(std::string_view mail, TimeUs now = kNow) {
  const Result<DkimSigner> signer = DkimSigner::Make("example.com", "huitou", kEd25519Pem);
  return signer.ok() ? signer->Sign(mail, now) : signer.status().message();
}

std::string ErrorOf(const std::string& domain, const std::string& selector, std::string_view pem) {
  return DkimSigner::Make(domain, selector, pem).status().message();
}

TEST(Dkim, BringsHeadersAndBodiesIntoTheFormOfTheStandard) {
  // RFC 6376, section 3.4.5.
  EXPECT_EQ(RelaxedHeader("A: X\r\n"), "a:X\r\n");
  EXPECT_EQ(RelaxedHeader("B : Y\t\r\n\tZ  \r\n"), "b:Y Z\r\n");
  EXPECT_EQ(RelaxedBody(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
  EXPECT_EQ(RelaxedBody(""), "");
  EXPECT_EQ(RelaxedBody("\r\n \r\n\r\n"), "");
  EXPECT_EQ(RelaxedBody("no end of line"), "no end of line\r\n");
  EXPECT_EQ(RelaxedHeader("Subject:\r\n"), "subject:\r\n");
}

TEST(Dkim, NamesEachFieldOnceMoreThanItIsThere) {
  const std::string signature = SignatureOf(kMail);
  EXPECT_THAT(signature, StartsWith("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; "
                                    "d=example.com;\r\n\ts=huitou; t=1794355392;\r\n"));
  EXPECT_THAT(signature, HasSubstr("h=from:from:subject:subject:date:date;"));
  EXPECT_THAT(signature, HasSubstr("bh=" + ToBase64(Sha256("hello\r\n")) + ";"));
  EXPECT_THAT(signature, testing::EndsWith("\r\n"));
  EXPECT_EQ(SignatureOf(kMail), signature) << "the same mail is the same bytes";
}

TEST(Dkim, OtherWordsOrAnotherTimeGiveAnotherSignature) {
  const std::string mail = kMail;
  std::string other = mail;
  other.replace(other.find("hello"), 5, "hallo");
  EXPECT_NE(SignatureOf(other), SignatureOf(mail));
  EXPECT_NE(SignatureOf(mail, kNow + kSecondUs), SignatureOf(mail));
  std::string folded = mail;
  folded.replace(folded.find("?=\r\n =?"), 4, "?=\r\n\t");
  EXPECT_EQ(SignatureOf(folded), SignatureOf(mail)) << "how a header is folded is no matter";
}

TEST(Dkim, ASignatureFitsItsLines) {
  const std::string signature = SignatureOf(kMail);
  size_t begin = 0;
  for (size_t end = signature.find("\r\n"); end != std::string::npos;
       end = signature.find("\r\n", begin)) {
    EXPECT_LE(end - begin, 78U);
    EXPECT_TRUE(begin == 0 || signature[begin] == '\t');
    begin = end + 2;
  }
  EXPECT_EQ(begin, signature.size());
}

TEST(Dkim, AnErrorNamesTheSettingAndNeverQuotesTheKey) {
  EXPECT_THAT(ErrorOf("not a domain", "huitou", kEd25519Pem), StartsWith("dkim_domain: "));
  EXPECT_THAT(ErrorOf("example.com.", "huitou", kEd25519Pem), StartsWith("dkim_domain: "));
  EXPECT_THAT(ErrorOf("example.com", "", kEd25519Pem), StartsWith("dkim_selector: "));
  EXPECT_THAT(ErrorOf("example.com", "a;b", kEd25519Pem), StartsWith("dkim_selector: "));
  const std::string error = ErrorOf("example.com", "huitou", "hush");
  EXPECT_THAT(error, StartsWith("dkim_key: "));
  EXPECT_THAT(error, Not(HasSubstr("hush")));
}

}  // namespace
}  // namespace huitou::channels
