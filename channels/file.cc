// Appends one JSON line a message to a file: for tests, audits, and programs that take over from
// there.
#include <memory>
#include <utility>

#include "channels/answer.h"
#include "channels/channel.h"
#include "channels/message_data.h"
#include "triggers/base/json.h"

namespace huitou::channels {
namespace {

class FileChannel : public Channel {
 public:
  explicit FileChannel(std::string path) : path_(std::move(path)) {}

  Request Encode(const Message& message, const EncodeContext& /*context*/) const override {
    JsonObject json;
    json.Add("dispatch", message.dispatch.ToString())
        .Add("customer", message.customer)
        .Add("channel", message.channel)
        .Add("template", message.template_name)
        .AddIfAny("locale", message.locale);
    if (!message.fields.empty()) {
      json.AddRaw("fields", FieldsOf(message));
    }
    json.Add("text", message.text).Add("time", FormatRfc3339(message.time));
    return Line{path_, json.Close()};
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
  return std::unique_ptr<Channel>(std::make_unique<FileChannel>(path));
}

}  // namespace

Registration FileRegistration() {
  Registration registration;
  registration.schema.name = "file";
  registration.schema.help =
      "Appends one JSON line a message: dispatch, customer, channel, template, text, time.";
  registration.schema.settings = {
      {.name = "path",
       .type = config::SettingType::kPath,
       .required = true,
       .help = "The file that is appended to; it is created when it is missing."}};
  registration.schema.optional_fields = {"*"};
  registration.limits.timeout = 5 * kSecondUs;  // of a reader; well within the grace of a stop
  registration.promise = Promise::kAtLeastOnce;
  registration.promises_allowed = {Promise::kAtLeastOnce, Promise::kAtMostOnce};
  registration.cost = "Costs nothing.";
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
