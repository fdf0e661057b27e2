// What customers reach from their messages, without a token of the API: `/u/{token}`, where they
// say what they want, and `/l/{token}`, which leads on to the shop. Who has no token that was made
// here costs one check of it and nothing more; looking at a page changes nothing, because mail
// scanners look at them all.
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/clock/clock.h"
#include "daemon/http/api.h"
#include "daemon/http/limits.h"
#include "daemon/http/preference_page.h"
#include "triggers/base/hash.h"

namespace huitou::http {
namespace {

using channels::PreferenceKey;
using SharedApi = std::shared_ptr<const DaemonApi>;

Language BrowserLanguage(const Request& request) {
  return LanguageOf({}, request.Header("accept-language"), {});
}

std::shared_ptr<const channels::PublicLinks> LinksOf(const DaemonApi& api) {
  return api.links ? api.links() : nullptr;
}

// --- preferences --------------------------------------------------------------------------------

class PreferenceDoor {
 public:
  explicit PreferenceDoor(SharedApi api) : api_(std::move(api)) {}

  // Also before a body is read.
  std::optional<Response> RefuseStranger(const Request& request) const {
    return KeyOf(request)
               ? std::nullopt
               : std::optional(MessagePage(PageMessage::kBadLink, BrowserLanguage(request)));
  }

  Response Answer(const Request& request) {
    const auto key = KeyOf(request);
    if (!key) {
      return MessagePage(PageMessage::kBadLink, BrowserLanguage(request));
    }
    const size_t before = waiting_.fetch_add(1);
    Response response = before < limits::kPreferenceWaitsMax ? AnswerKnown(request, *key)
                                                             : TryAgain(BrowserLanguage(request));
    waiting_.fetch_sub(1);
    return response;
  }

 private:
  std::optional<PreferenceKey> KeyOf(const Request& request) const {
    const auto links = LinksOf(*api_);
    return links ? links->ParsePreferences(request.parameters[0]) : std::nullopt;
  }

  static Response TryAgain(Language language) {
    Response response = MessagePage(PageMessage::kTryAgain, language);
    response.headers.emplace_back("Retry-After", std::to_string(limits::kRetryAfterSeconds));
    return response;
  }

  Response AnswerKnown(const Request& request, const PreferenceKey& key) const {
    Result<Preferences> preferences = api_->preferences(key);
    if (!preferences.ok()) {
      return TryAgain(BrowserLanguage(request));
    }
    const Language language = LanguageOf(preferences->locale, request.Header("accept-language"),
                                         preferences->shop_locale);
    if (request.method != "POST") {
      return PreferencePage(*preferences, key, language, PageNotice::kNone);
    }
    const auto answer = ReadForm(request, key, *preferences);
    if (!answer) {
      return MessagePage(PageMessage::kBadForm, language);
    }
    if (!answer->wishes.empty()) {
      if (!api_->wish(key.customer, answer->wishes).ok()) {
        return TryAgain(language);
      }
      preferences = api_->preferences(key);  // as it is now
      if (!preferences.ok()) {
        return TryAgain(language);
      }
    }
    return PreferencePage(*preferences, key, language, answer->notice);
  }

  const SharedApi api_;
  std::atomic<size_t> waiting_ = 0;
};

// --- links --------------------------------------------------------------------------------------

// Which links were clicked just now, by their tokens: a table in which a newer one takes the place
// of another that has the same.
class RecentClicks {
 public:
  // Whether this one was there in the same span already.
  bool Repeats(uint64_t token, int64_t span) {
    const uint64_t mark = token ^ (static_cast<uint64_t>(span) << 1 | 1);
    return marks_[token % marks_.size()].exchange(mark) == mark;
  }

 private:
  std::array<std::atomic<uint64_t>, limits::kClicksRemembered> marks_ = {};
};

// A browser that loads ahead, not a person: it asks again when the person comes.
bool IsPrefetch(const Request& request) {
  for (const std::string_view name : {"sec-purpose", "purpose", "x-moz", "x-purpose"}) {
    const std::string_view value = request.Header(name);
    for (const std::string_view word : {"prefetch", "prerender", "preview"}) {
      if (value.find(word) != std::string_view::npos) {
        return true;
      }
    }
  }
  return false;
}

class LinkDoor {
 public:
  explicit LinkDoor(SharedApi api) : api_(std::move(api)) {}

  Response Answer(const Request& request) {
    const std::string& token = request.parameters[0];
    const auto links = LinksOf(*api_);
    const auto key = links ? links->ParseClick(token) : std::nullopt;
    const std::string* target = key ? links->TargetOf(key->link) : nullptr;
    if (target == nullptr) {
      return MessagePage(PageMessage::kBadLink, BrowserLanguage(request));
    }
    if (IsPrefetch(request)) {
      return {503, "text/plain", "not ahead of time", {}};
    }
    const int64_t span = clock_.Now() / limits::kClickSpan;
    if (request.method == "GET" && !recent_.Repeats(Hash64(token), span)) {
      const std::string id = Hash128({"click", token, std::to_string(span)}).ToString();
      if (api_->click(*key, id).code() == StatusCode::kUnavailable) {
        return LeadOnLater(*target, BrowserLanguage(request));
      }
    }
    return {302, "text/plain", "", {{"Location", *target}, {"Referrer-Policy", "no-referrer"}}};
  }

 private:
  // Perhaps another instance can count it: a proxy that sees 503 asks there. A person who gets this
  // page is led on by it.
  static Response LeadOnLater(const std::string& target, Language language) {
    Response response = MessagePage(PageMessage::kElsewhere, language, target);
    response.headers.emplace_back("Refresh", "0; url=" + target);
    return response;
  }

  const SharedApi api_;
  const SystemClock clock_;
  RecentClicks recent_;
};

}  // namespace

void AddPublicRoutes(Router* router, const SharedApi& api) {
  const auto preferences = std::make_shared<PreferenceDoor>(api);
  const Handler answer = [preferences](const Request& request) {
    return preferences->Answer(request);
  };
  router->Add({"GET", "/u/{token}", "A customer's page of preferences; changes nothing.",
               Access::kPublic, 0, answer});
  router->Add(
      {"POST", "/u/{token}",
       "Unsubscribes with one click (RFC 8058), or does what the page's form says.",
       Access::kPublic, limits::kFormBytesMax, answer,
       [preferences](const Request& request) { return preferences->RefuseStranger(request); },
       true});
  const auto links = std::make_shared<LinkDoor>(api);
  router->Add({"GET", "/l/{token}", "Counts a click and leads on to the shop.", Access::kPublic, 0,
               [links](const Request& request) { return links->Answer(request); }});
}

}  // namespace huitou::http
