// What a program of the shop's own is told of a message, as JSON: the webhook's data, a record's
// value. Pure; any thread.
#pragma once

#include "channels/channel.h"
#include "triggers/base/json.h"

namespace huitou::channels {

// {dispatch, customer, channel, template, locale, fields, text; for the caller to add to and close.
JsonObject DataOf(const Message& message);

}  // namespace huitou::channels
