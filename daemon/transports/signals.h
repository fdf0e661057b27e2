// What each thread of the transports begins with. Any thread.
#pragma once

namespace huitou {

// Signals are the main thread's business, and a connection that breaks under a write is an error,
// not the end of the process: libcurl leaves SIGPIPE to whoever runs it on several threads.
// Threads that this one starts (libcurl's resolvers, librdkafka's) inherit it.
void BlockSignals();

}  // namespace huitou
