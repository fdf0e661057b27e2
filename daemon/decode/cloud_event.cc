#include "daemon/decode/cloud_event.h"

#include <simdjson.h>

#include <algorithm>

#include "channels/crypto.h"
#include "daemon/decode/limits.h"

namespace huitou {
namespace {

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string CloudAttribute(std::string_view header) {
  std::string name(header);
  std::transform(name.begin(), name.end(), name.begin(), Lower);
  const bool is_cloud = name.starts_with("ce_") || name.starts_with("ce-");
  return is_cloud ? name.substr(3) : std::string();
}

EventError InlineData(std::string_view json, const EncodedData& data, std::string* out) {
  // JSON may write '/', a digit of base64, as "\/".
  std::string digits(data.value.substr(1, data.value.size() - 2));
  std::erase(digits, '\\');
  const std::optional<std::string> plain = channels::FromBase64(digits);
  if (!plain) {
    return EventError::kBadType;
  }
  // One whole text of JSON, so that it cannot reach into the envelope.
  simdjson::dom::parser parser;
  simdjson::dom::element parsed;
  if (const auto error = parser.parse(*plain).get(parsed); error != simdjson::SUCCESS) {
    return error == simdjson::UTF8_ERROR ? EventError::kBadUtf8 : EventError::kBadJson;
  }
  const auto key_begin = static_cast<size_t>(data.key.data() - json.data());
  const auto value_end = static_cast<size_t>(data.value.data() + data.value.size() - json.data());
  out->assign(json.substr(0, key_begin)).append("data\":").append(*plain);
  out->append(json.substr(value_end));
  return out->size() > limits::kEventBytesMax ? EventError::kTooLarge : EventError::kNone;
}

}  // namespace huitou
