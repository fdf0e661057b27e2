#include "daemon/outbox/fetcher.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "daemon/outbox/limits.h"

namespace huitou {

std::string Fetcher::Get(const channels::HttpRequest& request) {
  const std::lock_guard lock(mutex_);
  const TimeUs now = clock_->Now();
  const auto found = kept_.find(request.url);
  if (found != kept_.end() && now < found->second.until) {
    return found->second.body;
  }
  channels::HttpResponse response = Send(request);
  const bool good = response.status == 200 && !response.body.empty();
  if (kept_.size() >= outbox_limits::kFetchedMax) {
    kept_.erase(std::min_element(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) {
      return a.second.until < b.second.until;
    }));
  }
  Kept& kept = kept_[request.url];
  kept.body = good ? std::move(response.body) : std::string();
  kept.until =
      now + (good ? outbox_limits::kFetchedLifetime : outbox_limits::kFetchFailureLifetime);
  return kept.body;
}

bool Fetcher::Ask(const channels::HttpRequest& request) const {
  return Send(request).status / 100 == 2;
}

channels::HttpResponse Fetcher::Send(const channels::HttpRequest& request) const {
  auto promise = std::make_shared<std::promise<channels::Answer>>();  // the answer may come late
  auto answer = promise->get_future();
  transport_->Send(request, outbox_limits::kFetchTimeout,
                   [promise](channels::Answer got) { promise->set_value(std::move(got)); });
  const std::chrono::microseconds patience(outbox_limits::kFetchTimeout + kSecondUs);
  if (answer.wait_for(patience) != std::future_status::ready) {
    return {};
  }
  channels::Answer got = answer.get();
  auto* const response = std::get_if<channels::HttpResponse>(&got.response);
  return response == nullptr ? channels::HttpResponse() : std::move(*response);
}

}  // namespace huitou
