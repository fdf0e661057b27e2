// Phone numbers as people write them, in the one form in which they are kept and compared. Pure;
// any thread.
//
//   NormalisePhone("138 0000 1234", "CN")  // "+8613800001234"
#pragma once

#include <string>
#include <string_view>

namespace huitou {

// `phone` in E.164, read by libphonenumber as somebody in `country` (ISO 3166: two capital letters)
// would dial it. What is no possible number stays as it is: it is the customer's only one, and
// whether a number answers is the provider's to say. A number that is in E.164 is not looked at
// closer, which is the way of nearly all of them.
std::string NormalisePhone(std::string_view phone, std::string_view country);

// Whether `country` is one that has phone numbers.
bool IsPhoneCountry(std::string_view country);

// Whether it has the form of E.164: a plus, a country code and at most 15 digits in all.
bool IsE164(std::string_view phone);

}  // namespace huitou
