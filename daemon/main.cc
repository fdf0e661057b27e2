// The command line (contracts.md section 1): reads the arguments, calls the command, returns its
// exit code. Nothing else happens here.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>

#include "daemon/app/setup.h"
#include "daemon/commands/client.h"
#include "daemon/commands/demo.h"
#include "daemon/commands/eval.h"
#include "daemon/commands/offline.h"
#include "daemon/commands/run.h"
#include "daemon/simulate/backtest.h"
#include "triggers/base/text.h"

namespace huitou {
namespace {

using Command = std::function<int()>;

void AddCheck(CLI::App* app, Command* command) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* sub = app->add_subcommand(
      "check", "tell every mistake in config, shop, campaigns and templates at once");
  sub->add_option("PATH", options->paths, "files and folders")->required();
  sub->add_option("--config", options->config, "the config file that names shop and channels");
  sub->add_option("--shop", options->shop, "the shop file, instead of the config's");
  sub->add_flag("--json", options->json, "diagnostics as JSON on stdout");
  sub->callback([=] { *command = [=] { return RunCheck(*options, std::cout, std::cerr); }; });
}

void AddTest(CLI::App* app, Command* command) {
  auto options = std::make_shared<TestOptions>();
  CLI::App* sub = app->add_subcommand("test", "run the campaigns' own tests: in virtual time");
  sub->add_option("PATH", options->paths, "campaign files and folders")->required();
  sub->add_option("--config", options->config, "the config file that names shop and channels");
  sub->add_option("--shop", options->shop, "the shop file, instead of the config's");
  sub->add_flag("--json", options->json, "results as JSON");
  sub->callback([=] { *command = [=] { return RunTest(*options, std::cout, std::cerr); }; });
}

void AddSimulate(CLI::App* app, Command* command) {
  auto options = std::make_shared<SimulateOptions>();
  CLI::App* sub = app->add_subcommand("simulate", "backtest campaigns on history");
  sub->add_option("--campaigns", options->campaigns, "campaign files and folders")->required();
  sub->add_option("--events", options->events, "event files, plain, .gz or .zst, in this order")
      ->required();
  sub->add_option("--config", options->config, "the config file that names shop and channels");
  sub->add_option("--shop", options->shop, "the shop file, instead of the config's");
  sub->add_option("--until", options->until, "leave out later events; fire all that is due then");
  sub->add_option("--lateness", options->lateness, "how late events may come (0s)");
  sub->add_option("--assume", options->assume, "gates that pass: contact,consent")->delimiter(',');
  sub->add_option("--decisions", options->decisions, "write the decision log here");
  sub->add_option("--report", options->report, "write a report as HTML here");
  sub->add_flag("--json", options->json, "the report as JSON");
  sub->callback([=] {
    options->progress = isatty(STDERR_FILENO) != 0;
    *command = [=]() -> int {
      std::unique_ptr<Backtest> backtest;
      const int code = RunSimulate(*options, &backtest, std::cout, std::cerr);
      std::cout.flush();
      std::_Exit(code);
    };
  });
}

void AddEval(CLI::App* app, Command* command) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* sub = app->add_subcommand("eval", "evaluate one condition, or one a line");
  CLI::Option* expression = sub->add_option("CEL", options->expression, "the condition");
  sub->add_option("--vars", options->vars, "variables, a JSON object");
  sub->add_option("--event", options->event, "the variable event, a JSON object");
  sub->add_option("--customer", options->customer, "the variable customer, a JSON object");
  sub->add_flag("--batch", options->batch, "read lines {\"expr\":...,\"vars\":{...}} from stdin");
  sub->callback([=] {
    if (expression->empty() == !options->batch) {
      throw CLI::RequiredError("either CEL or --batch");
    }
    *command = [=] { return RunEval(*options, std::cin, std::cout, std::cerr); };
  });
}

void AddCustomer(CLI::App* app, Command* command, const char* name, const char* help,
                 int (*run)(const CustomerOptions&, std::ostream&, std::ostream&)) {
  auto options = std::make_shared<CustomerOptions>();
  CLI::App* sub = app->add_subcommand(name, help);
  sub->add_option("--customer", options->customer, "the customer's id")->required();
  if (run == &RunExplain) {
    sub->add_option("--campaign", options->campaign, "only this campaign");
    sub->add_option("--at", options->at, "as of this time");
    sub->add_flag("--json", options->json, "as JSON");
    sub->add_option("--config", options->config, "with --state: the config file");
  }
  sub->add_option("--url", options->url, "of a running daemon, e.g. http://127.0.0.1:8080");
  sub->add_option("--state", options->state, "the state directory");
  sub->add_option("--token", options->token, "env:NAME or file:PATH, for --url");
  sub->callback([=] { *command = [=] { return run(*options, std::cout, std::cerr); }; });
}

void AddRest(CLI::App* app, Command* command) {
  auto kind = std::make_shared<std::string>();
  CLI::App* schema = app->add_subcommand("schema", "print a JSON Schema, for editors");
  schema->add_option("KIND", *kind, "config, shop, campaign or event")->required();
  schema->callback([=] { *command = [=] { return RunSchema(*kind, std::cout, std::cerr); }; });

  auto run = std::make_shared<RunOptions>();
  CLI::App* daemon = app->add_subcommand("run", "the daemon");
  daemon->add_option("--config", run->config, "the config file")->required();
  daemon->callback([=] { *command = [=] { return RunDaemon(*run, std::cout, std::cerr); }; });

  auto demo = std::make_shared<DemoOptions>();
  CLI::App* play = app->add_subcommand("demo", "start the daemon and play a small shop into it");
  play->add_flag("--once", demo->once, "end by itself");
  play->callback([=] { *command = [=] { return RunDemo(*demo, std::cout, std::cerr); }; });
}

int TellUnknown(const std::string& word) {
  std::cerr << "huitou: no command '" << word << "'";
  if (word == "windows" || word == "plan") {
    std::cerr << " yet: it comes with a later version\n";
    return kExitUsage;
  }
  const std::string_view near = Suggest(word, {"run", "check", "test", "simulate", "eval",
                                               "explain", "export", "erase", "schema", "demo"});
  std::cerr << (near.empty() ? "; huitou --help lists them"
                             : "; did you mean '" + std::string(near) + "'?")
            << '\n';
  return kExitUsage;
}

std::string TellMisuse(const CLI::App* app, const CLI::Error& error) {
  std::string command = "huitou";
  for (const CLI::App* sub : app->get_subcommands()) {
    command += ' ' + sub->get_name();
  }
  const std::string what = command == "huitou" ? "a command is missing" : error.what();
  return command + ": " + what + "; " + command + " --help says more\n";
}

int Main(int argc, char** argv) {
  CLI::App app("Huitou: campaigns that bring customers back", "huitou");
  app.set_version_flag("--version", Version());
  app.require_subcommand(1);
  app.failure_message(&TellMisuse);
  Command command;
  AddRest(&app, &command);
  AddCheck(&app, &command);
  AddTest(&app, &command);
  AddSimulate(&app, &command);
  AddEval(&app, &command);
  AddCustomer(&app, &command, "explain", "why, why not, and when next", &RunExplain);
  AddCustomer(&app, &command, "export", "print all that is stored about a customer", &RunExport);
  AddCustomer(&app, &command, "erase", "remove all that is stored about a customer", &RunErase);
  if (argc > 1 && argv[1][0] != '-' &&
      app.get_subcommands([&](CLI::App* sub) { return sub->get_name() == argv[1]; }).empty()) {
    return TellUnknown(argv[1]);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitGood : kExitUsage;
  }
  return command();
}

}  // namespace
}  // namespace huitou

int main(int argc, char** argv) {
  return huitou::Main(argc, argv);
}
