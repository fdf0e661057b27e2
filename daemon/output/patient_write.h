// Writes to what may stand still: a terminal that is stopped, a pipe or FIFO whose reader does not
// read. A plain write() there waits for ever, and with it whoever wants the thread to end. Any
// thread.
//
//   size_t written = PatientWrite(STDOUT_FILENO, line, SteadyNow() + kSecondUs);
#pragma once

#include <atomic>
#include <cstddef>
#include <string_view>

#include "triggers/base/time.h"

namespace huitou {

// Bytes written: all of them, or fewer when nobody read until `deadline` (of the steady clock; one
// that has passed: without waiting), `give_up` came true, or an error. Leaves the descriptor's
// flags alone, which other processes share.
size_t PatientWrite(int descriptor, std::string_view data, TimeUs deadline,
                    const std::atomic<bool>* give_up = nullptr);

}  // namespace huitou
