// JSON Schema (2020-12) of the files, for editors: written from the tables that they are read by.
// What only Huitou itself can check (conditions, references between files) is text there. Pure.
//
// Example: std::string schema = CampaignSchema();
#pragma once

#include <string>

#include "config/daemon_config.h"

namespace huitou::config {

std::string CampaignSchema();
std::string ShopSchema();
std::string ConfigSchema(const ComponentSchemas& schemas);
// Of an event's JSON (contracts.md section 2).
std::string EventSchema();

}  // namespace huitou::config
