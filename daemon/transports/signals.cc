#include "daemon/transports/signals.h"

#include <signal.h>

namespace huitou {

void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace huitou
