#include "tests/config/support.h"

#include <utility>

#include "config/campaign_tests.h"
#include "triggers/base/check.h"
#include "triggers/vocabulary.h"

namespace huitou::config {
namespace {

ComponentSchemas MakeSchemas() {
  const auto channel = [](std::string name, Address address, std::vector<std::string> required,
                          std::vector<std::string> optional, std::vector<Setting> settings) {
    ComponentSchemas::Channel made;
    made.schema.name = std::move(name);
    made.schema.help = "For tests";
    made.schema.address = address;
    made.schema.required_fields = std::move(required);
    made.schema.optional_fields = std::move(optional);
    made.schema.settings = std::move(settings);
    return made;
  };
  ComponentSchemas schemas;
  schemas.channels = {
      channel("console", Address::kNone, {}, {"*"}, {}),
      channel("file", Address::kNone, {}, {"*"}, {{"path", SettingType::kPath, true, "", {}, "p"}}),
      channel("aliyun", Address::kPhone, {"code"}, {"param.*"},
              {{"access_key_secret", SettingType::kSecret, true, "", {}, "s"},
               {"region", SettingType::kEnum, false, "cn", {"cn", "sg"}, "r"},
               {"retries", SettingType::kInteger, false, "", {}, "n"}}),
      channel("smtp", Address::kEmail, {"subject"}, {"content_type"},
              {{"url", SettingType::kUrl, true, "", {}, "u"}}),
      channel("wechat_template", Address::kWechatOpenid, {"template_id"}, {"data.*"}, {}),
  };
  schemas.channels[3].promises = {"at_least_once"};
  schemas.channels[3].schema.html = true;
  schemas.channels[3].schema.advise =
      [](const Settings& settings) -> std::optional<ComponentSchema::Advice> {
    if (settings.Get("url") != "smtp://slow") {
      return std::nullopt;
    }
    return ComponentSchema::Advice{"is slow", "take a faster one"};
  };
  ComponentSchema local;
  local.name = "local";
  ComponentSchema http;
  http.name = "http";
  http.settings = {{"url", SettingType::kUrl, true, "", {}, "u"}};
  schemas.coupons = {local, http};
  return schemas;
}

Shop MakeShop() {
  Shop shop = DefaultShop();
  shop.budgets["q4"] = {{10'000, shop.currency}, CampaignLimits::Period::kTotal};
  shop.pools["winback-50"] = {"pools/winback-50.csv", 1000};
  shop.segments["regulars"] = cel::Compile("customer.orders >= 3", ShopEnvironment()).program;
  return shop;
}

TemplateSet MakeTemplates() {
  TemplateSet templates("zh-CN");
  Diagnostics diagnostics;
  const auto add = [&](const std::string& path, const std::string& text) {
    templates.Add(path, text, &TestChannels(), &diagnostics);
  };
  add("t/winback.mustache", "hello");
  add("t/winback.sms.mustache", "---\ncode: SMS_1\n---\nhello");
  add("t/winback.email.mustache", "---\nsubject: hello\n---\nhello");
  add("t/winback.wechat.mustache", "---\ntemplate_id: W1\n---\nhello");
  add("t/last-call.sms.mustache", "---\ncode: SMS_2\n---\nhello");
  add("t/named.console.mustache", "hello {{name}}");
  CHECK(diagnostics.Sorted().empty());
  return templates;
}

std::vector<std::string> WithoutFile(const Diagnostics& diagnostics) {
  std::vector<std::string> lines = Lines(diagnostics);
  for (std::string& line : lines) {
    if (line.starts_with("f.yaml:")) {
      line.erase(0, 7);
    }
  }
  return lines;
}

}  // namespace

const ComponentSchemas& TestSchemas() {
  static const ComponentSchemas schemas = MakeSchemas();
  return schemas;
}

const ChannelSchemas& TestChannels() {
  static const ChannelSchemas channels = {
      {"console", &TestSchemas().FindChannel("console")->schema},
      {"sms", &TestSchemas().FindChannel("aliyun")->schema},
      {"wechat", &TestSchemas().FindChannel("wechat_template")->schema},
      {"email", &TestSchemas().FindChannel("smtp")->schema}};
  return channels;
}

const Shop& TestShop() {
  static const Shop shop = MakeShop();
  return shop;
}

const TemplateSet& TestTemplates() {
  static const TemplateSet templates = MakeTemplates();
  return templates;
}

std::vector<std::string> Lines(const Diagnostics& diagnostics) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
    lines.push_back(FormatDiagnostic(diagnostic));
  }
  return lines;
}

std::vector<std::string> CampaignMistakes(const std::string& text) {
  Diagnostics diagnostics;
  if (const auto document = Document::Parse("f.yaml", text, &diagnostics)) {
    const CampaignContext context{
        .shop = TestShop(), .channels = &TestChannels(), .templates = &TestTemplates()};
    const ParsedCampaign parsed = ParseCampaign(*document, context, &diagnostics);
    ParseCampaignTests(*document, context, parsed.campaign.get(), &diagnostics);
  }
  return WithoutFile(diagnostics);
}

std::vector<std::string> ShopMistakes(const std::string& text) {
  Diagnostics diagnostics;
  if (const auto document = Document::Parse("f.yaml", text, &diagnostics)) {
    Shop shop;
    ParseShop(*document, &TestChannels(), &shop, &diagnostics);
  }
  return WithoutFile(diagnostics);
}

std::vector<std::string> ConfigMistakes(const std::string& text) {
  Diagnostics diagnostics;
  if (const auto document = Document::Parse("f.yaml", text, &diagnostics)) {
    DaemonConfig config;
    const Secrets secrets{[](const std::string&) -> Result<std::string> {
      return Status(StatusCode::kNotFound, "it is not set");
    }};
    ParseDaemonConfig(*document, TestSchemas(), secrets, &config, &diagnostics);
  }
  return WithoutFile(diagnostics);
}

std::string CampaignWith(const std::string& extra_lines) {
  return "campaign: winback\n"
         "trigger: {event: order.paid}\n"
         "steps: [{send: {template: winback, via: [sms]}}]\n" +
         extra_lines;
}

}  // namespace huitou::config
