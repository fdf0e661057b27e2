// The settings follow measurements on two cores with ten million customers:
// - One sorted batch with the log on: the log is what makes several families agree after a crash.
//   It is never compressed (recovery of compressed logs is broken in 7.8).
// - Universal compaction halves what leveled compaction writes; memtables of 64 MB, larger ones
//   were slower.
// - The insert hint makes a sorted batch cheap. It goes wrong together with DeleteRange, so the
//   families that have the hint (IsPutSorted) never see one; WriteSet checks that.
// - One thread inserts per batch, so concurrent memtable writes only cost.
#include "daemon/state/rocks_key_value.h"

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <utility>
#include <vector>

#include "daemon/state/bytes.h"
#include "triggers/base/check.h"

namespace huitou {
namespace {

constexpr size_t kStateMemtableBytes = size_t{64} << 20;
constexpr size_t kOtherMemtableBytes = size_t{16} << 20;
// Replayed after a crash, at some 40 MB/s: the first event is there within 3 s.
constexpr size_t kLogBytesMax = size_t{80} << 20;
// The mark that a timer file has many deletions: compact it before its turn.
constexpr size_t kDeletionWindow = 16 * 1024;
constexpr size_t kDeletionTrigger = 8 * 1024;

rocksdb::Slice ToSlice(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

bool IsState(Family family) {
  return family == Family::kActivity || family == Family::kProfile || family == Family::kEpisodes;
}

// Families that are read by key: a filter spares the disk for what is not there.
bool IsLookedUp(Family family) {
  return IsState(family) || family == Family::kOutbox || family == Family::kMeta;
}

// A line of the journal begins with the wall clock at which it was written.
class JournalFilter final : public rocksdb::CompactionFilter {
 public:
  JournalFilter(const WallClock* clock, DurationUs retention)
      : clock_(clock), retention_(retention) {}
  bool Filter(int /*level*/, const rocksdb::Slice& /*key*/, const rocksdb::Slice& value,
              std::string* /*new_value*/, bool* /*value_changed*/) const override {
    ByteReader reader(ToView(value));
    const TimeUs written = reader.Time();
    return reader.ok() && written < Now() - retention_;
  }
  const char* Name() const override { return "huitou.journal"; }

 private:
  TimeUs Now() const { return clock_ == nullptr ? system_.Now() : clock_->Now(); }

  const SystemClock system_;
  const WallClock* const clock_;
  const DurationUs retention_;
};

// Background errors come on RocksDB's threads.
class ErrorListener final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* status) override {
    (status->IsNoSpace() ? full_ : broken_).store(true);
  }
  void OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) override {
    if (info.new_bg_error.ok()) {
      full_.store(false);
    }
  }
  void Resumed() { full_.store(false); }
  bool full() const { return full_.load(); }
  bool broken() const { return broken_.load(); }

 private:
  std::atomic<bool> full_{false};
  std::atomic<bool> broken_{false};
};

Status FromRocks(const rocksdb::Status& status, const std::string& directory) {
  if (status.ok()) {
    return Status::Ok();
  }
  const std::string where = "state in " + directory + ": ";
  // Busy: RocksDB itself is trying to resume, which it does every few seconds.
  if (status.IsNoSpace() || status.IsBusy()) {
    return Status(StatusCode::kExhausted, where + "the disk is full; free some space");
  }
  if (status.IsCorruption()) {
    return Status(StatusCode::kCorrupt, where + "the store is damaged (" + status.ToString() +
                                            "); restore it from a copy");
  }
  if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
    return Status(StatusCode::kUnavailable, where + "another huitou has it open");
  }
  return Status(StatusCode::kInternal, where + status.ToString());
}

class RocksKeyValue final : public KeyValue {
 public:
  explicit RocksKeyValue(RocksOptions options)
      : options_(std::move(options)),
        journal_filter_(options_.clock, options_.journal_retention),
        listener_(std::make_shared<ErrorListener>()) {}
  ~RocksKeyValue() override;

  Status Open();

  Result<std::optional<std::string>> Get(Family family, std::string_view key) const override;
  Status MultiGet(Family family, std::span<const std::string> keys,
                  std::vector<std::optional<std::string>>* values) const override;
  Status Scan(Family family, std::string_view from, std::string_view to,
              const Visit& visit) const override;
  Status Commit(const WriteSet& changes) override;
  Status Compact();

 private:
  rocksdb::DBOptions DatabaseOptions() const;
  rocksdb::ColumnFamilyOptions FamilyOptions(Family family) const;
  rocksdb::ColumnFamilyHandle* Handle(Family family) const {
    return handles_[static_cast<size_t>(family)];
  }
  Status Told(const rocksdb::Status& status) const { return FromRocks(status, options_.directory); }
  Status Resume();

  const RocksOptions options_;
  const JournalFilter journal_filter_;
  const std::shared_ptr<ErrorListener> listener_;
  std::shared_ptr<rocksdb::Cache> cache_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> handles_ = {};
  rocksdb::ColumnFamilyHandle* default_handle_ = nullptr;
};

RocksKeyValue::~RocksKeyValue() {
  if (db_ == nullptr) {
    return;
  }
  // The log has everything already; but what is flushed is not read again, nor held in memory, when
  // the store is next opened.
  if (!options_.read_only) {
    const std::vector<rocksdb::ColumnFamilyHandle*> handles(handles_.begin(), handles_.end());
    db_->Flush(rocksdb::FlushOptions(), handles).PermitUncheckedError();
  }
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  db_->DestroyColumnFamilyHandle(default_handle_).PermitUncheckedError();
  db_->Close().PermitUncheckedError();
}

namespace {

class NoLog final : public rocksdb::Logger {
 public:
  NoLog() : rocksdb::Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

}  // namespace

rocksdb::DBOptions RocksKeyValue::DatabaseOptions() const {
  rocksdb::DBOptions database;
  database.create_if_missing = true;
  database.create_missing_column_families = true;
  database.allow_concurrent_memtable_write = false;
  database.max_total_wal_size = kLogBytesMax;
  database.avoid_flush_during_recovery = true;
  database.max_background_jobs = 2;
  database.bytes_per_sync = 1 << 20;
  database.keep_log_file_num = 4;
  database.max_log_file_size = size_t{16} << 20;
  database.max_manifest_file_size = size_t{16} << 20;
  // A torn last record is a crash; damage before it is told and refused, never skipped.
  database.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // RocksDB's own log would lie on the disk that may be full, and end the process there.
  database.info_log = std::make_shared<NoLog>();
  database.listeners.push_back(listener_);
  if (options_.env != nullptr) {
    database.env = options_.env;
  }
  return database;
}

rocksdb::ColumnFamilyOptions RocksKeyValue::FamilyOptions(Family family) const {
  rocksdb::ColumnFamilyOptions options;
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.write_buffer_size = IsState(family) ? kStateMemtableBytes : kOtherMemtableBytes;
  options.max_write_buffer_number = 3;
  if (IsState(family)) {
    // A new customer is looked for in vain first: 1.3 MB of filter spare the way down the memtable.
    options.memtable_whole_key_filtering = true;
    options.memtable_prefix_bloom_size_ratio = 0.02;
  }
  // A cold customer costs a read: its state is small already and stays uncompressed.
  options.compression =
      family == Family::kActivity ? rocksdb::kNoCompression : rocksdb::kLZ4Compression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache_;
  table.format_version = 5;
  table.block_size = family == Family::kTimers ? size_t{16} << 10 : size_t{4} << 10;
  if (IsLookedUp(family)) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  }
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  if (IsPutSorted(family)) {
    options.memtable_insert_with_hint_prefix_extractor.reset(
        rocksdb::NewFixedPrefixTransform(sizeof(uint16_t)));
  }
  if (family == Family::kTimers || family == Family::kOutbox || family == Family::kSinks) {
    options.table_properties_collector_factories.push_back(
        rocksdb::NewCompactOnDeletionCollectorFactory(kDeletionWindow, kDeletionTrigger));
  }
  if (family == Family::kJournal) {
    options.compaction_filter = &journal_filter_;
  }
  return options;
}

Status RocksKeyValue::Open() {
  cache_ = rocksdb::NewLRUCache(options_.block_cache_bytes);
  std::error_code error;
  if (options_.read_only && !std::filesystem::exists(options_.directory + "/CURRENT", error)) {
    return Status(StatusCode::kNotFound, "no state in " + options_.directory);
  }
  std::filesystem::create_directories(options_.directory, error);
  if (error && options_.env == nullptr) {
    return Status(StatusCode::kUnavailable,
                  "state in " + options_.directory + ": " + error.message());
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());
  for (size_t i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    families.emplace_back(std::string(ToString(family)), FamilyOptions(family));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      options_.read_only
          ? rocksdb::DB::OpenForReadOnly(DatabaseOptions(), options_.directory, families, &handles,
                                         &db)
          : rocksdb::DB::Open(DatabaseOptions(), options_.directory, families, &handles, &db);
  if (options_.read_only && status.IsInvalidArgument()) {
    return Status(StatusCode::kUnavailable,
                  "state in " + options_.directory +
                      ": written by an older huitou; `huitou run` brings it up to date");
  }
  if (!status.ok()) {
    return Told(status);
  }
  db_.reset(db);
  default_handle_ = handles[0];
  for (size_t i = 0; i < kFamilyCount; ++i) {
    handles_[i] = handles[i + 1];
  }
  return Status::Ok();
}

Result<std::optional<std::string>> RocksKeyValue::Get(Family family, std::string_view key) const {
  std::string value;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), Handle(family), ToSlice(key), &value);
  if (status.IsNotFound()) {
    return std::optional<std::string>();
  }
  if (!status.ok()) {
    return Told(status);
  }
  return std::optional<std::string>(std::move(value));
}

Status RocksKeyValue::MultiGet(Family family, std::span<const std::string> keys,
                               std::vector<std::optional<std::string>>* values) const {
  values->assign(keys.size(), std::nullopt);
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> pinned(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db_->MultiGet(rocksdb::ReadOptions(), Handle(family), keys.size(), slices.data(), pinned.data(),
                statuses.data(), /*sorted_input=*/true);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].ok()) {
      (*values)[i] = pinned[i].ToString();
    } else if (!statuses[i].IsNotFound()) {
      return Told(statuses[i]);
    }
  }
  return Status::Ok();
}

Status RocksKeyValue::Scan(Family family, std::string_view from, std::string_view to,
                           const Visit& visit) const {
  rocksdb::ReadOptions read;
  const rocksdb::Slice upper = ToSlice(to);
  read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> iterator(db_->NewIterator(read, Handle(family)));
  for (iterator->Seek(ToSlice(from)); iterator->Valid(); iterator->Next()) {
    if (!visit(ToView(iterator->key()), ToView(iterator->value()))) {
      break;
    }
  }
  return Told(iterator->status());
}

Status RocksKeyValue::Resume() {
  const rocksdb::Status status = db_->Resume();
  if (status.ok()) {
    listener_->Resumed();
  }
  return Told(status);
}

Status RocksKeyValue::Commit(const WriteSet& changes) {
  if (options_.read_only) {
    return Status(StatusCode::kInvalid, "the store was opened for reading only");
  }
  if (listener_->broken()) {
    return Status(StatusCode::kInternal,
                  "state in " + options_.directory + ": RocksDB reported a background error");
  }
  if (listener_->full()) {
    Status resumed = Resume();
    if (!resumed.ok()) {
      return resumed;
    }
  }
  rocksdb::WriteBatch batch(changes.bytes() + changes.size() * 16);
  for (size_t i = 0; i < changes.size(); ++i) {
    const WriteSet::Change change = changes.change(i);
    rocksdb::ColumnFamilyHandle* const handle = Handle(change.family);
    rocksdb::Status status;
    switch (change.kind) {
      case WriteSet::Kind::kPut:
        status = batch.Put(handle, ToSlice(change.key), ToSlice(change.value));
        break;
      case WriteSet::Kind::kDelete:
        status = batch.Delete(handle, ToSlice(change.key));
        break;
      case WriteSet::Kind::kDeleteRange:
        status = batch.DeleteRange(handle, ToSlice(change.key), ToSlice(change.value));
        break;
    }
    CHECK(status.ok());
  }
  // Counting comparisons for nobody costs a tenth of them.
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  rocksdb::WriteOptions write;
  write.sync = options_.sync;
  return Told(db_->Write(write, &batch));
}

Status RocksKeyValue::Compact() {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    const rocksdb::Status status =
        db_->CompactRange(rocksdb::CompactRangeOptions(), handle, nullptr, nullptr);
    if (!status.ok()) {
      return Told(status);
    }
  }
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<KeyValue>> OpenRocks(const RocksOptions& options) {
  auto store = std::make_unique<RocksKeyValue>(options);
  Status status = store->Open();
  if (!status.ok()) {
    return status;
  }
  return std::unique_ptr<KeyValue>(std::move(store));
}

Status CompactRocks(KeyValue* key_value) {
  return static_cast<RocksKeyValue*>(key_value)->Compact();
}

}  // namespace huitou
