// The reference pages of the configuration, written from the tables that it is read by, so that
// they cannot fall behind. Pure; any thread.
//
// Example: WriteFile("docs/reference/shop.md", ShopReference());
#pragma once

#include <string>

namespace huitou::config {

std::string CampaignReference();
std::string ShopReference();
// Without the providers' own keys: those are in docs/reference/channels/.
std::string ConfigReference();

}  // namespace huitou::config
