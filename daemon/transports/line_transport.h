// Lines to local files and to standard output, one after another on a thread of its own (a terminal
// that stands still must not hold the network). Each line is one write to a file opened for
// appending, so that several writers and a crash leave whole lines; files may be rotated any time.
#pragma once

#include <set>
#include <string>

#include "daemon/transports/io_loop.h"
#include "daemon/transports/transport.h"

namespace huitou {

class LineTransport final : public Transport {
 public:
  LineTransport() = default;
  ~LineTransport() override { loop_.Stop(); }

  // Only for channels::Line. Ends when it ends: a disk knows no timeout.
  void Send(channels::Request request, DurationUs timeout, Done done) override;

 private:
  channels::Answer Write(const channels::Line& line);

  std::set<std::string> torn_;  // files that end with half a line; loop's thread
  IoLoop loop_;
};

}  // namespace huitou
