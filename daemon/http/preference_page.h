// The page on which customers say what they want: HTML without scripts, in their language. Pure;
// any thread. What a posted form asks for becomes wishes, of which the daemon makes events.
//
// Example:
//   const auto wishes = ReadForm(body, key, preferences);
//   return PreferencePage(preferences, key, language, PageNotice::kSaved);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http/daemon_api.h"
#include "daemon/http/message.h"

namespace huitou::http {

enum class Language : uint8_t { kEnglish, kChinese };

// The customer's own, else what the browser asks for, else the shop's; what is neither Chinese nor
// known to us reads English.
Language LanguageOf(std::string_view customer, std::string_view accept_language,
                    std::string_view shop);

enum class PageNotice : uint8_t { kNone, kStopped, kSaved, kAsBefore };

Response PreferencePage(const Preferences& preferences, const channels::PreferenceKey& key,
                        Language language, PageNotice notice);

// A page that only says something. kElsewhere leads on to `target`.
enum class PageMessage : uint8_t { kBadLink, kBadForm, kTryAgain, kElsewhere };
Response MessagePage(PageMessage message, Language language, std::string_view target = {});

// What a POST asks for, less what is so already: RFC 8058's one click, one of the page's buttons,
// or, without a word, that the key's messages end. Nothing when the body makes no sense.
struct FormAnswer {
  std::vector<Wish> wishes;
  PageNotice notice = PageNotice::kNone;  // once they are done
};
std::optional<FormAnswer> ReadForm(const Request& request, const channels::PreferenceKey& key,
                                   const Preferences& preferences);

}  // namespace huitou::http
