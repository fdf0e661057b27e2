// `huitou demo`, the heart of `make run`: starts the daemon on its embedded default, plays a small
// shop into its HTTP door and shows what is decided and sent, and why one customer got nothing.
#pragma once

#include <iosfwd>

namespace huitou {

struct DemoOptions {
  bool once = false;  // end when the play is over
};

int RunDemo(const DemoOptions& options, std::ostream& out, std::ostream& err);

}  // namespace huitou
