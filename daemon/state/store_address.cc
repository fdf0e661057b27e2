// The addresses part of the store: from a phone, an email or an openid to the customers who have
// it, for the receipts that name nothing else. Written with the profile in the same commit, and
// only when an address has changed.
#include <algorithm>
#include <array>

#include "daemon/state/keys.h"
#include "daemon/state/record_codec.h"
#include "daemon/state/store.h"
#include "triggers/base/text.h"

namespace huitou {
namespace {

using Contact = CampaignSet::Contact;

// Profiles of one commit while an older store is indexed: some 1 MB of keys.
constexpr size_t kProfilesPerCommit = 8192;

std::array<Id128, 3> HashesOf(const Contacts& contacts) {
  return {AddressHash(Contact::kPhone, contacts.phone),
          AddressHash(Contact::kEmail, contacts.email),
          AddressHash(Contact::kWechatOpenid, contacts.wechat_openid)};
}

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
    case Contact::kAttribute:  // nobody is looked for by it
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

void Store::PutAddresses(ShardNumber shard, std::span<const Customer* const> customers,
                         WriteSet* set) {
  std::vector<std::string> added;  // sorted before they are put: hashes come in no order
  for (const Customer* customer : customers) {
    if (customer->contacts_before == nullptr) {
      continue;
    }
    const auto before = HashesOf(*customer->contacts_before);
    const auto now = HashesOf(*customer->profile);
    for (size_t i = 0; i < now.size(); ++i) {
      if (before[i] == now[i]) {
        continue;
      }
      if (!before[i].empty()) {
        set->Delete(Family::kAddresses, keys::Address(shard, before[i], customer->id));
      }
      if (!now[i].empty()) {
        added.push_back(keys::Address(shard, now[i], customer->id));
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
  for (const Id128& address : HashesOf(profile)) {
    if (!address.empty()) {
      visit(Family::kAddresses, keys::Address(shard, address, customer), {});
    }
  }
  return Status::Ok();
}

Status Store::IndexAddresses(const std::function<void(uint64_t)>& on_progress) {
  uint64_t done = 0;
  const std::string end = keys::End({});
  std::string next;
  bool more = true;
  while (more) {
    more = false;
    WriteSet set;
    size_t profiles = 0;
    Status decoded;
    Status status = key_value_->Scan(
        Family::kProfile, next, end, [&](std::string_view key, std::string_view value) {
          if (profiles++ == kProfilesPerCommit) {
            next = key;
            more = true;
            return false;
          }
          Profile profile;
          decoded = DecodeProfile(value, &profile);
          for (const Id128& address : HashesOf(profile)) {
            if (!address.empty()) {
              set.Put(Family::kAddresses,
                      keys::Address(keys::ShardOf(key), address, keys::CustomerOf(key)), {});
            }
          }
          return decoded.ok();
        });
    status = status.ok() ? decoded : status;
    status = status.ok() && set.size() > 0 ? key_value_->Commit(set) : status;
    if (!status.ok()) {
      return status;
    }
    done += std::min(profiles, kProfilesPerCommit);
    if (on_progress) {
      on_progress(done);
    }
  }
  return Status::Ok();
}

}  // namespace huitou
