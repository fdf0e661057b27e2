// What conditions may read of an event.
#include "triggers/vocabulary.h"

#include <gtest/gtest.h>

#include "triggers/event.h"

namespace huitou {
namespace {

// The condition's value as JSON, or its mistake.
std::string Value(const std::string& text, const Event& event) {
  const cel::Compiled compiled = cel::Compile(text, ConditionEnvironment({}));
  if (!compiled.ok()) {
    return compiled.errors.front().message;
  }
  Binding binding;
  binding.event = &event;
  cel::Arena arena;
  const cel::Value value = Evaluate(compiled.program, binding, arena);
  return value.is_error() ? "error: " + std::string(value.as_string()) : cel::ToJson(value);
}

TEST(Vocabulary, ReadsConsentCouponAndMessageOfAnEvent) {
  const ConsentChange consent{"sms", "marketing", "", 2};
  const CouponReference coupon{"K7", "", 550, *Currency::Parse("CNY")};
  const MessageReference message{"d1", "sms", "blocked", "TD"};
  Event event;
  event.consent = &consent;
  event.coupon = &coupon;
  event.message = &message;
  EXPECT_EQ(Value("event.consent.class == 'marketing' && event.consent.credits > 1", event),
            "true");
  EXPECT_EQ(Value("has(event.consent.template)", event), "false");
  EXPECT_EQ(Value("event.coupon.code", event), "\"K7\"");
  EXPECT_EQ(Value("has(event.coupon.amount) && event.coupon.amount > 5.0", event), "true");
  EXPECT_EQ(Value("event.coupon.amount", event), "5.5");
  EXPECT_EQ(Value("has(event.coupon.dispatch) || event.message.reason == 'blocked'", event),
            "true");
  EXPECT_EQ(Value("event.message.channel + event.message.text", event), "\"smsTD\"");
}

TEST(Vocabulary, ACouponMayBeWithoutAnAmount) {
  const CouponReference coupon{"K7", "", 0, {}};
  Event event;
  event.coupon = &coupon;
  EXPECT_EQ(Value("has(event.coupon.amount)", event), "false");
  EXPECT_EQ(Value("event.coupon.amount", event), "error: the event does not say it");
}

TEST(Vocabulary, KnowsWhatAnEventDoesNotHave) {
  const Event event = {};
  EXPECT_EQ(Value("has(event.coupon) || has(event.consent) || has(event.message)", event), "false");
  EXPECT_EQ(Value("event.coupon.code == 'K'", event), "error: the event has no coupon");
  EXPECT_EQ(Value("event.coupon.cod == 'K'", event), "event.coupon has no field 'cod'");
}

}  // namespace
}  // namespace huitou
