// What each thread of the transports begins with. Any thread.
#pragma once

namespace huitou {

// Signals are the main thread's business, and a connection that breaks under a write is an error,
// not the end of the process. Threads that this one starts (the lookups of names, librdkafka's)
// inherit it.
void BlockSignals();

}  // namespace huitou
