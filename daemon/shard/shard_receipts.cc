// What providers tell by themselves: what became of a message, and what a person said. The first is
// about a dispatch; the second about whoever has the address, who may be several customers.
#include <algorithm>
#include <utility>

#include "daemon/shard/limits.h"
#include "daemon/shard/shard_impl.h"
#include "triggers/activity.h"
#include "triggers/base/hash.h"

namespace huitou {
namespace {

using channels::Receipt;

// The word of a codec for a person who wrote "stop", see channels/opt_out.h.
constexpr std::string_view kOptedOut = "opted_out";

bool IsOfPerson(Receipt::Kind kind) {
  return kind == Receipt::Kind::kReplied || kind == Receipt::Kind::kUnsubscribed ||
         kind == Receipt::Kind::kSubscribed;
}

bool IsStop(const Receipt& receipt) {
  return receipt.kind == Receipt::Kind::kUnsubscribed && receipt.reason == kOptedOut;
}

// What leads from the address to who has it; empty() where the channel's addresses lead to nobody.
Id128 HashOfAddress(const CampaignSet& set, const std::string& channel, std::string_view address) {
  const auto contact = set.channels.find(channel);
  if (contact == set.channels.end()) {
    return {};
  }
  if (contact->second != CampaignSet::Contact::kAttribute) {
    return AddressHash(contact->second, address);
  }
  const auto attribute = set.recipient_attributes.find(channel);
  const bool is_own = attribute != set.recipient_attributes.end() &&
                      set.shop.address_attributes.contains(attribute->second);
  return is_own ? AttributeHash(attribute->second, address) : Id128();
}

// The same for a receipt that is repeated, another for what is said once more.
std::string IdOf(const Receipt& receipt, const std::string& channel, TimeUs wall) {
  std::string when = receipt.time == 0 ? "" : std::to_string(receipt.time);
  if (when.empty() && receipt.provider_message_id.empty()) {
    when = std::to_string(wall);
  }
  return Hash128({channel, std::to_string(static_cast<int>(receipt.kind)),
                  receipt.dispatch.ToString(), receipt.provider_message_id, receipt.address,
                  receipt.text, receipt.template_name, when})
      .ToString();
}

}  // namespace

Result<OutboxRecord*> Shard::Impl::RecordOf(const PostedReceipt& posted) {
  Id128 dispatch = posted.receipt.dispatch;
  if (dispatch.empty() && !posted.receipt.provider_message_id.empty()) {
    const auto known = parts_.store->FindProviderMessage(options_.shard, posted.channel,
                                                         posted.receipt.provider_message_id);
    if (!known.ok()) {
      return known.status();
    }
    dispatch = known->value_or(Id128());
  }
  return outbox_.Find(dispatch);
}

Status Shard::Impl::ApplyReceipt(PostedReceipt posted) {
  const bool of_person = IsOfPerson(posted.receipt.kind);
  const Result<OutboxRecord*> record = RecordOf(posted);
  if (!record.ok()) {
    return record.status();
  }
  // It may be about what the next commit writes.
  const bool by_address = of_person && !posted.receipt.address.empty();
  const bool may_come =
      (*record == nullptr && outbox_.changed()) || (by_address && !cache_.changed().empty());
  if (may_come && !std::exchange(posted.retried, true)) {
    postponed_.push_back(std::move(posted));
    return Status::Ok();
  }
  Status status;
  if (of_person) {
    const Result<bool> all = HearPerson(*record, &posted);
    if (!all.ok()) {
      return all.status();
    }
    if (!*all) {
      dirty_ = true;
      postponed_.push_back(std::move(posted));
      return Status::Ok();
    }
  } else if (*record != nullptr) {
    posted.known = true;
    const std::string channel = (*record)->channel();
    const bool delivered = posted.receipt.kind == Receipt::Kind::kDelivered;
    observer_.OnDispatch(posted.channel, delivered ? "delivered" : "undelivered");
    const Transition transition = OnReceipt(*record, posted.receipt, wall_);
    status = AfterTransition(*record, channel, transition, {});
  }
  dirty_ = dirty_ || posted.known || posted.done != nullptr;
  if (posted.done != nullptr) {
    acknowledge_.push_back([known = posted.known, done = std::move(posted.done)] { done(known); });
  }
  return status;
}

// The customer to whom the message went, and everybody who has the address: with one phone for two,
// "stop" means both. False when there are more of them than one turn may take.
Result<bool> Shard::Impl::HearPerson(const OutboxRecord* record, PostedReceipt* posted) {
  const Receipt& receipt = posted->receipt;
  std::vector<std::string> customers;
  bool all = true;
  const bool answers_one = receipt.kind == Receipt::Kind::kReplied && record != nullptr;
  const Id128 address =
      answers_one ? Id128() : HashOfAddress(engine_->set(), posted->channel, receipt.address);
  if (!address.empty()) {
    Status status = parts_.store->FindByAddress(options_.shard, address, posted->heard_until,
                                                limits::kCustomersPerReceipt, &customers);
    if (!status.ok()) {
      return status;
    }
    all = customers.size() < limits::kCustomersPerReceipt;
    posted->heard_until = customers.empty() ? std::string() : customers.back();
  }
  if (record != nullptr && all) {
    customers.push_back(record->dispatch.customer);  // hears it once: the event's id is the same
  }
  posted->known = posted->known || !customers.empty();
  Said said;
  said.channel = posted->channel;
  said.template_name = receipt.template_name;
  said.dispatch = record == nullptr ? "" : record->dispatch.id.ToString();
  said.text = receipt.text;
  said.time = receipt.time;
  const std::string id = IdOf(receipt, posted->channel, wall_);
  const Id128 answered = record == nullptr ? Id128() : record->dispatch.id;
  for (const std::string& customer : customers) {
    said.customer = customer;
    // What somebody wants comes before what the words were: who waits for a reply must not answer
    // to a "stop".
    Status status;
    if (receipt.kind != Receipt::Kind::kReplied) {
      said.id = id;
      const bool leaves = receipt.kind == Receipt::Kind::kUnsubscribed;
      const bool stops = IsStop(receipt);
      if (stops && answered.empty()) {
        status = StopFallback(customer, posted->channel);
      }
      if (status.ok()) {
        const bool one_time = !leaves && !receipt.template_name.empty();
        said.credits = one_time ? 1 : 0;
        said.type = stops      ? kConsentRevoked
                    : leaves   ? kChannelUnsubscribed
                    : one_time ? kConsentGranted
                               : kChannelSubscribed;
        status = Hear(said);
      }
    }
    if (status.ok() && (receipt.kind == Receipt::Kind::kReplied || !receipt.text.empty())) {
      said.id = id + "/replied";
      said.type = kMessageReplied;
      status = Hear(said);
    }
    if (!status.ok()) {
      return status;
    }
  }
  // Who answers a message has it: no other channel is to bring it.
  if (!answered.empty() && all && IsStop(receipt)) {
    if (Status status = SettleAnswered(answered); !status.ok()) {
      return status;
    }
  }
  return all;
}

Status Shard::Impl::SettleAnswered(const Id128& dispatch) {
  const Result<OutboxRecord*> record = outbox_.Find(dispatch);
  if (!record.ok() || *record == nullptr) {
    return record.status();  // its episode has ended by what was said
  }
  Receipt delivered;
  delivered.kind = Receipt::Kind::kDelivered;
  const std::string channel = (*record)->channel();
  const Transition transition = OnReceipt(*record, delivered, wall_);
  return AfterTransition(*record, channel, transition, {});
}

// Which message was answered is not known: each that this channel was the last to be asked for
// stays there.
Status Shard::Impl::StopFallback(const std::string& customer_id, const std::string& channel) {
  using State = OutboxRecord::State;
  const Result<Customer*> customer = cache_.Find(customer_id);
  if (!customer.ok()) {
    return customer.status();
  }
  for (const Episode& episode : (*customer)->episodes) {
    for (const SentMessage& message : episode.messages) {
      const Result<OutboxRecord*> found = outbox_.Find(message.dispatch);
      if (!found.ok()) {
        return found.status();
      }
      OutboxRecord* const record = *found;
      if (record != nullptr && record->state != State::kPlanned && record->channel() == channel &&
          record->dispatch.message_class == MessageClass::kMarketing) {
        huitou::Withdraw(record, wall_);
        outbox_.Changed(record->dispatch.id);
      }
    }
  }
  return Status::Ok();
}

// Like a receipt: many share one commit, and who waits for it is told behind it.
Status Shard::Impl::ApplySaid(PostedSaid posted) {
  Said& said = posted.said;
  bool counts = true;
  if (said.type == kMessageClicked) {
    Result<std::string> whole = CompleteDispatch(said.customer, said.dispatch);
    if (!whole.ok()) {
      return whole.status();
    }
    counts = !whole->empty();
    said.dispatch = *std::move(whole);
  }
  if (!counts) {
    posted.done();
    return Status::Ok();
  }
  dirty_ = true;
  acknowledge_.push_back(std::move(posted.done));
  return Hear(said);
}

// Whatever left is in the journal, for as long as that is kept: lines of JSON, where a quote within
// a value is never bare.
Result<std::string> Shard::Impl::CompleteDispatch(const std::string& customer,
                                                  const std::string& digits) const {
  std::vector<std::string> lines;
  Status status = parts_.store->ReadJournal(options_.shard, customer, wall_,
                                            limits::kDecisionsPerClick, &lines);
  if (!status.ok()) {
    return status;
  }
  constexpr std::string_view kField = "\"dispatch\":\"";
  const std::string wanted = std::string(kField) + digits;
  constexpr size_t kIdDigits = 32;
  for (const std::string& line : lines) {
    const size_t at = line.find(wanted);
    if (at != std::string::npos) {
      return line.substr(at + kField.size(), kIdDigits);
    }
  }
  return std::string();
}

// What a person says is an event like any other.
Status Shard::Impl::Hear(const Said& said) {
  const Result<Customer*> customer = cache_.Find(said.customer);
  if (!customer.ok()) {
    return customer.status();
  }
  MessageReference message;
  message.dispatch = said.dispatch;
  message.channel = said.channel;
  message.text = said.text;
  ConsentChange consent;
  consent.channel = said.channel;
  consent.message_class = said.message_class;
  consent.template_name = said.template_name;
  consent.credits = said.credits;
  const bool of_message = said.type == kMessageReplied || said.type == kMessageClicked;
  Event event;
  event.id = said.id;
  event.type = said.type;
  event.time = std::max(state_.frontier, std::min(said.time == 0 ? wall_ : said.time, wall_));
  event.customer.id = (*customer)->id;
  event.message = &message;
  event.consent = of_message ? nullptr : &consent;
  return Step(EventInput{&event}, *customer);
}

// The provider says that nothing can be sent to this customer on this channel.
Status Shard::Impl::SuppressChannel(const std::string& customer_id, const std::string& channel,
                                    std::string_view reason) {
  const Result<Customer*> customer = cache_.Find(customer_id);
  if (!customer.ok()) {
    return customer.status();
  }
  Suppress(&(*customer)->MutableProfile(), symbols_.Intern(channel), reason);
  cache_.Touched(*customer);
  dirty_ = true;
  return Status::Ok();
}

}  // namespace huitou
