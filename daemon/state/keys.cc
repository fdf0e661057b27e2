#include "daemon/state/keys.h"

#include <algorithm>

#include "daemon/state/bytes.h"
#include "triggers/base/hash.h"

namespace huitou::keys {
namespace {

// Kinds of keys within the outbox family.
constexpr uint8_t kRecord = 0;
constexpr uint8_t kPlanned = 1;
constexpr uint8_t kLeased = 2;
constexpr uint8_t kAwaited = 3;
constexpr uint8_t kProvider = 4;

// Kinds of keys within the meta family; the shards' states come behind them.
constexpr char kFormatKey[] = "format";
constexpr char kStreamPrefix[] = "stream/";
constexpr char kFeedPrefix[] = "feed/";
constexpr char kLogEndPrefix[] = "log_end/";
constexpr char kShardPrefix[] = "shard/";

// One byte for usual lengths; the longer ones sort behind.
void PutName(ByteWriter* writer, std::string_view name) {
  if (name.size() < 0xFF) {
    writer->Byte(static_cast<uint8_t>(name.size()));
  } else {
    writer->Byte(0xFF);
    writer->Fixed32(static_cast<uint32_t>(name.size()));
  }
  writer->Raw(name);
}

std::string_view TakeName(ByteReader* reader) {
  const uint8_t length = reader->Byte();
  if (length < 0xFF) {
    return reader->Raw(length);
  }
  const uint32_t longer = reader->Fixed32();
  if (longer < 0xFF) {
    reader->Fail();  // PutName writes no short name so
  }
  return reader->Raw(longer);
}

std::string Outbox(uint16_t shard, uint8_t kind) {
  std::string key = Shard(shard);
  key.push_back(static_cast<char>(kind));
  return key;
}

std::string Stream(std::string_view prefix, uint16_t stream) {
  std::string key(prefix);
  ByteWriter(&key).Fixed16(stream);
  return key;
}

}  // namespace

std::string Shard(uint16_t shard) {
  std::string key;
  ByteWriter(&key).Fixed16(shard);
  return key;
}

std::string End(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<uint8_t>(end.back()) == 0xFF) {
    end.pop_back();
  }
  if (end.empty()) {
    return std::string(64, '\xFF');
  }
  end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

std::string Customer(uint16_t shard, std::string_view customer) {
  std::string key = Shard(shard);
  key.append(customer);
  return key;
}

uint16_t ShardOf(std::string_view key) {
  return ByteReader(key).Fixed16();
}

std::string_view CustomerOf(std::string_view key) {
  return key.substr(std::min<size_t>(key.size(), 2));
}

std::string AddressOf(uint16_t shard, const Id128& address) {
  std::string key = Shard(shard);
  ByteWriter(&key).Id(address);
  return key;
}

std::string Address(uint16_t shard, const Id128& address, std::string_view customer) {
  return AddressOf(shard, address).append(customer);
}

Id128 HashOfAddress(std::string_view key) {
  ByteReader reader(key);
  reader.Fixed16();
  return reader.Id();
}

std::string_view CustomerOfAddress(std::string_view key) {
  return key.substr(std::min<size_t>(key.size(), 2 + 16));
}

std::string Timer(uint16_t shard, TimeUs deadline, std::string_view customer, uint64_t slot) {
  std::string key;
  key.reserve(2 + 8 + 1 + customer.size() + 8);
  ByteWriter writer(&key);
  writer.Fixed16(shard);
  writer.Time(deadline);
  PutName(&writer, customer);
  writer.Fixed64(slot);
  return key;
}

std::string TimerBound(uint16_t shard, TimeUs deadline) {
  std::string key;
  ByteWriter writer(&key);
  writer.Fixed16(shard);
  writer.Time(deadline);
  return key;
}

bool ParseTimer(std::string_view key, TimerEntry* entry) {
  ByteReader reader(key);
  reader.Fixed16();
  entry->deadline = reader.Time();
  entry->customer = TakeName(&reader);
  entry->slot = reader.Fixed64();
  return reader.ok() && reader.remaining() == 0;
}

std::string Dispatch(uint16_t shard, const Id128& dispatch) {
  std::string key = Outbox(shard, kRecord);
  ByteWriter(&key).Id(dispatch);
  return key;
}

std::string AllDispatches(uint16_t shard) {
  return Outbox(shard, kRecord);
}

std::string AllPlanned(uint16_t shard) {
  return Outbox(shard, kPlanned);
}

std::string PlannedOf(uint16_t shard, std::string_view channel) {
  std::string key = AllPlanned(shard);
  ByteWriter writer(&key);
  PutName(&writer, channel);
  return key;
}

std::string Planned(uint16_t shard, std::string_view channel, TimeUs not_before,
                    const Id128& dispatch) {
  std::string key = PlannedOf(shard, channel);
  ByteWriter writer(&key);
  writer.Time(not_before);
  writer.Id(dispatch);
  return key;
}

std::string_view ChannelOfPlanned(std::string_view key) {
  ByteReader reader(key);
  reader.Raw(3);
  return TakeName(&reader);
}

std::string AllAwaited(uint16_t shard) {
  return Outbox(shard, kAwaited);
}

std::string Awaited(uint16_t shard, TimeUs not_before, const Id128& dispatch) {
  std::string key = AllAwaited(shard);
  ByteWriter writer(&key);
  writer.Time(not_before);
  writer.Id(dispatch);
  return key;
}

std::string AllLeased(uint16_t shard) {
  return Outbox(shard, kLeased);
}

std::string Leased(uint16_t shard, const Id128& dispatch) {
  std::string key = AllLeased(shard);
  ByteWriter(&key).Id(dispatch);
  return key;
}

std::string ProviderMessage(uint16_t shard, std::string_view channel,
                            std::string_view provider_message_id) {
  std::string key = Outbox(shard, kProvider);
  ByteWriter(&key).Fixed64(Hash64({channel, provider_message_id}));
  return key;
}

Id128 DispatchOf(std::string_view key) {
  if (key.size() < 16) {
    return {};
  }
  return ByteReader(key.substr(key.size() - 16)).Id();
}

std::string OfCustomer(uint16_t shard, std::string_view customer) {
  std::string key = Shard(shard);
  ByteWriter writer(&key);
  PutName(&writer, customer);
  return key;
}

std::string Ledger(uint16_t shard, std::string_view customer, const Id128& dispatch) {
  std::string key = OfCustomer(shard, customer);
  ByteWriter(&key).Id(dispatch);
  return key;
}

std::string Journal(uint16_t shard, std::string_view customer, TimeUs wall, const Id128& episode,
                    uint32_t seq) {
  std::string key = OfCustomer(shard, customer);
  ByteWriter writer(&key);
  writer.Time(wall);
  writer.Id(episode);
  writer.Fixed32(seq);
  return key;
}

std::string SinkRecord(uint16_t shard, uint8_t kind, uint64_t sequence) {
  std::string key = Outbox(shard, kind);
  ByteWriter(&key).Fixed64(sequence);
  return key;
}

uint64_t SequenceOfSinkRecord(std::string_view key) {
  ByteReader reader(key);
  reader.Raw(3);
  return reader.Fixed64();
}

std::string LogRecord(uint16_t shard, uint16_t stream, int64_t offset) {
  std::string key;
  ByteWriter writer(&key);
  writer.Fixed16(shard);
  writer.Fixed16(stream);
  writer.Fixed64(static_cast<uint64_t>(offset));
  return key;
}

int64_t OffsetOfLogRecord(std::string_view key) {
  ByteReader reader(key);
  reader.Raw(4);
  return static_cast<int64_t>(reader.Fixed64());
}

std::string Symbol(uint16_t shard, uint32_t number) {
  std::string key = Shard(shard);
  ByteWriter(&key).Fixed32(number);
  return key;
}

uint32_t NumberOfSymbol(std::string_view key) {
  ByteReader reader(key);
  reader.Raw(2);
  return reader.Fixed32();
}

std::string Quota(uint16_t shard, std::string_view name, int64_t period) {
  std::string key = Shard(shard);
  ByteWriter writer(&key);
  PutName(&writer, name);
  writer.Time(period);
  return key;
}

bool ParseQuota(std::string_view key, std::string_view* name, int64_t* period) {
  ByteReader reader(key);
  reader.Fixed16();
  *name = TakeName(&reader);
  *period = reader.Time();
  return reader.ok() && reader.remaining() == 0;
}

std::string Campaign(uint64_t version) {
  std::string key;
  ByteWriter(&key).Fixed64(version);
  return key;
}

std::string ShardState(uint16_t shard) {
  return Stream(kShardPrefix, shard);
}
std::string Format() {
  return kFormatKey;
}
std::string LogStream(std::string_view source) {
  return kStreamPrefix + std::string(source);
}
std::string AllLogStreams() {
  return kStreamPrefix;
}
std::string Feed(uint16_t stream) {
  return Stream(kFeedPrefix, stream);
}

std::string LogEnd(uint16_t shard, uint16_t stream) {
  std::string key = Stream(kLogEndPrefix, shard);
  ByteWriter(&key).Fixed16(stream);
  return key;
}

}  // namespace huitou::keys
