// The explicit lists. A new provider is one file and one line in each of the two places here.
#include <string_view>
#include <vector>

#include "channels/channel.h"
#include "channels/coupon_provider.h"

namespace huitou::channels {

// Each in the file of its name.
Registration ConsoleRegistration();
Registration FileRegistration();
Registration PhoneListRegistration();
Registration WebhookRegistration();
Registration KafkaRegistration();
Registration SmtpRegistration();
Registration AliyunRegistration();
Registration TencentRegistration();
Registration TwilioRegistration();
Registration SmsHttpRegistration();
Registration WechatTemplateRegistration();
Registration WechatSubscriptionRegistration();
Registration WechatCustomerServiceRegistration();
Registration WecomAppRegistration();
Registration WecomExternalRegistration();
CouponRegistration LocalCouponRegistration();
CouponRegistration HttpCouponRegistration();
CouponRegistration WechatPayCouponRegistration();

const std::vector<Registration>& AllProviders() {
  static const std::vector<Registration> providers = {
      ConsoleRegistration(),
      FileRegistration(),
      PhoneListRegistration(),
      WebhookRegistration(),
      KafkaRegistration(),
      SmtpRegistration(),
      AliyunRegistration(),
      TencentRegistration(),
      TwilioRegistration(),
      SmsHttpRegistration(),
      WechatTemplateRegistration(),
      WechatSubscriptionRegistration(),
      WechatCustomerServiceRegistration(),
      WecomAppRegistration(),
      WecomExternalRegistration(),
  };
  return providers;
}

const std::vector<CouponRegistration>& AllCouponProviders() {
  static const std::vector<CouponRegistration> providers = {
      LocalCouponRegistration(),
      HttpCouponRegistration(),
      WechatPayCouponRegistration(),
  };
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
