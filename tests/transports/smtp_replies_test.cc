// Replies from bytes, however they are cut.
#include "daemon/transports/smtp_replies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "daemon/transports/limits.h"

namespace huitou {
namespace {

using channels::SmtpReply;
using Next = SmtpReplies::Next;

// "250 ok|garbage": all that comes of these bytes, given so many at a time.
std::string ReadAll(std::string_view bytes, size_t step) {
  SmtpReplies replies;
  std::string all;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    replies.Add(bytes.substr(0, step));
    SmtpReply reply;
    Next next = Next::kNone;
    while ((next = replies.Take(&reply)) == Next::kReply) {
      EXPECT_EQ(reply.text.substr(reply.text.rfind('\n') + 1, 3), std::to_string(reply.code));
      all += reply.text + "|";
    }
    if (next == Next::kGarbage) {
      return all + "garbage";
    }
  }
  return all + (replies.empty() ? "" : "...");
}

TEST(SmtpReplies, AreReadHoweverTheyAreCut) {
  struct Row {
    const char* bytes;
    const char* expected;
  };
  const Row rows[] = {
      {"", ""},
      {"220 mx.test\r\n", "220 mx.test|"},
      {"250\r\n", "250|"},
      {"250 bare line feed\n", "250 bare line feed|"},
      {"250-one\r\n250-two\r\n250 three\r\n", "250-one\n250-two\n250 three|"},
      {"250 ok\r\n550 5.1.1 nobody\r\n354 go on\r\n", "250 ok|550 5.1.1 nobody|354 go on|"},
      {"250-ok\r\n550 all the same\r\n", "250-ok\n550 all the same|"},
      {"250 ok\r\n25", "250 ok|..."},
      {"250-ok\r\n", "..."},
      {"HTTP/1.1 400 Bad Request\r\n", "garbage"},
      {"\r\n", "garbage"},
      {"25\r\n", "garbage"},
      {"2500 ok\r\n", "garbage"},
      {"150 ok\r\n", "garbage"},
      {"650 ok\r\n", "garbage"},
      {"250 ok\r\nwhat?\r\n", "250 ok|garbage"},
  };
  for (const Row& row : rows) {
    for (const size_t step : {1, 2, 3, 7, 1000}) {
      EXPECT_EQ(ReadAll(row.bytes, step), row.expected) << row.bytes << " by " << step;
    }
  }
}

TEST(SmtpReplies, AreCutAtTheirBound) {
  SmtpReplies replies;
  for (size_t bytes = 0; bytes < 3 * transport_limits::kReplyBytesMax; bytes += 104) {
    replies.Add("550-" + std::string(98, 'x') + "\r\n");
    SmtpReply reply;
    ASSERT_EQ(replies.Take(&reply), Next::kNone);
  }
  replies.Add("550 end\r\n");
  SmtpReply reply;
  ASSERT_EQ(replies.Take(&reply), Next::kReply);
  EXPECT_EQ(reply.code, 550);
  EXPECT_EQ(reply.text.size(), transport_limits::kReplyBytesMax);
}

TEST(SmtpReplies, ALineWithoutEndIsGarbage) {
  SmtpReplies replies;
  SmtpReply reply;
  replies.Add(std::string(transport_limits::kReplyBytesMax, '2'));
  EXPECT_EQ(replies.Take(&reply), Next::kNone);
  replies.Add("2");
  EXPECT_EQ(replies.Take(&reply), Next::kGarbage);
}

TEST(SmtpExtensions, AreReadFromTheReplyToEhlo) {
  const SmtpExtensions none = ReadExtensions("250 PIPELINING");
  EXPECT_FALSE(none.pipelining) << "a server's name";

  const SmtpExtensions all = ReadExtensions(
      "250-mx.test\n250-pipelining\n250-8BITMIME\n250-SMTPUTF8\n250-SIZE 1000\n"
      "250-STARTTLS\n250 AUTH CRAM-MD5 login Plain");
  EXPECT_TRUE(all.pipelining && all.eight_bit && all.utf8 && all.size && all.start_tls);
  EXPECT_TRUE(all.auth_plain && all.auth_login);

  const SmtpExtensions others =
      ReadExtensions("250-mx.test\n250-XPIPELINING\n250-AUTH SCRAM-SHA-1\n250-PLAIN\n250 HELP");
  EXPECT_FALSE(others.pipelining || others.auth_plain || others.auth_login || others.size);
}

}  // namespace
}  // namespace huitou
