// A provider that takes every POST after DELAY_MS and costs as little as it can: HTTP/1.1, kept
// connections, one thread. For bench/messages.py, beside the daemon on the same cores.
//
//   provider_server DELAY_MS
//
// Prints its port. On SIGTERM it prints what it saw as JSON, and ends.
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "bench/provider.h"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using huitou::bench::Seen;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Seen::Clock::duration delay, Seen* seen)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), delay_(delay), seen_(seen) {}

  void Read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(buffer_), "\r\n\r\n",
                           [self = shared_from_this()](const error_code& error, size_t head) {
                             if (!error) {
                               self->ReadBody(head);
                             }
                           });
  }

 private:
  void ReadBody(size_t head) {
    constexpr std::string_view kLength = "Content-Length: ";
    const size_t found = std::string_view(buffer_).substr(0, head).find(kLength);
    const size_t body = found == std::string::npos
                            ? 0
                            : std::strtoul(buffer_.c_str() + found + kLength.size(), nullptr, 10);
    const size_t have = buffer_.size() - head;
    if (have >= body) {
      Take(head + body);
      return;
    }
    asio::async_read(
        socket_, asio::dynamic_buffer(buffer_), asio::transfer_exactly(body - have),
        [self = shared_from_this(), all = head + body](const error_code& error, size_t) {
          if (!error) {
            self->Take(all);
          }
        });
  }

  void Take(size_t bytes) {
    buffer_.erase(0, bytes);
    seen_->OnRequest();
    timer_.expires_after(delay_);
    timer_.async_wait([self = shared_from_this()](const error_code&) { self->Answer(); });
  }

  void Answer() {
    seen_->OnAnswer();
    constexpr std::string_view kAnswer = "HTTP/1.1 204 No Content\r\n\r\n";
    asio::async_write(socket_, asio::buffer(kAnswer),
                      [self = shared_from_this()](const error_code& error, size_t) {
                        if (!error) {
                          self->Read();
                        }
                      });
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  const Seen::Clock::duration delay_;
  Seen* const seen_;
  std::string buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  asio::io_context context(1);
  const std::chrono::milliseconds delay(argc > 1 ? std::atoi(argv[1]) : 0);
  Seen seen;
  huitou::bench::Serve(&context, &seen, [&](tcp::socket socket) {
    std::make_shared<Connection>(std::move(socket), delay, &seen)->Read();
  });
}
