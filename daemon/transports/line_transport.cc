#include "daemon/transports/line_transport.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "daemon/clock/clock.h"
#include "daemon/output/patient_write.h"
#include "daemon/transports/signals.h"

namespace huitou {

using channels::Answer;
using channels::Line;
using channels::TransportError;

namespace {

Answer Failed(TransportError error, const char* text) {
  Answer answer;
  answer.error = error;
  answer.error_text = text;
  return answer;
}

// What cannot be synced, a pipe or a device, needs none.
bool Sync(int descriptor) {
  return fdatasync(descriptor) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP;
}

// A name that is not on disk yet loses the file behind it.
bool SyncFolder(const std::filesystem::path& folder) {
  const int descriptor =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return errno == EACCES;  // one may write there, and not read: no way to sync it
  }
  const bool synced = Sync(descriptor);
  ::close(descriptor);
  return synced;
}

// Makes the folders that are missing, from the top down.
bool MakeFolder(const std::filesystem::path& folder, bool sync) {
  std::error_code error;
  if (folder.empty() || std::filesystem::exists(folder, error)) {
    return true;
  }
  return MakeFolder(folder.parent_path(), sync) &&
         (std::filesystem::create_directory(folder, error) || !error) &&
         (!sync || SyncFolder(folder.parent_path()));
}

// -1 when it cannot be opened, or made for good.
int OpenForAppending(const std::string& path, bool sync) {
  // Not waiting for the reader of a FIFO.
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK;
  constexpr mode_t kMode = 0640;  // what customers are told is not for everybody's eyes
  int descriptor = ::open(path.c_str(), kFlags);
  if (descriptor >= 0 || errno != ENOENT) {
    return descriptor;
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!MakeFolder(folder, sync)) {
    return -1;
  }
  descriptor = ::open(path.c_str(), kFlags | O_CREAT, kMode);
  if (descriptor >= 0 && sync && !SyncFolder(folder)) {
    ::close(descriptor);
    return -1;
  }
  return descriptor;
}

}  // namespace

LineTransport::LineTransport(bool sync) : sync_(sync), thread_([this] { Run(); }) {
}

LineTransport::~LineTransport() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void LineTransport::Send(channels::Request request, DurationUs timeout, Done done) {
  Line line = std::get<Line>(std::move(request));
  {
    const std::lock_guard lock(mutex_);
    waiting_[std::move(line.path)].push_back(
        {std::move(line.text), SteadyNow() + timeout, std::move(done)});
  }
  wake_.notify_one();
}

void LineTransport::Run() {
  BlockSignals();
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) {
      return;
    }
    const Batch batch = std::exchange(waiting_, {});
    lock.unlock();
    for (const auto& [path, lines] : batch) {
      WriteAll(path, lines);
    }
    lock.lock();
  }
}

void LineTransport::WriteAll(const std::string& path, const std::vector<Waiting>& lines) {
  const bool file = !path.empty();
  const int descriptor = file ? OpenForAppending(path, sync_) : STDOUT_FILENO;
  std::vector<Answer> answers;
  bool synced = true;
  if (descriptor >= 0) {
    for (const Waiting& line : lines) {
      answers.push_back(Write(descriptor, path, line));
    }
    synced = !file || !sync_ || Sync(descriptor);
    if (file) {
      ::close(descriptor);
    }
  } else {
    answers.assign(lines.size(), Failed(TransportError::kNotSent, "the file cannot be opened"));
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    const bool written = answers[i].error == TransportError::kNone;
    lines[i].done(written && !synced
                      ? Failed(TransportError::kAmbiguous, "it may not have got to the disk")
                      : answers[i]);
  }
}

Answer LineTransport::Write(int descriptor, const std::string& path, const Waiting& line) {
  const std::string data = (torn_.contains(path) ? "\n" : "") + line.text + "\n";
  const size_t written = PatientWrite(descriptor, data, line.deadline, &stopping_);
  if (written == data.size()) {
    torn_.erase(path);
    return {};
  }
  if (written == 0) {
    return Failed(TransportError::kNotSent, "nothing could be written");
  }
  torn_.insert(path);
  return Failed(TransportError::kAmbiguous, "only a part could be written");
}

}  // namespace huitou
