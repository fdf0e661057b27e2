// One accepted connection, plain or TLS, with a deadline and a budget of bytes for every part of a
// request, so that a slow or endless client costs its own connection only. Used by one thread; owns
// the socket.
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

  // Whether a request's first byte came within `timeout`; `*closed` when none ever will.
  bool AwaitRequest(DurationUs timeout, bool* closed);

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
  bool timed_out() const { return timed_out_; }
  bool over_budget() const { return over_budget_; }
  static void AddressOf(int socket, bool remote, std::string* ip, int* port);

 private:
  enum class Wait : unsigned char { kReady, kTimeout, kFailed };

  bool Handshake();
  // Reads what is there into the buffer, waiting for it; like Read.
  long Fill();
  // After an SSL call that returned `result`: waits for what it wants.
  bool AwaitTls(int result);
  Wait AwaitSocket(short events, TimeUs deadline) const;

  const int socket_;
  SSL* ssl_ = nullptr;
  bool shaken_ = false;
  TimeUs deadline_ = 0;  // on the steady clock
  size_t bytes_left_ = 0;
  bool timed_out_ = false;
  bool over_budget_ = false;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace huitou::http
