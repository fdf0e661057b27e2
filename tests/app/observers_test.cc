#include "daemon/app/observers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace huitou {
namespace {

using channels::Outcome;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DispatchLog : public testing::Test {
 protected:
  DispatchLog() {
    SetLogSinkForTest([this](const std::string& line) { lines_.push_back(line); });
  }
  ~DispatchLog() override { SetLogSinkForTest(nullptr); }

  void Tell(Outcome::Kind kind, const std::string& reason) {
    Outcome outcome;
    outcome.kind = kind;
    outcome.reason = reason;
    observer_.OnOutcome("sms", "aliyun", outcome, kSecondUs);
  }

  std::vector<std::string> lines_;
  Metrics metrics_{"1"};
  DispatchMetrics observer_{&metrics_};
};

TEST_F(DispatchLog, SaysWhyASendWasNotAccepted) {
  Tell(Outcome::Kind::kRejected, "bad_template");
  Tell(Outcome::Kind::kRetry, "rate_limited");
  Tell(Outcome::Kind::kUnknown, "no_answer");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("channel=sms outcome=rejected reason=bad_template"),
                                  HasSubstr("channel=sms outcome=retry reason=rate_limited"),
                                  HasSubstr("channel=sms outcome=unknown reason=no_answer")));
}

TEST_F(DispatchLog, SaysWhyAProviderWasNotReached) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::kRetry;
  outcome.reason = "not_sent";
  outcome.detail = "TLS: certificate has expired";
  observer_.OnOutcome("sms", "aliyun", outcome, kSecondUs);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("not_sent: TLS: certificate has expired")));
  EXPECT_EQ(observer_.StateOf("sms").last_refusal, "not_sent: TLS: certificate has expired");
  EXPECT_THAT(metrics_.Serialize(), testing::Not(HasSubstr("certificate")));
}

TEST_F(DispatchLog, AThousandFailuresAreOneLine) {
  for (int i = 0; i < 1000; ++i) {
    Tell(Outcome::Kind::kRetry, "server_error");
  }
  EXPECT_EQ(1U, lines_.size());
  for (int i = 0; i < 1000; ++i) {  // all that were on their way when the account was closed
    Tell(Outcome::Kind::kChannelPaused, "unauthorized");
  }
  EXPECT_EQ(2U, lines_.size());
}

TEST_F(DispatchLog, WhatIsAcceptedIsNoNews) {
  Tell(Outcome::Kind::kAccepted, "");
  Tell(Outcome::Kind::kTokenExpired, "token");
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(DispatchLog, ACircuitThatOpensNamesTheLastReason) {
  Tell(Outcome::Kind::kRetry, "server_error");
  lines_.clear();
  observer_.OnCircuit("sms", CircuitBreaker::State::kOpen);
  observer_.OnCircuit("sms", CircuitBreaker::State::kHalfOpen);
  observer_.OnCircuit("sms", CircuitBreaker::State::kClosed);
  EXPECT_THAT(lines_,
              ElementsAre(AllOf(HasSubstr("circuit open"), HasSubstr("last_reason=server_error")),
                          HasSubstr("circuit closed")));
}

TEST_F(DispatchLog, ACircuitIsAGauge) {
  const auto gauge = [this](CircuitBreaker::State state) {
    observer_.OnCircuit("sms", state);
    return metrics_.Serialize();
  };
  EXPECT_THAT(gauge(CircuitBreaker::State::kClosed),
              HasSubstr("huitou_circuit_open{channel=\"sms\"} 0"));
  EXPECT_THAT(gauge(CircuitBreaker::State::kOpen),
              HasSubstr("huitou_circuit_open{channel=\"sms\"} 1"));
  EXPECT_THAT(gauge(CircuitBreaker::State::kHalfOpen),
              HasSubstr("huitou_circuit_open{channel=\"sms\"} 1"));
  EXPECT_THAT(gauge(CircuitBreaker::State::kClosed),
              HasSubstr("huitou_circuit_open{channel=\"sms\"} 0"));
}

}  // namespace
}  // namespace huitou
