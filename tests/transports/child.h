// A server that is another process: started, heard by its standard output (a pipe: it waits when
// 64 kB are unread), ended by its pid.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "triggers/base/check.h"

namespace huitou {

class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    int ends[2];
    CHECK(::pipe2(ends, O_CLOEXEC) == 0);
    pid_ = ::fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      std::vector<char*> words;
      for (std::string& argument : arguments) {
        words.push_back(argument.data());
      }
      words.push_back(nullptr);
      ::execvp(words[0], words.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }

  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
    }
    Wait();
    ::close(output_);
  }

  // The next line of its output; empty when it ended or said nothing for half a minute.
  std::string ReadLine() {
    constexpr int kPatienceMs = 30'000;
    size_t end = 0;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      pollfd readable{output_, POLLIN, 0};
      char data[4096];
      ssize_t count = 0;
      if (::poll(&readable, 1, kPatienceMs) <= 0 ||
          (count = ::read(output_, data, sizeof(data))) <= 0) {
        return {};
      }
      buffer_.append(data, static_cast<size_t>(count));
    }
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return line;
  }

  // Waits for its end; its exit code.
  int Wait() {
    if (pid_ <= 0) {
      return code_;
    }
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    return code_;
  }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
  int code_ = 0;
  std::string buffer_;
};

}  // namespace huitou
