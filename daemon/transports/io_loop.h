// One thread that runs an Asio io_context: the home of sockets and of everything that must happen
// one after another.
//
//   IoLoop loop;
//   loop.Post([] { ... });  // on the loop's thread, in the order of the calls
#pragma once

#include <functional>
#include <memory>

#include "triggers/base/time.h"

namespace boost::asio {
class io_context;
}

namespace huitou {

class IoLoop {
 public:
  IoLoop();
  // Stops.
  ~IoLoop();
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  // Any thread, also after Stop: the work is then dropped.
  void Post(std::function<void()> work);
  void PostAfter(DurationUs delay, std::function<void()> work);

  // Finishes the piece of work at hand, drops the rest, joins the thread. Not from the loop itself.
  void Stop();

  boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace huitou
