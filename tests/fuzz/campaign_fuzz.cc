// Any bytes as a campaign, shop or config file, and as a template: every mistake is a diagnostic
// with a place inside the text, never an exception or a crash.
#include <cstdint>
#include <string>

#include "config/campaign_tests.h"
#include "config/daemon_config.h"
#include "config/shop_file.h"
#include "config/templates.h"
#include "triggers/base/check.h"

using namespace huitou;          // NOLINT(google-build-using-namespace)
using namespace huitou::config;  // NOLINT(google-build-using-namespace)

namespace {

const ComponentSchemas& Schemas() {
  static const ComponentSchemas schemas = [] {
    ComponentSchemas made;
    made.channels.emplace_back().schema.name = "console";
    ComponentSchema& sms = made.channels.emplace_back().schema;
    sms.name = "aliyun";
    sms.required_fields = {"code"};
    sms.settings = {{"key", SettingType::kSecret, true, "", {}, ""},
                    {"url", SettingType::kUrl, false, "", {}, ""},
                    {"rate", SettingType::kRate, false, "", {}, ""}};
    made.coupons.emplace_back().name = "local";
    return made;
  }();
  return schemas;
}

void CheckPlaces(const Diagnostics& diagnostics, size_t bytes) {
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
    CHECK(diagnostic.line >= 0 && diagnostic.column >= 0);
    CHECK(static_cast<size_t>(diagnostic.line) <= bytes + 1);
    CHECK(static_cast<size_t>(diagnostic.column) <= bytes + 1);
    CHECK(!FormatDiagnostic(diagnostic).empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  static const ChannelSchemas channels = {{"console", &Schemas().channels[0].schema},
                                          {"sms", &Schemas().channels[1].schema}};
  Diagnostics of_templates;
  TemplateSet templates("zh-CN");
  templates.Add("t/winback.mustache", text, &channels, &of_templates);
  templates.Render("winback", "en", "sms", {{"name", "Li"}, {"coupon.value", "50"}});
  CheckPlaces(of_templates, size);

  Diagnostics diagnostics;
  const auto document = Document::Parse("f.yaml", text, &diagnostics);
  if (document != nullptr) {
    Shop shop;
    ParseShop(*document, &channels, &shop, &diagnostics);
    const CampaignContext context{.shop = shop, .channels = &channels, .templates = &templates};
    const ParsedCampaign parsed = ParseCampaign(*document, context, &diagnostics);
    ParseCampaignTests(*document, context, parsed.campaign.get(), &diagnostics);
    DaemonConfig config;
    ParseDaemonConfig(*document, Schemas(), {}, &config, &diagnostics);
  }
  CheckPlaces(diagnostics, size);
  return 0;
}
