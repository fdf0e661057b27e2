#include "config/campaign_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/campaign_tables.h"
#include "tests/config/support.h"

namespace huitou::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::shared_ptr<Campaign> Parse(const std::string& text) {
  Diagnostics diagnostics;
  const auto document = Document::Parse("f.yaml", text, &diagnostics);
  EXPECT_NE(document, nullptr);
  ParsedCampaign parsed = ParseCampaign(
      *document, {.shop = TestShop(), .channels = &TestChannels(), .templates = &TestTemplates()},
      &diagnostics);
  EXPECT_THAT(Lines(diagnostics), IsEmpty());
  return parsed.campaign;
}

TEST(CampaignFile, ReadsEveryKey) {
  const auto campaign = Parse(R"(
campaign: winback
description: for those who left
class: marketing
priority: 70
active: {from: 2026-11-01, until: 2027-03-31}
trigger:
  absence:
    after: order.paid
    of: order.paid
    per: category
    cancel: any
    within: {women.clothing: 47d, cosmetics: 76d, default: 90d}
where: customer.orders >= 1
settle: 30m
reentry: {after: 90d, key: customer.id}
exit: [{on: order.paid}, {on: review.updated, where: event.review.rating < 5}]
goal: {on: order.paid, where: event.order.total > 10.0, within: 14d}
holdout: 12.5%
variants: {a: 50%, b: 50%}
limits: {entries: 5000/d, per_customer: 3, money: 10000 CNY/mo, budget: q4}
late: {after: 1h, then: skip}
on_update: finish_old
steps:
  - id: big
    when: variant == 'a'
    optional: true
    coupon: {value: 50 CNY, min_spend: 200 CNY, expires: 30d, on_empty: skip, on_refund: revoke}
  - id: m1
    send: {template: winback, via: [wechat, sms, email], wait_receipt: 10m}
  - wait: {for: 5d, until: coupon.redeemed, where: coupons.big.issued, until_time: "10:00"}
  - branch:
      - {when: coupons.big.redeemed, steps: [{set: {tags: {add: [won], remove: [lost]}, attributes: {a: b}}}]}
      - {else: true, steps: [{emit: {type: shop.note, data: {note: "for {{customer.id}}"}}}, exit]}
)");
  ASSERT_NE(campaign, nullptr);
  EXPECT_EQ(campaign->id, "winback");
  EXPECT_EQ(campaign->priority, 70);
  EXPECT_EQ(FormatRfc3339(campaign->active_from), "2026-10-31T16:00:00Z");
  EXPECT_EQ(FormatRfc3339(campaign->active_until), "2027-03-31T16:00:00Z");
  const AbsenceTrigger* absence = campaign->absence();
  ASSERT_NE(absence, nullptr);
  EXPECT_TRUE(absence->per_category && absence->cancel_any);
  EXPECT_EQ(absence->WindowOf("cosmetics"), 76 * kDayUs);
  EXPECT_EQ(absence->WindowOf("shoes"), 90 * kDayUs);
  EXPECT_EQ(campaign->settle, 30 * kMinuteUs);
  EXPECT_EQ(campaign->reentry.rule, Reentry::Rule::kAfter);
  EXPECT_NE(campaign->reentry.key, nullptr);
  EXPECT_EQ(campaign->exits.size(), 2u);
  EXPECT_EQ(campaign->goal->within, 14 * kDayUs);
  EXPECT_EQ(campaign->holdout_share, 1250u);
  EXPECT_EQ(campaign->limits.entries, 5000);
  EXPECT_EQ(campaign->limits.money->minor, 1'000'000);
  EXPECT_EQ(campaign->limits.money_period, CampaignLimits::Period::kMonth);
  EXPECT_EQ(campaign->late.then, LateRule::Then::kSkip);
  ASSERT_EQ(campaign->coupon_steps.size(), 1u);
  const auto& coupon = std::get<CouponStep>(campaign->coupon_steps[0]->action);
  EXPECT_EQ(coupon.value.minor, 5000);
  EXPECT_EQ(coupon.on_empty, CouponStep::OnEmpty::kSkip);
  EXPECT_TRUE(coupon.revoke_on_refund);
  const auto& wait = std::get<WaitStep>(campaign->steps[2].action);
  EXPECT_EQ(wait.until_event, "coupon.redeemed");
  EXPECT_EQ(wait.until_time, 10 * kHourUs);
  const auto& branch = std::get<BranchStep>(campaign->steps[3].action);
  ASSERT_EQ(branch.arms.size(), 2u);
  EXPECT_EQ(branch.arms[1].when, nullptr);
  const auto& emit = std::get<EmitStep>(branch.arms[1].steps[0].action);
  ASSERT_EQ(emit.variables.size(), 1u);
  EXPECT_EQ(emit.variables[0].name, "customer.id");
}

TEST(CampaignFile, HasDefaults) {
  const auto campaign = Parse(CampaignWith(""));
  EXPECT_EQ(campaign->message_class, MessageClass::kMarketing);
  EXPECT_EQ(campaign->priority, 50);
  EXPECT_EQ(campaign->active_until, kTimeMax);
  EXPECT_EQ(campaign->where, nullptr);
  EXPECT_EQ(campaign->reentry.rule, Reentry::Rule::kAlways);
  EXPECT_EQ(campaign->late.after, 12 * kHourUs);
  EXPECT_EQ(campaign->late.then, LateRule::Then::kReevaluate);
}

TEST(CampaignFile, TakesTheDefaultOfAMissingVariable) {
  const auto campaign = Parse(
      "campaign: c\ntrigger: {event: order.paid}\n"
      "steps: [{send: {template: named, via: [console], defaults: {name: friend}}}]\n");
  const auto& send = std::get<SendStep>(campaign->steps[0].action);
  ASSERT_EQ(send.variables.size(), 1u);
  EXPECT_EQ(send.variables[0].name, "name");
  EXPECT_EQ(send.variables[0].default_text, "friend");
  EXPECT_EQ(send.variables[0].value->text(), "customer.attributes.name");
}

// The one mistake of a campaign.
std::string Only(const std::string& text) {
  const std::vector<std::string> lines = CampaignMistakes(text);
  return lines.size() == 1 ? lines[0] : testing::PrintToString(lines);
}

TEST(CampaignFile, TellsADefaultWindowThatIsMisspelt) {
  EXPECT_EQ(Only("campaign: c\ntrigger:\n  absence: {after: order.paid, of: order.paid,\n"
                 "    per: category, within: {defalut: 40d, men.shoes: 9d}}\nsteps: [exit]\n"),
            "4:29: warning: 'defalut' is taken for a category; did you mean 'default'?");
}

TEST(CampaignFile, HasNoClockPerCategoryOfWhatHasNoItems) {
  EXPECT_EQ(Only("campaign: c\ntrigger:\n  absence: {after: review.posted, of: review.posted,\n"
                 "    per: category, within: 9d}\nsteps: [exit]\n"),
            "4:10: error: 'per' needs an order's items, which 'review.posted' has not; leave it "
            "out, or write 'after: order.paid'");
}

TEST(CampaignFile, TellsTagsThatAreAListOnce) {
  EXPECT_THAT(Only("campaign: c\ntrigger: {event: order.paid}\nsteps: [{set: {tags: [a]}}]\n"),
              testing::StartsWith("3:"));
}

TEST(CampaignFile, SaysHowMoneyForAPeriodIsWritten) {
  EXPECT_THAT(Only(CampaignWith("limits: {money: 100}\n")),
              testing::EndsWith("write 10000 CNY/d for a day, 10000 CNY/mo for a month, or 10000 "
                                "CNY in all"));
}

struct Row {
  const char* what;
  std::string text;
  std::vector<std::string> lines;
};

class Mistake : public testing::TestWithParam<Row> {};

TEST_P(Mistake, IsToldWithWhatToType) {
  EXPECT_EQ(CampaignMistakes(GetParam().text), GetParam().lines);
}

constexpr auto kName = [](const auto& info) { return std::string(info.param.what); };

// A test of customer c that expects one decision; it begins at column 87.
std::string Expecting(const std::string& decision) {
  return "tests: [{name: a, events: [{at: 2026-01-01, type: order.paid, customer: c}], expect: [{" +
         decision + "}]}]";
}

// One line behind a good campaign, so that it is line 4.
Row Line4(const char* what, const std::string& line, const std::string& told) {
  return {what, CampaignWith(line + "\n"), {"4:" + told}};
}

INSTANTIATE_TEST_SUITE_P(
    Keys, Mistake,
    testing::Values(
        Line4("Unknown", "holdot: 10%", "1: error: unknown key 'holdot'; did you mean 'holdout'?"),
        Line4("UnknownAndFar", "xyzzy: 1", "1: error: unknown key 'xyzzy'"),
        Line4("Twice", "campaign: b",
              "1: error: key 'campaign' comes twice; the first is in line "
              "1"),
        Line4("Empty", "where:", "1: error: 'where' has no value; write one or remove the key"),
        Line4("Pace", "pace: 1000/m", "1: error: 'pace' comes with a later version"),
        Line4("Migrate", "on_update: migrate",
              "12: error: 'migrate' comes with a later version; write finish_old"),
        Line4("Class", "class: marketting",
              "8: error: 'class' must be marketing or transactional, not 'marketting'; did you "
              "mean 'marketing'?"),
        Line4("Priority", "priority: 1001",
              "11: error: 'priority' must be from 0 to 1000, not '1001'"),
        Line4("PriorityQuoted", "priority: \"7\"",
              "11: error: 'priority' must be a whole number, not '7'; write it without quotes"),
        Line4("ActiveTurned", "active: {from: 2026-02-01, until: 2026-01-01}",
              "35: error: 'until' is before 'from'; no customer could ever enter"),
        Line4("ActiveDay", "active: {from: 2026-02-30}",
              "16: error: 'from' must be a date, not '2026-02-30'; write it like 2026-11-01, "
              "2026-11-01T09:00 or 2026-11-01T09:00:00+08:00"),
        Line4("Settle", "settle: 30 minutes",
              "9: error: 'settle' must be a duration, not '30 minutes'; write it like 90s, 10m, "
              "12h, 47d or 2w"),
        Line4("SettleMonth", "settle: 1mo",
              "9: error: 'settle' must be a length of time, not '1mo'; a calendar month has none; "
              "write 30d"),
        Line4("SettleAges", "settle: 9999d",
              "9: error: 'settle' must be at most 3660d, not "
              "'9999d'"),
        Line4("Reentry", "reentry: twice",
              "10: error: 'reentry' must be once or always, not 'twice'"),
        Line4("ReentryDuration", "reentry: 90d",
              "10: error: 'reentry' must be once, always or a map, not '90d'; write {after: 90d}"),
        Line4("ReentryEmpty", "reentry: {}",
              "10: error: 'reentry' is empty; write once, always, or {after: 90d}"),
        Line4("ReentryBoth", "reentry: {after: 1d, rule: once}",
              "28: error: 'rule' contradicts 'after'; keep one of them"),
        Line4("ExitText", "exit: order.paid",
              "7: error: 'exit' must be a list of maps, not 'order.paid'"),
        Line4("ExitItem", "exit: [order.paid]",
              "8: error: an exit rule must be a map of keys; write {on: order.paid}"),
        Line4("GoalWithout", "goal: {on: order.paid}",
              "7: error: 'within' is missing; add 'within:' with a duration such as 90s, 10m, "
              "12h, 47d or 2w"),
        Line4("GoalZero", "goal: {on: order.paid, within: 0s}",
              "32: error: 'within' must be longer than zero, not '0s'"),
        Line4("Holdout", "holdout: 10",
              "10: error: 'holdout' must be a percentage from 0% to 100%, not '10'; write 10%"),
        Line4("HoldoutMuch", "holdout: 110%",
              "10: error: 'holdout' must be a percentage from 0% to 100%, not '110%'"),
        Line4("Variants", "variants: {a: 50%, b: 49.5%}",
              "11: error: 'variants' add up to 99.50%; make it 100%"),
        Line4("VariantTwice", "variants: {a: 50%, a: 50%, b: 50%}",
              "20: error: 'a' comes twice; the first is in line 4"),
        Line4("VariantName", "variants: {a b: 100%}",
              "12: error: 'a b' is no name; write letters, digits, '_' and '-', at most 64"),
        Line4("Entries", "limits: {entries: 5000/day}",
              "19: error: 'entries' must be a number for a period, not '5000/day'; write 100/h, "
              "5000/d, 20000/mo, or 5000 for ever"),
        Line4("PerCustomer", "limits: {per_customer: 0}",
              "24: error: 'per_customer' must be at least 1, not '0'"),
        Line4("MoneyCurrency", "limits: {money: 10 USD/d}",
              "17: error: 'money' must be in the shop's currency, not '10 USD/d'; write it in "
              "CNY"),
        Line4("Budget", "limits: {budget: q3}",
              "18: error: no budget 'q3' in the shop file; did you mean 'q4'?"),
        Line4("HoldoutShare", "holdout: 0.1",
              "10: error: 'holdout' must be a percentage from 0% to 100%, not '0.1'; write 10% "
              "for one in ten"),
        Line4("Late", "late: {then: ignore}",
              "14: error: 'then' must be fire, reevaluate or skip, not 'ignore'")),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Conditions, Mistake,
    testing::Values(
        Line4("Name", "where: custmer.orders > 1",
              "8: error: unknown name 'custmer'; did you mean 'customer'?"),
        Line4("Field", "where: \"customer.ordrs > 1\"",
              "18: error: customer has no field 'ordrs'; did you mean 'customer.orders'?"),
        Line4("TextWithoutQuotes", "where: customer.tier == gold",
              "25: error: unknown name 'gold'; known here: event, trigger, customer, now, coupons, "
              "messages, variant; a text needs quotes: 'gold'"),
        Line4("CouponThatIsNone", "where: coupons.big.redeemed",
              "16: error: coupons has no field 'big'; a step is named by its 'id:'; give it one"),
        Line4("Not", "where: !customer.orders",
              "8: error: a YAML tag has no meaning here; put a text that begins with '!' between "
              "quotes"),
        Row{"EventOfAnAbsence",
            "campaign: c\ntrigger: {absence: {after: order.paid, of: order.paid, within: 30d}}\n"
            "where: customer.orders > 1 && event.order.total > 9.0\n"
            "steps: [{when: trigger.order.total > 9.0, exit: true}]\n",
            {"3:31: error: an absence has no 'event': it fires because none came; ask the "
             "customer, such as customer.last_order_at; exit:, goal: and wait: see events",
             "4:16: error: an absence has no 'trigger': it fires because none came; ask the "
             "customer, such as customer.last_order_at; exit:, goal: and wait: see events"}},
        Line4("Later", "where: customer.rfm.r > 3", "17: error: 'rfm' comes with a later version"),
        Line4("Segment", "where: customer.in_segment('regular')",
              "29: error: no segment 'regular' in the shop file; did you mean 'regulars'?"),
        Line4("List", "where: [a]",
              "8: error: 'where' must be a condition in CEL, as text, not a list")),
    kName);

// A trigger in line 2.
Row Trigger(const char* what, const std::string& trigger, std::vector<std::string> told) {
  for (std::string& line : told) {
    line.insert(0, "2:");
  }
  return {
      what,
      "campaign: c\ntrigger: " + trigger + "\nsteps: [{send: {template: winback, via: [sms]}}]\n",
      std::move(told)};
}

INSTANTIATE_TEST_SUITE_P(
    Triggers, Mistake,
    testing::Values(
        Trigger("None", "{}",
                {"10: error: a trigger needs one of its keys; one of: event, "
                 "absence"}),
        Trigger("Two",
                "{event: order.paid, absence: {after: order.paid, of: order.paid, within: "
                "1d}}",
                {"30: error: 'absence' beside 'event'; a trigger has exactly one of: event, "
                 "absence"}),
        Trigger("Sequence", "{sequence: [{event: order.paid}]}",
                {"11: error: 'sequence' comes with a later version"}),
        Trigger("Schedule", "{schedule: {cron: \"0 10 * * 1\"}}",
                {"11: error: 'schedule' comes with a later version"}),
        Trigger("Typo", "{evnt: order.paid}",
                {"11: error: unknown key 'evnt'; did you mean 'event'?"}),
        Trigger("EventUndotted", "{event: paid}",
                {"18: error: 'event' must be an event such as order.paid, not 'paid'"}),
        Trigger("EventNear", "{event: order.payed}",
                {"18: warning: 'order.payed' is no event type that Huitou knows; did you mean "
                 "'order.paid'?"}),
        Trigger("AbsenceText", "{absence: 47d}",
                {"20: error: 'absence' must be a map of keys, not '47d'; write {after: "
                 "order.paid, of: order.paid, within: 47d}"}),
        Trigger("Learned", "{absence: {after: order.paid, of: order.paid, within: learned p50}}",
                {"64: error: 'learned' windows come with a later version; write a duration "
                 "such as 47d"}),
        Trigger("WindowZero", "{absence: {after: order.paid, of: order.paid, within: 0d}}",
                {"64: error: 'within' must be longer than zero, not '0d'"}),
        Trigger("WindowsWithoutCategory",
                "{absence: {after: order.paid, of: order.paid, within: {a: 1d}}}",
                {"64: error: 'within' has a window per category, so 'per: category' is missing; "
                 "add 'per: category', or write one duration"}),
        Trigger("CancelWithoutCategory",
                "{absence: {after: order.paid, of: order.paid, cancel: any, within: 1d}}",
                {"64: error: 'cancel' belongs to 'per: category'; a clock per customer has one "
                 "way to stop"})),
    kName);

// Steps from line 4 on.
Row Steps(const char* what, const std::string& steps, std::vector<std::string> told) {
  return {what, "campaign: c\ntrigger: {event: order.paid}\nsteps:\n" + steps + "\n",
          std::move(told)};
}

INSTANTIATE_TEST_SUITE_P(
    Steps, Mistake,
    testing::Values(
        Steps("None", "  []",
              {"4:3: error: 'steps' is empty; add a step, such as - {send: "
               "{template: winback, via: [sms]}}"}),
        Steps("Unknown", "  - sned: {}", {"4:5: error: unknown key 'sned'; did you mean 'send'?"}),
        Steps("Credit", "  - credit: {value: 5 CNY}",
              {"4:5: error: 'credit' comes with a later version"}),
        Steps("NoAction", "  - id: a",
              {"4:5: error: a step needs one of its keys; one of: coupon, send, wait, branch, "
               "emit, set, exit"}),
        Steps("TwoActions", "  - {exit: true, wait: {for: 1d}}",
              {"4:18: error: 'wait' beside 'exit'; a step has exactly one of: coupon, send, wait, "
               "branch, emit, set, exit"}),
        Steps("IdTwice", "  - {id: a, exit: true, when: 'true'}\n  - {id: a, wait: {for: 1d}}",
              {"5:10: error: another step has the id 'a'; give each step its own"}),
        Steps("IdNumber", "  - {id: 2, wait: {for: 1d}}",
              {"4:10: error: 'id' must begin with a letter; a bare number is a step's position"}),
        Steps("CouponBare", "  - coupon: {value: 50}",
              {"4:21: error: 'value' must be money, not '50'; write 50 CNY"}),
        Steps("CouponCurrency", "  - coupon: {value: 50 USD}",
              {"4:21: error: 'value' must be in the shop's currency, not '50 USD'; write it in "
               "CNY"}),
        Steps("CouponNothing", "  - coupon: {value: 0 CNY}",
              {"4:21: error: 'value' must be more than zero, not '0 CNY'"}),
        Steps("CouponPool", "  - coupon: {value: 5 CNY, codes: pool:winback-5}",
              {"4:35: error: no pool 'winback-5' in the shop file; did you mean 'winback-50'?"}),
        Steps("CouponCodes", "  - coupon: {value: 5 CNY, codes: winback-50}",
              {"4:35: error: 'codes' must be a pool of the shop file, not 'winback-50'; write "
               "pool:winback-50"}),
        Steps("SendNothing", "  - send: {}",
              {"4:11: error: 'template' is missing; add 'template:' with a name of letters, "
               "digits, '_' and '-'",
               "4:11: error: 'via' is missing; add 'via:' with a list such as [a, b]"}),
        Steps("NoTemplate", "  - send: {template: winbak, via: [sms]}",
              {"4:22: error: no template 'winbak'; did you mean 'winback'?"}),
        Steps("NoTemplateForChannel", "  - send: {template: last-call, via: [sms, email]}",
              {"4:22: error: no template 'last-call' for channel 'email' in zh-CN; write "
               "last-call.zh-CN.email.mustache"}),
        Steps("NoChannel", "  - send: {template: winback, via: [sms, wecaht]}",
              {"4:42: error: no channel 'wecaht' in the config file; did you mean 'wechat'?"}),
        Steps("ChannelTwice", "  - send: {template: winback, via: [sms, sms]}",
              {"4:42: error: channel 'sms' comes twice; remove one"}),
        Steps("UnknownKind", "  - sleep: 5d",
              {"4:5: error: unknown key 'sleep'; a step is one of: coupon, send, wait, branch, "
               "emit, set, exit"}),
        Steps("ViaText", "  - send: {template: winback, via: sms}",
              {"4:36: error: 'via' must be a list such as [a, b], not 'sms'; write [sms]"}),
        Steps("ReceiptOfOne", "  - send: {template: winback, via: [sms], wait_receipt: 1m}",
              {"4:57: warning: 'wait_receipt' does nothing with a single channel; add a channel "
               "to 'via:' to fall back to"}),
        Steps("UnguardedVariable", "  - send: {template: named, via: [console]}",
              {"t/named.console.mustache:1:9: error: 'name' may be missing; write "
               "{{#name}}...{{/name}} around it, or give it a value in the step's 'defaults:'"}),
        Steps("DefaultOfNothing",
              "  - send: {template: named, via: [console], defaults: {name: x, nmae: y}}",
              {"4:65: warning: no template reads 'nmae'; did you mean 'name'?"}),
        Steps("WaitNothing", "  - wait: {}",
              {"4:11: error: 'wait' needs 'for:', 'until:' or 'until_time:'; write {for: 5d, "
               "until: coupon.redeemed}"}),
        Steps("WaitEver", "  - wait: {until: order.paid}",
              {"4:19: warning: 'until' waits for ever where 'order.paid' never comes; add 'for:' "
               "with the longest time"}),
        Steps("WaitWhere", "  - wait: {for: 1d, where: 'true'}",
              {"4:28: error: 'where' belongs to an 'until:'; add the event that it is asked of"}),
        Steps("WaitTime", "  - wait: {until_time: 25:00}",
              {"4:24: error: 'until_time' must be a time of day, not '25:00'; write it like "
               "\"09:00\""}),
        Steps("BranchEmpty", "  - branch: []",
              {"4:13: error: 'branch' is empty; add an arm, such as - {when: "
               "coupons.big.redeemed, steps: [...]}"}),
        Steps("ElseFirst",
              "  - branch:\n      - {else: true, steps: [exit]}\n      - {when: 'true', steps: "
              "[exit]}",
              {"5:16: error: 'else' must be the last arm; move it to the end"}),
        Steps("CouponUnknown", "  - {when: coupons.big.issued, exit: true}",
              {"4:20: error: coupons has no field 'big'; a step is named by its 'id:'; give it "
               "one"}),
        Steps("EmitUnknown", "  - emit: {type: shop.note, data: {n: \"x {{custmer.id}}\"}}",
              {"4:44: error: unknown name 'custmer'; did you mean 'customer'?"}),
        Steps("EmitUnclosed", "  - emit: {type: shop.note, data: {n: \"x {{customer.id\"}}",
              {"4:42: error: a tag is never closed; add }}"}),
        Steps("SetNothing", "  - set: {}",
              {"4:10: error: a set that changes nothing; write {tags: {add: [won-back]}}"}),
        Steps("SetBoth", "  - set: {tags: {add: [a], remove: [a]}}",
              {"4:36: error: 'remove' takes away 'a', which 'add' gives; keep one of them"}),
        Steps("Unreached", "  - exit: true\n  - wait: {for: 1d}",
              {"5:5: error: this step is never reached; remove it, or give the exit above a "
               "'when:'"}),
        Steps("OptionalWait", "  - {optional: true, wait: {for: 1d}}",
              {"4:16: error: 'optional' has no meaning here; only a coupon or a send can be "
               "refused"}),
        Steps("DearerThanBudget", "  - coupon: {value: 101 CNY}\nlimits: {budget: q4}",
              {"5:9: error: 'limits' budget of 100 lets no coupon of 101 through; raise it"})),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Reviews, Mistake,
    testing::Values(
        Row{"CouponForGoodOnes",
            "campaign: c\ntrigger: {event: review.posted}\nwhere: event.review.rating >= 4\n"
            "steps: [{coupon: {value: 5 CNY}}]\n",
            {"4:10: warning: a coupon that hangs on the review's rating; rewards for favourable "
             "reviews are forbidden in China and the US: reward every review alike, or send "
             "thanks only"}},
        Row{"CouponInABranch",
            "campaign: c\ntrigger: {event: review.posted}\n"
            "steps:\n  - branch:\n      - {when: trigger.review.rating == 5, steps: [{coupon: "
            "{value: 5 CNY}}]}\n",
            {"5:53: warning: a coupon that hangs on the review's rating; rewards for favourable "
             "reviews are forbidden in China and the US: reward every review alike, or send "
             "thanks only"}},
        Row{"CouponForAll",
            "campaign: c\ntrigger: {event: review.posted}\nwhere: event.review.rating >= 1\n"
            "steps: [{coupon: {value: 5 CNY}}]\n",
            {}}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Tests, Mistake,
    testing::Values(
        Line4("WithoutName",
              "tests: [{events: [{at: 2026-01-01, type: order.paid, customer: c}], expect: []}]",
              "9: error: 'name' is missing; add 'name:' with text"),
        Line4("At",
              "tests: [{name: a, events: [{at: +1d, type: order.paid, customer: c}], "
              "expect: []}]",
              "33: error: 'at' must be a time with its zone, in the first event, not '+1d'; write "
              "it like 2026-01-01T10:00+08:00"),
        Line4("CouponOfAnEvent",
              "tests: [{name: a, events: [{at: 2026-01-01, type: coupon.redeemed, customer: c, "
              "coupon: big}], expect: []}]",
              "89: error: the campaign has no coupon step 'big'"),
        Line4("MessageOfAnEvent",
              "tests: [{name: a, events: [{at: 2026-01-01, type: message.clicked, customer: c, "
              "message: m1}], expect: []}]",
              "90: error: the campaign has no send step 'm1'; the only one is 0"),
        Line4("Pools",
              "tests: [{name: a, pools: {big: 1}, events: [{at: 2026-01-01, type: order.paid, "
              "customer: c}], expect: []}]",
              "27: error: no coupon of the campaign has codes of pool 'big'"),
        Line4("Outcome",
              "tests: [{name: a, events: [{at: 2026-01-01, type: order.paid, customer: c}], "
              "expect: [{outcome: entred}]}]",
              "97: error: 'outcome' must be rejected, deferred, entered, issued, dispatched, "
              "emitted, skipped, converted, exited, completed or failed, not 'entred'; did you "
              "mean 'entered'?"),
        Line4("Consents",
              "tests: [{name: a, customers: {c: {consents: [fax]}}, events: [{at: 2026-01-01, "
              "type: order.paid, customer: c}], expect: []}]",
              "46: error: the config file has no channel 'fax'; one of: console, email, sms, "
              "wechat"),
        Line4("ReasonOfARefusal", Expecting("outcome: rejected, reason: consents"),
              "115: error: nothing is rejected for the reason 'consents'; did you mean "
              "'consent'?"),
        Line4("ReasonOfAnExit", Expecting("outcome: exited, reason: order.paid"),
              "113: error: nothing is exited for the reason 'order.paid'; the only one is exit"),
        Line4("Channel", Expecting("channel: smss"),
              "97: error: the config file has no channel 'smss'; did you mean 'sms'?"),
        Line4("Step", Expecting("step: reminder"),
              "94: error: the campaign has no step 'reminder'; the only one is 0"),
        Line4("Coupon", Expecting("coupon: big"),
              "96: error: the campaign has no coupon step 'big'"),
        Line4("Template", Expecting("template: last-call"),
              "98: error: the campaign sends no template 'last-call'; the only one is winback"),
        Line4("Variant", Expecting("variant: a"), "97: error: the campaign has no variant 'a'"),
        Line4("Arm", Expecting("arm: control"),
              "93: error: there is no arm 'control'; one of: treated, holdout"),
        Line4("Customer", Expecting("customer: d"),
              "98: error: in this test there is no customer 'd'; the only one is c")),
    kName);

TEST(CampaignFile, TellsAllMistakesAtOnce) {
  EXPECT_THAT(CampaignMistakes("campain: x\ntrigger: {event: paid}\nsteps: [{wait: {for: 1}}]\n"),
              ElementsAre("1:1: error: unknown key 'campain'; did you mean 'campaign'?",
                          "2:18: error: 'event' must be an event such as order.paid, not 'paid'",
                          "3:22: error: 'for' must be a duration, not '1'; write it like 90s, "
                          "10m, 12h, 47d or 2w"));
}

TEST(CampaignFile, FindsAConditionsMistakeInAFoldedText) {
  EXPECT_THAT(CampaignMistakes(CampaignWith("where: >-\n  customer.orders >= 1\n  && "
                                            "customer.tierr != 'black'\n")),
              ElementsAre("6:15: error: customer has no field 'tierr'; did you mean "
                          "'customer.tier'?"));
}

}  // namespace
}  // namespace huitou::config
