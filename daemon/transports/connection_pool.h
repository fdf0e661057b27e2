// The connections of one transport: bounded, used again, the last used first, so that few messages
// need few connections and those stay in use. What finds no connection waits for one, in order,
// until its time is over.
//
//   ConnectionPool pool(&loop, limits, connect);
//   pool.Send("https://api.example.com", expected_room, request, 10 * kSecondUs, done);
//
// Everything on the loop's thread but construction and destruction.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/transports/connection.h"
#include "daemon/transports/io_loop.h"

namespace huitou {

class ConnectionPool final : private Connection::Owner {
 public:
  struct Limits {
    size_t host_connections = 0;
    size_t connections = 0;
  };
  // Ready to carry exchanges; null: `failure` is the answer of those that wait for it.
  using Connected =
      std::function<void(std::shared_ptr<Connection> connection, channels::Answer failure)>;
  // Makes a connection for requests like this one. `connected` once, perhaps from within the call,
  // after a bounded time.
  using Connect = std::function<void(const channels::Request& like, Connection::Owner* owner,
                                     Connected connected)>;

  ConnectionPool(IoLoop* loop, const Limits& limits, Connect connect);
  // The loop must have been stopped. Exchanges on their way end without a word.
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  // Requests with the same `host` may use the same connections. `expected_room`: how many a
  // connection of that host will carry at a time, as long as none has shown it.
  void Send(const std::string& host, size_t expected_room, channels::Request request,
            DurationUs timeout, Transport::Done done);

 private:
  using Clock = std::chrono::steady_clock;
  struct Host {
    std::deque<ExchangePtr> waiting;
    std::vector<Connection*> ready;  // with room, the last used last
    size_t connections = 0;
    size_t connecting = 0;
    size_t expected_room = 1;
  };
  struct Open {
    std::shared_ptr<Connection> connection;
    Host* host = nullptr;
    Clock::time_point used_at;
    bool ready = false;  // in host->ready
  };

  void OnAnswer(const ExchangePtr& exchange, channels::Answer answer) override;
  void OnReturn(const ExchangePtr& exchange, std::string why) override;
  void OnRoom(Connection* connection) override;
  void OnEnd(Connection* connection) override;

  void Serve(Host* host);
  void SetReady(Open* open);
  Connection* PickReady(Host* host);
  bool MayConnect(const Host& host);
  void StartConnecting(Host* host);
  void OnConnected(Host* host, const std::shared_ptr<Connection>& connection,
                   const channels::Answer& failure);
  void Drop(Connection* connection);
  void CloseIdle(Clock::time_point used_until);
  void Sweep();

  void Arm();
  void OnTime();

  IoLoop& loop_;
  const Limits limits_;
  const Connect connect_;
  std::map<std::string, Host, std::less<>> hosts_;  // as many as the configuration names
  std::unordered_map<Connection*, Open> open_;
  size_t connecting_ = 0;
  std::set<std::pair<Clock::time_point, ExchangePtr>> deadlines_;  // of all that is unanswered
  boost::asio::steady_timer timer_;
  Clock::time_point armed_ = Clock::time_point::max();
  bool sweeping_ = false;
};

}  // namespace huitou
