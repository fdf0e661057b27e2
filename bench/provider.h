// What the providers of bench/messages.py have in common: they listen, count, and tell at the end.
// One thread.
#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <utility>

namespace huitou::bench {

struct Seen {
  using Clock = std::chrono::steady_clock;

  void OnRequest() { waiting_max = std::max(waiting_max, ++waiting); }
  void OnAnswer() {
    --waiting;
    last = Clock::now();
    if (++requests == 1) {
      first = last;
    }
  }

  long requests = 0;
  long connections = 0;
  long waiting = 0;
  long waiting_max = 0;
  Clock::time_point first;
  Clock::time_point last;
};

// Prints the port, hands each connection to `take`, and on SIGTERM prints `seen` as JSON.
inline void Serve(boost::asio::io_context* context, Seen* seen,
                  const std::function<void(boost::asio::ip::tcp::socket)>& take) {
  using boost::asio::ip::tcp;
  tcp::acceptor acceptor(*context, tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0));
  std::function<void()> accept = [&] {
    acceptor.async_accept([&](const boost::system::error_code& error, tcp::socket socket) {
      if (error) {
        return;
      }
      ++seen->connections;
      socket.set_option(tcp::no_delay(true));
      take(std::move(socket));
      accept();
    });
  };
  accept();
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  boost::asio::signal_set signals(*context, SIGTERM, SIGINT);
  signals.async_wait([context](const boost::system::error_code&, int) { context->stop(); });
  context->run();
  const double seconds = std::chrono::duration<double>(seen->last - seen->first).count();
  std::printf(
      "{\"requests\": %ld, \"connections\": %ld, \"waiting_max\": %ld, \"seconds\": %.3f}\n",
      seen->requests, seen->connections, seen->waiting_max, seconds);
}

}  // namespace huitou::bench
