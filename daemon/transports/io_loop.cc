#include "daemon/transports/io_loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <thread>
#include <utility>

#include "daemon/transports/signals.h"

namespace huitou {

namespace asio = boost::asio;

struct IoLoop::Impl {
  // One thread: Asio may leave out what only several would need.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  std::thread thread;
};

IoLoop::IoLoop() : impl_(std::make_unique<Impl>()) {
  impl_->thread = std::thread([this] {
    BlockSignals();
    impl_->context.run();
  });
}

IoLoop::~IoLoop() {
  Stop();
}

void IoLoop::Post(std::function<void()> work) {
  asio::post(impl_->context, std::move(work));
}

void IoLoop::PostAfter(DurationUs delay, std::function<void()> work) {
  auto timer = std::make_shared<asio::steady_timer>(impl_->context);
  timer->expires_after(std::chrono::microseconds(delay));
  // The timer lives as long as it is awaited.
  timer->async_wait([timer, work = std::move(work)](const boost::system::error_code& error) {
    if (!error) {
      work();
    }
  });
}

void IoLoop::Stop() {
  impl_->context.stop();
  if (impl_->thread.joinable()) {
    impl_->thread.join();
  }
}

asio::io_context& IoLoop::context() {
  return impl_->context;
}

}  // namespace huitou
