// What a program of the shop's own is told of a message, as JSON: the webhook's data, a record's
// value, a file's line. Pure; any thread.
#pragma once

#include <string>

#include "channels/channel.h"
#include "triggers/base/json.h"

namespace huitou::channels {

// The front matter's fields, as a JSON object.
std::string FieldsOf(const Message& message);

// {dispatch, customer, channel, template, locale, fields, text; for the caller to add to and close.
JsonObject DataOf(const Message& message);

}  // namespace huitou::channels
