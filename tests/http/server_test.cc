// The server under good, slow, endless and broken clients.
#include "daemon/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "daemon/http/auth.h"
#include "daemon/http/limits.h"
#include "daemon/metrics/metrics.h"
#include "tests/http/client.h"

namespace huitou::http {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Short, so that the tests of slow clients are not.
constexpr DurationUs kHeadTimeout = kSecondUs;
constexpr char kToken[] = "correct-horse-battery-staple";

class ServerTest : public testing::Test {
 protected:
  Router EchoRouter() const {
    Router router;
    router.Add({"GET", "/open", "", Access::kPublic, 0, [](const Request&) { return Response(); }});
    router.Add(
        {"GET", "/closed", "", Access::kToken, 0, [](const Request&) { return Response(); }});
    router.Add({"POST", "/echo", "", Access::kPublic, 1024 * 1024, [](const Request& request) {
                  return Response{200, "text/plain", request.body, {}};
                }});
    router.Add({"POST", "/locked", "", Access::kToken, 1024 * 1024,
                [](const Request&) { return Response(); }});
    router.Add({"GET", "/blocks", "", Access::kPublic, 0, [this](const Request&) {
                  go_on_.wait();
                  return Response();
                }});
    router.Add({"GET", "/throws", "", Access::kPublic, 0,
                [](const Request&) -> Response { throw std::runtime_error("secret"); }});
    return router;
  }

  void Start(ServerOptions options = {.listen = "127.0.0.1:0"}) {
    options.head_timeout = kHeadTimeout;
    Result<std::unique_ptr<Server>> server = Server::Start(options, EchoRouter(), &metrics_);
    ASSERT_TRUE(server.ok()) << server.status().message();
    server_ = std::move(*server);
  }

  std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + path;
  }
  int Get(const std::string& path, const std::vector<std::string>& headers = {}) const {
    return Send({.url = Url(path), .headers = headers}).status;
  }
  // What the server says to these bytes, up to the connection's end.
  std::string Raw(const std::string& bytes) const {
    const RawSocket socket(server_->port());
    socket.Write(bytes);
    return socket.ReadAll();
  }

  std::promise<void> let_go_on_;
  const std::shared_future<void> go_on_{let_go_on_.get_future()};
  Metrics metrics_{"1"};
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, OnlyAKnownTokenOpens) {
  Start({.listen = "127.0.0.1:0", .tokens = {kToken, "another-token-of-it"}});
  EXPECT_EQ(Get("/open"), 200);
  EXPECT_EQ(Get("/closed"), 401);
  EXPECT_EQ(Get("/closed", {std::string("Authorization: Bearer ") + kToken}), 200);
  EXPECT_EQ(Get("/closed", {"authorization: bearer another-token-of-it"}), 200);
  EXPECT_EQ(Get("/closed", {"Authorization: Bearer wrong-token-wrong-token"}), 401);
  EXPECT_EQ(Get("/closed", {"Authorization: Bearer "}), 401);
  EXPECT_EQ(Get("/closed", {std::string("Authorization: Basic ") + kToken}), 401);
  EXPECT_EQ(Send({.url = Url("/closed")}).headers.at("www-authenticate"), "Bearer");
  EXPECT_THAT(metrics_.Serialize(),
              HasSubstr(R"(huitou_http_requests_total{route="/closed",status="401"} 5)"));
}

TEST_F(ServerTest, ABodyWithoutTheRightIsNotRead) {
  Start({.listen = "127.0.0.1:0", .tokens = {kToken}});
  const Answer answer =
      Send({.method = "POST", .url = Url("/locked"), .body = std::string(1024 * 1024, 'x')});
  EXPECT_EQ(answer.status, 401);
}

TEST_F(ServerTest, WithoutTokensLoopbackIsOpenToProgramsOnly) {
  Start();
  EXPECT_EQ(Get("/closed"), 200);
  EXPECT_EQ(Get("/closed", {"Origin: https://evil.example"}), 403);
  EXPECT_EQ(Get("/closed", {"Host: evil.example"}), 403);
  EXPECT_EQ(Get("/closed", {"Origin: " + Url("")}), 200);
}

TEST_F(ServerTest, WithoutTokensAnotherAddressIsClosed) {
  Start({.listen = "0.0.0.0:0"});
  EXPECT_EQ(Get("/open"), 200);
  EXPECT_EQ(Get("/closed"), 403);
}

TEST_F(ServerTest, ATakenPortIsSaid) {
  Start();
  const std::string listen = "127.0.0.1:" + std::to_string(server_->port());
  const Result<std::unique_ptr<Server>> second =
      Server::Start({.listen = listen}, EchoRouter(), &metrics_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().message(), "cannot listen on " + listen + ": Address already in use");
}

TEST_F(ServerTest, AnAddressThatIsNoneIsSaid) {
  for (const char* listen : {"8080", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", ""}) {
    EXPECT_FALSE(Server::Start({.listen = listen}, EchoRouter(), &metrics_).ok()) << listen;
  }
}

TEST_F(ServerTest, OversizedBodiesAreRefused) {
  Start();
  const std::string large(3 * 1024 * 1024, 'x');
  EXPECT_EQ(Send({.method = "POST", .url = Url("/echo"), .body = large}).status, 413);
  EXPECT_EQ(Send({.method = "POST",
                  .url = Url("/echo"),
                  .body = large,
                  .headers = {"Transfer-Encoding: chunked"}})
                .status,
            413);
  const std::string whole(1024 * 1024, 'x');
  EXPECT_EQ(Send({.method = "POST", .url = Url("/echo"), .body = whole}).body, whole);
}

TEST_F(ServerTest, MalformedRequestsAreRefused) {
  Start();
  EXPECT_THAT(Raw("NONSENSE\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Raw("GET /open HTTP/9.9\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Raw("POST /echo HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Raw("POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\nab"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Raw("POST /echo HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 411"));
  EXPECT_THAT(Raw("POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"),
              StartsWith("HTTP/1.1 501"));
  EXPECT_THAT(Raw("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Raw("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Raw("POST /echo HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
                  "Content-Length: 2\r\n\r\nab"),
              StartsWith("HTTP/1.1 415"));
  EXPECT_THAT(Raw("POST /echo HTTP/1.1\r\nContent-Encoding: gzip\r\nConnection: close\r\n"
                  "Content-Length: 2\r\n\r\nab"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Not(HasSubstr(" 200 ")));
  EXPECT_EQ(Get("/open"), 200);
}

TEST_F(ServerTest, AnEndlessHeadEndsTheConnection) {
  Start();
  const RawSocket socket(server_->port());
  socket.Write("GET /open HTTP/1.1\r\n");
  const std::string header = "X-A: " + std::string(1000, 'a') + "\r\n";
  for (int i = 0; i < 1000 && socket.Write(header); ++i) {
  }
  EXPECT_THAT(socket.ReadAll(), Not(HasSubstr(" 200 ")));
  EXPECT_EQ(Get("/open"), 200);
}

TEST_F(ServerTest, AClientThatDripsLosesItsConnection) {
  Start();
  const RawSocket socket(server_->port());
  const auto began = std::chrono::steady_clock::now();
  std::thread dripper([&] {
    socket.Write("GET /open HTTP/1.1\r\nX-Slow: ");
    for (int i = 0; i < 300 && socket.Write("x"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  EXPECT_THAT(socket.ReadAll(), Not(HasSubstr(" 200 ")));
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_LT(took, std::chrono::microseconds(kHeadTimeout) + std::chrono::seconds(3));
  dripper.join();
}

TEST_F(ServerTest, SlowHeadsHoldNoThread) {
  Start();
  std::vector<std::unique_ptr<RawSocket>> slow;
  for (size_t i = 0; i < limits::kThreads + limits::kWaitingMax + 20; ++i) {
    slow.push_back(std::make_unique<RawSocket>(server_->port()));
    slow.back()->Write("GET /open HTTP/1.1\r\n");
  }
  EXPECT_EQ(Get("/open"), 200);
  slow.back()->Write("Connection: close\r\n\r\n");
  EXPECT_THAT(slow.back()->ReadAll(), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, AHeadMayComeInPieces) {
  Start();
  const RawSocket socket(server_->port());
  for (const char* piece : {"GET /op", "en HTTP/1.1\r", "\nHost: h\r\n", "\r", "\nGET /open HTT",
                            "P/1.1\r\nConnection: close\r\n\r", "\n"}) {
    socket.Write(piece);
    EXPECT_EQ(Get("/open"), 200);  // the server has looked at what has come
  }
  const std::string answer = socket.ReadAll();
  EXPECT_NE(answer.find("HTTP/1.1 200", answer.find("HTTP/1.1 200") + 1), std::string::npos);
}

TEST_F(ServerTest, BodiesOfCallersWithoutATokenLeaveMostThreadsToOthers) {
  Start({.listen = "127.0.0.1:0", .tokens = {kToken}});
  std::vector<std::unique_ptr<RawSocket>> slow;
  for (size_t i = 0; i < limits::kThreads; ++i) {
    slow.push_back(std::make_unique<RawSocket>(server_->port()));
    slow.back()->Write("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nx");
  }
  const std::string refused = R"({route="/echo",status="503"} )" +
                              std::to_string(limits::kThreads - limits::kPublicBodiesMax) + "\n";
  while (metrics_.Serialize().find(refused) == std::string::npos) {
    std::this_thread::yield();
  }
  EXPECT_EQ(Get("/open"), 200);
  EXPECT_EQ(Get("/closed", {std::string("Authorization: Bearer ") + kToken}), 200);
  EXPECT_THAT(metrics_.Serialize(), Not(HasSubstr("408")));  // none of them had lost its thread
  slow.clear();
  int status = 503;
  while (status == 503) {
    status = Send({.method = "POST", .url = Url("/echo"), .body = "hello"}).status;
  }
  EXPECT_EQ(status, 200);
}

TEST_F(ServerTest, AFloodIsTurnedAwayAndOver) {
  Start();
  std::vector<std::unique_ptr<RawSocket>> flood;
  for (size_t i = 0; i < limits::kThreads + limits::kWaitingMax + 20; ++i) {
    flood.push_back(std::make_unique<RawSocket>(server_->port()));
    flood.back()->Write("GET /blocks HTTP/1.1\r\n\r\n");
  }
  const std::string answer = Raw("GET /open HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: "));
  let_go_on_.set_value();
  // Until the threads have got through what waits, it still says 503.
  int status = Get("/open");
  for (int tries = 0; status == 503 && tries < 1000; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    status = Get("/open");
  }
  EXPECT_EQ(status, 200);
}

TEST_F(ServerTest, IdleConnectionsMakeRoom) {
  Start();
  std::vector<std::unique_ptr<RawSocket>> idle;
  for (size_t i = 0; i < limits::kThreads; ++i) {
    idle.push_back(std::make_unique<RawSocket>(server_->port()));
    idle.back()->Write("GET /open HTTP/1.1\r\n\r\n");
  }
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(Get("/open"), 200);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3));
}

TEST_F(ServerTest, AHandlersFailureIsNotTold) {
  Start();
  const Answer answer = Send({.url = Url("/throws")});
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, Not(HasSubstr("secret")));
}

TEST_F(ServerTest, OneConnectionCarriesManyRequests) {
  Start();
  const std::string answer =
      Raw("GET /open HTTP/1.1\r\n\r\nPOST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"
          "GET /open HTTP/1.1\r\nConnection: close\r\n\r\n");
  size_t answers = 0;
  for (size_t at = answer.find("HTTP/1.1 200"); at != std::string::npos;
       at = answer.find("HTTP/1.1 200", at + 1)) {
    ++answers;
  }
  EXPECT_EQ(answers, 3U) << answer;
}

TEST_F(ServerTest, StoppingEndsEverything) {
  Start();
  const RawSocket idle(server_->port());
  idle.Write("GET /open HTTP/1.1\r\n\r\n");
  const int port = server_->port();
  server_->Stop();
  EXPECT_EQ(Send({.url = "http://127.0.0.1:" + std::to_string(port) + "/open"}).status, 0);
}

TEST_F(ServerTest, TlsIsSpokenWithCertificateAndKey) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("huitou-tls-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const std::string certificate = folder / "cert.pem";
  const std::string key = folder / "key.pem";
  const std::string command =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
      "-addext subjectAltName=IP:127.0.0.1 -keyout " +
      key + " -out " + certificate + " 2> /dev/null";
  if (std::system(command.c_str()) != 0) {
    GTEST_SKIP() << "openssl is not installed";
  }
  Start({.listen = "127.0.0.1:0", .tls_certificate = certificate, .tls_key = key});
  const std::string url = "https://127.0.0.1:" + std::to_string(server_->port());
  const std::string large(700'000, 'y');
  EXPECT_EQ(Send({.url = url + "/open", .ca_file = certificate}).status, 200);
  EXPECT_EQ(
      Send({.method = "POST", .url = url + "/echo", .body = large, .ca_file = certificate}).body,
      large);
  EXPECT_THAT(Raw("GET /open HTTP/1.1\r\n\r\n"), Not(HasSubstr(" 200 ")));
  EXPECT_FALSE(Server::Start({.listen = "127.0.0.1:0", .tls_certificate = key, .tls_key = key},
                             EchoRouter(), &metrics_)
                   .ok());
  std::filesystem::remove_all(folder);
}

TEST(Tokens, OneALineWithoutCommentsAndBlanks) {
  const Result<std::vector<std::string>> tokens =
      ParseTokens("# ours\n\n  aaaaaaaaaaaaaaaa \r\nbbbbbbbbbbbbbbbbbb");
  ASSERT_TRUE(tokens.ok());
  EXPECT_THAT(*tokens, testing::ElementsAre("aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbb"));
  EXPECT_FALSE(ParseTokens("").ok());
  EXPECT_FALSE(ParseTokens("short").ok());
  EXPECT_FALSE(ParseTokens("with blanks inside it").ok());
}

TEST(Loopback, IsToldFromOtherHosts) {
  for (const char* host : {"127.0.0.1", "127.0.0.1:80", "localhost:1", "[::1]:80", "::1"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const char* host : {"", "127.evil.example", "10.0.0.1", "localhost.evil.example", "[::2]"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

}  // namespace
}  // namespace huitou::http
