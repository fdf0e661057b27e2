#include "daemon/decode/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "daemon/decode/limits.h"

namespace huitou {
namespace {

// What a text is as JSON writes numbers: whole ones have neither a fraction nor an exponent.
enum class NumberForm { kNone, kWhole, kFraction };

NumberForm FormOf(std::string_view text) {
  size_t at = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      ++at;
    }
    return at - begin;
  };
  const auto next_is = [&](std::string_view any) {
    const bool is = at < text.size() && any.find(text[at]) != std::string_view::npos;
    at += is ? 1 : 0;
    return is;
  };
  const bool zero_first = at < text.size() && text[at] == '0';
  const size_t whole = digits();
  if (whole == 0 || (zero_first && whole > 1)) {
    return NumberForm::kNone;
  }
  const size_t whole_end = at;
  if (next_is(".") && digits() == 0) {
    return NumberForm::kNone;
  }
  if (next_is("eE")) {
    next_is("+-");
    if (digits() == 0) {
      return NumberForm::kNone;
    }
  }
  return at < text.size()  ? NumberForm::kNone
         : at == whole_end ? NumberForm::kWhole
                           : NumberForm::kFraction;
}

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Whether every backslash in a string's raw content begins an escape that JSON knows. If so, what
// simdjson refuses in it are surrogates without their partner.
bool EscapesAreKnown(std::string_view content) {
  for (size_t i = content.find('\\'); i < content.size(); i = content.find('\\', i)) {
    const char escape = i + 1 < content.size() ? content[i + 1] : ' ';
    if (escape == 'u') {
      const std::string_view digits = content.substr(i + 2, 4);
      if (digits.size() < 4 || !std::all_of(digits.begin(), digits.end(), IsHexDigit)) {
        return false;
      }
    } else if (std::string_view("\"\\/bfnrt").find(escape) == std::string_view::npos) {
      return false;
    }
    i += 2;
  }
  return true;
}

}  // namespace

JsonReader::JsonReader(size_t bytes_max, size_t arena_bytes_max) : arena_(arena_bytes_max) {
  CHECK(parser_.allocate(bytes_max) == simdjson::SUCCESS);
}

void JsonReader::ClearReader() {
  arena_.Clear();
  error_ = EventError::kNone;
}

bool JsonReader::Fail(EventError error, std::string_view path) {
  error_ = error;
  path_ = path;
  return false;
}

bool JsonReader::FailJson(simdjson::error_code error) {
  if (error == simdjson::UTF8_ERROR) {
    return Fail(EventError::kBadUtf8, "");
  }
  return Fail(EventError::kBadJson, simdjson::error_message(error));
}

bool JsonReader::Inside(std::string_view name) {
  // What is wrong with the JSON itself has no place in an object.
  if (!name.empty() && error_ != EventError::kBadJson && error_ != EventError::kBadUtf8) {
    const bool joins = path_.empty() || path_[0] == '[';
    path_.insert(0, std::string(name).append(joins ? "" : "."));
  }
  return false;
}

bool JsonReader::ReadEscapedKey(simdjson::ondemand::field& field, std::string_view* key) {
  const char* const raw = field.key().raw();
  if (field.unescaped_key().get(*key) == simdjson::SUCCESS) {
    return true;
  }
  return FailString(raw);
}

bool JsonReader::FailString(const char* content) {
  // It ends at the first quote that no backslash escapes.
  const char* end = content;
  while (*end != '"') {
    end += *end == '\\' ? 2 : 1;
  }
  return EscapesAreKnown({content, static_cast<size_t>(end - content)})
             ? Fail(EventError::kBadUtf8, "unpaired surrogate")
             : Fail(EventError::kBadJson, "unknown escape");
}

bool JsonReader::ReadEscapedString(Value& value, const char* content, std::string_view* out) {
  return value.get_string().get(*out) == simdjson::SUCCESS || FailString(content);
}

std::string_view JsonReader::Token(Value& value) {
  // It reaches up to the next one; this drops the white space between.
  const std::string_view token = value.raw_json_token();
  return token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
}

bool JsonReader::ReadText(Value& value, std::string_view name, size_t bytes_max,
                          std::string_view* out) {
  switch (ReadString(value, out)) {
    case StringRead::kPlain:
    case StringRead::kEscaped:
      return out->size() <= bytes_max || Fail(EventError::kTooLarge, name);
    case StringRead::kNoString:
      return IsNull(value) || Fail(EventError::kBadType, name);
    default:
      return false;
  }
}

bool JsonReader::ReadId(Value& value, std::string_view name, std::string_view* out) {
  const StringRead read = ReadString(value, out);
  if (read == StringRead::kNoString) {
    return IsNull(value) || Fail(EventError::kBadType, name);
  }
  if (read == StringRead::kFailed) {
    return false;
  }
  if (out->size() > limits::kIdBytesMax) {
    return Fail(EventError::kTooLarge, name);
  }
  // JSON lets control characters in only as escapes.
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
  return read == StringRead::kPlain || std::none_of(out->begin(), out->end(), is_control) ||
         Fail(EventError::kBadType, name);
}

bool JsonReader::ReadAmount(Value& value, std::string_view name, std::string_view* out) {
  const std::string_view token = Token(value);
  if (token[0] == '-' || (token[0] >= '0' && token[0] <= '9')) {
    // Checks that it is a number as JSON writes one; its digits count, not the double.
    double rounded = 0;
    if (const auto error = value.get_double().get(rounded); error != simdjson::SUCCESS) {
      return FailJson(error);
    }
    *out = token;
    return true;
  }
  return ReadText(value, name, limits::kWordBytesMax, out);
}

bool JsonReader::ReadInteger(Value& value, std::string_view name, int64_t bound, int64_t* out) {
  int64_t number = 0;
  if (value.get_int64().get(number) != simdjson::SUCCESS) {
    return IsNull(value) || Fail(EventError::kBadType, name);
  }
  if (number < -bound || number > bound) {
    return Fail(EventError::kBadType, name);
  }
  *out = number;
  return true;
}

bool JsonReader::ReadBool(Value& value, std::string_view name, bool* out) {
  bool read = false;
  if (value.get_bool().get(read) != simdjson::SUCCESS) {
    return IsNull(value) || Fail(EventError::kBadType, name);
  }
  *out = read;
  return true;
}

bool JsonReader::ReadValue(Value& value, int depth, bool keep, cel::Value* out) {
  switch (*value.raw_json_token().data()) {
    case '"': {
      std::string_view text;
      if (ReadString(value, &text) == StringRead::kFailed) {
        return false;
      }
      *out = keep ? cel::Value::String(text) : cel::Value();
      return true;
    }
    case '{':
      return ReadMap(value, depth, keep, out);
    case '[':
      return ReadList(value, depth, keep, out);
    case 't':
    case 'f': {
      bool read = false;
      if (const auto error = value.get_bool().get(read); error != simdjson::SUCCESS) {
        return Fail(EventError::kBadJson, "neither true nor false");
      }
      *out = keep ? cel::Value::Bool(read) : cel::Value();
      return true;
    }
    case 'n':
      *out = cel::Value();
      return IsNull(value) || Fail(EventError::kBadJson, "not null");
    default:
      return ReadNumber(value, keep, out);
  }
}

// Not by simdjson's numbers: 3.0 reads 55555555555555557376.0 as 0 (get_number) and
// 0.055555555555555557376 as 0.0002 (get_double).
bool JsonReader::ReadNumber(Value& value, bool keep, cel::Value* out) {
  const std::string_view token = Token(value);
  const char* const end = token.data() + token.size();
  const NumberForm form = FormOf(token);
  int64_t whole = 0;
  double rounded = 0;
  if (form == NumberForm::kWhole && std::from_chars(token.data(), end, whole).ec == std::errc()) {
    *out = keep ? cel::Value::Int(whole) : cel::Value();
    return true;
  }
  // An integer past 64 bits is a double like any other. One out of a double's range is asked of
  // simdjson, which tells too large (refused) from too small (zero).
  const bool read =
      form != NumberForm::kNone && (std::from_chars(token.data(), end, rounded).ec == std::errc() ||
                                    value.get_double().get(rounded) == simdjson::SUCCESS);
  *out = keep && read ? cel::Value::Double(rounded) : cel::Value();
  return read || Fail(EventError::kBadJson, "not a number");
}

bool JsonReader::Kept(const cel::Value& made, cel::Value* out) {
  *out = made;
  return !made.is_error() || Fail(EventError::kTooLarge, "");
}

bool JsonReader::ReadList(Value& value, int depth, bool keep, cel::Value* out) {
  if (depth == limits::kAttributeDepthMax) {
    return Fail(EventError::kTooLarge, "");
  }
  std::vector<cel::Value> items;
  const bool ok = EachElementOf(value, "", limits::kEventBytesMax, [&](Value& element) {
    cel::Value item;
    if (!ReadValue(element, depth + 1, keep, &item)) {
      return false;
    }
    if (keep) {
      items.push_back(item);
    }
    return true;
  });
  if (!ok || !keep) {
    *out = cel::Value();
    return ok;
  }
  return Kept(cel::MakeList(std::move(items), arena_), out);
}

bool JsonReader::ReadMap(Value& value, int depth, bool keep, cel::Value* out) {
  if (depth == limits::kAttributeDepthMax) {
    return Fail(EventError::kTooLarge, "");
  }
  Entries entries;
  const bool ok = EachFieldOf(value, "", [&](std::string_view key, Value& member) {
    cel::Value read;
    if (!ReadValue(member, depth + 1, keep, &read)) {
      return Inside(key);
    }
    if (keep) {
      entries.emplace_back(cel::Value::String(key), read);
    }
    return true;
  });
  if (!ok || !keep) {
    *out = cel::Value();
    return ok;
  }
  return Kept(cel::MakeMap(std::move(entries), arena_), out);
}

bool JsonReader::ReadAttribute(std::string_view key, Value& value, bool keep, Entries* entries) {
  cel::Value read;
  if (!ReadValue(value, 1, keep, &read)) {
    return Inside(key);
  }
  if (keep) {
    entries->emplace_back(cel::Value::String(key), read);
  }
  return true;
}

bool JsonReader::CloseAttributes(Entries* entries, cel::Value* out) {
  if (entries->empty()) {
    *out = cel::Value();
    return true;
  }
  const bool ok = Kept(cel::MakeMap(std::move(*entries), arena_), out);
  entries->clear();
  return ok;
}

}  // namespace huitou
