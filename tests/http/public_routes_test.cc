// The preference page and counted links, asked by real requests on a free port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "channels/crypto.h"
#include "daemon/http/api.h"
#include "daemon/http/limits.h"
#include "daemon/http/server.h"
#include "tests/http/client.h"

namespace huitou::http {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kForm[] = "Content-Type: application/x-www-form-urlencoded";
constexpr char kDispatch[] = "0123456789abcdef0123456789abcdef";

Preference Row(const std::string& channel, config::Address address, MessageClass message_class,
               bool on) {
  Preference row;
  row.channel = channel;
  row.address = address;
  row.message_class = message_class;
  row.on = on;
  return row;
}

class PublicRoutes : public testing::Test {
 protected:
  PublicRoutes() {
    preferences_.shop = "<b>Shop</b>";
    preferences_.shop_locale = "zh-CN";
    preferences_.all = {Row("email", config::Address::kEmail, MessageClass::kMarketing, true),
                        Row("email", config::Address::kEmail, MessageClass::kTransactional, true),
                        Row("sms", config::Address::kPhone, MessageClass::kMarketing, false)};
    DaemonApi api;
    api.links = [this] { return links_; };
    api.preferences = [this](const channels::PreferenceKey& key) -> Result<Preferences> {
      asked_.push_back(key.customer);
      return status_.ok() ? Result<Preferences>(preferences_) : status_;
    };
    api.wish = [this](const std::string&, const std::vector<Wish>& wishes) {
      for (const Wish& wish : wishes) {
        wishes_.push_back(std::string(wish.type) + " " + wish.channel + " " +
                          std::string(ToString(wish.message_class)));
      }
      return wish_status_;
    };
    api.click = [this](const channels::ClickKey& key, const std::string& id) {
      clicks_.push_back(key.customer + " " + key.link);
      ids_.push_back(id);
      return status_;
    };
    auto server = Server::Start({.listen = "127.0.0.1:0", .tokens = {"a token of sixteen"}},
                                MakeRouter(std::move(api), {}, nullptr), nullptr);
    EXPECT_TRUE(server.ok()) << server.status().message();
    server_ = std::move(*server);
  }

  Answer Call(const std::string& method, const std::string& path, const std::string& body = "",
              const std::vector<std::string>& headers = {kForm}) {
    return Send({.method = method,
                 .url = "http://127.0.0.1:" + std::to_string(server_->port()) + path,
                 .body = body,
                 .headers = headers});
  }
  std::string PagePath() const { return Path(links_->PreferencesUrl({"c1", "email"})); }
  std::string LinkPath() const { return Path(links_->ClickUrl({"c1", kDispatch, "sale"})); }
  static std::string Path(const std::string& url) {
    return url.substr(std::string("https://go.example.com").size());
  }

  std::shared_ptr<const channels::PublicLinks> links_ = std::make_shared<channels::PublicLinks>(
      config::PublicConfig{"https://go.example.com",
                           "a secret of the test",
                           {{"sale", "https://shop.example.com/sale?from=sms"}}});
  Preferences preferences_;
  Status status_;
  Status wish_status_;
  std::vector<std::string> asked_;
  std::vector<std::string> wishes_;
  std::vector<std::string> clicks_;
  std::vector<std::string> ids_;
  std::unique_ptr<Server> server_;
};

TEST_F(PublicRoutes, LookingAtThePageChangesNothing) {
  const Answer page = Call("GET", PagePath(), "", {"Accept-Language: en-GB,en;q=0.5"});
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<html lang=\"en\">"));
  EXPECT_THAT(page.body, HasSubstr("&lt;b&gt;Shop&lt;/b&gt;"));
  EXPECT_THAT(page.body, HasSubstr("value=\"email.marketing\" checked"));
  EXPECT_THAT(page.body, Not(HasSubstr("value=\"sms.marketing\" checked")));
  EXPECT_THAT(page.body, Not(HasSubstr("<script")));
  EXPECT_THAT(page.headers.at("content-security-policy"),
              AllOf(HasSubstr("default-src 'none'"), HasSubstr("frame-ancestors 'none'")));
  EXPECT_EQ(page.headers.at("cache-control"), "no-store");
  EXPECT_EQ(Call("HEAD", PagePath()).status, 200);
  EXPECT_THAT(wishes_, IsEmpty());
}

TEST_F(PublicRoutes, ThePageIsInTheCustomersLanguage) {
  const auto language = [&](const std::string& customer, const std::string& browser) {
    preferences_.locale = customer;
    const std::string body = Call("GET", PagePath(), "", {"Accept-Language: " + browser}).body;
    return body.substr(body.find("lang=\"") + 6, 2);
  };
  EXPECT_EQ(language("zh-Hans-CN", "en"), "zh");
  EXPECT_EQ(language("en", "zh-CN"), "en");
  EXPECT_EQ(language("", "fr, zh-CN;q=0.8, en;q=0.7"), "zh");
  EXPECT_EQ(language("", "fr"), "zh") << "as the shop";
  EXPECT_EQ(language("fr", "zh-CN"), "en");
}

TEST_F(PublicRoutes, OneClickUnsubscribesInEveryFormOfRfc8058) {
  const std::string multipart =
      "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--";
  EXPECT_EQ(Call("POST", PagePath(), "List-Unsubscribe=One-Click").status, 200);
  EXPECT_EQ(
      Call("POST", PagePath(), multipart, {"Content-Type: multipart/form-data; boundary=x"}).status,
      200);
  EXPECT_EQ(Call("POST", PagePath()).status, 200);
  const std::string said = "consent.revoked email marketing";
  EXPECT_THAT(wishes_, ElementsAre(said, said, said));
  preferences_.all[0].refused = true;
  EXPECT_EQ(Call("POST", PagePath(), "List-Unsubscribe=One-Click").status, 200);
  EXPECT_EQ(wishes_.size(), 3U) << "a repeated one costs no event";
}

TEST_F(PublicRoutes, AFormChangesWhatItShows) {
  Call("POST", PagePath(),
       "action=save&shown=email.marketing&shown=sms.marketing&on=sms.marketing");
  EXPECT_THAT(wishes_,
              ElementsAre("consent.revoked email marketing", "consent.granted sms marketing"));
  wishes_.clear();
  Call("POST", PagePath(),
       "action=save&shown=email.marketing&on=email.marketing&on=other.marketing");
  EXPECT_THAT(wishes_, IsEmpty());
  Call("POST", PagePath(), "action=stop_all");
  EXPECT_THAT(wishes_,
              ElementsAre("consent.revoked email marketing", "consent.revoked sms marketing"));
  for (const char* bad : {"action=burn", "x=1", "action=%zz"}) {
    EXPECT_EQ(Call("POST", PagePath(), bad).status, 400) << bad;
  }
  EXPECT_EQ(Call("POST", PagePath(), "x", {"Content-Type: multipart/form-data; boundary=x"}).status,
            400);
}

TEST_F(PublicRoutes, WhoComesBackIsSubscribedAgain) {
  preferences_.all[2].unsubscribed = true;
  Call("POST", PagePath(), "action=save&shown=sms.marketing&on=sms.marketing");
  EXPECT_THAT(wishes_,
              ElementsAre("channel.subscribed sms marketing", "consent.granted sms marketing"));
  wishes_.clear();
  // From all channels at once: only those that are ticked open again.
  preferences_.unsubscribed_from_all = true;
  preferences_.all[0].on = false;
  preferences_.all[0].unsubscribed = true;
  Call("POST", PagePath(),
       "action=save&shown=email.marketing&shown=sms.marketing&on=sms.marketing");
  EXPECT_THAT(wishes_,
              ElementsAre("channel.subscribed  marketing", "consent.revoked email marketing",
                          "consent.granted sms marketing"));
}

TEST_F(PublicRoutes, NothingIsPromisedThatIsNotDurable) {
  wish_status_ = Status(StatusCode::kUnavailable, "elsewhere");
  const Answer answer = Call("POST", PagePath(), "List-Unsubscribe=One-Click");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.at("retry-after"), "2");
}

TEST_F(PublicRoutes, StrangersLearnNothingAndReachNoShard) {
  const std::string page = PagePath();
  const std::string link = LinkPath();
  const Answer bad = Call("GET", "/u/AAAA");
  for (const std::string& path :
       {page.substr(0, page.size() - 1), page + "A", "/u/" + std::string(900, 'A'),
        "/u/" + link.substr(3), "/l/" + page.substr(3), link + "A", std::string("/l/%00")}) {
    for (const char* method : {"GET", "POST"}) {
      const Answer answer = Call(method, path, method == std::string("POST") ? "action=stop" : "");
      EXPECT_THAT(answer.status, testing::AnyOf(404, 405)) << path;
      if (answer.status == 404 && path.starts_with("/u/")) {
        EXPECT_EQ(answer.body, bad.body) << "the same for all";
      }
    }
  }
  EXPECT_THAT(asked_, IsEmpty());
  EXPECT_THAT(clicks_, IsEmpty());
  EXPECT_EQ(Call("GET", "/u/" + std::string(2000, 'A')).status, 414);
  EXPECT_EQ(Call("DELETE", page).status, 405);
  EXPECT_EQ(Call("PUT", link, "x").status, 405);
  EXPECT_EQ(Call("POST", link, "x").status, 405);
  EXPECT_EQ(Call("POST", page, std::string(limits::kFormBytesMax + 1, 'x')).status, 413);
}

TEST_F(PublicRoutes, ALinkLeadsOnAndCountsPeople) {
  for (const std::vector<std::string>& ahead :
       {std::vector<std::string>{"Sec-Purpose: prefetch;prerender"}, {"Purpose: prefetch"}}) {
    EXPECT_EQ(Call("GET", LinkPath(), "", ahead).status, 503);
  }
  EXPECT_EQ(Call("HEAD", LinkPath()).status, 302);
  EXPECT_THAT(clicks_, IsEmpty());
  const Answer answer = Call("GET", LinkPath());
  EXPECT_EQ(answer.status, 302);
  EXPECT_EQ(answer.headers.at("location"), "https://shop.example.com/sale?from=sms");
  EXPECT_THAT(clicks_, ElementsAre("c1 sale"));
}

TEST_F(PublicRoutes, ADoubleClickCostsOneEventAtMostTwo) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Call("GET", LinkPath()).status, 302);
  }
  EXPECT_LE(clicks_.size(), 2U) << "one in each span of ten seconds";
}

TEST_F(PublicRoutes, ALinkThatNobodyCanCountHereStillLeadsOn) {
  status_ = Status(StatusCode::kUnavailable, "elsewhere");
  const Answer answer = Call("GET", LinkPath());
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.at("refresh"), "0; url=https://shop.example.com/sale?from=sms");
  EXPECT_THAT(answer.body, HasSubstr("<a href=\"https://shop.example.com/sale?from=sms\">"));
}

TEST_F(PublicRoutes, ALinkThatIsNotConfiguredAnyMoreLeadsNowhere) {
  const std::string gone = Path(links_->ClickUrl({"c1", kDispatch, "gone"}));
  EXPECT_EQ(Call("GET", gone).status, 404);
  links_ = nullptr;
  EXPECT_EQ(Call("GET", "/l/AAAA").status, 404);
}

}  // namespace
}  // namespace huitou::http
