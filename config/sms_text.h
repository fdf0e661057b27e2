// What a template for SMS makes of a customer's phone bill: how many parts, and whether the
// provider takes it at all. Part of templates.cc, apart for its length. Pure; any thread.
#pragma once

#include <string>

#include "config/diagnostic.h"
#include "config/schema.h"

namespace huitou::config {

struct SmsTemplate {
  const std::string& text;  // Mustache
  Place place;
  std::string provider;
  std::string shop_name;
  bool marketing = true;
};

// As long as what {{link.NAME}} and {{unsubscribe_url}} become.
std::string TypicalLink();

// A mistake where even the fixed words are more than the provider takes; else a note of the parts
// that a typical message has, and a warning where marketing says no way out of it.
void CheckSms(const SmsTemplate& sms, const SmsRule& rule, Diagnostics* diagnostics);

}  // namespace huitou::config
