// The addresses part of the store: from a phone, an email, an openid or an attribute that is an
// address to the customers who have it, for the receipts that name nothing else. Written with the
// profile in the same commit, and only when an address has changed.
#include <algorithm>

#include "daemon/state/keys.h"
#include "daemon/state/record_codec.h"
#include "daemon/state/store.h"
#include "triggers/activity.h"
#include "triggers/base/text.h"

namespace huitou {
namespace {

using Contact = CampaignSet::Contact;

// What a customer is reached by apart from attributes: phone, email, openid.
constexpr size_t kContacts = 3;
// Of one commit while a store is indexed: some 1 MB of keys.
constexpr size_t kEntriesPerCommit = 8192;

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return lower;
}

}  // namespace

Id128 AddressHash(Contact kind, std::string_view address) {
  if (address.empty()) {
    return {};
  }
  switch (kind) {
    case Contact::kNone:
    case Contact::kAttribute:  // AttributeHash
      return {};
    case Contact::kPhone: {
      const std::string phone = E164(address);
      return phone.empty() ? Id128() : Hash128({"phone", phone});
    }
    case Contact::kEmail:
      // The name before the @ may tell cases apart; no provider of note does.
      return Hash128({"email", LowerCase(address)});
    case Contact::kWechatOpenid:
      return Hash128({"wechat_openid", address});
  }
  return {};
}

Id128 AttributeHash(std::string_view name, std::string_view address) {
  return address.empty() ? Id128() : Hash128({"attribute", name, address});
}

size_t Store::AddressCount() const {
  return kContacts + address_attributes_.size();
}

template <typename Reached>
Id128 Store::AddressAt(const Reached& reached, size_t number) const {
  switch (number) {
    case 0:
      return AddressHash(Contact::kPhone, reached.phone);
    case 1:
      return AddressHash(Contact::kEmail, reached.email);
    case 2:
      return AddressHash(Contact::kWechatOpenid, reached.wechat_openid);
    default: {
      const std::string& name = address_attributes_[number - kContacts];
      return AttributeHash(name, TextAttribute(reached.attributes, name));
    }
  }
}

void Store::PutAddresses(ShardNumber shard, std::span<const Customer* const> customers,
                         WriteSet* set) const {
  std::vector<std::string> added;  // sorted before they are put: hashes come in no order
  for (const Customer* customer : customers) {
    if (customer->contacts_before == nullptr) {
      continue;
    }
    for (size_t i = 0; i < AddressCount(); ++i) {
      const Id128 before = AddressAt(*customer->contacts_before, i);
      const Id128 now = AddressAt(*customer->profile, i);
      if (before == now) {
        continue;
      }
      if (!before.empty()) {
        set->Delete(Family::kAddresses, keys::Address(shard, before, customer->id));
      }
      if (!now.empty()) {
        added.push_back(keys::Address(shard, now, customer->id));
      }
    }
  }
  std::sort(added.begin(), added.end());
  for (const std::string& key : added) {
    set->Put(Family::kAddresses, key, {});
  }
}

Status Store::FindByAddress(ShardNumber shard, const Id128& address, std::string_view after,
                            size_t max, std::vector<std::string>* customers) const {
  const std::string prefix = keys::AddressOf(shard, address);
  std::string from = prefix;
  if (!after.empty()) {
    from.append(after).push_back('\0');
  }
  return key_value_->Scan(Family::kAddresses, from, keys::End(prefix),
                          [&](std::string_view key, std::string_view /*value*/) {
                            customers->emplace_back(keys::CustomerOfAddress(key));
                            return customers->size() < max;
                          });
}

Status Store::VisitAddresses(ShardNumber shard, std::string_view customer,
                             const VisitRecord& visit) const {
  const auto found = key_value_->Get(Family::kProfile, keys::Customer(shard, customer));
  if (!found.ok() || !found->has_value()) {
    return found.ok() ? Status::Ok() : found.status();
  }
  Profile profile;
  Status status = DecodeProfile(**found, &profile);
  if (!status.ok()) {
    return status;
  }
  for (size_t i = 0; i < AddressCount(); ++i) {
    if (const Id128 address = AddressAt(profile, i); !address.empty()) {
      visit(Family::kAddresses, keys::Address(shard, address, customer), {});
    }
  }
  return Status::Ok();
}

Status Store::Rewrite(Family family, const Revise& revise,
                      const std::function<void(uint64_t)>& on_progress) {
  uint64_t done = 0;
  const std::string end = keys::End({});
  std::string next;
  bool more = true;
  while (more) {
    more = false;
    WriteSet set;
    size_t entries = 0;
    Status revised;
    Status status =
        key_value_->Scan(family, next, end, [&](std::string_view key, std::string_view value) {
          if (entries++ == kEntriesPerCommit) {
            next = key;
            more = true;
            return false;
          }
          revised = revise(key, value, &set);
          return revised.ok();
        });
    status = status.ok() ? revised : status;
    status = status.ok() && set.size() > 0 ? key_value_->Commit(set) : status;
    if (!status.ok()) {
      return status;
    }
    done += std::min(entries, kEntriesPerCommit);
    if (on_progress) {
      on_progress(done);
    }
  }
  return Status::Ok();
}

Status Store::IndexAddresses(const std::function<void(uint64_t)>& on_progress) {
  // One by one: a range may not be deleted in this family.
  Status status = Rewrite(Family::kAddresses,
                          [](std::string_view key, std::string_view, WriteSet* set) {
                            set->Delete(Family::kAddresses, key);
                            return Status::Ok();
                          },
                          {});
  if (!status.ok()) {
    return status;
  }
  return Rewrite(
      Family::kProfile,
      [this](std::string_view key, std::string_view value, WriteSet* set) {
        Profile profile;
        Status decoded = DecodeProfile(value, &profile);
        for (size_t i = 0; i < AddressCount(); ++i) {
          if (const Id128 address = AddressAt(profile, i); !address.empty()) {
            set->Put(Family::kAddresses,
                     keys::Address(keys::ShardOf(key), address, keys::CustomerOf(key)), {});
          }
        }
        return decoded;
      },
      on_progress);
}

}  // namespace huitou
