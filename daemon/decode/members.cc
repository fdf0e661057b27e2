#include "daemon/decode/members.h"

#include <charconv>

namespace huitou {

Members::Members(std::string_view object_name, const cel::Value& object, cel::Arena& arena)
    : object_name_(object_name), object_(object), arena_(arena) {
  if (object.kind() != cel::Kind::kMap) {
    Fail(EventError::kBadType, "");
  }
}

void Members::Fail(EventError error, std::string_view name) {
  if (error_ == EventError::kNone) {
    error_ = error;
    path_.assign(object_name_).append(name.empty() ? "" : ".").append(name);
  }
}

cel::Value Members::Take(std::string_view name) {
  cel::Value value;
  if (object_.kind() == cel::Kind::kMap &&
      object_.map().Find(cel::Value::String(name), arena_, &value)) {
    ++taken_;
  }
  return value;
}

bool Members::has_others() const {
  return object_.kind() == cel::Kind::kMap && taken_ < object_.map().size();
}

std::string_view Members::TakeText(std::string_view name, size_t bytes_max) {
  const cel::Value value = Take(name);
  if (value.is_null()) {
    return {};
  }
  if (!value.is_string()) {
    Fail(EventError::kBadType, name);
    return {};
  }
  if (value.as_string().size() > bytes_max) {
    Fail(EventError::kTooLarge, name);
    return {};
  }
  return value.as_string();
}

int32_t Members::TakeCount(std::string_view name, int64_t bound) {
  const cel::Value value = Take(name);
  if (value.is_null()) {
    return 0;
  }
  if (value.kind() != cel::Kind::kInt || value.as_int() < 0 || value.as_int() > bound) {
    Fail(EventError::kBadType, name);
    return 0;
  }
  return static_cast<int32_t>(value.as_int());
}

int64_t Members::TakeAmount(std::string_view name, Currency currency) {
  const cel::Value value = Take(name);
  if (value.is_null()) {
    return 0;
  }
  char digits[32];
  std::to_chars_result end = {digits, std::errc()};
  if (value.kind() == cel::Kind::kInt) {
    end = std::to_chars(digits, digits + sizeof digits, value.as_int());
  } else if (value.kind() == cel::Kind::kDouble) {
    // The shortest decimal that is this double: what was written, up to 15 digits.
    end =
        std::to_chars(digits, digits + sizeof digits, value.as_double(), std::chars_format::fixed);
  }
  const std::string_view written(digits, static_cast<size_t>(end.ptr - digits));
  const std::optional<int64_t> minor =
      ParseMinor(value.is_string() ? value.as_string() : written, currency);
  if (!minor || end.ec != std::errc()) {
    Fail(EventError::kBadType, name);
    return 0;
  }
  return *minor;
}

}  // namespace huitou
