// The daemon's routes, asked by real requests on a free port.
#include "daemon/http/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "daemon/http/limits.h"
#include "daemon/http/server.h"
#include "daemon/metrics/metrics.h"
#include "tests/http/client.h"

namespace huitou::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kPaid[] =
    R"({"id":"e1","type":"order.paid","time":"2026-11-11T00:03:12Z","customer":{"id":"c1"},)"
    R"("order":{"id":"o1","currency":"CNY","total":"259.00","items":[]}})";

std::string WithId(const std::string& id) {
  std::string event = kPaid;
  return event.replace(event.find("e1"), 2, id);
}

class Api : public testing::Test {
 protected:
  void Start() {
    Result<std::unique_ptr<Server>> server = Server::Start(
        {.listen = "127.0.0.1:0"}, MakeRouter(MakeApi(), {.source = "api"}, &metrics_), &metrics_);
    ASSERT_TRUE(server.ok()) << server.status().message();
    server_ = std::move(*server);
  }

  Answer Call(const std::string& method, const std::string& path, const std::string& body = "",
              const std::vector<std::string>& headers = {"Content-Type: application/json"}) {
    return Send({.method = method,
                 .url = "http://127.0.0.1:" + std::to_string(server_->port()) + path,
                 .body = body,
                 .headers = headers});
  }

  Metrics metrics_{"1.2.3"};
  std::unique_ptr<Server> server_;
  std::mutex mutex_;
  std::vector<AcceptedEvent> appended_;
  Status append_status_;
  std::vector<std::string> reasons_;
  std::vector<std::string> calls_;

 private:
  DaemonApi MakeApi() {
    DaemonApi api;
    api.version = "1.2.3";
    api.append_events = [this](std::span<const AcceptedEvent> events) {
      const std::lock_guard lock(mutex_);
      if (append_status_.ok()) {
        appended_.insert(appended_.end(), events.begin(), events.end());
      }
      return append_status_;
    };
    api.campaigns = [] { return Result<std::string>(R"({"campaigns":[]})"); };
    api.pause_campaign = [this](const std::string& id, bool paused) {
      calls_.push_back(id + (paused ? " paused" : " resumed"));
      return id == "winback" ? Status::Ok() : Status(StatusCode::kNotFound, "no such campaign");
    };
    api.customer = [this](const std::string& id) -> Result<std::string> {
      calls_.push_back(id);
      return std::string(R"({"id":"c"})");
    };
    api.explain = [this](const std::string& id, const std::string& campaign,
                         std::optional<TimeUs> at) -> Result<std::string> {
      calls_.push_back(id + "|" + campaign + "|" + (at ? FormatRfc3339(*at) : ""));
      return std::string("{}");
    };
    api.erase = [this](const std::string& id) {
      calls_.push_back("erase " + id);
      return Status::Ok();
    };
    api.takes_callbacks = [](const std::string& channel) { return channel != "console"; };
    api.callback = [](const std::string& channel,
                      const channels::CallbackRequest& request) -> Result<channels::CallbackReply> {
      channels::CallbackReply reply;
      reply.verified = request.body == "signed";
      reply.response = {200, {{"content-type", "text/xml"}}, "<ok channel='" + channel + "'/>"};
      return reply;
    };
    api.not_ready = [this] { return reasons_; };
    api.status = [this] {
      StatusReport report;
      report.not_ready = reasons_;
      return report;
    };
    return api;
  }
};

TEST_F(Api, AnObjectAnArrayAndLinesOfEventsAreTaken) {
  Start();
  EXPECT_EQ(Call("POST", "/v1/events", kPaid).status, 202);
  EXPECT_EQ(Call("POST", "/v1/events", "[" + WithId("a") + ",\n" + WithId("b") + "]").body,
            R"({"accepted":2})");
  EXPECT_EQ(Call("POST", "/v1/events", WithId("c") + "\n\n" + WithId("d") + "\n",
                 {"Content-Type: application/x-ndjson"})
                .body,
            R"({"accepted":2})");
  ASSERT_THAT(appended_, SizeIs(5));
  EXPECT_EQ(appended_[0].customer, "c1");
  EXPECT_EQ(appended_[0].payload, kPaid);
  EXPECT_EQ(appended_[4].payload, WithId("d"));
}

TEST_F(Api, CloudEventsAreTakenStructuredAndBinary) {
  Start();
  EXPECT_EQ(Call("POST", "/v1/events",
                 R"({"specversion":"1.0","id":"x","type":"order.paid","source":"/shop",)"
                 R"("time":"2026-11-11T00:03:12Z","data":{"customer":{"id":"c7"}}})",
                 {"Content-Type: application/cloudevents+json"})
                .status,
            202);
  EXPECT_EQ(Call("POST", "/v1/events", R"({"customer":{"id":"c8"}})",
                 {"Content-Type: application/json", "ce-specversion: 1.0", "ce-id: y",
                  "ce-type: order.paid", "ce-source: /shop", "ce-time: 2026-11-11T00:03:12Z"})
                .status,
            202);
  ASSERT_THAT(appended_, SizeIs(2));
  EXPECT_EQ(appended_[0].customer, "c7");
  EXPECT_EQ(appended_[1].customer, "c8");
  EXPECT_THAT(appended_[1].headers, testing::Contains(testing::Pair("ce-id", "y")));
}

TEST_F(Api, EveryBadEventIsNamedAndNoneIsTaken) {
  Start();
  const Answer answer =
      Call("POST", "/v1/events",
           "[" + WithId("a") + R"(,{"id":"b"},)" + WithId("c") + R"(,{"id":1,"type":"x"}])");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
  EXPECT_THAT(answer.body, HasSubstr(R"("detail":"2 of 4 events are bad; none was taken")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("errors":[{"index":1,"reason":"missing_field",)"));
  EXPECT_THAT(answer.body,
              HasSubstr(R"({"index":3,"reason":"bad_type","detail":"id: not of the form)"));
  EXPECT_THAT(appended_, IsEmpty());
  EXPECT_THAT(metrics_.Serialize(),
              HasSubstr(R"(huitou_events_rejected_total{reason="bad_type",source="api"} 1)"));
}

TEST_F(Api, MalformedBodiesAreRefusedWithTheirReason) {
  Start();
  const std::pair<std::string, std::string> kBodies[] = {
      {"{", "bad_json"},
      {"[" + WithId("a"), "bad_json"},
      {"[]]", "bad_json"},
      {"nonsense", "bad_json"},
      {"null", ""},
      {"\xff\xfe", ""},
      {R"({"id":")" + std::string("\xc3\x28", 2) + R"("})", "bad_utf8"},
      {WithId("a") + "\n" + R"({"id":"x",)", R"("index":1)"},
      {std::string(100'000, '['), "bad_json"},
      {R"({"id":"e","type":"order.paid","time":"yesterday","customer":{"id":"c"}})", "bad_time"},
      {R"({"id":"e","type":"order.paid","time":"2026-11-11T00:03:12Z"})", "missing_field"},
      {R"({"id":"e","text":")" + std::string(300'000, 'x') + "\"}", "too_large"},
  };
  for (const auto& [body, expected] : kBodies) {
    const Answer answer = Call("POST", "/v1/events", body);
    EXPECT_EQ(answer.status, 400) << body.substr(0, 80);
    EXPECT_THAT(answer.body, HasSubstr(expected)) << body.substr(0, 80);
  }
  EXPECT_THAT(appended_, IsEmpty());
}

TEST_F(Api, AnErrorNeverRepeatsWhatTheCustomerSaid) {
  Start();
  const Answer answer = Call(
      "POST", "/v1/events",
      R"({"id":"e","type":"x.y","time":"+8613812345678","customer":{"id":"c","phone":"+8613812345678"}})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, Not(HasSubstr("138123")));
}

TEST_F(Api, UnderPressureTheSenderIsToldWhenToComeAgain) {
  Start();
  append_status_ = Status(StatusCode::kExhausted, "too many events are under way");
  Answer answer = Call("POST", "/v1/events", kPaid);
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.headers.at("retry-after"), std::to_string(limits::kRetryAfterSeconds));
  append_status_ = Status(StatusCode::kUnavailable, "the disk is full");
  answer = Call("POST", "/v1/events", kPaid);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.at("retry-after"), std::to_string(limits::kRetryAfterSeconds));
  EXPECT_THAT(answer.body, HasSubstr("the disk is full"));
}

TEST_F(Api, AnEmptyBodyHasNoEvents) {
  Start();
  EXPECT_EQ(Call("POST", "/v1/events", "").body, R"({"accepted":0})");
}

TEST_F(Api, CampaignsArePausedAndResumed) {
  Start();
  EXPECT_EQ(Call("GET", "/v1/campaigns").body, R"({"campaigns":[]})");
  EXPECT_EQ(Call("POST", "/v1/campaigns/winback/pause").body,
            R"({"campaign":"winback","paused":true})");
  EXPECT_EQ(Call("POST", "/v1/campaigns/winback/resume").body,
            R"({"campaign":"winback","paused":false})");
  EXPECT_EQ(Call("POST", "/v1/campaigns/nix/pause").status, 404);
  EXPECT_THAT(calls_, ElementsAre("winback paused", "winback resumed", "nix paused"));
}

TEST_F(Api, CustomersAreShownExplainedAndErased) {
  Start();
  EXPECT_EQ(Call("GET", "/v1/customers/%E5%BC%A0%2Fa+b").status, 200);
  EXPECT_EQ(Call("GET", "/v1/customers/c1/explain?campaign=winback&at=2026-11-11T00:00:00%2B08:00")
                .status,
            200);
  EXPECT_EQ(Call("GET", "/v1/customers/c1/explain").status, 200);
  EXPECT_EQ(Call("GET", "/v1/customers/c1/explain?at=tomorrow").status, 400);
  EXPECT_EQ(Call("DELETE", "/v1/customers/c1").status, 204);
  EXPECT_THAT(calls_, ElementsAre("张/a+b", "c1|winback|2026-11-10T16:00:00Z", "c1||", "erase c1"));
}

TEST_F(Api, WhatIsNotThereIsAProblem) {
  Start();
  for (const char* path : {"/nothing", "/v1", "/v1/customers/", "/u", "/l",
                           "/v1/campaigns/x/trigger", "/v1/customers/%zz", "/v1/events/"}) {
    const Answer answer = Call("GET", path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json") << path;
  }
  const Answer answer = Call("GET", "/v1/events");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.headers.at("allow"), "POST");
  EXPECT_EQ(Call("PUT", "/v1/customers/c1", "{}").status, 405);
  EXPECT_EQ(Call("GET", "/" + std::string(5000, 'x')).status, 414);
}

TEST_F(Api, AnUnsetFunctionIsNotServed) {
  Start();
  EXPECT_EQ(Call("GET", "/v1/customers/c1/timeline").status, 503);
  EXPECT_EQ(Call("GET", "/v1/customers/c1/timeline").status, 503);
}

TEST_F(Api, CallbacksNeedTheProvidersSignature) {
  Start();
  const Answer good = Call("POST", "/v1/callbacks/sms", "signed");
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.body, "<ok channel='sms'/>");
  EXPECT_EQ(good.headers.at("content-type"), "text/xml");
  EXPECT_EQ(Call("POST", "/v1/callbacks/sms", "forged").status, 403);
}

TEST_F(Api, TheBodyOfACallbackThatNoChannelTakesIsNotReadAtAll) {
  Start();
  const RawSocket socket(server_->port());
  socket.Write("POST /v1/callbacks/console HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n");
  EXPECT_THAT(socket.ReadAll(), testing::StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(Call("GET", "/v1/callbacks/console").status, 403) << "has no body to refuse";
}

TEST_F(Api, ProbesSayWhyNot) {
  Start();
  EXPECT_EQ(Call("GET", "/healthz").status, 200);
  EXPECT_EQ(Call("HEAD", "/healthz").status, 200);
  EXPECT_EQ(Call("GET", "/readyz").body, R"({"ready":true})");
  reasons_ = {"kafka: no partitions yet"};
  const Answer answer = Call("GET", "/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, R"({"ready":false,"reasons":["kafka: no partitions yet"]})");
  EXPECT_THAT(Call("GET", "/").body, HasSubstr("<li>kafka: no partitions yet</li>"));
}

TEST_F(Api, MetricsCountRequestsByRoute) {
  Start();
  Call("GET", "/v1/customers/c1");
  Call("GET", "/v1/customers/c2");
  const Answer answer = Call("GET", "/metrics");
  EXPECT_EQ(answer.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(
      answer.body,
      HasSubstr(R"(huitou_http_requests_total{route="/v1/customers/{id}",status="200"} 2)"));
}

TEST_F(Api, TheDescriptionListsEveryRoute) {
  Start();
  const Answer answer = Call("GET", "/openapi.json");
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  ASSERT_FALSE(parser.parse(answer.body).get(document)) << answer.body;
  const Router router = MakeRouter({}, {}, &metrics_);
  for (const Route& route : router.routes()) {
    std::string method = route.method;
    std::transform(method.begin(), method.end(), method.begin(), ::tolower);
    simdjson::dom::element operation;
    EXPECT_FALSE(document["paths"][route.pattern][method].get(operation))
        << method << " " << route.pattern;
  }
}

}  // namespace
}  // namespace huitou::http
