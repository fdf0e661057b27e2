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

constexpr std::array<std::string_view, 19> kReasonWords = {
    "",        "active",  "late",           "audience",
    "reentry", "holdout", "global_holdout", "limit",
    "contact", "consent", "suppression",    "cap",
    "budget",  "stock",   "quiet_hours",    "when",
    "exit",    "revoked", "expired"};

// Most decisions fit without the string's growing under way.
constexpr size_t kUsualBytes = 512;

// `key` with the comma before it and the colon behind it.
void AppendText(std::string* out, std::string_view key, std::string_view text) {
  if (!text.empty()) {
    out->append(key);
    AppendJsonString(out, text);
  }
}

void AppendId(std::string* out, std::string_view key, const Id128& id) {
  if (!id.empty()) {
    char quoted[34];
    quoted[0] = quoted[33] = '"';
    id.Format(quoted + 1);
    out->append(key).append(quoted, sizeof quoted);
  }
}

void AppendTime(std::string* out, std::string_view key, TimeUs time) {
  char quoted[40] = {'"'};
  const size_t length = FormatRfc3339(time, quoted + 1);
  quoted[length + 1] = '"';
  out->append(key).append(quoted, length + 2);
}

}  // namespace

std::string_view ToString(OutcomeKind outcome) {
  return kOutcomeWords[static_cast<size_t>(outcome)];
}

std::string_view ToString(Reason reason) {
  return kReasonWords[static_cast<size_t>(reason)];
}

void FormatDecision(const Decision& decision, std::string* out) {
  out->reserve(out->size() + kUsualBytes);
  AppendTime(out, R"({"time":)", decision.time);
  AppendText(out, R"(,"campaign":)", decision.campaign);
  AppendText(out, R"(,"customer":)", decision.customer);
  AppendId(out, R"(,"episode":)", decision.episode);
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, decision.seq).ptr;
  out->append(R"(,"seq":)").append(digits, end);
  AppendText(out, R"(,"clock":)", decision.clock);
  AppendText(out, R"(,"outcome":)", ToString(decision.outcome));
  AppendText(out, R"(,"reason":)", decision.reason);
  AppendText(out, R"(,"step":)", decision.step);
  AppendId(out, R"(,"dispatch":)", decision.dispatch);
  AppendText(out, R"(,"channel":)", decision.channel);
  AppendText(out, R"(,"template":)", decision.template_name);
  AppendText(out, R"(,"coupon":)", decision.coupon);
  if (!decision.amount.currency.code().empty()) {
    AppendText(out, R"(,"amount":)", FormatMinor(decision.amount.minor, decision.amount.currency));
    AppendText(out, R"(,"currency":)", decision.amount.currency.code());
  }
  AppendText(out, R"(,"arm":)", decision.arm);
  AppendText(out, R"(,"variant":)", decision.variant);
  if (decision.until != kTimeMin) {
    AppendTime(out, R"(,"until":)", decision.until);
  }
  out->push_back('}');
}

bool DecisionBefore(const Decision& a, const Decision& b) {
  return std::tie(a.time, a.customer, a.campaign, a.clock, a.seq, a.episode) <
         std::tie(b.time, b.customer, b.campaign, b.clock, b.seq, b.episode);
}

}  // namespace huitou
