#include "daemon/simulate/campaign_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "daemon/decode/event_decoder.h"
#include "daemon/simulate/world.h"

namespace huitou {

namespace {

using Fields = std::map<std::string, std::string>;

// One decision as a test sees it.
struct Happening {
  TimeUs time = 0;
  TimeUs until = kTimeMin;
  Money amount;
  std::string customer;
  std::string clock;
  uint32_t seq = 0;
  Id128 dispatch;
  Fields fields;
  std::optional<std::string> text;
};

void Put(Fields* fields, const char* name, std::string_view text) {
  if (!text.empty()) {
    fields->emplace(name, text);
  }
}

Happening MakeHappening(const Decision& decision) {
  Happening happening;
  happening.time = decision.time;
  happening.until = decision.until;
  happening.amount = decision.amount;
  happening.customer = decision.customer;
  happening.clock = decision.clock;
  happening.seq = decision.seq;
  happening.dispatch = decision.dispatch;
  Fields& fields = happening.fields;
  Put(&fields, "campaign", decision.campaign);
  Put(&fields, "customer", decision.customer);
  Put(&fields, "clock", decision.clock);
  Put(&fields, "outcome", ToString(decision.outcome));
  Put(&fields, "reason", decision.reason);
  Put(&fields, "step", decision.step);
  Put(&fields, "channel", decision.channel);
  Put(&fields, "template", decision.template_name);
  Put(&fields, "coupon", decision.coupon);
  Put(&fields, "currency", decision.amount.currency.code());
  Put(&fields, "arm", decision.arm);
  Put(&fields, "variant", decision.variant);
  Put(&fields, "seq", std::to_string(decision.seq));
  if (!decision.episode.empty()) {
    fields.emplace("episode", decision.episode.ToString());
  }
  if (!decision.dispatch.empty()) {
    fields.emplace("dispatch", decision.dispatch.ToString());
  }
  return happening;
}

bool Matches(const config::ExpectedDecision& expected, const Happening& happening) {
  if ((expected.at.has_value() && *expected.at != happening.time) ||
      (expected.until.has_value() && *expected.until != happening.until) ||
      (expected.amount.has_value() && !(*expected.amount == happening.amount))) {
    return false;
  }
  if (expected.text.has_value() &&
      !config::MatchesGlob(*expected.text, happening.text.value_or(""))) {
    return false;
  }
  return std::all_of(expected.fields.begin(), expected.fields.end(), [&](const auto& field) {
    const auto found = happening.fields.find(field.first);
    return (found == happening.fields.end() ? std::string() : found->second) == field.second;
  });
}

// Times as the test wrote them: "+47d" from its first event.
std::string Relative(TimeUs time, TimeUs start) {
  return time >= start ? "+" + FormatDuration(time - start) : FormatRfc3339(time);
}

std::string Describe(const Happening& happening, TimeUs start) {
  std::string line = fmt::format("at: {}", Relative(happening.time, start));
  for (const char* name :
       {"outcome", "customer", "clock", "reason", "coupon", "channel", "template", "arm"}) {
    const auto found = happening.fields.find(name);
    if (found != happening.fields.end()) {
      line += fmt::format(", {}: {}", name, found->second);
    }
  }
  if (!happening.amount.currency.code().empty()) {
    line += fmt::format(", amount: {} {}",
                        FormatMinorShort(happening.amount.minor, happening.amount.currency),
                        happening.amount.currency.code());
  }
  if (happening.until != kTimeMin) {
    line += ", until: " + Relative(happening.until, start);
  }
  if (happening.text.has_value()) {
    line += fmt::format(", text: {:?}", *happening.text);
  }
  return line;
}

std::string Describe(const config::ExpectedDecision& expected, TimeUs start) {
  std::string line;
  const auto add = [&](std::string_view name, std::string_view text) {
    line += fmt::format("{}{}: {}", line.empty() ? "" : ", ", name, text);
  };
  if (expected.at.has_value()) {
    add("at", Relative(*expected.at, start));
  }
  for (const auto& [name, text] : expected.fields) {
    add(name, text);
  }
  if (expected.amount.has_value()) {
    add("amount",
        fmt::format("{} {}", FormatMinorShort(expected.amount->minor, expected.amount->currency),
                    expected.amount->currency.code()));
  }
  if (expected.until.has_value()) {
    add("until", Relative(*expected.until, start));
  }
  if (expected.text.has_value()) {
    add("text", fmt::format("{:?}", *expected.text));
  }
  return line;
}

// Expected and happened side by side: a longest common sequence, so that one missing line does not
// make all that follow look wrong.
std::string Difference(const std::vector<config::ExpectedDecision>& expected,
                       const std::vector<Happening>& happened, TimeUs start) {
  const size_t rows = expected.size();
  const size_t columns = happened.size();
  std::vector<std::vector<size_t>> common(rows + 1, std::vector<size_t>(columns + 1, 0));
  for (size_t i = rows; i-- > 0;) {
    for (size_t j = columns; j-- > 0;) {
      common[i][j] = Matches(expected[i], happened[j])
                         ? common[i + 1][j + 1] + 1
                         : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::string text;
  size_t i = 0;
  size_t j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && Matches(expected[i], happened[j]) &&
        common[i][j] == common[i + 1][j + 1] + 1) {
      text += "      " + Describe(happened[j], start) + "\n";
      ++i;
      ++j;
    } else if (i < rows && (j == columns || common[i + 1][j] >= common[i][j + 1])) {
      text += fmt::format("    - {}   (expected, line {})\n", Describe(expected[i], start),
                          expected[i].place.line);
      ++i;
    } else {
      text += fmt::format("    + {}   (happened)\n", Describe(happened[j], start));
      ++j;
    }
  }
  return text;
}

// The pools that a test gives a number of codes; the others have enough.
class TestPools final : public CouponStock {
 public:
  explicit TestPools(std::map<std::string, int64_t> left) : left_(std::move(left)) {}

  int64_t Left(const std::string& pool) const override {
    const auto found = left_.find(pool);
    return found == left_.end() ? std::numeric_limits<int64_t>::max() : found->second;
  }
  void Take(const std::string& pool) {
    if (const auto found = left_.find(pool); found != left_.end()) {
      --found->second;
    }
  }

 private:
  std::map<std::string, int64_t> left_;
};

class Stage {
 public:
  Stage(const config::CampaignTest& test, const std::shared_ptr<const Campaign>& campaign,
        const CampaignSet& set, const config::TemplateSet& templates)
      : test_(test),
        templates_(templates),
        campaign_(*campaign),
        pools_(test.pools),
        world_(Alone(campaign, set), {0, false, false, test.holdout, &pools_},
               [this](const Effects& effects, uint32_t) { Record(effects); }) {}

  // An error of the test itself, or the difference; empty when it passed.
  std::string Run() {
    for (const config::TestCustomer& known : test_.customers) {
      Seat(known);
    }
    const Shop& shop = world_.set().shop;
    const DecodeOptions options{.currency = shop.currency, .country = shop.country};
    EventDecoder decoder;
    Event event;
    std::string detail;
    for (const config::TestEvent& told : test_.events) {
      const EventError error = decoder.Decode(told.json, options, &event, &detail);
      if (error != EventError::kNone) {
        return fmt::format("    the event in line {} is refused: {} {}\n", told.place.line,
                           ToString(error), detail);
      }
      if (std::string missing = FillIn(told, &event); !missing.empty()) {
        return missing;
      }
      world_.Apply(event);
    }
    world_.FinishAt(test_.until);
    std::stable_sort(
        happened_.begin(), happened_.end(), [](const Happening& a, const Happening& b) {
          return std::tie(a.time, a.customer, a.clock) < std::tie(b.time, b.customer, b.clock);
        });
    bool same = happened_.size() == test_.expect.size();
    for (size_t i = 0; same && i < happened_.size(); ++i) {
      same = Matches(test_.expect[i], happened_[i]);
    }
    return same ? std::string() : Difference(test_.expect, happened_, Start()) + failed_conditions_;
  }

 private:
  static std::shared_ptr<const CampaignSet> Alone(const std::shared_ptr<const Campaign>& campaign,
                                                  const CampaignSet& set) {
    auto alone = std::make_shared<CampaignSet>(set);
    alone->campaigns = {campaign};
    alone->retired.clear();
    alone->coupons_local = true;  // tests never ask a shop for a coupon
    alone->pools_local = true;    // and touch no pool
    return alone;
  }

  void Seat(const config::TestCustomer& known) {
    CustomerTable& customers = world_.customers();
    Customer& customer = customers[customers.Number(known.id, Hash64(known.id))];
    Profile& profile = customer.MutableProfile();
    profile = known.profile;
    for (const std::string& channel : known.consents) {
      profile.consents.push_back(
          {world_.symbols().Intern(channel), MessageClass::kMarketing, true, -1, ""});
    }
  }

  // The coupon or message that the test names by its step. Empty, or what is wrong.
  std::string FillIn(const config::TestEvent& told, Event* event) {
    if (told.coupon_step.empty() && told.message_step.empty()) {
      return {};
    }
    world_.FinishAt(told.time - 1);  // what is issued before, though only now known to be due
    for (const std::string& step : {told.coupon_step, told.message_step}) {
      const auto found = left_.find({std::string(event->customer.id), step});
      if (!step.empty() && found == left_.end()) {
        return fmt::format(
            "    the event in line {} is of '{}', which customer '{}' has not had by then; "
            "what happened so far:\n{}",
            told.place.line, step, event->customer.id, Difference({}, happened_, Start()));
      }
      if (!step.empty() && step == told.coupon_step) {
        coupon_ = {found->second.code, found->second.dispatch, 0, {}};
        event->coupon = &coupon_;
      } else if (!step.empty()) {
        message_ = {found->second.dispatch, found->second.channel, {}, {}};
        event->message = &message_;
      }
    }
    return {};
  }

  void Record(const Effects& effects) {
    for (const ConditionError& error : effects.condition_errors) {
      const std::string line = fmt::format("    a condition failed: {}\n", error.why);
      failed_conditions_ += failed_conditions_.find(line) == std::string::npos ? line : "";
    }
    for (const LedgerEntry& entry : effects.ledger) {
      for (const Step* step : campaign_.coupon_steps) {
        if (step->name() == entry.coupon) {
          pools_.Take(std::get<CouponStep>(step->action).pool);
        }
      }
    }
    for (const Decision& decision : effects.decisions) {
      happened_.push_back(MakeHappening(decision));
      if (decision.outcome == OutcomeKind::kIssued ||
          decision.outcome == OutcomeKind::kDispatched) {
        Left& left = left_[{std::string(decision.customer), std::string(decision.step)}];
        left.dispatch = decision.dispatch.ToString();
        left.channel = decision.channel;
        for (const LedgerEntry& entry : effects.ledger) {
          left.code = entry.dispatch == decision.dispatch ? entry.code : left.code;
        }
      }
      for (const Dispatch& dispatch : effects.dispatches) {
        if (decision.outcome == OutcomeKind::kDispatched && dispatch.id == decision.dispatch) {
          const auto rendered = templates_.Render(dispatch.template_name, dispatch.locale,
                                                  dispatch.via.front(), dispatch.variables);
          happened_.back().text = rendered.has_value() ? rendered->text : std::string();
        }
      }
    }
  }

  TimeUs Start() const { return test_.events.empty() ? test_.until : test_.events.front().time; }

  // What a step issued or sent last.
  struct Left {
    std::string code;
    std::string dispatch;
    std::string channel;
  };

  const config::CampaignTest& test_;
  const config::TemplateSet& templates_;
  const Campaign& campaign_;
  TestPools pools_;
  std::vector<Happening> happened_;
  std::map<std::pair<std::string, std::string>, Left> left_;  // by customer and step
  CouponReference coupon_;                                    // of the event at hand
  MessageReference message_;
  std::string failed_conditions_;  // each once
  World world_;
};

}  // namespace

std::vector<CampaignTestResult> RunCampaignTests(const config::LoadedCampaign& campaign,
                                                 const CampaignSet& set,
                                                 const config::TemplateSet& templates) {
  std::vector<CampaignTestResult> results;
  for (const config::CampaignTest& test : campaign.tests) {
    CampaignTestResult result{campaign.campaign->id, test.name, test.place.file,
                              test.place.line,       false,     {}};
    result.difference = Stage(test, campaign.campaign, set, templates).Run();
    result.passed = result.difference.empty();
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace huitou
