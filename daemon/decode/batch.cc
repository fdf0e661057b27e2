#include "daemon/decode/batch.h"

#include <algorithm>
#include <string>

#include "daemon/decode/limits.h"

namespace huitou {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

// The length of the JSON value at the start of `text`: up to its closing bracket, or for a scalar
// up to the next comma, bracket or white space. Past the end when it is not closed.
size_t ValueLength(std::string_view text) {
  size_t depth = 0;
  bool is_in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        is_in_string = false;
      }
    } else if (c == '"') {
      is_in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) {
        return i;
      }
      if (--depth == 0) {
        return i + 1;
      }
    } else if (depth == 0 && (c == ',' || kWhiteSpace.find(c) != std::string_view::npos)) {
      return i;
    }
  }
  return depth > 0 || is_in_string ? std::string_view::npos : text.size();
}

Status Invalid(size_t index, std::string_view reason) {
  return {StatusCode::kInvalid,
          std::string("event ").append(std::to_string(index)).append(": ").append(reason)};
}

Status TooMany() {
  return Invalid(limits::kBatchEventsMax, "too many events in one body");
}

// `rest` begins behind the opening bracket.
Result<std::vector<std::string_view>> SplitArray(std::string_view rest) {
  std::vector<std::string_view> events;
  rest = Trim(rest);
  while (rest.empty() || rest[0] != ']' || !events.empty()) {
    const size_t length = ValueLength(rest);
    if (length == std::string_view::npos || length == 0) {
      return Invalid(events.size(), "the array is not well formed");
    }
    if (events.size() == limits::kBatchEventsMax) {
      return TooMany();
    }
    events.push_back(rest.substr(0, length));
    rest = Trim(rest.substr(length));
    if (rest == "]") {
      return events;
    }
    if (rest.empty() || rest[0] != ',') {
      return Invalid(events.size(), "the array is not well formed");
    }
    rest = Trim(rest.substr(1));
  }
  if (rest != "]") {
    return Invalid(0, "something follows the array");
  }
  return events;
}

Result<std::vector<std::string_view>> SplitLines(std::string_view rest) {
  std::vector<std::string_view> events;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (const std::string_view line = Trim(rest.substr(0, end)); !line.empty()) {
      if (events.size() == limits::kBatchEventsMax) {
        return TooMany();
      }
      events.push_back(line);
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return events;
}

}  // namespace

Result<std::vector<std::string_view>> SplitBatch(std::string_view body) {
  const std::string_view text = Trim(body);
  if (text.empty()) {
    return std::vector<std::string_view>();
  }
  if (text[0] == '[') {
    return SplitArray(text.substr(1));
  }
  // One event may be spread over many lines: then its first line is not closed.
  const std::string_view first_line = text.substr(0, text.find('\n'));
  if (ValueLength(first_line) > first_line.size() && ValueLength(text) == text.size()) {
    return std::vector<std::string_view>{text};
  }
  return SplitLines(text);
}

}  // namespace huitou
