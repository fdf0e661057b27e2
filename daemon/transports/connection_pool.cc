#include "daemon/transports/connection_pool.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <utility>

#include "daemon/transports/limits.h"

namespace huitou {

using channels::Answer;
using channels::TransportError;

ConnectionPool::ConnectionPool(IoLoop* loop, const Limits& limits, Connect connect)
    : loop_(*loop), limits_(limits), connect_(std::move(connect)), timer_(loop->context()) {
}

ConnectionPool::~ConnectionPool() {
  for (const auto& [connection, open] : open_) {
    connection->Close();
  }
}

void ConnectionPool::Send(const std::string& host, size_t expected_room, channels::Request request,
                          DurationUs timeout, Transport::Done done) {
  auto exchange = std::make_shared<Exchange>();
  exchange->request = std::move(request);
  exchange->done = std::move(done);
  exchange->deadline = Clock::now() + std::chrono::microseconds(timeout);
  deadlines_.emplace(exchange->deadline, exchange);
  Arm();
  const auto [found, is_new] = hosts_.try_emplace(host);
  if (is_new) {
    found->second.expected_room = expected_room;
  }
  found->second.waiting.push_back(std::move(exchange));
  Serve(&found->second);
}

void ConnectionPool::Serve(Host* host) {
  while (!host->waiting.empty()) {
    if (host->waiting.front()->done == nullptr) {
      host->waiting.pop_front();  // its time was over
      continue;
    }
    Connection* const ready = PickReady(host);
    if (ready == nullptr) {
      break;
    }
    const ExchangePtr exchange = std::move(host->waiting.front());
    host->waiting.pop_front();
    exchange->connection = ready;
    ready->Start(exchange);
  }
  // Each that connects will carry some of those that wait.
  while (host->connecting * host->expected_room < host->waiting.size() && MayConnect(*host)) {
    StartConnecting(host);
  }
  if (!host->waiting.empty() && host->connections + host->connecting == 0) {
    const std::deque<ExchangePtr> waiting = std::exchange(host->waiting, {});
    for (const ExchangePtr& exchange : waiting) {
      OnAnswer(exchange, NoAnswer(TransportError::kNotSent, "too many open connections"));
    }
  }
}

Connection* ConnectionPool::PickReady(Host* host) {
  const Clock::time_point now = Clock::now();
  while (!host->ready.empty()) {
    Connection* const connection = host->ready.back();
    const auto open = open_.find(connection);
    const bool stale =
        connection->load() == 0 &&
        now - open->second.used_at > std::chrono::seconds(transport_limits::kIdleSeconds);
    if (stale) {
      Drop(connection);
      continue;
    }
    if (connection->room() > 0) {
      open->second.used_at = now;
      return connection;
    }
    host->ready.pop_back();
    open->second.ready = false;
  }
  return nullptr;
}

bool ConnectionPool::MayConnect(const Host& host) {
  if (host.connections + host.connecting >= limits_.host_connections) {
    return false;
  }
  if (open_.size() + connecting_ >= limits_.connections) {
    CloseIdle(Clock::now());
  }
  return open_.size() + connecting_ < limits_.connections;
}

void ConnectionPool::StartConnecting(Host* host) {
  ++host->connecting;
  ++connecting_;
  // Its failure is an event of its own: whoever is waiting may be in the middle of something.
  connect_(host->waiting.front()->request, this,
           [this, host](std::shared_ptr<Connection> connection, Answer failure) {
             loop_.Post([this, host, connection = std::move(connection),
                         failure = std::move(failure)] { OnConnected(host, connection, failure); });
           });
}

void ConnectionPool::OnConnected(Host* host, const std::shared_ptr<Connection>& connection,
                                 const Answer& failure) {
  --host->connecting;
  --connecting_;
  const bool useless = connection != nullptr && connection->room() == 0;
  if (connection != nullptr && !useless) {
    ++host->connections;
    host->expected_room = connection->room();
    Open& open = open_[connection.get()];
    open = {connection, host, Clock::now()};
    SetReady(&open);
    if (!sweeping_) {
      Sweep();
    }
    Serve(host);
    return;
  }
  Answer answer = failure;
  if (useless) {  // another one would be no better, and the next no better than that
    connection->Close();
    answer = NoAnswer(TransportError::kNotSent, "the server takes no requests");
  }
  // As many fail as the connection would have carried.
  for (size_t i = 0; i < host->expected_room && !host->waiting.empty(); ++i) {
    const ExchangePtr exchange = std::move(host->waiting.front());
    host->waiting.pop_front();
    OnAnswer(exchange, answer);
  }
  Serve(host);
}

void ConnectionPool::OnAnswer(const ExchangePtr& exchange, Answer answer) {
  exchange->connection = nullptr;
  if (exchange->done == nullptr) {
    return;
  }
  deadlines_.erase({exchange->deadline, exchange});
  std::exchange(exchange->done, nullptr)(std::move(answer));
}

void ConnectionPool::OnReturn(const ExchangePtr& exchange, std::string why) {
  const auto open = open_.find(exchange->connection);
  if (open == open_.end() || ++exchange->returns > transport_limits::kReturnsMax) {
    OnAnswer(exchange, NoAnswer(TransportError::kNotSent, std::move(why)));
    return;
  }
  Host* const host = open->second.host;
  exchange->connection = nullptr;
  host->waiting.push_front(exchange);
  loop_.Post([this, host] { Serve(host); });  // when the connection has told all it has to tell
}

void ConnectionPool::OnRoom(Connection* connection) {
  const auto open = open_.find(connection);
  if (open == open_.end()) {
    return;  // not handed over yet
  }
  open->second.used_at = Clock::now();
  SetReady(&open->second);
  Serve(open->second.host);
}

void ConnectionPool::SetReady(Open* open) {
  if (!open->ready) {
    open->ready = true;
    open->host->ready.push_back(open->connection.get());
  }
}

void ConnectionPool::OnEnd(Connection* connection) {
  const auto open = open_.find(connection);
  if (open == open_.end()) {
    return;
  }
  Host* const host = open->second.host;
  Drop(connection);
  Serve(host);
}

void ConnectionPool::Drop(Connection* connection) {
  const auto open = open_.find(connection);
  Host* const host = open->second.host;
  std::erase(host->ready, connection);
  --host->connections;
  connection->Close();
  open_.erase(open);
}

void ConnectionPool::CloseIdle(Clock::time_point used_until) {
  std::vector<Connection*> idle;
  for (const auto& [connection, open] : open_) {
    if (connection->load() == 0 && open.used_at <= used_until) {
      idle.push_back(connection);
    }
  }
  for (Connection* connection : idle) {
    Drop(connection);
  }
}

void ConnectionPool::Sweep() {
  CloseIdle(Clock::now() - std::chrono::seconds(transport_limits::kIdleSeconds));
  sweeping_ = !open_.empty();
  if (sweeping_) {
    loop_.PostAfter(transport_limits::kSweepSeconds * kSecondUs, [this] { Sweep(); });
  }
}

void ConnectionPool::Arm() {
  const Clock::time_point first = deadlines_.begin()->first;
  if (first >= armed_) {
    return;  // it will be called before
  }
  armed_ = first;
  timer_.expires_at(first);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) {
      armed_ = Clock::time_point::max();
      OnTime();
    }
  });
}

void ConnectionPool::OnTime() {
  const Clock::time_point now = Clock::now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const ExchangePtr exchange = deadlines_.begin()->second;
    if (exchange->connection != nullptr) {
      exchange->connection->Expire(exchange);
    } else {
      exchange->request = {};  // it may stand in its host's queue for a while yet
      OnAnswer(exchange, NoAnswer(TransportError::kNotSent, "timed out waiting for a connection"));
    }
  }
  if (!deadlines_.empty()) {
    Arm();
  }
}

}  // namespace huitou
