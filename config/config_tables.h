// The keys of the config file, one table per map (contracts.md section 6). Constant data.
#pragma once

#include "config/table.h"

namespace huitou::config {

const Table& ConfigTable();
const Table& StateTable();
const Table& SourceTable();
const Table& KafkaSourceTable();
const Table& HttpSourceTable();
const Table& FileSourceTable();
const Table& MapFieldTable();
// The keys that every channel has; its provider adds others.
const Table& ChannelTable();
const Table& CouponProviderTable();
const Table& SinksTable();
const Table& SinkTable();
const Table& KafkaSinkTable();
const Table& FileSinkTable();
const Table& HttpTable();
const Table& PublicTable();
const Table& TlsTable();
const Table& LogTable();

}  // namespace huitou::config
