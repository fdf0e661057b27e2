// http2_server.py as the tests hold it: started with a certificate of its own, asked for its
// counters, and at its end for what was said to it against the protocol.
//
//   const Http2Server server({"--streams", "1"});
//   HttpTransport transport(server.trust());  // after the server: it ends before
//   Call(&transport, Post(server.url("/ok")));
//   server.Told("connections");  // "1"
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "daemon/transports/http_transport.h"
#include "tests/transports/child.h"
#include "tests/transports/support.h"

namespace huitou {

class Http2Server {
 public:
  explicit Http2Server(std::vector<std::string> options = {})
      : certificate_(directory_, "server", "IP:127.0.0.1"),
        child_(Command(std::move(options))),
        authority_("127.0.0.1:" + child_.ReadLine()),
        counters_("http://127.0.0.1:" + child_.ReadLine() + "/") {}
  ~Http2Server() { EXPECT_EQ(Told("errors"), "none"); }
  Http2Server(const Http2Server&) = delete;
  Http2Server& operator=(const Http2Server&) = delete;

  DialOptions trust(DurationUs connect_timeout = 0) const {
    return {certificate_.certificate, connect_timeout};
  }
  const std::string& authority() const { return authority_; }
  std::string url(const std::string& path) const { return "https://" + authority_ + path; }

  // A counter of the server: "connections", "requests", "requests/refuse", "processed/ok",
  // "repeated", "resets", "errors" (once all connections have ended).
  std::string Told(const std::string& name) const {
    channels::HttpRequest request;
    request.method = "GET";
    request.url = counters_ + name;
    HttpTransport transport;
    const channels::Answer answer = Call(&transport, std::move(request), 60 * kSecondUs);
    const auto* response = std::get_if<channels::HttpResponse>(&answer.response);
    return response == nullptr ? answer.error_text : response->body;
  }

 private:
  // Debian's Python, for its h2.
  std::vector<std::string> Command(std::vector<std::string> options) const {
    std::vector<std::string> words = {"/usr/bin/python3",
                                      HUITOU_SOURCE_DIR "/tests/transports/http2_server.py",
                                      certificate_.certificate, certificate_.key};
    words.insert(words.end(), options.begin(), options.end());
    return words;
  }

  const TemporaryDirectory directory_;
  const Certificate certificate_;
  Child child_;
  const std::string authority_;
  const std::string counters_;
};

}  // namespace huitou
