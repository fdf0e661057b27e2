// What the public pages ask of the daemon: preferences, wishes and clicks of customers, who come
// with a token and no other right.
#include <algorithm>
#include <utility>

#include "daemon/app/daemon_impl.h"
#include "triggers/activity.h"
#include "triggers/base/hash.h"
#include "triggers/gates.h"

namespace huitou {
namespace {

// Clicks that wait for a shard to take them: 10,000 x some 300 bytes = 3 MB, half a second's worth.
constexpr size_t kClicksUnderWayMax = 10'000;

config::Address AddressKind(CampaignSet::Contact contact) {
  switch (contact) {
    case CampaignSet::Contact::kNone:
      return config::Address::kNone;
    case CampaignSet::Contact::kPhone:
      return config::Address::kPhone;
    case CampaignSet::Contact::kEmail:
      return config::Address::kEmail;
    case CampaignSet::Contact::kWechatOpenid:
      return config::Address::kWechatOpenid;
    case CampaignSet::Contact::kAttribute:
      return config::Address::kAttribute;
  }
  return config::Address::kNone;
}

constexpr std::string_view kUnsubscribed = "unsubscribed";

http::Preference PreferenceOf(const Customer& customer, const std::string& channel,
                              const CampaignSet& set, MessageClass message_class,
                              const SymbolTable& symbols) {
  http::Preference preference;
  preference.channel = channel;
  preference.message_class = message_class;
  if (const auto known = set.channels.find(channel); known != set.channels.end()) {
    preference.address = AddressKind(known->second);
  }
  const uint32_t symbol = symbols.Find(channel);
  const ConsentAnswer answer = ConsentOf(
      customer.profile.get(),
      {.channel = symbol, .message_class = message_class, .template_name = {}, .planned = {}});
  const bool consents = answer == ConsentAnswer::kUnsaid
                            ? message_class != MessageClass::kMarketing || !set.shop.OptIn(channel)
                            : answer == ConsentAnswer::kGranted;
  preference.refused = answer == ConsentAnswer::kRevoked;
  if (customer.profile != nullptr) {
    for (const Suppression& suppression : customer.profile->suppressions) {
      if (suppression.channel == 0 || suppression.channel == symbol) {
        (suppression.reason == kUnsubscribed ? preference.unsubscribed : preference.blocked) = true;
      }
    }
  }
  preference.on = consents && !preference.unsubscribed && !preference.blocked;
  return preference;
}

}  // namespace

void Daemon::Impl::AddPublicDoors(http::DaemonApi* api) {
  api->links = [this] { return plays()->links; };
  api->preferences = [this](const channels::PreferenceKey& key) { return PreferencesOf(key); };
  api->wish = [this](const std::string& customer, const std::vector<http::Wish>& wishes) {
    return Wish(customer, wishes);
  };
  api->click = [this](const channels::ClickKey& key, const std::string& id) {
    return Click(key, id);
  };
}

Result<http::Preferences> Daemon::Impl::PreferencesOf(const channels::PreferenceKey& key) {
  return Ask(key.customer, [key, set = plays()->set](ShardView& view) -> Result<http::Preferences> {
    const auto found = view.FindCustomer(key.customer);
    if (!found.ok()) {
      return found.status();
    }
    const Customer& customer = **found;
    http::Preferences preferences;
    preferences.shop = set->shop.name;
    preferences.shop_locale = set->shop.locale;
    if (customer.profile != nullptr) {
      preferences.locale = customer.profile->locale;
      const auto& suppressions = customer.profile->suppressions;
      preferences.unsubscribed_from_all = std::any_of(
          suppressions.begin(), suppressions.end(),
          [](const Suppression& one) { return one.channel == 0 && one.reason == kUnsubscribed; });
    }
    std::vector<std::string> channels = {key.channel};
    for (const auto& [channel, contact] : set->channels) {
      if (channel != key.channel && !AddressOf(*set, customer, channel).empty()) {
        channels.push_back(channel);
      }
    }
    for (const std::string& channel : channels) {
      for (const auto message_class : {MessageClass::kMarketing, MessageClass::kTransactional}) {
        preferences.all.push_back(
            PreferenceOf(customer, channel, *set, message_class, view.symbols()));
      }
    }
    return preferences;
  });
}

Status Daemon::Impl::Wish(const std::string& customer, const std::vector<http::Wish>& wishes) {
  if (wishes.empty()) {
    return Status::Ok();
  }
  const std::string now = std::to_string(clock_.Now());
  auto durable = std::make_shared<std::promise<void>>();
  auto open = std::make_shared<size_t>(wishes.size());  // of the shard's thread
  auto future = durable->get_future();
  {
    std::shared_lock lock(owned_mutex_);
    const auto found = owned_.find(ShardOf(customer, shards_));
    if (found == owned_.end()) {
      return {StatusCode::kUnavailable, "this customer's partition is not assigned here"};
    }
    for (const http::Wish& wish : wishes) {
      Said said;
      said.type = wish.type;
      said.customer = customer;
      said.channel = wish.channel;
      said.message_class =
          wish.message_class == MessageClass::kTransactional ? "transactional" : "";
      said.id =
          Hash128({"wish", customer, said.type, said.channel, said.message_class, now}).ToString();
      found->second.worker->shard().PostSaid(std::move(said), [durable, open] {
        if (--*open == 0) {
          durable->set_value();
        }
      });
    }
  }
  durable.reset();  // the shard has it now, and may be closed before it answers
  if (future.wait_for(kAnswerWait) != std::future_status::ready) {
    return {StatusCode::kUnavailable, "the shard is busy; ask again"};
  }
  try {
    future.get();
  } catch (const std::future_error&) {
    return {StatusCode::kUnavailable, "the partition went elsewhere; ask again"};
  }
  return Status::Ok();
}

Status Daemon::Impl::Click(const channels::ClickKey& key, const std::string& id) {
  // Given back when the shard is done with the click, or is closed with it.
  const auto under_way = clicks_under_way_;
  const std::shared_ptr<void> place(nullptr, [under_way](void*) { --*under_way; });
  if (++*under_way > kClicksUnderWayMax) {
    return {StatusCode::kExhausted, "too many clicks are under way"};
  }
  std::shared_lock lock(owned_mutex_);
  const auto found = owned_.find(ShardOf(key.customer, shards_));
  if (found == owned_.end()) {
    return {StatusCode::kUnavailable, "this customer's partition is not assigned here"};
  }
  Said said;
  said.id = id;
  said.type = "message.clicked";
  said.customer = key.customer;
  said.dispatch = key.dispatch;
  said.text = key.link;
  found->second.worker->shard().PostSaid(std::move(said), [place] {});
  return Status::Ok();
}

}  // namespace huitou
