#include "tests/simulation/workload.h"

#include <algorithm>
#include <string>
#include <utility>

#include "daemon/state/store.h"
#include "tests/shard/harness.h"
#include "triggers/base/json.h"

namespace huitou::simulation {
namespace {

class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}

  Workload Make();

 private:
  uint64_t Draw(uint64_t bound) { return random_() % bound; }
  bool Chance(int percent) { return Draw(100) < static_cast<uint64_t>(percent); }
  // Whole minutes: several deeds may share an instant.
  TimeUs Moment() { return At(0) + static_cast<TimeUs>(Draw(kLifeDays * 24 * 60)) * kMinuteUs; }
  Deed Order(const std::string& customer, TimeUs time);
  void Live(const std::string& customer, bool exact);
  void Arrive(const Deed& deed);
  void Put(int input, TimeUs wall, const Deed& deed, std::string payload);
  void Break();

  std::mt19937_64 random_;
  Workload workload_;
};

std::string PayloadOf(const Deed& deed) {
  std::string more;
  if (deed.type == "order.paid") {
    std::string items;
    for (const std::string& category : deed.categories) {
      items += (items.empty() ? "" : ",") + JsonObject().Add("category", category).Close();
    }
    more = R"("order":{"id":"o","currency":"CNY","total":"80.00","items":[)" + items + "]}";
  } else if (deed.type == "review.posted") {
    more = R"("review":{"id":"r","rating":)" + std::to_string(deed.rating) + "}";
  } else if (deed.type == "consent.revoked") {
    more = R"("consent":{"channel":"sms"})";
  }
  std::string json = EventJson(deed.time, deed.type, deed.customer, more);
  const std::string id = deed.type + "/" + deed.customer + "/" + FormatRfc3339(deed.time);
  json.replace(json.find(id), id.size(), deed.id);
  const std::string person = JsonObject().Add("id", deed.customer).Close();
  json.replace(json.find(person), person.size(),
               JsonObject().Add("id", deed.customer).Add("phone", PhoneOf(deed.customer)).Close());
  return json;
}

Deed Maker::Order(const std::string& customer, TimeUs time) {
  static const char* const kCategories[] = {"shoes", "hats", "books"};
  Deed deed;
  deed.time = time;
  deed.type = "order.paid";
  deed.customer = customer;
  for (const char* category : kCategories) {
    if (Chance(45)) {
      deed.categories.emplace_back(category);
    }
  }
  return deed;
}

void Maker::Live(const std::string& customer, bool exact) {
  const uint64_t count = 1 + Draw(9);
  TimeUs time = Moment();
  for (uint64_t i = 0; i < count && time < At(kLifeDays); ++i) {
    Deed deed;
    const uint64_t what = Draw(100);
    if (what < 50) {
      deed = Order(customer, time);
    } else {
      deed.time = time;
      deed.customer = customer;
      deed.type = what < 70   ? "review.posted"
                  : what < 82 ? "cart.abandoned"
                  : what < 90 ? "order.refunded"
                  : what < 95 ? "consent.revoked"
                              : "page.viewed";
      deed.rating = static_cast<int>(1 + Draw(5));
    }
    deed.id = customer + "-" + std::to_string(i);
    deed.exact = exact;
    if (!exact && Chance(15)) {
      // From the future, whenever it is read.
      const TimeUs wall = std::exchange(deed.time, deed.time + 1000 * kDayUs);
      workload_.deeds.push_back(deed);
      Put(0, wall, deed, PayloadOf(deed));
    } else {
      Arrive(deed);
    }
    // Often exactly a window later: the closed bound is where mistakes are made.
    const DurationUs gaps[] = {
        0,          kMinuteUs,   6 * kHourUs, kDayUs,      7 * kDayUs,
        9 * kDayUs, 10 * kDayUs, 12 * kDayUs, 3 * kHourUs, 10 * kDayUs + kMinuteUs};
    time += Chance(60) ? gaps[Draw(std::size(gaps))]
                       : static_cast<DurationUs>(Draw(14 * 24 * 60)) * kMinuteUs;
  }
}

void Maker::Arrive(const Deed& deed) {
  workload_.deeds.push_back(deed);
  const int input = deed.type == "page.viewed" ? 1 : 0;
  const std::string payload = PayloadOf(deed);
  DurationUs delay = Chance(50) ? 0 : static_cast<DurationUs>(Draw(kLateness));
  if (!deed.exact && Chance(50)) {
    delay = kLateness + static_cast<DurationUs>(Draw(5 * kDayUs));
  }
  Put(input, deed.time + delay, deed, payload);
  if (Chance(10)) {
    // Again, a little later but within the lateness.
    const DurationUs room = std::max<DurationUs>(1, kLateness - std::max<DurationUs>(delay, 0));
    Put(input, deed.time + delay + static_cast<DurationUs>(Draw(static_cast<uint64_t>(room))), deed,
        payload);
  }
}

void Maker::Put(int input, TimeUs wall, const Deed& deed, std::string payload) {
  Arrival arrival;
  arrival.wall = wall;
  arrival.payload = std::move(payload);
  arrival.customer = deed.customer;
  arrival.revokes = deed.type == "consent.revoked";
  workload_.arrivals[ShardOf(deed.customer, kShards)][input].push_back(std::move(arrival));
}

void Maker::Break() {
  static const char* const kPoison[] = {"", "{", R"({"id":"x"})", "\xFF\xFE",
                                        R"({"id":"x","type":"order.paid","time":"yesterday"})"};
  Arrival arrival;
  arrival.wall = Moment();
  arrival.payload = kPoison[Draw(std::size(kPoison))];
  arrival.broken = true;
  workload_.arrivals[Draw(kShards)][Draw(kInputs)].push_back(std::move(arrival));
}

Workload Maker::Make() {
  for (int i = 0; i < 30; ++i) {
    Live("c" + std::to_string(i), true);
  }
  for (int i = 0; i < kInexactCustomers; ++i) {
    Live("late" + std::to_string(i), false);
  }
  for (int i = 0; i < 4; ++i) {
    Break();
  }
  for (auto& inputs : workload_.arrivals) {
    for (std::vector<Arrival>& arrivals : inputs) {
      std::stable_sort(arrivals.begin(), arrivals.end(),
                       [](const Arrival& a, const Arrival& b) { return a.wall < b.wall; });
    }
  }
  return std::move(workload_);
}

}  // namespace

std::string PhoneOf(const std::string& customer) {
  const bool shared = customer.starts_with("late");
  const int number = std::stoi(customer.substr(shared ? 4 : 1));
  return "+86" + std::to_string(shared ? 13'800'000'000 + number / 2 : 13'900'000'000 + number);
}

Workload MakeWorkload(uint64_t seed) {
  return Maker(seed).Make();
}

}  // namespace huitou::simulation
