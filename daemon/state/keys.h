// Keys of the store. Each begins with the shard (two bytes, big-endian), so that a shard's records
// stand together; numbers within are big-endian, so that the order of bytes is the order of what
// they mean. Names of varying length carry their length in front, so that no name's range holds
// another's. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "triggers/base/hash.h"
#include "triggers/base/time.h"

namespace huitou::keys {

// Everything of a shard lies in [Shard(n), Shard(n + 1)).
std::string Shard(uint16_t shard);
// The end of the range of keys that begin with `prefix`.
std::string End(std::string_view prefix);

// --- activity, profile, episodes ---
std::string Customer(uint16_t shard, std::string_view customer);
uint16_t ShardOf(std::string_view key);  // of any of a shard's keys
std::string_view CustomerOf(std::string_view key);

// --- addresses: the customers who share one stand together
std::string AddressOf(uint16_t shard, const Id128& address);  // prefix
std::string Address(uint16_t shard, const Id128& address, std::string_view customer);
Id128 HashOfAddress(std::string_view key);
std::string_view CustomerOfAddress(std::string_view key);

// --- timers: ordered by deadline; those of one deadline and customer stand together ---
std::string Timer(uint16_t shard, TimeUs deadline, std::string_view customer, uint64_t slot);
// The lowest key of this deadline.
std::string TimerBound(uint16_t shard, TimeUs deadline);
struct TimerEntry {
  TimeUs deadline = 0;
  std::string_view customer;  // points into the key
  uint64_t slot = 0;
};
bool ParseTimer(std::string_view key, TimerEntry* entry);

// --- outbox: records by dispatch, and the indexes that say which is next ---
std::string Dispatch(uint16_t shard, const Id128& dispatch);
std::string PlannedOf(uint16_t shard, std::string_view channel);  // prefix
std::string Planned(uint16_t shard, std::string_view channel, TimeUs not_before,
                    const Id128& dispatch);
std::string AllPlanned(uint16_t shard);  // prefix
std::string_view ChannelOfPlanned(std::string_view key);
std::string AllAwaited(uint16_t shard);  // prefix
std::string Awaited(uint16_t shard, TimeUs not_before, const Id128& dispatch);
std::string AllLeased(uint16_t shard);  // prefix
std::string Leased(uint16_t shard, const Id128& dispatch);
std::string AllDispatches(uint16_t shard);  // prefix
// By the provider's own id for a message: a prefix; the dispatch stands behind it.
std::string ProviderMessage(uint16_t shard, std::string_view channel,
                            std::string_view provider_message_id);
// The dispatch at the end of any of these keys.
Id128 DispatchOf(std::string_view key);

// --- ledger, journal: by customer ---
std::string OfCustomer(uint16_t shard, std::string_view customer);  // prefix in both
std::string Ledger(uint16_t shard, std::string_view customer, const Id128& dispatch);
std::string Journal(uint16_t shard, std::string_view customer, TimeUs wall, const Id128& episode,
                    uint32_t seq);

// --- sinks, log, symbols, quotas, campaigns, meta ---
std::string SinkRecord(uint16_t shard, uint8_t kind, uint64_t sequence);
uint64_t SequenceOfSinkRecord(std::string_view key);
std::string LogRecord(uint16_t shard, uint16_t stream, int64_t offset);
int64_t OffsetOfLogRecord(std::string_view key);
std::string Symbol(uint16_t shard, uint32_t number);
uint32_t NumberOfSymbol(std::string_view key);
std::string Quota(uint16_t shard, std::string_view name, int64_t period);
bool ParseQuota(std::string_view key, std::string_view* name, int64_t* period);
std::string Campaign(uint64_t version);
std::string ShardState(uint16_t shard);
std::string Format();
std::string LogStream(std::string_view source);
std::string AllLogStreams();  // prefix
std::string Feed(uint16_t stream);
// The highest offset ever given, for a slice whose records are all consumed.
std::string LogEnd(uint16_t shard, uint16_t stream);

}  // namespace huitou::keys
