// URLs and their queries: split, encode, look up, and show without what must not be shown.
// Pure; any thread.
//
// Example: PublicUrl("https://api.example.com/send?access_token=x") is
// "https://api.example.com/send".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "triggers/base/status.h"

namespace huitou::channels {

struct Url {
  std::string scheme;     // lower case
  std::string authority;  // host or host:port, as an HTTP Host header says it
  std::string path;       // from '/', or empty
  std::string query;      // without '?'
};

// Nothing for a text without scheme and host, with user and password, a port that is none, blanks
// or control characters.
std::optional<Url> ParseUrl(std::string_view text);

// OK for an http or https URL; else a Status that names `setting`, never the value.
Status CheckHttpUrl(std::string_view setting, std::string_view url);

// RFC 3986: everything but letters, digits and -_.~ as %XX.
std::string PercentEncode(std::string_view text);
// %XX and '+' back; nothing when a '%' is not followed by two hex digits.
std::optional<std::string> PercentDecode(std::string_view text);

// "a=1&b=%20", in the order given: a query, or a body of application/x-www-form-urlencoded.
using FormFields = std::vector<std::pair<std::string, std::string>>;
std::string FormEncode(const FormFields& fields);
// And back; nothing when a '%' is not followed by two hex digits.
std::optional<FormFields> ParseForm(std::string_view text);

char LowerAscii(char c);

// The first value of `name` in the query of `url`, decoded; empty when there is none.
std::string QueryValue(std::string_view url, std::string_view name);

// For logs and errors: without query, fragment, user and password.
std::string PublicUrl(std::string_view url);

}  // namespace huitou::channels
