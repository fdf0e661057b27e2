// Appends one CSV line a message to a file (RFC 4180): the list of phones for an agency or a call
// centre that takes over from there.
#include <memory>
#include <utility>

#include "channels/answer.h"
#include "channels/channel.h"
#include "triggers/base/time.h"

namespace huitou::channels {
namespace {

// A message is a line, so its own line ends become blanks.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') {
      quoted += '"';
    }
    quoted += c == '\n' || c == '\r' ? ' ' : c;
  }
  return quoted + '"';
}

class PhoneListChannel : public Channel {
 public:
  explicit PhoneListChannel(std::string path) : path_(std::move(path)) {}

  Request Encode(const Message& message, const EncodeContext& /*context*/) const override {
    return Line{path_, Quoted(message.address) + ',' + Quoted(message.text) + ',' +
                           message.dispatch.ToString() + ',' + Quoted(message.template_name) + ',' +
                           FormatRfc3339(message.time)};
  }

  Outcome Decode(const Answer& answer, TimeUs /*now*/) const override {
    return LineOutcome(answer);
  }

 private:
  const std::string path_;
};

Result<std::unique_ptr<Channel>> Make(const config::Settings& settings) {
  const std::string path = settings.Get("path");
  if (path.empty()) {
    return Status(StatusCode::kInvalid, "path: missing");
  }
  return std::unique_ptr<Channel>(std::make_unique<PhoneListChannel>(path));
}

}  // namespace

Registration PhoneListRegistration() {
  Registration registration;
  registration.schema.name = "phone_list";
  registration.schema.help =
      "Appends one CSV line a message: phone (E.164), text, dispatch, template, time. There is no "
      "line of headings, and the text's own line ends become blanks.";
  registration.schema.settings = {
      {.name = "path",
       .type = config::SettingType::kPath,
       .required = true,
       .help = "The file that is appended to; it is created when it is missing. It holds phones: "
               "keep it where few can read."}};
  registration.schema.address = config::Address::kPhone;
  registration.limits.timeout = 5 * kSecondUs;  // as of the channel file
  registration.promise = Promise::kAtLeastOnce;
  registration.promises_allowed = {Promise::kAtLeastOnce, Promise::kAtMostOnce};
  registration.cost = "Costs nothing by itself.";
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
