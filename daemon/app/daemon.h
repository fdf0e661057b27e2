// The daemon put together: store, shards and their workers, dispatcher, HTTP door, metrics. What
// `huitou run` and the demo start, and what tests run in process.
//
//   auto daemon = Daemon::Start(std::move(loaded), {});
//   ... until a signal ...
//   (*daemon)->Reload();     // SIGHUP: a bad set keeps the old one
//   (*daemon)->Stop();       // drains, commits
//
// Start, Reload and Stop from one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/loader.h"
#include "triggers/base/status.h"

namespace huitou {

struct DaemonOptions {
  std::string state_dir;  // instead of the config's; empty: the config's
  std::string listen;     // instead of the config's; empty: the config's
};

class Daemon {
 public:
  // kUnavailable when it cannot run here: a port taken, a store in use; the message says what to
  // do.
  static Result<std::unique_ptr<Daemon>> Start(config::Loaded loaded, const DaemonOptions& options);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Reads the configuration again and takes campaigns, shop and templates from it. False when it
  // has mistakes: they are logged, and the old set stays.
  bool Reload();
  // Takes nothing new, lets what is on its way arrive, commits. Once.
  void Stop();

  // Why the daemon is not ready; empty when it is.
  std::vector<std::string> NotReady() const;
  // The message of the error that ended a shard; empty while all run.
  std::string fatal() const;
  int http_port() const;

  class Impl;

 private:
  explicit Daemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace huitou
