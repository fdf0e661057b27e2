// What Huitou knows of one customer. Three parts that change at different rates and are stored
// apart: Activity (with every order, kept small), Profile (rarely), Episodes (while a campaign
// runs). Everything is bounded by limits.h. Owned by one shard thread.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "triggers/base/hash.h"
#include "triggers/base/money.h"
#include "triggers/base/time.h"
#include "triggers/campaign.h"
#include "triggers/event.h"

namespace huitou {

// --- Activity -----------------------------------------------------------------------------------

// Purchases for the 30, 90 and 365 day sums. Usually one order; past limits::kPurchasesMax the two
// oldest neighbours are folded into one entry at the later time.
struct Purchase {
  TimeUs time = 0;
  int64_t spend_minor = 0;
  uint32_t orders = 1;
};

struct CategoryActivity {
  uint32_t category = 0;  // symbol
  uint32_t orders = 0;
  int64_t spend_minor = 0;
  TimeUs last_order_at = kTimeMin;
};

// One instant at which an order (or another event of the clock) came, newer than the frontier.
struct ClockInstant {
  TimeUs time = 0;
  bool starts = false;
  bool cancels = false;
};

// An exit or the goal of a clock's campaign, met behind the deadline while the frontier had not
// passed that: the episode would have heard it, had it been there.
struct EarlyNews {
  TimeUs time = 0;
  bool exits = false;
  bool is_goal = false;
  Money amount;  // of the goal's order; no currency: none
};

// A clock of an absence trigger: one per customer, or one per category.
struct Clock {
  enum class State : uint8_t {
    kResting,  // never started, or fired
    kRunning,  // started at `last`
    kStopped,  // cancelled at `last`
  };

  uint32_t campaign = 0;  // symbol
  uint32_t category = 0;  // symbol; 0 for a clock per customer, and for all orders with cancel: any
  State state = State::kResting;
  TimeUs last = kTimeMin;             // the last instant folded in
  TimeUs armed = kTimeMax;            // deadline of the timer entry that exists; kTimeMax: none
  std::vector<ClockInstant> pending;  // by time; only those that the order of arrival could change
  std::vector<EarlyNews> early;       // in the order of arrival
};

// A message that took a slot of the caps: the newest limits::kSendsMax of each channel.
struct RecentSend {
  TimeUs time = 0;
  uint32_t channel = 0;  // symbol
  MessageClass message_class = MessageClass::kMarketing;
};

// How often and when a campaign was entered, per re-entry key.
struct Progress {
  uint32_t campaign = 0;  // symbol
  uint32_t entries = 0;
  uint64_t key = 0;  // hash of the re-entry key
  TimeUs last_entered_at = kTimeMin;
};

// The lists that every customer has hold their first entries inside: most customers need no more,
// and millions of them are kept in memory.
template <typename T, size_t kInside>
using ShortList = boost::container::small_vector<T, kInside>;

struct Activity {
  uint32_t orders = 0;
  int64_t spend_minor = 0;  // shop currency, less refunds
  TimeUs first_order_at = kTimeMin;
  TimeUs last_order_at = kTimeMin;
  uint32_t reviews = 0;
  uint32_t returns = 0;
  uint32_t tier = 0;  // symbol
  TimeUs tier_until = kTimeMin;
  ShortList<Purchase, 1> purchases;           // by time
  ShortList<CategoryActivity, 1> categories;  // by category
  ShortList<Clock, 1> clocks;
  std::vector<RecentSend> sends;  // by time
  std::vector<Progress> progress;
  ShortList<uint64_t, 2> event_ids;  // hashes of the most recent, oldest first
};

// --- Profile ------------------------------------------------------------------------------------

struct ConsentState {
  uint32_t channel = 0;  // symbol; 0: all channels
  MessageClass message_class = MessageClass::kMarketing;
  bool granted = false;
  int32_t credits = -1;       // one-time subscriptions that nothing is planned for; -1: lasting
  std::string template_name;  // one-time subscriptions are per template
  int32_t held = 0;           // one-time subscriptions of messages that are on their way
};

// A channel that this customer must never be written to on: hard bounce, unsubscribed, blocked.
struct Suppression {
  uint32_t channel = 0;  // symbol
  std::string reason;
};

// A tag-like value that the shop or a `set` step gave: text, number, truth or JSON for the rest.
struct Attribute {
  enum class Kind : uint8_t { kText, kInt, kDouble, kBool, kJson };
  std::string name;
  Kind kind = Kind::kText;
  std::string text;     // of kText and kJson
  int64_t integer = 0;  // of kInt and kBool
  double real = 0;
};

// Where a customer is reached. Empty: unknown.
struct Contacts {
  std::string phone;
  std::string email;
  std::string wechat_openid;

  bool operator==(const Contacts&) const = default;
};

// Contacts as they were, with the attributes where some of those are addresses too.
struct ContactsBefore : Contacts {
  std::vector<Attribute> attributes;
};

struct Profile : Contacts {
  std::string locale;
  std::string timezone;
  std::string region;
  std::string birthday;
  std::vector<std::string> tags;      // sorted
  std::vector<Attribute> attributes;  // by name
  std::vector<ConsentState> consents;
  std::vector<Suppression> suppressions;
  uint64_t fingerprint = 0;  // of the last CustomerFields applied
  TimeUs fingerprint_time = kTimeMin;
};

// --- Episodes -----------------------------------------------------------------------------------

struct IssuedCoupon {
  int step = 0;  // Campaign::CouponIndex
  Id128 dispatch;
  Money value;
  TimeUs issued_at = 0;
  TimeUs expires_at = 0;  // 0: never
  std::string code;
  bool redeemed = false;
  bool revoked = false;
  TimeUs used_at = 0;     // when it was redeemed
  uint64_t used_for = 0;  // hash of the order's id; 0: nobody said
};

struct SentMessage {
  enum class Status : uint8_t {
    kPlanned,
    kAccepted,
    kDelivered,
    kFailed,
    kAwaitingReceipt,  // accepted; without a receipt another channel's turn comes
  };
  int step = 0;  // Campaign::MessageIndex
  Id128 dispatch;
  Status status = Status::kPlanned;
  bool clicked = false;
};

struct Episode {
  enum class State : uint8_t {
    kSettling,  // candidate: waits for `settle`, or for the frontier to reach the present (late)
    kDeferredEntry,   // candidate: held by quiet hours
    kAwaitingCoupon,  // entered: the coupon provider has not answered yet
    kWaiting,         // entered: at a wait step, or held by quiet hours at a later step
    kEnded,           // only its goal is still watched, or its coupons and messages answer
  };

  Id128 id;
  uint32_t campaign = 0;  // symbol
  uint64_t version = 0;   // of the campaign
  State state = State::kSettling;
  bool holdout = false;  // control group: only its goal is watched
  bool converted = false;
  bool held_late = false;  // triggered long ago: waits for the frontier to reach the present
  uint32_t clock = 0;      // symbol; 0: none
  uint64_t key = 0;        // hash of the re-entry key
  TimeUs triggered_at = 0;
  TimeUs entered_at = 0;
  TimeUs due = kTimeMax;    // next wake-up by time
  TimeUs armed = kTimeMax;  // deadline of the timer entry that exists
  TimeUs goal_until = kTimeMin;
  int cursor = 0;                             // index into Campaign::program
  uint32_t seq = 0;                           // of the next decision
  uint32_t variant = 0;                       // index into Campaign::variants
  std::shared_ptr<const OwnedEvent> trigger;  // only where Campaign::reads_trigger
  std::vector<IssuedCoupon> coupons;
  std::vector<SentMessage> messages;
  std::vector<EarlyNews> early;  // of a candidate: goals behind the time at which it may enter

  bool is_candidate() const { return state == State::kSettling || state == State::kDeferredEntry; }
  bool entered() const { return state >= State::kAwaitingCoupon && !holdout; }
};

struct Customer {
  std::string id;
  Activity activity;
  std::unique_ptr<Profile> profile;  // null: nothing known
  std::vector<Episode> episodes;

  // Which parts the next commit must write.
  bool activity_changed = false;
  bool profile_changed = false;
  bool episodes_changed = false;
  bool is_listed = false;  // among those that it writes
  bool is_recent = false;  // the cache's: used lately
  // The store is known to have none, so that none need be removed there.
  bool no_stored_episodes = false;
  // As the last commit left them, where they have changed since; else null.
  std::unique_ptr<ContactsBefore> contacts_before;

  Profile& MutableProfile();
};

// Whether this event id was seen among the remembered ones; remembers it.
bool RememberEvent(Activity* activity, std::string_view event_id);

}  // namespace huitou
