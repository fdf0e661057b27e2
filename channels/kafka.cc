// Writes every message as one record to a topic of the shop's own.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "channels/answer.h"
#include "channels/channel.h"
#include "channels/message_data.h"
#include "channels/settings.h"

namespace huitou::channels {
namespace {

using Kind = Outcome::Kind;

// Of a topic's name, from Kafka itself.
constexpr size_t kTopicBytesMax = 249;

// By the names that librdkafka has for errors; '_' leads its own. Whatever else kept a record from
// being written passes.
constexpr AnswerRule kAnswers[] = {
    {"MSG_SIZE_TOO_LARGE", Kind::kRejected, "too_large"},
    {"RECORD_LIST_TOO_LARGE", Kind::kRejected, "too_large"},
    {"INVALID_RECORD", Kind::kRejected, "bad_request"},
    {"TOPIC_AUTHORIZATION_FAILED", Kind::kChannelPaused, "unauthorized"},
    {"CLUSTER_AUTHORIZATION_FAILED", Kind::kChannelPaused, "unauthorized"},
    {"_AUTHENTICATION", Kind::kChannelPaused, "unauthorized"},
    {"UNKNOWN_TOPIC_OR_PART", Kind::kChannelPaused, "no_endpoint"},
    {"_UNKNOWN_TOPIC", Kind::kChannelPaused, "no_endpoint"},
    {"TOPIC_EXCEPTION", Kind::kChannelPaused, "no_endpoint"},
    {"_INVALID_ARG", Kind::kChannelPaused, "bad_settings"},
};

class KafkaChannel : public Channel {
 public:
  KafkaChannel(std::string brokers, std::string topic, FlatObject properties)
      : brokers_(std::move(brokers)),
        topic_(std::move(topic)),
        properties_(std::make_shared<const std::map<std::string, std::string>>(properties.begin(),
                                                                               properties.end())) {}

  Request Encode(const Message& message, const EncodeContext& /*context*/) const override {
    Record record;
    record.brokers = brokers_;
    record.properties = properties_;
    record.topic = topic_;
    record.key = message.customer;
    record.value = DataOf(message).Add("time", FormatRfc3339(message.time)).Close();
    record.headers = {{"content-type", "application/json"},
                      {"dispatch", message.dispatch.ToString()}};
    return record;
  }

  Outcome Decode(const Answer& answer, TimeUs /*now*/) const override {
    if (std::optional<Outcome> lost = LostAnswer(answer)) {
      return *std::move(lost);
    }
    const auto* reply = std::get_if<RecordReply>(&answer.response);
    if (reply == nullptr || reply->error.empty() == reply->place.empty()) {
      return MakeOutcome(Kind::kUnknown, "bad_answer");
    }
    if (!reply->error.empty()) {
      const AnswerRule* rule = FindRule(kAnswers, reply->error);
      return rule == nullptr ? MakeOutcome(Kind::kRetry, "unavailable") : OutcomeOf(*rule);
    }
    Outcome accepted = MakeOutcome(Kind::kAccepted, "");
    accepted.provider_message_id = reply->place;
    return accepted;
  }

 private:
  const std::string brokers_;
  const std::string topic_;
  const std::shared_ptr<const std::map<std::string, std::string>> properties_;
};

bool IsTopicName(std::string_view name) {
  return !name.empty() && name.size() <= kTopicBytesMax && name != "." && name != ".." &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string_view::npos;
}

Result<std::unique_ptr<Channel>> Make(const config::Settings& settings) {
  const std::string brokers = settings.Get("brokers");
  if (brokers.find(':') == std::string::npos) {
    return Invalid("brokers: write host:port, several with commas");
  }
  const std::string topic = settings.Get("topic");
  if (!IsTopicName(topic)) {
    return Invalid("topic: a name has 1 to 249 letters, digits, '.', '_' and '-'");
  }
  const std::string written = settings.Get("properties");
  std::optional<FlatObject> properties = ParseJsonObject(written.empty() ? "{}" : written);
  if (!properties) {
    return Invalid("properties: not a map");
  }
  // What the outcomes rest on.
  constexpr std::array kOwn = {"acks",
                               "request.required.acks",
                               "enable.idempotence",
                               "transactional.id",
                               "message.timeout.ms",
                               "delivery.timeout.ms"};
  const auto own = std::find_if(kOwn.begin(), kOwn.end(),
                                [&](const char* name) { return properties->contains(name); });
  if (own != kOwn.end()) {
    return Invalid(std::string("properties: '") + *own + "' is set by Huitou; remove it");
  }
  return std::unique_ptr<Channel>(
      std::make_unique<KafkaChannel>(brokers, topic, *std::move(properties)));
}

}  // namespace

Registration KafkaRegistration() {
  using config::SettingType;
  Registration registration;
  registration.schema.name = "kafka";
  registration.schema.help =
      "Writes every message as one record to a topic of yours, for a program that takes over from "
      "there. The key is the customer's id, the value JSON: `{dispatch, customer, channel, "
      "template, locale, fields, text, time}`; the headers are `content-type` and `dispatch`, the "
      "message's id. All brokers in sync have it when it counts as accepted (`acks: all`).";
  registration.schema.settings = {
      {.name = "brokers", .required = true, .help = "host:port, several with commas."},
      {.name = "topic",
       .required = true,
       .help = "The topic; it must be there, unless the brokers make topics themselves."},
      {.name = "properties",
       .type = SettingType::kProperties,
       .help = "Properties of librdkafka, for TLS and SASL."}};
  registration.schema.optional_fields = {"*"};
  // librdkafka numbers a producer's records, and the brokers drop the numbers that they have; but a
  // restart makes a new producer, and another timeout makes a new number.
  registration.promise = Promise::kAtLeastOnce;
  registration.promises_allowed = {Promise::kAtLeastOnce, Promise::kAtMostOnce};
  // At 5 ms a batch and an answer in 10 ms, 1,000 on their way are some 60,000 a second.
  registration.limits.in_flight_max = 1000;
  registration.cost =
      "Costs nothing by itself. Brokers drop what one producer repeats, but a record whose answer "
      "was lost is written anew by `at_least_once`, and behind a restart by another producer: who "
      "reads the topic drops a `dispatch` that it has seen.";
  registration.answers = kAnswers;
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
