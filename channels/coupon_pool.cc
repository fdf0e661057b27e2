// Codes that the shop made beforehand, one file a coupon step. The settings; the codes themselves
// are given by daemon/outbox/code_pool.h, which keeps book of them on the disk.
#include <charconv>
#include <memory>

#include "channels/answer.h"
#include "channels/coupon_provider.h"
#include "channels/settings.h"

namespace huitou::channels {
namespace {

// Stands where the settings are checked and nothing is given.
class CheckedPool : public CouponProvider {
 public:
  Step Issue(const CouponRequest& /*request*/, const EncodeContext& /*context*/) const override {
    return MakeOutcome(Outcome::Kind::kRejected, "no_stock");
  }
  CouponOutcome Decode(const Answer& /*answer*/, TimeUs /*now*/) const override {
    return {MakeOutcome(Outcome::Kind::kUnknown, "bad_answer"), ""};
  }
};

Result<std::unique_ptr<CouponProvider>> Make(const config::Settings& settings) {
  if (settings.Get("folder").empty()) {
    return Invalid("folder: names none");
  }
  const std::string low = settings.Get("low");
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(low.data(), low.data() + low.size(), number);
  if (!low.empty() && (error != std::errc() || end != low.data() + low.size())) {
    return Invalid("low: not a number of codes");
  }
  return std::unique_ptr<CouponProvider>(std::make_unique<CheckedPool>());
}

}  // namespace

CouponRegistration PoolCouponRegistration() {
  using config::SettingType;
  CouponRegistration registration;
  registration.schema.name = "pool";
  registration.schema.help =
      "Gives codes that the shop made beforehand, each once: those of the coupon step `big` stand "
      "in `big.csv` of the folder, one a line. What was given is written to `big.csv.given` beside "
      "it, with the dispatch id, before it is told: keep that file with the other, and let one "
      "daemon alone use the folder. A restart gives the same dispatch the same code; after the "
      "machine itself went down, up to 256 codes of each file that nobody may have got are passed "
      "over. Codes may be added at the end while the daemon runs. "
      "`huitou_coupon_pool_remaining{pool}` says how many are left; a coupon of an empty file is "
      "refused with `pool_empty` (see the step's `on_empty`), one without a file with `no_stock`.";
  registration.schema.settings = {
      {.name = "folder",
       .type = SettingType::kPath,
       .required = true,
       .help = "Where the files `<coupon step>.csv` are."},
      {.name = "low",
       .type = SettingType::kInteger,
       .default_value = "1000",
       .help = "A file with fewer codes left is warned of in the log."}};
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
