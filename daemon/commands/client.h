// The commands that ask a running daemon, or its store while it is stopped: explain, export, erase.
// One thread.
#pragma once

#include <iosfwd>
#include <string>

namespace huitou {

struct CustomerOptions {
  std::string customer;
  std::string campaign;  // explain only; empty: all
  std::string at;        // explain only: as of this time
  std::string url;       // of a running daemon, or
  std::string state;     // the state directory
  std::string config;    // campaigns for explain from the state; shop and channels
  std::string token;     // env:NAME or file:PATH, for --url
  bool json = false;
};

int RunExplain(const CustomerOptions& options, std::ostream& out, std::ostream& err);
// Everything that is stored about a customer, one JSON object a line.
int RunExport(const CustomerOptions& options, std::ostream& out, std::ostream& err);
// Removes it. The daemon does it while it runs; with --state it must be stopped.
int RunErase(const CustomerOptions& options, std::ostream& out, std::ostream& err);

}  // namespace huitou
