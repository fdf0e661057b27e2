// The dispatcher: what all shards share of the outbox. It holds rate, concurrency, circuit and
// access token of every channel, encodes, sends and decodes, and tells each shard what came of its
// attempts. It keeps nothing durable and repeats nothing that may have been sent: the record in the
// shard decides (outbox.h).
//
//   Dispatcher dispatcher({.clock = &clock, .random = &random, .transport = &transport,
//                          .on_result = [&](uint16_t shard, SendResult result) { ... }});
//   dispatcher.Reload(channels);
//   if (dispatcher.TryAcquire("sms")) dispatcher.Send({job});  // on any shard's thread
//   dispatcher.Stop(10 * kSecondUs);
//
// Every method is for any thread; callbacks come on the dispatcher's own thread unless said
// otherwise, must not wait, and may call TryAcquire, Release and Send.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "channels/channel.h"
#include "channels/coupon_provider.h"
#include "daemon/clock/clock.h"
#include "daemon/outbox/circuit_breaker.h"
#include "daemon/outbox/outbox.h"
#include "daemon/transports/transport.h"

namespace huitou {

// One channel as configured: a codec with its limits, or the coupon provider under the name of
// kCouponChannel.
struct DispatchChannel {
  std::string name;
  std::string provider;
  std::shared_ptr<const channels::Channel> codec;
  std::shared_ptr<const channels::CouponProvider> coupons;  // instead of a codec
  channels::Limits limits;
};

// Hears what happens, for metrics and logs. Any thread.
class DispatchObserver {
 public:
  virtual ~DispatchObserver() = default;
  // One attempt, from Send on.
  virtual void OnOutcome(std::string_view /*channel*/, std::string_view /*provider*/,
                         const channels::Outcome& /*outcome*/, DurationUs /*took*/) {}
  virtual void OnCircuit(std::string_view /*channel*/, CircuitBreaker::State /*state*/) {}
  // A question about one message was answered, or receipts were fetched: a bounded word.
  virtual void OnQuery(std::string_view /*channel*/, std::string_view /*answer*/) {}
  // An access token came (null), or why it did not.
  virtual void OnToken(std::string_view /*channel*/, const channels::Outcome* /*failure*/) {}
};

class Dispatcher final : public SendGate {
 public:
  struct Options {
    const WallClock* clock = nullptr;
    Random* random = nullptr;  // nonces
    Transport* transport = nullptr;
    DispatchObserver* observer = nullptr;  // null: nobody listens
    // Once for every job; on the caller's thread when the dispatcher has been stopped.
    std::function<void(uint16_t shard, SendResult result)> on_result;
    // At most once for every question.
    std::function<void(uint16_t shard, QueryResult result)> on_query_result;
    // A TryAcquire that failed would succeed now.
    std::function<void(std::string_view channel)> on_room;
    // Receipts of a verified callback, on the thread that called HandleCallback; false when they
    // cannot be taken now: the provider is asked to call again.
    std::function<bool(const std::string& channel, std::vector<channels::Receipt> receipts)>
        on_receipts;
    // Receipts that were fetched; nobody waits, and nobody can ask for them again.
    std::function<void(const std::string& channel, std::vector<channels::Receipt> receipts)>
        on_polled;
  };

  explicit Dispatcher(Options options);
  // Drops what is still on its way: the shards' records know that its fate is open.
  ~Dispatcher() override;

  // The channels from now on. What is on its way ends with the codec it began with; a channel that
  // keeps its name keeps its circuit and what it has used of its rate.
  void Reload(std::vector<DispatchChannel> channels);

  bool TryAcquire(std::string_view channel) override;
  void Release(std::string_view channel) override;
  bool IsDown(std::string_view channel) override;
  void Send(std::vector<SendJob> jobs) override;
  void Query(QueryJob job) override;

  // What a provider called us with; the reply is for it.
  channels::CallbackReply HandleCallback(const std::string& channel,
                                         const channels::CallbackRequest& request);

  // A mail that came back to this channel. Nothing when it is none that the channel reads; false
  // when it cannot be taken now.
  std::optional<bool> HandleMail(const std::string& channel, std::string_view mail);

  // Nothing new is taken; waits until what is on its way has been told, at most so long. Returns
  // how many were not.
  size_t Stop(DurationUs drain_max);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with answers that may come too late
};

}  // namespace huitou
