// Several messages in one request: which go together, and what each of them hears.
#include "daemon/outbox/batch.h"

#include <gtest/gtest.h>

#include "tests/outbox/dispatcher_harness.h"

namespace huitou {
namespace {

class BatchTest : public DispatcherTest {
 protected:
  // Leased by one commit, all with the same key.
  void SendTogether(uint64_t first, uint64_t last, const std::string& channel = "sms") {
    std::vector<SendJob> jobs;
    for (uint64_t id = first; id <= last; ++id) {
      ASSERT_TRUE(dispatcher_->TryAcquire(channel));
      jobs.push_back(JobOf(channel, id, "k"));
    }
    dispatcher_->Send(std::move(jobs));
  }

  // Answers the next request; its body.
  std::string AnswerTo(const Answer& answer) {
    FakeTransport::Call call = transport_.calls.Take();
    call.done(answer);
    return call.request.body;
  }

  std::string NextResults(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      text += (i == 0 ? "" : ", ") + NextResult();
    }
    return text;
  }
};

std::vector<std::string> Together(std::vector<SendJob> jobs, const channels::Channel* codec) {
  std::vector<std::string> all;
  for (const auto& request : PutTogether(std::move(jobs), [&](const std::string& channel) {
         return channel == "coupons" ? nullptr : codec;
       })) {
    std::string& texts = all.emplace_back();
    for (const SendJob& job : request) {
      texts += job.message.text;
    }
  }
  return all;
}

SendJob Job(const std::string& channel, const std::string& text, const std::string& address,
            const std::string& key) {
  SendJob job;
  job.channel = channel;
  job.message.text = text;
  job.message.address = address;
  job.message.fields = {{"key", key}};
  return job;
}

TEST_F(BatchTest, OnlyWhatMayAndFitsGoesTogether) {
  const FakeBatches three(3);
  const FakeBatches one(1);
  const std::vector<SendJob> jobs = {
      Job("sms", "a", "1", "k"),     Job("sms", "b", "2", "k"), Job("other", "c", "3", "k"),
      Job("sms", "d", "4", ""),      Job("sms", "e", "5", "x"), Job("coupons", "f", "", "k"),
      Job("sms", "g", "6", "k"),     Job("sms", "h", "7", "k"), Job("sms", "i", "7", "k"),
      Job("coupons", "j", "1", "k"), Job("sms", "l", "8", "x")};
  EXPECT_EQ(Together(jobs, &three),
            (std::vector<std::string>{"abg", "c", "d", "el", "f", "h", "i", "j"}))
      << "of one channel and key, three at most, no address twice, none without a key";
  EXPECT_EQ(Together(jobs, &one).size(), jobs.size());
}

TEST_F(BatchTest, WhatIsLeasedTogetherLeavesInOneRequestAndEachHearsItsOwn) {
  Load({ChannelOf("sms", std::make_shared<FakeBatches>(3))});
  SendTogether(1, 4);
  EXPECT_EQ(AnswerTo(Http(200, "aru")), "[1 2 3]");
  EXPECT_EQ(NextResults(3), "1 accepted, 2 rejected(bad_number), 3 unknown(server_error)");
  EXPECT_EQ(AnswerTo(Http(200)), "4") << "the last one alone, as if there were no batches";
  EXPECT_EQ(NextResult(), "4 accepted(v1)");
  EXPECT_EQ(observer_.outcomes.Take(), "sms/fake  0s");
  EXPECT_TRUE(Send("sms", 5));
  EXPECT_EQ(AnswerTo(Http(200)), "5");
  EXPECT_EQ(NextResult(), "5 accepted(v1)");
}

TEST_F(BatchTest, OneThatSpoilsABatchHarmsNoOther) {
  channels::Limits limits;
  limits.in_flight_max = 3;
  Load({ChannelOf("sms", std::make_shared<FakeBatches>(3), limits)});
  SendTogether(1, 3);
  EXPECT_EQ(AnswerTo(Http(200, "no")), "[1 2 3]");
  EXPECT_TRUE(results_.empty()) << "a refused batch is nobody's result";
  EXPECT_EQ(AnswerTo(Http(200)), "1");
  EXPECT_EQ(AnswerTo(Http(400)), "2");
  EXPECT_EQ(AnswerTo(Http(200)), "3");
  EXPECT_EQ(NextResults(3), "1 accepted(v1), 2 rejected(bad_request), 3 accepted(v1)");
  SendTogether(4, 6);
  EXPECT_EQ(AnswerTo(Http(413)), "[4 5 6]") << "too large together, perhaps not alone";
  EXPECT_EQ(AnswerTo(Http(200)), "4");
}

TEST_F(BatchTest, ALostAnswerLeavesEveryOneOfThemOpen) {
  Load({ChannelOf("sms", std::make_shared<FakeBatches>(3))});
  SendTogether(1, 3);
  AnswerTo(Lost(channels::TransportError::kAmbiguous));
  EXPECT_EQ(NextResults(3), "1 unknown(no_answer), 2 unknown(no_answer), 3 unknown(no_answer)");
  SendTogether(4, 5);
  AnswerTo(Lost(channels::TransportError::kNotSent));
  EXPECT_EQ(NextResults(2), "4 retry(not_sent), 5 retry(not_sent)");
}

TEST_F(BatchTest, ABatchCountsOnceForTheCircuit) {
  Load({ChannelOf("sms", std::make_shared<FakeBatches>(10))});
  for (int i = 1; i < outbox_limits::kFailuresInRowMax; ++i) {
    SendTogether(1, 10);
    AnswerTo(Lost(channels::TransportError::kNotSent));
    for (int message = 0; message < 10; ++message) {
      NextResult();
    }
  }
  EXPECT_TRUE(observer_.circuits.empty());
  SendTogether(1, 10);
  AnswerTo(Lost(channels::TransportError::kNotSent));
  EXPECT_EQ(observer_.circuits.Take(), "sms open after 50");
}

TEST_F(BatchTest, AnExpiredTokenIsReplacedOnceAndTheBatchRepeatedWhole) {
  Load({ChannelOf("sms", std::make_shared<FakeBatches>(3, "app"))});
  SendTogether(1, 3);
  EXPECT_EQ(AnswerNext(Http(200, "old")), "token?app");
  EXPECT_EQ(AnswerTo(Http(401)), "[1 2 3]");
  clock_.Advance(outbox_limits::kTokenAgeMin);
  EXPECT_EQ(AnswerNext(Http(200, "new")), "token?app");
  FakeTransport::Call again = transport_.calls.Take();
  EXPECT_EQ(again.request.url, "v1?new");
  EXPECT_EQ(again.request.body, "[1 2 3]");
  again.done(Http(200, "aaa"));
  EXPECT_EQ(NextResults(3), "1 accepted, 2 accepted, 3 accepted");
}

TEST_F(BatchTest, StopCountsTheMessagesThatItLeavesOpen) {
  Load({ChannelOf("sms", std::make_shared<FakeBatches>(3))});
  SendTogether(1, 3);
  transport_.calls.Take();
  EXPECT_EQ(dispatcher_->Stop(1'000), 3U);
  dispatcher_->Send({JobOf("sms", 4, "k"), JobOf("sms", 5, "k")});
  EXPECT_EQ(NextResults(2), "4 retry(stopping), 5 retry(stopping)");
}

}  // namespace
}  // namespace huitou
