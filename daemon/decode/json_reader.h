// Reads JSON once from front to back and remembers the first thing that is wrong with it: the part
// of the event decoder that knows simdjson but no events. For this folder's .cc files only.
//
// Readers return false once an error is set; the path of the field then grows outwards, each
// enclosing object putting its name in front (Inside).
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "triggers/cel/value.h"
#include "triggers/event.h"

namespace huitou {

class JsonReader {
 protected:
  using Value = simdjson::ondemand::value;
  using Entries = std::vector<std::pair<cel::Value, cel::Value>>;

  explicit JsonReader(size_t bytes_max, size_t arena_bytes_max);

  void ClearReader();
  bool Fail(EventError error, std::string_view path);
  bool FailJson(simdjson::error_code error);
  bool Inside(std::string_view name);
  EventError error() const { return error_; }
  const std::string& path() const { return path_; }

  static bool IsNull(Value& value) {
    return *value.raw_json_token().data() == 'n' && value.is_null().value_unsafe();
  }

  // A null leaves the target as it is. Texts point into the input, or into the parser's buffer
  // where they had escapes.
  bool ReadText(Value& value, std::string_view name, size_t bytes_max, std::string_view* out);
  // An id: not too long, no control characters.
  bool ReadId(Value& value, std::string_view name, std::string_view* out);
  // A decimal as text, from a string or from a number's digits; not parsed yet.
  bool ReadAmount(Value& value, std::string_view name, std::string_view* out);
  // A whole number in [-bound, bound].
  bool ReadInteger(Value& value, std::string_view name, int64_t bound, int64_t* out);
  bool ReadBool(Value& value, std::string_view name, bool* out);

  // Any JSON as a cel::Value; checked but null when it is not to be kept.
  bool ReadValue(Value& value, int depth, bool keep, cel::Value* out);
  // The same as an entry of attributes.
  bool ReadAttribute(std::string_view key, Value& value, bool keep, Entries* entries);
  // The entries as a map, null when there are none; clears them.
  bool CloseAttributes(Entries* entries, cel::Value* out);

  // Calls `read(key, value)` for each field of an object.
  template <typename Read>
  bool EachField(simdjson::ondemand::object object, Read&& read) {
    for (auto result : object) {
      simdjson::ondemand::field field;
      if (const auto error = std::move(result).get(field); error != simdjson::SUCCESS) {
        return FailJson(error);
      }
      std::string_view key;
      if (!ReadKey(field, &key) || !read(key, field.value())) {
        return false;
      }
    }
    return true;
  }

  // The same for the field `name`, which must be an object.
  template <typename Read>
  bool EachFieldOf(Value& value, std::string_view name, Read&& read) {
    simdjson::ondemand::object object;
    if (const auto error = value.get_object().get(object); error != simdjson::SUCCESS) {
      return error == simdjson::INCORRECT_TYPE ? Fail(EventError::kBadType, name) : FailJson(error);
    }
    return EachField(object, read) || Inside(name);
  }

  // Calls `read(element)` for each element of the field `name`, which must be an array of at most
  // `elements_max`.
  template <typename Read>
  bool EachElementOf(Value& value, std::string_view name, size_t elements_max, Read&& read) {
    simdjson::ondemand::array array;
    if (const auto error = value.get_array().get(array); error != simdjson::SUCCESS) {
      return error == simdjson::INCORRECT_TYPE ? Fail(EventError::kBadType, name) : FailJson(error);
    }
    size_t index = 0;
    for (auto result : array) {
      Value element;
      if (const auto error = std::move(result).get(element); error != simdjson::SUCCESS) {
        return FailJson(error);
      }
      if (index == elements_max) {
        return Fail(EventError::kTooLarge, name);
      }
      if (!read(element)) {
        return Inside(std::string(name).append("[").append(std::to_string(index)).append("]"));
      }
      ++index;
    }
    return true;
  }

  simdjson::ondemand::parser parser_;
  cel::Arena arena_;

 private:
  bool ReadKey(simdjson::ondemand::field& field, std::string_view* key) {
    // Almost every key is plain, so that it ends at the next quote.
    const char* const start = field.key().raw();
    const char* end = start;
    while (*end != '"' && *end != '\\') {
      ++end;
    }
    *key = {start, static_cast<size_t>(end - start)};
    return *end == '"' || ReadEscapedKey(field, key);
  }
  bool ReadEscapedKey(simdjson::ondemand::field& field, std::string_view* key);
  bool ReadString(Value& value, std::string_view* out, bool* has_escapes);
  bool FailString(std::string_view content);
  bool ReadNumber(Value& value, bool keep, cel::Value* out);
  bool ReadList(Value& value, int depth, bool keep, cel::Value* out);
  bool ReadMap(Value& value, int depth, bool keep, cel::Value* out);
  bool Kept(const cel::Value& made, cel::Value* out);

  EventError error_ = EventError::kNone;
  std::string path_;
};

}  // namespace huitou
