#include "config/phone.h"

#include <phonenumbers/phonenumberutil.h>

#include <algorithm>

namespace huitou {
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

// Shorter ones are numbers within a company or a city, whatever stands before them.
constexpr size_t kDigitsMin = 7;
constexpr size_t kDigitsMax = 15;

}  // namespace

bool IsE164(std::string_view phone) {
  return phone.size() > kDigitsMin && phone.size() <= kDigitsMax + 1 && phone[0] == '+' &&
         phone[1] != '0' &&
         std::all_of(phone.begin() + 1, phone.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool IsPhoneCountry(std::string_view country) {
  return PhoneNumberUtil::GetInstance()->GetCountryCodeForRegion(std::string(country)) != 0;
}

std::string NormalisePhone(std::string_view phone, std::string_view country) {
  std::string text(phone);
  if (phone.empty() || IsE164(phone)) {
    return text;
  }
  const PhoneNumberUtil& numbers = *PhoneNumberUtil::GetInstance();
  PhoneNumber number;
  if (numbers.Parse(text, std::string(country), &number) != PhoneNumberUtil::NO_PARSING_ERROR ||
      !numbers.IsPossibleNumber(number)) {
    return text;
  }
  numbers.Format(number, PhoneNumberUtil::E164, &text);
  return text;
}

}  // namespace huitou
