// How Twilio signs what it posts (X-Twilio-Signature): HMAC-SHA1 by the account's auth token over
// the URL and the form's fields, https://www.twilio.com/docs/usage/security. Pure; any thread.
//
// Example: TwilioSignature("12345", "https://x.example.com/sms", {{"Body", "STOP"}}).
#pragma once

#include <string>
#include <string_view>

#include "channels/url.h"

namespace huitou::channels {

std::string TwilioSignature(std::string_view auth_token, std::string_view url,
                            const FormFields& fields);

// Also where the provider has left the URL's port out or added the scheme's own.
bool IsTwilioSigned(std::string_view auth_token, std::string_view url, const FormFields& fields,
                    std::string_view signature);

}  // namespace huitou::channels
