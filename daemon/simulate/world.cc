#include "daemon/simulate/world.h"

#include <algorithm>

#include "triggers/base/hash.h"

namespace huitou {

namespace {

// How many timers ahead a customer is fetched: time enough for a miss, few enough to keep.
constexpr size_t kFetchAhead = 8;

std::string QuotaKey(std::string_view name, int64_t period) {
  return std::string(name) + '\n' + std::to_string(period);
}

}  // namespace

bool MemoryQuotas::Has(std::string_view name, int64_t period, int64_t amount, int64_t max) const {
  const auto found = sums_.find(QuotaKey(name, period));
  return (found == sums_.end() ? 0 : found->second) + amount <= max;
}

bool MemoryQuotas::Take(std::string_view name, int64_t period, int64_t amount, int64_t max) {
  int64_t& sum = sums_[QuotaKey(name, period)];
  if (sum + amount > max) {
    return false;
  }
  sum += amount;
  return true;
}

void MemoryQuotas::GiveBack(std::string_view name, int64_t period, int64_t amount) {
  sums_[QuotaKey(name, period)] -= amount;
}

std::string SampleCodes::CodeOf(const Id128& dispatch) const {
  return dispatch.ToString().substr(0, 12);
}

World::World(std::shared_ptr<const CampaignSet> set, const WorldOptions& options, Listener listener)
    : set_(std::move(set)),
      options_(options),
      listener_(std::move(listener)),
      engine_(set_, &symbols_) {
  context_.symbols = &symbols_;
  context_.quotas = &quotas_;
  context_.codes = &codes_;
  context_.stock = options.stock;
  context_.assume_contact = options.assume_contact;
  context_.assume_consent = options.assume_consent;
  context_.holdouts = options.holdouts;
  context_.messages_settle = true;
}

void World::Step(const Input& input, uint32_t number) {
  Customer& customer = customers_[number];
  engine_.Step(input, context_, &customer, &effects_);
  customer.contacts_before.reset();  // is for a commit, and there is none here
  condition_errors_ += effects_.condition_errors.size();
  for (const TimerArm& timer : effects_.timers) {
    timers_.Add({timer.deadline, timer.slot, number});
  }
  if (!effects_.decisions.empty() || !effects_.candidates.empty() ||
      !effects_.condition_errors.empty()) {
    listener_(effects_, number);
  }
}

World::Applied World::Apply(const Event& event, uint64_t customer_hash) {
  const bool newer = newest_ == kTimeMin || event.time > newest_;
  if (newer) {
    newest_ = event.time;
    FireBefore(newest_ - options_.lateness);
    context_.frontier = newest_ - options_.lateness;
  }
  Step(EventInput{&event}, customers_.Number(event.customer.id, customer_hash));
  if (effects_.duplicate) {
    return Applied::kDuplicate;
  }
  return effects_.late ? Applied::kLate : Applied::kApplied;
}

void World::FinishAt(TimeUs time) {
  FireBefore(time + 1);
  context_.frontier = std::max(context_.frontier, time + 1);
}

// Timers in the order of deadlines; those of one instant by customer, then by campaign priority.
void World::FireBefore(TimeUs frontier) {
  PendingTimer timer;
  if (!timers_.PopBefore(frontier, &timer)) {
    return;
  }
  bool more = true;
  while (more) {
    if (const PendingTimer* upcoming = timers_.Upcoming(kFetchAhead)) {
      customers_.FetchNumber(upcoming->customer);
    }
    group_.assign(1, timer);
    more = timers_.PopBefore(frontier, &timer);
    while (more && timer.deadline == group_.front().deadline) {
      group_.push_back(timer);
      more = timers_.PopBefore(frontier, &timer);
    }
    if (group_.size() > 1) {
      std::sort(group_.begin(), group_.end(), [&](const PendingTimer& a, const PendingTimer& b) {
        if (a.customer != b.customer) {
          return customers_[a.customer].id < customers_[b.customer].id;
        }
        const size_t rank_a = engine_.PriorityRank(customers_[a.customer], a.slot);
        const size_t rank_b = engine_.PriorityRank(customers_[b.customer], b.slot);
        return rank_a != rank_b ? rank_a < rank_b : a.slot < b.slot;
      });
    }
    // The frontier has just passed this deadline, and no later one.
    context_.frontier = std::max(context_.frontier, group_.front().deadline + 1);
    for (const PendingTimer& due : group_) {
      Step(TimerInput{due.deadline, due.slot}, due.customer);
    }
    // What these steps armed may be due before the timer in hand.
    if (more) {
      timers_.Add(timer);
    }
    more = timers_.PopBefore(frontier, &timer);
  }
}

}  // namespace huitou
