// Checks of settings that several providers have. What is wrong names the setting and how to mend
// it, never the value. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "channels/url.h"
#include "config/schema.h"
#include "triggers/base/status.h"

namespace huitou::channels {

Status Invalid(std::string message);

// A key or an id, as it stands in a header: not empty, no blanks, ASCII.
Status CheckPlainWord(const config::Settings& settings, const std::string& name);

// The setting `endpoint`, a scheme and a host; `fallback` where there is none.
Result<Url> ReadEndpoint(const config::Settings& settings, std::string_view fallback);
// "https://host:port"
std::string OriginOf(const Url& url);

// The setting `batch`, from 1 to `most`, which is also its default.
Result<size_t> ReadBatch(const config::Settings& settings, size_t most);
config::Setting BatchSetting(size_t most, std::string_view help);

// The setting `callback_token`, which stands in a callback's URL where the provider signs nothing.
Status CheckCallbackToken(const config::Settings& settings);
config::Setting CallbackTokenSetting();

}  // namespace huitou::channels
