#include "daemon/outbox/dispatcher.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "channels/answer.h"
#include "daemon/outbox/batch.h"
#include "daemon/outbox/dispatcher_impl.h"
#include "daemon/outbox/limits.h"
#include "triggers/base/check.h"

namespace huitou {

using channels::Answer;
using channels::CallbackReply;
using channels::HttpRequest;
using channels::Outcome;

namespace {

bool SameRequest(const HttpRequest& a, const HttpRequest& b) {
  return a.method == b.method && a.url == b.url && a.body == b.body && a.headers == b.headers;
}

SendResult ResultOf(const SendJob& job, Outcome outcome, std::string coupon_code = {}) {
  return {job.dispatch, job.attempt, std::move(outcome), std::move(coupon_code)};
}

}  // namespace

// --- channels -----------------------------------------------------------------------------------

void Dispatcher::Impl::Reload(std::vector<DispatchChannel> channels) {
  std::vector<std::shared_ptr<const Entry>> fresh;
  {
    const std::unique_lock lock(entries_mutex_);
    Entries entries;
    for (DispatchChannel& setup : channels) {
      std::string name = setup.name;
      fresh.push_back(MakeEntry(std::move(setup), entries));
      lanes_[name] = fresh.back()->lane;
      entries.insert_or_assign(std::move(name), fresh.back());
    }
    entries_ = std::move(entries);
  }
  for (const auto& entry : fresh) {
    if (options_.observer != nullptr) {
      options_.observer->OnCircuit(entry->setup.name, entry->lane->circuit());
    }
    // A shard may have asked while there was no such channel.
    loop_.Post([this, name = entry->setup.name] { options_.on_room(name); });
    PollLater(*entry);
  }
}

// With the lock held.
std::shared_ptr<const Dispatcher::Impl::Entry> Dispatcher::Impl::MakeEntry(
    DispatchChannel setup, const Entries& fresh) const {
  CHECK((setup.codec == nullptr) != (setup.coupons == nullptr));
  auto entry = std::make_shared<Entry>();
  entry->setup = std::move(setup);
  const auto lane = lanes_.find(entry->setup.name);
  const auto known = entries_.find(entry->setup.name);
  entry->questions =
      known == entries_.end() ? std::make_shared<Questions>() : known->second->questions;
  if (lane != lanes_.end()) {
    entry->lane = lane->second;
    entry->lane->SetLimits(entry->setup.limits);
  } else {
    entry->lane = std::make_shared<Lane>(entry->setup.limits);
  }
  std::optional<HttpRequest> token;
  if (entry->setup.codec != nullptr) {
    token = entry->setup.codec->TokenRequest();
  }
  if (!token) {
    return entry;
  }
  for (const Entries* all : {&fresh, &std::as_const(entries_)}) {
    for (const auto& [name, other] : *all) {
      if (entry->account == nullptr && other->account != nullptr &&
          SameRequest(other->account->request, *token)) {
        entry->account = other->account;
      }
    }
  }
  if (entry->account == nullptr) {
    entry->account = std::make_shared<Account>();
    entry->account->request = *std::move(token);
  }
  return entry;
}

std::shared_ptr<const Dispatcher::Impl::Entry> Dispatcher::Impl::Find(
    std::string_view channel) const {
  const std::shared_lock lock(entries_mutex_);
  const auto found = entries_.find(channel);
  return found == entries_.end() ? nullptr : found->second;
}

// --- room ---------------------------------------------------------------------------------------

template <typename Change>
auto Dispatcher::Impl::Observed(const Entry& entry, Change change) {
  const CircuitBreaker::State before = entry.lane->circuit();
  const auto result = change(entry.lane.get());
  const CircuitBreaker::State after = entry.lane->circuit();
  if (before != after && options_.observer != nullptr) {
    options_.observer->OnCircuit(entry.setup.name, after);
  }
  return result;
}

bool Dispatcher::Impl::TryAcquire(std::string_view channel) {
  const std::shared_ptr<const Entry> entry = Find(channel);
  if (entry == nullptr || closed_) {
    return false;
  }
  const TimeUs now = Now();
  const bool acquired = Observed(*entry, [now](Lane* lane) { return lane->TryAcquire(now); });
  if (!acquired) {
    WakeLater(now, entry->lane->NextRoomAt(now));
  }
  return acquired;
}

void Dispatcher::Impl::Release(std::string_view channel) {
  std::shared_ptr<Lane> lane;
  {
    const std::shared_lock lock(entries_mutex_);
    const auto found = lanes_.find(std::string(channel));
    CHECK(found != lanes_.end());
    lane = found->second;
  }
  lane->Release();
  if (lane->TakeWaiting(Now())) {
    loop_.Post([this, name = std::string(channel)] { options_.on_room(name); });
  }
}

// A channel that is configured no more will not come back by waiting.
bool Dispatcher::Impl::IsDown(std::string_view channel) {
  const std::shared_ptr<const Entry> entry = Find(channel);
  return entry == nullptr || entry->lane->IsDown(Now());
}

void Dispatcher::Impl::Wake(const Entry& entry) {
  if (entry.lane->TakeWaiting(Now())) {
    options_.on_room(entry.setup.name);
  }
}

// One look at a time is planned, for all channels.
void Dispatcher::Impl::WakeLater(TimeUs now, TimeUs at) {
  if (wake_planned_.exchange(true)) {
    return;
  }
  const DurationUs delay = at == kTimeMax ? outbox_limits::kWakeIntervalMax : at - now;
  loop_.PostAfter(
      std::clamp(delay, outbox_limits::kWakeIntervalMin, outbox_limits::kWakeIntervalMax),
      [this] { OnWakeTime(); });
}

void Dispatcher::Impl::OnWakeTime() {
  wake_planned_ = false;
  std::vector<std::shared_ptr<const Entry>> entries;
  {
    const std::shared_lock lock(entries_mutex_);
    for (const auto& [name, entry] : entries_) {
      entries.push_back(entry);
    }
  }
  const TimeUs now = Now();
  TimeUs next = kTimeMax;
  for (const auto& entry : entries) {
    Wake(*entry);
    next = std::min(next, entry->lane->NextRoomAt(now));
  }
  if (next != kTimeMax) {
    WakeLater(now, next);
  }
}

// --- sending ------------------------------------------------------------------------------------

void Dispatcher::Impl::Send(std::vector<SendJob> jobs) {
  std::map<std::string, std::shared_ptr<const Entry>> entries;
  for (const SendJob& job : jobs) {
    const auto [entry, fresh] = entries.try_emplace(job.channel);
    if (fresh) {
      entry->second = Find(job.channel);
    }
    if (entry->second == nullptr) {
      Release(job.channel);  // went since it was acquired; it may come back
    }
  }
  const auto codec_of = [&entries](const std::string& channel) {
    const auto& entry = entries.at(channel);
    return entry == nullptr ? nullptr : entry->setup.codec.get();
  };
  const TimeUs now = Now();
  for (std::vector<SendJob>& together : PutTogether(std::move(jobs), codec_of)) {
    auto flight = std::make_shared<Flight>();
    flight->jobs = std::move(together);
    flight->entry = entries.at(flight->jobs.front().channel);
    flight->started_at = now;
    if (flight->jobs.size() > 1) {
      for (SendJob& job : flight->jobs) {
        flight->messages.push_back(std::move(job.message));
      }
    }
    std::unique_lock lock(flights_mutex_);
    if (!stopping_) {
      flights_ += flight->jobs.size();
      loop_.Post([this, flight] { Start(flight); });
      continue;
    }
    lock.unlock();
    for (const SendJob& job : flight->jobs) {
      options_.on_result(job.shard,
                         ResultOf(job, channels::MakeOutcome(Outcome::Kind::kRetry, "stopping")));
    }
  }
}

void Dispatcher::Impl::Start(const FlightPtr& flight) {
  if (flight->entry == nullptr) {
    Finish(flight, channels::MakeOutcome(Outcome::Kind::kChannelPaused, "no_channel"));
    return;
  }
  Account* const account = flight->entry->account.get();
  if (account != nullptr) {
    const TimeUs now = Now();
    const bool valid = account->token.IsValid(now);
    if (!valid && closed_) {
      Finish(flight, channels::MakeOutcome(Outcome::Kind::kRetry, "stopping"));
      return;
    }
    if (!valid) {
      account->waiting.push_back(flight);
    }
    if (account->token.ShouldFetch(now)) {
      FetchToken(flight->entry);
    }
    if (!valid) {
      FetchLater(flight->entry);
      return;
    }
  }
  Transmit(flight);
}

void Dispatcher::Impl::Transmit(const FlightPtr& flight) {
  const Entry& entry = *flight->entry;
  channels::EncodeContext context;
  context.now = Now();
  context.nonce = Id128{options_.random->Next(), options_.random->Next()}.ToString();
  if (entry.account != nullptr) {
    context.access_token = entry.account->token.value();
    flight->token = context.access_token;
  }
  channels::Request request;
  if (entry.setup.coupons != nullptr) {
    auto issued = entry.setup.coupons->Issue(flight->jobs.front().coupon, context);
    if (auto* code = std::get_if<std::string>(&issued)) {
      Finish(flight, channels::MakeOutcome(Outcome::Kind::kAccepted, ""), std::move(*code));
      return;
    }
    if (const auto* refused = std::get_if<Outcome>(&issued)) {
      Finish(flight, *refused);
      return;
    }
    request = std::get<HttpRequest>(std::move(issued));
  } else if (flight->messages.empty()) {
    request = entry.setup.codec->Encode(flight->jobs.front().message, context);
  } else {
    request = entry.setup.codec->EncodeBatch(flight->messages, context);
  }
  Transport(std::move(request), entry.setup.limits.timeout,
            [this, flight](const Answer& answer) { OnAnswer(flight, answer); });
}

// `done` on the dispatcher's thread, unless the dispatcher is gone by then.
void Dispatcher::Impl::Transport(channels::Request request, DurationUs timeout,
                                 std::function<void(const Answer&)> done) {
  options_.transport->Send(
      std::move(request), timeout,
      [weak = weak_from_this(), done = std::move(done)](Answer answer) mutable {
        if (const std::shared_ptr<Impl> self = weak.lock()) {
          self->loop_.Post([done = std::move(done), answer = std::move(answer)] { done(answer); });
        }
      });
}

void Dispatcher::Impl::OnAnswer(const FlightPtr& flight, const Answer& answer) {
  const Entry& entry = *flight->entry;
  const TimeUs now = Now();
  if (entry.setup.coupons != nullptr) {
    channels::CouponOutcome coupon = entry.setup.coupons->Decode(answer, now);
    Finish(flight, coupon.outcome, std::move(coupon.code));
    return;
  }
  std::optional<std::vector<Outcome>> outcomes;
  if (flight->messages.empty()) {
    outcomes.emplace().push_back(entry.setup.codec->Decode(answer, now));
  } else {
    outcomes = entry.setup.codec->DecodeBatch(answer, flight->messages, now);
  }
  if (!outcomes) {
    SendEachAlone(flight);
    return;
  }
  if (outcomes->front().kind == Outcome::Kind::kTokenExpired && entry.account != nullptr) {
    entry.account->token.OnExpired(flight->token);
    if (!std::exchange(flight->repeated, true)) {
      Start(flight);
      return;
    }
  }
  Finish(flight, *std::move(outcomes));
}

// They keep their places in the lane; what the batch's one request took of the rate is theirs.
void Dispatcher::Impl::SendEachAlone(const FlightPtr& flight) {
  for (size_t i = 0; i < flight->jobs.size(); ++i) {
    auto alone = std::make_shared<Flight>();
    alone->jobs.push_back(std::move(flight->jobs[i]));
    alone->jobs.front().message = std::move(flight->messages[i]);
    alone->entry = flight->entry;
    alone->started_at = flight->started_at;
    Start(alone);
  }
}

void Dispatcher::Impl::Finish(const FlightPtr& flight, const Outcome& outcome,
                              std::string coupon_code) {
  Finish(flight, std::vector<Outcome>(flight->jobs.size(), outcome), std::move(coupon_code));
}

void Dispatcher::Impl::Finish(const FlightPtr& flight, std::vector<Outcome> outcomes,
                              std::string coupon_code) {
  const TimeUs now = Now();
  const size_t count = flight->jobs.size();
  CHECK(outcomes.size() == count);
  if (flight->entry != nullptr) {
    const Entry& entry = *flight->entry;
    // First: a circuit that opens by this outcome opens for its reason.
    for (size_t i = 0; options_.observer != nullptr && i < count; ++i) {
      options_.observer->OnOutcome(entry.setup.name, entry.setup.provider, outcomes[i],
                                   std::max<DurationUs>(0, now - flight->started_at));
    }
    Observed(entry, [&outcomes, now](Lane* lane) {
      lane->Finish(outcomes, now);
      return 0;
    });
  }
  for (size_t i = 0; i < count; ++i) {
    options_.on_result(flight->jobs[i].shard, ResultOf(flight->jobs[i], std::move(outcomes[i]),
                                                       std::exchange(coupon_code, {})));
  }
  if (flight->entry != nullptr) {
    Wake(*flight->entry);
  }
  const std::lock_guard lock(flights_mutex_);
  flights_ -= count;
  landed_.notify_all();
}

// --- the end ------------------------------------------------------------------------------------

size_t Dispatcher::Impl::Stop(DurationUs drain_max) {
  std::unique_lock lock(flights_mutex_);
  if (!std::exchange(stopping_, true)) {
    closed_ = true;
    loop_.Post([this] { FailWaiting(); });
  }
  landed_.wait_for(lock, std::chrono::microseconds(drain_max), [this] { return flights_ == 0; });
  const size_t left = flights_;
  lock.unlock();
  loop_.Stop();
  return left;
}

// --- the outside --------------------------------------------------------------------------------

Dispatcher::Dispatcher(Options options) : impl_(std::make_shared<Impl>(std::move(options))) {
}

Dispatcher::~Dispatcher() {
  impl_->Stop(0);
}

void Dispatcher::Reload(std::vector<DispatchChannel> channels) {
  impl_->Reload(std::move(channels));
}

bool Dispatcher::TryAcquire(std::string_view channel) {
  return impl_->TryAcquire(channel);
}

void Dispatcher::Release(std::string_view channel) {
  impl_->Release(channel);
}

bool Dispatcher::IsDown(std::string_view channel) {
  return impl_->IsDown(channel);
}

void Dispatcher::Send(std::vector<SendJob> jobs) {
  impl_->Send(std::move(jobs));
}

void Dispatcher::Query(QueryJob job) {
  impl_->Query(std::move(job));
}

CallbackReply Dispatcher::HandleCallback(const std::string& channel,
                                         const channels::CallbackRequest& request) {
  return impl_->HandleCallback(channel, request);
}

std::optional<bool> Dispatcher::HandleMail(const std::string& channel, std::string_view mail) {
  return impl_->HandleMail(channel, mail);
}

size_t Dispatcher::Stop(DurationUs drain_max) {
  return impl_->Stop(drain_max);
}

}  // namespace huitou
