// `huitou run`: the daemon, until SIGTERM or SIGINT. SIGHUP reloads campaigns, shop and templates.
#pragma once

#include <iosfwd>
#include <string>

namespace huitou {

struct RunOptions {
  std::string config;
};

// 0 after a clean stop, 1 for mistakes in the configuration, 3 when it could not run.
int RunDaemon(const RunOptions& options, std::ostream& out, std::ostream& err);

// "0.1.0".
std::string Version();

}  // namespace huitou
