// What callbacks' signatures need from the provider (Channel::CallbackNeeds): asked for once, then
// kept for a day. Any thread; a caller waits for what it asks for, at most kFetchTimeout.
//
// Example:
//   Fetcher fetcher(transport, clock);
//   request.fetched = fetcher.Get(*needs);
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "channels/channel.h"
#include "daemon/clock/clock.h"
#include "daemon/transports/transport.h"

namespace huitou {

class Fetcher {
 public:
  // Both outlive it.
  Fetcher(Transport* transport, const WallClock* clock) : transport_(transport), clock_(clock) {}

  // The body of the answer; empty when none came with status 200. A failure is kept for a while
  // too, so that callbacks nobody has verified yet make few requests.
  std::string Get(const channels::HttpRequest& request);
  // Whether the answer has a status of 2xx. Nothing is kept.
  bool Ask(const channels::HttpRequest& request) const;

 private:
  struct Kept {
    std::string body;
    TimeUs until = 0;
  };

  channels::HttpResponse Send(const channels::HttpRequest& request) const;

  Transport* const transport_;
  const WallClock* const clock_;
  std::mutex mutex_;                  // also held while one is fetched: one at a time
  std::map<std::string, Kept> kept_;  // by URL
};

}  // namespace huitou
