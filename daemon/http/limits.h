// Bounds of the HTTP door, with the arithmetic that chose them.
#pragma once

#include <cstddef>

#include "triggers/base/time.h"

namespace huitou::http::limits {

// One body: 10,000 events (kBatchEventsMax) of 355 bytes are 3.6 MB; callbacks stay below 1 MiB.
inline constexpr size_t kBodyBytesMax = 8 * 1024 * 1024;
// Of the same body on the wire: chunk sizes at most double it.
inline constexpr size_t kBodyWireBytesMax = 2 * kBodyBytesMax;
// Request line and headers: a token, a signature and cookies of a proxy stay below 8 KiB.
inline constexpr size_t kHeadBytesMax = 32 * 1024;
// The path: a customer's id (256 bytes) three times over for %XX, and the route.
inline constexpr size_t kPathBytesMax = 1024;

// Requests served at once; each may hold one body: 16 x 8 MiB = 128 MiB.
inline constexpr size_t kThreads = 16;
// Connections whose next head has not come: half of the 1,024 descriptors that a process usually
// may have; at 48 KiB (a head and one read) they are 24 MiB.
inline constexpr size_t kLobbyMax = 512;
// Requests that wait for a thread; at 1 ms a request the last of them waits 8 ms.
inline constexpr size_t kWaitingMax = 128;
// Connections that wait to be told "503" by the one thread for it; past it accept() waits.
inline constexpr size_t kTurnedAwayMax = 128;
inline constexpr int kListenBacklog = 256;

// A slow client loses its connection after these. 8 MiB in 20 s are 0.4 MB/s.
inline constexpr DurationUs kHeadTimeout = 5 * kSecondUs;
inline constexpr DurationUs kBodyTimeout = 20 * kSecondUs;
// Bodies of callers without a token, callbacks that is, which anybody can send: a quarter of the
// threads may wait for such at a time, so that drips leave the rest to probes and the shop.
// Providers send some KB at once, and come again after a 503.
inline constexpr size_t kPublicBodiesMax = kThreads / 4;
inline constexpr DurationUs kPublicBodyTimeout = 5 * kSecondUs;
// A preference page's form: two fields of at most 100 bytes for each of 64 channels and classes.
inline constexpr size_t kFormBytesMax = 16 * 1024;
// Customers on preference pages who wait for a shard at a time, each some ms, at most a commit: the
// other half of the threads stays for the shop and probes.
inline constexpr size_t kPreferenceWaitsMax = kThreads / 2;
// Two clicks on one link within this are one: a double click, a preview beside the browser. As many
// links are remembered, 8 bytes each; who clicks on more costs but the event.
inline constexpr DurationUs kClickSpan = 10 * kSecondUs;
inline constexpr size_t kClicksRemembered = 4096;
inline constexpr DurationUs kAnswerTimeout = 20 * kSecondUs;
// From one request of a connection to the next head's end.
inline constexpr DurationUs kIdleTimeout = 30 * kSecondUs;
// After an early answer the rest of the body is read and dropped for so long, so that the answer
// is not lost in a connection reset.
inline constexpr DurationUs kLingerTimeout = 2 * kSecondUs;
// The same for a connection that is turned away: 50 a second.
inline constexpr DurationUs kTurnAwayTimeout = 20'000;
inline constexpr size_t kRequestsPerConnectionMax = 10'000;

// Bad events named in one answer.
inline constexpr size_t kErrorsNamedMax = 100;
// What a client is told to wait for when the daemon is under pressure.
inline constexpr int kRetryAfterSeconds = 2;

}  // namespace huitou::http::limits
