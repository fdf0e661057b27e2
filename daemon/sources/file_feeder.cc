#include "daemon/sources/file_feeder.h"

#include <sys/stat.h>

#include <charconv>
#include <chrono>
#include <set>
#include <utility>

#include "daemon/decode/line_reader.h"
#include "daemon/metrics/log.h"
#include "daemon/sources/limits.h"

namespace huitou {
namespace {

// -1 when it cannot be asked.
int64_t SizeOf(const std::string& path) {
  struct stat state {};
  return stat(path.c_str(), &state) == 0 ? static_cast<int64_t>(state.st_size) : -1;
}

// What is kept in the log: "BYTES PATH".
std::string FeedOf(uint64_t position, const std::string& path) {
  return std::to_string(position) + " " + path;
}

uint64_t PositionOf(const std::string& feed, const std::string& path) {
  uint64_t position = 0;
  const auto [end, error] = std::from_chars(feed.data(), feed.data() + feed.size(), position);
  const std::string_view rest(end, feed.data() + feed.size() - end);
  // Another file under the same name of the source begins at its start.
  return error == std::errc() && rest.starts_with(' ') && rest.substr(1) == path ? position : 0;
}

}  // namespace

FileFeeder::FileFeeder(Parts parts) : parts_(std::move(parts)) {
}
FileFeeder::~FileFeeder() {
  Stop();
}

void FileFeeder::Start() {
  thread_ = std::thread([this] { Run(); });
}

void FileFeeder::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

bool FileFeeder::Done() const {
  // A followed file may have grown since its end was reached.
  return finished_ || (end_size_ >= 0 && end_size_ == SizeOf(parts_.path));
}

std::string FileFeeder::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void FileFeeder::SetProblem(const std::string& problem) {
  const std::lock_guard lock(mutex_);
  if (!problem.empty() && problem != problem_) {
    Log(LogLevel::kWarning, "file source: waiting", {{"source", parts_.source}, {"why", problem}});
  }
  problem_ = problem;
}

bool FileFeeder::Sleep(DurationUs duration) {
  std::unique_lock lock(mutex_);
  return !stop_.wait_for(lock, std::chrono::microseconds(duration), [this] { return stopping_; });
}

void FileFeeder::Run() {
  std::unique_ptr<LineReader> reader;
  while (Sleep(0)) {
    if (reader == nullptr) {
      Result<std::unique_ptr<LineReader>> opened = Open();
      if (!opened.ok()) {
        SetProblem("file source '" + parts_.source + "': " + opened.status().message());
        if (!Sleep(limits::kLookAgain)) {
          return;
        }
        continue;
      }
      reader = std::move(*opened);
    }
    const Result<Next> next = CopySome(reader.get());
    SetProblem(next.ok() ? "" : "file source '" + parts_.source + "': " + next.status().message());
    if (next.ok() && *next == Next::kEnd) {
      Log(LogLevel::kInfo, "file source: copied", {{"source", parts_.source}});
      return;
    }
    if (!next.ok()) {
      // Begins again behind what is in the log.
      reader.reset();
      batch_.clear();
      batch_bytes_ = 0;
    }
    if ((!next.ok() || *next == Next::kWait) &&
        !Sleep(next.ok() ? limits::kFollowFile : limits::kLookAgain)) {
      return;
    }
  }
}

Result<std::unique_ptr<LineReader>> FileFeeder::Open() {
  const Result<std::optional<std::string>> feed = parts_.store->ReadFeed(parts_.stream);
  if (!feed.ok()) {
    return feed.status();
  }
  const uint64_t position = PositionOf(feed->value_or(""), parts_.path);
  if (parts_.follow && static_cast<int64_t>(position) > SizeOf(parts_.path)) {
    return Status(StatusCode::kInvalid, parts_.path + " is shorter than what was read of it");
  }
  return LineReader::Open(parts_.path, {parts_.follow, position});
}

Result<FileFeeder::Next> FileFeeder::CopySome(LineReader* reader) {
  if (parts_.progress != nullptr && parts_.progress->Backlog() > limits::kFileAheadMax) {
    return Next::kWait;
  }
  const int64_t size = SizeOf(parts_.path);
  std::string_view line;
  while (batch_.size() < limits::kAppendRecordsMax && batch_bytes_ < limits::kAppendBytesMax) {
    if (!reader->Next(&line)) {
      if (Status status = Commit(reader->position()); !status.ok()) {
        return status;
      }
      if (!reader->status().ok()) {
        return reader->status();
      }
      end_size_ = size;
      finished_ = !parts_.follow;
      return parts_.follow ? Next::kWait : Next::kEnd;
    }
    batch_.push_back({CustomerOf(line), std::string(line), {}});
    batch_bytes_ += line.size();
  }
  if (Status status = Commit(reader->position()); !status.ok()) {
    return status;
  }
  return Next::kGoOn;
}

std::string FileFeeder::CustomerOf(std::string_view line) {
  SourceRecord record;
  record.payload = line;
  Event event;
  std::string detail;
  return parts_.decoder->Decode(record, &event, &detail) == EventError::kNone
             ? std::string(event.customer.id)
             : std::string();
}

Status FileFeeder::Commit(uint64_t position) {
  if (batch_.empty()) {
    return Status::Ok();
  }
  const std::string feed = FeedOf(position, parts_.path);
  if (Status status = parts_.store->AppendLog(parts_.stream, batch_, feed); !status.ok()) {
    return status;
  }
  std::set<ShardNumber> shards;
  for (const LogAppend& record : batch_) {
    shards.insert(ShardOf(record.key, parts_.store->shards()));
  }
  batch_.clear();
  batch_bytes_ = 0;
  for (const ShardNumber shard : shards) {
    if (parts_.wake) {
      parts_.wake(shard);
    }
  }
  return Status::Ok();
}

}  // namespace huitou
