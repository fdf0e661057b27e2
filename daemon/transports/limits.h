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
// What is kept of a mail server's reply, and the longest line of one: RFC 5321 bounds a line at 512
// bytes; 16 of them, since what a server offers has a line each.
inline constexpr size_t kReplyBytesMax = 8 * 1024;

// To connect, TLS included: 3 SYNs (1 s, 2 s apart) and two round trips around the world.
inline constexpr DurationUs kConnectTimeout = 5 * kSecondUs;
// How long an address stands for its name, as resolvers' own caches do by default: a provider that
// moves is followed within a minute, and a burst asks once.
inline constexpr int64_t kNameSeconds = 60;
// The next address is tried beside one that has not answered for this long (RFC 8305, section 8).
inline constexpr DurationUs kNextAddressDelay = 250'000;

// Over HTTP/1.1 a send on its way has a connection of its own, so max_in_flight is bounded by this:
// 1,024 at 50 ms an answer are 20,000 messages a second, twice what two cores can send.
inline constexpr size_t kHostConnectionsMax = 1024;
// Connections in all: four such hosts, and 16 % of the 25 k descriptors that a service may usually
// open. When they are reached, idle ones of other hosts are closed.
inline constexpr size_t kConnectionsMax = 4096;
// Sends at a time on one HTTP/2 connection, as RFC 9113 asks servers to allow at least; what a
// server allows less, it says.
inline constexpr size_t kStreamsMax = 100;
// A request that a server gave back unread goes out on another connection, three times at most: one
// that a busy server gives back each time would go round for ever.
inline constexpr int kReturnsMax = 3;
// Mail servers allow some ten connections from one host. At 200 ms for a server's reply, and two or
// four of them for a mail, 16 connections are 20 to 40 mails a second; nearby they are thousands.
inline constexpr size_t kMailConnectionsMax = 16;
// From looking up a mail server's name to its first mail: servers that let strangers wait do so for
// 5 to 20 s. Half the minute that a mail has by default, so that it is told what it waited for.
inline constexpr DurationUs kMailOpenTimeout = 30 * kSecondUs;
// Threads that sign mails: a signature by RSA takes 0.4 ms, so each makes 2,500 a second.
inline constexpr size_t kMailSigners = 2;
// An idle connection is not used again after this: servers close theirs after 5 to 75 s, and a
// request that crosses the server's close on the wire has an unknown outcome.
inline constexpr int64_t kIdleSeconds = 15;
// Idle connections are looked for this often: none stays open a third longer than it may.
inline constexpr int64_t kSweepSeconds = 5;
// The trusted authorities are read again after this: the system renews them a few times a year, and
// 100 ms in ten minutes are nothing.
inline constexpr int64_t kAuthoritiesSeconds = 600;

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
