// How the connections of many requests are bounded and used again.
#include "daemon/transports/connection_pool.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/transports/http_transport.h"
#include "daemon/transports/limits.h"
#include "tests/transports/raw_server.h"
#include "tests/transports/support.h"

namespace huitou {
namespace {

using channels::Answer;
using ServerConnection = RawServer::Connection;

constexpr size_t kHostConnectionsMax = transport_limits::kHostConnectionsMax;

channels::HttpRequest Get(std::string url) {
  channels::HttpRequest request;
  request.method = "GET";
  request.url = std::move(url);
  return request;
}
// A socket on a free port that accepts only when it is told.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    CHECK(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(::listen(fd_, 4096) == 0);
    CHECK(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
  }
  ~Listener() {
    for (const pollfd& open : polled_) {
      ::close(open.fd);
    }
    ::close(fd_);
  }

  const std::string& url() const { return url_; }
  size_t connections() const { return polled_.size(); }

  void Accept() { polled_.push_back({::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC), POLLIN, 0}); }

  // Answers what comes, over these connections and new ones, until `done`.
  void Serve(const std::atomic<int>& answered, int done) {
    constexpr int kLookMs = 10;
    while (answered < done) {
      pollfd incoming{fd_, POLLIN, 0};
      if (::poll(&incoming, 1, 0) > 0) {
        Accept();
      }
      ::poll(polled_.data(), polled_.size(), kLookMs);
      for (const pollfd& open : polled_) {
        char data[4096];
        if ((open.revents & POLLIN) != 0 && ::recv(open.fd, data, sizeof(data), 0) > 0) {
          constexpr std::string_view kAnswer = "HTTP/1.1 204 Fine\r\n\r\n";
          ::send(open.fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
        }
      }
    }
  }

 private:
  const int fd_;
  std::string url_;
  std::vector<pollfd> polled_;
};

TEST(ConnectionPool, AHostHasNoMoreConnectionsThanItMayAndTheRestWaitForThem) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max < 4 * kHostConnectionsMax) {
    GTEST_SKIP() << "this system allows only " << files.rlim_max << " open files";
  }
  files.rlim_cur = std::max<rlim_t>(files.rlim_cur, 4 * kHostConnectionsMax);
  ::setrlimit(RLIMIT_NOFILE, &files);
  Listener listener;
  HttpTransport transport;
  constexpr int kSends = kHostConnectionsMax + 100;
  std::atomic<int> answered = 0;
  for (int i = 0; i < kSends; ++i) {
    transport.Send(Get(listener.url()), 60 * kSecondUs, [&answered](Answer answer) {
      EXPECT_EQ(Say(answer), "204");
      ++answered;
    });
  }
  while (listener.connections() < kHostConnectionsMax) {
    listener.Accept();
  }
  listener.Serve(answered, kSends);
  EXPECT_EQ(listener.connections(), kHostConnectionsMax);
}

TEST(ConnectionPool, WhatComesAfterABurstUsesItsConnections) {
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  constexpr int kBurst = 96;
  RawServer server([&](ServerConnection& connection) {
    while (connection.ReadRequest()) {
      std::unique_lock lock(mutex);
      ++waiting;
      changed.notify_all();
      changed.wait(lock, [&] { return waiting >= kBurst; });  // all at once, so each has its own
      lock.unlock();
      connection.Answer(200, "", "ok");
    }
  });
  HttpTransport transport;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::future<Answer>> answers;
    for (int i = 0; i < kBurst; ++i) {
      auto promise = std::make_shared<std::promise<Answer>>();
      answers.push_back(promise->get_future());
      transport.Send(Get(server.url()), 60 * kSecondUs,
                     [promise](Answer answer) { promise->set_value(std::move(answer)); });
    }
    for (std::future<Answer>& answer : answers) {
      EXPECT_EQ(Say(answer.get()), "200 ok");
    }
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Say(Call(&transport, Get(server.url()))), "200 ok");
  }
  EXPECT_EQ(server.connections(), kBurst);
}

// A connection that answers when it is told, or never.
class FakeConnection final : public Connection {
 public:
  explicit FakeConnection(Owner* owner) : owner_(owner) {}
  size_t room() const override { return exchange_ == nullptr ? 1 : 0; }
  size_t load() const override { return exchange_ == nullptr ? 0 : 1; }
  void Start(const ExchangePtr& exchange) override { exchange_ = exchange; }
  void Expire(const ExchangePtr& exchange) override {
    exchange_ = nullptr;
    owner_->OnAnswer(exchange, NoAnswer(channels::TransportError::kAmbiguous, "timed out"));
  }
  void Close() override {}

  void Answer(int status) {
    channels::Answer answer;
    answer.response = channels::HttpResponse{status, {}, {}};
    owner_->OnAnswer(std::exchange(exchange_, nullptr), std::move(answer));
    owner_->OnRoom(this);
  }
  void Return() { owner_->OnReturn(std::exchange(exchange_, nullptr), "refused unread"); }

 private:
  Owner* const owner_;
  ExchangePtr exchange_;
};

// A pool on its loop whose connections are such; everything is told to the loop.
class FakePool {
 public:
  explicit FakePool(const ConnectionPool::Limits& limits)
      : pool_(&loop_, limits,
              [this](const channels::Request& /*like*/, Connection::Owner* owner,
                     const ConnectionPool::Connected& connected) {
                if (unreachable) {
                  connected(nullptr, NoAnswer(channels::TransportError::kNotSent, "unreachable"));
                  return;
                }
                connections.push_back(std::make_shared<FakeConnection>(owner));
                connected(connections.back(), {});
              }) {}
  ~FakePool() { loop_.Stop(); }

  std::future<std::string> Send(const std::string& host, DurationUs timeout = 60 * kSecondUs) {
    auto promise = std::make_shared<std::promise<std::string>>();
    Do([&] {
      pool_.Send(host, 1, Get("http://" + host), timeout,
                 [promise](const channels::Answer& answer) {
                   promise->set_value(Say(answer) + (answer.error_text.empty() ? "" : ": ") +
                                      answer.error_text);
                 });
    });
    return promise->get_future();
  }
  // On the loop, and all that follows from it at once.
  void Do(const std::function<void()>& work) {
    for (const std::function<void()>& step : {work, std::function<void()>([] {})}) {
      std::promise<void> done;
      loop_.Post([&] {
        step();
        done.set_value();
      });
      done.get_future().wait();
    }
  }

  bool unreachable = false;                                  // on the loop
  std::vector<std::shared_ptr<FakeConnection>> connections;  // on the loop

 private:
  IoLoop loop_;
  ConnectionPool pool_;
};

constexpr ConnectionPool::Limits kTwo = {.host_connections = 2, .connections = 2};

TEST(ConnectionPool, WhatFindsNoConnectionWaitsInOrder) {
  FakePool pool(kTwo);
  auto first = pool.Send("a");
  auto second = pool.Send("a");
  auto third = pool.Send("a");
  auto fourth = pool.Send("a");
  pool.Do([&] {
    ASSERT_EQ(pool.connections.size(), 2u);
    pool.connections[1]->Answer(201);
    pool.connections[1]->Answer(202);
    pool.connections[1]->Answer(203);
    pool.connections[0]->Answer(204);
  });
  EXPECT_EQ(first.get() + second.get() + third.get() + fourth.get(), "204201202203");
}

TEST(ConnectionPool, WhenAllConnectionsAreTakenAnotherHostIsNotReached) {
  FakePool pool(kTwo);
  auto first = pool.Send("a");
  auto second = pool.Send("a");
  EXPECT_EQ(pool.Send("b").get(), "not sent: too many open connections");
  pool.Do([&] { pool.connections[0]->Answer(200); });
  EXPECT_EQ(first.get(), "200");
  auto third = pool.Send("b");  // the idle one has made room
  pool.Do([&] {
    ASSERT_EQ(pool.connections.size(), 3u);
    pool.connections[2]->Answer(201);
    pool.connections[1]->Answer(202);
  });
  EXPECT_EQ(third.get() + second.get(), "201202");
}

TEST(ConnectionPool, WaitingForAConnectionEndsUnsentAtItsTime) {
  FakePool pool({.host_connections = 1, .connections = 1});
  auto first = pool.Send("a", 3'600 * kSecondUs);
  auto second = pool.Send("a", 1'000);
  EXPECT_EQ(second.get(), "not sent: timed out waiting for a connection");
  pool.Do([&] { pool.connections[0]->Answer(200); });
  EXPECT_EQ(first.get(), "200");
  auto third = pool.Send("a", 1'000);
  EXPECT_EQ(third.get(), "ambiguous: timed out");
}

TEST(ConnectionPool, WhatComesBackUnreadGoesOutAgainThreeTimes) {
  FakePool pool(kTwo);
  auto answer = pool.Send("a");
  for (int i = 0; i < transport_limits::kReturnsMax; ++i) {
    pool.Do([&] {
      const auto carrier = std::find_if(pool.connections.begin(), pool.connections.end(),
                                        [](const auto& each) { return each->load() == 1; });
      ASSERT_NE(carrier, pool.connections.end());
      (*carrier)->Return();
    });
    EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  }
  pool.Do([&] {
    for (const auto& connection : pool.connections) {
      if (connection->load() == 1) {
        connection->Return();
      }
    }
  });
  EXPECT_EQ(answer.get(), "not sent: refused unread");
}

TEST(ConnectionPool, AFailedConnectionFailsOneThatWaitedAndTheNextIsTriedAnew) {
  FakePool pool(kTwo);
  pool.unreachable = true;
  EXPECT_EQ(pool.Send("a").get(), "not sent: unreachable");
  EXPECT_EQ(pool.Send("a").get(), "not sent: unreachable");
  pool.Do([&] { pool.unreachable = false; });
  auto answer = pool.Send("a");
  pool.Do([&] { pool.connections[0]->Answer(200); });
  EXPECT_EQ(answer.get(), "200");
}

TEST(ConnectionPool, ARequestKnowsNothingOfTheOneBefore) {
  RawServer server([](ServerConnection& connection) {
    while (connection.ReadRequest()) {
      connection.Answer(200, "", "ok");
    }
  });
  HttpTransport transport;
  channels::HttpRequest post;
  post.url = server.url("/first");
  post.method = "PUT";
  post.headers = {{"X-First", "1"}, {"Content-Type", "text/plain"}};
  post.body = "body";
  EXPECT_EQ(Say(Call(&transport, post)), "200 ok");
  EXPECT_EQ(Say(Call(&transport, Get(server.url("/second")))), "200 ok");
  const std::string address = server.url().substr(sizeof("http://") - 1);
  EXPECT_EQ(server.requests().at(1),
            "GET /second HTTP/1.1\nHost: " + address.substr(0, address.size() - 1) +
                "\nUser-Agent: huitou\nAccept: */*\n\n");
}

}  // namespace
}  // namespace huitou
