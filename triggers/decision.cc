#include "triggers/decision.h"

#include <array>
#include <charconv>
#include <tuple>

#include "triggers/base/json.h"

namespace huitou {

namespace {

constexpr std::array<std::string_view, 11> kOutcomeWords = {
    "rejected", "deferred",  "entered", "issued",    "dispatched", "emitted",
    "skipped",  "converted", "exited",  "completed", "failed"};

constexpr std::array<std::string_view, 17> kReasonWords = {
    "",        "active",  "late",           "audience",
    "reentry", "holdout", "global_holdout", "limit",
    "contact", "consent", "suppression",    "cap",
    "budget",  "stock",   "quiet_hours",    "when",
    "exit"};

void AppendKey(std::string* out, std::string_view key) {
  out->append(",\"").append(key).append("\":");
}

void AppendText(std::string* out, std::string_view key, std::string_view text) {
  if (!text.empty()) {
    AppendKey(out, key);
    AppendJsonString(out, text);
  }
}

void AppendId(std::string* out, std::string_view key, const Id128& id) {
  if (!id.empty()) {
    char digits[32];
    id.Format(digits);
    AppendKey(out, key);
    out->append("\"").append(digits, sizeof digits).append("\"");
  }
}

void AppendTime(std::string* out, TimeUs time) {
  char text[32];
  out->append("\"").append(text, FormatRfc3339(time, text)).append("\"");
}

}  // namespace

std::string_view ToString(OutcomeKind outcome) {
  return kOutcomeWords[static_cast<size_t>(outcome)];
}

std::string_view ToString(Reason reason) {
  return kReasonWords[static_cast<size_t>(reason)];
}

void FormatDecision(const Decision& decision, std::string* out) {
  out->append("{\"time\":");
  AppendTime(out, decision.time);
  AppendText(out, "campaign", decision.campaign);
  AppendText(out, "customer", decision.customer);
  AppendId(out, "episode", decision.episode);
  AppendKey(out, "seq");
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, decision.seq).ptr;
  out->append(digits, end);
  AppendText(out, "clock", decision.clock);
  AppendText(out, "outcome", ToString(decision.outcome));
  AppendText(out, "reason", decision.reason);
  AppendText(out, "step", decision.step);
  AppendId(out, "dispatch", decision.dispatch);
  AppendText(out, "channel", decision.channel);
  AppendText(out, "template", decision.template_name);
  AppendText(out, "coupon", decision.coupon);
  if (!decision.amount.currency.code().empty()) {
    AppendText(out, "amount", FormatMinor(decision.amount.minor, decision.amount.currency));
    AppendText(out, "currency", decision.amount.currency.code());
  }
  AppendText(out, "arm", decision.arm);
  AppendText(out, "variant", decision.variant);
  if (decision.until != kTimeMin) {
    AppendKey(out, "until");
    AppendTime(out, decision.until);
  }
  out->push_back('}');
}

bool DecisionBefore(const Decision& a, const Decision& b) {
  return std::tie(a.time, a.customer, a.campaign, a.clock, a.seq, a.episode) <
         std::tie(b.time, b.customer, b.campaign, b.clock, b.seq, b.episode);
}

}  // namespace huitou
