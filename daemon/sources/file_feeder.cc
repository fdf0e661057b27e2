#include "daemon/sources/file_feeder.h"

#include <sys/stat.h>

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

// 0 when it cannot be asked. A file keeps its number when it is renamed.
uint64_t NumberOf(const std::string& path) {
  struct stat state {};
  return stat(path.c_str(), &state) == 0 ? static_cast<uint64_t>(state.st_ino) : 0;
}

Status CutOff(const std::string& path) {
  return {StatusCode::kInvalid,
          path +
              " is not what was read of it: somebody cut it off or rewrote it, and lines may be "
              "missing; rename it away and begin a new file, which is read from its start"};
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
    Result<Next> next = CopySome(reader.get());
    if (next.ok() && *next == Next::kNewFile) {
      Result<std::unique_ptr<LineReader>> opened = OpenNext();
      next = opened.ok() ? Result<Next>(Next::kGoOn) : Result<Next>(opened.status());
      reader = opened.ok() ? std::move(*opened) : nullptr;
    }
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
  const FollowedFile::Place place = FollowedFile::PlaceOf(feed->value_or(""), parts_.path);
  if (!parts_.follow) {
    return LineReader::Open(parts_.path, {false, place.position});
  }
  const uint64_t number = NumberOf(parts_.path);
  if (place.number != 0 && number != place.number) {
    if (const auto renamed = FollowedFile::FindRenamed(parts_.path, place)) {
      Log(LogLevel::kInfo, "file source: was renamed, and is read to its end first",
          {{"source", parts_.source}, {"path", *renamed}, {"read", place.position}});
      return OpenAt(*renamed, place);
    }
  }
  if (number == 0) {
    return Status(StatusCode::kNotFound, parts_.path + ": No such file or directory");
  }
  if (place.number != 0 && number != place.number) {
    Log(LogLevel::kWarning,
        "file source: another file is there than the one that was read, which is not in this "
        "folder any more and whose rest is not read; this one is from its start",
        {{"source", parts_.source}, {"path", parts_.path}, {"read", place.position}});
    return OpenNew(parts_.path);
  }
  return OpenAt(parts_.path, place);
}

Result<std::unique_ptr<LineReader>> FileFeeder::OpenAt(const std::string& path,
                                                       const FollowedFile::Place& place) {
  file_ = FollowedFile::Open(path);
  if (file_ && !file_->IsAsRead(place)) {
    return CutOff(path);
  }
  Result<std::unique_ptr<LineReader>> reader = LineReader::Open(path, {true, place.position});
  if (reader.ok() && (!file_ || NumberOf(path) != file_->number())) {
    return Status(StatusCode::kUnavailable, path + " is being renamed");
  }
  if (reader.ok()) {
    read_ = file_->PlaceAt(place.position).value_or(place);
  }
  return reader;
}

// Rotated more than once while nobody read, there are others between what was read and the newest.
Result<std::unique_ptr<LineReader>> FileFeeder::OpenNext() {
  std::vector<std::string> archives;
  const std::string next = FollowedFile::FindNext(parts_.path, read_.number, &archives);
  for (const std::string& archive : archives) {
    Log(LogLevel::kWarning,
        "file source: a file was compressed before it was read, and its lines are missing; copy "
        "them by a source of their own, without `follow`",
        {{"source", parts_.source}, {"path", archive}});
  }
  Log(LogLevel::kInfo, "file source: read to its end, and a new file is there",
      {{"source", parts_.source}, {"path", next}});
  return OpenNew(next);
}

Result<std::unique_ptr<LineReader>> FileFeeder::OpenNew(const std::string& path) {
  const std::optional<FollowedFile> file = FollowedFile::Open(path);
  if (!file) {
    return Status(StatusCode::kNotFound, path + ": No such file or directory");
  }
  const FollowedFile::Place begin = file->PlaceAt(0).value_or(FollowedFile::Place());
  const std::string feed = FollowedFile::FeedOf(begin, parts_.path);
  if (Status status = parts_.store->AppendLog(parts_.stream, {}, feed); !status.ok()) {
    return status;
  }
  return OpenAt(path, begin);
}

// Asked before the reading, so that what is behind the last line of a file that was renamed is read
// once more when its successor is there.
Result<FileFeeder::Next> FileFeeder::AtEnd(int64_t size, uint64_t now) {
  finished_ = !parts_.follow;
  if (finished_) {
    end_size_ = size;
    return Next::kEnd;
  }
  if (now != 0 && now != read_.number) {
    return Next::kNewFile;
  }
  end_size_ = size;
  return Next::kWait;
}

Result<FileFeeder::Next> FileFeeder::CopySome(LineReader* reader) {
  if (parts_.progress != nullptr && parts_.progress->Backlog() > limits::kFileAheadMax) {
    return Next::kWait;
  }
  const int64_t size = SizeOf(parts_.path);
  const uint64_t number = NumberOf(parts_.path);
  std::string_view line;
  while (batch_.size() < limits::kAppendRecordsMax && batch_bytes_ < limits::kAppendBytesMax) {
    if (!reader->Next(&line)) {
      if (Status status = Commit(reader->position()); !status.ok()) {
        return status;
      }
      if (!reader->status().ok()) {
        return reader->status();
      }
      return AtEnd(size, number);
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
  FollowedFile::Place place{position, 0, 0};
  if (parts_.follow) {
    // What was read since the last look may be of another text under the same name.
    const std::optional<FollowedFile::Place> now = file_->PlaceAt(position);
    if (!now || !file_->IsAsRead(read_)) {
      return CutOff(parts_.path);
    }
    place = *now;
  }
  if (batch_.empty()) {
    return Status::Ok();
  }
  const std::string feed = FollowedFile::FeedOf(place, parts_.path);
  if (Status status = parts_.store->AppendLog(parts_.stream, batch_, feed); !status.ok()) {
    return status;
  }
  read_ = place;
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
