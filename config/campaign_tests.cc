#include "config/campaign_tests.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <utility>

#include "config/campaign_tables.h"
#include "config/event_json.h"
#include "config/limits.h"
#include "config/phone.h"
#include "config/reader.h"
#include "triggers/base/json.h"
#include "triggers/decision.h"

namespace huitou::config {
namespace {

class TestParser {
 public:
  TestParser(const Reader& reader, const CampaignContext& context, const Campaign* campaign)
      : reader_(reader), shop_(context.shop), channels_(context.channels), campaign_(campaign) {}

  CampaignTest Parse(const MapReader& map);

 private:
  TestCustomer ParseCustomer(const Value& value) const;
  static Attribute ParseAttribute(const Value& value);
  void ParseEvent(const Value& item, CampaignTest* test);
  ExpectedDecision ParseExpected(const Value& item) const;
  void CheckEvent(const MapReader& map, const TestEvent& event) const;
  void CheckExpected(const MapReader& map) const;
  void CheckReason(const Value& reason, std::string_view outcome) const;
  void CheckChannel(const Value& channel) const;
  void CheckPool(const Value& entry) const;
  std::optional<TimeUs> Time(const Value& value) const;

  const Reader& reader_;
  const Shop& shop_;
  const ChannelSchemas* const channels_;  // null: not known
  const Campaign* const campaign_;        // null: not known
  std::optional<TimeUs> start_;           // of the first event
  std::vector<std::string> customers_;    // of this test
};

std::optional<TimeUs> TestParser::Time(const Value& value) const {
  if (!value.present()) {
    return std::nullopt;
  }
  if (value.is_text() && value.node().text.starts_with('+')) {
    if (!start_) {
      value.Refuse("a time with its zone, in the first event",
                   "write it like 2026-01-01T10:00+08:00");
      return std::nullopt;
    }
    const auto offset = ParseDuration(std::string_view(value.node().text).substr(1));
    if (!offset || *offset > limits::kDurationDaysMax * kDayUs) {
      value.Refuse("a time or a duration from the first event", "write it like +46d or +1d12h");
      return std::nullopt;
    }
    return *start_ + *offset;
  }
  return value.Instant(shop_.zone, false);
}

Attribute TestParser::ParseAttribute(const Value& value) {
  Attribute attribute;
  attribute.name = value.name();
  const std::string json = ToEventJson(value);
  const char* end = json.data() + json.size();
  if (json.starts_with('"')) {
    attribute.text = value.node().text;
  } else if (json == "true" || json == "false") {
    attribute.kind = Attribute::Kind::kBool;
    attribute.integer = json == "true" ? 1 : 0;
  } else if (std::from_chars(json.data(), end, attribute.integer).ptr == end) {
    attribute.kind = Attribute::Kind::kInt;
  } else if (value.is_text()) {
    attribute.kind = Attribute::Kind::kDouble;
    std::from_chars(json.data(), end, attribute.real);
  } else {
    attribute.kind = Attribute::Kind::kJson;
    attribute.text = json;
  }
  return attribute;
}

TestCustomer TestParser::ParseCustomer(const Value& value) const {
  TestCustomer customer;
  customer.id = value.name();
  const MapReader map(value, TestCustomerTable());
  if (!map.valid()) {
    return customer;
  }
  Profile& profile = customer.profile;
  profile.phone = NormalisePhone(map["phone"].Text().value_or(""), shop_.country);
  profile.email = map["email"].Text().value_or("");
  profile.wechat_openid = map["wechat_openid"].Text().value_or("");
  profile.locale = map["locale"].Locale().value_or("");
  if (map["timezone"].TimeZone()) {
    profile.timezone = map["timezone"].node().text;
  }
  profile.region = map["region"].Text().value_or("");
  profile.birthday = map["birthday"].Text().value_or("");
  profile.tags = map["tags"].Texts();
  std::sort(profile.tags.begin(), profile.tags.end());
  for (const Value& entry : map["attributes"].Entries()) {
    profile.attributes.push_back(ParseAttribute(entry));
  }
  std::sort(profile.attributes.begin(), profile.attributes.end(),
            [](const Attribute& a, const Attribute& b) { return a.name < b.name; });
  customer.consents = map["consents"].Texts();
  for (const Value& channel : map["consents"].Items()) {
    CheckChannel(channel);
  }
  return customer;
}

void TestParser::ParseEvent(const Value& item, CampaignTest* test) {
  const MapReader map(reader_, item.node(), TestEventTable());
  if (!map.valid()) {
    return;
  }
  const auto time = Time(map["at"]);
  if (!start_) {
    start_ = time;
  }
  const std::string number = std::to_string(test->events.size() + 1);
  JsonObject json;
  json.Add("id", map["id"].Text().value_or("e" + number));
  json.Add("type", map["type"].EventName().value_or(""));
  json.Add("time", FormatRfc3339(time.value_or(0)));
  const Value customer = map["customer"];
  if (customer.is_map()) {
    json.AddRaw("customer", ToEventJson(customer));
    for (const auto& [key, value] : customer.node().entries) {
      if (key->text == "id") {
        customers_.push_back(value->text);
      }
    }
  } else if (const auto id = customer.Text()) {
    customers_.push_back(*id);
    JsonObject object;
    object.Add("id", *id);
    json.AddRaw("customer", object.Close());
  }
  TestEvent event{reader_.document().PlaceOf(item.node()), time.value_or(0), {}, {}, {}};
  for (const std::string_view name : {"order", "review", "consent", "coupon", "message"}) {
    const Value value = map[name];
    if (value.is_text() && (name == "coupon" || name == "message")) {
      (name == "coupon" ? event.coupon_step : event.message_step) = value.node().text;
    } else if (value && !value.is_map()) {
      value.Refuse("a map of its fields");
    } else if (value) {
      json.AddRaw(name, ToEventJson(value));
    }
  }
  for (const Value& entry : map["attributes"].Entries()) {
    json.AddRaw(entry.name(), ToEventJson(entry));
  }
  CheckEvent(map, event);
  event.json = json.Close();
  test->events.push_back(std::move(event));
}

ExpectedDecision TestParser::ParseExpected(const Value& item) const {
  ExpectedDecision expected;
  expected.place = reader_.document().PlaceOf(item.node());
  const MapReader map(reader_, item.node(), ExpectTable());
  if (!map.valid()) {
    return expected;
  }
  expected.at = Time(map["at"]);
  expected.until = Time(map["until"]);
  expected.amount = map["amount"].MoneyIn(shop_.currency);
  expected.text = map["text"].Text();
  if (map["outcome"].Enum()) {
    expected.fields["outcome"] = map["outcome"].node().text;
  }
  for (const std::string_view name :
       {"customer", "clock", "reason", "step", "channel", "template", "coupon", "arm", "variant"}) {
    if (auto text = map[name].Text()) {
      expected.fields[std::string(name)] = std::move(*text);
    }
  }
  if (item.node().entries.empty()) {
    reader_.Error(item.node(), "an expected decision that says nothing",
                  "write " + std::string(ExpectTable().example));
  }
  CheckExpected(map);
  return expected;
}

// A word that no decision of this campaign can show is misspelt.
void TellUnless(const std::vector<std::string>& known, const Value& value, std::string_view what) {
  if (value.is_text() && std::find(known.begin(), known.end(), value.node().text) == known.end()) {
    value.reader().Error(value.node(), std::string(what) + " " + Quote(value.node().text),
                         Choices(value.node().text, known));
  }
}

// A channel that the config lacks is told where the campaign sends by it, not in each test.
void TestParser::CheckChannel(const Value& channel) const {
  if (channels_ == nullptr || campaign_ == nullptr) {
    return;
  }
  std::vector<std::string> names;
  for (const auto& [name, schema] : *channels_) {
    names.push_back(name);
  }
  TellUnless(names, channel, "the config file has no channel");
}

void TestParser::CheckReason(const Value& reason, std::string_view outcome) const {
  std::vector<std::string> words;
  if (outcome == "exited" && campaign_ != nullptr) {
    words.emplace_back("exit");
    for (const ExitRule& exit : campaign_->exits) {
      words.push_back(exit.on);
    }
  } else if (outcome == "rejected" || outcome == "deferred" || outcome == "skipped") {
    for (auto word = Reason::kActive; word <= Reason::kExpired;
         word = static_cast<Reason>(static_cast<int>(word) + 1)) {
      words.emplace_back(ToString(word));
    }
  } else {
    return;
  }
  TellUnless(words, reason, "nothing is " + std::string(outcome) + " for the reason");
}

// Names of all steps, those of branches included; `which` picks some.
template <typename Which>
void CollectSteps(const std::vector<Step>& steps, const Which& which,
                  std::vector<std::string>* names) {
  for (const Step& step : steps) {
    if (auto name = which(step)) {
      names->push_back(std::move(*name));
    }
    if (const auto* branch = std::get_if<BranchStep>(&step.action)) {
      for (const BranchArm& arm : branch->arms) {
        CollectSteps(arm.steps, which, names);
      }
    }
  }
}

// Those of one kind, such as CouponStep.
template <typename Kind>
std::vector<std::string> StepsOf(const Campaign& campaign) {
  std::vector<std::string> names;
  CollectSteps(
      campaign.steps,
      [](const Step& step) {
        return std::holds_alternative<Kind>(step.action) ? std::optional(step.name())
                                                         : std::nullopt;
      },
      &names);
  return names;
}

void TestParser::CheckEvent(const MapReader& map, const TestEvent& event) const {
  if (campaign_ != nullptr && !event.coupon_step.empty()) {
    TellUnless(StepsOf<CouponStep>(*campaign_), map["coupon"], "the campaign has no coupon step");
  }
  if (campaign_ != nullptr && !event.message_step.empty()) {
    TellUnless(StepsOf<SendStep>(*campaign_), map["message"], "the campaign has no send step");
  }
}

void TestParser::CheckExpected(const MapReader& map) const {
  using Name = std::optional<std::string>;
  CheckChannel(map["channel"]);
  CheckReason(map["reason"], map["outcome"].is_text() ? map["outcome"].node().text : "");
  TellUnless({"treated", "holdout"}, map["arm"], "there is no arm");
  TellUnless(customers_, map["customer"], "in this test there is no customer");
  if (campaign_ == nullptr) {
    return;
  }
  std::vector<std::string> steps;
  CollectSteps(
      campaign_->steps, [](const Step& step) { return Name(step.name()); }, &steps);
  TellUnless(steps, map["step"], "the campaign has no step");
  TellUnless(StepsOf<CouponStep>(*campaign_), map["coupon"], "the campaign has no coupon step");
  std::vector<std::string> templates;
  CollectSteps(
      campaign_->steps,
      [](const Step& step) {
        const auto* send = std::get_if<SendStep>(&step.action);
        return send == nullptr ? Name() : Name(send->template_name);
      },
      &templates);
  TellUnless(templates, map["template"], "the campaign sends no template");
  std::vector<std::string> variants;
  for (const Variant& variant : campaign_->variants) {
    variants.push_back(variant.name);
  }
  TellUnless(variants, map["variant"], "the campaign has no variant");
}

void TestParser::CheckPool(const Value& entry) const {
  std::vector<std::string> pools;
  for (const Step* step :
       campaign_ == nullptr ? std::vector<const Step*>() : campaign_->coupon_steps) {
    pools.push_back(std::get<CouponStep>(step->action).pool);
  }
  if (campaign_ != nullptr && std::find(pools.begin(), pools.end(), entry.name()) == pools.end()) {
    std::erase(pools, "");
    entry.reader().Error(entry.name_node(),
                         "no coupon of the campaign has codes of pool " + Quote(entry.name()),
                         Choices(entry.name(), pools));
  }
}

CampaignTest TestParser::Parse(const MapReader& map) {
  CampaignTest test;
  test.place = reader_.document().PlaceOf(map.node());
  test.name = map["name"].Text().value_or("");
  for (const Value& entry : map["customers"].Entries()) {
    test.customers.push_back(ParseCustomer(entry));
    customers_.push_back(entry.name());
  }
  const std::vector<Value> events = map["events"].Items();
  if (events.empty() && map["events"].is_list()) {
    map["events"].Error("is empty", "a test begins with an event");
  } else if (events.size() > limits::kTestEventsMax) {
    map["events"].Error("is too long", "at most " + std::to_string(limits::kTestEventsMax));
    return test;
  }
  for (const Value& item : events) {
    ParseEvent(item, &test);
  }
  for (const TestEvent& event : test.events) {
    test.until = std::max(test.until, event.time);
  }
  test.until = Time(map["until"]).value_or(test.until);
  test.holdout = map["holdout"].Switch().value_or(false);
  for (const Value& entry : map["pools"].Entries()) {
    CheckPool(entry);
    test.pools[entry.name()] = entry.Integer(0, std::numeric_limits<int64_t>::max()).value_or(0);
  }
  for (const Value& item : map["expect"].Items()) {
    test.expect.push_back(ParseExpected(item));
  }
  return test;
}

}  // namespace

std::vector<CampaignTest> ParseCampaignTests(const Document& document,
                                             const CampaignContext& context,
                                             const Campaign* campaign, Diagnostics* diagnostics) {
  std::vector<CampaignTest> tests;
  if (document.root().kind != Node::Kind::kMap) {
    return tests;
  }
  // The keys around are checked where the campaign is parsed.
  Diagnostics around;
  const Reader quiet(document, &around);
  const MapReader map_around(quiet, document.root(), CampaignTable());
  const Value found = map_around["tests"];
  if (!found) {
    return tests;
  }
  const Reader reader(document, diagnostics);
  const Value value(reader, "tests", &found.node(), nullptr, CampaignTable().Find("tests"));
  std::set<std::string> names;
  const std::vector<Value> items = value.Items();
  if (items.size() > limits::kTestsMax) {
    value.Error("is too long", "at most " + std::to_string(limits::kTestsMax));
    return tests;
  }
  for (const Value& item : items) {
    const size_t errors_before = diagnostics->error_count();
    const MapReader map(reader, item.node(), TestTable());
    if (!map.valid()) {
      continue;
    }
    CampaignTest test = TestParser(reader, context, campaign).Parse(map);
    if (!test.name.empty() && !names.insert(test.name).second) {
      reader.Error(map["name"].node(), "another test has this name", "give each its own");
    }
    if (diagnostics->error_count() == errors_before) {
      tests.push_back(std::move(test));
    }
  }
  return tests;
}

bool MatchesGlob(std::string_view pattern, std::string_view text) {
  // The last star takes as much as is needed; going back to it alone is enough.
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') {
    ++p;
  }
  return p == pattern.size();
}

}  // namespace huitou::config
