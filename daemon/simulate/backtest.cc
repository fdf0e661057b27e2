#include "daemon/simulate/backtest.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "config/sms_text.h"
#include "daemon/simulate/decision_log.h"
#include "daemon/simulate/event_stream.h"
#include "daemon/simulate/world.h"
#include "triggers/base/json.h"

namespace huitou {

namespace {

constexpr uint64_t kProgressEvery = 100'000;
constexpr size_t kRefusedShown = 3;
// How many events ahead a customer is fetched: time enough for a miss, few enough to keep.
constexpr size_t kFetchAhead = 8;

uint64_t Sum(const std::map<std::string, uint64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0},
                         [](uint64_t sum, const auto& entry) { return sum + entry.second; });
}

std::string CountsJson(const std::map<std::string, uint64_t>& counts) {
  JsonObject object;
  for (const auto& [name, count] : counts) {
    object.AddInteger(name, static_cast<int64_t>(count));
  }
  return object.Close();
}

std::string TextOf(const Money& money) {
  return FormatMinor(money.minor, money.currency).append(" ").append(money.currency.code());
}

// Whether the campaigns' and the shop's conditions have any of some words in their text.
class Words {
 public:
  explicit Words(std::initializer_list<std::string_view> words) : words_(words) {}

  bool In(const CampaignSet& set) const {
    return std::any_of(set.campaigns.begin(), set.campaigns.end(),
                       [&](const auto& campaign) { return In(*campaign); }) ||
           std::any_of(set.shop.segments.begin(), set.shop.segments.end(),
                       [&](const auto& segment) { return In(segment.second); }) ||
           In(set.shop.tiers.by);
  }

 private:
  bool In(const Campaign& campaign) const {
    return In(campaign.where) || In(campaign.reentry.key) || In(campaign.steps) ||
           (campaign.goal.has_value() && In(campaign.goal->where)) ||
           std::any_of(campaign.exits.begin(), campaign.exits.end(),
                       [&](const ExitRule& exit) { return In(exit.where); });
  }
  bool In(const std::vector<Step>& steps) const {
    return std::any_of(steps.begin(), steps.end(), [&](const Step& step) { return In(step); });
  }
  bool In(const Step& step) const {
    bool found = In(step.when);
    if (const auto* send = std::get_if<SendStep>(&step.action)) {
      found = found || In(send->variables);
    } else if (const auto* emit = std::get_if<EmitStep>(&step.action)) {
      found = found || In(emit->variables);
    } else if (const auto* wait = std::get_if<WaitStep>(&step.action)) {
      found = found || In(wait->until_where);
    } else if (const auto* branch = std::get_if<BranchStep>(&step.action)) {
      for (const BranchArm& arm : branch->arms) {
        found = found || In(arm.when) || In(arm.steps);
      }
    }
    return found;
  }
  bool In(const std::vector<TemplateVariable>& variables) const {
    return std::any_of(variables.begin(), variables.end(),
                       [&](const TemplateVariable& variable) { return In(variable.value); });
  }
  bool In(const Condition& condition) const {
    return condition != nullptr &&
           std::any_of(words_.begin(), words_.end(), [&](std::string_view word) {
             return condition->text().find(word) != std::string::npos;
           });
  }

  std::vector<std::string_view> words_;
};

// Steps that read the profile without a condition's saying so: gates of messages, waits until a
// local time, times as a template shows them.
bool ReadProfile(const std::vector<Step>& steps) {
  return std::any_of(steps.begin(), steps.end(), [](const Step& step) {
    const auto* emit = std::get_if<EmitStep>(&step.action);
    const auto* branch = std::get_if<BranchStep>(&step.action);
    return std::holds_alternative<SendStep>(step.action) ||
           std::holds_alternative<WaitStep>(step.action) ||
           (emit != nullptr && !emit->variables.empty()) ||
           (branch != nullptr &&
            std::any_of(branch->arms.begin(), branch->arms.end(),
                        [](const BranchArm& arm) { return ReadProfile(arm.steps); }));
  });
}

// What nothing could read, the decoder need not keep.
DecodeOptions OptionsFor(const CampaignSet& set) {
  DecodeOptions options{.currency = set.shop.currency, .country = set.shop.country};
  options.keep_attributes = Words({"attributes"}).In(set);
  options.keep_profile =
      options.keep_attributes ||
      Words({"tags", "region", "locale", "timezone", "birthday"}).In(set) ||
      std::any_of(set.campaigns.begin(), set.campaigns.end(),
                  [](const auto& campaign) { return ReadProfile(campaign->steps); });
  return options;
}

// Counts decisions into the report as they come.
class Tally {
 public:
  Tally(const CampaignSet& set, const SmsCosts& sms, BacktestReport* report) : sms_(sms) {
    for (const auto& campaign : set.campaigns) {
      by_id_[campaign->id] = &report->campaigns[campaign->id];
    }
  }

  void Add(const Effects& effects, DecisionLog* log) {
    for (const std::string_view campaign : effects.candidates) {
      ++by_id_.at(campaign)->candidates;
    }
    for (const Decision& decision : effects.decisions) {
      Count(decision, by_id_.at(decision.campaign));
      log->Add(decision);
    }
    for (const Dispatch& dispatch : effects.dispatches) {
      CountParts(dispatch, by_id_.at(dispatch.campaign));
    }
  }

  // What all the parts cost together: a part's price has less than the least coin.
  void PriceSms() {
    for (auto& [id, report] : by_id_) {
      for (const auto& [name, parts] : report->sms_parts) {
        if (const auto& price = sms_.channels.at(name).price_per_1000) {
          const auto thousandths = static_cast<int64_t>(parts) * price->minor;
          report->sms_cost[name] = {(thousandths + 500) / 1000, price->currency};
        }
      }
    }
  }

 private:
  void CountParts(const Dispatch& dispatch, CampaignReport* report) const {
    if (dispatch.via.empty()) {
      return;
    }
    const std::string& name = dispatch.via.front();
    const auto channel = sms_.channels.find(name);
    if (channel == sms_.channels.end()) {
      return;
    }
    const auto message =
        sms_.templates->Render(dispatch.template_name, dispatch.locale, name, dispatch.variables,
                               [](const std::string& /*link*/) { return config::TypicalLink(); });
    if (message.has_value()) {
      report->sms_parts[name] += MeasureSms(message->text, channel->second.alphabet).parts;
    }
  }

  static void Count(const Decision& decision, CampaignReport* report) {
    switch (decision.outcome) {
      case OutcomeKind::kRejected:
        ++report->rejected[std::string(decision.reason)];
        break;
      case OutcomeKind::kEntered:
        ++report->entered;
        break;
      case OutcomeKind::kIssued:
        ++report->issued;
        report->money_minor[std::string(decision.amount.currency.code())] += decision.amount.minor;
        break;
      case OutcomeKind::kDispatched:
        ++report->dispatched[std::string(decision.channel)];
        break;
      case OutcomeKind::kConverted:
        ++(decision.arm == "holdout" ? report->converted_holdout : report->converted_treated);
        break;
      case OutcomeKind::kExited:
        ++report->exited[std::string(decision.reason)];
        break;
      case OutcomeKind::kCompleted:
        ++report->completed;
        break;
      case OutcomeKind::kFailed:
        ++report->failed[std::string(decision.reason)];
        break;
      case OutcomeKind::kDeferred:
      case OutcomeKind::kEmitted:
      case OutcomeKind::kSkipped:
        break;
    }
  }

  const SmsCosts& sms_;
  std::unordered_map<std::string_view, CampaignReport*> by_id_;
};

void CountOpenEpisodes(World* world, BacktestReport* report) {
  const CustomerTable& customers = world->customers();
  for (uint32_t number = 0; number < customers.size(); ++number) {
    for (const Episode& episode : customers[number].episodes) {
      CampaignReport& campaign = report->campaigns[world->symbols().Name(episode.campaign)];
      switch (episode.state) {
        case Episode::State::kSettling:
        case Episode::State::kDeferredEntry:
          ++campaign.pending;
          break;
        case Episode::State::kAwaitingCoupon:
        case Episode::State::kWaiting:
          ++campaign.waiting;
          break;
        case Episode::State::kEnded:
          break;
      }
    }
  }
}

}  // namespace

// The events through the world, into the report.
// A backtest asks no shop for its coupons, and touches no pool.
std::shared_ptr<const CampaignSet> WithLocalCoupons(const CampaignSet& set) {
  auto local = std::make_shared<CampaignSet>(set);
  local->coupons_local = true;
  local->pools_local = true;
  return local;
}

class Backtest::Impl {
 public:
  Impl(std::shared_ptr<const CampaignSet> set, const BacktestOptions& options)
      : options_(options),
        tally_(*set, options_.sms, &report_),
        world_(WithLocalCoupons(*set),
               {options.lateness, options.assume_contact, options.assume_consent, true},
               [this](const Effects& effects, uint32_t) { tally_.Add(effects, &log_); }),
        stream_(options.files, OptionsFor(*set)) {}

  Result<BacktestReport> Run() {
    for (auto batch = stream_.Next(); !batch.empty(); batch = stream_.Next()) {
      ApplyAll(batch);
    }
    if (!stream_.status().ok()) {
      return stream_.status();
    }
    report_.until = options_.until.value_or(world_.newest());
    if (world_.newest() != kTimeMin) {
      world_.FinishAt(report_.until);
    }
    report_.customers = world_.customers().size();
    report_.condition_errors = world_.condition_errors();
    CountOpenEpisodes(&world_, &report_);
    tally_.PriceSms();
    auto hash = log_.Finish(options_.decisions_path);
    if (!hash.ok()) {
      return hash.status();
    }
    report_.decisions_sha256 = *hash;
    return std::move(report_);
  }

 private:
  void ApplyAll(std::span<const StreamedEvent> batch) {
    CustomerTable& customers = world_.customers();
    for (const StreamedEvent& event : batch) {
      customers.FetchCell(event.customer_hash);
    }
    for (size_t i = 0; i < std::min(kFetchAhead, batch.size()); ++i) {
      customers.FetchCustomer(batch[i].customer_hash);
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      if (i + kFetchAhead < batch.size()) {
        customers.FetchCustomer(batch[i + kFetchAhead].customer_hash);
      }
      if (i + kFetchAhead / 2 < batch.size()) {
        customers.FetchLists(batch[i + kFetchAhead / 2].customer_hash);
      }
      Apply(batch[i]);
    }
  }

  void Apply(const StreamedEvent& in) {
    if (++lines_ % kProgressEvery == 0 && options_.progress) {
      options_.progress(lines_);
    }
    EventError error = in.error;
    if (error == EventError::kNone && options_.until.has_value() &&
        in.event.time > *options_.until) {
      error = EventError::kFuture;
    }
    if (error != EventError::kNone) {
      ++report_.events_rejected[std::string(ToString(error))];
      if (report_.first_refused.size() < kRefusedShown && error != EventError::kFuture) {
        report_.first_refused.push_back(fmt::format("{}:{}: refused: {} ({})", *in.path,
                                                    in.line_number, ToString(error), in.detail));
      }
      return;
    }
    const World::Applied applied = world_.Apply(in.event, in.customer_hash);
    report_.duplicates += applied == World::Applied::kDuplicate ? 1 : 0;
    report_.late += applied == World::Applied::kLate ? 1 : 0;
    report_.events += applied == World::Applied::kDuplicate ? 0 : 1;
  }

  const BacktestOptions options_;
  BacktestReport report_;
  DecisionLog log_;
  Tally tally_;
  World world_;
  EventStream stream_;
  uint64_t lines_ = 0;
};

std::vector<std::string> BacktestReport::ConservationViolations() const {
  std::vector<std::string> violations;
  for (const auto& [id, c] : campaigns) {
    if (c.candidates != c.entered + Sum(c.rejected) + c.pending ||
        c.entered != c.waiting + Sum(c.exited) + c.completed + Sum(c.failed)) {
      violations.push_back(id);
    }
  }
  return violations;
}

std::string BacktestReport::ToJson() const {
  JsonObject all;
  for (const auto& [id, c] : campaigns) {
    JsonObject money;
    for (const auto& [code, minor] : c.money_minor) {
      money.Add(code, FormatMinor(minor, Currency::Parse(code).value_or(Currency())));
    }
    JsonObject converted;
    converted.AddInteger("treated", static_cast<int64_t>(c.converted_treated));
    converted.AddInteger("holdout", static_cast<int64_t>(c.converted_holdout));
    JsonObject campaign;
    campaign.AddInteger("candidates", static_cast<int64_t>(c.candidates))
        .AddInteger("entered", static_cast<int64_t>(c.entered))
        .AddInteger("pending", static_cast<int64_t>(c.pending))
        .AddRaw("rejected", CountsJson(c.rejected))
        .AddRaw("dispatched", CountsJson(c.dispatched))
        .AddInteger("issued", static_cast<int64_t>(c.issued))
        .AddInteger("completed", static_cast<int64_t>(c.completed))
        .AddRaw("exited", CountsJson(c.exited))
        .AddInteger("waiting", static_cast<int64_t>(c.waiting))
        .AddRaw("failed", CountsJson(c.failed))
        .AddRaw("converted", converted.Close())
        .AddRaw("money", money.Close());
    if (!c.sms_parts.empty()) {
      JsonObject costs;
      for (const auto& [channel, cost] : c.sms_cost) {
        costs.Add(channel, TextOf(cost));
      }
      campaign.AddRaw("sms_parts", CountsJson(c.sms_parts)).AddRaw("sms_cost", costs.Close());
    }
    all.AddRaw(id, campaign.Close());
  }
  JsonObject report;
  report.AddInteger("events", static_cast<int64_t>(events))
      .AddRaw("events_rejected", CountsJson(events_rejected))
      .AddInteger("duplicates", static_cast<int64_t>(duplicates))
      .AddInteger("late", static_cast<int64_t>(late))
      .AddInteger("customers", static_cast<int64_t>(customers))
      .AddInteger("condition_errors", static_cast<int64_t>(condition_errors))
      .AddRaw("until", until == kTimeMin ? "null" : '"' + FormatRfc3339(until) + '"')
      .AddRaw("campaigns", all.Close())
      .Add("decisions_sha256", decisions_sha256);
  return report.Close();
}

std::string BacktestReport::ToText() const {
  std::string text = fmt::format(
      "{} events ({} late, {} repeated, {} refused) of {} customers, until {}\n", events, late,
      duplicates, Sum(events_rejected), customers, until == kTimeMin ? "-" : FormatRfc3339(until));
  if (condition_errors > 0) {
    text += fmt::format("{} conditions failed and were not true; huitou eval shows why\n",
                        condition_errors);
  }
  for (const auto& [reason, count] : events_rejected) {
    text += fmt::format("  refused: {:<24} {:>12}\n", reason, count);
  }
  const auto counts = [&](std::string_view what, const std::map<std::string, uint64_t>& map) {
    for (const auto& [word, count] : map) {
      text += fmt::format("  {:<33} {:>12}\n", fmt::format("{} {}", what, word), count);
    }
  };
  for (const auto& [id, c] : campaigns) {
    text += fmt::format("\n{}\n", id);
    text += fmt::format("  {:<33} {:>12}\n", "candidates", c.candidates);
    counts("rejected", c.rejected);
    text += fmt::format("  {:<33} {:>12}\n", "pending", c.pending);
    text += fmt::format("  {:<33} {:>12}\n", "entered", c.entered);
    text += fmt::format("  {:<33} {:>12}\n", "coupons issued", c.issued);
    for (const auto& [code, minor] : c.money_minor) {
      const std::string amount = FormatMinor(minor, Currency::Parse(code).value_or(Currency()));
      text += fmt::format("  {:<33} {:>12}\n", "money " + code, amount);
    }
    counts("dispatched", c.dispatched);
    counts("sms parts", c.sms_parts);
    for (const auto& [channel, cost] : c.sms_cost) {
      text += fmt::format("  {:<33} {:>12}\n", "sms cost " + channel, TextOf(cost));
    }
    counts("exited", c.exited);
    counts("failed", c.failed);
    text += fmt::format("  {:<33} {:>12}\n", "completed", c.completed);
    text += fmt::format("  {:<33} {:>12}\n", "waiting", c.waiting);
    text += fmt::format("  {:<33} {:>12}\n", "converted treated", c.converted_treated);
    text += fmt::format("  {:<33} {:>12}\n", "converted holdout", c.converted_holdout);
  }
  return text;
}

Backtest::Backtest(std::shared_ptr<const CampaignSet> set, const BacktestOptions& options)
    : impl_(std::make_unique<Impl>(std::move(set), options)) {
}

Backtest::~Backtest() = default;

Result<BacktestReport> Backtest::Run() {
  return impl_->Run();
}

}  // namespace huitou
