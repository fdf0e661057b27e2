// HTTP against servers that behave and servers that do not.
#include "daemon/transports/http_transport.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/transports/limits.h"
#include "tests/transports/raw_server.h"
#include "tests/transports/support.h"

namespace huitou {
namespace {

using channels::Answer;
using channels::HttpRequest;
using channels::HttpResponse;
using Connection = RawServer::Connection;

// Long enough for a loaded machine to get the request across before it ends.
constexpr DurationUs kShort = 500'000;

HttpRequest Post(std::string url, std::string body = "{}") {
  HttpRequest request;
  request.url = std::move(url);
  request.body = std::move(body);
  return request;
}

void AnswerOk(Connection& connection) {
  while (connection.ReadRequest()) {
    connection.Answer(200, "", "ok");
  }
}

TEST(HttpTransport, SendsWhatTheChannelEncodedAndReturnsWhatCame) {
  RawServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Answer(202, "X-Request-Id:  Abc \r\nRETRY-AFTER: 7\r\n", "回头");
  });
  HttpTransport transport;
  HttpRequest request = Post(server.url("/a/../b?x=%20y"), std::string("a\0b回", 6));
  request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}, {"X-Two", "a: b"}};
  const Answer answer = Call(&transport, request);
  EXPECT_EQ(Say(answer), "202 回头");
  const auto& response = std::get<HttpResponse>(answer.response);
  const channels::Headers expected = {
      {"x-request-id", "Abc"}, {"retry-after", "7"}, {"content-length", "6"}};
  EXPECT_EQ(response.headers, expected);
  ASSERT_EQ(server.requests().size(), 1u);
  const std::string seen = server.requests()[0];
  EXPECT_TRUE(seen.starts_with("POST /a/../b?x=%20y HTTP/1.1\n")) << seen;
  EXPECT_NE(seen.find("\nContent-Type: application/json\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("\nX-Empty:\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("\nX-Two: a: b\n"), std::string::npos) << seen;
  EXPECT_EQ(seen.find("Expect"), std::string::npos) << seen;
  EXPECT_TRUE(seen.ends_with(std::string("\n\na\0b回", 8))) << seen;
}

TEST(HttpTransport, KnowsOtherMethodsAndEmptyBodies) {
  RawServer server(AnswerOk);
  HttpTransport transport;
  for (const char* method : {"GET", "POST", "PUT", "DELETE"}) {
    HttpRequest request = Post(server.url(), "");
    request.method = method;
    EXPECT_EQ(Say(Call(&transport, request)), "200 ok");
  }
  const std::vector<std::string> seen = server.requests();
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_TRUE(seen[0].starts_with("GET / "));
  EXPECT_TRUE(seen[1].starts_with("POST / "));
  EXPECT_EQ(seen[1].find("Content-Type"), std::string::npos) << seen[1];
  EXPECT_TRUE(seen[2].starts_with("PUT / "));
  EXPECT_TRUE(seen[3].starts_with("DELETE / "));
}

TEST(HttpTransport, KeepsItsConnection) {
  RawServer server(AnswerOk);
  HttpTransport transport;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Say(Call(&transport, Post(server.url()))), "200 ok");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpTransport, AConnectionRefusedIsNotSent) {
  int port = 0;
  {
    const RawServer server([](Connection&) {});
    port = server.port();
  }
  HttpTransport transport;
  const Answer answer =
      Call(&transport, Post("http://127.0.0.1:" + std::to_string(port) + "/secret?key=abc"));
  EXPECT_EQ(Say(answer), "not sent");
  EXPECT_EQ(answer.error_text.find("127.0.0.1"), std::string::npos) << answer.error_text;
  EXPECT_EQ(answer.error_text.find("abc"), std::string::npos) << answer.error_text;
}

TEST(HttpTransport, AnUnknownHostIsNotSent) {
  HttpTransport transport;
  EXPECT_EQ(Say(Call(&transport, Post("http://no-such-host.invalid/"))), "not sent");
}

TEST(HttpTransport, WhatIsNotHttpIsNotSent) {
  HttpTransport transport;
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "smtp://127.0.0.1/",
                          "nonsense:", "", "http://"}) {
    EXPECT_EQ(Say(Call(&transport, Post(url))), "not sent") << url;
  }
}

TEST(HttpTransport, AHeaderCannotBringAnotherOne) {
  RawServer server(AnswerOk);
  HttpTransport transport;
  HttpRequest request = Post(server.url());
  request.headers = {{"X-Name", "a\r\nX-Other: b"}};
  EXPECT_EQ(Say(Call(&transport, request)), "not sent");
  EXPECT_EQ(server.connections(), 0);
}

TEST(HttpTransport, AServerThatHangsIsAmbiguous) {
  RawServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Hang();
  });
  HttpTransport transport;
  EXPECT_EQ(Say(Call(&transport, Post(server.url()), kShort)), "ambiguous");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpTransport, AServerThatResetsAfterReadingIsAmbiguous) {
  RawServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Reset();
  });
  HttpTransport transport;
  EXPECT_EQ(Say(Call(&transport, Post(server.url()))), "ambiguous");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpTransport, AServerThatClosesWithoutAWordIsAmbiguous) {
  RawServer server([](Connection& connection) { connection.ReadRequest(); });
  HttpTransport transport;
  EXPECT_EQ(Say(Call(&transport, Post(server.url()))), "ambiguous");
}

// libcurl's own repeat on a kept connection would be the second send that nobody promised.
TEST(HttpTransport, NeverRepeatsARequestThatWasReadOnAKeptConnection) {
  RawServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Answer(200, "", "ok");
    connection.ReadRequest();  // and closes
  });
  HttpTransport transport;
  EXPECT_EQ(Say(Call(&transport, Post(server.url()))), "200 ok");
  EXPECT_EQ(Say(Call(&transport, Post(server.url()))), "ambiguous");
  EXPECT_EQ(server.requests().size(), 2u);
  EXPECT_EQ(Say(Call(&transport, Post(server.url()))), "200 ok");
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST(HttpTransport, HalfAnAnswerIsAmbiguous) {
  RawServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  });
  HttpTransport transport;
  EXPECT_EQ(Say(Call(&transport, Post(server.url()))), "ambiguous");
}

TEST(HttpTransport, GarbageIsAmbiguous) {
  for (const std::string garbage :
       {"\x01\x02garbage\r\n\r\n", "HTTP/9.9 what\r\n\r\n", "220 smtp.example.com ESMTP\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"}) {
    RawServer server([&garbage](Connection& connection) {
      connection.ReadRequest();
      connection.Write(garbage);
    });
    HttpTransport transport;
    EXPECT_EQ(Say(Call(&transport, Post(server.url()))), "ambiguous") << garbage;
  }
}

TEST(HttpTransport, AHugeAnswerIsCut) {
  RawServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Answer(200, "", std::string(10'000'000, 'x'));
  });
  HttpTransport transport;
  const Answer answer = Call(&transport, Post(server.url()));
  const auto& response = std::get<HttpResponse>(answer.response);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body.size(), transport_limits::kAnswerBytesMax);
}

TEST(HttpTransport, EndlessHeadersAreAmbiguous) {
  RawServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Write("HTTP/1.1 200 OK\r\n");
    while (connection.Write("X-More: " + std::string(1'000, 'x') + "\r\n")) {
    }
  });
  HttpTransport transport;
  EXPECT_EQ(Say(Call(&transport, Post(server.url()))), "ambiguous");
}

TEST(HttpTransport, ARedirectIsAnAnswerAndNotFollowed) {
  RawServer other(AnswerOk);
  RawServer server([&other](Connection& connection) {
    connection.ReadRequest();
    connection.Answer(302, "Location: " + other.url() + "\r\n", "");
  });
  HttpTransport transport;
  EXPECT_EQ(Say(Call(&transport, Post(server.url()))), "302");
  EXPECT_EQ(other.connections(), 0);
}

TEST(HttpTransport, InterimAnswersAreNotTheAnswer) {
  RawServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Write("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n");
    connection.Answer(429, "Retry-After: 30\r\n", "");
  });
  HttpTransport transport;
  const Answer answer = Call(&transport, Post(server.url()));
  EXPECT_EQ(Say(answer), "429");
  const channels::Headers expected = {{"retry-after", "30"}, {"content-length", "0"}};
  EXPECT_EQ(std::get<HttpResponse>(answer.response).headers, expected);
}

// Many at once, one host hanging: the others are served, and each exactly once.
TEST(HttpTransport, AHangingHostHoldsNobodyElse) {
  RawServer hanging([](Connection& connection) { connection.Hang(); });
  RawServer healthy(AnswerOk);
  HttpTransport transport;
  constexpr int kSends = 200;
  std::mutex mutex;
  std::condition_variable changed;
  int answered = 0;
  std::atomic<int> hung = 0;
  for (int i = 0; i < 50; ++i) {
    transport.Send(Post(hanging.url()), 60 * kSecondUs, [&hung](Answer) { ++hung; });
  }
  for (int i = 0; i < kSends; ++i) {
    transport.Send(Post(healthy.url(), std::to_string(i)), 30 * kSecondUs, [&](Answer answer) {
      EXPECT_EQ(Say(answer), "200 ok");
      const std::lock_guard lock(mutex);
      ++answered;
      changed.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return answered == kSends; }));
  EXPECT_EQ(healthy.requests().size(), static_cast<size_t>(kSends));
  EXPECT_EQ(hung, 0);
}  // and the transport goes while 50 are open

TEST(HttpTransport, VerifiesCertificatesAlways) {
  const TemporaryDirectory directory;
  const Certificate good(directory, "good", "IP:127.0.0.1");
  const Certificate foreign(directory, "foreign", "DNS:other.example");
  const std::string script = HUITOU_SOURCE_DIR "/tests/transports/tls_server.py";
  Child good_server({"python3", script, good.certificate, good.key});
  Child foreign_server({"python3", script, foreign.certificate, foreign.key});
  const std::string good_url = "https://127.0.0.1:" + good_server.ReadLine();
  const std::string foreign_url = "https://127.0.0.1:" + foreign_server.ReadLine();

  HttpTransport trusting(DialOptions{good.certificate});
  EXPECT_EQ(Say(Call(&trusting, Post(good_url))), "200 ok");
  EXPECT_EQ(Say(Call(&trusting, Post(foreign_url))), "not sent") << "unknown authority";
  HttpTransport misled(DialOptions{foreign.certificate});
  EXPECT_EQ(Say(Call(&misled, Post(foreign_url))), "not sent") << "another host's certificate";
  HttpTransport system;
  EXPECT_EQ(Say(Call(&system, Post(good_url))), "not sent") << "self-signed";
}

TEST(HttpTransport, TheAuthoritiesAreReadOnceForManyConnections) {
  TemporaryDirectory directory;
  const Certificate good(directory, "good", "IP:127.0.0.1");
  const std::string script = HUITOU_SOURCE_DIR "/tests/transports/tls_server.py";
  Child first({"python3", script, good.certificate, good.key});
  Child second({"python3", script, good.certificate, good.key});
  const std::string first_url = "https://127.0.0.1:" + first.ReadLine();
  const std::string second_url = "https://127.0.0.1:" + second.ReadLine();
  HttpTransport transport(DialOptions{good.certificate});
  EXPECT_EQ(Say(Call(&transport, Post(first_url))), "200 ok");
  std::filesystem::remove(good.certificate);
  EXPECT_EQ(Say(Call(&transport, Post(second_url))), "200 ok");
}

TEST(HttpTransport, AServerThatSpeaksNoTlsIsNotSent) {
  RawServer server([](Connection& connection) {
    std::string line;
    connection.ReadLine(&line);
    connection.Write("HTTP/1.1 400 plain\r\n\r\n");
  });
  HttpTransport transport;
  const std::string url = "https://127.0.0.1:" + std::to_string(server.port());
  EXPECT_EQ(Say(Call(&transport, Post(url), kSecondUs)), "not sent");
}

}  // namespace
}  // namespace huitou
