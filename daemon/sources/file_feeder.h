// Copies a file of events, one a line, into the embedded log: plain, gzip or zstd, with `follow` a
// plain one that grows. Its position is durable in the same commit as the lines, so after a crash
// it goes on behind the last line that is in the log. A followed file that is renamed, also while
// nobody reads it, is read to its end, then those that were rotated away after it ("x.1"), oldest
// first, and then the new one of its name; one that was cut off or rewritten is a problem. Lines
// that are no events go there too: their shard has the dead letters.
//
// One thread of its own; the methods are for any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/shard/input.h"
#include "daemon/sources/followed_file.h"
#include "daemon/sources/log_progress.h"
#include "daemon/state/store.h"
#include "triggers/base/status.h"

namespace huitou {

class LineReader;

class FileFeeder {
 public:
  struct Parts {
    std::string source;  // its name
    std::string path;
    bool follow = false;
    Store* store = nullptr;
    uint16_t stream = 0;
    const LogProgress* progress = nullptr;  // null: never waits for the shards
    std::unique_ptr<Decoder> decoder = {};  // tells the customer of a line
    std::function<void(ShardNumber)> wake = {};
  };

  explicit FileFeeder(Parts parts);
  // Stops; see Stop().
  ~FileFeeder();
  FileFeeder(const FileFeeder&) = delete;
  FileFeeder& operator=(const FileFeeder&) = delete;

  void Start();
  void Stop();

  // For LogInput: whether all lines that the file has now are in the log.
  bool Done() const;
  // Why it does not go on; empty when all is well.
  std::string problem() const;

 private:
  enum class Next : uint8_t { kGoOn, kWait, kNewFile, kEnd };

  void Run();
  // Opens the file behind what the log has of it.
  Result<std::unique_ptr<LineReader>> Open();
  // A followed file behind a place, if it still is what was read up to there.
  Result<std::unique_ptr<LineReader>> OpenAt(const std::string& path,
                                             const FollowedFile::Place& place);
  // What was begun after the followed file that was read to its end.
  Result<std::unique_ptr<LineReader>> OpenNext();
  // A file that takes the place of a followed one, from its start.
  Result<std::unique_ptr<LineReader>> OpenNew(const std::string& path);
  // What follows at the end of what there is: size and number of the path's file as of before.
  Result<Next> AtEnd(int64_t size, uint64_t now);
  // Copies some lines: kWait at the end of a followed file, and for the shards.
  Result<Next> CopySome(LineReader* reader);
  std::string CustomerOf(std::string_view line);
  Status Commit(uint64_t position);
  // False when stopped meanwhile.
  bool Sleep(DurationUs duration);
  void SetProblem(const std::string& problem);

  Parts parts_;
  std::thread thread_;
  std::vector<LogAppend> batch_;  // the thread's
  size_t batch_bytes_ = 0;
  std::optional<FollowedFile> file_;    // the followed file that is being read; the thread's
  FollowedFile::Place read_;            // what of it is in the log; the thread's
  std::atomic<int64_t> end_size_ = -1;  // the file's size when its end was reached
  std::atomic<bool> finished_ = false;  // and it does not grow

  mutable std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // these under mutex_
  std::string problem_;
};

}  // namespace huitou
