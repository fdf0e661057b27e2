// A KeyValue on RocksDB: one database per daemon, a column family per Family. Settings and their
// reasons stand in rocks_key_value.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/clock/clock.h"
#include "daemon/state/key_value.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace huitou {

struct RocksOptions {
  std::string directory;
  // Survives a power cut, not only a crash of the process: every commit waits for the disk.
  bool sync = false;
  bool read_only = false;  // huitou explain --state; nothing is written, the daemon may be running
  size_t block_cache_bytes = size_t{64} << 20;
  // Older lines of the journal go when they are compacted.
  DurationUs journal_retention = 90 * kDayUs;
  const WallClock* clock = nullptr;  // for that; null: the system's
  rocksdb::Env* env = nullptr;       // tests put faults here; null: the real one
};

// kNotFound where a read-only store does not exist, kUnavailable when another process has it open,
// kCorrupt when its bytes make no sense; each message says what to do.
Result<std::unique_ptr<KeyValue>> OpenRocks(const RocksOptions& options);

// Flushes and compacts everything: for tests and measurements.
Status CompactRocks(KeyValue* key_value);

}  // namespace huitou
