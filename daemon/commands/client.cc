#include "daemon/commands/client.h"

#include <filesystem>
#include <memory>
#include <ostream>
#include <utility>
#include <vector>

#include "channels/url.h"
#include "daemon/app/setup.h"
#include "daemon/commands/http_client.h"
#include "daemon/explain/explain.h"
#include "daemon/state/rocks_key_value.h"
#include "daemon/state/store.h"
#include "triggers/engine.h"

namespace huitou {

namespace {

// Sums are not asked for when explaining: a limit that is used up now may not be then.
constexpr size_t kJournalLinesMax = 200;

Result<std::string> TokenOf(const CustomerOptions& options) {
  if (options.token.empty()) {
    return std::string();
  }
  if (!options.token.starts_with("env:") && !options.token.starts_with("file:")) {
    return Status(StatusCode::kInvalid, "write env:NAME or file:PATH, never the token itself");
  }
  return ReadSecrets(true).read(options.token);
}

// Asks the daemon; prints what went wrong. Nothing when there is no answer to show.
std::optional<std::string> Ask(const CustomerOptions& options, const char* method,
                               const std::string& tail, int* exit_code, std::ostream& err) {
  const auto token = TokenOf(options);
  if (!token.ok()) {
    err << "huitou: --token: " << token.status().message() << '\n';
    *exit_code = kExitUsage;
    return std::nullopt;
  }
  std::string base = options.url;
  while (base.ends_with('/')) {
    base.pop_back();
  }
  const std::string url =
      base + "/v1/customers/" + channels::PercentEncode(options.customer) + tail;
  auto fetched = Fetch(method, url, "", *token);
  if (!fetched.ok()) {
    const bool usage = fetched.status().code() == StatusCode::kInvalid;
    err << "huitou: " << fetched.status().message()
        << (usage ? "\n" : "; is the daemon running there?\n");
    *exit_code = usage ? kExitUsage : kExitCouldNotRun;
    return std::nullopt;
  }
  if (fetched->status == 404 &&
      fetched->body.find("nothing is known of this customer") != std::string::npos) {
    err << "huitou: nothing is known of this customer\n";
    *exit_code = kExitNo;
    return std::nullopt;
  }
  if (fetched->status / 100 != 2) {
    err << "huitou: the daemon answered " << fetched->status << ": " << fetched->body
        << (fetched->status == 401 ? "\ngive one of its tokens: --token env:NAME or file:PATH" : "")
        << '\n';
    *exit_code = kExitCouldNotRun;
    return std::nullopt;
  }
  return std::move(fetched->body);
}

std::unique_ptr<Store> OpenStore(const CustomerOptions& options, bool read_only,
                                 std::ostream& err) {
  // The state directory holds the database; its own path is taken, too.
  const std::filesystem::path inside = std::filesystem::path(options.state) / "db";
  const std::string directory = std::filesystem::exists(inside) ? inside.string() : options.state;
  if (!std::filesystem::exists(std::filesystem::path(directory) / "CURRENT")) {
    err << "huitou: no state in " << options.state << "; give the config's state.dir\n";
    return nullptr;
  }
  RocksOptions rocks;
  rocks.directory = directory;
  rocks.read_only = read_only;
  auto key_value = OpenRocks(rocks);
  if (!key_value.ok()) {
    err << "huitou: " << key_value.status().message() << '\n';
    return nullptr;
  }
  auto store = Store::Open(*std::move(key_value), {});
  if (!store.ok()) {
    err << "huitou: " << store.status().message() << '\n';
    return nullptr;
  }
  return *std::move(store);
}

// The shard's names, in the order of their numbers.
Status LoadSymbols(const Store& store, ShardNumber shard, SymbolTable* symbols) {
  auto names = store.ReadSymbols(shard);
  if (!names.ok()) {
    return names.status();
  }
  for (const std::string& name : *names) {
    symbols->Intern(name);
  }
  return Status::Ok();
}

// The document `explain` prints, from the store alone.
Result<std::string> ExplainFromState(const CustomerOptions& options, const Store& store,
                                     std::shared_ptr<const CampaignSet> set) {
  const ShardNumber shard = ShardOf(options.customer, store.shards());
  SymbolTable symbols;
  if (Status status = LoadSymbols(store, shard, &symbols); !status.ok()) {
    return status;
  }
  auto state = store.ReadState(shard);
  auto customer = store.ReadCustomer(shard, options.customer);
  if (!state.ok() || !customer.ok()) {
    return state.ok() ? customer.status() : state.status();
  }
  Context context;
  context.symbols = &symbols;
  context.frontier = state->frontier;
  if (!options.at.empty()) {
    context.wall = *ParseRfc3339(options.at);
  }
  std::vector<std::string> journal;
  // Retention counts from the wall clock; kTimeMin shows all that is there.
  if (Status status =
          store.ReadJournal(shard, options.customer, kTimeMin, kJournalLinesMax, &journal);
      !status.ok()) {
    return status;
  }
  Engine engine(std::move(set), &symbols);
  return ExplainJson(&engine, context, **customer, journal, {}, options.campaign);
}

bool CheckOptions(const CustomerOptions& options, const char* command, std::ostream& err) {
  if (options.url.empty() == options.state.empty()) {
    err << "huitou " << command << ": give either --url of a running daemon or --state DIR\n";
    return false;
  }
  if (!options.at.empty() && !ParseRfc3339(options.at).has_value()) {
    err << "huitou " << command << ": --at " << options.at
        << " is no time; write e.g. 2026-11-11T00:00:00Z\n";
    return false;
  }
  return true;
}

}  // namespace

int RunExplain(const CustomerOptions& options, std::ostream& out, std::ostream& err) {
  if (!CheckOptions(options, "explain", err)) {
    return kExitUsage;
  }
  std::string json;
  if (!options.url.empty()) {
    std::string tail = "/explain";
    char separator = '?';
    for (const auto& [name, value] :
         {std::pair("campaign", options.campaign), std::pair("at", options.at)}) {
      if (!value.empty()) {
        tail += separator + std::string(name) + "=" + channels::PercentEncode(value);
        separator = '&';
      }
    }
    int exit_code = kExitGood;
    auto answer = Ask(options, "GET", tail, &exit_code, err);
    if (!answer.has_value()) {
      return exit_code;
    }
    json = *std::move(answer);
  } else {
    const config::Loaded loaded =
        config::Load({ConfigPath(options.config), "", {}, ReadSecrets(false)}, AllSchemas());
    if (loaded.status != config::LoadStatus::kGood) {
      PrintDiagnostics(loaded.diagnostics, err);
      return ExitCode(loaded.status);
    }
    const auto store = OpenStore(options, true, err);
    if (store == nullptr) {
      return kExitCouldNotRun;
    }
    auto answer = ExplainFromState(options, *store, loaded.campaigns);
    if (!answer.ok()) {
      err << "huitou: " << answer.status().message() << '\n';
      return kExitCouldNotRun;
    }
    json = *std::move(answer);
  }
  if (!options.campaign.empty() && json.find("\"campaigns\":[]") != std::string::npos) {
    err << "huitou explain: no campaign '" << options.campaign << "' runs there\n";
    return kExitNo;
  }
  out << (options.json ? json + "\n" : ExplainText(json));
  return kExitGood;
}

int RunExport(const CustomerOptions& options, std::ostream& out, std::ostream& err) {
  if (!CheckOptions(options, "export", err)) {
    return kExitUsage;
  }
  if (!options.url.empty()) {
    int exit_code = kExitGood;
    const auto answer = Ask(options, "GET", "/export", &exit_code, err);
    out << answer.value_or("");
    return exit_code;
  }
  const auto store = OpenStore(options, true, err);
  if (store == nullptr) {
    return kExitCouldNotRun;
  }
  const ShardNumber shard = ShardOf(options.customer, store->shards());
  SymbolTable symbols;
  std::vector<std::string> lines;
  Status status = LoadSymbols(*store, shard, &symbols);
  if (status.ok()) {
    status = store->Export(shard, symbols, options.customer, &lines);
  }
  if (!status.ok()) {
    err << "huitou export: " << status.message() << '\n';
    return kExitCouldNotRun;
  }
  for (const std::string& line : lines) {
    out << line << '\n';
  }
  if (lines.empty()) {
    err << "huitou export: nothing is known of this customer\n";
  }
  return lines.empty() ? kExitNo : kExitGood;
}

int RunErase(const CustomerOptions& options, std::ostream& out, std::ostream& err) {
  if (!CheckOptions(options, "erase", err)) {
    return kExitUsage;
  }
  if (!options.url.empty()) {
    int exit_code = kExitGood;
    if (Ask(options, "DELETE", "", &exit_code, err).has_value()) {
      out << "erased\n";
    }
    return exit_code;
  }
  const auto store = OpenStore(options, false, err);
  if (store == nullptr) {
    return kExitCouldNotRun;
  }
  const auto erased = store->Erase(ShardOf(options.customer, store->shards()), options.customer);
  if (!erased.ok()) {
    err << "huitou erase: " << erased.status().message() << '\n';
    return kExitCouldNotRun;
  }
  out << "erased\n";
  return kExitGood;
}

}  // namespace huitou
