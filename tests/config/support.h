// What the config floor's tests share: components like the real ones, and texts checked into the
// lines that a user would see.
#pragma once

#include <string>
#include <vector>

#include "config/campaign_file.h"
#include "config/daemon_config.h"
#include "config/shop_file.h"
#include "config/templates.h"

namespace huitou::config {

// console, file, aliyun, smtp and wechat_template as far as the config sees them.
const ComponentSchemas& TestSchemas();
// console, sms, wechat and email by those providers.
const ChannelSchemas& TestChannels();
// CNY, Asia/Shanghai, a segment `regulars` and a budget `q4` of 100 CNY.
const Shop& TestShop();
// winback and last-call, without variables that may be missing.
const TemplateSet& TestTemplates();

std::vector<std::string> Lines(const Diagnostics& diagnostics);

// A whole file's diagnostics, as "line:col: error: ..." (the file's name is left out).
std::vector<std::string> CampaignMistakes(const std::string& text);
std::vector<std::string> ShopMistakes(const std::string& text);
std::vector<std::string> ConfigMistakes(const std::string& text);

// A good campaign, to which a test adds its mistake.
std::string CampaignWith(const std::string& extra_lines);

}  // namespace huitou::config
