// Stored records to bytes and back, by Protocol Buffers (records.proto). Decoding answers kCorrupt
// to bytes that make no sense. Pure; any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/outbox/outbox.h"
#include "daemon/state/store.h"
#include "triggers/base/status.h"
#include "triggers/customer.h"
#include "triggers/engine.h"

namespace huitou {

std::string EncodeShardState(const ShardState& state);
Status DecodeShardState(std::string_view bytes, ShardState* state);

std::string EncodeProfile(const Profile& profile);
Status DecodeProfile(std::string_view bytes, Profile* profile);

std::string EncodeEpisodes(const std::vector<Episode>& episodes);
Status DecodeEpisodes(std::string_view bytes, std::vector<Episode>* episodes);

std::string EncodeOutboxRecord(const OutboxRecord& record);
Status DecodeOutboxRecord(std::string_view bytes, OutboxRecord* record);

std::string EncodeLedgerEntry(const LedgerEntry& entry);
Status DecodeLedgerEntry(std::string_view bytes, LedgerEntry* entry);

std::string EncodeLogRecord(const LogAppend& record);
// All but the offset, which is the key's.
Status DecodeLogRecord(std::string_view bytes, LogRecord* record);

}  // namespace huitou
