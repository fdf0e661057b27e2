// Lines to local files and to standard output, one after another on a thread of its own (a terminal
// that stands still must not hold the network). All lines that wait are one batch: each is one
// write to a file opened for appending, so that several writers and a crash leave whole lines, and
// the file is synced once before any of them is answered. Files may be rotated any time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "daemon/transports/transport.h"

namespace huitou {

class LineTransport final : public Transport {
 public:
  // Without `sync` a line that is answered can be lost by a power cut.
  explicit LineTransport(bool sync = true);
  // Drops what is not written yet.
  ~LineTransport() override;

  // Only for channels::Line. The timeout bounds the wait for whoever reads a terminal, pipe or
  // FIFO; a disk knows none.
  void Send(channels::Request request, DurationUs timeout, Done done) override;

 private:
  struct Waiting {
    std::string text;
    TimeUs deadline = 0;  // on the steady clock
    Done done;
  };
  // In the order of their coming; "" is standard output.
  using Batch = std::map<std::string, std::vector<Waiting>>;

  void Run();
  void WriteAll(const std::string& path, const std::vector<Waiting>& lines);
  channels::Answer Write(int descriptor, const std::string& path, const Waiting& line);

  const bool sync_;
  std::set<std::string> torn_;  // files that end with half a line; the thread's

  std::mutex mutex_;
  std::condition_variable wake_;
  Batch waiting_;  // under mutex_
  std::atomic<bool> stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace huitou
