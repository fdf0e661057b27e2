// What HTTP/1.1, HTTP/2 and SMTP have in common for the pool: a connection that carries exchanges,
// some of them at a time. Everything on the loop's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "channels/channel.h"
#include "daemon/transports/transport.h"

namespace huitou {

class Connection;

// A request on its way to its answer.
struct Exchange {
  channels::Request request;
  Transport::Done done;  // null: answered
  std::chrono::steady_clock::time_point deadline;
  Connection* connection = nullptr;  // that carries it; null: none yet
  int returns = 0;                   // how often a server gave it back unread
};
using ExchangePtr = std::shared_ptr<Exchange>;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Who keeps the connection. Any of these calls may start or close connections: nothing of the
  // caller's may depend on what was before.
  class Owner {
   public:
    virtual void OnAnswer(const ExchangePtr& exchange, channels::Answer answer) = 0;
    // The server surely has not acted on it: it may go by another connection.
    virtual void OnReturn(const ExchangePtr& exchange, std::string why) = 0;
    // It can take an exchange, or more of them than before.
    virtual void OnRoom(Connection* connection) = 0;
    // It carries nothing any more and takes nothing; not behind Close().
    virtual void OnEnd(Connection* connection) = 0;

   protected:
    ~Owner() = default;
  };

  virtual ~Connection() = default;

  // How many more exchanges it takes now.
  virtual size_t room() const = 0;
  // How many exchanges it carries.
  virtual size_t load() const = 0;
  // Only where there is room.
  virtual void Start(const ExchangePtr& exchange) = 0;
  // Its time is over: it is answered, unsent or in doubt, from within the call.
  virtual void Expire(const ExchangePtr& exchange) = 0;
  // At once and without a word to its owner, who has no exchange on it any more.
  virtual void Close() = 0;
};

// No answer came.
inline channels::Answer NoAnswer(channels::TransportError error, std::string text) {
  channels::Answer answer;
  answer.error = error;
  answer.error_text = std::move(text);
  return answer;
}

}  // namespace huitou
