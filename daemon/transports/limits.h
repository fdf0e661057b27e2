// Every bound of the transports, with the arithmetic that chose it.
#pragma once

#include <cstddef>

#include "triggers/base/time.h"

namespace huitou::transport_limits {

// What is kept of an answer's body: providers answer a send with under 1 kB, a coupon API with
// some; the rest is cut off and the connection closed.
inline constexpr size_t kAnswerBytesMax = 1024 * 1024;
// All of an answer's headers: servers themselves accept 8 to 64 kB of them.
inline constexpr size_t kHeaderBytesMax = 64 * 1024;
// What is kept of a mail server's reply: RFC 5321 bounds a line at 512 bytes; two of them.
inline constexpr size_t kReplyBytesMax = 1024;

// To connect, TLS included: 3 SYNs (1 s, 2 s apart) and two round trips around the world.
inline constexpr DurationUs kConnectTimeout = 5 * kSecondUs;
// libcurl looks through all its connections to a host for each transfer, so they are in lanes of
// 64: few enough to look through in a microsecond, enough that a host with 1,000 has but 16 lanes
// (some 40 kB each). A lane's connections suffice for its transfers.
inline constexpr size_t kLaneTransfersMax = 64;
inline constexpr long kLaneConnectionsMax = 64;
// 16 lanes are 1,024 connections per host. A send on its way has a connection of its own, so
// max_in_flight is bounded by this: 1,024 at 50 ms an answer are 20,000 messages a second, twice
// what two cores can send.
inline constexpr size_t kHostLanesMax = 16;
// Connections in all: four such hosts, and 16 % of the 25 k descriptors that a service may usually
// open. When they are reached, lanes without a transfer are closed; a transfer that finds no room
// then fails at once, unsent.
inline constexpr long kConnectionsMax = 4096;
// Handles of libcurl that wait for their next transfer: under load one ends for each that begins,
// so a few serve; some 10 kB each.
inline constexpr size_t kSpareHandlesMax = 128;
// Threads for mail, each made when it is needed: one mail at a time on each, and servers allow some
// ten connections from one host. At 200 ms for a server's reply 16 threads are 80 mails a second.
inline constexpr size_t kMailThreadsMax = 16;
// An idle connection is not used again after this: servers close theirs after 5 to 75 s, and a
// request that crosses the server's close on the wire has an unknown outcome.
inline constexpr long kIdleSeconds = 15;
// The trusted authorities are read again after this: the system renews them a few times a year, and
// 100 ms in ten minutes are nothing.
inline constexpr long kAuthoritiesSeconds = 600;

// The thread of a producer of records looks this often whether it shall end; reports wake it.
inline constexpr int kRecordPoll_ms = 100;
// A record waits 5 ms for company, and for the round trips of its batch: less than this is no time.
inline constexpr int64_t kRecordTimeoutMin_ms = 100;
// The longest pause between two connections to a broker that is away: a SYN a second costs nothing.
inline constexpr int kRecordReconnect_ms = 1000;
// A paused channel tries again after five minutes; by then a topic that was made is known. One
// small question to the brokers.
inline constexpr int kRecordTopics_ms = 30'000;

}  // namespace huitou::transport_limits
