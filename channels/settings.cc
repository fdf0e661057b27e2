#include "channels/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "channels/limits.h"

namespace huitou::channels {

Status Invalid(std::string message) {
  return {StatusCode::kInvalid, std::move(message)};
}

Status CheckPlainWord(const config::Settings& settings, const std::string& name) {
  const std::string value = settings.Get(name);
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(),
                                                   [](char c) { return c > ' ' && c <= '~'; });
  return plain ? Status::Ok() : Invalid(name + ": missing, or with blanks in it");
}

Result<Url> ReadEndpoint(const config::Settings& settings, std::string_view fallback) {
  std::string text = settings.Get("endpoint");
  if (text.empty()) {
    text = fallback;
  }
  if (Status status = CheckHttpUrl("endpoint", text); !status.ok()) {
    return status;
  }
  const std::optional<Url> url = ParseUrl(text);
  if ((url->path != "" && url->path != "/") || !url->query.empty()) {
    return Invalid("endpoint: has more than a scheme and a host; leave path and query out");
  }
  return *url;
}

std::string OriginOf(const Url& url) {
  return url.scheme + "://" + url.authority;
}

Result<size_t> ReadBatch(const config::Settings& settings, size_t most) {
  const std::string text = settings.Get("batch");
  if (text.empty()) {
    return most;
  }
  size_t batch = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), batch);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && batch >= 1 && batch <= most
             ? Result<size_t>(batch)
             : Invalid(fmt::format("batch: not a number from 1 to {}", most));
}

config::Setting BatchSetting(size_t most, std::string_view help) {
  return {.name = "batch",
          .type = config::SettingType::kInteger,
          .default_value = std::to_string(most),
          .help = std::string(help)};
}

Status CheckCallbackToken(const config::Settings& settings) {
  const size_t size = settings.Get("callback_token").size();
  return size == 0 || size >= limits::kCallbackTokenBytesMin
             ? Status::Ok()
             : Invalid(
                   "callback_token: shorter than 16 bytes; make one with: openssl rand -hex 16");
}

config::Setting CallbackTokenSetting() {
  return {.name = "callback_token",
          .type = config::SettingType::kSecret,
          .help =
              "At least 16 bytes; receipts and replies are believed only from "
              "`/v1/callbacks/<channel>?token=<this>`, which is what to enter in the console."};
}

}  // namespace huitou::channels
