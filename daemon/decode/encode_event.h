// Events as canonical JSON, one line each: for the embedded log, emits, dead letters and exports.
// Pure; any thread.
//
// What EncodeEvent writes, EventDecoder reads back as the same event (but for the customer's
// fingerprint, which is of the text), and writing that again gives the same bytes: fields in the
// contract's order, amounts with their currency's digits, times in UTC, attributes last.
#pragma once

#include <string>

#include "triggers/event.h"

namespace huitou {

// Appends the event without a newline. Amounts of `coupon` are in the shop's `currency`.
void EncodeEvent(const Event& event, Currency currency, std::string* out);

// Appends an attribute's value: whole doubles with a point, so that they stay doubles.
void EncodeValue(const cel::Value& value, std::string* out);

}  // namespace huitou
