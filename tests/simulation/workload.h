// A shop's life from a seed: what its customers do, when they do it, and when and where it arrives.
// Most events arrive within the allowed lateness, in another order than they happened; some twice;
// some later than allowed, some from the future, some broken (those by customers of their own, whom
// the oracle leaves out). Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "triggers/base/time.h"
#include "triggers/shop.h"

namespace huitou::simulation {

inline constexpr DurationUs kLateness = 6 * kHourUs;
inline constexpr int kShards = 2;
inline constexpr int kInputs = 2;  // 0: what campaigns listen to; 1: page views
inline constexpr int kLifeDays = 45;

// One thing that a customer did.
struct Deed {
  TimeUs time = 0;
  std::string type;
  std::string customer;
  std::string id;
  std::vector<std::string> categories;  // of an order
  int rating = 0;                       // of a review
  bool exact = true;                    // its customer's decisions don't depend on the machine
};

// A line of a shard's input, and when it can be read.
struct Arrival {
  TimeUs wall = 0;
  std::string payload;  // empty: a tombstone
  bool broken = false;
  bool revokes = false;  // consent.revoked of `customer`
  std::string customer;
};

struct Workload {
  std::vector<Deed> deeds;                          // each once
  std::vector<Arrival> arrivals[kShards][kInputs];  // by wall
};

Workload MakeWorkload(uint64_t seed);

// Where a customer is reached by SMS; the inexact ones share it, two and two.
std::string PhoneOf(const std::string& customer);
inline constexpr int kInexactCustomers = 5;  // "late0" to "late4"

// Six campaigns that use most of what there is; see campaigns.cc.
std::shared_ptr<const CampaignSet> MakeCampaigns(bool coupons_local, int64_t budget_minor);

}  // namespace huitou::simulation
