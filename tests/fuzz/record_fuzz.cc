// libFuzzer: any bytes as a stored record of each kind (the first byte says which). Damaged ones
// are refused; what is accepted must be the same after being written and read again.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/state/activity_codec.h"
#include "daemon/state/decision_codec.h"
#include "daemon/state/keys.h"
#include "daemon/state/record_codec.h"
#include "daemon/state/sink_chunk.h"
#include "triggers/base/check.h"

namespace huitou {
namespace {

template <typename Record, typename Decode, typename Encode>
void Check(std::string_view bytes, const Decode& decode, const Encode& encode) {
  Record record;
  if (!decode(bytes, &record).ok()) {
    return;
  }
  const std::string once = encode(record);
  Record again;
  CHECK(decode(once, &again).ok());
  CHECK(once == encode(again));
}

struct ActivityRecord {
  Activity activity;
  PartsPresent present;
};

void CheckActivity(std::string_view bytes) {
  Check<ActivityRecord>(
      bytes,
      [](std::string_view in, ActivityRecord* out) {
        return DecodeActivity(in, &out->activity, &out->present);
      },
      [](const ActivityRecord& record) {
        std::string out;
        EncodeActivity(record.activity, record.present, &out);
        return out;
      });
}

void CheckKeys(std::string_view bytes) {
  keys::TimerEntry timer;
  if (keys::ParseTimer(bytes, &timer)) {
    const std::string key = keys::Timer(0, timer.deadline, timer.customer, timer.slot);
    CHECK(key.substr(2) == bytes.substr(2));
  }
  std::string_view name;
  int64_t period = 0;
  keys::ParseQuota(bytes, &name, &period);
}

void CheckDecisions(std::string_view bytes) {
  Check<std::vector<Decision>>(
      bytes,
      [](std::string_view in, std::vector<Decision>* out) {
        return UnpackDecisions(in, "c", [out](const Decision& each) { out->push_back(each); });
      },
      [](const std::vector<Decision>& decisions) {
        std::string out;
        PackDecisions(decisions, &out);
        return out;
      });
}

void CheckSinkChunk(std::string_view bytes) {
  std::vector<SinkView> views;
  if (!ReadSinkChunk(bytes, UINT64_MAX, &views).ok()) {
    return;
  }
  SinkChunk chunk;
  for (const SinkView& view : views) {
    chunk.Add(view.key, view.value);
  }
  std::vector<SinkView> again;
  CHECK(ReadSinkChunk(chunk.bytes(), UINT64_MAX, &again).ok() && again.size() == views.size());
}

void CheckAny(uint8_t kind, std::string_view bytes) {
  switch (kind % 10) {
    case 0:
      return CheckActivity(bytes);
    case 1:
      return Check<Profile>(bytes, DecodeProfile, EncodeProfile);
    case 2:
      return Check<std::vector<Episode>>(bytes, DecodeEpisodes, EncodeEpisodes);
    case 3:
      return Check<OutboxRecord>(bytes, DecodeOutboxRecord, EncodeOutboxRecord);
    case 4:
      return Check<LedgerEntry>(bytes, DecodeLedgerEntry, EncodeLedgerEntry);
    case 5:
      return Check<ShardState>(bytes, DecodeShardState, EncodeShardState);
    case 6: {
      LogRecord record;
      DecodeLogRecord(bytes, &record).Ignore();  // must only not crash
      return;
    }
    case 7:
      return CheckDecisions(bytes);
    case 8:
      return CheckSinkChunk(bytes);
    default:
      return CheckKeys(bytes);
  }
}

}  // namespace
}  // namespace huitou

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0) {
    huitou::CheckAny(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  }
  return 0;
}
