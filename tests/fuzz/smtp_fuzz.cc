// libFuzzer: any bytes as a mail server's replies. The first byte says how many come at a time: the
// replies are the same however they are cut, each has a code of SMTP, and none grows without end.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "daemon/transports/limits.h"
#include "daemon/transports/smtp_replies.h"
#include "triggers/base/check.h"

namespace huitou {
namespace {

struct Read {
  std::vector<channels::SmtpReply> replies;
  bool garbage = false;
};

Read ReadAll(std::string_view bytes, size_t step) {
  Read read;
  SmtpReplies replies;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    replies.Add(bytes.substr(0, step));
    channels::SmtpReply reply;
    SmtpReplies::Next next = SmtpReplies::Next::kNone;
    while ((next = replies.Take(&reply)) == SmtpReplies::Next::kReply) {
      CHECK(reply.code >= 200 && reply.code < 600);
      CHECK(!reply.text.empty() && reply.text.size() <= transport_limits::kReplyBytesMax);
      ReadExtensions(reply.text);
      read.replies.push_back(reply);
    }
    if (next == SmtpReplies::Next::kGarbage) {
      read.garbage = true;
      break;
    }
  }
  return read;
}

}  // namespace
}  // namespace huitou

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace huitou;
  if (size == 0 || size > transport_limits::kReplyBytesMax) {
    return 0;  // a line as long as that is garbage, when is a matter of how it comes
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Read whole = ReadAll(bytes, size);
  const Read cut = ReadAll(bytes, 1 + data[0] % 16);
  CHECK(whole.garbage == cut.garbage && whole.replies.size() == cut.replies.size());
  for (size_t i = 0; i < whole.replies.size(); ++i) {
    CHECK(whole.replies[i].code == cut.replies[i].code);
    CHECK(whole.replies[i].text == cut.replies[i].text);
  }
  return 0;
}
