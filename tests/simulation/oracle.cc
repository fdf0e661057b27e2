#include "tests/simulation/oracle.h"

#include <algorithm>
#include <functional>
#include <map>

namespace huitou::simulation {
namespace {

// What one clock hears at one instant.
struct Tick {
  bool starts = false;
  bool stops = false;
};
using Ticks = std::map<TimeUs, Tick>;

// Deadlines at which a clock of this window fires, given everything that it hears. At one instant a
// restart wins over the stop that is the same event; a stop by another event wins over a start.
std::vector<TimeUs> Firings(const Ticks& ticks, DurationUs window, bool same_event,
                            TimeUs frontier) {
  std::vector<TimeUs> firings;
  for (auto tick = ticks.begin(); tick != ticks.end(); ++tick) {
    const bool starts = tick->second.starts && (same_event || !tick->second.stops);
    const TimeUs deadline = tick->first + window;
    const auto next = std::next(tick);
    const bool heard_in_time = next != ticks.end() && next->first <= deadline;
    if (starts && !heard_in_time && deadline < frontier) {
      firings.push_back(deadline);
    }
  }
  return firings;
}

bool Has(const Deed& deed, const std::string& category) {
  return std::find(deed.categories.begin(), deed.categories.end(), category) !=
         deed.categories.end();
}

class Oracle {
 public:
  Oracle(const std::string& customer, std::vector<Deed> deeds, TimeUs frontier,
         Candidates* candidates)
      : customer_(customer),
        deeds_(std::move(deeds)),
        frontier_(frontier),
        candidates_(candidates) {}

  void Expect() {
    ExpectPerCustomer();
    for (const std::string category : {"shoes", "hats", "books"}) {
      ExpectCategory(category);
    }
    for (const Deed& deed : deeds_) {
      if (deed.type == "review.posted" && deed.rating == 5) {
        candidates_->insert(CandidateText(deed.time, "thanks", customer_, ""));
      }
    }
  }

 private:
  Ticks Hear(const std::function<Tick(const Deed&)>& ear) const {
    Ticks ticks;
    for (const Deed& deed : deeds_) {
      const Tick heard = ear(deed);
      if (heard.starts || heard.stops) {
        ticks[deed.time].starts |= heard.starts;
        ticks[deed.time].stops |= heard.stops;
      }
    }
    return ticks;
  }

  void Expect(const std::string& campaign, const std::string& clock, const Ticks& ticks,
              DurationUs window, bool same_event) {
    for (const TimeUs time : Firings(ticks, window, same_event, frontier_)) {
      candidates_->insert(CandidateText(time, campaign, customer_, clock));
    }
  }

  void ExpectPerCustomer() {
    const auto orders = [](const Deed& deed) {
      return Tick{deed.type == "order.paid", deed.type == "order.paid"};
    };
    const auto carts = [](const Deed& deed) {
      return Tick{deed.type == "cart.abandoned", deed.type == "order.paid"};
    };
    Expect("budgeted", "", Hear(orders), 10 * kDayUs, true);
    Expect("cart", "", Hear(carts), 6 * kHourUs, false);
  }

  void ExpectCategory(const std::string& category) {
    const auto own = [&](const Deed& deed) {
      const bool bought = deed.type == "order.paid" && Has(deed, category);
      return Tick{bought, bought};
    };
    const auto any = [&](const Deed& deed) {
      const bool bought = deed.type == "order.paid" && Has(deed, category);
      return Tick{bought, deed.type == "order.paid"};
    };
    Expect("category", category, Hear(own), (category == "shoes" ? 7 : 12) * kDayUs, true);
    Expect("any", category, Hear(any), 9 * kDayUs, true);
  }

  const std::string customer_;
  const std::vector<Deed> deeds_;
  const TimeUs frontier_;
  Candidates* const candidates_;
};

}  // namespace

std::string CandidateText(TimeUs time, const std::string& campaign, const std::string& customer,
                          const std::string& clock) {
  return FormatRfc3339(time) + " " + campaign + " " + customer + " " + clock;
}

Candidates ExpectedCandidates(const std::vector<Deed>& deeds, TimeUs frontier) {
  std::map<std::string, std::vector<Deed>> by_customer;
  for (const Deed& deed : deeds) {
    if (deed.exact) {
      by_customer[deed.customer].push_back(deed);
    }
  }
  Candidates candidates;
  for (auto& [customer, his] : by_customer) {
    Oracle(customer, std::move(his), frontier, &candidates).Expect();
  }
  return candidates;
}

}  // namespace huitou::simulation
