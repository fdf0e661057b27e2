#include "tests/simulation/provider.h"

#include <utility>

namespace huitou::simulation {
namespace {

constexpr int kRoom = 6;  // sends on their way per channel

using Kind = channels::Outcome::Kind;

}  // namespace

bool Provider::TryAcquire(std::string_view channel) {
  int& acquired = acquired_[std::string(channel)];
  if (acquired >= kRoom || (faults_ && random_() % 10 == 0)) {
    return false;
  }
  ++acquired;
  return true;
}

void Provider::Release(std::string_view channel) {
  --acquired_[std::string(channel)];
}

bool Provider::IsDown(std::string_view /*channel*/) {
  return faults_ && random_() % 4 == 0;
}

void Provider::Send(std::vector<SendJob> jobs) {
  for (SendJob& job : jobs) {
    on_send_(job);
    on_the_way_.push_back(std::move(job));
  }
}

void Provider::Reach(const SendJob& job) {
  if (job.channel == kCouponChannel) {
    coupons_.insert(job.dispatch);
    return;
  }
  int& times = reached_[{job.dispatch, job.channel}];
  times = job.channel == "push" ? 1 : times + 1;
}

SendResult Provider::Answer(const SendJob& job) {
  SendResult result;
  result.dispatch = job.dispatch;
  result.attempt = job.attempt;
  const uint64_t what = faults_ ? random_() % 100 : 0;
  if (what < 70) {
    result.outcome.kind = Kind::kAccepted;
    Reach(job);
  } else if (what < 77) {
    result.outcome.kind = Kind::kRejected;
    result.outcome.reason = "bad_address";
  } else if (what < 86) {
    result.outcome.kind = Kind::kRetry;
    result.outcome.reason = "rate_limited";
    result.outcome.retry_after = static_cast<DurationUs>(random_() % 3) * kMinuteUs;
  } else {
    result.outcome.kind = Kind::kUnknown;
    result.outcome.reason = "timeout";
    if (what % 2 == 0) {
      Reach(job);
    }
  }
  if (result.outcome.kind == Kind::kAccepted && job.channel == kCouponChannel) {
    result.coupon_code = "K" + job.dispatch.ToString();
  }
  return result;
}

// It may not answer, and not know yet what it has; what it says that it has, it has.
channels::QueryAnswer Provider::AnswerQuery(const QueryJob& job) {
  using Answered = channels::QueryAnswer::Kind;
  channels::QueryAnswer answer;
  const uint64_t what = faults_ ? random_() % 10 : 9;
  if (what < 3) {
    return answer;
  }
  if (what == 3 || !reached_.contains({job.dispatch, job.channel})) {
    answer.kind = Answered::kNotFound;
  } else if (what < 7) {
    answer.kind = Answered::kAccepted;
  } else {
    answer.kind = Answered::kTold;
    channels::Receipt receipt;
    receipt.kind =
        what == 7 ? channels::Receipt::Kind::kUndelivered : channels::Receipt::Kind::kDelivered;
    receipt.dispatch = job.dispatch;
    receipt.reason = what == 7 ? "absent" : "";
    answer.receipts.push_back(std::move(receipt));
  }
  return answer;
}

void Provider::AnswerSome(bool all, const Tell& tell, const TellQuery& tell_query) {
  for (const QueryJob& job : std::exchange(questions_, {})) {
    tell_query(job.shard, {job.dispatch, job.attempts, job.channel, AnswerQuery(job)});
  }
  std::vector<SendJob> jobs;
  std::swap(jobs, on_the_way_);
  for (SendJob& job : jobs) {
    if (!all && random_() % 3 == 0) {
      on_the_way_.push_back(std::move(job));
      continue;
    }
    Release(job.channel);
    tell(job.shard, Answer(job));
  }
}

void Provider::DaemonCrashed() {
  for (const SendJob& job : on_the_way_) {
    if (random_() % 2 == 0) {
      Reach(job);
    }
  }
  on_the_way_.clear();
  questions_.clear();
  acquired_.clear();
}

}  // namespace huitou::simulation
