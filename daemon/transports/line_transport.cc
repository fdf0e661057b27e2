#include "daemon/transports/line_transport.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

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

int OpenForAppending(const std::string& path) {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
  constexpr mode_t kMode = 0640;  // what customers are told is not for everybody's eyes
  int fd = ::open(path.c_str(), kFlags, kMode);
  if (fd < 0 && errno == ENOENT) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    fd = ::open(path.c_str(), kFlags, kMode);
  }
  return fd;
}

// Bytes written; fewer than all of them when the disk is full or the reader gone.
size_t WriteAll(int fd, const std::string& data) {
  size_t written = 0;
  while (written < data.size()) {
    const ssize_t count = ::write(fd, data.data() + written, data.size() - written);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      break;
    }
    written += static_cast<size_t>(count);
  }
  return written;
}

}  // namespace

void LineTransport::Send(channels::Request request, DurationUs /*timeout*/, Done done) {
  loop_.Post([this, line = std::get<Line>(std::move(request)), done = std::move(done)] {
    done(Write(line));
  });
}

Answer LineTransport::Write(const Line& line) {
  const int fd = line.path.empty() ? STDOUT_FILENO : OpenForAppending(line.path);
  if (fd < 0) {
    return Failed(TransportError::kNotSent, "the file cannot be opened");
  }
  const bool torn = torn_.contains(line.path);
  const std::string data = (torn ? "\n" : "") + line.text + "\n";
  const size_t written = WriteAll(fd, data);
  if (!line.path.empty()) {
    ::close(fd);
  }
  if (written == data.size()) {
    torn_.erase(line.path);
    return {};
  }
  if (written == 0) {
    return Failed(TransportError::kNotSent, "nothing could be written");
  }
  torn_.insert(line.path);
  return Failed(TransportError::kAmbiguous, "only a part could be written");
}

}  // namespace huitou
