// What the HTTP door asks of the daemon: functions that the run command fills in. Each may be
// called on several threads at once and may wait for a shard; one that is not set answers 503.
// Answers are JSON texts; customers' data is in them because the caller has the right to it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "channels/channel.h"
#include "channels/public_links.h"
#include "daemon/http/status_page.h"
#include "triggers/base/money.h"
#include "triggers/base/status.h"
#include "triggers/base/time.h"

namespace huitou {

struct FieldMap;

namespace http {

// One event that was checked and is to be kept: exactly the bytes that the decoder will get.
struct AcceptedEvent {
  std::string customer;
  std::string payload;
  std::vector<std::pair<std::string, std::string>> headers;  // of CloudEvents in binary mode
};

// What a customer gets on one channel, as the preference page shows it.
struct Preference {
  std::string channel;
  config::Address address = config::Address::kNone;
  MessageClass message_class = MessageClass::kMarketing;
  bool on = false;
  bool refused = false;       // in so many words, not by default
  bool unsubscribed = false;  // from the channel, whatever the consent
  bool blocked = false;       // the address bounced or the like: nothing can be sent
};

struct Preferences {
  std::string shop;         // its name
  std::string locale;       // the customer's; empty: not known
  std::string shop_locale;  // for who says none
  bool unsubscribed_from_all = false;
  std::vector<Preference> all;
};

// What a customer wants from now on; an event is made of it.
struct Wish {
  std::string_view type;  // "consent.granted", "consent.revoked" or "channel.subscribed"
  std::string channel;    // empty: all
  MessageClass message_class = MessageClass::kMarketing;
};

struct DaemonApi {
  // All or none; OK only when they are durable. kExhausted: too much is under way (429).
  // kUnavailable: not now, e.g. the disk is full (503).
  std::function<Status(std::span<const AcceptedEvent> events)> append_events;

  std::function<Result<std::string>()> campaigns;  // {"campaigns":[...]}
  std::function<Status(const std::string& campaign, bool paused)> pause_campaign;

  // kNotFound: nothing is known of this customer.
  std::function<Result<std::string>(const std::string& customer)> customer;
  std::function<Result<std::string>(const std::string& customer, size_t max)> timeline;
  std::function<Result<std::string>(const std::string& customer, const std::string& campaign,
                                    std::optional<TimeUs> at)>
      explain;
  // Everything that is stored, one JSON object a line.
  std::function<Result<std::string>(const std::string& customer)> export_customer;
  std::function<Status(const std::string& customer)> erase;

  // Whether there is such a channel, and providers call it. Must not wait.
  std::function<bool(const std::string& channel)> takes_callbacks;
  // kNotFound: no such channel. Not verified: 403.
  std::function<Result<channels::CallbackReply>(const std::string& channel,
                                                const channels::CallbackRequest& request)>
      callback;

  // The tokens of public pages; null where the config has no `public:`.
  std::function<std::shared_ptr<const channels::PublicLinks>()> links;
  // Of the channels that have an address of the customer, and of the key's own.
  std::function<Result<Preferences>(const channels::PreferenceKey& key)> preferences;
  // OK only when they are durable.
  std::function<Status(const std::string& customer, const std::vector<Wish>& wishes)> wish;
  // Does not wait for the disk. `id` is the event's. kExhausted: too many are under way.
  std::function<Status(const channels::ClickKey& key, const std::string& id)> click;

  // Why the daemon is not ready; empty when it is. Short, without secrets. Must not wait.
  std::function<std::vector<std::string>()> not_ready;
  // What the page at "/" shows. Must not wait.
  std::function<StatusReport()> status;
  std::string version;
};

// How events that come over HTTP are to be read (of the http source).
struct EventDoor {
  std::string source;             // its name, for metrics
  Currency currency = {};         // the shop's
  const FieldMap* map = nullptr;  // the source's `map:`, or null; outlives the server
};

}  // namespace http
}  // namespace huitou
