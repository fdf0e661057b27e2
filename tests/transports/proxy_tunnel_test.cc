// Requests by way of a proxy that lets them through, and of one that does not.
#include "daemon/transports/proxy_tunnel.h"

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <string>
#include <thread>

#include "daemon/transports/http_transport.h"
#include "tests/transports/http2_server.h"
#include "tests/transports/raw_server.h"
#include "tests/transports/support.h"

namespace huitou {
namespace {

namespace asio = boost::asio;

// For what is not to end by it.
constexpr DurationUs kLong = 120 * kSecondUs;

Proxies By(const RawServer& proxy, const std::string& user = "") {
  const std::string url = "http://" + user + "127.0.0.1:" + std::to_string(proxy.port());
  return *Proxies::Read({.https = url, .http = url, .none = {}});
}

channels::HttpRequest Post(std::string url) {
  channels::HttpRequest request;
  request.url = std::move(url);
  request.body = "{}";
  return request;
}

// What a channel learns: its answer, or why there was none.
std::string Ask(HttpTransport* transport, std::string url) {
  const channels::Answer answer = Call(transport, Post(std::move(url)));
  return Say(answer) + (answer.error_text.empty() ? "" : ": " + answer.error_text);
}

// Takes what the proxy's side says to the server, and back, until one of them ends.
void Relay(RawServer::Connection* client, const std::string& port) {
  asio::io_context context;
  asio::ip::tcp::socket server(context);
  asio::connect(server, asio::ip::tcp::resolver(context).resolve("127.0.0.1", port));
  std::thread back([&] {
    std::array<char, 4096> data;
    boost::system::error_code error;
    while (const size_t bytes = server.read_some(asio::buffer(data), error)) {
      client->Write({data.data(), bytes});
    }
  });
  for (std::string data = client->ReadSome(); !data.empty(); data = client->ReadSome()) {
    asio::write(server, asio::buffer(data));
  }
  server.shutdown(asio::ip::tcp::socket::shutdown_both);
  back.join();
}

TEST(Proxy, AnHttpsRequestGoesThroughItUnread) {
  const Http2Server provider;
  const std::string port = provider.authority().substr(provider.authority().find(':') + 1);
  RawServer proxy([port](RawServer::Connection& connection) {
    ASSERT_TRUE(connection.ReadRequest());
    connection.Write("HTTP/1.1 200 Connection established\r\n\r\n");
    Relay(&connection, port);
  });
  {
    HttpTransport transport(provider.trust(kLong), By(proxy, "shop:word@"));
    EXPECT_EQ(Ask(&transport, provider.url("/ok")), "200 ok");
    EXPECT_EQ(Ask(&transport, provider.url("/ok")), "200 ok");
  }
  EXPECT_EQ(proxy.requests(),
            std::vector<std::string>{"CONNECT " + provider.authority() +
                                     " HTTP/1.1\nHost: " + provider.authority() +
                                     "\nProxy-Authorization: Basic c2hvcDp3b3Jk\n\n"});
}

TEST(Proxy, TheServerIsStillTheOneToTrust) {
  const Http2Server provider;
  const std::string port = provider.authority().substr(provider.authority().find(':') + 1);
  RawServer proxy([port](RawServer::Connection& connection) {
    ASSERT_TRUE(connection.ReadRequest());
    connection.Write("HTTP/1.1 200 OK\r\n\r\n");
    Relay(&connection, port);
  });
  HttpTransport transport(provider.trust(kLong), By(proxy));
  EXPECT_EQ(Ask(&transport, "https://another.example/ok"), "not sent: TLS: hostname mismatch");
}

TEST(Proxy, ANoIsNotSent) {
  const auto told = [](const std::string& answer) {
    RawServer proxy([answer](RawServer::Connection& connection) {
      connection.ReadRequest();
      connection.Write(answer);
      if (answer.empty()) {
        connection.Reset();
      }
    });
    HttpTransport transport({{}, kLong}, By(proxy));
    const std::string said = Ask(&transport, "https://[::1]:8443/send");
    EXPECT_EQ(proxy.requests(),
              std::vector<std::string>{"CONNECT [::1]:8443 HTTP/1.1\nHost: [::1]:8443\n\n"});
    return said;
  };
  EXPECT_EQ(told("HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno"),
            "not sent: the proxy refused the connection with 407");
  EXPECT_EQ(told("HTTP/1.1 503 No\r\n\r\n"), "not sent: the proxy refused the connection with 503");
  EXPECT_EQ(told("HTTP/1.1 302 Elsewhere\r\nLocation: /\r\n\r\n"),
            "not sent: the proxy refused the connection with 302");
  EXPECT_EQ(told("HTTP/1.1 200 OK\r\n"), "not sent: the proxy closed the connection");
  EXPECT_EQ(told(""), "not sent: the proxy closed the connection");
  EXPECT_EQ(told("HTTP/1.1 200 OK\r\n\r\n220 mail.example\r\n"),
            "not sent: the proxy said more than its answer");
  EXPECT_EQ(told("220 mail.example\r\n"), "not sent: the proxy's answer is not HTTP: bad version");
}

TEST(Proxy, OneThatHangsIsGivenUp) {
  RawServer proxy([](RawServer::Connection& connection) { connection.Hang(); });
  HttpTransport transport({{}, 300'000}, By(proxy));
  EXPECT_EQ(Ask(&transport, "https://a.example/"), "not sent: timed out waiting for the proxy");
}

TEST(Proxy, OneThatIsAwayIsNotSent) {
  RawServer proxy([](RawServer::Connection&) {});
  const Proxies proxies = By(proxy);
  proxy.Stop();
  HttpTransport transport({{}, kLong}, proxies);
  EXPECT_EQ(Ask(&transport, "https://a.example/"), "not sent: connection refused");
  EXPECT_EQ(Ask(&transport, "http://a.example/"), "not sent: connection refused");
}

TEST(Proxy, AnHttpRequestGoesToItWhole) {
  RawServer proxy([](RawServer::Connection& connection) {
    while (connection.ReadRequest()) {
      connection.Answer(200, "", "ok");
    }
  });
  HttpTransport transport({{}, kLong}, By(proxy, "shop:word@"));
  EXPECT_EQ(Ask(&transport, "http://a.example:81/send?x=1"), "200 ok");
  EXPECT_EQ(Ask(&transport, "http://a.example:81/send?x=2"), "200 ok");
  ASSERT_EQ(proxy.requests().size(), 2);
  EXPECT_TRUE(proxy.requests()[1].starts_with(
      "POST http://a.example:81/send?x=2 HTTP/1.1\nProxy-Authorization: Basic c2hvcDp3b3Jk\n"
      "Host: a.example:81\n"))
      << proxy.requests()[1];
  EXPECT_EQ(proxy.connections(), 1);
}

TEST(Proxy, ThatKnowsTheShopNotIsNoAnswerOfTheProvider) {
  RawServer proxy([](RawServer::Connection& connection) {
    connection.ReadRequest();
    connection.Answer(407, "", "");
  });
  HttpTransport transport({{}, kLong}, By(proxy));
  EXPECT_EQ(Ask(&transport, "http://a.example/"),
            "not sent: the proxy refused the request with 407");
}

}  // namespace
}  // namespace huitou
