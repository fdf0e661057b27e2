// The shop file: YAML to a checked huitou::Shop (contracts.md section 5). Pure; any thread.
//
// Example:
//   if (ParseShop(*document, &channels, &shop, &diagnostics)) Use(shop);
#pragma once

#include <string>
#include <vector>

#include "config/campaign_file.h"
#include "config/diagnostic.h"
#include "config/table.h"
#include "config/yaml.h"
#include "triggers/shop.h"

namespace huitou::config {

// A file that the shop file names, and where.
struct NamedFile {
  std::string path;
  Place place;
};

// False when there were errors; `shop` then holds what could be read, and defaults. `channels`
// (null when not known) are the names that caps and consents may use. Files of codes are not read,
// but named in `code_files` where that is not null.
bool ParseShop(const Document& document, const ChannelSchemas* channels, Shop* shop,
               Diagnostics* diagnostics, std::vector<NamedFile>* code_files = nullptr);

// The shop that is there without a file.
Shop DefaultShop();

const Table& ShopFileTable();
const Table& ShopTable();
const Table& TiersTable();
const Table& TierLevelTable();
const Table& CapTable();
const Table& QuietHoursTable();
const Table& BudgetTable();
const Table& PoolTable();

}  // namespace huitou::config
