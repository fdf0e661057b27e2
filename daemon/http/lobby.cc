#include "daemon/http/lobby.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

namespace huitou::http {

using boost::asio::posix::stream_descriptor;

struct Lobby::Guest {
  Guest(boost::asio::io_context& context, std::shared_ptr<Connection> who)
      : connection(std::move(who)), descriptor(context, connection->socket()), timer(context) {}
  // The socket is the connection's.
  ~Guest() {
    if (descriptor.is_open()) {
      descriptor.release();
    }
  }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  std::shared_ptr<Connection> connection;  // null: has left
  stream_descriptor descriptor;
  boost::asio::steady_timer timer;
  Place place;
};

Lobby::Lobby(size_t guests_max, Ready ready) : guests_max_(guests_max), ready_(std::move(ready)) {
}

Lobby::~Lobby() {
  Stop();
}

void Lobby::Enter(std::shared_ptr<Connection> connection, DurationUs timeout) {
  loop_.Post([this, connection = std::move(connection), timeout]() mutable {
    Admit(std::move(connection), timeout);
  });
}

void Lobby::Admit(std::shared_ptr<Connection> connection, DurationUs timeout) {
  if (guests_.size() >= guests_max_) {
    Leave(guests_.front());
  }
  auto guest = std::make_shared<Guest>(loop_.context(), std::move(connection));
  guest->place = guests_.insert(guests_.end(), guest);
  guest->timer.expires_after(std::chrono::microseconds(timeout));
  guest->timer.async_wait([this, guest](const boost::system::error_code& error) {
    if (!error) {
      Leave(guest);
    }
  });
  Await(guest);
}

void Lobby::Await(const std::shared_ptr<Guest>& guest) {
  if (guest->connection == nullptr) {
    return;
  }
  auto wait = stream_descriptor::wait_read;
  switch (guest->connection->ReadHead()) {
    case Connection::Head::kThere:
      ready_(Leave(guest));
      return;
    case Connection::Head::kClosed:
      Leave(guest);
      return;
    case Connection::Head::kAwaitsRoom:
      wait = stream_descriptor::wait_write;
      break;
    case Connection::Head::kAwaitsBytes:
      break;
  }
  guest->descriptor.async_wait(wait,
                               [this, guest](const boost::system::error_code&) { Await(guest); });
}

// What it waits for ends with an error, and finds it gone.
std::shared_ptr<Connection> Lobby::Leave(const std::shared_ptr<Guest>& guest) {
  std::shared_ptr<Connection> connection = std::exchange(guest->connection, nullptr);
  if (connection != nullptr) {
    guest->timer.cancel();
    guest->descriptor.release();
    guests_.erase(guest->place);
  }
  return connection;
}

}  // namespace huitou::http
