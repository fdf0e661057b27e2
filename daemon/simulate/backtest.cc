#include "daemon/simulate/backtest.h"

#include <fmt/format.h>

#include <numeric>
#include <set>
#include <string_view>
#include <unordered_map>

#include "daemon/decode/event_decoder.h"
#include "daemon/decode/line_reader.h"
#include "daemon/simulate/decision_log.h"
#include "daemon/simulate/world.h"
#include "triggers/base/json.h"

namespace huitou {

namespace {

constexpr uint64_t kProgressEvery = 100'000;
constexpr size_t kRefusedShown = 3;

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

bool Mentions(const Condition& condition, std::string_view word) {
  return condition != nullptr && condition->text().find(word) != std::string::npos;
}

bool Mentions(const std::vector<TemplateVariable>& variables, std::string_view word) {
  for (const TemplateVariable& variable : variables) {
    if (Mentions(variable.value, word)) {
      return true;
    }
  }
  return false;
}

bool Mentions(const std::vector<Step>& steps, std::string_view word) {
  for (const Step& step : steps) {
    bool found = Mentions(step.when, word);
    if (const auto* send = std::get_if<SendStep>(&step.action)) {
      found = found || Mentions(send->variables, word);
    } else if (const auto* emit = std::get_if<EmitStep>(&step.action)) {
      found = found || Mentions(emit->variables, word);
    } else if (const auto* wait = std::get_if<WaitStep>(&step.action)) {
      found = found || Mentions(wait->until_where, word);
    } else if (const auto* branch = std::get_if<BranchStep>(&step.action)) {
      for (const BranchArm& arm : branch->arms) {
        found = found || Mentions(arm.when, word) || Mentions(arm.steps, word);
      }
    }
    if (found) {
      return true;
    }
  }
  return false;
}

// Whether anything could read an attribute: else the decoder need not keep them.
bool ReadsAttributes(const CampaignSet& set) {
  constexpr std::string_view kWord = "attributes";
  for (const auto& campaign : set.campaigns) {
    bool reads = Mentions(campaign->where, kWord) || Mentions(campaign->reentry.key, kWord) ||
                 Mentions(campaign->steps, kWord);
    for (const ExitRule& exit : campaign->exits) {
      reads = reads || Mentions(exit.where, kWord);
    }
    if (reads || (campaign->goal.has_value() && Mentions(campaign->goal->where, kWord))) {
      return true;
    }
  }
  for (const auto& [name, segment] : set.shop.segments) {
    if (Mentions(segment, kWord)) {
      return true;
    }
  }
  return Mentions(set.shop.tiers.by, kWord);
}

// Counts decisions into the report as they come.
class Tally {
 public:
  Tally(const CampaignSet& set, BacktestReport* report) {
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
  }

 private:
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

  std::unordered_map<std::string_view, CampaignReport*> by_id_;
};

void CountOpenEpisodes(World* world, BacktestReport* report) {
  for (uint32_t number = 0; number < world->customers(); ++number) {
    for (const Episode& episode : world->customer(number).episodes) {
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
    counts("exited", c.exited);
    counts("failed", c.failed);
    text += fmt::format("  {:<33} {:>12}\n", "completed", c.completed);
    text += fmt::format("  {:<33} {:>12}\n", "waiting", c.waiting);
    text += fmt::format("  {:<33} {:>12}\n", "converted treated", c.converted_treated);
    text += fmt::format("  {:<33} {:>12}\n", "converted holdout", c.converted_holdout);
  }
  return text;
}

Result<BacktestReport> RunBacktest(std::shared_ptr<const CampaignSet> set,
                                   const BacktestOptions& options) {
  BacktestReport report;
  DecisionLog log;
  Tally tally(*set, &report);
  // Kept to the end of the process: taking millions of customers apart would cost a tenth of the
  // time.
  static auto& worlds = *new std::vector<std::unique_ptr<World>>();
  worlds.push_back(std::make_unique<World>(
      set, WorldOptions{options.lateness, options.assume_contact, options.assume_consent, true},
      [&](const Effects& effects, uint32_t) { tally.Add(effects, &log); }));
  World& world = *worlds.back();
  EventDecoder decoder;
  const DecodeOptions decode{set->shop.currency, ReadsAttributes(*set)};
  Event event;
  std::string detail;
  uint64_t lines = 0;
  for (const std::string& path : options.files) {
    auto reader = LineReader::Open(path);
    if (!reader.ok()) {
      return reader.status();
    }
    std::string_view line;
    while ((*reader)->Next(&line)) {
      if (++lines % kProgressEvery == 0 && options.progress) {
        options.progress(lines);
      }
      EventError error = decoder.DecodePadded(line, decode, &event, &detail);
      if (error == EventError::kNone && options.until.has_value() && event.time > *options.until) {
        error = EventError::kFuture;
      }
      if (error != EventError::kNone) {
        ++report.events_rejected[std::string(ToString(error))];
        if (report.first_refused.size() < kRefusedShown && error != EventError::kFuture) {
          report.first_refused.push_back(fmt::format(
              "{}:{}: refused: {} ({})", path, (*reader)->line_number(), ToString(error), detail));
        }
        continue;
      }
      const World::Applied applied = world.Apply(event);
      report.duplicates += applied == World::Applied::kDuplicate ? 1 : 0;
      report.late += applied == World::Applied::kLate ? 1 : 0;
      report.events += applied == World::Applied::kDuplicate ? 0 : 1;
    }
    if (!(*reader)->status().ok()) {
      return (*reader)->status();
    }
  }
  report.until = options.until.value_or(world.newest());
  if (world.newest() != kTimeMin) {
    world.FinishAt(report.until);
  }
  report.customers = world.customers();
  report.condition_errors = world.condition_errors();
  CountOpenEpisodes(&world, &report);
  auto hash = log.Finish(options.decisions_path);
  if (!hash.ok()) {
    return hash.status();
  }
  report.decisions_sha256 = *hash;
  return report;
}

}  // namespace huitou
