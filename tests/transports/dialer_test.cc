// Connections to servers that are there, that are not, and that are not who they say.
#include "daemon/transports/dialer.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/transports/io_loop.h"
#include "tests/transports/http2_server.h"
#include "tests/transports/raw_server.h"
#include "tests/transports/support.h"

namespace {
std::atomic<int> lookups = 0;  // of these tests' names
}

// The names of these tests, whatever the machine's own files and name servers say: in the place of
// the C library's, which it calls.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  static const auto real =
      reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  static const std::map<std::string, std::vector<const char*>, std::less<>> names = {
      {"one.test", {"127.0.0.1"}},
      {"two.test", {"127.0.0.2", "127.0.0.1"}},
      {"six.test", {"::1", "127.0.0.1"}},
      {"none.test", {}}};
  const auto known = name == nullptr ? names.end() : names.find(std::string_view(name));
  if (known == names.end()) {
    return real(name, service, hints, found);
  }
  ++lookups;
  *found = nullptr;
  for (const char* address : known->second) {
    const int failed = real(address, service, hints, found);
    if (failed != 0) {
      return failed;
    }
    while (*found != nullptr) {  // the next one's place
      found = &(*found)->ai_next;
    }
  }
  return known->second.empty() ? EAI_NONAME : 0;
}

namespace huitou {
namespace {

// For what is not to end by it.
constexpr DurationUs kLong = 120 * kSecondUs;
constexpr DurationUs kShort = 300'000;

// A socket that listens and never accepts; the system connects all the same.
class Listener {
 public:
  explicit Listener(const char* address, uint16_t port = 0, int backlog = 16) {
    fd_ = Bound(address, port, &endpoint_, &size_);
    if (fd_ >= 0) {
      CHECK(::listen(fd_, backlog) == 0);
    }
  }
  ~Listener() {
    for (const int fd : {fd_, filler_}) {
      if (fd >= 0) {
        ::close(fd);
      }
    }
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // This machine has the address.
  bool ok() const { return fd_ >= 0; }
  // The same place in both kinds of address.
  uint16_t port() const { return ntohs(reinterpret_cast<const sockaddr_in&>(endpoint_).sin_port); }

  // With a backlog of 0: no SYN is answered from now on.
  void Fill() {
    filler_ = ::socket(endpoint_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(::connect(filler_, reinterpret_cast<const sockaddr*>(&endpoint_), size_) == 0);
  }

 private:
  static int Bound(const char* text, uint16_t port, sockaddr_storage* address, socklen_t* size) {
    *address = {};
    auto& four = reinterpret_cast<sockaddr_in&>(*address);
    auto& six = reinterpret_cast<sockaddr_in6&>(*address);
    if (::inet_pton(AF_INET, text, &four.sin_addr) == 1) {
      address->ss_family = AF_INET;
      *size = sizeof(four);
    } else {
      CHECK(::inet_pton(AF_INET6, text, &six.sin6_addr) == 1);
      address->ss_family = AF_INET6;
      *size = sizeof(six);
    }
    four.sin_port = htons(port);
    const int fd = ::socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(address), *size) != 0) {
      ::close(fd);
      return -1;
    }
    CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(address), size) == 0);
    return fd;
  }

  int fd_ = -1;
  int filler_ = -1;
  sockaddr_storage endpoint_{};
  socklen_t size_ = 0;
};

// A free port where nobody listens: that of one who did.
uint16_t DeadPort() {
  return Listener("127.0.0.1").port();
}

Endpoint At(std::string host, int port, bool tls = false) {
  return {std::move(host), static_cast<uint16_t>(port), tls, {}};
}

// Dials as the transports do, on a loop of its own. "connected", or why not.
class TestDialer {
 public:
  explicit TestDialer(DialOptions options = {}) : dialer_(&loop_.context(), std::move(options)) {}
  ~TestDialer() { loop_.Stop(); }

  std::string Dial(const Endpoint& endpoint) { return Start(endpoint).get(); }
  std::future<std::string> Start(const Endpoint& endpoint) {
    auto promise = std::make_shared<std::promise<std::string>>();
    loop_.Post([this, endpoint, promise] {
      dialer_.Dial(endpoint,
                   [promise](const std::unique_ptr<ByteStream>& stream, const std::string& error) {
                     promise->set_value(stream == nullptr ? error : "connected" + error);
                   });
    });
    return promise->get_future();
  }

 private:
  IoLoop loop_;
  Dialer dialer_;
};

TEST(Dialer, TriesTheAddressesOfANameInTheirOrder) {
  const Listener second("127.0.0.1");
  TestDialer dialer({{}, kLong});
  EXPECT_EQ(dialer.Dial(At("one.test", second.port())), "connected");
  EXPECT_EQ(dialer.Dial(At("two.test", second.port())), "connected") << "the first one refuses";
  const Listener first("127.0.0.2");
  EXPECT_EQ(dialer.Dial(At("two.test", first.port())), "connected") << "the second one refuses";
  EXPECT_EQ(dialer.Dial(At("one.test", first.port())), "connection refused");
}

TEST(Dialer, GoesByBothKindsOfAddress) {
  const Listener four("127.0.0.1");
  TestDialer dialer({{}, kLong});
  EXPECT_EQ(dialer.Dial(At("six.test", four.port())), "connected");
  EXPECT_EQ(dialer.Dial(At("localhost", four.port())), "connected");
  const Listener six("::1");
  if (!six.ok()) {
    GTEST_SKIP() << "this machine has no ::1";
  }
  EXPECT_EQ(dialer.Dial(At("six.test", six.port())), "connected");
  EXPECT_EQ(dialer.Dial(At("::1", six.port())), "connected");
}

TEST(Dialer, AnAddressThatDoesNotAnswerHoldsUpTheNextOnlyForAMoment) {
  const Listener second("127.0.0.1");
  Listener silent("127.0.0.2", second.port(), 0);
  ASSERT_TRUE(silent.ok());
  silent.Fill();
  TestDialer dialer({{}, kLong});
  EXPECT_EQ(dialer.Dial(At("two.test", second.port())), "connected");
}

TEST(Dialer, SaysWhyAndNamesNoAddress) {
  TestDialer dialer({{}, kLong});
  const uint16_t port = DeadPort();
  EXPECT_EQ(dialer.Dial(At("127.0.0.1", port)), "connection refused");
  EXPECT_EQ(dialer.Dial(At("two.test", port)), "connection refused");
  EXPECT_EQ(dialer.Dial(At("none.test", port)), "no such host");
}

TEST(Dialer, AHostThatDoesNotAnswerIsGivenUp) {
  Listener silent("127.0.0.1", 0, 0);
  silent.Fill();
  TestDialer dialer({{}, kShort});
  EXPECT_EQ(dialer.Dial(At("127.0.0.1", silent.port())), "timed out while connecting");
  EXPECT_EQ(dialer.Dial(At("one.test", silent.port())), "timed out while connecting");
}

TEST(Dialer, AHandshakeThatDoesNotEndIsGivenUp) {
  const Listener mute("127.0.0.1");
  TestDialer dialer({{}, kShort});
  EXPECT_EQ(dialer.Dial(At("127.0.0.1", mute.port(), true)), "TLS: timed out");
}

TEST(Dialer, AServerThatEndsTheHandshakeOrSpeaksNoTlsIsSaid) {
  RawServer closing([](RawServer::Connection&) {});
  RawServer plain([](RawServer::Connection& connection) {
    connection.Write("220 mail.example ESMTP\r\n");
    connection.Hang();
  });
  TestDialer dialer({{}, kLong});
  EXPECT_EQ(dialer.Dial(At("127.0.0.1", closing.port(), true)),
            "TLS: the server ended the handshake");
  const std::string error = dialer.Dial(At("127.0.0.1", plain.port(), true));
  EXPECT_TRUE(error.starts_with("TLS: ")) << error;  // and OpenSSL's words
}

TEST(Dialer, ManyAtATimeAskForANameOnce) {
  const Listener server("127.0.0.1", 0, 64);
  TestDialer dialer({{}, kLong});
  const int lookups_before = lookups;
  std::vector<std::future<std::string>> dialed;
  for (int i = 0; i < 50; ++i) {
    dialed.push_back(dialer.Start(At("two.test", server.port())));
  }
  for (std::future<std::string>& each : dialed) {
    EXPECT_EQ(each.get(), "connected");
  }
  EXPECT_EQ(lookups - lookups_before, 1);
}

TEST(Dialer, GoesWhileConnectionsAreOnTheirWay) {
  Listener silent("127.0.0.1", 0, 0);
  silent.Fill();
  const Listener mute("127.0.0.1");
  std::vector<std::future<std::string>> dialed;
  {
    TestDialer dialer({{}, kLong});
    for (int i = 0; i < 10; ++i) {
      dialed.push_back(dialer.Start(At("one.test", silent.port())));
      dialed.push_back(dialer.Start(At("127.0.0.1", mute.port(), true)));
    }
    EXPECT_EQ(dialer.Dial(At("127.0.0.1", mute.port())), "connected");
  }
  for (std::future<std::string>& each : dialed) {
    EXPECT_THROW(each.get(), std::future_error) << "an end from nowhere";
  }
}

class DialerTls : public testing::Test {
 protected:
  // At 127.0.0.1, with this certificate.
  int Serve(const Certificate& certificate) {
    servers_.push_back(std::make_unique<Child>(
        std::vector<std::string>{"python3", HUITOU_SOURCE_DIR "/tests/transports/tls_server.py",
                                 certificate.certificate, certificate.key}));
    return std::stoi(servers_.back()->ReadLine());
  }

  const TemporaryDirectory directory_;

 private:
  std::vector<std::unique_ptr<Child>> servers_;
};

TEST_F(DialerTls, TheCertificateMustBeOfTheNameOrTheAddress) {
  const Certificate good(directory_, "good", "DNS:one.test,IP:127.0.0.1");
  const Certificate other(directory_, "other", "DNS:other.test,IP:127.0.0.2");
  const int good_port = Serve(good);
  const int other_port = Serve(other);
  TestDialer dialer({good.certificate, kLong});
  EXPECT_EQ(dialer.Dial(At("one.test", good_port, true)), "connected");
  EXPECT_EQ(dialer.Dial(At("127.0.0.1", good_port, true)), "connected");
  EXPECT_EQ(dialer.Dial(At("two.test", good_port, true)), "TLS: hostname mismatch");
  TestDialer misled({other.certificate, kLong});
  EXPECT_EQ(misled.Dial(At("127.0.0.1", other_port, true)), "TLS: IP address mismatch");
  EXPECT_EQ(misled.Dial(At("one.test", other_port, true)), "TLS: hostname mismatch");
}

TEST_F(DialerTls, TheAuthorityMustBeTrusted) {
  const Certificate good(directory_, "good", "IP:127.0.0.1");
  const Certificate other(directory_, "other", "IP:127.0.0.1");
  const int port = Serve(good);
  TestDialer mistrusting({other.certificate, kLong});
  EXPECT_EQ(mistrusting.Dial(At("127.0.0.1", port, true)), "TLS: self-signed certificate");
  TestDialer blind({directory_ / "none.pem", kLong});
  EXPECT_EQ(blind.Dial(At("127.0.0.1", port, true)),
            "TLS: the authorities to trust cannot be read");
}

TEST_F(DialerTls, ACertificateThatHasExpiredIsNone) {
  const Certificate expired(directory_, "expired", "IP:127.0.0.1");
  // Ends in the second in which it begins.
  Child openssl({"openssl", "x509", "-in", expired.certificate, "-signkey", expired.key, "-days",
                 "0", "-out", expired.certificate});
  ASSERT_EQ(openssl.Wait(), 0);
  TestDialer dialer({expired.certificate, kLong});
  EXPECT_EQ(dialer.Dial(At("127.0.0.1", Serve(expired), true)), "TLS: certificate has expired");
}

TEST_F(DialerTls, TheSecondConnectionGoesOnWithTheSessionOfTheFirst) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  const auto ask = [&](const std::string& path) {
    channels::HttpRequest request;
    request.url = server.url(path);
    return Say(Call(&transport, request));
  };
  EXPECT_EQ(ask("/session"), "200 new");
  EXPECT_EQ(ask("/goaway-after"), "200 ok");
  EXPECT_EQ(ask("/session"), "200 resumed");
  EXPECT_EQ(ask("/goaway-after"), "200 ok");
  EXPECT_EQ(ask("/session"), "200 resumed");
  EXPECT_EQ(server.Told("connections"), "3");
}

}  // namespace
}  // namespace huitou
