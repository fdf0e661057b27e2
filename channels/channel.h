// Channels: pure translators between a dispatch and a provider's protocol.
//
// encode: dispatch -> Request. decode: answer -> Outcome. No channel opens a socket, reads a clock,
// draws a random number or retries; what it needs of those comes in EncodeContext. Retries, rates,
// concurrency, circuit breaking, deadlines and fallback belong to the outbox (daemon/outbox),
// sockets to the transports (daemon/transports).
//
// A Channel is immutable after construction; any thread may call it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/schema.h"
#include "triggers/base/hash.h"
#include "triggers/base/status.h"
#include "triggers/base/time.h"

namespace huitou::channels {

// One message to one customer, rendered.
struct Message {
  Id128 dispatch;        // the idempotency key
  std::string customer;  // id
  std::string address;   // phone, email or openid as Address says; empty for kNone
  std::string channel;   // the name in the config file, e.g. "sms"
  std::string template_name;
  std::string locale;
  std::string text;                                         // the template's body, rendered
  std::string html;                                         // its HTML version; empty: none
  std::vector<std::pair<std::string, std::string>> fields;  // its front matter, rendered, in order
  TimeUs time = 0;                                          // event time of the decision
  std::string unsubscribe_url;  // where one POST ends such messages; empty: none, or not marketing
};

// What floor 3 read for this attempt.
struct EncodeContext {
  TimeUs now = 0;            // wall clock
  std::string nonce;         // 32 hex digits, new for every attempt
  std::string access_token;  // for channels with a TokenRequest
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "POST";
  std::string url;
  Headers headers;
  std::string body;
};

struct HttpResponse {
  int status = 0;
  Headers headers;  // names in lower case
  std::string body;
};

// A whole RFC 5322 message with CRLF line ends, and its envelope.
struct Mail {
  std::string url;  // smtp://host:port or smtps://host:port
  std::string username;
  std::string password;
  bool require_tls = false;
  std::string from;
  std::string to;
  std::string data;
  // Gives the header field that signs `data` and goes before it; empty: none. The transport calls
  // it, on its own threads: an RSA signature takes longer than all else that is done for a mail.
  std::function<std::string(std::string_view data)> sign = {};
};

struct SmtpReply {
  int code = 0;  // of the last reply; 0 when none came
  std::string text;
};

// A line for a local sink.
struct Line {
  std::string path;  // empty: standard output
  std::string text;  // without the line end
};

// A record for a topic of Kafka.
struct Record {
  std::string brokers;  // host:port, several with commas
  // Of librdkafka, for TLS and SASL. All records of one channel share it.
  std::shared_ptr<const std::map<std::string, std::string>> properties;
  std::string topic;
  std::string key;
  std::string value;
  Headers headers;
};

// What the brokers said of it.
struct RecordReply {
  std::string place;  // "topic-partition-offset"; empty when it was not written
  std::string error;  // the error's name in librdkafka, when it certainly was not
};

using Request = std::variant<HttpRequest, Mail, Line, Record>;

// What became of the bytes when no answer came.
enum class TransportError : uint8_t {
  kNone,
  kNotSent,   // could not connect, resolve or verify the certificate: the provider never saw it
  kAmbiguous  // sent at least partly, then timed out or was reset: nobody knows
};

struct Answer {
  TransportError error = TransportError::kNone;
  std::string error_text;  // without secrets or addresses
  // monostate for a written Line
  std::variant<std::monostate, HttpResponse, SmtpReply, RecordReply> response;
};

struct Outcome {
  enum class Kind : uint8_t {
    kAccepted,       // the provider took it
    kRejected,       // never will be (this message, or this recipient)
    kRetry,          // later; was certainly not sent
    kUnknown,        // may have been sent
    kTokenExpired,   // get a new access token and repeat; was not sent
    kChannelPaused,  // account or configuration is wrong: stop the channel, keep the message
  };
  Kind kind = Kind::kUnknown;
  std::string reason;               // a bounded word: "timeout", "bad_number", "rate_limited", ...
  std::string detail;               // more for a person, without secrets or addresses; or empty
  std::string provider_message_id;  // of kAccepted; of kUnknown where receipts will name it
  DurationUs retry_after = 0;       // of kRetry, when the provider said; else 0
  bool suppress_address =
      false;                    // of kRejected: never use this address again (hard bounce, opt-out)
  bool revoke_consent = false;  // of kRejected: the recipient refused (43101, 21610)
};

// What a provider's callback says about one earlier message, or about a recipient.
struct Receipt {
  enum class Kind : uint8_t { kDelivered, kUndelivered, kReplied, kUnsubscribed, kSubscribed };
  Kind kind = Kind::kDelivered;
  Id128 dispatch;                   // when the provider echoes ours; else empty
  std::string provider_message_id;  // else this
  std::string address;              // of kReplied, kUnsubscribed, kSubscribed; E.164 for a phone
  std::string reason;
  std::string text;  // of kReplied
  // Of kUnsubscribed with the reason "opted_out": no more of this template; of kSubscribed: one
  // message of it. Empty: about the channel.
  std::string template_name;
  TimeUs time = 0;  // 0 when the provider does not say
};

// A message that a provider is asked about: as it was sent, by an attempt that is over.
struct SentMessage {
  Message message;
  std::string provider_message_id;  // empty: the answer that would have named it was lost
  TimeUs sent_at = 0;               // wall clock; not after the request
};

// What the provider says of it.
struct QueryAnswer {
  enum class Kind : uint8_t {
    kUnanswered,  // nothing; it may be asked again
    kNotFound,    // it knows of no such message, which is no proof that none is on its way
    kAccepted,    // it has the message; what becomes of that is open
    kTold,        // what became of it: `receipts`
  };
  Kind kind = Kind::kUnanswered;
  std::string provider_message_id;  // of kAccepted, where receipts will name it
  std::vector<Receipt> receipts;    // of kTold; the first is of the message
};

struct CallbackRequest {
  std::string method;
  std::string url;  // as the provider called it, with the query
  Headers headers;  // names in lower case
  std::string body;
  // What Channel::CallbackNeeds asked for; empty when it could not be had.
  std::string fetched = {};
};

struct CallbackReply {
  bool verified = false;  // false: answer 401/403 and believe nothing
  HttpResponse response;  // what the provider wants to hear
  std::vector<Receipt> receipts;
  // Asked once, where the provider wants to hear that its callbacks are welcome.
  std::optional<HttpRequest> follow_up;
};

// What happens when a send's answer is lost and nothing else settles it.
enum class Promise : uint8_t {
  kAtLeastOnce,       // repeat: the customer may get it twice
  kAtMostOnce,        // do not repeat: the customer may get nothing
  kExactlyOnceByKey,  // repeat with the same key, which the provider drops
};

struct Limits {
  double rate_per_second = 0;  // 0: none
  int in_flight_max = 50;
  DurationUs timeout = 10 * kSecondUs;
};

// One row of a provider's table of answers: what its code means for the message. Decode looks the
// code up here, the reference page prints it, the conformance suite tries it.
struct AnswerRule {
  std::string_view code;  // as the provider writes it
  Outcome::Kind kind = Outcome::Kind::kUnknown;
  std::string_view reason;
  bool suppress_address = false;
  bool revoke_consent = false;
};

class Channel {
 public:
  virtual ~Channel() = default;
  virtual Request Encode(const Message& message, const EncodeContext& context) const = 0;
  // `now` is the wall clock, for Retry-After dates.
  virtual Outcome Decode(const Answer& answer, TimeUs now) const = 0;
  // Several messages by one request, where the provider takes that: those with the same key, if it
  // is not empty, may go together, at most BatchMax() of them and no address twice.
  virtual size_t BatchMax() const { return 1; }
  virtual std::string BatchKey(const Message& /*message*/) const { return {}; }
  virtual Request EncodeBatch(std::span<const Message> messages,
                              const EncodeContext& context) const;
  // One outcome for each, in their order. Nothing when all were refused, perhaps for one of them or
  // for coming together, and surely none was sent: each goes alone then.
  virtual std::optional<std::vector<Outcome>> DecodeBatch(const Answer& answer,
                                                          std::span<const Message> messages,
                                                          TimeUs now) const;
  // Verifies, then decodes. The default knows no callbacks (404).
  virtual CallbackReply DecodeCallback(const CallbackRequest& request, TimeUs now) const;
  // What the signature of this callback needs that does not come with it, such as a certificate of
  // the provider's: floor 3 gets it and keeps it. From a callback that nobody has verified yet, so
  // it must lead nowhere but to the provider.
  virtual std::optional<HttpRequest> CallbackNeeds(const CallbackRequest& /*request*/) const {
    return std::nullopt;
  }
  // A mail that came back (a bounce, a complaint), from anybody; nothing for what is none of these.
  virtual std::optional<std::vector<Receipt>> DecodeMail(std::string_view /*mail*/) const {
    return std::nullopt;
  }
  // What became of one message, of providers that answer that (Registration::answers_queries):
  // asked when the answer to a send was lost, and before silence counts as "did not arrive".
  // Nothing for a message that cannot be asked about.
  virtual std::optional<HttpRequest> EncodeQuery(const SentMessage& /*sent*/,
                                                 const EncodeContext& /*context*/) const {
    return std::nullopt;
  }
  virtual QueryAnswer DecodeQuery(const Answer& /*answer*/, const SentMessage& /*sent*/) const {
    return {};
  }
  // For providers that keep receipts until they are fetched, each once: how often that is done (0:
  // never), by which requests, and what came. A full answer has more behind it.
  virtual DurationUs PollInterval() const { return 0; }
  virtual std::vector<HttpRequest> EncodePolls(const EncodeContext& /*context*/) const {
    return {};
  }
  struct Polled {
    std::vector<Receipt> receipts;
    bool more = false;
  };
  // Unavailable with a bounded word when it was no answer.
  virtual Result<Polled> DecodePoll(const Answer& answer) const;
  // For providers with a shared access token: how to get one, and what came.
  virtual std::optional<HttpRequest> TokenRequest() const { return std::nullopt; }
  struct Token {
    std::string value;
    DurationUs lifetime = 0;
  };
  virtual Result<Token> DecodeToken(const HttpResponse& response) const;
};

// One provider: everything about it, in one place; collected in registry.cc.
struct Registration {
  config::ComponentSchema schema;
  Promise promise = Promise::kAtLeastOnce;  // default; `promise:` overrides
  std::vector<Promise> promises_allowed;    // what the protocol can keep
  Limits limits;                     // defaults; `rate:`, `max_in_flight:`, `timeout:` override
  std::string cost;                  // one sentence for the reference
  bool receipts = false;             // whether callbacks tell what became of an accepted message
  bool receipts_of_delivery = true;  // false: they tell of failures, and silence means nothing
  // The settings without any of which none comes; empty: none is needed.
  std::vector<std::string_view> receipts_need;
  bool answers_queries = false;              // whether it can be asked about single messages
  std::span<const AnswerRule> answers = {};  // the provider's own codes, in static storage
  Result<std::unique_ptr<Channel>> (*make)(const config::Settings& settings) = nullptr;
};

// The explicit list of all providers.
const std::vector<Registration>& AllProviders();
const Registration* FindProvider(std::string_view name);

}  // namespace huitou::channels
