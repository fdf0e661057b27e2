// The explicit lists: a new provider is one file and one line here.
#include <string_view>
#include <vector>

#include "channels/channel.h"
#include "channels/coupon_provider.h"

namespace huitou::channels {

// Each in the file of its name: ConsoleRegistration() in console.cc, and so on.
#define HUITOU_PROVIDERS(DO) \
  DO(Console)                \
  DO(File)                   \
  DO(PhoneList)              \
  DO(Webhook)                \
  DO(Kafka)                  \
  DO(Smtp)                   \
  DO(Aliyun)                 \
  DO(Tencent)                \
  DO(Twilio)                 \
  DO(SmsHttp)                \
  DO(WechatTemplate)         \
  DO(WechatSubscription)     \
  DO(WechatCustomerService)  \
  DO(WecomApp)               \
  DO(WecomExternal)

// LocalCouponRegistration() in coupon_local.cc, and so on.
#define HUITOU_COUPON_PROVIDERS(DO) \
  DO(Local)                         \
  DO(Http)                          \
  DO(WechatPay)

#define HUITOU_DECLARE(name) Registration name##Registration();
#define HUITOU_DECLARE_COUPON(name) CouponRegistration name##CouponRegistration();
#define HUITOU_CALL(name) name##Registration(),
#define HUITOU_CALL_COUPON(name) name##CouponRegistration(),

HUITOU_PROVIDERS(HUITOU_DECLARE)
HUITOU_COUPON_PROVIDERS(HUITOU_DECLARE_COUPON)

const std::vector<Registration>& AllProviders() {
  static const std::vector<Registration> providers = {HUITOU_PROVIDERS(HUITOU_CALL)};
  return providers;
}

const std::vector<CouponRegistration>& AllCouponProviders() {
  static const std::vector<CouponRegistration> providers = {
      HUITOU_COUPON_PROVIDERS(HUITOU_CALL_COUPON)};
  return providers;
}

const Registration* FindProvider(std::string_view name) {
  for (const Registration& provider : AllProviders()) {
    if (provider.schema.name == name) {
      return &provider;
    }
  }
  return nullptr;
}

const CouponRegistration* FindCouponProvider(std::string_view name) {
  for (const CouponRegistration& provider : AllCouponProviders()) {
    if (provider.schema.name == name) {
      return &provider;
    }
  }
  return nullptr;
}

}  // namespace huitou::channels
