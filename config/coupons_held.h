// Which coupons a customer surely holds when a step runs: the check behind every message that names
// a code. It follows the steps in the order of the file and knows what may keep a coupon from being
// issued: its own `when:`, `optional: true`, a provider's no with `on_empty: skip`, and money that
// has run out, which refuses an entry but only skips a later step. Pure; one thread.
//
// Example:
//   held.Issue(0, {.optional = true});
//   held.Any();               // false
//   held.Wait(true);
//   CouponsHeld then = held;
//   then.Assume("coupons.big.issued");
//   then.Any();               // true
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace huitou::config {

class CouponsHeld {
 public:
  struct Rules {
    bool local = true;     // codes come from here, not from a provider that may refuse
    bool limited = false;  // the campaign has a budget or a limit of money
  };
  // `names` are those of all coupon steps in the order of the file.
  CouponsHeld(const std::vector<std::string>& names, const Rules& rules)
      : names_(&names), rules_(rules) {}

  struct Terms {
    std::string when;  // the step's condition; empty for none
    bool optional = false;
    bool skips_refused = false;  // on_empty: skip
    bool of_pool = false;        // which may be empty
  };
  void Issue(size_t coupon, const Terms& terms);
  // A wait ends the run of steps that is decided as one, unless its `when:` leaves it out.
  void Wait(bool always);
  void Exit() { ended_ = true; }
  // What a condition that was true says of coupons.
  void Assume(const std::string& condition);
  // Behind what is wrong itself, and told: no second mistake.
  void AssumeAll();
  // Where ways through the steps meet.
  void Meet(const CouponsHeld& other);

  bool Any() const { return any_; }
  bool Holds(std::string_view name) const;
  bool ended() const { return ended_; }

 private:
  void Hold(size_t coupon);
  size_t IndexOf(std::string_view name) const;

  const std::vector<std::string>* names_;
  Rules rules_;
  std::set<size_t> held_;
  bool any_ = false;
  // Of an entry's run, whose conditions count on what it plans (behind a wait, what follows a
  // refused coupon is planned anew): those that may be refused all the same...
  std::set<size_t> refusable_;
  // ...and those that only their `when:` may keep back.
  std::map<size_t, std::string> conditional_;
  bool waited_ = false;    // surely behind a wait
  bool may_skip_ = false;  // a want of money skips a coupon here instead of refusing the entry
  bool ended_ = false;
};

}  // namespace huitou::config
