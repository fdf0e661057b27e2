// Fills a state folder with customers who each wait for one absence timer, as large shops have
// them: what bench/large_state.py opens. Written through the store itself, as a daemon would.
//
//   fill_store DIR CUSTOMERS SHARDS CAMPAIGN
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "daemon/state/keys.h"
#include "daemon/state/rocks_key_value.h"
#include "daemon/state/store.h"
#include "triggers/base/check.h"
#include "triggers/engine.h"

namespace huitou {
namespace {

constexpr uint64_t kPerCommit = 50'000;
constexpr uint32_t kCampaignSymbol = SymbolTable::kOverflow + 1;

TimeUs Now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Someone with one order, some time within the last 29 days; within 30 days the next must come.
std::unique_ptr<Customer> MakeCustomer(uint64_t number, TimeUs now) {
  char id[32];
  std::snprintf(id, sizeof id, "c%08llu", static_cast<unsigned long long>(number));
  auto customer = std::make_unique<Customer>();
  customer->id = id;
  Activity& activity = customer->activity;
  const auto age = static_cast<DurationUs>(number * 2'654'435'761 % (29 * 86'400));
  const TimeUs ordered = now - age * kSecondUs;
  activity.orders = 1;
  activity.spend_minor = 10'000 + static_cast<int64_t>(number % 50'000);
  activity.first_order_at = activity.last_order_at = ordered;
  activity.purchases.push_back({ordered, activity.spend_minor, 1});
  activity.event_ids.push_back(Hash64(customer->id));
  Clock clock;
  clock.campaign = kCampaignSymbol;
  clock.state = Clock::State::kRunning;
  clock.last = ordered;
  clock.armed = ordered + 30 * kDayUs;
  activity.clocks.push_back(clock);
  Profile& profile = customer->MutableProfile();
  profile.phone = "+86138" + customer->id.substr(1);
  profile.email = customer->id + "@example.com";
  customer->activity_changed = true;
  return customer;
}

struct ShardFill {
  ShardState state;
  std::vector<std::unique_ptr<Customer>> customers;
};

void Flush(Store* store, ShardNumber shard, const std::string& campaign, ShardFill* fill) {
  CommitBatch batch;
  batch.state = &fill->state;
  for (const auto& customer : fill->customers) {
    batch.customers.push_back(customer.get());
    batch.timers_added.push_back(keys::Timer(shard, customer->activity.clocks.front().armed,
                                             customer->id, ClockSlot(kCampaignSymbol, 0)));
  }
  if (fill->state.commit++ == 0) {
    batch.symbols.emplace_back(kCampaignSymbol, campaign);
  }
  fill->state.timers += static_cast<int64_t>(fill->customers.size());
  const Status status = store->Commit(shard, &batch);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    std::exit(3);
  }
  fill->customers.clear();
}

int Main(const std::string& directory, uint64_t customers, uint16_t shards,
         const std::string& campaign) {
  RocksOptions options;
  options.directory = directory;
  auto rocks = OpenRocks(options);
  CHECK(rocks.ok());
  StoreOptions store_options;
  store_options.shards = shards;
  auto store = Store::Open(*std::move(rocks), store_options);
  CHECK(store.ok());
  const TimeUs now = Now();
  std::vector<ShardFill> fills(shards);
  for (uint64_t number = 0; number < customers; ++number) {
    auto customer = MakeCustomer(number, now);
    const ShardNumber shard = ShardOf(customer->id, shards);
    fills[shard].state.frontier = now;
    fills[shard].customers.push_back(std::move(customer));
    if (fills[shard].customers.size() == kPerCommit) {
      Flush(store->get(), shard, campaign, &fills[shard]);
    }
  }
  for (uint16_t shard = 0; shard < shards; ++shard) {
    Flush(store->get(), shard, campaign, &fills[shard]);
  }
  return 0;
}

}  // namespace
}  // namespace huitou

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: fill_store DIR CUSTOMERS SHARDS CAMPAIGN\n");
    return 2;
  }
  return huitou::Main(argv[1], std::strtoull(argv[2], nullptr, 10),
                      static_cast<uint16_t>(std::atoi(argv[3])), argv[4]);
}
