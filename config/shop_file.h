// The shop file: YAML to a checked huitou::Shop (contracts.md section 5). Pure; any thread.
//
// Example:
//   if (ParseShop(*document, &channels, &shop, &diagnostics)) Use(shop);
#pragma once

#include "config/campaign_file.h"
#include "config/diagnostic.h"
#include "config/table.h"
#include "config/yaml.h"
#include "triggers/shop.h"

namespace huitou::config {

// False when there were errors; `shop` then holds what could be read, and defaults. `channels`
// (null when not known) are the names that caps and consents may use.
bool ParseShop(const Document& document, const ChannelSchemas* channels, Shop* shop,
               Diagnostics* diagnostics);

// The shop that is there without a file.
Shop DefaultShop();

const Table& ShopFileTable();
const Table& ShopTable();
const Table& TiersTable();
const Table& TierLevelTable();
const Table& CapTable();
const Table& QuietHoursTable();
const Table& BudgetTable();

}  // namespace huitou::config
