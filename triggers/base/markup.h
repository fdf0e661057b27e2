// Text inside HTML and XML. Pure; any thread.
//
// Example: EscapeMarkup("a < b") is "a &lt; b".
#pragma once

#include <string>
#include <string_view>

namespace huitou {

// For between tags and for attributes in either quotes.
std::string EscapeMarkup(std::string_view text);

}  // namespace huitou
