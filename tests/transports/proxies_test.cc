// Which requests the environment sends by a proxy.
#include "daemon/transports/proxies.h"

#include <gtest/gtest.h>

#include <string>

namespace huitou {
namespace {

Endpoint At(std::string host, uint16_t port = 443, bool tls = true) {
  return {std::move(host), port, tls, {}};
}

// "host:port authorization", "none", or why there are none at all.
std::string Way(const Proxies::Environment& environment, const Endpoint& target) {
  const Result<Proxies> proxies = Proxies::Read(environment);
  if (!proxies.ok()) {
    return proxies.status().message();
  }
  const Proxy* const proxy = proxies->For(target);
  return proxy == nullptr ? "none"
                          : proxy->endpoint.host + ":" + std::to_string(proxy->endpoint.port) +
                                (proxy->endpoint.tls ? " tls " : " ") + proxy->authorization;
}

std::string WayBut(const std::string& none, const Endpoint& target) {
  const std::string way = Way({.https = "http://p.lan:3128", .http = {}, .none = none}, target);
  return way == "p.lan:3128 " ? "proxy" : way;
}

TEST(Proxies, EachSchemeHasItsOwn) {
  const Proxies::Environment both = {"http://secure.lan:3128", "http://plain.lan:8080/", ""};
  EXPECT_EQ(Way(both, At("a.example")), "secure.lan:3128 ");
  EXPECT_EQ(Way(both, At("a.example", 80, false)), "plain.lan:8080 ");
  EXPECT_EQ(Way({}, At("a.example")), "none");
  EXPECT_EQ(Way({"http://secure.lan:3128", "", ""}, At("a.example", 80, false)), "none");
}

TEST(Proxies, AreWrittenInSeveralWays) {
  const auto way = [](const std::string& text) { return Way({text, {}, {}}, At("a.example")); };
  EXPECT_EQ(way("p.lan:3128"), "p.lan:3128 ");
  EXPECT_EQ(way("HTTP://10.0.0.1:3128"), "10.0.0.1:3128 ");
  EXPECT_EQ(way("http://[fd00::1]:3128"), "fd00::1:3128 ");
  // base64 of "shop:p@ss w+rd", as printf | base64 gives it.
  EXPECT_EQ(way("http://shop:p%40ss%20w+rd@p.lan:3128"), "p.lan:3128 Basic c2hvcDpwQHNzIHcrcmQ=");
}

TEST(Proxies, WhatIsNoneIsSaidWithoutItsPassword) {
  for (const char* text : {"http://p.lan", "https://p.lan:3128", "socks5://p.lan:1080",
                           "socks5://a:b@p.lan:1080", "http://p.lan:x", "http://p.lan:3128/path",
                           "http://name@p.lan:3128", "http://a:%zz@p.lan:3128", "p lan",
                           "http://:3128", "http://p.lan:0", "http://geheim:geheim@:1"}) {
    EXPECT_EQ(Way({text, {}, {}}, At("a.example")),
              "the environment variable https_proxy is not http://HOST:PORT or "
              "http://NAME:PASSWORD@HOST:PORT")
        << text;
    EXPECT_NE(Way({{}, text, {}}, At("a.example")).find("http_proxy is not"), std::string::npos);
  }
}

TEST(Proxies, NamesStandForAllBelowThem) {
  for (const char* none : {"example.com", ".example.com", "*.Example.com", "a.b, ,example.com,"}) {
    EXPECT_EQ(WayBut(none, At("example.com")), "none") << none;
    EXPECT_EQ(WayBut(none, At("API.example.com")), "none") << none;
    EXPECT_EQ(WayBut(none, At("badexample.com")), "proxy") << none;
    EXPECT_EQ(WayBut(none, At("com")), "proxy") << none;
  }
  EXPECT_EQ(WayBut("example.com:8443", At("example.com", 8443)), "none");
  EXPECT_EQ(WayBut("example.com:8443", At("example.com")), "proxy");
  EXPECT_EQ(WayBut("*", At("example.com")), "none");
  EXPECT_EQ(WayBut("", At("example.com")), "proxy");
}

TEST(Proxies, AddressesAndNetworks) {
  const std::string none = "192.0.2.1,10.0.0.0/8 fd00::/8,[::1]:80,2001:db8::1";
  EXPECT_EQ(WayBut(none, At("192.0.2.1")), "none");
  EXPECT_EQ(WayBut(none, At("192.0.2.2")), "proxy");
  EXPECT_EQ(WayBut(none, At("10.255.0.1")), "none");
  EXPECT_EQ(WayBut(none, At("11.0.0.1")), "proxy");
  EXPECT_EQ(WayBut(none, At("fdab::1")), "none");
  EXPECT_EQ(WayBut(none, At("fe80::1")), "proxy");
  EXPECT_EQ(WayBut(none, At("::1", 80)), "none");
  EXPECT_EQ(WayBut(none, At("::1")), "proxy");
  EXPECT_EQ(WayBut(none, At("2001:db8::1")), "none");
  EXPECT_EQ(WayBut("10.0.0.0/40", At("a.example")),
            "the environment variable no_proxy has something in it that is no host, no address and "
            "no network such as 10.0.0.0/8");
}

}  // namespace
}  // namespace huitou
