// What providers tell the dispatcher by themselves: callbacks, and mails that came back.
#include <utility>

#include "channels/answer.h"
#include "daemon/outbox/dispatcher_impl.h"

namespace huitou {

using channels::CallbackReply;

CallbackReply Dispatcher::Impl::HandleCallback(const std::string& channel,
                                               const channels::CallbackRequest& request) {
  const std::shared_ptr<const Entry> entry = Find(channel);
  if (entry == nullptr || entry->setup.codec == nullptr) {
    return channels::RefuseCallback(404);
  }
  CallbackReply reply;
  if (const auto needs = entry->setup.codec->CallbackNeeds(request)) {
    channels::CallbackRequest complete = request;
    complete.fetched = fetcher_.Get(*needs);
    reply = entry->setup.codec->DecodeCallback(complete, Now());
  } else {
    reply = entry->setup.codec->DecodeCallback(request, Now());
  }
  const bool taken =
      !reply.verified ||
      ((reply.receipts.empty() || options_.on_receipts(channel, reply.receipts)) &&
       TellSiblings(*entry, request) && (!reply.follow_up || fetcher_.Ask(*reply.follow_up)));
  if (!taken) {  // the provider calls again
    reply.response = {};
    reply.response.status = 503;
    reply.receipts.clear();
  }
  return reply;
}

// An app has one URL for callbacks, and all its channels hear what comes; what a person wrote,
// which was written once, only the one that was called.
bool Dispatcher::Impl::TellSiblings(const Entry& called, const channels::CallbackRequest& request) {
  std::vector<std::shared_ptr<const Entry>> siblings;
  if (called.account != nullptr) {
    const std::shared_lock lock(entries_mutex_);
    for (const auto& [name, entry] : entries_) {
      if (entry->account == called.account && name != called.setup.name) {
        siblings.push_back(entry);
      }
    }
  }
  for (const auto& sibling : siblings) {
    auto receipts = sibling->setup.codec->DecodeCallback(request, Now()).receipts;
    std::erase_if(receipts, [](channels::Receipt& receipt) {
      receipt.text.clear();
      return receipt.kind == channels::Receipt::Kind::kReplied;
    });
    if (!receipts.empty() && !options_.on_receipts(sibling->setup.name, std::move(receipts))) {
      return false;
    }
  }
  return true;
}

std::optional<bool> Dispatcher::Impl::HandleMail(const std::string& channel,
                                                 std::string_view mail) {
  const std::shared_ptr<const Entry> entry = Find(channel);
  if (entry == nullptr || entry->setup.codec == nullptr) {
    return std::nullopt;
  }
  const auto receipts = entry->setup.codec->DecodeMail(mail);
  if (!receipts) {
    return std::nullopt;
  }
  return receipts->empty() || options_.on_receipts(channel, *receipts);
}

}  // namespace huitou
