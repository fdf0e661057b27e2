// The commands that need no daemon: check, test, simulate, schema. Results on `out`, diagnostics
// and progress on `err`; each returns the exit code of contracts.md section 1. One thread.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace huitou {

class Backtest;

struct CheckOptions {
  std::vector<std::string> paths;
  std::string config;
  std::string shop;
  bool json = false;
};
int RunCheck(const CheckOptions& options, std::ostream& out, std::ostream& err);

struct TestOptions {
  std::vector<std::string> paths;
  std::string config;
  std::string shop;
  bool json = false;
};
int RunTest(const TestOptions& options, std::ostream& out, std::ostream& err);

struct SimulateOptions {
  std::vector<std::string> campaigns;
  std::vector<std::string> events;
  std::string config;
  std::string shop;
  std::string until;
  std::string lateness = "0s";
  std::vector<std::string> assume;
  std::string decisions;
  std::string report;
  bool json = false;
  bool progress = false;  // stderr is a terminal
};
// What it built stays in `*backtest`: a process that ends need not take millions of customers
// apart.
int RunSimulate(const SimulateOptions& options, std::unique_ptr<Backtest>* backtest,
                std::ostream& out, std::ostream& err);

int RunSchema(const std::string& kind, std::ostream& out, std::ostream& err);

}  // namespace huitou
