// HTTP/2 against a server of another make that does what it is told.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/transports/http_transport.h"
#include "daemon/transports/limits.h"
#include "tests/transports/http2_server.h"
#include "tests/transports/support.h"

namespace huitou {
namespace {

using channels::Answer;
using channels::HttpRequest;
using channels::HttpResponse;

// For what must be answered at all: far more than any of it takes.
constexpr DurationUs kLong = 120 * kSecondUs;
// For what never is. Long enough for a loaded machine to get a request across before it ends.
constexpr DurationUs kShort = 500'000;

HttpRequest Post(std::string url, std::string body = "{}") {
  HttpRequest request;
  request.url = std::move(url);
  request.body = std::move(body);
  return request;
}

std::future<Answer> Ask(HttpTransport* transport, HttpRequest request, DurationUs timeout = kLong) {
  auto promise = std::make_shared<std::promise<Answer>>();
  std::future<Answer> answer = promise->get_future();
  transport->Send(std::move(request), timeout,
                  [promise](Answer given) { promise->set_value(std::move(given)); });
  return answer;
}

// How often each was the answer to `count` requests at a time.
std::map<std::string, int> AskMany(HttpTransport* transport, const std::string& url, int count) {
  std::vector<std::future<Answer>> answers;
  for (int i = 0; i < count; ++i) {
    answers.push_back(Ask(transport, Post(url, std::to_string(i))));
  }
  std::map<std::string, int> said;
  for (std::future<Answer>& answer : answers) {
    ++said[Say(answer.get())];
  }
  return said;
}

using Counts = std::map<std::string, int>;

// "not sent: connection refused": and why.
std::string SayAll(const Answer& answer) {
  return Say(answer) + (answer.error_text.empty() ? "" : ": ") + answer.error_text;
}

TEST(Http2, SendsWhatTheChannelEncoded) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  HttpRequest request = Post(server.url("/echo?x=%20y"), R"({"text":"回头"})");
  request.headers = {{"Content-Type", "application/json"},
                     {"X-Empty", ""},
                     {"X-Two", "a: b"},
                     {"X-Wide", " a b\t"},
                     {"X-Name", "回头"}};
  EXPECT_EQ(Say(Call(&transport, request)),
            R"(200 {"body": "{\"text\":\"回头\"}", "headers": {":authority": ")" +
                server.authority() +
                R"(", ":method": "POST", ":path": "/echo?x=%20y", ":scheme": "https", )"
                R"("accept": "*/*", "content-length": "17", "content-type": "application/json", )"
                R"("user-agent": "huitou", "x-empty": "", "x-name": "回头", "x-two": "a: b", )"
                R"("x-wide": "a b"}})");
}

TEST(Http2, LeavesOutWhatSpeaksOfAConnectionOfHttp1) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  HttpRequest request = Post(server.url("/echo"), "");
  request.headers = {{"Host", "other.example"}, {"Connection", "close"}, {"Keep-Alive", "5"},
                     {"Content-Length", "7"},   {"User-Agent", "us"},    {"TE", "gzip"}};
  EXPECT_EQ(Say(Call(&transport, request)),
            R"(200 {"body": "", "headers": {":authority": "other.example", ":method": "POST", )"
            R"(":path": "/echo", ":scheme": "https", "accept": "*/*", "content-length": "0", )"
            R"("user-agent": "us"}})");
}

TEST(Http2, KnowsOtherMethodsAndEmptyBodies) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  for (const std::string method : {"GET", "POST", "PUT", "DELETE"}) {
    HttpRequest request = Post(server.url("/echo"), "");
    request.method = method;
    const std::string said = Say(Call(&transport, request));
    EXPECT_NE(said.find(R"(":method": ")" + method), std::string::npos) << said;
    EXPECT_EQ(said.find(R"("content-length": "0")") != std::string::npos,
              method == "POST" || method == "PUT")
        << said;
  }
}

TEST(Http2, ABodyLargerThanItsWindowIsCarriedBothWays) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  std::string body;
  while (body.size() < 300'000) {
    body += "回头" + std::to_string(body.size()) + ";";
  }
  const std::string said = Say(Call(&transport, Post(server.url("/echo"), body), kLong));
  EXPECT_TRUE(said.starts_with(R"(200 {"body": ")" + body + "\"")) << said.size();
  EXPECT_EQ(server.Told("resets"), "");
}

TEST(Http2, KeepsItsConnection) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Say(Call(&transport, Post(server.url("/ok")))), "200 ok");
  }
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/ping")))), "200 ok");
  EXPECT_EQ(server.Told("connections"), "1");
}

TEST(Http2, AHundredAtATimeShareAConnection) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  EXPECT_EQ(AskMany(&transport, server.url("/gather/100"), 100), (Counts{{"200 ok", 100}}));
  EXPECT_EQ(server.Told("connections"), "1");
}

TEST(Http2, TwoHundredAndFiftyAtATimeNeedThree) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  EXPECT_EQ(AskMany(&transport, server.url("/gather/250"), 250), (Counts{{"200 ok", 250}}));
  EXPECT_EQ(server.Told("connections"), "3");
}

TEST(Http2, NoMoreAtATimeThanTheServerTakes) {
  const Http2Server server({"--streams", "1"});
  HttpTransport transport(server.trust());
  EXPECT_EQ(AskMany(&transport, server.url("/gather/5"), 5), (Counts{{"200 ok", 5}}));
  EXPECT_EQ(server.Told("connections"), "5");
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/ok")))), "200 ok");
  EXPECT_EQ(server.Told("connections"), "5");
}

TEST(Http2, AServerMayTakeLessFromThenOn) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/lower/1")))), "200 ok");
  EXPECT_EQ(AskMany(&transport, server.url("/gather/3"), 3), (Counts{{"200 ok", 3}}));
  EXPECT_EQ(server.Told("connections"), "2");
}

TEST(Http2, AServerThatTakesNothingIsNotSent) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--streams", "0"}, {"--leave-first"}}) {
    const Http2Server server(options);
    HttpTransport transport(server.trust());
    EXPECT_EQ(SayAll(Call(&transport, Post(server.url("/ok")))),
              "not sent: the server takes no requests");
    EXPECT_EQ(server.Told("connections"), "1") << "no storm of connections";
  }
}

TEST(Http2, WhatIsRefusedUnreadGoesOutAgain) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/refuse/3")))), "200 ok");
  EXPECT_EQ(server.Told("requests/refuse/3"), "4");
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/refuse")))), "not sent");
  EXPECT_EQ(server.Told("requests/refuse"), "4");
  EXPECT_EQ(server.Told("processed/refuse"), "0");
}

TEST(Http2, WhatAServerLeavesUnreadGoesOutOverAnotherConnection) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/leave/3")))), "200 ok");
  EXPECT_EQ(server.Told("requests/leave/3"), "4");
  EXPECT_EQ(server.Told("connections"), "4");
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/leave")))), "not sent");
  EXPECT_EQ(server.Told("requests/leave"), "4");
  EXPECT_EQ(server.Told("processed/leave"), "0");
}

TEST(Http2, WhatALeavingServerHasReadItAnswers) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  auto before = Ask(&transport, Post(server.url("/gather/2")));
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/goaway-after")))), "200 ok");
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/ok")))), "200 ok");
  EXPECT_EQ(server.Told("connections"), "2");
  auto behind = Ask(&transport, Post(server.url("/gather/2")));
  EXPECT_EQ(Say(before.get()), "200 ok");
  EXPECT_EQ(Say(behind.get()), "200 ok");
}

// Each is processed once and answered, or given back so often that it is not sent.
TEST(Http2, ACrowdBeforeAServerThatLeavesAgainAndAgain) {
  const Http2Server server({"--leave-every", "20"});
  HttpTransport transport(server.trust());
  std::vector<std::future<Answer>> answers;
  for (int i = 0; i < 300; ++i) {
    answers.push_back(Ask(&transport, Post(server.url("/ok/" + std::to_string(i)))));
  }
  Counts said;
  for (std::future<Answer>& answer : answers) {
    ++said[Say(answer.get())];
  }
  EXPECT_EQ(said["200 ok"] + said["not sent"], 300);
  EXPECT_GE(said["200 ok"], 20);
  EXPECT_EQ(server.Told("processed"), std::to_string(said["200 ok"]));
  EXPECT_EQ(server.Told("repeated"), "0");
}

TEST(Http2, AnswersThatDoNotComeWholeAreAmbiguousAndNotSentAgain) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  for (const std::string path : {"/reset/INTERNAL_ERROR", "/reset/NO_ERROR", "/reset/CANCEL",
                                 "/break", "/close", "/half", "/short", "/garbage"}) {
    const Answer answer = Call(&transport, Post(server.url(path)), kLong);
    EXPECT_EQ(Say(answer), "ambiguous") << path;
    EXPECT_EQ(answer.error_text.find("timed out"), std::string::npos) << path;
    EXPECT_EQ(server.Told("requests" + path), "1") << path;
  }
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/ok")))), "200 ok");
}

TEST(Http2, AConnectionThatIsLostLosesAllThatItCarries) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  auto other = Ask(&transport, Post(server.url("/hang")));
  auto breaking = Ask(&transport, Post(server.url("/break")));
  EXPECT_EQ(Say(other.get()) + ", " + Say(breaking.get()), "ambiguous, ambiguous");
  EXPECT_EQ(server.Told("connections"), "1");
}

TEST(Http2, ARequestWhoseTimeIsOverHoldsNobodyElse) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/ok")))), "200 ok");
  auto other = Ask(&transport, Post(server.url("/gather/2")));
  auto hanging = Ask(&transport, Post(server.url("/hang")), 5 * kSecondUs);
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/ok")))), "200 ok");  // it is not silent
  EXPECT_EQ(SayAll(hanging.get()), "ambiguous: timed out waiting for the answer");
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/gather/2")))), "200 ok");
  EXPECT_EQ(Say(other.get()), "200 ok");
  EXPECT_EQ(server.Told("connections"), "1");
  EXPECT_EQ(server.Told("resets"), "CANCEL:1");
}

TEST(Http2, FromASilentConnectionTheNextOnesStayAway) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/ok")))), "200 ok");
  auto other = Ask(&transport, Post(server.url("/gather/2")));
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/hang")), kShort)), "ambiguous");
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/gather/2")))), "200 ok");
  EXPECT_EQ(Say(other.get()), "200 ok");
  EXPECT_EQ(server.Told("connections"), "2");
  EXPECT_EQ(server.Told("requests/hang"), "1");
}

TEST(Http2, TheTransportGoesWhileManyAreUnanswered) {
  const Http2Server server;
  {
    HttpTransport transport(server.trust());
    for (int i = 0; i < 250; ++i) {
      transport.Send(Post(server.url("/hang"), std::string(100'000, 'x')), kLong,
                     [](const Answer&) { FAIL() << "an answer from nowhere"; });
    }
    EXPECT_EQ(Say(Call(&transport, Post(server.url("/ok")), kLong)), "200 ok");
  }
}

TEST(Http2, AHugeAnswerIsCut) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  const Answer answer = Call(&transport, Post(server.url("/huge")), kLong);
  ASSERT_EQ(answer.error, channels::TransportError::kNone) << answer.error_text;
  const auto& response = std::get<HttpResponse>(answer.response);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body.size(), transport_limits::kAnswerBytesMax);
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/ok")))), "200 ok");
  EXPECT_EQ(server.Told("connections"), "1");
  EXPECT_EQ(server.Told("resets"), "CANCEL:1");
}

TEST(Http2, EndlessHeadersAreAmbiguous) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  const Answer answer = Call(&transport, Post(server.url("/many-headers/60")), kLong);
  EXPECT_EQ(Say(answer), "200");
  EXPECT_EQ(std::get<HttpResponse>(answer.response).headers.size(), 60u);
  EXPECT_EQ(SayAll(Call(&transport, Post(server.url("/many-headers/70")), kLong)),
            "ambiguous: the answer's headers are too long");
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/ok")))), "200 ok");
  EXPECT_EQ(server.Told("connections"), "1");
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/many-headers/1000")), kLong)), "ambiguous");
}

TEST(Http2, InterimAnswersAreNotTheAnswer) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  const Answer answer = Call(&transport, Post(server.url("/early-hints")));
  EXPECT_EQ(Say(answer), "429 later");
  EXPECT_EQ(std::get<HttpResponse>(answer.response).headers,
            (channels::Headers{{"retry-after", "30"}}));
}

TEST(Http2, TrailersAreNotHeaders) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  const Answer answer = Call(&transport, Post(server.url("/trailers")));
  EXPECT_EQ(Say(answer), "200 ok");
  EXPECT_EQ(std::get<HttpResponse>(answer.response).headers, (channels::Headers{{"x-first", "1"}}));
}

TEST(Http2, ARedirectIsAnAnswerAndNotFollowed) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  const Answer answer = Call(&transport, Post(server.url("/status/302")));
  EXPECT_EQ(Say(answer), "302");
  EXPECT_EQ(std::get<HttpResponse>(answer.response).headers,
            (channels::Headers{{"location", "/ok"}, {"retry-after", "7"}}));
  EXPECT_EQ(server.Told("requests"), "1");
}

TEST(Http2, AnAnswerBeforeTheBodyIsWholeIsTheAnswer) {
  const Http2Server server;
  HttpTransport transport(server.trust());
  const std::string body(300'000, 'x');
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/early"), body), kLong)), "413 too large");
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/ok"), body), kLong)), "200 ok");
  EXPECT_EQ(server.Told("connections"), "1");
  EXPECT_EQ(server.Told("resets"), "CANCEL:1");
}

TEST(Http2, AServerThatSaysNothingIsNotSent) {
  const Http2Server server({"--no-settings"});
  HttpTransport transport(server.trust(3 * kSecondUs));
  EXPECT_EQ(SayAll(Call(&transport, Post(server.url("/ok")))),
            "not sent: timed out waiting for the server's SETTINGS");
}

TEST(Http2, AServerThatSpeaksAnotherLanguageIsNotSent) {
  const Http2Server server({"--garbage"});
  HttpTransport transport(server.trust());
  EXPECT_EQ(Say(Call(&transport, Post(server.url("/ok")))), "not sent");
}

TEST(Http2, AServerThatChoosesHttp1IsSpokenToByIt) {
  const TemporaryDirectory directory;
  const Certificate certificate(directory, "server", "IP:127.0.0.1");
  Child server({"python3", HUITOU_SOURCE_DIR "/tests/transports/tls_server.py",
                certificate.certificate, certificate.key, "http/1.1"});
  const std::string url = "https://127.0.0.1:" + server.ReadLine();
  HttpTransport transport(DialOptions{certificate.certificate});
  EXPECT_EQ(AskMany(&transport, url, 20), (Counts{{"200 ok", 20}}));
}

}  // namespace
}  // namespace huitou
