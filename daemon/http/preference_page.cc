#include "daemon/http/preference_page.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "channels/crypto.h"
#include "channels/url.h"
#include "triggers/base/markup.h"

namespace huitou::http {
namespace {

// --- words --------------------------------------------------------------------------------------

struct Words {
  std::string_view tag;  // BCP 47
  std::string_view title;
  std::string_view intro;
  std::string_view marketing;
  std::string_view transactional;
  std::array<std::string_view, 5> channels;  // by config::Address; empty: by its own name
  std::string_view stop_one;                 // before and behind the channel
  std::string_view stop_one_end;
  std::string_view stop_all;
  std::string_view choose;
  std::string_view save;
  std::string_view blocked;
  std::array<std::string_view, 4> notices;                                // by PageNotice
  std::array<std::pair<std::string_view, std::string_view>, 4> messages;  // by PageMessage
  std::string_view go_on;
};

constexpr Words kEnglishWords = {
    .tag = "en",
    .title = "Message preferences",
    .intro = "Choose what you get. Changes hold at once.",
    .marketing = "Offers and news",
    .transactional = "Messages about your orders",
    .channels = {"", "Text message (SMS)", "Email", "WeChat", ""},
    .stop_one = "No more offers by ",
    .stop_one_end = "",
    .stop_all = "No more offers at all",
    .choose = "Or choose one by one",
    .save = "Save",
    .blocked = "cannot be delivered to your address",
    .notices = {"", "Done. You will not get these messages any more.", "Saved.",
                "All was as you wish it already."},
    .messages = {{{"This link is not valid",
                   "Perhaps it was not copied whole. Please open it from the message again."},
                  {"That was not understood", "Please go back and try again."},
                  {"Please try again", "Nothing was changed. Please try again in a minute."},
                  {"One moment", "You are led on to the shop."}}},
    .go_on = "Go on",
};

constexpr Words kChineseWords = {
    .tag = "zh-CN",
    .title = "消息设置",
    .intro = "选择您愿意接收的消息，更改立即生效。",
    .marketing = "优惠与活动",
    .transactional = "订单通知",
    .channels = {"", "短信", "电子邮件", "微信", ""},
    .stop_one = "不再通过",
    .stop_one_end = "接收优惠",
    .stop_all = "不再接收任何优惠",
    .choose = "或逐项选择",
    .save = "保存",
    .blocked = "无法送达您的地址",
    .notices = {"", "已退订，您不会再收到此类消息。", "已保存。",
                "您的设置本来就是这样，没有变化。"},
    .messages = {{{"链接无效", "链接可能不完整，请从消息中重新打开。"},
                  {"无法识别您的操作", "请返回后重试。"},
                  {"请稍后再试", "设置没有更改，请一分钟后再试。"},
                  {"请稍候", "正在前往商店。"}}},
    .go_on = "继续",
};

const Words& WordsOf(Language language) {
  return language == Language::kChinese ? kChineseWords : kEnglishWords;
}

// --- HTML ---------------------------------------------------------------------------------------

constexpr std::string_view kStyle =
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:0 auto;padding:1rem;"
    "color:#1a1a1a;background:#fff}"
    "h1{font-size:1.4rem}h2,legend{font-size:1.1rem;font-weight:600}"
    "fieldset{border:1px solid #767676;border-radius:.5rem;margin:0 0 1rem;padding:.5rem 1rem}"
    "label{display:flex;align-items:center;gap:.75rem;min-height:2.75rem}"
    "input{width:1.25rem;height:1.25rem;flex:none}"
    "button{font:inherit;width:100%;min-height:2.75rem;margin:0 0 .75rem;padding:.5rem 1rem;"
    "border:1px solid #1a4fa0;border-radius:.5rem;background:#fff;color:#1a4fa0}"
    "button.main{background:#1a4fa0;color:#fff}"
    "[role=status]{border-left:.25rem solid #1b6e3c;background:#e9f5ee;padding:.5rem 1rem}"
    "small{color:#595959}";

// Nothing but our own style and our own form.
const std::string& Policy() {
  static const std::string policy = [] {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256(reinterpret_cast<const unsigned char*>(kStyle.data()), kStyle.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return "default-src 'none'; style-src 'sha256-" + channels::ToBase64(digest) +
           "'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
  }();
  return policy;
}

Response Page(int status, const Words& words, std::string_view title, std::string_view body) {
  std::string html = "<!doctype html><html lang=\"" + std::string(words.tag) + "\"><head>";
  html += "<meta charset=\"utf-8\">";
  html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
  html += "<link rel=\"icon\" href=\"data:,\">";  // or browsers ask for /favicon.ico
  html.append("<title>").append(EscapeMarkup(title)).append("</title><style>").append(kStyle);
  html.append("</style></head><body><main>").append(body).append("</main></body></html>");
  return {status,
          "text/html; charset=utf-8",
          std::move(html),
          {{"Content-Security-Policy", Policy()},
           {"Referrer-Policy", "no-referrer"},
           {"X-Robots-Tag", "noindex"},
           {"Content-Language", std::string(words.tag)}}};
}

std::string NameOf(const Preference& preference, const Words& words) {
  const std::string_view name = words.channels[static_cast<size_t>(preference.address)];
  return EscapeMarkup(name.empty() ? std::string_view(preference.channel) : name);
}

// What a checkbox stands for: "email.marketing".
std::string IdOf(const Preference& preference) {
  return preference.channel + "." + std::string(ToString(preference.message_class));
}

std::string Button(std::string_view action, std::string_view label, bool main) {
  return "<button" + std::string(main ? " class=\"main\"" : "") + " name=\"action\" value=\"" +
         std::string(action) + "\">" + std::string(label) + "</button>";
}

std::string Checkbox(const Preference& preference, const Words& words, bool is_twin) {
  const std::string id = EscapeMarkup(IdOf(preference));
  std::string html = "<label><input type=\"checkbox\" name=\"on\" value=\"" + id + "\"";
  html += preference.on ? " checked" : "";
  html += preference.blocked ? " disabled" : "";
  html += "><span>" + NameOf(preference, words);
  if (is_twin) {
    html += " (" + EscapeMarkup(preference.channel) + ")";
  }
  if (preference.blocked) {
    html.append(" <small>").append(words.blocked).append("</small>");
  }
  html += "</span></label>";
  if (!preference.blocked) {
    html += "<input type=\"hidden\" name=\"shown\" value=\"" + id + "\">";
  }
  return html;
}

std::string Choices(const Preferences& preferences, MessageClass message_class,
                    std::string_view legend, const Words& words) {
  std::string html = "<fieldset><legend>" + std::string(legend) + "</legend>";
  for (const Preference& one : preferences.all) {
    if (one.message_class == message_class) {
      const auto alike = std::count_if(
          preferences.all.begin(), preferences.all.end(), [&](const Preference& other) {
            return other.message_class == message_class && other.address == one.address;
          });
      const bool is_twin = alike > 1 && !words.channels[static_cast<size_t>(one.address)].empty();
      html += Checkbox(one, words, is_twin);
    }
  }
  return html + "</fieldset>";
}

const Preference* Find(const Preferences& preferences, const channels::PreferenceKey& key) {
  const auto found =
      std::find_if(preferences.all.begin(), preferences.all.end(), [&](const Preference& one) {
        return one.channel == key.channel && one.message_class == key.message_class;
      });
  return found == preferences.all.end() ? nullptr : &*found;
}

bool IsOffer(const Preference& preference) {
  return preference.message_class == MessageClass::kMarketing;
}

// --- forms --------------------------------------------------------------------------------------

constexpr std::string_view kOneClick = "List-Unsubscribe";
constexpr std::string_view kOneClickValue = "One-Click";

Wish Revoke(const Preference& preference) {
  return {"consent.revoked", preference.channel, preference.message_class};
}

// Also what is off for another reason, and stays off when that is gone; what was said before is not
// said again.
FormAnswer StopOne(const channels::PreferenceKey& key, const Preferences& preferences) {
  const Preference* one = Find(preferences, key);
  FormAnswer answer{{}, PageNotice::kStopped};
  if (one != nullptr && !one->refused) {
    answer.wishes.push_back(Revoke(*one));
  }
  return answer;
}

FormAnswer StopAll(const Preferences& preferences) {
  FormAnswer answer{{}, PageNotice::kStopped};
  for (const Preference& one : preferences.all) {
    if (IsOffer(one) && !one.refused) {
      answer.wishes.push_back(Revoke(one));
    }
  }
  return answer;
}

// Only what was shown is changed: a channel that came since was not asked about.
FormAnswer Save(const std::set<std::string>& shown, const std::set<std::string>& on,
                const Preferences& preferences) {
  FormAnswer answer;
  const bool comes_back =
      preferences.unsubscribed_from_all &&
      std::any_of(on.begin(), on.end(), [&](const auto& id) { return shown.contains(id); });
  if (comes_back) {
    answer.wishes.push_back({"channel.subscribed", "", MessageClass::kMarketing});
  }
  std::set<std::string> subscribed;
  for (const Preference& one : preferences.all) {
    const bool wanted = on.contains(IdOf(one));
    if (!shown.contains(IdOf(one)) || one.blocked || (wanted == one.on && !comes_back)) {
      continue;
    }
    if (!wanted) {
      answer.wishes.push_back(Revoke(one));
      continue;
    }
    if (one.unsubscribed && !comes_back && subscribed.insert(one.channel).second) {
      answer.wishes.push_back({"channel.subscribed", one.channel, one.message_class});
    }
    answer.wishes.push_back({"consent.granted", one.channel, one.message_class});
  }
  answer.notice = answer.wishes.empty() ? PageNotice::kAsBefore : PageNotice::kSaved;
  return answer;
}

}  // namespace

Language LanguageOf(std::string_view customer, std::string_view accept_language,
                    std::string_view shop) {
  const auto known = [](std::string_view tag) -> std::optional<Language> {
    const std::string_view two = tag.substr(0, 2);
    const bool whole =
        tag.size() == 2 ||
        (tag.size() > 2 && (tag[2] == '-' || tag[2] == '_' || tag[2] == ';' || tag[2] == ' '));
    if (whole && (two == "zh" || two == "ZH" || two == "Zh")) {
      return Language::kChinese;
    }
    return whole && (two == "en" || two == "EN" || two == "En") ? std::optional(Language::kEnglish)
                                                                : std::nullopt;
  };
  if (!customer.empty()) {
    return known(customer).value_or(Language::kEnglish);
  }
  // Browsers write the wanted one first; weights only repeat that.
  while (!accept_language.empty()) {
    const size_t end = std::min(accept_language.find(','), accept_language.size());
    std::string_view tag = accept_language.substr(0, end);
    tag.remove_prefix(std::min(tag.find_first_not_of(' '), tag.size()));
    if (const auto language = known(tag)) {
      return *language;
    }
    accept_language.remove_prefix(std::min(end + 1, accept_language.size()));
  }
  return known(shop).value_or(Language::kEnglish);
}

Response PreferencePage(const Preferences& preferences, const channels::PreferenceKey& key,
                        Language language, PageNotice notice) {
  const Words& words = WordsOf(language);
  std::string body = "<h1>" + EscapeMarkup(preferences.shop) +
                     (preferences.shop.empty() ? "" : " · ") + std::string(words.title) + "</h1>";
  if (notice != PageNotice::kNone) {
    body.append("<p role=\"status\">").append(words.notices[static_cast<size_t>(notice)]);
    body += "</p>";
  }
  body.append("<p>").append(words.intro).append("</p><form method=\"post\">");
  const Preference* one = Find(preferences, key);
  if (one != nullptr && one->on && IsOffer(*one)) {
    body += Button(
        "stop", std::string(words.stop_one) + NameOf(*one, words) + std::string(words.stop_one_end),
        true);
  }
  const auto on = std::count_if(preferences.all.begin(), preferences.all.end(),
                                [](const Preference& each) { return IsOffer(each) && each.on; });
  if (on > (one != nullptr && one->on && IsOffer(*one) ? 1 : 0)) {
    body += Button("stop_all", words.stop_all, false);
  }
  body.append("</form><form method=\"post\"><h2>").append(words.choose).append("</h2>");
  body += Choices(preferences, MessageClass::kMarketing, words.marketing, words);
  body += Choices(preferences, MessageClass::kTransactional, words.transactional, words);
  body += Button("save", words.save, true) + "</form>";
  return Page(200, words, words.title, body);
}

Response MessagePage(PageMessage message, Language language, std::string_view target) {
  const Words& words = WordsOf(language);
  const auto& [title, text] = words.messages[static_cast<size_t>(message)];
  std::string body = "<h1>" + std::string(title) + "</h1><p>" + std::string(text) + "</p>";
  if (!target.empty()) {
    body += "<p><a href=\"" + EscapeMarkup(target) + "\">" + std::string(words.go_on) + "</a></p>";
  }
  const int status = message == PageMessage::kBadLink   ? 404
                     : message == PageMessage::kBadForm ? 400
                                                        : 503;
  return Page(status, words, title, body);
}

std::optional<FormAnswer> ReadForm(const Request& request, const channels::PreferenceKey& key,
                                   const Preferences& preferences) {
  if (request.Header("content-type").starts_with("multipart/")) {
    // Of such bodies only the one of RFC 8058 comes here; our own form is never sent so.
    const bool one_click = request.body.find(kOneClick) != std::string::npos &&
                           request.body.find(kOneClickValue) != std::string::npos;
    return one_click ? std::optional(StopOne(key, preferences)) : std::nullopt;
  }
  const auto fields = channels::ParseForm(request.body);
  if (!fields) {
    return std::nullopt;
  }
  std::string action = fields->empty() ? "stop" : "";
  std::set<std::string> shown;
  std::set<std::string> on;
  for (const auto& [name, value] : *fields) {
    if (name == "action" || (name == kOneClick && value == kOneClickValue)) {
      action = name == "action" ? value : "stop";
    } else if (name == "shown" || name == "on") {
      (name == "on" ? on : shown).insert(value);
    }
  }
  if (action == "stop") {
    return StopOne(key, preferences);
  }
  if (action == "stop_all") {
    return StopAll(preferences);
  }
  return action == "save" ? std::optional(Save(shown, on, preferences)) : std::nullopt;
}

}  // namespace huitou::http
