#include "daemon/outbox/dispatcher.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <utility>
#include <variant>

#include "channels/answer.h"
#include "daemon/outbox/access_token.h"
#include "daemon/outbox/fetcher.h"
#include "daemon/outbox/lane.h"
#include "daemon/outbox/limits.h"
#include "daemon/transports/io_loop.h"
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

class Dispatcher::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(Options options)
      : options_(std::move(options)), fetcher_(options_.transport, options_.clock) {}

  void Reload(std::vector<DispatchChannel> channels);
  bool TryAcquire(std::string_view channel);
  void Release(std::string_view channel);
  bool IsDown(std::string_view channel);
  void Send(SendJob job);
  CallbackReply HandleCallback(const std::string& channel,
                               const channels::CallbackRequest& request);
  std::optional<bool> HandleMail(const std::string& channel, std::string_view mail);
  size_t Stop(DurationUs drain_max);

 private:
  struct Flight;

  // A provider's token and who waits for it, for all channels that ask for it by the same request:
  // a token that one of them renews is new for all. Dispatcher's thread.
  struct Account {
    HttpRequest request;
    AccessToken token;
    std::vector<std::shared_ptr<Flight>> waiting;
    bool look_planned = false;
  };

  struct Entry {
    DispatchChannel setup;
    std::shared_ptr<Lane> lane;
    std::shared_ptr<Account> account;  // null for a channel without tokens
  };

  // One attempt on its way, with all that it needs to end.
  struct Flight {
    SendJob job;
    std::shared_ptr<const Entry> entry;
    TimeUs started_at = 0;
    std::string token;  // the one it was sent with
    bool repeated = false;
  };
  using FlightPtr = std::shared_ptr<Flight>;

  TimeUs Now() const { return options_.clock->Now(); }
  std::shared_ptr<const Entry> Find(std::string_view channel) const;
  using Entries = std::map<std::string, std::shared_ptr<const Entry>, std::less<>>;
  std::shared_ptr<const Entry> MakeEntry(DispatchChannel setup, const Entries& fresh) const;
  // `change` on the lane, and the observer told when the circuit changed by it.
  template <typename Change>
  auto Observed(const Entry& entry, Change change);

  // The way of a flight, on the dispatcher's thread:
  void Start(const FlightPtr& flight);
  void Transmit(const FlightPtr& flight);
  void OnAnswer(const FlightPtr& flight, const Answer& answer);
  void Finish(const FlightPtr& flight, Outcome outcome, std::string coupon_code = {});
  void FetchToken(const std::shared_ptr<const Entry>& entry);
  void FetchLater(const std::shared_ptr<const Entry>& entry);
  void OnToken(const std::shared_ptr<const Entry>& entry, const Answer& answer);
  void FailWaiting();
  bool TellSiblings(const Entry& called, const channels::CallbackRequest& request);

  void Transport(channels::Request request, DurationUs timeout,
                 std::function<void(const Answer&)> done);
  void Wake(const Entry& entry);
  void WakeLater(TimeUs now, TimeUs at);
  void OnWakeTime();

  const Options options_;
  Fetcher fetcher_;

  mutable std::shared_mutex entries_mutex_;
  Entries entries_;
  std::map<std::string, std::shared_ptr<Lane>> lanes_;  // also of channels that went, for Release
  std::atomic<bool> wake_planned_ = false;

  std::mutex flights_mutex_;
  std::condition_variable landed_;
  size_t flights_ = 0;
  bool stopping_ = false;
  std::atomic<bool> closed_ = false;  // stopping_, for a look without the lock

  IoLoop loop_;  // last: its thread uses all of the above
};

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
  }
}

// With the lock held.
std::shared_ptr<const Dispatcher::Impl::Entry> Dispatcher::Impl::MakeEntry(
    DispatchChannel setup, const Entries& fresh) const {
  CHECK((setup.codec == nullptr) != (setup.coupons == nullptr));
  auto entry = std::make_shared<Entry>();
  entry->setup = std::move(setup);
  const auto lane = lanes_.find(entry->setup.name);
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
  for (const Entries* known : {&fresh, &std::as_const(entries_)}) {
    for (const auto& [name, other] : *known) {
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

void Dispatcher::Impl::Send(SendJob job) {
  auto flight = std::make_shared<Flight>();
  flight->job = std::move(job);
  flight->entry = Find(flight->job.channel);
  flight->started_at = Now();
  if (flight->entry == nullptr) {
    Release(flight->job.channel);  // went since it was acquired; it may come back
  }
  {
    const std::lock_guard lock(flights_mutex_);
    if (!stopping_) {
      ++flights_;
      loop_.Post([this, flight] { Start(flight); });
      return;
    }
  }
  options_.on_result(
      flight->job.shard,
      ResultOf(flight->job, channels::MakeOutcome(Outcome::Kind::kRetry, "stopping")));
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
    auto issued = entry.setup.coupons->Issue(flight->job.coupon, context);
    if (auto* code = std::get_if<std::string>(&issued)) {
      Finish(flight, channels::MakeOutcome(Outcome::Kind::kAccepted, ""), std::move(*code));
      return;
    }
    if (auto* refused = std::get_if<Outcome>(&issued)) {
      Finish(flight, std::move(*refused));
      return;
    }
    request = std::get<HttpRequest>(std::move(issued));
  } else {
    request = entry.setup.codec->Encode(flight->job.message, context);
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
    Finish(flight, std::move(coupon.outcome), std::move(coupon.code));
    return;
  }
  Outcome outcome = entry.setup.codec->Decode(answer, now);
  if (outcome.kind == Outcome::Kind::kTokenExpired && entry.account != nullptr) {
    entry.account->token.OnExpired(flight->token);
    if (!std::exchange(flight->repeated, true)) {
      Start(flight);
      return;
    }
  }
  Finish(flight, std::move(outcome));
}

void Dispatcher::Impl::Finish(const FlightPtr& flight, Outcome outcome, std::string coupon_code) {
  const TimeUs now = Now();
  if (flight->entry != nullptr) {
    const Entry& entry = *flight->entry;
    // First: a circuit that opens by this outcome opens for its reason.
    if (options_.observer != nullptr) {
      options_.observer->OnOutcome(entry.setup.name, entry.setup.provider, outcome,
                                   std::max<DurationUs>(0, now - flight->started_at));
    }
    Observed(entry, [&outcome, now](Lane* lane) {
      lane->Finish(outcome, now);
      return 0;
    });
  }
  options_.on_result(flight->job.shard,
                     ResultOf(flight->job, std::move(outcome), std::move(coupon_code)));
  if (flight->entry != nullptr) {
    Wake(*flight->entry);
  }
  const std::lock_guard lock(flights_mutex_);
  --flights_;
  landed_.notify_all();
}

// --- access tokens ------------------------------------------------------------------------------

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
    }
  } else {
    failure = channels::MakeOutcome(Outcome::Kind::kRetry, "no_token");
  }
  if (failure) {
    account.token.OnFailed(Now());
  }
  if (options_.observer != nullptr) {
    options_.observer->OnToken(entry->setup.name, failure ? failure->reason : "");
  }
  for (const FlightPtr& flight : std::exchange(account.waiting, {})) {
    failure ? Finish(flight, *failure) : Transmit(flight);  // none of them was sent yet
  }
}

// --- callbacks and the end ----------------------------------------------------------------------

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

void Dispatcher::Send(SendJob job) {
  impl_->Send(std::move(job));
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
