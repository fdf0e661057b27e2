// The outbox: how a dispatch gets from a decision to a provider, exactly as often as promised.
//
// Two halves. The shard that owns the customer owns the durable OutboxRecord: it leases, and it
// applies what came back, each in one commit with everything else. The Dispatcher owns what all
// shards share per channel: rate, concurrency, circuit, access token, sockets. Nothing is sent
// before the lease is durable, and no result counts before it is committed:
//
//   shard: TryAcquire(channel) -> engine.CheckSend -> record.state = kLeased -> commit -> Send
//   dispatcher: encode -> transport -> decode -> shard.Post(SendResult)
//   shard: Transition(record, result) -> engine.Step(ReceiptInput) -> commit
//
// What no answer settled is asked of the provider, where that can be asked: Query, then
// QueryResult. After a crash a record that is still kLeased has an unknown fate: Recover() says
// what is next.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "channels/channel.h"
#include "channels/coupon_provider.h"
#include "triggers/base/hash.h"
#include "triggers/base/time.h"
#include "triggers/dispatch.h"

namespace huitou {

// What the store keeps of a dispatch until it is settled.
struct OutboxRecord {
  enum class State : uint8_t {
    kPlanned,   // to be sent at not_before or later
    kLeased,    // handed to the dispatcher; its fate is open
    kAccepted,  // the provider took it; a receipt is awaited until not_before
    kUnknown,   // sent, answer lost; at not_before the provider is asked, or the promise decides
  };

  Dispatch dispatch;
  State state = State::kPlanned;
  uint32_t channel_index = 0;    // into dispatch.via
  uint32_t attempts = 0;         // that are over, on this channel; the number of the one to come
  TimeUs not_before = 0;         // wall clock; what it means depends on state
  TimeUs give_up_at = kTimeMax;  // wall clock: the deadline of the whole dispatch
  std::string provider_message_id;
  bool may_be_sent = false;  // an attempt on this channel was never answered
  TimeUs sent_at = 0;        // wall clock: when the latest attempt was leased
  uint32_t queries = 0;      // how often the provider was asked what became of it

  // Something is still to be done with it, but to wait for a receipt.
  bool waits() const { return state != State::kAccepted; }
  // The channel it is on; for a coupon kCouponChannel or kPoolChannel.
  const std::string& channel() const;
};

inline constexpr char kCouponChannel[] = "coupons";      // the coupon provider
inline constexpr char kPoolChannel[] = "coupons.pools";  // the pools of the shop file

// One leased record with what encoding needs, on its way to the dispatcher.
struct SendJob {
  uint16_t shard = 0;
  Id128 dispatch;
  uint32_t attempt = 0;
  std::string channel;
  channels::Message message;       // of a message (rendered, with the address)
  channels::CouponRequest coupon;  // of a coupon
};

// What came of one attempt.
struct SendResult {
  Id128 dispatch;
  uint32_t attempt = 0;  // a result of an older attempt is dropped
  channels::Outcome outcome;
  std::string coupon_code;
};

// An attempt that is over, about which the provider is asked.
struct QueryJob {
  uint16_t shard = 0;
  Id128 dispatch;
  uint32_t attempts = 0;  // of the record
  std::string channel;
  channels::SentMessage sent;
};

// What came of the question.
struct QueryResult {
  Id128 dispatch;
  uint32_t attempts = 0;  // what is said of an older attempt, or another channel's, is dropped
  std::string channel;
  channels::QueryAnswer answer;
};

// What the shard knows of a channel's policy (from the config and the registration).
struct ChannelPolicy {
  channels::Promise promise = channels::Promise::kAtLeastOnce;
  DurationUs backoff_min = kSecondUs;
  DurationUs backoff_max = 5 * kMinuteUs;
  uint32_t attempts_max = 10;
  // How long a receipt may settle an unknown outcome before the provider is asked, or the promise
  // decides; as long as between two questions.
  DurationUs unknown_wait = kMinuteUs;
  uint32_t queries_max = 0;  // 0: the provider answers no questions
  // How long an accepted message is kept for its receipt where `wait_receipt` does not ask for
  // longer; 0 for a provider that sends none: accepted is then all that will be known.
  DurationUs receipt_wait = 0;
  // Whether a receipt tells of what was delivered too: else silence is no reason for the next
  // channel, however long `wait_receipt` is.
  bool tells_delivery = true;
};

// The next state of a record, and what the engine and the metrics must hear. Pure: `random` is a
// number in [0, 1) for the jitter, drawn by the caller.
struct Transition {
  enum class Event : uint8_t {
    kNone,  // nothing to tell yet: it will be tried again or waits
    kAccepted,
    kAwaitingReceipt,  // accepted; without a receipt the next channel's turn comes
    kSettled,          // no more will be known of one that was awaiting its receipt
    kDelivered,
    kFailed,  // on every channel of `via`, or past its deadline
    kCouponIssued,
    kCouponRefused,
  };
  Event event = Event::kNone;
  bool settled = false;  // remove the record
  bool dead_letter = false;
  bool fell_back = false;  // moved on to the next channel of `via`
  bool may_be_sent =
      false;           // of what fell back or failed: the channel may have sent it all the same
  bool query = false;  // the provider is to be asked
  std::string reason;  // of kFailed, kCouponRefused
};

Transition OnSendResult(OutboxRecord* record, const SendResult& result, const ChannelPolicy& policy,
                        TimeUs now, double random);
// Of an answer with receipts: those are for OnReceipt.
Transition OnQueryResult(OutboxRecord* record, const QueryResult& result,
                         const ChannelPolicy& policy, TimeUs now);
// A receipt from the provider (callback, poll or answer).
Transition OnReceipt(OutboxRecord* record, const channels::Receipt& receipt, TimeUs now);
// not_before has come for a record that is kAccepted or kUnknown; for one that is kPlanned, asked
// before it is leased: it fails when its deadline has passed meanwhile.
Transition OnDue(OutboxRecord* record, const ChannelPolicy& policy, TimeUs now);
// Its episode has ended: nothing more is sent. What is on its way can't be called back, and its
// news is taken; what was accepted, or may have been, is neither repeated nor brought by another
// channel; what is planned ends, with kWithdrawn as the reason, when it is next looked at.
inline constexpr char kWithdrawn[] = "withdrawn";
void Withdraw(OutboxRecord* record, TimeUs now);
bool IsWithdrawn(const OutboxRecord& record);
// Whether a record may leave its channel, which is down, for the next one of `via`: not where the
// key of an earlier attempt makes only a repeat on the same channel harmless.
bool MayDivert(const OutboxRecord& record, const ChannelPolicy& policy);
// For such a record that is kPlanned.
Transition Divert(OutboxRecord* record, TimeUs now);
// At start, for a record found kLeased: the process died between lease and result.
Transition Recover(OutboxRecord* record, const ChannelPolicy& policy, TimeUs now);

// The dispatcher as a shard sees it; the fault simulation has its own.
class SendGate {
 public:
  virtual ~SendGate() = default;
  // One message's worth of rate and concurrency on this channel now, or false: the shard is then
  // woken when there is room again. Every success is followed by Send or Release. Any thread.
  virtual bool TryAcquire(std::string_view channel) = 0;
  virtual void Release(std::string_view channel) = 0;
  // Whether the channel has let nothing pass for long: what has another way is to take it.
  virtual bool IsDown(std::string_view channel) = 0;
  // What one commit leased; those that may go together may leave in one request.
  virtual void Send(std::vector<SendJob> jobs) = 0;
  // Needs no room. May never be answered: the shard asks again.
  virtual void Query(QueryJob job) = 0;
};

}  // namespace huitou
