// The dispatcher's access tokens: who waits for one, and fetching it.
#include <utility>

#include "channels/answer.h"
#include "daemon/outbox/dispatcher_impl.h"
#include "daemon/outbox/limits.h"

namespace huitou {

using channels::Answer;
using channels::Outcome;

void Dispatcher::Impl::FetchToken(const std::shared_ptr<const Entry>& entry) {
  entry->account->token.OnFetching();
  Transport(entry->account->request, entry->setup.limits.timeout,
            [this, entry](const Answer& answer) { OnToken(entry, answer); });
}

// Until a fetch may begin, which the clock says: those who wait hold their places in the lane, so
// no more are sent towards a provider that would refuse them.
void Dispatcher::Impl::FetchLater(const std::shared_ptr<const Entry>& entry) {
  if (entry->account->token.IsFetching() || std::exchange(entry->account->look_planned, true)) {
    return;
  }
  loop_.PostAfter(outbox_limits::kWakeIntervalMax, [this, entry] {
    entry->account->look_planned = false;
    if (entry->account->waiting.empty()) {
      return;
    }
    if (entry->account->token.ShouldFetch(Now())) {
      FetchToken(entry);
    }
    FetchLater(entry);
  });
}

void Dispatcher::Impl::OnToken(const std::shared_ptr<const Entry>& entry, const Answer& answer) {
  Account& account = *entry->account;
  std::optional<Outcome> failure;
  if (const channels::HttpResponse* response = channels::HttpResponseOf(answer)) {
    Result<channels::Channel::Token> token = entry->setup.codec->DecodeToken(*response);
    if (token.ok()) {
      account.token.OnFetched(std::move(token->value), token->lifetime, Now());
    } else {
      const bool for_now = token.status().code() == StatusCode::kUnavailable;
      failure =
          channels::MakeOutcome(for_now ? Outcome::Kind::kRetry : Outcome::Kind::kChannelPaused,
                                for_now ? "no_token" : "token_refused");
      failure->detail = token.status().message();
    }
  } else {
    failure = channels::MakeOutcome(Outcome::Kind::kRetry, "no_token");
    failure->detail = answer.error_text;
  }
  if (failure) {
    account.token.OnFailed(Now());
  }
  if (options_.observer != nullptr) {
    options_.observer->OnToken(entry->setup.name, failure ? &*failure : nullptr);
  }
  for (const FlightPtr& flight : std::exchange(account.waiting, {})) {
    failure ? Finish(flight, *failure) : Transmit(flight);  // none of them was sent yet
  }
}

// Those who wait for a token were not sent: their records say so again at the next start.
void Dispatcher::Impl::FailWaiting() {
  std::vector<FlightPtr> waiting;
  {
    const std::shared_lock lock(entries_mutex_);
    for (const auto& [name, entry] : entries_) {
      if (entry->account != nullptr) {
        std::vector<FlightPtr> flights = std::exchange(entry->account->waiting, {});
        waiting.insert(waiting.end(), flights.begin(), flights.end());
      }
    }
  }
  for (const FlightPtr& flight : waiting) {
    Finish(flight, channels::MakeOutcome(Outcome::Kind::kRetry, "stopping"));
  }
}

}  // namespace huitou
