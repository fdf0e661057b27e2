// Decisions: the recorded outcome of a firing, and of everything that follows from it. One JSON
// line each (contracts.md section 3). Views point into the campaign set, the symbol table and the
// customer; FormatDecision before any of those goes. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "triggers/base/hash.h"
#include "triggers/base/money.h"
#include "triggers/base/time.h"

namespace huitou {

enum class OutcomeKind : uint8_t {
  kRejected,
  kDeferred,
  kEntered,
  kIssued,
  kDispatched,
  kEmitted,
  kSkipped,
  kConverted,
  kExited,
  kCompleted,
  kFailed,
};
std::string_view ToString(OutcomeKind outcome);

// Why not: exactly one word per refusal, the same in log, metric and explain. The order of the
// gates is that of gates.h.
enum class Reason : uint8_t {
  kNone,
  kActive,
  kLate,
  kAudience,
  kReentry,
  kHoldout,
  kGlobalHoldout,
  kLimit,
  kContact,
  kConsent,
  kSuppression,
  kCap,
  kBudget,
  kStock,
  kQuietHours,
  kWhen,     // a step's `when:` was false
  kExit,     // an exit event came while the candidate was settling
  kRevoked,  // a coupon of the episode was revoked: its messages are not sent
  kExpired,  // a coupon of the episode ran out before its message had left
};
std::string_view ToString(Reason reason);

struct Decision {
  TimeUs time = 0;
  std::string_view campaign;
  std::string_view customer;
  Id128 episode;
  uint32_t seq = 0;
  std::string_view clock;
  OutcomeKind outcome = OutcomeKind::kRejected;
  std::string_view reason;  // a Reason's word, an event type (exited) or a failure's word
  std::string_view step;
  Id128 dispatch;
  std::string_view channel;
  std::string_view template_name;
  std::string_view coupon;
  Money amount;          // no currency: none
  std::string_view arm;  // "treated", "holdout" or ""
  std::string_view variant;
  TimeUs until = kTimeMin;  // of kDeferred
};

// Appends the line without its end. Empty fields are left out.
void FormatDecision(const Decision& decision, std::string* out);

// The order of the backtest's log: time, customer, campaign, clock, seq.
bool DecisionBefore(const Decision& a, const Decision& b);

}  // namespace huitou
