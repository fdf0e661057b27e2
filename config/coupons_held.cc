#include "config/coupons_held.h"

#include <re2/re2.h>

#include <algorithm>

namespace huitou::config {
namespace {

// Conditions of one run have one answer each, except those that ask what the run itself does.
bool IsSteady(const std::string& condition) {
  return condition.find("coupons") == std::string::npos &&
         condition.find("messages") == std::string::npos;
}

}  // namespace

void CouponsHeld::Hold(size_t coupon) {
  held_.insert(coupon);
  any_ = true;
}

void CouponsHeld::Issue(size_t coupon, const Terms& terms) {
  const bool local = rules_.local && !terms.of_pool;
  const bool may_be_refused =
      terms.optional || (terms.skips_refused && !local) || (rules_.limited && may_skip_);
  if (!may_be_refused && terms.when.empty()) {
    Hold(coupon);
  }
  if (!local) {
    // The answer of the provider or the pool ends the run, as a wait does.
    Wait(terms.when.empty());
  } else if (may_be_refused && !waited_) {
    refusable_.insert(coupon);
  } else if (IsSteady(terms.when)) {
    conditional_[coupon] = terms.when;
  }
}

void CouponsHeld::Wait(bool always) {
  may_skip_ = true;
  conditional_.clear();
  if (always) {
    waited_ = true;
    refusable_.clear();
  }
}

void CouponsHeld::Assume(const std::string& condition) {
  for (const auto& [coupon, when] : conditional_) {
    if (when == condition) {
      Hold(coupon);
    }
  }
  if (condition.find("||") != std::string::npos || condition.find('?') != std::string::npos) {
    return;
  }
  static const re2::RE2 kAsked(R"(\s*coupons\.(\w+)\.(issued|redeemed|expired)\s*)");
  for (size_t begin = 0; begin <= condition.size();) {
    const size_t end = std::min(condition.find("&&", begin), condition.size());
    std::string name;
    std::string state;
    if (re2::RE2::FullMatch(re2::StringPiece(condition.data() + begin, end - begin), kAsked, &name,
                            &state)) {
      const size_t coupon = IndexOf(name);
      // "issued" counts on what the run is about to issue; the other two take time.
      if (coupon < names_->size() && (state != "issued" || !refusable_.contains(coupon))) {
        Hold(coupon);
      }
    }
    begin = end + 2;
  }
}

void CouponsHeld::AssumeAll() {
  for (size_t coupon = 0; coupon < names_->size(); ++coupon) {
    Hold(coupon);
  }
}

void CouponsHeld::Meet(const CouponsHeld& other) {
  if (other.ended_ || ended_) {
    *this = ended_ ? other : *this;
    return;
  }
  std::erase_if(held_, [&](size_t coupon) { return !other.held_.contains(coupon); });
  std::erase_if(conditional_,
                [&](const auto& entry) { return !other.conditional_.contains(entry.first); });
  any_ = any_ && other.any_;  // perhaps another one on each way
  refusable_.insert(other.refusable_.begin(), other.refusable_.end());
  may_skip_ = may_skip_ || other.may_skip_;
  waited_ = waited_ && other.waited_;
}

bool CouponsHeld::Holds(std::string_view name) const {
  return held_.contains(IndexOf(name));
}

size_t CouponsHeld::IndexOf(std::string_view name) const {
  return static_cast<size_t>(std::find(names_->begin(), names_->end(), name) - names_->begin());
}

}  // namespace huitou::config
