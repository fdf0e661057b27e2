#include "config/templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/config/support.h"

namespace huitou::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

struct NamedText {
  std::string path;
  std::string text;
};

TemplateSet Make(const std::vector<NamedText>& files) {
  TemplateSet set("zh-CN");
  Diagnostics diagnostics;
  for (const NamedText& file : files) {
    set.Add(file.path, file.text, &TestChannels(), &diagnostics);
  }
  EXPECT_THAT(Lines(diagnostics), IsEmpty());
  return set;
}

std::string TextOf(const TemplateSet& set, std::string_view locale, std::string_view channel) {
  const auto rendered = set.Render("t", locale, channel, {});
  return rendered ? rendered->text : "none";
}

TEST(Templates, TheMostSpecificWins) {
  const TemplateSet set = Make({{"a/t.mustache", "all"},
                                {"a/t.zh.mustache", "zh"},
                                {"a/t.zh-CN.mustache", "zh-CN"},
                                {"a/t.sms.mustache", "sms"},
                                {"a/t.sms.en.mustache", "sms en"}});
  EXPECT_EQ(TextOf(set, "zh-CN", "console"), "zh-CN");
  EXPECT_EQ(TextOf(set, "zh-TW", "console"), "zh");
  EXPECT_EQ(TextOf(set, "fr", "console"), "all");
  EXPECT_EQ(TextOf(set, "en-US", "sms"), "sms en");
  EXPECT_EQ(TextOf(set, "fr", "sms"), "sms");
}

TEST(Templates, OneIsRenderedOnManyThreadsAndForManyCustomers) {
  const TemplateSet set = Make(
      {{"t.mustache",
        "---\nsubject: for {{name}}\n---\n{{#name}}Hi {{name}}{{/name}}{{^name}}Hi{{/name}}"}});
  const auto render = [&set](const std::string& who) {
    for (int i = 0; i < 200; ++i) {
      const std::string name = who.empty() ? who : who + std::to_string(i);
      const auto rendered = set.Render("t", "en", "console", {{"name", name}});
      EXPECT_EQ(rendered->text, name.empty() ? "Hi" : "Hi " + name);
      EXPECT_EQ(rendered->fields[0].second, "for " + name);
    }
  };
  std::thread first(render, "a");
  std::thread second(render, "b");
  render("");
  first.join();
  second.join();
}

TEST(Templates, AnHtmlVersionStandsBesideItsTextAndIsEscaped) {
  const TemplateSet set = Make({{"t.html.mustache", "<b>{{name}}</b>"},
                                {"t.mustache", "---\nsubject: hi\n---\n{{name}}"},
                                {"t.zh.email.mustache", "---\nsubject: hi\n---\nzh"},
                                {"t.zh.email.html.mustache", "<i>zh</i>"},
                                {"t.en.mustache", "---\nsubject: hi\n---\nen"}});
  const auto both = set.Render("t", "fr", "console", {{"name", "A & B"}});
  EXPECT_EQ(both->text, "A & B");
  EXPECT_EQ(both->html, "<b>A &amp; B</b>");
  EXPECT_EQ(set.Render("t", "zh", "email", {})->html, "<i>zh</i>");
  EXPECT_EQ(set.Render("t", "en", "email", {})->html, "") << "no other language's";
  EXPECT_EQ(set.FilesOf("t").size(), 5U);
}

TEST(Templates, AnUnknownLanguageGetsTheShops) {
  const TemplateSet set = Make({{"a/t.zh-CN.mustache", "zh-CN"}, {"a/t.en.mustache", "en"}});
  EXPECT_EQ(TextOf(set, "fr", "sms"), "zh-CN");
  EXPECT_EQ(TextOf(set, "en-GB", "sms"), "en");
  EXPECT_EQ(TextOf(Make({{"a/t.en.mustache", "en"}}), "fr", "sms"), "none");
}

TEST(Templates, RendersFieldsAndText) {
  const TemplateSet set = Make({{"t.mustache",
                                 "---\nsubject: Hi {{name}}\n\nparam.x: {{coupon.value}} & co\n"
                                 "---\n{{#name}}Dear {{name}}, {{/name}}{{^name}}Hello, "
                                 "{{/name}}<b>{{coupon.value}}</b> {{coupon.code}}\n\n"}});
  const auto named = set.Render("t", "en", "sms",
                                {{"name", "<Li>"}, {"coupon.value", "50"}, {"coupon.code", "K"}});
  EXPECT_THAT(named->fields, ElementsAre(Pair("subject", "Hi <Li>"), Pair("param.x", "50 & co")));
  EXPECT_EQ(named->text, "Dear <Li>, <b>50</b> K");
  const auto nameless = set.Render("t", "en", "sms", {{"name", ""}, {"coupon.value", "50"}});
  EXPECT_EQ(nameless->text, "Hello, <b>50</b> ");
}

TEST(Templates, EscapesTheBodyOfHtml) {
  const TemplateSet set = Make(
      {{"t.mustache", "---\nsubject: {{name}}\ncontent_type: text/html\n---\n<p>{{name}}</p>"}});
  const auto rendered = set.Render("t", "en", "email", {{"name", "<Li>"}});
  EXPECT_EQ(rendered->fields[0].second, "<Li>");
  EXPECT_EQ(rendered->text, "<p>&lt;Li&gt;</p>");
}

// What a send step with `defaults: {nick: x}` over one template is told.
std::vector<std::string> ToldOf(const std::vector<NamedText>& files,
                                const std::vector<std::string>& via) {
  TemplateSet set("zh-CN");
  Diagnostics diagnostics;
  for (const NamedText& file : files) {
    set.Add(file.path, file.text, &TestChannels(), &diagnostics);
  }
  const StepNames names{{"big"}, {}};
  const TemplateDefaults defaults = {{"nick", "x", {"c.yaml", 1, 1}}};
  VariableBinder binder({.names = names}, defaults, &diagnostics);
  TemplateSet::Use use;
  use.name = "t";
  use.place = Place{"c.yaml", 2, 3};
  use.via = via;
  set.Bind(use, &TestChannels(), &binder, &diagnostics);
  return Lines(diagnostics);
}

std::vector<std::string> Told(const NamedText& file, const std::vector<std::string>& via) {
  return ToldOf({file}, via);
}

TEST(Templates, TellsVariablesThatMayBeMissing) {
  EXPECT_THAT(
      Told({"t.mustache",
            "Hi {{name}} {{nick}}\n{{customer.tier}} {{#customer.tier}}"
            "{{customer.tier}}{{/customer.tier}}{{coupon.value}}\n  "
            "{{event.order.id}}{{customer.orders}}{{coupons.big.code}}{{now}}"},
           {"console"}),
      ElementsAre("t.mustache:1:6: error: 'name' may be missing; write {{#name}}...{{/name}} "
                  "around it, or give it a value in the step's 'defaults:'",
                  "t.mustache:2:3: error: 'customer.tier' may be missing; write "
                  "{{#customer.tier}}...{{/customer.tier}} around it, or give it a value in the "
                  "step's 'defaults:'",
                  "t.mustache:3:5: error: 'event.order.id' may be missing; write "
                  "{{#event.order.id}}...{{/event.order.id}} around it, or give it a value in "
                  "the step's 'defaults:'"));
}

TEST(Templates, TellsUnknownVariables) {
  EXPECT_THAT(
      Told({"t.mustache", "{{customer.ordrs}} {{coupons.bog.code}}\n{{event.order}}"}, {"console"}),
      ElementsAre("t.mustache:1:12: error: customer has no field 'ordrs'; did you mean "
                  "'customer.orders'?",
                  "t.mustache:1:30: error: coupons has no field 'bog'; did you mean "
                  "'coupons.big'?",
                  "t.mustache:2:3: error: 'event.order' is not a single value; name one "
                  "of its fields, such as {{event.order.id}}"));
}

TEST(Templates, TellsAnUnclosedTagWhereItBegins) {
  EXPECT_THAT(Told({"t.mustache", "{{name} {{now}}"}, {"console"}),
              testing::Contains("t.mustache:1:1: error: a tag is never closed; add }}"));
  EXPECT_EQ(Told({"t.mustache", "{{name {{now}}"}, {"console"}).size(), 1u);
}

TEST(Templates, TellsOfATextThatIsNotUtf8Once) {
  EXPECT_THAT(Told({"t.mustache", "\xC4\xE3\xBA\xC3"}, {"console"}),
              ElementsAre("t.mustache: error: the template is not UTF-8; save the file as UTF-8"));
}

TEST(Templates, TellsHowToReadMapsAndObjects) {
  EXPECT_THAT(Told({"t.mustache", "{{customer.categories}}"}, {"console"}),
              ElementsAre("t.mustache:1:3: error: 'customer.categories' is not a single value; "
                          "name one of its entries: {{customer.categories.NAME}}"));
  EXPECT_THAT(Told({"t.mustache", "---\nsubject: a\ncontent_type: text/htm\n---\n<p>"}, {"email"}),
              ElementsAre("t.mustache:3:15: warning: content_type 'text/htm' counts as text/plain; "
                          "did you mean 'text/html'?"));
}

TEST(Templates, TellsBrokenTags) {
  EXPECT_THAT(
      Told({"t.mustache", "{{#customer.id}}a{{/customer.idd}}\n{{/x}}\n{{> y}}\n{{z"}, {"console"}),
      testing::IsSupersetOf(
          {"t.mustache:1:21: error: 'customer.idd' closes the section 'customer.id'; "
           "write {{/customer.id}}",
           "t.mustache:2:4: error: nothing opened the section 'x'; write {{#x}} before "
           "it",
           "t.mustache:3:5: error: templates cannot include others; write the text here",
           "t.mustache:4:1: error: a tag is never closed; add }}"}));
}

TEST(Templates, TellsWhatIsHardlyMeantToBeSent) {
  EXPECT_THAT(Told({"t.mustache", " \n"}, {"console"}),
              ElementsAre("t.mustache: error: the template is empty; write the message"));
  EXPECT_THAT(Told({"t.mustache", "Hi {{customer.id}},\nuse {code} now"}, {"console"}),
              ElementsAre("t.mustache:2:5: warning: '{code}' is sent as it stands; a variable is "
                          "written {{code}}"));
  EXPECT_THAT(Told({"t.mustache", "Hi ${name}"}, {"console"}),
              ElementsAre("t.mustache:1:4: warning: '${name}' is sent as it stands; a variable is "
                          "written {{name}}"));
  EXPECT_THAT(Told({"t.mustache", "p {color: red} {{{customer.id}}} {} {1}"}, {"console"}),
              testing::IsEmpty());
}

TEST(Templates, TellsFrontMatterThatAProviderNeeds) {
  EXPECT_THAT(Told({"t.mustache", "---\nsubjct: x\n---\nhi"}, {"email"}),
              ElementsAre("t.mustache:1:1: error: field 'subject' is missing, which channel "
                          "'email' (smtp) needs; put 'subject: ...' between two lines '---' at "
                          "the top",
                          "t.mustache:2:9: warning: no channel of this template has a field "
                          "'subjct'; did you mean 'subject'?"));
}

TEST(Templates, TellsHtmlVersionsThatNobodyWouldGet) {
  const NamedText text = {"t.mustache", "---\nsubject: x\n---\nhi"};
  EXPECT_THAT(ToldOf({text, {"t.html.mustache", "<p>"}}, {"email"}), IsEmpty());
  EXPECT_THAT(ToldOf({text, {"t.html.mustache", "<p>{{nmae}}</p>"}}, {"email"}),
              ElementsAre(testing::StartsWith("t.html.mustache:1:6: ")));
  EXPECT_THAT(ToldOf({text, {"t.en.html.mustache", "<p>"}}, {"email"}),
              ElementsAre("t.en.html.mustache: error: an HTML version without its text; write "
                          "t.en.mustache, which is read where HTML is not"));
  EXPECT_THAT(
      ToldOf({text, {"t.console.mustache", "hi"}, {"t.console.html.mustache", "<p>"}}, {"console"}),
      ElementsAre("t.console.html.mustache: error: an HTML version that no channel sends; remove "
                  "it, or name a channel that sends HTML, such as one of smtp"));
  EXPECT_THAT(ToldOf({{"t.mustache", "---\nsubject: x\ncontent_type: text/html\n---\nhi"},
                      {"t.html.mustache", "<p>"}},
                     {"email"}),
              ElementsAre("t.html.mustache: error: the HTML version of what is HTML already; make "
                          "t.mustache plain text, or remove one"));
  EXPECT_THAT(ToldOf({text, {"t.html.mustache", "---\nsubject: y\n---\n<p>"}}, {"email"}),
              ElementsAre("t.html.mustache:1:1: error: an HTML version has no front matter; move "
                          "it to the template without '.html'"));
}

TEST(Templates, TellsBrokenFrontMatter) {
  EXPECT_THAT(Told({"t.mustache", "---\nsubject\n"}, {"console"}),
              ElementsAre("t.mustache:1:1: error: the front matter is never closed; add a line "
                          "'---' behind the fields",
                          "t.mustache:2:1: error: front matter without a ':'; write 'subject: "
                          "...', one field a line"));
}

TEST(Templates, TellsATemplateThatIsNotThere) {
  EXPECT_THAT(Told({"t.sms.mustache", "---\ncode: c\n---\nhi"}, {"sms", "email"}),
              ElementsAre("c.yaml:2:3: error: no template 't' for channel 'email' in zh-CN; write "
                          "t.zh-CN.email.mustache"));
}

TEST(Templates, TellsNamesThatSayNeitherLanguageNorChannel) {
  Diagnostics diagnostics;
  TemplateSet set("zh-CN");
  set.Add("t.smss.mustache", "a", &TestChannels(), &diagnostics);
  set.Add("t.en.zh.mustache", "a", &TestChannels(), &diagnostics);
  set.Add("t.sms.mustache", "a", &TestChannels(), &diagnostics);
  set.Add("b/t.sms.mustache", "a", &TestChannels(), &diagnostics);
  set.Add("u.mustache", "\xFF", &TestChannels(), &diagnostics);
  EXPECT_THAT(Lines(diagnostics),
              ElementsAre("b/t.sms.mustache: error: the same template as t.sms.mustache; remove "
                          "one",
                          "t.en.zh.mustache: error: a template's name has one language and one "
                          "channel; name it like winback.zh-CN.sms.mustache",
                          "t.smss.mustache: warning: 'smss' is neither a language nor a channel "
                          "of the config file; did you mean 'sms'?",
                          "u.mustache: error: the template is not UTF-8; save the file as "
                          "UTF-8"));
}

// What a send step is told over one template, with the links of a config file.
std::vector<std::string> ToldOfLinks(const std::string& text, const PublicNames& names) {
  TemplateSet set("zh-CN", names);
  Diagnostics diagnostics;
  set.Add("t.mustache", text, &TestChannels(), &diagnostics);
  const StepNames steps;
  const TemplateDefaults defaults;
  VariableBinder binder({.names = steps}, defaults, &diagnostics);
  TemplateSet::Use use;
  use.name = "t";
  use.via = {"console"};
  set.Bind(use, &TestChannels(), &binder, &diagnostics);
  EXPECT_THAT(binder.Finish(), testing::IsEmpty()) << "the core knows nothing of them";
  return Lines(diagnostics);
}

TEST(Templates, LinksAreThoseOfTheConfigFile) {
  const PublicNames names(std::set<std::string>{"sale", "new"});
  EXPECT_THAT(ToldOfLinks("{{link.sale}} {{#link.new}}{{link.new}}{{/link.new}}", names),
              testing::IsEmpty());
  EXPECT_THAT(
      ToldOfLinks("Hi {{link.sales}}", names),
      ElementsAre(testing::StartsWith("t.mustache:1:6: error: no link 'sales' in the config "
                                      "file's 'public:'; did you mean 'sale'")));
  EXPECT_THAT(ToldOfLinks("{{unsubscribe_url}}", PublicNames(std::nullopt)),
              ElementsAre(testing::StartsWith("t.mustache:1:3: warning: 'unsubscribe_url' is left "
                                              "out: the config file has no 'public:'")));
  EXPECT_THAT(ToldOfLinks("{{link.x}} {{unsubscribe_url}}", PublicNames()), testing::IsEmpty());
}

TEST(Templates, LinksAreMadeForEachMessage) {
  const TemplateSet set = Make({{"t.mustache", "{{link.sale}}, {{unsubscribe_url}}"}});
  const auto make = [](const std::string& name) { return "https://x/" + name + "/1"; };
  EXPECT_EQ(set.Render("t", "en", "sms", {}, make)->text,
            "https://x/link.sale/1, https://x/unsubscribe_url/1");
  EXPECT_EQ(set.Render("t", "en", "sms", {})->text,
            "https://example.com/link.sale, https://example.com/unsubscribe_url");
}

}  // namespace
}  // namespace huitou::config
