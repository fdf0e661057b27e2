// From JSON to an Event (contracts.md section 2), in one pass. One decoder per thread: it keeps
// its parser, buffer and arena, so that an event without unknown fields allocates nothing.
//
// Example:
//   EventDecoder decoder;
//   Event event;
//   std::string detail;
//   const EventError error = decoder.Decode(line, {.currency = shop}, &event, &detail);
//   if (error != EventError::kNone) DeadLetter(ToString(error), detail);  // "bad_type",
//   "order.total"
//
// What the contract leaves open is decided so:
// - A field that is null is unsaid, as if it were missing. A repeated key: the last one wins.
// - Ids and texts are JSON strings. Amounts are decimal strings or plain JSON numbers (taken by
//   their digits, never through a double), negative ones included (credit notes).
// - quantity, rating and credits are whole JSON numbers.
// - Fields that the contract does not name become attributes of their object: whole numbers as
//   int, others as double.
// - The objects `consent`, `coupon` and `message` are read into the Event when its type begins with
//   consent. or channel., coupon., message.; for other types they are attributes. When they say
//   more than the contract names, the whole object is kept as an attribute as well.
// - Birthdays, locales, zones and addresses are taken as they are: an order is not lost for them.
// - A CloudEvent says `specversion`: id, type and time then come from the envelope (from `data`
//   where the envelope has none), the rest from `data`; `source` and extensions are attributes.
// - kFuture is for the caller, who has the clock.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "triggers/event.h"

namespace huitou {

struct FieldMap;

struct DecodeOptions {
  Currency currency;  // of amounts without one: the shop's
  // Of phone numbers without their country's code: the shop's, ISO 3166. They become E.164.
  std::string country = "CN";
  // Off: attributes stay null (but are checked all the same). For runs where nothing reads them.
  bool keep_attributes = true;
  // Off: of the customer's fields only the id is kept, likewise.
  bool keep_profile = true;
};

// Bytes that must be readable behind a text given to DecodePadded.
inline constexpr size_t kJsonPaddingBytes = 64;

using Header = std::pair<std::string_view, std::string_view>;

class EventDecoder {
 public:
  EventDecoder();
  ~EventDecoder();
  EventDecoder(const EventDecoder&) = delete;
  EventDecoder& operator=(const EventDecoder&) = delete;

  // On kNone `*out` is the event, its views valid until the next call. Otherwise `*detail` is the
  // path of the field at fault ("order.items[3].price") or what is wrong with the JSON; it never
  // holds a value.
  //
  // customer.fingerprint is a hash of the customer object's text, 0 when that says only an id:
  // equal fingerprints of one customer mean equal fields, different ones may.
  EventError Decode(std::string_view json, const DecodeOptions& options, Event* out,
                    std::string* detail);
  // The same without a copy: kJsonPaddingBytes behind `json` are readable, and it outlives the
  // event. What the padding holds does not matter.
  EventError DecodePadded(std::string_view json, const DecodeOptions& options, Event* out,
                          std::string* detail);
  // With a record's headers: ce_id, ce_type, ce_time (or ce-id, ..., in any case) make it a
  // CloudEvent in binary mode, of which `json` is the data. Without ce_specversion the same as
  // Decode.
  EventError DecodeBinary(std::string_view json, std::span<const Header> headers,
                          const DecodeOptions& options, Event* out, std::string* detail);
  // A shop's own JSON by its `map:`; the paths in `*detail` are the contract's. Slower: some 5 us.
  EventError DecodeMapped(std::string_view json, const FieldMap& map, const DecodeOptions& options,
                          Event* out, std::string* detail);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace huitou
