#include "channels/public_links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "channels/limits.h"

namespace huitou::channels {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kDispatch[] = "0123456789abcdef0123456789abcdef";

PublicLinks Links(const std::string& secret = "a secret of the test") {
  return PublicLinks({.url = "https://go.example.com",
                      .secret = secret,
                      .links = {{"sale", "https://shop.example.com/sale"}}});
}

std::string TokenOf(const std::string& url) {
  return url.substr(url.rfind('/') + 1);
}

TEST(PublicLinks, SayWhoseAndWhatToWhoeverHasTheSecret) {
  const PublicLinks links = Links();
  const std::string url =
      links.PreferencesUrl({"客户 1\nx", "email", MessageClass::kTransactional});
  EXPECT_THAT(url, StartsWith("https://go.example.com/u/"));
  const auto key = Links().ParsePreferences(TokenOf(url));  // another instance
  ASSERT_TRUE(key);
  EXPECT_EQ(key->customer, "客户 1\nx");
  EXPECT_EQ(key->channel, "email");
  EXPECT_EQ(key->message_class, MessageClass::kTransactional);

  const auto click = links.ParseClick(TokenOf(links.ClickUrl({"c1", kDispatch, "sale"})));
  ASSERT_TRUE(click);
  EXPECT_EQ(click->customer, "c1");
  EXPECT_EQ(click->dispatch, std::string(kDispatch).substr(0, 12));
  EXPECT_EQ(click->link, "sale");
  EXPECT_EQ(*links.TargetOf("sale"), "https://shop.example.com/sale");
  EXPECT_EQ(links.TargetOf("gone"), nullptr);
}

TEST(PublicLinks, SayNothingToOthers) {
  const std::string customer = "zhang.san@example.com";
  const std::string token = TokenOf(Links().PreferencesUrl({customer, "email"}));
  EXPECT_THAT(*FromBase64Url(token), Not(HasSubstr("zhang")));
  EXPECT_THAT(*FromBase64Url(token), Not(HasSubstr("email")));
  EXPECT_FALSE(Links("another secret of it").ParsePreferences(token));
  // Who has one token cannot even tell that another is of the same customer.
  const std::string other = TokenOf(Links().PreferencesUrl({customer, "email2"}));
  EXPECT_NE(FromBase64Url(token)->substr(16, 8), FromBase64Url(other)->substr(16, 8));
}

TEST(PublicLinks, CannotBeForged) {
  const PublicLinks links = Links();
  for (const std::string& token : {TokenOf(links.PreferencesUrl({"c1", "email"})),
                                   TokenOf(links.ClickUrl({"c1", kDispatch, "sale"}))}) {
    for (size_t i = 0; i < token.size(); ++i) {
      std::string forged = token;
      forged[i] = forged[i] == 'A' ? 'B' : 'A';
      for (const std::string& wrong : {forged, token.substr(0, i), token + token[i]}) {
        EXPECT_FALSE(links.ParsePreferences(wrong)) << i;
        EXPECT_FALSE(links.ParseClick(wrong)) << i;
      }
    }
  }
  // A token of one kind is none of the other.
  EXPECT_FALSE(links.ParseClick(TokenOf(links.PreferencesUrl({"c1", "email"}))));
  EXPECT_FALSE(links.ParsePreferences(TokenOf(links.ClickUrl({"c1", kDispatch, "sale"}))));
  EXPECT_FALSE(links.ParsePreferences(std::string(100'000, 'A')));
}

TEST(PublicLinks, FitIntoAnSmsAndTheLongestIntoALineOfMail) {
  EXPECT_LE(TokenOf(Links().ClickUrl({"10234567", kDispatch, "sale"})).size(), 36U);
  const std::string longest =
      TokenOf(Links().PreferencesUrl({std::string(256, 'c'), std::string(64, 'n')}));
  EXPECT_LE(longest.size(), limits::kPublicTokenBytesMax);
  EXPECT_TRUE(Links().ParsePreferences(longest));
}

}  // namespace
}  // namespace huitou::channels
