// One accepted connection, plain or TLS, with a deadline and a budget of bytes for every part of a
// request, so that a slow or endless client costs its own connection only. Used by one thread at a
// time; owns the socket.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "triggers/base/time.h"

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

namespace huitou::http {

class Connection {
 public:
  // `tls` null: plain.
  Connection(int socket, SSL_CTX* tls);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  enum class Head : unsigned char { kThere, kAwaitsBytes, kAwaitsRoom, kClosed };
  // Takes what has come of the next request, without waiting. kThere: its head has come to its end,
  // or is longer than any may be.
  Head ReadHead();

  // From here on reads and writes fail after `timeout`, reads also past `bytes_max` bytes.
  void Expect(DurationUs timeout, size_t bytes_max);

  // At least one byte, or -1 (deadline, budget, error) or 0 (closed by the client).
  long Read(char* data, size_t size);
  // All of it, or -1.
  long Write(const char* data, size_t size);

  // Says that no more will be sent, and drops what the client still sends for a while, so that it
  // gets to read the answer.
  void Linger(DurationUs timeout);

  int socket() const { return socket_; }
  // How many requests came before on this connection; counts one more.
  size_t CountRequest() { return requests_++; }
  bool timed_out() const { return timed_out_; }
  bool over_budget() const { return over_budget_; }
  static void AddressOf(int socket, bool remote, std::string* ip, int* port);

 private:
  enum class Wait : unsigned char { kReady, kTimeout, kFailed };

  // Reads what is there behind the buffer's end, without waiting; like Read. `*awaits`, where it is
  // -1: POLLIN or POLLOUT when more may come then, 0 when not.
  long ReadSome(short* awaits);
  // Reads into the empty buffer, waiting for it; like Read.
  long Fill();
  // After an SSL call that returned `result`: what it waits for, like ReadSome.
  short Awaits(int result) const;
  Wait AwaitSocket(short events, TimeUs deadline) const;

  const int socket_;
  SSL* ssl_ = nullptr;
  TimeUs deadline_ = 0;  // on the steady clock
  size_t bytes_left_ = 0;
  bool timed_out_ = false;
  bool over_budget_ = false;
  size_t requests_ = 0;
  std::vector<char> buffer_;  // what was read and not taken: from begin_ to end_
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t searched_ = 0;  // up to here no head ends
};

}  // namespace huitou::http
