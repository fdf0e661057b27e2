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

// A TLS record.
constexpr size_t kReadBytes = 16 * 1024;

}  // namespace

Connection::Connection(int socket, SSL_CTX* tls) : socket_(socket) {
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
  if (tls != nullptr) {
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, socket_);
    SSL_set_accept_state(ssl_);  // the first read shakes hands
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

Connection::Head Connection::ReadHead() {
  while (true) {
    const std::string_view there(buffer_.data() + searched_, end_ - searched_);
    if (there.find("\r\n\r\n") != std::string_view::npos ||
        end_ - begin_ >= limits::kHeadBytesMax) {
      return Head::kThere;
    }
    searched_ = std::max(begin_, end_ - std::min<size_t>(end_, 3));
    short awaits = 0;
    if (ReadSome(&awaits) <= 0) {
      return awaits == 0        ? Head::kClosed
             : awaits == POLLIN ? Head::kAwaitsBytes
                                : Head::kAwaitsRoom;
    }
  }
}

void Connection::Expect(DurationUs timeout, size_t bytes_max) {
  deadline_ = SteadyNow() + timeout;
  bytes_left_ = bytes_max;
}

short Connection::Awaits(int result) const {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return POLLIN;
    case SSL_ERROR_WANT_WRITE:
      return POLLOUT;
    default:
      return 0;
  }
}

long Connection::ReadSome(short* awaits) {
  *awaits = 0;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    searched_ -= std::min(searched_, begin_);
    begin_ = 0;
  }
  if (buffer_.size() < end_ + kReadBytes) {
    buffer_.resize(end_ + kReadBytes);
  }
  char* const data = buffer_.data() + end_;
  long count = 0;
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int read = SSL_read(ssl_, data, kReadBytes);
    count = read > 0 ? read : -1;
    if (read <= 0 && SSL_get_error(ssl_, read) == SSL_ERROR_ZERO_RETURN) {
      return 0;
    }
    *awaits = read > 0 ? static_cast<short>(0) : Awaits(read);
  } else {
    do {
      count = recv(socket_, data, kReadBytes, 0);
    } while (count < 0 && errno == EINTR);
    *awaits = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? POLLIN : 0;
  }
  end_ += static_cast<size_t>(std::max(count, 0L));
  return count;
}

long Connection::Fill() {
  while (true) {
    short awaits = 0;
    const long count = ReadSome(&awaits);
    if (count >= 0 || awaits == 0) {
      return count;
    }
    const Wait wait = AwaitSocket(awaits, deadline_);
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
  searched_ = std::max(searched_, begin_);
  bytes_left_ -= count;
  return static_cast<long>(count);
}

long Connection::Write(const char* data, size_t size) {
  size_t written = 0;
  while (written < size) {
    long count = 0;
    short awaits = 0;
    if (ssl_ != nullptr) {
      ERR_clear_error();
      const size_t chunk = std::min<size_t>(size - written, 1 << 30);
      const int sent = SSL_write(ssl_, data + written, static_cast<int>(chunk));
      count = sent > 0 ? sent : -1;
      awaits = sent > 0 ? static_cast<short>(0) : Awaits(sent);
    } else {
      count = send(socket_, data + written, size - written, MSG_NOSIGNAL);
      awaits =
          count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? POLLOUT : 0;
    }
    if (count < 0) {
      const Wait wait = awaits == 0 ? Wait::kFailed : AwaitSocket(awaits, deadline_);
      timed_out_ |= wait == Wait::kTimeout;
      if (wait != Wait::kReady) {
        return -1;
      }
      continue;
    }
    written += static_cast<size_t>(count);
  }
  return static_cast<long>(size);
}

void Connection::Linger(DurationUs timeout) {
  if (ssl_ != nullptr && SSL_is_init_finished(ssl_) == 1) {
    SSL_shutdown(ssl_);
    ERR_clear_error();
  }
  shutdown(socket_, SHUT_WR);
  const TimeUs until = SteadyNow() + timeout;
  size_t left = limits::kBodyWireBytesMax;
  buffer_.resize(kReadBytes);
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
