// Codes made on the spot: HMAC-SHA256 of the dispatch id with the shop's secret, in letters that
// nobody misreads. The same dispatch has the same code for ever, on every machine, so that a crash
// between deciding and telling issues nothing twice; the shop can check a code with the same key.
#include <charconv>
#include <memory>
#include <utility>

#include "channels/answer.h"
#include "channels/coupon_provider.h"
#include "channels/crypto.h"
#include "channels/limits.h"

namespace huitou::channels {
namespace {

// 32 letters: no 0 and O, no 1 and I.
constexpr std::string_view kAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
static_assert(kAlphabet.size() == 32);

constexpr size_t kSecretBytesMin = 16;
constexpr size_t kPrefixBytesMax = 16;

// Five bits a letter, from the first byte on.
std::string Letters(std::string_view bytes, int count) {
  std::string text;
  unsigned buffer = 0;
  int bits = 0;
  size_t next = 0;
  while (static_cast<int>(text.size()) < count) {
    if (bits < 5) {
      buffer = (buffer << 8) | static_cast<unsigned char>(bytes[next++]);
      bits += 8;
    }
    bits -= 5;
    text += kAlphabet[(buffer >> bits) & 31];
    buffer &= (1U << bits) - 1;
  }
  return text;
}
static_assert(limits::kCouponLengthMax * 5 <= 32 * 8, "one HMAC-SHA256 must do");

class LocalCoupons : public CouponProvider {
 public:
  LocalCoupons(std::string_view secret, std::string prefix, int length)
      : secret_(secret), prefix_(std::move(prefix)), length_(length) {}

  Step Issue(const CouponRequest& request, const EncodeContext& /*context*/) const override {
    return prefix_ + Letters(secret_.Sign(request.dispatch.ToString()), length_);
  }

  // Nothing is ever sent, so no answer can come.
  CouponOutcome Decode(const Answer& /*answer*/, TimeUs /*now*/) const override {
    return {MakeOutcome(Outcome::Kind::kUnknown, "bad_answer"), ""};
  }

 private:
  const HmacSha256Key secret_;
  const std::string prefix_;
  const int length_;
};

Result<std::unique_ptr<CouponProvider>> Make(const config::Settings& settings) {
  const std::string secret = settings.Get("secret");
  if (!secret.empty() && secret.size() < kSecretBytesMin) {
    return Status(StatusCode::kInvalid,
                  "secret: shorter than 16 bytes; make one with: openssl rand -hex 16");
  }
  const std::string prefix = settings.Get("prefix");
  if (prefix.size() > kPrefixBytesMax ||
      prefix.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != std::string::npos) {
    return Status(StatusCode::kInvalid, "prefix: not up to 16 capital letters, digits and '-'");
  }
  const std::string text = settings.Get("length").empty() ? "12" : settings.Get("length");
  int length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size() ||
      length < limits::kCouponLengthMin || length > limits::kCouponLengthMax) {
    return Status(StatusCode::kInvalid, "length: not from 8 to 24");
  }
  return std::unique_ptr<CouponProvider>(std::make_unique<LocalCoupons>(secret, prefix, length));
}

}  // namespace

CouponRegistration LocalCouponRegistration() {
  using config::SettingType;
  CouponRegistration registration;
  registration.schema.name = "local";
  registration.schema.help =
      "Makes codes on the spot from the dispatch id and a secret: one dispatch, one code, for "
      "ever.";
  registration.schema.settings = {
      {.name = "secret",
       .type = SettingType::kSecret,
       .help = "At least 16 bytes, kept for ever: who knows it can check codes, and make them. "
               "Without it codes can be computed from ids in the decision log: for demos only."},
      {.name = "length",
       .type = SettingType::kInteger,
       .default_value = "12",
       .help = "Letters of a code, 8 to 24 of the 32 that nobody misreads (no 0, O, 1, I)."},
      {.name = "prefix", .help = "Put before every code, such as `WB-`."}};
  registration.make = &Make;
  return registration;
}

}  // namespace huitou::channels
