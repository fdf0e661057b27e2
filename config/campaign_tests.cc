#include "config/campaign_tests.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "config/campaign_tables.h"
#include "config/event_json.h"
#include "config/limits.h"
#include "config/reader.h"
#include "triggers/base/json.h"

namespace huitou::config {
namespace {

class TestParser {
 public:
  TestParser(const Reader& reader, const Shop& shop) : reader_(reader), shop_(shop) {}

  CampaignTest Parse(const MapReader& map);

 private:
  TestCustomer ParseCustomer(const Value& value) const;
  static Attribute ParseAttribute(const Value& value);
  void ParseEvent(const Value& item, CampaignTest* test);
  ExpectedDecision ParseExpected(const Value& item) const;
  std::optional<TimeUs> Time(const Value& value) const;

  const Reader& reader_;
  const Shop& shop_;
  std::optional<TimeUs> start_;  // of the first event
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
  profile.phone = map["phone"].Text().value_or("");
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
  } else if (const auto id = customer.Text()) {
    JsonObject object;
    object.Add("id", *id);
    json.AddRaw("customer", object.Close());
  }
  for (const std::string_view name : {"order", "review", "consent", "coupon", "message"}) {
    const Value value = map[name];
    if (value && !value.is_map()) {
      value.Refuse("a map of its fields");
    } else if (value) {
      json.AddRaw(name, ToEventJson(value));
    }
  }
  for (const Value& entry : map["attributes"].Entries()) {
    json.AddRaw(entry.name(), ToEventJson(entry));
  }
  test->events.push_back({reader_.document().PlaceOf(item.node()), time.value_or(0), json.Close()});
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
  return expected;
}

CampaignTest TestParser::Parse(const MapReader& map) {
  CampaignTest test;
  test.place = reader_.document().PlaceOf(map.node());
  test.name = map["name"].Text().value_or("");
  for (const Value& entry : map["customers"].Entries()) {
    test.customers.push_back(ParseCustomer(entry));
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
  for (const Value& item : map["expect"].Items()) {
    test.expect.push_back(ParseExpected(item));
  }
  return test;
}

}  // namespace

std::vector<CampaignTest> ParseCampaignTests(const Document& document, const Shop& shop,
                                             Diagnostics* diagnostics) {
  std::vector<CampaignTest> tests;
  if (document.root().kind != Node::Kind::kMap) {
    return tests;
  }
  // The keys around are checked where the campaign is parsed.
  Diagnostics around;
  const Reader quiet(document, &around);
  const MapReader campaign(quiet, document.root(), CampaignTable());
  const Value found = campaign["tests"];
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
    CampaignTest test = TestParser(reader, shop).Parse(map);
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
