// How the connections of many transfers are bounded and used again.
#include "daemon/transports/curl_multi.h"

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

#include "daemon/transports/curl_lane.h"
#include "daemon/transports/http_transport.h"
#include "daemon/transports/limits.h"
#include "tests/transports/raw_server.h"
#include "tests/transports/support.h"

namespace huitou {
namespace {

using channels::Answer;
using Connection = RawServer::Connection;

constexpr size_t kHostConnectionsMax =
    transport_limits::kHostLanesMax * transport_limits::kLaneConnectionsMax;

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

TEST(CurlMulti, AHostHasNoMoreConnectionsThanItsLanesAndTheRestWaitForThem) {
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

TEST(CurlMulti, WhatComesAfterABurstUsesItsConnections) {
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  constexpr int kBurst = 3 * transport_limits::kLaneTransfersMax / 2;  // more than one lane
  RawServer server([&](Connection& connection) {
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

TEST(CurlMulti, WhenAllConnectionsAreTakenNoneIsOpenedForOneMore) {
  RawServer server([](Connection& connection) { connection.ReadRequest(); });
  IoLoop loop;
  long open = transport_limits::kConnectionsMax;
  auto lane = std::make_shared<CurlLane>(&loop.context(), &open);
  std::promise<CURLcode> ended;
  loop.Post([&] {
    CURL* const easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, server.url().c_str());
    lane->Start(easy, [&ended](CURL* handle, CURLcode code) {
      curl_easy_cleanup(handle);
      ended.set_value(code);
    });
  });
  EXPECT_EQ(ended.get_future().get(), CURLE_COULDNT_CONNECT);
  EXPECT_EQ(server.connections(), 0);
  loop.Stop();
}

// A handle serves one transfer after another; nothing of one may reach the next.
TEST(CurlMulti, ATransferKnowsNothingOfTheOneBefore) {
  RawServer server([](Connection& connection) {
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
