// Coupon providers: where a coupon's code comes from. `local` computes it from the dispatch id and
// a key on the spot; `http` asks the shop's coupon API, idempotent by dispatch id. Pure
// translation, like channels; any thread.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "channels/channel.h"
#include "triggers/base/money.h"

namespace huitou::channels {

// One coupon for one customer.
struct CouponRequest {
  Id128 dispatch;  // the idempotency key
  std::string customer;
  std::string campaign;
  std::string coupon;  // the step's id
  std::string pool;    // of the shop file; empty: the provider's own
  Money value;
  Money min_spend;
  TimeUs expires_at = 0;      // 0: never
  std::string wechat_openid;  // the customer's; empty: unknown
};

struct CouponOutcome {
  Outcome outcome;   // kAccepted: `code` is set
  std::string code;  // what the customer types; "" when the shop binds it to the account
};

class CouponProvider {
 public:
  virtual ~CouponProvider() = default;
  // The code at once (local), what to ask, or why neither can be.
  using Step = std::variant<std::string, HttpRequest, Outcome>;
  virtual Step Issue(const CouponRequest& request, const EncodeContext& context) const = 0;
  virtual CouponOutcome Decode(const Answer& answer, TimeUs now) const = 0;
};

struct CouponRegistration {
  config::ComponentSchema schema;
  Result<std::unique_ptr<CouponProvider>> (*make)(const config::Settings& settings) = nullptr;
};

const std::vector<CouponRegistration>& AllCouponProviders();
const CouponRegistration* FindCouponProvider(std::string_view name);

}  // namespace huitou::channels
