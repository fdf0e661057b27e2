#include "daemon/http/connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "daemon/clock/clock.h"
#include "daemon/http/limits.h"

namespace huitou::http {
namespace {

constexpr size_t kBufferBytes = 16 * 1024;

}  // namespace

Connection::Connection(int socket, SSL_CTX* tls) : socket_(socket), buffer_(kBufferBytes) {
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
  if (tls != nullptr) {
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, socket_);
  }
}

Connection::~Connection() {
  if (ssl_ != nullptr) {
    SSL_free(ssl_);
    ERR_clear_error();
  }
  close(socket_);
}

Connection::Wait Connection::AwaitSocket(short events, TimeUs deadline) const {
  while (true) {
    const TimeUs left = deadline - SteadyNow();
    if (left <= 0) {
      return Wait::kTimeout;
    }
    pollfd waiting{socket_, events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>((left + 999) / 1000));
    if (ready > 0) {
      return Wait::kReady;
    }
    if (ready < 0 && errno != EINTR) {
      return Wait::kFailed;
    }
  }
}

bool Connection::AwaitRequest(DurationUs timeout, bool* closed) {
  *closed = false;
  if (begin_ < end_ || (ssl_ != nullptr && SSL_pending(ssl_) > 0)) {
    return true;
  }
  const Wait wait = AwaitSocket(POLLIN, SteadyNow() + timeout);
  *closed = wait == Wait::kFailed;
  return wait == Wait::kReady;
}

void Connection::Expect(DurationUs timeout, size_t bytes_max) {
  deadline_ = SteadyNow() + timeout;
  bytes_left_ = bytes_max;
}

bool Connection::AwaitTls(int result) {
  short events = 0;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      events = POLLIN;
      break;
    case SSL_ERROR_WANT_WRITE:
      events = POLLOUT;
      break;
    default:
      return false;
  }
  const Wait wait = AwaitSocket(events, deadline_);
  timed_out_ |= wait == Wait::kTimeout;
  return wait == Wait::kReady;
}

bool Connection::Handshake() {
  while (!shaken_) {
    ERR_clear_error();
    const int result = SSL_accept(ssl_);
    shaken_ = result == 1;
    if (!shaken_ && !AwaitTls(result)) {
      return false;
    }
  }
  return true;
}

long Connection::Fill() {
  begin_ = 0;
  end_ = 0;
  if (ssl_ != nullptr) {
    if (!Handshake()) {
      return -1;
    }
    while (true) {
      ERR_clear_error();
      const int count = SSL_read(ssl_, buffer_.data(), static_cast<int>(buffer_.size()));
      if (count > 0) {
        end_ = static_cast<size_t>(count);
        return count;
      }
      if (SSL_get_error(ssl_, count) == SSL_ERROR_ZERO_RETURN) {
        return 0;
      }
      if (!AwaitTls(count)) {
        return -1;
      }
    }
  }
  while (true) {
    const ssize_t count = recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (count >= 0) {
      end_ = static_cast<size_t>(count);
      return count;
    }
    if (errno == EINTR) {
      continue;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      return -1;
    }
    const Wait wait = AwaitSocket(POLLIN, deadline_);
    timed_out_ |= wait == Wait::kTimeout;
    if (wait != Wait::kReady) {
      return -1;
    }
  }
}

long Connection::Read(char* data, size_t size) {
  // A client that always sends a little never waits in poll, so the deadline is asked here.
  if (SteadyNow() >= deadline_) {
    timed_out_ = true;
    return -1;
  }
  if (bytes_left_ == 0) {
    over_budget_ = true;
    return -1;
  }
  if (begin_ == end_) {
    const long filled = Fill();
    if (filled <= 0) {
      return filled;
    }
  }
  const size_t count = std::min({size, end_ - begin_, bytes_left_});
  std::memcpy(data, buffer_.data() + begin_, count);
  begin_ += count;
  bytes_left_ -= count;
  return static_cast<long>(count);
}

long Connection::Write(const char* data, size_t size) {
  size_t written = 0;
  while (written < size) {
    long count = 0;
    if (ssl_ != nullptr) {
      ERR_clear_error();
      const size_t chunk = std::min<size_t>(size - written, 1 << 30);
      count = Handshake() ? SSL_write(ssl_, data + written, static_cast<int>(chunk)) : -1;
      if (count <= 0 && (!shaken_ || !AwaitTls(static_cast<int>(count)))) {
        return -1;
      }
    } else {
      count = send(socket_, data + written, size - written, MSG_NOSIGNAL);
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        const Wait wait = AwaitSocket(POLLOUT, deadline_);
        timed_out_ |= wait == Wait::kTimeout;
        if (wait != Wait::kReady) {
          return -1;
        }
      } else if (count < 0 && errno != EINTR) {
        return -1;
      }
    }
    written += static_cast<size_t>(std::max(count, 0L));
  }
  return static_cast<long>(size);
}

void Connection::Linger(DurationUs timeout) {
  if (ssl_ != nullptr && shaken_) {
    SSL_shutdown(ssl_);
    ERR_clear_error();
  }
  shutdown(socket_, SHUT_WR);
  const TimeUs until = SteadyNow() + timeout;
  size_t left = limits::kBodyWireBytesMax;
  while (left > 0 && AwaitSocket(POLLIN, until) == Wait::kReady) {
    const ssize_t count = recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (count <= 0) {
      return;
    }
    left -= std::min(left, static_cast<size_t>(count));
  }
}

void Connection::AddressOf(int socket, bool remote, std::string* ip, int* port) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if ((remote ? getpeername(socket, generic, &length) : getsockname(socket, generic, &length)) !=
      0) {
    return;
  }
  char host[NI_MAXHOST];
  char service[NI_MAXSERV];
  if (getnameinfo(generic, length, host, sizeof(host), service, sizeof(service),
                  NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
    *ip = host;
    *port = std::atoi(service);
  }
}

}  // namespace huitou::http
