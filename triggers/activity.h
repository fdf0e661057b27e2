// How an event changes what is known of its customer: aggregates, profile, consents. No decision is
// taken here. Called by the engine on the shard's thread, before anything is triggered.
#pragma once

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

enum class ConsentAnswer : uint8_t { kUnsaid, kGranted, kRevoked };
// What the customer said for this channel, class and template.
ConsentAnswer ConsentOf(const Profile* profile, uint32_t channel, MessageClass message_class,
                        std::string_view template_name);
// Spends a credit where the consent is a one-time subscription; false where it is not.
bool SpendCredit(Profile* profile, uint32_t channel, std::string_view template_name);
bool IsSuppressed(const Profile* profile, uint32_t channel);
void Suppress(Profile* profile, uint32_t channel, std::string_view reason);

void AddTag(Profile* profile, std::string_view tag);
void RemoveTag(Profile* profile, std::string_view tag);
void SetAttribute(Profile* profile, std::string_view name, const cel::Value& value);

}  // namespace huitou
