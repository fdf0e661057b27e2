// Prints what would be sent: for the first steps with Huitou, and for demos.
#include <memory>

#include "channels/answer.h"
#include "channels/channel.h"

namespace huitou::channels {
namespace {

// Text for a terminal: line ends stay, with an indent; other control characters, which could move
// the cursor or recolour what stands above, become '?'.
std::string Printable(std::string_view text) {
  std::string printable;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      printable += "\n    ";
    } else if ((byte < 0x20 && c != '\t') || byte == 0x7F) {
      printable += c == '\r' ? "" : "?";
    } else {
      printable += c;
    }
  }
  while (printable.ends_with(' ') || printable.ends_with('\n')) {
    printable.pop_back();
  }
  return printable;
}

class ConsoleChannel : public Channel {
 public:
  Request Encode(const Message& message, const EncodeContext& /*context*/) const override {
    Line line;
    line.text = FormatRfc3339(message.time) + " " + message.channel + ": " +
                Printable(message.template_name) + " to " + Printable(message.customer);
    for (const auto& [name, value] : message.fields) {
      line.text += "\n    " + Printable(name) + ": " + Printable(value);
    }
    line.text += "\n    " + Printable(message.text);
    return line;
  }

  Outcome Decode(const Answer& answer, TimeUs /*now*/) const override {
    return LineOutcome(answer);
  }
};

Result<std::unique_ptr<Channel>> Make(const config::Settings& /*settings*/) {
  return std::unique_ptr<Channel>(std::make_unique<ConsoleChannel>());
}

}  // namespace

Registration ConsoleRegistration() {
  Registration registration;
  registration.schema.name = "console";
  registration.schema.help = "Prints every message on standard output, for demos and first steps.";
  registration.schema.optional_fields = {"*"};
  registration.limits.timeout = 5 * kSecondUs;  // of a reader; well within the grace of a stop
  registration.promise = Promise::kAtLeastOnce;
  registration.promises_allowed = {Promise::kAtLeastOnce, Promise::kAtMostOnce};
  registration.cost = "Costs nothing.";
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
