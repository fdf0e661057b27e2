#include "daemon/commands/offline.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <ostream>

#include "channels/channel.h"
#include "config/json_schema.h"
#include "daemon/app/setup.h"
#include "daemon/simulate/backtest.h"
#include "daemon/simulate/campaign_test.h"
#include "daemon/simulate/report.h"
#include "triggers/base/json.h"

namespace huitou {

namespace {

// Loads campaigns with shop, channels and templates; diagnostics go to `err`.
config::Loaded LoadCampaigns(const std::string& config, const std::string& shop,
                             const std::vector<std::string>& paths, std::ostream& err) {
  config::Loaded loaded =
      config::Load({ConfigPath(config), shop, paths, ReadSecrets(false)}, AllSchemas());
  std::vector<config::Diagnostic> shown = loaded.diagnostics;
  if (loaded.status == config::LoadStatus::kGood) {
    // Notes (a secret that is not set here) matter to `check` alone.
    std::erase_if(shown, [](const config::Diagnostic& diagnostic) {
      return diagnostic.severity == config::Severity::kNote;
    });
  }
  PrintDiagnostics(shown, err);
  return loaded;
}

// A time, or a day, which means its first instant in UTC.
std::optional<TimeUs> ParseUntil(const std::string& text) {
  if (const auto time = ParseRfc3339(text)) {
    return time;
  }
  if (const auto day = ParseDate(text)) {
    return *day * kDayUs;
  }
  return std::nullopt;
}

bool FillBacktest(const SimulateOptions& options, BacktestOptions* backtest, std::ostream& err) {
  backtest->files = options.events;
  backtest->decisions_path = options.decisions;
  if (!options.until.empty()) {
    backtest->until = ParseUntil(options.until);
    if (!backtest->until.has_value()) {
      err << "huitou simulate: --until " << options.until
          << " is no time; write e.g. 2026-11-11T00:00:00Z or 2026-11-11\n";
      return false;
    }
  }
  const auto lateness = ParseDuration(options.lateness);
  if (!lateness.has_value()) {
    err << "huitou simulate: --lateness " << options.lateness
        << " is no duration; write e.g. 5s, 10m or 3d\n";
    return false;
  }
  backtest->lateness = *lateness;
  for (const std::string& word : options.assume) {
    if (word == "contact") {
      backtest->assume_contact = true;
    } else if (word == "consent") {
      backtest->assume_consent = true;
    } else {
      err << "huitou simulate: --assume takes contact and consent, not " << word << '\n';
      return false;
    }
  }
  return true;
}

SmsCosts SmsCostsOf(const config::Loaded& loaded) {
  SmsCosts costs;
  costs.templates = &loaded.templates;
  for (const auto& channel : loaded.config.channels) {
    const channels::Registration* provider = channels::FindProvider(channel.provider);
    if (provider != nullptr && provider->schema.sms.has_value()) {
      costs.channels[channel.name] = {provider->schema.sms->alphabet, channel.price_per_1000};
    }
  }
  return costs;
}

}  // namespace

int RunCheck(const CheckOptions& options, std::ostream& out, std::ostream& err) {
  const config::CheckResult result = config::CheckPaths(
      {ConfigPath(options.config), options.shop, options.paths, ReadSecrets(false)}, AllSchemas());
  if (options.json) {
    out << DiagnosticsJson(result.diagnostics) << '\n';
    return ExitCode(result.status);
  }
  PrintDiagnostics(result.diagnostics, err);
  const auto errors = std::count_if(
      result.diagnostics.begin(), result.diagnostics.end(),
      [](const auto& diagnostic) { return diagnostic.severity == config::Severity::kError; });
  const auto warnings = std::count_if(
      result.diagnostics.begin(), result.diagnostics.end(),
      [](const auto& diagnostic) { return diagnostic.severity == config::Severity::kWarning; });
  if (result.status == config::LoadStatus::kGood) {
    out << "no mistakes found";
    if (warnings > 0) {
      out << ", " << warnings << (warnings == 1 ? " warning" : " warnings");
    }
    out << '\n';
  } else {
    err << errors << (errors == 1 ? " mistake\n" : " mistakes\n");
  }
  return ExitCode(result.status);
}

int RunTest(const TestOptions& options, std::ostream& out, std::ostream& err) {
  const config::Loaded loaded = LoadCampaigns(options.config, options.shop, options.paths, err);
  if (loaded.status != config::LoadStatus::kGood) {
    return ExitCode(loaded.status);
  }
  size_t passed = 0;
  size_t failed = 0;
  std::string list;
  for (const config::LoadedCampaign& campaign : loaded.files) {
    if (campaign.tests.empty() && !options.json) {
      err << campaign.source.file << ": no tests: in this campaign\n";
    }
    for (const CampaignTestResult& result :
         RunCampaignTests(campaign, *loaded.campaigns, loaded.templates)) {
      ++(result.passed ? passed : failed);
      if (options.json) {
        JsonObject one;
        one.Add("campaign", result.campaign)
            .Add("name", result.name)
            .Add("file", result.file)
            .AddInteger("line", result.line)
            .AddBoolean("passed", result.passed)
            .AddIfAny("difference", result.difference);
        list += (list.empty() ? "" : ",") + one.Close();
      } else {
        out << (result.passed ? "ok    " : "FAIL  ") << result.campaign << ": " << result.name
            << '\n';
        if (!result.passed) {
          out << "  " << result.file << ':' << result.line << '\n' << result.difference;
        }
      }
    }
  }
  if (options.json) {
    out << JsonObject()
               .AddInteger("passed", static_cast<int64_t>(passed))
               .AddInteger("failed", static_cast<int64_t>(failed))
               .AddRaw("tests", "[" + list + "]")
               .Close()
        << '\n';
  } else {
    out << passed << " passed, " << failed << " failed\n";
  }
  return failed == 0 ? kExitGood : kExitNo;
}

int RunSimulate(const SimulateOptions& options, std::unique_ptr<Backtest>* backtest,
                std::ostream& out, std::ostream& err) {
  BacktestOptions wanted;
  if (!FillBacktest(options, &wanted, err)) {
    return kExitUsage;
  }
  const config::Loaded loaded = LoadCampaigns(options.config, options.shop, options.campaigns, err);
  if (loaded.status != config::LoadStatus::kGood) {
    return ExitCode(loaded.status);
  }
  wanted.sms = SmsCostsOf(loaded);
  bool shown = false;
  if (options.progress) {
    wanted.progress = [&](uint64_t events) {
      shown = true;
      err << fmt::format("\r{} events", events) << std::flush;
    };
  }
  *backtest = std::make_unique<Backtest>(loaded.campaigns, wanted);
  auto report = (*backtest)->Run();
  if (shown) {
    err << "\r                              \r";
  }
  if (!report.ok()) {
    err << "huitou simulate: " << report.status().message() << '\n';
    return kExitCouldNotRun;
  }
  for (const std::string& refused : report->first_refused) {
    err << refused << '\n';
  }
  for (const std::string& campaign : report->ConservationViolations()) {
    err << "huitou simulate: bug: the counts of " << campaign << " do not add up\n";
  }
  if (!options.report.empty()) {
    std::ofstream file(options.report, std::ios::binary);
    file << ReportHtml(*report);
    if (!file.flush()) {
      err << "huitou simulate: " << options.report << " cannot be written\n";
      return kExitCouldNotRun;
    }
  }
  out << (options.json ? report->ToJson() + "\n" : report->ToText());
  return kExitGood;
}

int RunSchema(const std::string& kind, std::ostream& out, std::ostream& err) {
  if (kind == "config") {
    out << config::ConfigSchema(AllSchemas()) << '\n';
  } else if (kind == "shop") {
    out << config::ShopSchema() << '\n';
  } else if (kind == "campaign") {
    out << config::CampaignSchema() << '\n';
  } else if (kind == "event") {
    out << config::EventSchema() << '\n';
  } else {
    err << "huitou schema: " << kind << " is none of config, shop, campaign, event\n";
    return kExitUsage;
  }
  return kExitGood;
}

}  // namespace huitou
