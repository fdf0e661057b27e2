// What every command that reads configuration needs: the schemas of all providers, secrets, and the
// printing of diagnostics. One thread.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "config/daemon_config.h"
#include "config/diagnostic.h"
#include "config/loader.h"
#include "daemon/transports/proxies.h"

namespace huitou {

inline constexpr int kExitGood = 0;
inline constexpr int kExitNo = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitCouldNotRun = 3;

inline constexpr char kDefaultConfig[] = "config/huitou.yaml";

config::ComponentSchemas AllSchemas();

// "env:NAME" and "file:PATH". With `required` one that can't be read is an error.
config::Secrets ReadSecrets(bool required);

// From the environment (https_proxy, HTTPS_PROXY, ...): how HTTP leaves, this machine's own
// addresses excepted.
Result<Proxies> ReadProxies();

// `given`, else the default config where that exists, else none.
std::string ConfigPath(const std::string& given);

void PrintDiagnostics(const std::vector<config::Diagnostic>& diagnostics, std::ostream& err);
std::string DiagnosticsJson(const std::vector<config::Diagnostic>& diagnostics);

int ExitCode(config::LoadStatus status);

}  // namespace huitou
