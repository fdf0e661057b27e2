#include "triggers/activity.h"

#include <algorithm>

#include "triggers/limits.h"

namespace huitou {

namespace {

// A refund is one of no orders that takes from the spend.
void AddPurchase(Activity* activity, TimeUs time, int64_t spend_minor, uint32_t orders) {
  auto& purchases = activity->purchases;
  auto at = purchases.end();
  while (at != purchases.begin() && (at - 1)->time > time) {
    --at;
  }
  purchases.insert(at, {time, spend_minor, orders});
  // What is older than the longest window counts for none of them.
  const TimeUs oldest = purchases.back().time - 400 * kDayUs;
  while (purchases.front().time < oldest) {
    purchases.erase(purchases.begin());
  }
  if (purchases.size() > limits::kPurchasesMax) {
    purchases[1].orders += purchases[0].orders;
    purchases[1].spend_minor += purchases[0].spend_minor;
    purchases.erase(purchases.begin());
  }
}

void AddCategories(Activity* activity, const Order& order, bool same_currency, TimeUs time,
                   SymbolTable* symbols) {
  for (size_t i = 0; i < order.items.size(); ++i) {
    const OrderItem& item = order.items[i];
    if (item.category.empty()) {
      continue;
    }
    bool first = true;
    for (size_t j = 0; j < i && first; ++j) {
      first = order.items[j].category != item.category;
    }
    const uint32_t symbol = symbols->Intern(item.category);
    auto& categories = activity->categories;
    auto at = std::lower_bound(
        categories.begin(), categories.end(), symbol,
        [](const CategoryActivity& known, uint32_t wanted) { return known.category < wanted; });
    if (at == categories.end() || at->category != symbol) {
      if (categories.size() >= limits::kCategoriesMax) {
        continue;
      }
      at = categories.insert(at, CategoryActivity{symbol, 0, 0, kTimeMin});
    }
    at->orders += first ? 1 : 0;
    at->spend_minor += same_currency ? item.price_minor * item.quantity : 0;
    at->last_order_at = std::max(at->last_order_at, time);
  }
}

void ApplyOrder(const Event& event, const Shop& shop, SymbolTable* symbols, Activity* activity) {
  ++activity->orders;
  if (activity->first_order_at == kTimeMin || event.time < activity->first_order_at) {
    activity->first_order_at = event.time;
  }
  activity->last_order_at = std::max(activity->last_order_at, event.time);
  int64_t spend_minor = 0;
  if (event.order != nullptr) {
    const bool same_currency = event.order->currency == shop.currency;
    spend_minor = same_currency ? event.order->total_minor : 0;
    AddCategories(activity, *event.order, same_currency, event.time, symbols);
  }
  activity->spend_minor += spend_minor;
  AddPurchase(activity, event.time, spend_minor, 1);
}

void Take(std::string* known, std::string_view said) {
  if (!said.empty() && *known != said) {
    known->assign(said);
  }
}

// As the last commit left them: the first call since then counts.
void KeepContacts(const Shop& shop, Customer* customer) {
  if (customer->contacts_before != nullptr) {
    return;
  }
  const Profile& profile = customer->MutableProfile();
  customer->contacts_before = std::make_unique<ContactsBefore>(ContactsBefore{profile, {}});
  if (!shop.address_attributes.empty()) {
    customer->contacts_before->attributes = profile.attributes;
  }
}

void TakeContacts(const CustomerFields& fields, const Shop& shop, Customer* customer) {
  Contacts& contacts = customer->MutableProfile();
  Contacts said = contacts;
  Take(&said.phone, fields.phone);
  Take(&said.email, fields.email);
  Take(&said.wechat_openid, fields.wechat_openid);
  if (said == contacts) {
    return;
  }
  KeepContacts(shop, customer);
  contacts = std::move(said);
}

void ApplyFields(const Event& event, const Shop& shop, Customer* customer) {
  const CustomerFields& fields = event.customer;
  const bool says_nothing =
      fields.phone.empty() && fields.email.empty() && fields.wechat_openid.empty() &&
      fields.locale.empty() && fields.timezone.empty() && fields.region.empty() &&
      fields.birthday.empty() && !fields.has_tags && fields.attributes.is_null();
  if (says_nothing) {
    return;
  }
  // The newest event's word counts, whatever the order of arrival.
  if (customer->profile != nullptr && (customer->profile->fingerprint == fields.fingerprint ||
                                       event.time < customer->profile->fingerprint_time)) {
    return;
  }
  Profile& profile = customer->MutableProfile();
  profile.fingerprint = fields.fingerprint;
  profile.fingerprint_time = event.time;
  TakeContacts(fields, shop, customer);
  Take(&profile.locale, fields.locale);
  Take(&profile.timezone, fields.timezone);
  Take(&profile.region, fields.region);
  Take(&profile.birthday, fields.birthday);
  if (fields.has_tags) {
    profile.tags.assign(fields.tags.begin(), fields.tags.end());
    std::sort(profile.tags.begin(), profile.tags.end());
    profile.tags.erase(std::unique(profile.tags.begin(), profile.tags.end()), profile.tags.end());
    profile.tags.resize(std::min(profile.tags.size(), limits::kTagsMax));
  }
  if (fields.attributes.kind() == cel::Kind::kMap) {
    KeepAddresses(shop, customer);
    cel::Arena arena;
    const cel::MapView& map = fields.attributes.map();
    for (size_t i = 0; i < map.size(); ++i) {
      const cel::Value key = map.KeyAt(i, arena);
      cel::Value value;
      if (key.is_string() && map.Find(key, arena, &value)) {
        SetAttribute(&profile, key.as_string(), value);
      }
    }
  }
}

void ApplyConsent(const Event& event, bool granted, SymbolTable* symbols, Customer* customer) {
  static constexpr ConsentChange kAll{};
  const ConsentChange& change = event.consent == nullptr ? kAll : *event.consent;
  const uint32_t channel = symbols->Intern(change.channel);
  const MessageClass message_class = change.message_class == "transactional"
                                         ? MessageClass::kTransactional
                                         : MessageClass::kMarketing;
  Profile& profile = customer->MutableProfile();
  auto& consents = profile.consents;
  // The newest word replaces what it covers.
  std::erase_if(consents, [&](const ConsentState& known) {
    return known.message_class == message_class && (channel == 0 || known.channel == channel) &&
           (change.template_name.empty() || known.template_name == change.template_name) &&
           !(granted && change.credits > 0 && known.granted && known.credits >= 0);
  });
  if (granted && change.credits > 0) {
    for (size_t i = 0; i < consents.size(); ++i) {
      ConsentState& known = consents[i];
      if (known.message_class == message_class && known.channel == channel && known.credits >= 0 &&
          known.template_name == change.template_name) {
        known.credits += change.credits;
        const auto at = consents.begin() + static_cast<std::ptrdiff_t>(i);
        std::rotate(at, at + 1, consents.end());  // it is the newest word now
        return;
      }
    }
  }
  if (consents.size() >= limits::kConsentsMax) {
    consents.erase(consents.begin());
  }
  consents.push_back({channel, message_class, granted,
                      granted && change.credits > 0 ? change.credits : -1,
                      std::string(change.template_name)});
}

void ApplySubscription(const Event& event, bool subscribed, SymbolTable* symbols,
                       Customer* customer) {
  std::string_view channel;
  if (event.consent != nullptr) {
    channel = event.consent->channel;
  } else if (event.message != nullptr) {
    channel = event.message->channel;
  }
  const uint32_t symbol = symbols->Intern(channel);
  Profile& profile = customer->MutableProfile();
  if (subscribed) {
    std::erase_if(profile.suppressions,
                  [&](const Suppression& known) { return symbol == 0 || known.channel == symbol; });
  } else {
    Suppress(&profile, symbol, "unsubscribed");
  }
}

// --- consents

bool Covers(const ConsentState& known, const ConsentQuestion& question) {
  return known.message_class == question.message_class &&
         (known.channel == 0 || known.channel == question.channel) &&
         (known.template_name.empty() || known.template_name == question.template_name);
}

bool IsOpen(const ConsentState& known, const ConsentQuestion& question) {
  const auto planned = std::count(question.planned.begin(), question.planned.end(), &known);
  const bool holds = question.holds_credit && known.held > 0;
  return known.granted && (known.credits < 0 || known.credits > planned || holds);
}

// Later entries are newer; one for this channel is more precise than one for all. One-time
// subscriptions that are used up take nothing from a consent that was there before.
const ConsentState* Deciding(const Profile* profile, const ConsentQuestion& question) {
  const ConsentState* deciding = nullptr;
  if (profile == nullptr) {
    return deciding;
  }
  for (const ConsentState& known : profile->consents) {
    const bool precise = deciding != nullptr && deciding->channel != 0;
    if (!Covers(known, question) || (precise && known.channel == 0)) {
      continue;
    }
    const bool used_up = known.granted && !IsOpen(known, question);
    if (deciding == nullptr || !used_up || !IsOpen(*deciding, question)) {
      deciding = &known;
    }
  }
  return deciding;
}

// Attributes of other kinds are kept as JSON.
Attribute MakeAttribute(std::string_view name, const cel::Value& value) {
  Attribute attribute;
  attribute.name = name;
  switch (value.kind()) {
    case cel::Kind::kString:
      attribute.text = value.as_string();
      break;
    case cel::Kind::kInt:
      attribute.kind = Attribute::Kind::kInt;
      attribute.integer = value.as_int();
      break;
    case cel::Kind::kBool:
      attribute.kind = Attribute::Kind::kBool;
      attribute.integer = value.as_bool() ? 1 : 0;
      break;
    case cel::Kind::kDouble:
      attribute.kind = Attribute::Kind::kDouble;
      attribute.real = value.as_double();
      break;
    default:
      attribute.kind = Attribute::Kind::kJson;
      attribute.text = cel::ToJson(value);
  }
  return attribute;
}

bool ByName(const Attribute& attribute, std::string_view name) {
  return attribute.name < name;
}

}  // namespace

void KeepAddresses(const Shop& shop, Customer* customer) {
  if (!shop.address_attributes.empty()) {
    KeepContacts(shop, customer);
  }
}

void ApplyEvent(const Event& event, const Shop& shop, SymbolTable* symbols, Customer* customer) {
  Activity& activity = customer->activity;
  customer->activity_changed = true;  // at least the event's id is remembered
  ApplyFields(event, shop, customer);
  if (event.type == shop.order_counts_on) {
    ApplyOrder(event, shop, symbols, &activity);
  } else if (event.type == "order.refunded" || event.type == "order.cancelled") {
    ++activity.returns;
    if (event.type == "order.refunded" && event.order != nullptr &&
        event.order->currency == shop.currency) {
      activity.spend_minor -= event.order->total_minor;
      AddPurchase(&activity, event.time, -event.order->total_minor, 0);
    }
  } else if (event.type == "review.posted") {
    ++activity.reviews;
  } else if (event.type == "consent.granted") {
    ApplyConsent(event, true, symbols, customer);
  } else if (event.type == "consent.revoked") {
    ApplyConsent(event, false, symbols, customer);
  } else if (event.type == "channel.subscribed") {
    ApplySubscription(event, true, symbols, customer);
  } else if (event.type == "channel.unsubscribed") {
    ApplySubscription(event, false, symbols, customer);
  }
}

WindowSum SumSince(const Activity& activity, TimeUs now, DurationUs window) {
  WindowSum sum;
  for (auto it = activity.purchases.rbegin(); it != activity.purchases.rend(); ++it) {
    if (it->time <= now - window) {
      break;
    }
    if (it->time <= now) {
      sum.orders += it->orders;
      sum.spend_minor += it->spend_minor;
    }
  }
  return sum;
}

void RememberSend(Activity* activity, const RecentSend& send) {
  auto& sends = activity->sends;
  auto at = sends.end();
  while (at != sends.begin() && (at - 1)->time > send.time) {
    --at;
  }
  sends.insert(at, send);
  const auto of_channel = [&](const RecentSend& known) { return known.channel == send.channel; };
  if (std::count_if(sends.begin(), sends.end(), of_channel) >
      static_cast<std::ptrdiff_t>(limits::kSendsMax)) {
    sends.erase(std::find_if(sends.begin(), sends.end(), of_channel));
  }
  if (sends.size() > limits::kSendsAllMax) {
    sends.erase(sends.begin());
  }
}

ConsentAnswer ConsentOf(const Profile* profile, const ConsentQuestion& question) {
  const ConsentState* said = Deciding(profile, question);
  if (said == nullptr) {
    return ConsentAnswer::kUnsaid;
  }
  return IsOpen(*said, question) ? ConsentAnswer::kGranted : ConsentAnswer::kRevoked;
}

const ConsentState* CreditOf(const Profile* profile, const ConsentQuestion& question) {
  const ConsentState* said = Deciding(profile, question);
  return said != nullptr && said->granted && said->credits >= 0 ? said : nullptr;
}

bool HoldCredit(Profile* profile, const ConsentQuestion& question) {
  const auto* credit = CreditOf(profile, question);
  if (credit == nullptr || credit->credits == 0 || (question.holds_credit && credit->held > 0)) {
    return false;
  }
  ConsentState& taken = profile->consents[static_cast<size_t>(credit - profile->consents.data())];
  --taken.credits;
  ++taken.held;
  return true;
}

void ReleaseCredit(Profile* profile, const ConsentQuestion& question, bool used) {
  // The newest that holds one; a consent that was revoked meanwhile has none to give back.
  const auto holds = [&](const ConsentState& known) {
    return known.held > 0 && Covers(known, question);
  };
  const auto found = std::find_if(profile->consents.rbegin(), profile->consents.rend(), holds);
  if (found != profile->consents.rend()) {
    --found->held;
    found->credits += used ? 0 : 1;
  }
}

bool IsSuppressed(const Profile* profile, uint32_t channel) {
  return profile != nullptr &&
         std::any_of(profile->suppressions.begin(), profile->suppressions.end(),
                     [&](const Suppression& known) {
                       return known.channel == 0 || known.channel == channel;
                     });
}

void Suppress(Profile* profile, uint32_t channel, std::string_view reason) {
  for (const Suppression& known : profile->suppressions) {
    if (known.channel == channel) {
      return;
    }
  }
  profile->suppressions.push_back({channel, std::string(reason)});
}

void AddTag(Profile* profile, std::string_view tag) {
  auto& tags = profile->tags;
  const auto at = std::lower_bound(tags.begin(), tags.end(), tag);
  if ((at == tags.end() || *at != tag) && tags.size() < limits::kTagsMax) {
    tags.emplace(at, tag);
  }
}

void RemoveTag(Profile* profile, std::string_view tag) {
  std::erase(profile->tags, tag);
}

void SetAttribute(Profile* profile, std::string_view name, const cel::Value& value) {
  auto& attributes = profile->attributes;
  const auto at = std::lower_bound(attributes.begin(), attributes.end(), name, ByName);
  const bool known = at != attributes.end() && at->name == name;
  if (value.is_null()) {
    if (known) {
      attributes.erase(at);
    }
    return;
  }
  Attribute attribute = MakeAttribute(name, value);
  if (attribute.text.size() > limits::kAttributeBytesMax || name.size() > 128) {
    return;
  }
  if (known) {
    *at = std::move(attribute);
  } else if (attributes.size() < limits::kAttributesMax) {
    attributes.insert(at, std::move(attribute));
  }
}

std::string_view TextAttribute(const std::vector<Attribute>& attributes, std::string_view name) {
  const auto at = std::lower_bound(attributes.begin(), attributes.end(), name, ByName);
  const bool is_text =
      at != attributes.end() && at->name == name && at->kind == Attribute::Kind::kText;
  return is_text ? std::string_view(at->text) : std::string_view();
}

}  // namespace huitou
