// The reference page of a provider, written from its registration alone, so that the page cannot
// say anything else than the code. docs/reference/channels/ keeps the pages; a test compares.
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "channels/channel.h"
#include "channels/coupon_provider.h"

namespace huitou::channels {

// Markdown, ended by a line end.
std::string ReferencePage(const Registration& registration);
std::string ReferencePage(const CouponRegistration& registration);

// What all HTTP providers' answers have in common, and every reason word with its meaning.
std::string AnswersPage();

// The meaning of a reason word of an Outcome; empty for a word that is none.
std::string_view ReasonMeaning(std::string_view word);

}  // namespace huitou::channels
