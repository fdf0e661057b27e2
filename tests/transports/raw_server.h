// A TCP server on a free port of 127.0.0.1 whose every connection does what a test says: for
// providers that behave as no HTTP library would let them.
//
//   RawServer server([](RawServer::Connection& c) {
//     c.ReadRequest();
//     c.Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
//   });
//   Send("http://127.0.0.1:" + std::to_string(server.port()));
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "triggers/base/check.h"

namespace huitou {

class RawServer {
 public:
  class Connection {
   public:
    Connection(RawServer* server, int fd) : server_(server), fd_(fd) {}

    // Up to the next '\n', without the line end; false at the end.
    bool ReadLine(std::string* line) {
      size_t end = 0;
      while ((end = buffer_.find('\n')) == std::string::npos) {
        if (!Fill()) {
          return false;
        }
      }
      *line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (!line->empty() && line->back() == '\r') {
        line->pop_back();
      }
      return true;
    }

    // A whole HTTP request, which the server remembers; false at the end.
    bool ReadRequest() {
      std::string request;
      std::string line;
      size_t body_bytes = 0;
      do {
        if (!ReadLine(&line)) {
          return false;
        }
        constexpr std::string_view kLength = "Content-Length: ";
        if (line.starts_with(kLength)) {
          body_bytes = std::strtoul(line.c_str() + kLength.size(), nullptr, 10);
        }
        request += line + "\n";
      } while (!line.empty());
      while (buffer_.size() < body_bytes) {
        if (!Fill()) {
          return false;
        }
      }
      request += buffer_.substr(0, body_bytes);
      buffer_.erase(0, body_bytes);
      server_->Remember(std::move(request));
      return true;
    }

    bool Write(std::string_view data) {
      while (!data.empty()) {
        const ssize_t count = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
        if (count <= 0) {
          return false;
        }
        data.remove_prefix(static_cast<size_t>(count));
      }
      return true;
    }

    void Answer(int status, std::string_view headers, std::string_view body) {
      Write("HTTP/1.1 " + std::to_string(status) + " Word\r\n" + std::string(headers) +
            "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
    }

    // Ends with RST instead of FIN.
    void Reset() {
      const linger hard{1, 0};
      ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    }

    // Says nothing until the client goes away or the server ends.
    void Hang() {
      while (Fill()) {
      }
    }

    // What has come and was not read yet, else what comes next; empty at the end.
    std::string ReadSome() {
      if (buffer_.empty()) {
        Fill();
      }
      return std::exchange(buffer_, {});
    }

    // Something has come behind what was read.
    bool has_more() const { return !buffer_.empty(); }

    void Remember(std::string text) { server_->Remember(std::move(text)); }

   private:
    bool Fill() {
      char data[64 * 1024];
      const ssize_t count = ::recv(fd_, data, sizeof(data), 0);
      if (count <= 0) {
        return false;
      }
      buffer_.append(data, static_cast<size_t>(count));
      return true;
    }

    RawServer* server_;
    int fd_;
    std::string buffer_;
  };

  using Handler = std::function<void(Connection&)>;

  explicit RawServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(::listen(listener_, 512) == 0);
    CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }

  ~RawServer() { Stop(); }

  // No more connections, and those that are open end.
  void Stop() {
    if (!acceptor_.joinable()) {
      return;
    }
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) {
        ::shutdown(fd, SHUT_RDWR);
      }
    }
    for (std::thread& thread : threads_) {
      thread.join();
    }
    ::close(listener_);
  }

  int port() const { return port_; }
  std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  int connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
  }

 private:
  void Accept() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) {
        return;
      }
      const std::lock_guard lock(mutex_);
      ++connections_;
      open_.push_back(fd);
      threads_.emplace_back([this, fd] { Serve(fd); });
    }
  }

  void Serve(int fd) {
    Connection connection(this, fd);
    handler_(connection);
    const std::lock_guard lock(mutex_);
    open_.erase(std::find(open_.begin(), open_.end(), fd));
    ::close(fd);
  }

  void Remember(std::string request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::thread acceptor_;
  mutable std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::vector<std::string> requests_;
  int connections_ = 0;
};

}  // namespace huitou
