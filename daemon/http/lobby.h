// Where connections wait without a thread until the head of their next request is there: a client
// that drips, or keeps an idle connection, costs a descriptor and a few kilobytes. Bounded in time
// and number: past the bound the one that has waited longest is closed, since whoever means it
// sends a head within a round trip.
//
//   Lobby lobby(limits::kLobbyMax, [&](std::shared_ptr<Connection> ready) { ... });
//   lobby.Enter(std::make_shared<Connection>(socket, tls), limits::kHeadTimeout);
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>

#include "daemon/http/connection.h"
#include "daemon/transports/io_loop.h"

namespace huitou::http {

class Lobby {
 public:
  // On the lobby's thread, which waits meanwhile: the head is there, or is too long to wait for.
  using Ready = std::function<void(std::shared_ptr<Connection>)>;

  Lobby(size_t guests_max, Ready ready);
  // Stops; see Stop().
  ~Lobby();
  Lobby(const Lobby&) = delete;
  Lobby& operator=(const Lobby&) = delete;

  // Any thread. The connection is closed when its head has not come within `timeout`.
  void Enter(std::shared_ptr<Connection> connection, DurationUs timeout);
  // Nobody enters or leaves any more.
  void Stop() { loop_.Stop(); }

 private:
  struct Guest;
  using Place = std::list<std::shared_ptr<Guest>>::iterator;

  // On the loop's thread:
  void Admit(std::shared_ptr<Connection> connection, DurationUs timeout);
  void Await(const std::shared_ptr<Guest>& guest);
  std::shared_ptr<Connection> Leave(const std::shared_ptr<Guest>& guest);

  const size_t guests_max_;
  const Ready ready_;
  IoLoop loop_;
  std::list<std::shared_ptr<Guest>> guests_;  // in the order of their coming; the loop's thread
};

}  // namespace huitou::http
