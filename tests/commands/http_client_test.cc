#include "daemon/commands/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

namespace huitou {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// Listens for as long as it lives; what no route takes is told what was asked, and by whom.
class Serving {
 public:
  explicit Serving(httplib::Server* server) : server_(server) {
    server->Get(".*", [](const httplib::Request& request, httplib::Response& response) {
      response.set_content(request.target + " " + request.get_header_value("Authorization"),
                           "text/plain");
    });
    place_ = "127.0.0.1:" + std::to_string(server->bind_to_any_port("127.0.0.1"));
    thread_ = std::thread([server] { server->listen_after_bind(); });
    while (!server->is_running()) {  // before that, stop() would do nothing
      std::this_thread::yield();
    }
  }
  ~Serving() {
    server_->stop();
    thread_.join();
  }
  const std::string& place() const { return place_; }

 private:
  httplib::Server* const server_;
  std::string place_;
  std::thread thread_;
};

std::string Error(const std::string& url) {
  return Fetch("GET", url, "", "").status().message();
}

TEST(HttpClient, SendsThePathAsItIsAndTheToken) {
  httplib::Server server;
  const Serving serving(&server);
  const auto answer =
      Fetch("GET", "http://" + serving.place() + "/v1/a%2Fb%20+?at=%E6%98%9F%3A1", "", "t0ken");
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "/v1/a%2Fb%20+?at=%E6%98%9F%3A1 Bearer t0ken");
}

TEST(HttpClient, GivesTheBodyOfARefusalToo) {
  httplib::Server server;
  server.Post("/v1/events", [](const httplib::Request& request, httplib::Response& response) {
    response.status = 400;
    response.set_content("not this: " + request.body, "text/plain");
  });
  const Serving serving(&server);
  const auto answer = Fetch("POST", "http://" + serving.place() + "/v1/events", "{}", "");
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(answer->body, "not this: {}");
}

TEST(HttpClient, AnEndlessAnswerIsCutOff) {
  httplib::Server server;
  server.Get("/endless", [](const httplib::Request&, httplib::Response& response) {
    response.set_chunked_content_provider("text/plain", [](size_t, httplib::DataSink& sink) {
      const std::string text(1 << 20, 'x');
      return sink.write(text.data(), text.size());
    });
  });
  const Serving serving(&server);
  EXPECT_THAT(Error("http://" + serving.place() + "/endless"), HasSubstr("longer than 64 MiB"));
}

TEST(HttpClient, AnErrorNamesTheUrlWithoutSecrets) {
  const std::string place = "http://127.0.0.1:1/events";  // where nothing listens
  EXPECT_EQ(Error(place + "?token=s3cret"), place + ": could not connect");
  EXPECT_THAT(Error("http://root:s3cret@127.0.0.1/"),
              AllOf(StartsWith("http://127.0.0.1/: not an http"), Not(HasSubstr("s3cret"))));
  for (const char* wrong : {"127.0.0.1:8080", "ftp://127.0.0.1/", "http://127.0.0.1:99999999999"}) {
    EXPECT_EQ(Fetch("GET", wrong, "", "").status().code(), StatusCode::kInvalid) << wrong;
  }
}

TEST(HttpClient, ACertificateIsCheckedAgainstTheAuthoritiesOfTheEnvironment) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("huitou-client-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const std::string certificate = folder / "cert.pem";
  const std::string key = folder / "key.pem";
  const std::string make =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=provider "
      "-addext subjectAltName=IP:127.0.0.1 -keyout " +
      key + " -out " + certificate + " 2> /dev/null";
  if (std::system(make.c_str()) != 0) {
    GTEST_SKIP() << "openssl is not installed";
  }
  httplib::SSLServer server(certificate.c_str(), key.c_str());
  const Serving serving(&server);
  const std::string url = "https://" + serving.place() + "/";
  EXPECT_THAT(Error(url), HasSubstr("certificate is not trusted"));
  ASSERT_EQ(setenv("SSL_CERT_FILE", certificate.c_str(), 1), 0);
  EXPECT_EQ(Error(url), "");
  EXPECT_THAT(Error("https://localhost" + url.substr(url.rfind(':'))), Not(IsEmpty()))
      << "it is for 127.0.0.1";
  unsetenv("SSL_CERT_FILE");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace huitou
