// The seam where a channel's request leaves the process. One request, one attempt, one answer: a
// transport never repeats by itself, and says honestly whether the provider may have seen it.
//
//   transport->Send(channel->Encode(message, context), 10 * kSecondUs,
//                   [](channels::Answer answer) { ... });
#pragma once

#include <functional>

#include "channels/channel.h"
#include "triggers/base/time.h"

namespace huitou {

class Transport {
 public:
  using Done = std::function<void(channels::Answer)>;

  virtual ~Transport() = default;
  // Any thread. `done` is called exactly once, on a thread of the transport and never from within
  // Send, at the latest soon after `timeout`; not at all when the transport is destroyed before.
  virtual void Send(channels::Request request, DurationUs timeout, Done done) = 0;
};

}  // namespace huitou
