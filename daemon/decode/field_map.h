// `map:` of a source: where a shop's own JSON has the fields of the contract. The config fills the
// struct; MapToContract rewrites one record as contract JSON, which the decoder then reads and
// checks like any other. Pure; any thread.
//
// The YAML that the config parses, key by key:
//   map:
//     id: /webhook_id                                # a JSON Pointer (RFC 6901)
//     type: {from: /status, table: {paid: order.paid, sent: order.shipped, draft: ""}, other: x.y}
//     time: {from: /created_at, zone: Asia/Shanghai} # or {from: /ts, unit: s} (or ms)
//     customer.id: /buyer/id                         # numbers become text
//     customer.locale: {value: zh-CN}                # a constant; with `from`, where that is
//     absent order.id: /no order.total: {from: /fee, minor: true}         # an integer in minor
//     units order.items: {from: /lines, sku: /code, category: /cat, quantity: /n, price: /price}
//     order.channel: /channel                        # unknown names become attributes
//
// A target is a name, or an object's name and a field's ("customer.phone"). What a pointer does not
// find, or finds null, is left out, and so is what the table makes "". A type of the table's "" is
// a record that says nothing (kTombstone). What is not in the table is `other`, or kBadType where
// there is none. An integer past 64 bits is the text of its digits: ids need them all.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "triggers/base/civil_time.h"
#include "triggers/event.h"

namespace huitou {

enum class TimeUnit { kText, kSeconds, kMilliseconds };

// Where one field comes from.
struct FieldSource {
  std::string pointer;               // empty: `constant` alone
  std::optional<std::string> value;  // a constant, as text
  std::map<std::string, std::string> table;
  std::optional<std::string> other;  // for texts that are not in a table
  std::optional<Zone> zone;          // of texts without an offset
  TimeUnit unit = TimeUnit::kText;   // of `time`
  bool minor = false;                // of amounts: already in minor units
};

struct FieldMap {
  // By target: "id", "customer.id", "order.total", ... but for order.items.
  std::map<std::string, FieldSource> fields;
  // The pointer to the array of items; empty for none. Their fields by name ("sku", "price"), with
  // pointers that begin at the item.
  std::string items_pointer;
  std::map<std::string, FieldSource> item_fields;
  // Of amounts in minor units: the shop's, or the one that order.currency names.
  Currency currency;
};

// Whether `pointer` is a JSON Pointer: "" or parts that each begin with '/'; '~' only in ~0 and ~1.
bool IsJsonPointer(std::string_view pointer);

// Writes contract JSON into `*out`. On an error `*detail` is the target's path.
EventError MapToContract(std::string_view json, const FieldMap& map, std::string* out,
                         std::string* detail);

// A time without an offset ("2026-11-11 08:03:12", 'T' or a space, a fraction or none) on a wall of
// `zone`; one with an offset as it says.
std::optional<TimeUs> ParseTimeInZone(std::string_view text, const Zone& zone);

}  // namespace huitou
