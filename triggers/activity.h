// How an event changes what is known of its customer: aggregates, profile, consents. No decision is
// taken here. Called by the engine on the shard's thread, before anything is triggered.
#pragma once

#include <span>
#include <string_view>

#include "triggers/customer.h"
#include "triggers/event.h"
#include "triggers/shop.h"
#include "triggers/symbols.h"

namespace huitou {

// Applies the event to activity and profile; sets the customer's *_changed flags.
void ApplyEvent(const Event& event, const Shop& shop, SymbolTable* symbols, Customer* customer);

// Orders and spend in (now - window, now].
struct WindowSum {
  int64_t orders = 0;
  int64_t spend_minor = 0;
};
WindowSum SumSince(const Activity& activity, TimeUs now, DurationUs window);

// Takes a slot of the caps.
void RememberSend(Activity* activity, const RecentSend& send);

// One message, as the customer's consents are asked for it.
struct ConsentQuestion {
  uint32_t channel = 0;  // symbol
  MessageClass message_class = MessageClass::kMarketing;
  std::string_view template_name;
  bool holds_credit = false;  // one has been taken for it
  // One-time subscriptions that messages of the same run are going to take.
  std::span<const ConsentState* const> planned;
};

enum class ConsentAnswer : uint8_t { kUnsaid, kGranted, kRevoked };
// What the customer said.
ConsentAnswer ConsentOf(const Profile* profile, const ConsentQuestion& question);
// The one-time subscription that it is sent by; null where the consent lasts, or there is none.
const ConsentState* CreditOf(const Profile* profile, const ConsentQuestion& question);
// Takes one for it; false where it needs none or holds one.
bool HoldCredit(Profile* profile, const ConsentQuestion& question);
// One that was taken: used up, or given back.
void ReleaseCredit(Profile* profile, const ConsentQuestion& question, bool used);
bool IsSuppressed(const Profile* profile, uint32_t channel);
void Suppress(Profile* profile, uint32_t channel, std::string_view reason);

void AddTag(Profile* profile, std::string_view tag);
void RemoveTag(Profile* profile, std::string_view tag);
// To be called before attributes are set: keeps what the index of addresses has to forget then.
void KeepAddresses(const Shop& shop, Customer* customer);
void SetAttribute(Profile* profile, std::string_view name, const cel::Value& value);
// The attribute's text; empty when there is none, or it is no text.
std::string_view TextAttribute(const std::vector<Attribute>& attributes, std::string_view name);

}  // namespace huitou
