// Reads JSON once from front to back and remembers the first thing that is wrong with it: the part
// of the event decoder that knows simdjson but no events. For this folder's .cc files only.
//
// Readers return false once an error is set; the path of the field then grows outwards, each
// enclosing object putting its name in front (Inside).
#pragma once

#include <simdjson.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "triggers/cel/value.h"
#include "triggers/event.h"

namespace huitou {

// FindQuoteOrBackslash takes the first byte in memory for the lowest of a word.
static_assert(std::endian::native == std::endian::little);

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

  // The text of a scalar, a string's with its quotes.
  static std::string_view Token(Value& value);

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
      if (result.error() != simdjson::SUCCESS) {
        return FailJson(result.error());
      }
      // Not get(): copying a field costs as much as reading it.
      simdjson::ondemand::field&& field = std::move(result).value_unsafe();
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
      if (result.error() != simdjson::SUCCESS) {
        return FailJson(result.error());
      }
      Value&& element = std::move(result).value_unsafe();
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
    const char* const start = field.key().raw();
    const char* const end = FindQuoteOrBackslash(start);
    *key = {start, static_cast<size_t>(end - start)};
    return *end == '"' || ReadEscapedKey(field, key);
  }
  // Eight bytes at a time; the padding lets it look past the end of the text, where simdjson has
  // already seen that every string is closed.
  static const char* FindQuoteOrBackslash(const char* p) {
    constexpr uint64_t kOnes = 0x0101010101010101;
    for (;; p += sizeof(uint64_t)) {
      uint64_t word = 0;
      std::memcpy(&word, p, sizeof word);
      // A byte that becomes zero borrows from its top bit; the lowest such byte is exact.
      const uint64_t quotes = word ^ kOnes * '"';
      const uint64_t slashes = word ^ kOnes * '\\';
      const uint64_t found =
          (((quotes - kOnes) & ~quotes) | ((slashes - kOnes) & ~slashes)) & (kOnes << 7);
      if (found != 0) {
        return p + std::countr_zero(found) / 8;
      }
    }
  }
  bool ReadEscapedKey(simdjson::ondemand::field& field, std::string_view* key);
  enum class StringRead { kPlain, kEscaped, kNoString, kFailed };
  // A string without escapes is a view into the input.
  StringRead ReadString(Value& value, std::string_view* out) {
    simdjson::ondemand::raw_json_string raw;
    if (value.get_raw_json_string().get(raw) != simdjson::SUCCESS) {
      return StringRead::kNoString;
    }
    const char* const start = raw.raw();
    const char* const end = FindQuoteOrBackslash(start);
    if (*end == '\\') {
      return ReadEscapedString(value, start, out) ? StringRead::kEscaped : StringRead::kFailed;
    }
    *out = {start, static_cast<size_t>(end - start)};
    return StringRead::kPlain;
  }
  bool ReadEscapedString(Value& value, const char* content, std::string_view* out);
  bool FailString(const char* content);
  bool ReadNumber(Value& value, bool keep, cel::Value* out);
  bool ReadList(Value& value, int depth, bool keep, cel::Value* out);
  bool ReadMap(Value& value, int depth, bool keep, cel::Value* out);
  bool Kept(const cel::Value& made, cel::Value* out);

  EventError error_ = EventError::kNone;
  std::string path_;
};

}  // namespace huitou
