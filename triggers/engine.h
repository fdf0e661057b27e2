// The engine: the one pure function that decides. The same code runs live, in campaign tests, in
// backtests and in the fault simulation.
//
//   Engine engine(campaign_set);
//   engine.Step(EventInput{&event}, context, &customer, &effects);
//
// Step changes the customer and says in Effects what else has to happen; the caller commits both
// together. It reads no clock, draws nothing and keeps nothing between calls but scratch memory:
// one Engine per shard thread. Work per call is O(campaigns that listen), never more.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "triggers/base/time.h"
#include "triggers/customer.h"
#include "triggers/decision.h"
#include "triggers/dispatch.h"
#include "triggers/event.h"
#include "triggers/shop.h"
#include "triggers/symbols.h"

namespace huitou {

// --- Inputs -------------------------------------------------------------------------------------

struct EventInput {
  const Event* event = nullptr;
};

// A timer entry that is due: the frontier has passed `deadline`.
struct TimerInput {
  TimeUs deadline = 0;
  uint64_t slot = 0;
};

// What became of a dispatch, told by the outbox.
struct ReceiptInput {
  enum class Kind : uint8_t {
    kAccepted,
    kAwaitingReceipt,  // accepted; without a receipt another channel's turn comes
    kSettled,          // no more will be known of one that was awaiting its receipt
    kDelivered,
    kFailed,
    kClicked,
    kCouponIssued,
    kCouponRefused
  };
  Kind kind = Kind::kAccepted;
  Id128 dispatch;
  Id128 episode;
  TimeUs time = 0;          // event time: the frontier when it came
  std::string_view code;    // of kCouponIssued
  std::string_view reason;  // of kFailed and kCouponRefused: a bounded word
  TimeUs asked_at = 0;      // of coupons: event time when it was asked for
  bool may_exist = false;   // of kCouponRefused: the provider may have issued it
};

using Input = std::variant<EventInput, TimerInput, ReceiptInput>;

// --- Context ------------------------------------------------------------------------------------

// Sums that campaigns share: entries a day, money a day, budgets. Amounts are counted per
// (name, period); the caller makes a taken amount durable with the same commit.
class Quotas {
 public:
  virtual ~Quotas() = default;
  // Whether `amount` more stays within `max`.
  virtual bool Has(std::string_view name, int64_t period, int64_t amount, int64_t max) const = 0;
  // Takes it, or returns false and takes nothing. Safe against other shards.
  virtual bool Take(std::string_view name, int64_t period, int64_t amount, int64_t max) = 0;
  virtual void GiveBack(std::string_view name, int64_t period, int64_t amount) = 0;
};

// Codes of coupons that are issued on the spot.
class CouponCodes {
 public:
  virtual ~CouponCodes() = default;
  virtual std::string CodeOf(const Id128& dispatch) const = 0;
};

// How many codes a pool of the shop file has left that are promised to nobody.
class CouponStock {
 public:
  virtual ~CouponStock() = default;
  virtual int64_t Left(const std::string& pool) const = 0;
};

struct Context {
  TimeUs frontier = kTimeMin;  // of the shard; events before it are late
  // Wall clock; kTimeMin where none takes part (backtests, campaign tests): the late gate passes.
  TimeUs wall = kTimeMin;
  SymbolTable* symbols = nullptr;
  Quotas* quotas = nullptr;
  const CouponCodes* codes = nullptr;
  const CouponStock* stock = nullptr;  // null: no pool is ever empty
  bool assume_contact = false;
  bool assume_consent = false;
  bool holdouts = true;          // campaign tests switch them off
  bool messages_settle = false;  // nobody will send receipts: count a planned message as accepted
};

// --- Effects ------------------------------------------------------------------------------------

// An entry to put into the timer index. `slot` tells the customer's clocks and episodes apart.
struct TimerArm {
  TimeUs deadline = 0;
  uint64_t slot = 0;
};

// A coupon issued: one line of the ledger.
struct LedgerEntry {
  Id128 dispatch;
  Id128 episode;
  std::string campaign;
  std::string coupon;
  std::string code;
  Money value;
  TimeUs time = 0;
  TimeUs expires_at = 0;
};

// A condition that failed when it was evaluated, and so was not true.
struct ConditionError {
  std::string_view campaign;
  std::string why;
};

struct Effects {
  std::vector<Decision> decisions;
  std::vector<Dispatch> dispatches;
  std::vector<Emission> emissions;
  std::vector<TimerArm> timers;
  std::vector<LedgerEntry> ledger;
  std::vector<Id128> withdrawn;              // dispatches that must not be sent any more
  std::vector<std::string_view> candidates;  // campaigns' ids, one for each candidate
  std::vector<ConditionError> condition_errors;
  bool duplicate = false;  // the event was seen before: nothing else happened
  bool late = false;       // the event is older than the frontier

  void Clear();
};

// --- The engine ---------------------------------------------------------------------------------

class Engine {
 public:
  // `symbols` is the shard's table; campaigns and channels are interned in it now.
  Engine(std::shared_ptr<const CampaignSet> set, SymbolTable* symbols);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void Step(const Input& input, const Context& context, Customer* customer, Effects* effects);

  // Asked at the moment of sending: kNone, or why this channel must not be used now (contact,
  // consent, suppression), or why no channel may be: a coupon of it was revoked or has expired.
  Reason CheckSend(const Dispatch& dispatch, std::string_view channel, const Context& context,
                   const Customer& customer) const;

  // A one-time subscription is taken when the send is decided, and here for a channel that the
  // message has fallen back to. When it leaves the channel, what it holds is given back, unless it
  // was `used`: the message was sent there, or may have been.
  void HoldCredit(std::string_view channel, Dispatch* dispatch, Customer* customer) const;
  void ReleaseCredit(std::string_view channel, bool used, Dispatch* dispatch,
                     Customer* customer) const;

  // The address of this customer for a channel; empty when there is none.
  std::string AddressFor(const Customer& customer, std::string_view channel) const;

  // Why and why not, for `explain`: one line per current campaign, asked as of `context` without
  // changing anything.
  struct Explanation {
    std::string_view campaign;
    // The first gate that would refuse if it were triggered now, those of the first steps included.
    Reason refusal = Reason::kNone;
    bool depends_on_event = false;  // its `where:` looks at the event: not asked here
    TimeUs next = kTimeMax;         // when its next clock or episode is due
    std::string_view clock;
    const Episode* episode = nullptr;  // an open one, if any
  };
  std::vector<Explanation> Explain(const Context& context, const Customer& customer);

  // The order in which timers of one customer with one deadline are to be stepped: by the priority
  // of their campaigns.
  size_t PriorityRank(const Customer& customer, uint64_t slot) const;

  // When the quiet hours that this dispatch must respect end; kTimeMin when it is not quiet at
  // `wall`. Asked at the moment of sending, for a backlog may have moved it there.
  TimeUs QuietUntil(const Dispatch& dispatch, const Customer& customer, TimeUs wall) const;

  const CampaignSet& set() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// The name of a timer's slot, for logs: "clock 3/17", "episode".
bool IsClockSlot(uint64_t slot);
uint64_t ClockSlot(uint32_t campaign, uint32_t category);
uint64_t EpisodeSlot(const Id128& episode);

}  // namespace huitou
