#include "config/sms_text.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "config/mustache.h"

namespace huitou::config {
namespace {

// What a variable typically says. Lengths matter, the words do not.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTypical = {{
    {"coupon.code", "ABCDEFGHIJKL"},  // local codes have 12 letters
    {"coupon.value", "100"},
    {"coupon.min_spend", "100"},
    {"coupon.currency", "CNY"},
    {"coupon.expires_at", "2026-11-11 00:00"},
}};
constexpr std::string_view kOther = "ABCDEFGH";

// Mainland carriers ask for 拒收请回复R, 退订回T or the like; elsewhere people know STOP.
constexpr std::array<std::string_view, 6> kWaysOut = {"拒收",        "退订", "回T",
                                                      "unsubscribe", "STOP", "opt out"};

std::string Typical(const std::string& name, const std::string& shop_name) {
  if (name == "shop.name") {
    return shop_name;
  }
  if (name == "unsubscribe_url" || name.starts_with("link.")) {
    return TypicalLink();
  }
  const auto* const known = std::find_if(kTypical.begin(), kTypical.end(),
                                         [&](const auto& entry) { return entry.first == name; });
  return std::string(known == kTypical.end() ? kOther : known->second);
}

std::string WithoutLineEnd(std::string text) {
  text.erase(text.find_last_not_of("\r\n") + 1);
  return text;
}

std::string Counted(size_t count, std::string_view what) {
  return std::to_string(count).append(" ").append(what).append(count == 1 ? "" : "s");
}

}  // namespace

std::string TypicalLink() {
  constexpr size_t kLength = 60;  // https://shop.example/l/ and a token of 36 characters
  return std::string(kLength, 'x');
}

void CheckSms(const SmsTemplate& sms, const SmsRule& rule, Diagnostics* diagnostics) {
  MustacheVariables fixed = {{"shop.name", sms.shop_name}};
  MustacheVariables typical;
  std::set<std::string> variable;
  for (const MustacheTag& tag : ScanMustache(sms.text).tags) {
    typical.emplace_back(tag.name, Typical(tag.name, sms.shop_name));
    if (tag.name != "shop.name") {
      variable.insert(tag.name);
    }
  }
  const auto size_with = [&](const MustacheVariables& variables) {
    return MeasureSms(WithoutLineEnd(RenderMustache(sms.text, variables, false)), rule.alphabet);
  };
  const SmsSize least = size_with(fixed);
  if (rule.units_max > 0 && least.units > rule.units_max) {
    diagnostics->Error(sms.place,
                       "the SMS has " + Counted(least.units, "character") + " at least, and " +
                           sms.provider + " takes " + std::to_string(rule.units_max),
                       "shorten it");
    return;
  }
  const SmsSize size = size_with(typical);
  std::string told = Counted(size.parts, "SMS part") + " by " + sms.provider + ": " +
                     std::to_string(size.units) + " of " +
                     std::to_string(size.parts * size.units_per_part) + " characters";
  if (!variable.empty()) {
    told += ", with typical values";
  }
  diagnostics->Note(sms.place, std::move(told));
  const bool has_way_out =
      std::any_of(kWaysOut.begin(), kWaysOut.end(),
                  [&](std::string_view word) { return sms.text.find(word) != std::string::npos; });
  if (sms.marketing && !has_way_out) {
    diagnostics->Warning(sms.place, "marketing by SMS does not say how to opt out",
                         "end it with 拒收请回复R, or with: Reply STOP to opt out");
  }
}

}  // namespace huitou::config
