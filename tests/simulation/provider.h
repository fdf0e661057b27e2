// Providers that fail in every way there is, and remember what reached a customer: the outside
// ledger. They outlive the daemon's crashes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/outbox/outbox.h"

namespace huitou::simulation {

class Provider final : public SendGate {
 public:
  Provider(uint64_t seed, std::function<void(const SendJob&)> on_send)
      : random_(seed), on_send_(std::move(on_send)) {}

  bool TryAcquire(std::string_view channel) override;
  void Release(std::string_view channel) override;
  bool IsDown(std::string_view channel) override;
  void Send(std::vector<SendJob> jobs) override;
  void Query(QueryJob job) override { questions_.push_back(std::move(job)); }

  // Some of what is on its way gets an answer, or all of it.
  using Tell = std::function<void(uint16_t shard, SendResult result)>;
  using TellQuery = std::function<void(uint16_t shard, QueryResult result)>;
  void AnswerSome(bool all, const Tell& tell, const TellQuery& tell_query);
  // The daemon is gone: what was on its way may have reached the provider, the answer is lost.
  void DaemonCrashed();
  void set_faults(bool faults) { faults_ = faults; }
  bool idle() const { return on_the_way_.empty(); }

  // How often a message reached the customer, by dispatch and channel; by one provider that drops
  // repeated keys it is once.
  const std::map<std::pair<Id128, std::string>, int>& reached() const { return reached_; }
  const std::set<Id128>& coupons() const { return coupons_; }

 private:
  void Reach(const SendJob& job);
  SendResult Answer(const SendJob& job);
  channels::QueryAnswer AnswerQuery(const QueryJob& job);

  std::mt19937_64 random_;
  const std::function<void(const SendJob&)> on_send_;
  std::vector<SendJob> on_the_way_;
  std::vector<QueryJob> questions_;
  std::map<std::string, int, std::less<>> acquired_;
  std::map<std::pair<Id128, std::string>, int> reached_;
  std::set<Id128> coupons_;
  bool faults_ = true;
};

}  // namespace huitou::simulation
