#include "daemon/output/patient_write.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <mutex>

#include "daemon/clock/clock.h"

namespace huitou {
namespace {

// How soon `give_up` is noticed.
constexpr DurationUs kSlice = 50'000;

bool AwaitRoom(int descriptor, DurationUs timeout) {
  pollfd waiting{descriptor, POLLOUT, 0};
  return poll(&waiting, 1, static_cast<int>(timeout / 1000)) > 0;
}

// -1 with EAGAIN when there is no room. Log and console may share one pipe: under the lock neither
// takes the room that the other has just seen.
ssize_t WriteIfRoom(int descriptor, std::string_view data) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (!AwaitRoom(descriptor, 0)) {
    errno = EAGAIN;
    return -1;
  }
  return write(descriptor, data.data(), data.size());
}

}  // namespace

size_t PatientWrite(int descriptor, std::string_view data, TimeUs deadline,
                    const std::atomic<bool>* give_up) {
  struct stat state {};
  const bool file = fstat(descriptor, &state) == 0 && S_ISREG(state.st_mode);
  // A pipe that is ready has room for so much; of more, write() would wait for the rest.
  const size_t chunk = file ? data.size() : PIPE_BUF;
  size_t written = 0;
  while (written < data.size()) {
    const std::string_view rest = data.substr(written, chunk);
    const ssize_t count =
        file ? write(descriptor, rest.data(), rest.size()) : WriteIfRoom(descriptor, rest);
    if (count > 0) {
      written += static_cast<size_t>(count);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      break;
    } else {
      const DurationUs left = deadline - SteadyNow();
      if (left <= 0 || (give_up != nullptr && *give_up)) {
        break;
      }
      AwaitRoom(descriptor, std::min(left + 1000, kSlice));
    }
  }
  return written;
}

}  // namespace huitou
