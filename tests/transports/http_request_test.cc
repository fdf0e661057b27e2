// What a request looks like on the wire, and which never gets there.
#include "daemon/transports/http_request.h"

#include <gtest/gtest.h>

#include "daemon/transports/endpoint.h"

namespace huitou {
namespace {

using channels::HttpRequest;

std::string Written(const HttpRequest& request, const Proxy* proxy = nullptr) {
  const auto target = TargetOf(request);
  return target.has_value() ? WriteHttp1(request, *target, proxy) : "refused";
}

HttpRequest Request(std::string method, std::string url, channels::Headers headers = {},
                    std::string body = {}) {
  return {std::move(method), std::move(url), std::move(headers), std::move(body)};
}

TEST(HttpRequest, SaysWhatTheChannelSaidAndNoMoreThanItMust) {
  EXPECT_EQ(Written(Request("POST", "https://api.example.com:8443/a/../b?x=%20y#part",
                            {{"Content-Type", "application/json"}, {"X-Empty", ""}}, "{}")),
            "POST /a/../b?x=%20y HTTP/1.1\r\nHost: api.example.com:8443\r\nUser-Agent: huitou\r\n"
            "Accept: */*\r\nContent-Type: application/json\r\nX-Empty:\r\nContent-Length: 2\r\n"
            "\r\n{}");
  EXPECT_EQ(Written(Request("GET", "http://[::1]")),
            "GET / HTTP/1.1\r\nHost: [::1]\r\nUser-Agent: huitou\r\nAccept: */*\r\n\r\n");
  EXPECT_EQ(Written(Request("DELETE", "http://a?q=1")),
            "DELETE /?q=1 HTTP/1.1\r\nHost: a\r\nUser-Agent: huitou\r\nAccept: */*\r\n\r\n");
}

TEST(HttpRequest, TellsAProxyWhereTo) {
  Proxy proxy;
  EXPECT_EQ(Written(Request("GET", "http://a.example:81/b?c=d"), &proxy),
            "GET http://a.example:81/b?c=d HTTP/1.1\r\nHost: a.example:81\r\n"
            "User-Agent: huitou\r\nAccept: */*\r\n\r\n");
  proxy.authorization = "Basic eDp5";
  EXPECT_EQ(Written(Request("GET", "http://a.example"), &proxy),
            "GET http://a.example/ HTTP/1.1\r\nProxy-Authorization: Basic eDp5\r\n"
            "Host: a.example\r\nUser-Agent: huitou\r\nAccept: */*\r\n\r\n");
}

TEST(HttpRequest, TheChannelsOwnHeadersStand) {
  EXPECT_EQ(Written(Request("POST", "http://a/",
                            {{"HOST", "signed.example"},
                             {"user-agent", "sdk/1"},
                             {"Accept", "text/plain"},
                             {"Content-Length", "99"}})),
            "POST / HTTP/1.1\r\nHOST: signed.example\r\nuser-agent: sdk/1\r\nAccept: text/plain\r\n"
            "Content-Length: 0\r\n\r\n");
}

TEST(HttpRequest, NothingCanBeSmuggledIn) {
  for (const HttpRequest& request :
       {Request("GET", "http://a/\r\nX: 1"), Request("GET", "http://a/ b"),
        Request("GET / HTTP/1.1\r\nX:", "http://a/"), Request("", "http://a/"),
        Request("GET", "http://a/", {{"X", "1\r\nY: 2"}}),
        Request("GET", "http://a/", {{"X", "1\n"}}), Request("GET", "http://a/", {{"X:", "1"}}),
        Request("GET", "http://a/", {{"", "1"}}),
        Request("GET", "http://a/", {{"X", std::string("1\0", 2)}}),
        Request("GET", "http://user:word@a/"), Request("GET", "http://a:0/"),
        Request("GET", "http://a:70000/"), Request("GET", "http://a:8x/"),
        Request("GET", "http://[::1/"), Request("GET", "ftp://a/"), Request("GET", "")}) {
    EXPECT_EQ(Written(request), "refused") << request.url;
  }
}

TEST(Endpoint, IsAnAddressOrAName) {
  EXPECT_TRUE(ParseAuthority("127.0.0.1:25", 587)->is_address());
  EXPECT_TRUE(ParseAuthority("[::1]", 587)->is_address());
  EXPECT_FALSE(ParseAuthority("mail.example.com", 587)->is_address());
  EXPECT_EQ(ParseAuthority("mail.example.com", 587)->port, 587);
  EXPECT_EQ(ParseAuthority("mail.example.com:", 587)->port, 587);
  EXPECT_EQ(ParseAuthority("[::1]:25", 587)->port, 25);
  EXPECT_EQ(ParseAuthority("[::1]:25", 587)->host, "::1");
}

}  // namespace
}  // namespace huitou
