#include "triggers/base/json.h"

#include <array>
#include <utility>

#include "triggers/base/text.h"

namespace huitou {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The length of the UTF-8 sequence that `lead` opens; 0 for a byte that opens none.
size_t SequenceLength(unsigned char lead) {
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead < 0xE0) {
    return 2;
  }
  if (lead >= 0xE0 && lead < 0xF0) {
    return 3;
  }
  return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

// ASCII that stands for itself, by its code.
constexpr std::array<bool, 256> kIsPlain = [] {
  std::array<bool, 256> is_plain{};
  for (size_t byte = ' '; byte < 0x7F; ++byte) {
    is_plain[byte] = byte != '"' && byte != '\\';
  }
  return is_plain;
}();

void AppendAscii(std::string* out, unsigned char byte) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (byte) {
    case '"':
      *out += "\\\"";
      return;
    case '\\':
      *out += "\\\\";
      return;
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    default:
      break;
  }
  if (byte < 0x20 || byte == 0x7F) {
    *out += "\\u00";
    *out += kHex[byte >> 4];
    *out += kHex[byte & 15];
    return;
  }
  *out += static_cast<char>(byte);
}

}  // namespace

void AppendJsonString(std::string* out, std::string_view text) {
  *out += '"';
  for (size_t i = 0; i < text.size();) {
    // Most texts are one run of plain letters.
    const size_t start = i;
    while (i < text.size() && kIsPlain[static_cast<unsigned char>(text[i])]) {
      ++i;
    }
    out->append(text, start, i - start);
    if (i == text.size()) {
      break;
    }
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      AppendAscii(out, lead);
      ++i;
      continue;
    }
    const size_t length = SequenceLength(lead);
    const std::string_view sequence = text.substr(i, length);
    if (length != 0 && sequence.size() == length && IsUtf8(sequence)) {
      *out += sequence;
      i += length;
    } else {
      *out += kReplacement;
      ++i;
    }
  }
  *out += '"';
}

void JsonObject::Key(std::string_view key) {
  if (json_.size() > 1) {
    json_ += ',';
  }
  AppendJsonString(&json_, key);
  json_ += ':';
}

JsonObject& JsonObject::Add(std::string_view key, std::string_view text) {
  Key(key);
  AppendJsonString(&json_, text);
  return *this;
}

JsonObject& JsonObject::AddInteger(std::string_view key, int64_t value) {
  Key(key);
  json_ += std::to_string(value);
  return *this;
}

JsonObject& JsonObject::AddBoolean(std::string_view key, bool value) {
  Key(key);
  json_ += value ? "true" : "false";
  return *this;
}

JsonObject& JsonObject::AddRaw(std::string_view key, std::string_view json) {
  Key(key);
  json_ += json;
  return *this;
}

JsonObject& JsonObject::AddIfAny(std::string_view key, std::string_view text) {
  return text.empty() ? *this : Add(key, text);
}

std::string JsonObject::Close() {
  json_ += '}';
  return std::move(json_);
}

}  // namespace huitou
