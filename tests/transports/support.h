// What the tests of all transports share.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "daemon/transports/transport.h"
#include "tests/transports/child.h"

namespace huitou {

inline channels::Answer Call(Transport* transport, channels::Request request,
                             DurationUs timeout = 10 * kSecondUs) {
  auto promise = std::make_shared<std::promise<channels::Answer>>();
  std::future<channels::Answer> future = promise->get_future();
  transport->Send(std::move(request), timeout,
                  [promise](channels::Answer answer) { promise->set_value(std::move(answer)); });
  if (future.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
    ADD_FAILURE() << "no answer at all";
    return {};
  }
  return future.get();
}

// "200 ok", "250 ...", "not sent", "ambiguous": an answer in short.
inline std::string Say(const channels::Answer& answer) {
  switch (answer.error) {
    case channels::TransportError::kNotSent:
      return "not sent";
    case channels::TransportError::kAmbiguous:
      return "ambiguous";
    case channels::TransportError::kNone:
      break;
  }
  if (const auto* http = std::get_if<channels::HttpResponse>(&answer.response)) {
    return std::to_string(http->status) + (http->body.empty() ? "" : " " + http->body);
  }
  if (const auto* smtp = std::get_if<channels::SmtpReply>(&answer.response)) {
    return std::to_string(smtp->code);
  }
  if (const auto* record = std::get_if<channels::RecordReply>(&answer.response)) {
    return record->place + record->error;
  }
  return "written";
}

// A directory that goes away with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "huitou-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A key and a certificate that signs itself, for these names ("DNS:localhost,IP:127.0.0.1").
struct Certificate {
  Certificate(const TemporaryDirectory& directory, const std::string& name,
              const std::string& names)
      : certificate(directory / (name + ".pem")), key(directory / (name + ".key")) {
    Child openssl({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                   "-addext", "subjectAltName=" + names, "-keyout", key, "-out", certificate});
    EXPECT_EQ(openssl.Wait(), 0);
  }

  std::string certificate;
  std::string key;
};

}  // namespace huitou
