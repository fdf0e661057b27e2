// What the parts of the dispatcher share: dispatcher.cc (channels, room, sending),
// dispatcher_token.cc (access tokens), dispatcher_callback.cc (what providers call with) and
// dispatcher_query.cc (what they are asked). Included by them alone. Threads: see dispatcher.h;
// what is said to be the dispatcher's thread is that of loop_.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/outbox/access_token.h"
#include "daemon/outbox/dispatcher.h"
#include "daemon/outbox/fetcher.h"
#include "daemon/outbox/lane.h"
#include "daemon/transports/io_loop.h"

namespace huitou {

class Dispatcher::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(Options options)
      : options_(std::move(options)), fetcher_(options_.transport, options_.clock) {}

  void Reload(std::vector<DispatchChannel> channels);
  bool TryAcquire(std::string_view channel);
  void Release(std::string_view channel);
  bool IsDown(std::string_view channel);
  void Send(std::vector<SendJob> jobs);
  void Query(QueryJob job);
  channels::CallbackReply HandleCallback(const std::string& channel,
                                         const channels::CallbackRequest& request);
  std::optional<bool> HandleMail(const std::string& channel, std::string_view mail);
  size_t Stop(DurationUs drain_max);

 private:
  struct Flight;

  // A provider's token and who waits for it, for all channels that ask for it by the same request:
  // a token that one of them renews is new for all. Dispatcher's thread.
  struct Account {
    channels::HttpRequest request;
    AccessToken token;
    std::vector<std::shared_ptr<Flight>> waiting;
    bool look_planned = false;
  };

  // What a channel's provider is asked, a few questions at a time. Dispatcher's thread.
  struct Questions {
    std::deque<QueryJob> waiting;
    size_t asked = 0;  // on their way
    bool polling = false;
  };

  struct Entry {
    DispatchChannel setup;
    std::shared_ptr<Lane> lane;
    std::shared_ptr<Account> account;  // null for a channel without tokens
    std::shared_ptr<Questions> questions;
  };

  // One request on its way, with all that it needs to end.
  struct Flight {
    std::vector<SendJob> jobs;                // what it carries, each an attempt of its own
    std::vector<channels::Message> messages;  // taken out of the jobs where they are several
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
  void OnAnswer(const FlightPtr& flight, const channels::Answer& answer);
  void SendEachAlone(const FlightPtr& flight);
  // The same for all that it carries, or one for each.
  void Finish(const FlightPtr& flight, const channels::Outcome& outcome,
              std::string coupon_code = {});
  void Finish(const FlightPtr& flight, std::vector<channels::Outcome> outcomes,
              std::string coupon_code = {});
  void FetchToken(const std::shared_ptr<const Entry>& entry);
  void FetchLater(const std::shared_ptr<const Entry>& entry);
  void OnToken(const std::shared_ptr<const Entry>& entry, const channels::Answer& answer);
  void FailWaiting();
  void Ask(const std::shared_ptr<const Entry>& entry);
  void PollLater(const Entry& entry);
  void Poll(const std::string& channel);
  void FetchReceipts(const std::shared_ptr<const Entry>& entry,
                     const channels::HttpRequest& request);
  void OnQuery(const Entry& entry, std::string_view answer);
  bool TellSiblings(const Entry& called, const channels::CallbackRequest& request);

  void Transport(channels::Request request, DurationUs timeout,
                 std::function<void(const channels::Answer&)> done);
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
  size_t flights_ = 0;  // attempts on their way
  bool stopping_ = false;
  std::atomic<bool> closed_ = false;  // stopping_, for a look without the lock

  IoLoop loop_;  // last: its thread uses all of the above
};

}  // namespace huitou
