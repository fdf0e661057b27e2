// What providers are asked: what became of a single message, and for receipts that they keep until
// somebody fetches them. Nobody waits for either, and the end of the process forgets both.
#include <utility>

#include "daemon/outbox/dispatcher_impl.h"
#include "daemon/outbox/limits.h"

namespace huitou {

using channels::Answer;
using channels::QueryAnswer;

namespace {

std::string_view ToWord(QueryAnswer::Kind kind) {
  switch (kind) {
    case QueryAnswer::Kind::kUnanswered:
      break;
    case QueryAnswer::Kind::kNotFound:
      return "not_found";
    case QueryAnswer::Kind::kAccepted:
      return "accepted";
    case QueryAnswer::Kind::kTold:
      return "told";
  }
  return "unanswered";
}

}  // namespace

void Dispatcher::Impl::OnQuery(const Entry& entry, std::string_view answer) {
  if (options_.observer != nullptr) {
    options_.observer->OnQuery(entry.setup.name, answer);
  }
}

// --- about single messages ----------------------------------------------------------------------

void Dispatcher::Impl::Query(QueryJob job) {
  loop_.Post([this, job = std::move(job)]() mutable {
    const std::shared_ptr<const Entry> entry = Find(job.channel);
    if (entry == nullptr || entry->setup.codec == nullptr || closed_) {
      return;
    }
    entry->questions->waiting.push_back(std::move(job));
    Ask(entry);
  });
}

void Dispatcher::Impl::Ask(const std::shared_ptr<const Entry>& entry) {
  Questions& questions = *entry->questions;
  while (!closed_ && !questions.waiting.empty() &&
         questions.asked < outbox_limits::kQueriesTogether) {
    auto job = std::make_shared<QueryJob>(std::move(questions.waiting.front()));
    questions.waiting.pop_front();
    const auto tell = [this, entry, job](QueryAnswer answer) {
      OnQuery(*entry, ToWord(answer.kind));
      options_.on_query_result(job->shard,
                               {job->dispatch, job->attempts, job->channel, std::move(answer)});
    };
    channels::EncodeContext context;
    context.now = Now();
    context.nonce = Id128{options_.random->Next(), options_.random->Next()}.ToString();
    auto request = entry->setup.codec->EncodeQuery(job->sent, context);
    if (!request) {
      QueryAnswer nothing;
      nothing.kind = QueryAnswer::Kind::kNotFound;
      tell(std::move(nothing));
      continue;
    }
    ++questions.asked;
    Transport(*std::move(request), entry->setup.limits.timeout,
              [this, entry, job, tell](const Answer& answer) {
                --entry->questions->asked;
                tell(entry->setup.codec->DecodeQuery(answer, job->sent));
                Ask(entry);
              });
  }
}

// --- receipts that wait to be fetched -----------------------------------------------------------

void Dispatcher::Impl::PollLater(const Entry& entry) {
  const DurationUs interval = entry.setup.codec == nullptr ? 0 : entry.setup.codec->PollInterval();
  if (interval > 0) {
    loop_.Post([this, questions = entry.questions, interval, name = entry.setup.name] {
      if (!std::exchange(questions->polling, true)) {
        loop_.PostAfter(interval, [this, name] { Poll(name); });
      }
    });
  }
}

void Dispatcher::Impl::Poll(const std::string& channel) {
  const std::shared_ptr<const Entry> entry = Find(channel);
  if (entry == nullptr || closed_) {
    return;
  }
  entry->questions->polling = false;
  PollLater(*entry);  // not at all once it is configured no more
  if (entry->setup.codec == nullptr || entry->setup.codec->PollInterval() == 0) {
    return;
  }
  channels::EncodeContext context;
  context.now = Now();
  for (const channels::HttpRequest& request : entry->setup.codec->EncodePolls(context)) {
    FetchReceipts(entry, request);
  }
}

// Again at once while there are more.
void Dispatcher::Impl::FetchReceipts(const std::shared_ptr<const Entry>& entry,
                                     const channels::HttpRequest& request) {
  Transport(request, entry->setup.limits.timeout, [this, entry, request](const Answer& answer) {
    auto polled = entry->setup.codec->DecodePoll(answer);
    OnQuery(*entry, polled.ok() ? "fetched" : "not_fetched");
    if (!polled.ok()) {
      return;
    }
    if (!polled->receipts.empty()) {
      options_.on_polled(entry->setup.name, std::move(polled->receipts));
    }
    if (polled->more && !closed_) {
      FetchReceipts(entry, request);
    }
  });
}

}  // namespace huitou
