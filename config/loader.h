// Loads a whole configuration: config file, shop, campaigns, templates, each checked against the
// others, with every diagnostic at once. Reads files, and secrets by a function passed in.
//
// Example:
//   Loaded loaded = LoadAll("config/huitou.yaml", schemas, {ReadSecret});
//   for (const Diagnostic& d : loaded.diagnostics) Print(FormatDiagnostic(d));
//   if (loaded.status == LoadStatus::kGood) Run(loaded.config, loaded.campaigns);
//
// One thread at a time; what is loaded is immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/campaign_tests.h"
#include "config/daemon_config.h"
#include "config/diagnostic.h"
#include "config/templates.h"
#include "triggers/shop.h"

namespace huitou::config {

enum class LoadStatus : uint8_t {
  kGood,
  kMistakes,    // exit code 1
  kUnreadable,  // a file cannot be read: exit code 3
};

// What a campaign's version is the hash of: enough to compile it again as long as episodes of it
// are open.
struct CampaignText {
  std::string id;
  uint64_t version = 0;
  std::string file;
  std::string text;
  std::vector<std::pair<std::string, std::string>> templates;  // path, text
};

struct LoadedCampaign {
  std::shared_ptr<const Campaign> campaign;
  CampaignText source;
  std::vector<CampaignTest> tests;
};

struct Loaded {
  LoadStatus status = LoadStatus::kGood;
  DaemonConfig config;
  std::shared_ptr<const CampaignSet> campaigns;  // null unless kGood
  TemplateSet templates;
  std::vector<LoadedCampaign> files;    // those without mistakes, in the order of reading
  std::vector<std::string> code_files;  // of the shop's pools, those that were checked
  std::vector<Diagnostic> diagnostics;  // sorted
};

struct LoadRequest {
  std::string config;              // empty: none, and channels and templates are not checked
  std::string shop;                // instead of the config's
  std::vector<std::string> paths;  // campaigns instead of the config's: files and folders
  Secrets secrets;
  // Whether the files of the shop's pools are checked: tests and backtests touch no pool.
  bool code_files = false;
};

Loaded Load(const LoadRequest& request, const ComponentSchemas& schemas);

// All of one config, for the daemon.
Loaded LoadAll(const std::string& config, const ComponentSchemas& schemas, const Secrets& secrets);

// For `check`: files of any kind, told apart by content, and folders of them. A config brings what
// it names; other files are checked against `request.config` (whose own warnings are left out).
struct CheckResult {
  LoadStatus status = LoadStatus::kGood;
  std::vector<Diagnostic> diagnostics;
};
CheckResult CheckPaths(const LoadRequest& request, const ComponentSchemas& schemas);

// Compiles an old version again, from what was stored of it. Channels, budgets and segments that
// are gone since do not matter; null when the text itself no longer compiles.
std::shared_ptr<const Campaign> CompileCampaign(const CampaignText& source, const Shop& shop,
                                                const ChannelSchemas& channels,
                                                Diagnostics* diagnostics);

}  // namespace huitou::config
