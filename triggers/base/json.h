// Writes JSON: the one place that escapes. Reading is simdjson's work, on higher floors.
// Pure; any thread.
//
// Example:
//   JsonObject object;
//   object.Add("code", "SMS_1").AddRaw("data", inner.Close());
//   object.Close();  // {"code":"SMS_1","data":{}}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace huitou {

// Appends `text` with its quotes. Bytes that are not UTF-8 become U+FFFD, so that what leaves is
// always JSON.
void AppendJsonString(std::string* out, std::string_view text);

// Builds one object, keys in the order of the calls, no space anywhere.
class JsonObject {
 public:
  JsonObject& Add(std::string_view key, std::string_view text);
  JsonObject& AddInteger(std::string_view key, int64_t value);
  JsonObject& AddBoolean(std::string_view key, bool value);
  // `json` is a value already.
  JsonObject& AddRaw(std::string_view key, std::string_view json);
  // Without the key when `text` is empty.
  JsonObject& AddIfAny(std::string_view key, std::string_view text);
  // The whole object; call once, last.
  std::string Close();

 private:
  void Key(std::string_view key);
  std::string json_ = "{";
};

}  // namespace huitou
