#include "daemon/commands/run.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <ostream>
#include <utility>

#include "daemon/app/daemon.h"
#include "daemon/app/setup.h"
#include "daemon/metrics/log.h"

namespace huitou {

namespace {

// How often a shard that ended by itself is noticed.
constexpr timespec kLook{1, 0};

// Connections to providers (4,096 at most), HTTP clients, the store's files: more than the 1,024
// that a login shell begins with and any process may raise.
constexpr rlim_t kFilesMax = 65'536;

void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < kFilesMax) {
    limit.rlim_cur = std::min(limit.rlim_max, kFilesMax);
    setrlimit(RLIMIT_NOFILE, &limit);  // a refusal leaves what there was
  }
}

}  // namespace

std::string Version() {
  return HUITOU_VERSION;
}

int RunDaemon(const RunOptions& options, std::ostream& /*out*/, std::ostream& err) {
  // Before any thread begins, so that only sigtimedwait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  RaiseFileLimit();

  config::Loaded loaded = config::LoadAll(options.config, AllSchemas(), ReadSecrets(true));
  PrintDiagnostics(loaded.diagnostics, err);
  if (loaded.status != config::LoadStatus::kGood) {
    return ExitCode(loaded.status);
  }
  InitLog({ParseLogLevel(loaded.config.log.level).value_or(LogLevel::kInfo),
           loaded.config.log.format == "json" ? LogFormat::kJson : LogFormat::kText});
  const std::string host = loaded.config.http.host;
  auto daemon = Daemon::Start(std::move(loaded), {});
  if (!daemon.ok()) {
    err << "huitou run: " << daemon.status().message() << '\n';
    return kExitCouldNotRun;
  }
  Log(LogLevel::kInfo, "huitou runs",
      {{"version", Version()},
       {"url", "http://" + host + ":" + std::to_string((*daemon)->http_port())}});
  while (true) {
    const int signal = sigtimedwait(&signals, nullptr, &kLook);
    if (signal == SIGHUP) {
      (*daemon)->Reload();
    } else if (signal == SIGTERM || signal == SIGINT) {
      break;
    } else if (!(*daemon)->fatal().empty()) {
      (*daemon)->Stop();
      Log(LogLevel::kError, "huitou ends", {{"why", (*daemon)->fatal()}});
      return kExitCouldNotRun;
    }
  }
  Log(LogLevel::kInfo, "stopping: draining sends and committing");
  (*daemon)->Stop();
  Log(LogLevel::kInfo, "stopped");
  return kExitGood;
}

}  // namespace huitou
