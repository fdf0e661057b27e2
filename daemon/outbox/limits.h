// Every bound of the outbox, with the arithmetic that chose it.
#pragma once

#include "triggers/base/time.h"

namespace huitou::outbox_limits {

// --- rate ---
// How much of a rate may leave at once: 100 ms' worth (10 of 100/s), at least one. Providers count
// by the second; a whole second's burst after a pause would be twice the rate in their window.
inline constexpr double kBurstSeconds = 0.1;

// --- circuit ---
// Failures in a row that open it: with 50 in flight, a provider that is gone costs 5 to 55 sends.
inline constexpr int kFailuresInRowMax = 5;
// Or at least half of 20 or more within 30 s: one that answers now and then.
inline constexpr int kWindowSendsMin = 20;
inline constexpr double kWindowFailureShare = 0.5;
inline constexpr DurationUs kWindow = 30 * kSecondUs;
// How long it stays open before a probe: doubles with each failed one. 5 min at most, so that a
// provider that is back is noticed soon; that is 288 probes a day against one that stays away.
inline constexpr DurationUs kOpenMin = 2 * kSecondUs;
inline constexpr DurationUs kOpenMax = 5 * kMinuteUs;

// Open for so long in a row, it is down: with 2, 4, ... 256 s between them, eight probes have
// failed (a paused account: two). Planned messages then take the next channel of `via:`.
inline constexpr DurationUs kDownAfter = 10 * kMinuteUs;

// --- pools of coupon codes ---
// Reserved at once, for one wait for the disk: 10 ms each, that is 40 us a code. As many codes are
// lost when the machine goes down.
inline constexpr size_t kPoolBlockCodes = 256;

// --- access tokens ---
// A new one is fetched this long before the old one ends (WeChat keeps the old one valid for 5 min
// after a new one was handed out), but never in the first nine tenths of a short life.
inline constexpr DurationUs kTokenMargin = 5 * kMinuteUs;
// A provider that calls a younger token expired is asked for another when the token has this age,
// and what is to be sent waits: WeChat allows 2,000 a day, one each 43 s.
inline constexpr DurationUs kTokenAgeMin = 45 * kSecondUs;
// A refresh that failed is not repeated before this while the old token still holds.
inline constexpr DurationUs kTokenRetryMin = 10 * kSecondUs;
// A token without a plausible lifetime: WeChat's and WeCom's are 2 h, others up to 30 d.
inline constexpr DurationUs kTokenLifetimeMax = 30 * kDayUs;

// --- what callbacks need ---
// A certificate of a provider's has 2 kB, and it has one or two at a time.
inline constexpr size_t kFetchedMax = 8;
// They are renewed yearly, under another URL.
inline constexpr DurationUs kFetchedLifetime = kDayUs;
// At most so often is a URL asked for that gives nothing; the provider calls again for hours.
inline constexpr DurationUs kFetchFailureLifetime = 30 * kSecondUs;
// Providers wait 15 s for the answer to their call.
inline constexpr DurationUs kFetchTimeout = 5 * kSecondUs;

// --- questions ---
// Asked of one provider at once: at 100 ms each, 80 a second, beside what is sent.
inline constexpr size_t kQueriesTogether = 8;

// --- waking shards ---
// While a shard waits for room the gate looks at the clock at least this often, for a wall clock
// can be set; 20 looks a second cost nothing.
inline constexpr DurationUs kWakeIntervalMax = 50'000;
inline constexpr DurationUs kWakeIntervalMin = 1'000;

}  // namespace huitou::outbox_limits
