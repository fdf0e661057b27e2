#include "config/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/limits.h"
#include "tests/config/support.h"

namespace huitou::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A folder of files, gone with the test.
class LoaderTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = std::filesystem::temp_directory_path() /
            (std::string("huitou-") + test->name() + std::to_string(::getpid()));
    Write("huitou.yaml",
          "state: {dir: s}\nshop: shop.yaml\ncampaigns: [campaigns]\ntemplates: templates\n"
          "sources: [{http: {name: api}}]\nchannels: {console: {provider: console}}\n");
    Write("shop.yaml", "shop: {name: Demo}\n");
    Write("campaigns/a.yaml", Campaign("a", "hi"));
    Write("templates/hi.mustache", "hi");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  static std::string Campaign(const std::string& id, const std::string& message) {
    return "campaign: " + id +
           "\ntrigger: {event: order.paid}\nsteps: [{send: {template: " + message +
           ", via: [console]}}]\n";
  }

  std::string Path(const std::string& name) const { return (root_ / name).string(); }
  void Write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }

  Loaded All() const { return LoadAll(Path("huitou.yaml"), TestSchemas(), {}); }
  CheckResult Check(const std::vector<std::string>& names, const std::string& config = "") const {
    LoadRequest request;
    request.config = config.empty() ? "" : Path(config);
    for (const std::string& name : names) {
      request.paths.push_back(Path(name));
    }
    return CheckPaths(request, TestSchemas());
  }
  // Without the folder.
  std::vector<std::string> Lines(const std::vector<Diagnostic>& diagnostics) const {
    std::vector<std::string> lines;
    for (const Diagnostic& diagnostic : diagnostics) {
      std::string line = FormatDiagnostic(diagnostic);
      for (size_t at = line.find(root_.string()); at != std::string::npos;
           at = line.find(root_.string())) {
        line.erase(at, root_.string().size() + 1);
      }
      lines.push_back(line);
    }
    return lines;
  }

  std::filesystem::path root_;
};

TEST_F(LoaderTest, LoadsAWholeConfiguration) {
  Write("campaigns/b.yaml", "priority: 60\n" + Campaign("b", "hi"));
  const Loaded loaded = All();
  EXPECT_THAT(Lines(loaded.diagnostics), IsEmpty());
  ASSERT_EQ(loaded.status, LoadStatus::kGood);
  ASSERT_EQ(loaded.campaigns->campaigns.size(), 2u);
  EXPECT_EQ(loaded.campaigns->campaigns[0]->id, "b");
  EXPECT_EQ(loaded.campaigns->channels.at("console"), CampaignSet::Contact::kNone);
  EXPECT_TRUE(loaded.campaigns->coupons_local);
  EXPECT_EQ(loaded.templates.Render("hi", "en", "console", {})->text, "hi");
}

TEST_F(LoaderTest, AChannelMayNameTheAttributeThatItIsAddressedBy) {
  ComponentSchemas schemas = TestSchemas();
  ComponentSchema& file = schemas.channels[1].schema;
  file.address = Address::kAttribute;
  file.settings = {{.name = kRecipientSetting}};
  Write("huitou.yaml",
        "state: {dir: s}\nshop: shop.yaml\ncampaigns: [campaigns]\ntemplates: templates\n"
        "sources: [{http: {name: api}}]\nchannels:\n  console: {provider: console}\n"
        "  people: {provider: file, recipient: assistant}\n");
  const Loaded loaded = LoadAll(Path("huitou.yaml"), schemas, {});
  EXPECT_THAT(Lines(loaded.diagnostics), IsEmpty());
  ASSERT_EQ(loaded.status, LoadStatus::kGood);
  EXPECT_EQ(loaded.campaigns->channels.at("people"), CampaignSet::Contact::kAttribute);
  EXPECT_EQ(loaded.campaigns->recipient_attributes.at("people"), "assistant");
  EXPECT_THAT(loaded.campaigns->shop.address_attributes, IsEmpty());
  file.attribute_is_own = true;
  EXPECT_THAT(LoadAll(Path("huitou.yaml"), schemas, {}).campaigns->shop.address_attributes,
              testing::ElementsAre("assistant"));
}

TEST_F(LoaderTest, AShopThatOptsOutStillNeedsTheYesThatAProviderInsistsOn) {
  ComponentSchemas schemas = TestSchemas();
  schemas.channels[1].schema.needs_yes = true;
  schemas.channels[1].schema.settings = {};
  Write("shop.yaml",
        "shop: {name: Demo, currency: CNY, timezone: Asia/Shanghai}\n"
        "consent: {default: opt_out, subscription: opt_out}\n");
  Write("huitou.yaml",
        "state: {dir: s}\nshop: shop.yaml\ncampaigns: [campaigns]\ntemplates: templates\n"
        "sources: [{http: {name: api}}]\nchannels:\n  console: {provider: console}\n"
        "  subscription: {provider: file}\n");
  const Loaded loaded = LoadAll(Path("huitou.yaml"), schemas, {});
  EXPECT_THAT(Lines(loaded.diagnostics), IsEmpty());
  ASSERT_EQ(loaded.status, LoadStatus::kGood);
  EXPECT_TRUE(loaded.campaigns->shop.OptIn("subscription"));
  EXPECT_FALSE(loaded.campaigns->shop.OptIn("console"));
}

TEST_F(LoaderTest, TheVersionIsOfTheTextAndItsTemplates) {
  const uint64_t before = All().files[0].source.version;
  EXPECT_EQ(All().files[0].source.version, before);
  Write("templates/hi.mustache", "hello");
  const uint64_t with_template = All().files[0].source.version;
  EXPECT_NE(with_template, before);
  Write("templates/other.mustache", "hello");
  EXPECT_EQ(All().files[0].source.version, with_template);
  Write("campaigns/a.yaml", Campaign("a", "hi") + "priority: 7\n");
  EXPECT_NE(All().files[0].source.version, with_template);
}

TEST_F(LoaderTest, AnOldVersionCompilesAgainFromItsTextWhenItsChannelIsGone) {
  const Loaded loaded = All();
  Diagnostics diagnostics;
  const auto campaign =
      CompileCampaign(loaded.files[0].source, loaded.campaigns->shop, {}, &diagnostics);
  ASSERT_NE(campaign, nullptr);
  EXPECT_EQ(campaign->version, loaded.files[0].campaign->version);
  EXPECT_EQ(campaign->program.size(), loaded.files[0].campaign->program.size());
}

TEST_F(LoaderTest, TellsMistakesOfAllFilesAtOnce) {
  Write("huitou.yaml",
        "state: {dirr: s}\nshop: shop.yaml\ncampaigns: [campaigns]\ntemplates: templates\n"
        "sources: [{http: {name: api}}]\nchannels: {console: {provider: console}}\n");
  Write("shop.yaml", "shop: {currency: yuan}\n");
  Write("campaigns/b.yaml", Campaign("a", "ho"));
  Write("templates/hi.mustache", "{{name}}");
  EXPECT_THAT(
      Lines(All().diagnostics),
      ElementsAre("campaigns/b.yaml:1:11: error: another campaign has the id 'a'; it is in "
                  "campaigns/a.yaml:1",
                  "campaigns/b.yaml:3:27: error: no template 'ho'; did you mean 'hi'?",
                  "huitou.yaml:1:9: error: unknown key 'dirr'; did you mean 'dir'?",
                  "shop.yaml:1:18: error: 'currency' must be three capital letters such as CNY, "
                  "not 'yuan'",
                  "templates/hi.mustache:1:3: error: 'name' may be missing; write "
                  "{{#name}}...{{/name}} around it, or give it a value in the step's "
                  "'defaults:'"));
  EXPECT_EQ(All().status, LoadStatus::kMistakes);
}

TEST_F(LoaderTest, AMissingFileIsToldWhereItIsNamed) {
  std::filesystem::remove(root_ / "shop.yaml");
  std::filesystem::remove_all(root_ / "templates");
  const Loaded loaded = All();
  EXPECT_EQ(loaded.status, LoadStatus::kUnreadable);
  EXPECT_THAT(Lines(loaded.diagnostics),
              ElementsAre("huitou.yaml:2:7: error: cannot read 'shop.yaml': No such file or "
                          "directory",
                          "huitou.yaml:4:12: error: cannot read 'templates': No such file or "
                          "directory"));
}

TEST_F(LoaderTest, AMissingConfigCannotBeRead) {
  std::filesystem::remove(root_ / "huitou.yaml");
  const Loaded loaded = All();
  EXPECT_EQ(loaded.status, LoadStatus::kUnreadable);
  EXPECT_THAT(Lines(loaded.diagnostics),
              ElementsAre("huitou.yaml: error: cannot read the file: No such file or directory"));
}

TEST_F(LoaderTest, CheckTellsFilesApartByContent) {
  Write("shop.yaml", "shop: {nme: Demo}\n");
  Write("campaigns/a.yaml", "campain: a\n" + Campaign("a", "hi").substr(12));
  EXPECT_THAT(Lines(Check({""}).diagnostics),
              ElementsAre("campaigns/a.yaml:1:1: error: unknown key 'campain'; did you mean "
                          "'campaign'?",
                          "shop.yaml:1:8: error: unknown key 'nme'; did you mean 'name'?"));
}

TEST_F(LoaderTest, CheckOfACampaignKnowsTheConfigsChannelsAndNoOtherMistakes) {
  Write("huitou.yaml",
        "state: {dir: s}\ncampaigns: [nowhere]\ntemplates: templates\nsources: [{http: {name: "
        "api}}]\nchannels: {console: {provider: console}}\nhttp: {listen: \"0.0.0.0:1\"}\n");
  Write("new.yaml",
        "campaign: a\ntrigger: {event: order.paid}\nsteps: [{send: {template: hi, "
        "via: [consol]}}]\n");
  EXPECT_THAT(Lines(Check({"new.yaml"}, "huitou.yaml").diagnostics),
              ElementsAre("new.yaml:3:37: error: no channel 'consol' in the config file; did you "
                          "mean 'console'?"));
  EXPECT_EQ(Check({"new.yaml"}).status, LoadStatus::kGood) << "nothing is known of channels";
}

TEST_F(LoaderTest, CheckReadsATemplateByItself) {
  Write("templates/hi.mustache", "{{#a}}");
  EXPECT_THAT(Lines(Check({"templates/hi.mustache"}).diagnostics),
              ElementsAre("templates/hi.mustache:1:4: error: section 'a' is never closed; write "
                          "{{/a}}"));
}

TEST_F(LoaderTest, CheckOfWhatIsNotThereIsUnreadable) {
  const CheckResult result = Check({"nothing.yaml"});
  EXPECT_EQ(result.status, LoadStatus::kUnreadable);
  EXPECT_THAT(Lines(result.diagnostics),
              ElementsAre("nothing.yaml: error: cannot read the file: No such file or directory"));
}

TEST_F(LoaderTest, AnEmptyFolderIsNoGoodAnswer) {
  std::filesystem::create_directories(root_ / "empty");
  const CheckResult result = Check({"empty"});
  EXPECT_EQ(result.status, LoadStatus::kUnreadable);
  EXPECT_THAT(Lines(result.diagnostics),
              ElementsAre("empty: error: nothing to check in this folder; they are named *.yaml"));
  const Loaded loaded =
      Load({.config = {}, .shop = {}, .paths = {Path("empty")}, .secrets = {}}, TestSchemas());
  EXPECT_EQ(loaded.status, LoadStatus::kUnreadable);
  EXPECT_THAT(Lines(loaded.diagnostics),
              ElementsAre("empty: error: no campaign in this folder; they are named *.yaml"));
}

TEST_F(LoaderTest, ADaemonWithoutCampaignsRunsAndIsWarned) {
  std::filesystem::remove(root_ / "campaigns/a.yaml");
  const Loaded loaded = All();
  EXPECT_EQ(loaded.status, LoadStatus::kGood);
  EXPECT_THAT(Lines(loaded.diagnostics),
              ElementsAre("huitou.yaml:3:13: warning: no campaign in this folder; they are named "
                          "*.yaml"));
}

// What the broken part would have said is not asked for elsewhere.
TEST_F(LoaderTest, OneMistakeGivesOneMessage) {
  const std::string rest =
      "campaigns: [campaigns]\ntemplates: templates\nstate: {dir: s}\n"
      "sources: [{http: {name: api}}]\n";
  const std::string channels = "channels: {console: {provider: console}}\n";
  Write("shop.yaml", "shop: {currency: USD}\nbudgets: {q: {amount: 9 USD, per: total}}\n");
  Write("campaigns/a.yaml",
        "campaign: a\ntrigger: {event: order.paid}\nlimits: {budget: q, money: 9 USD/d}\n"
        "steps: [{send: {template: hi, via: [console]}}, {coupon: {value: 5 USD}}]\n"
        "tests: [{name: t, customers: {c: {consents: [console]}}, events: [{at: 2026-01-01, "
        "type: order.paid, customer: c}], expect: [{channel: console}]}]\n");
  Write("templates/hi.console.mustache", "hi");
  Write("huitou.yaml", rest + channels + "shop: shop.yaml\n");
  EXPECT_THAT(Lines(All().diagnostics), IsEmpty());

  Write("huitou.yaml", rest + "chanels: {console: {provider: console}}\nshop: shop.yaml\n");
  EXPECT_THAT(Lines(All().diagnostics),
              ElementsAre("huitou.yaml:5:1: error: unknown key 'chanels'; did you mean "
                          "'channels'?"));
  Write("huitou.yaml", rest + channels + "shopp: shop.yaml\n");
  EXPECT_THAT(Lines(All().diagnostics),
              ElementsAre("huitou.yaml:6:1: error: unknown key 'shopp'; did you mean 'shop'?"));
  Write("huitou.yaml", rest + channels + "shop: shop.yaml\n");
  Write("huitou.yaml", rest + "channels: {screen: {provider: console}}\nshop: shop.yaml\n");
  EXPECT_THAT(Lines(All().diagnostics),
              ElementsAre("campaigns/a.yaml:4:37: error: no channel 'console' in the config file; "
                          "the only one is screen",
                          "templates/hi.console.mustache: warning: 'console' is neither a language "
                          "nor a channel of the config file; the only one is screen"));
  Write("huitou.yaml", rest + channels + "shop: shop.yaml\n");
  Write("shop.yaml", "shop: {currency: usd}\nbudgets: {q: {amount: 9 USD, per: total}}\n");
  EXPECT_THAT(Lines(All().diagnostics),
              ElementsAre("shop.yaml:1:18: error: 'currency' must be three capital letters such as "
                          "CNY, not 'usd'"));
}

TEST_F(LoaderTest, AWordOfTemplatesNamesIsToldOnce) {
  Write("templates/hi.fax.mustache", "hi");
  Write("templates/ho.fax.mustache", "ho");
  EXPECT_THAT(Lines(All().diagnostics),
              ElementsAre("templates/hi.fax.mustache: warning: 'fax' is neither a language nor a "
                          "channel of the config file; the only one is console"));
}

TEST_F(LoaderTest, ASecretIsOnlyNeededWhenRunning) {
  Write("huitou.yaml",
        "state: {dir: s}\ncampaigns: [campaigns]\ntemplates: templates\nsources: [{http: {name: "
        "api}}]\nchannels: {console: {provider: console}}\nhttp: {tokens: env:TOKENS}\n");
  Secrets secrets{[](const std::string&) -> Result<std::string> {
    return Status(StatusCode::kNotFound, "it is not set");
  }};
  EXPECT_EQ(LoadAll(Path("huitou.yaml"), TestSchemas(), secrets).status, LoadStatus::kMistakes);
  secrets.required = false;
  const Loaded loaded = LoadAll(Path("huitou.yaml"), TestSchemas(), secrets);
  EXPECT_EQ(loaded.status, LoadStatus::kGood);
  EXPECT_THAT(Lines(loaded.diagnostics),
              ElementsAre("huitou.yaml:6:16: note: cannot read 'env:TOKENS': it is not set; it is "
                          "needed when running"));
}

TEST(ShippedFiles, HaveNoMistakes) {
  LoadRequest request;
  request.paths = {std::string(HUITOU_SOURCE_DIR) + "/config"};
  const CheckResult result = CheckPaths(request, TestSchemas());
  for (const Diagnostic& diagnostic : result.diagnostics) {
    ADD_FAILURE() << FormatDiagnostic(diagnostic);
  }
}

// The same files with real providers behind the shipped channel names: front matter is complete.
TEST(ShippedFiles, SuitRealProviders) {
  const std::string root = std::filesystem::absolute(HUITOU_SOURCE_DIR).string() + "/config/";
  const auto file = std::filesystem::temp_directory_path() /
                    ("huitou-shipped" + std::to_string(::getpid()) + ".yaml");
  const std::string text =
      "state: {dir: s}\nshop: " + root + "shop.yaml\ncampaigns: [" + root +
      "campaigns]\ntemplates: " + root +
      "templates\nsources: [{http: {name: api}}]\nchannels:\n"
      "  sms: {provider: aliyun, access_key_secret: env:A}\n"
      "  wechat: {provider: wechat_template}\n  email: {provider: smtp, url: \"smtp://h\"}\n";
  std::ofstream(file) << text;
  const Loaded loaded = LoadAll(file.string(), TestSchemas(), {});
  std::filesystem::remove(file);
  for (const Diagnostic& diagnostic : loaded.diagnostics) {
    ADD_FAILURE() << FormatDiagnostic(diagnostic);
  }
  EXPECT_EQ(loaded.files.size(), 2u);
}

// --- the files of pools

TEST_F(LoaderTest, EveryMistakeInAFileOfCodesIsToldAtItsLineWithoutTheCode) {
  Write("shop.yaml",
        "shop: {name: Demo}\npools:\n  good: {file: pools/good.csv}\n"
        "  empty: {file: pools/empty.csv}\n  bad: {file: pools/bad.csv}\n"
        "  gone: {file: pools/gone.csv}\n");
  Write("pools/good.csv", "A-1\r\n\nA-2");
  Write("pools/empty.csv", "\n\n");
  Write("pools/bad.csv", "A-1\nA-2\nA-1\ncode,value\n" + std::string(256, 'x') + "\n");
  const Loaded loaded = All();
  EXPECT_EQ(loaded.status, LoadStatus::kUnreadable);
  const auto expected = ElementsAre(
      "pools/bad.csv:3:1: error: the code of line 1 again; a code is given once; remove one",
      "pools/bad.csv:4:1: error: not one code alone; a line is one code, without blanks, commas "
      "and quotes",
      "pools/bad.csv:5:1: error: the code is too long; at most 255 characters",
      "pools/empty.csv:1:1: error: no code in the file; one code a line",
      testing::AllOf(testing::StartsWith("shop.yaml:6:16: error: cannot read '"),
                     testing::EndsWith("': No such file or directory; one code a line")));
  EXPECT_THAT(Lines(loaded.diagnostics), expected);
  EXPECT_THAT(Lines(Check({"shop.yaml"}).diagnostics), expected);
}

TEST_F(LoaderTest, AFileOfSomethingElseIsNotToldLineByLine) {
  Write("shop.yaml", "shop: {name: Demo}\npools: {odd: {file: odd.csv}}\n");
  std::string lines;
  for (int i = 0; i < 1000; ++i) {
    lines += "a b\n";
  }
  Write("odd.csv", lines);
  const std::vector<std::string> told = Lines(All().diagnostics);
  ASSERT_EQ(told.size(), limits::kCodeMistakesMax + 1);
  EXPECT_EQ(told.back(),
            "odd.csv:21:1: error: 1000 lines of the file are wrong; the first 20 are told");
}

TEST_F(LoaderTest, TestsAndBacktestsNeedNoFileOfCodes) {
  Write("shop.yaml", "shop: {name: Demo}\npools: {gone: {file: gone.csv}}\n");
  LoadRequest request;
  request.config = Path("huitou.yaml");
  EXPECT_EQ(Load(request, TestSchemas()).status, LoadStatus::kGood);
  EXPECT_EQ(All().status, LoadStatus::kUnreadable);
}

}  // namespace
}  // namespace huitou::config
