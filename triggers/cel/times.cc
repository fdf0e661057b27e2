// getFullYear() and its kin, on timestamps (in UTC or a zone) and durations.
#include <chrono>

#include "triggers/cel/builtins.h"
#include "triggers/cel/time_text.h"

namespace huitou::cel {
namespace {

enum class Part {
  kFullYear,
  kMonth,
  kDate,
  kDayOfMonth,
  kDayOfWeek,
  kDayOfYear,
  kHours,
  kMinutes,
  kSeconds,
  kMilliseconds,
};

int64_t DatePart(Part part, std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  switch (part) {
    case Part::kFullYear:
      return static_cast<int>(date.year());
    case Part::kMonth:
      return static_cast<unsigned>(date.month()) - 1;
    case Part::kDate:
      return static_cast<unsigned>(date.day());
    case Part::kDayOfMonth:
      return static_cast<unsigned>(date.day()) - 1;
    case Part::kDayOfWeek:
      return std::chrono::weekday(day).c_encoding();
    default:
      return (day - std::chrono::sys_days(date.year() / 1 / 1)).count();
  }
}

int64_t ClockPart(Part part, std::chrono::seconds since_midnight) {
  switch (part) {
    case Part::kHours:
      return since_midnight.count() / 3600;
    case Part::kMinutes:
      return since_midnight.count() / 60 % 60;
    default:
      return since_midnight.count() % 60;
  }
}

Value OfTimestamp(Part part, const Value& time, int64_t offset_seconds) {
  if (part == Part::kMilliseconds) {
    return Value::Int(time.nanos() / 1'000'000);
  }
  const std::chrono::sys_seconds local{std::chrono::seconds(time.seconds() + offset_seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(local);
  return Value::Int(part < Part::kHours ? DatePart(part, day) : ClockPart(part, local - day));
}

// The whole length in that unit, but for milliseconds, which are those below one second.
Value OfDuration(Part part, const Value& length) {
  switch (part) {
    case Part::kHours:
      return Value::Int(length.seconds() / 3600);
    case Part::kMinutes:
      return Value::Int(length.seconds() / 60);
    case Part::kSeconds:
      return Value::Int(length.seconds());
    case Part::kMilliseconds:
      return Value::Int(length.nanos() / 1'000'000);
    default:
      return Value::Error(kNoOverload);
  }
}

template <Part part>
Value Get(CallContext& context, std::span<const Value> arguments) {
  const Value& time = arguments[0];
  if (time.kind() == Kind::kDuration && arguments.size() == 1) {
    return OfDuration(part, time);
  }
  if (time.kind() != Kind::kTimestamp) {
    return Value::Error(kNoOverload);
  }
  if (arguments.size() == 1) {
    return OfTimestamp(part, time, 0);
  }
  if (!arguments[1].is_string()) {
    return Value::Error(kNoOverload);
  }
  const std::string_view zone = arguments[1].as_string();
  const std::optional<int64_t> offset_seconds = OffsetInZone(zone, time.seconds());
  return offset_seconds.has_value() ? OfTimestamp(part, time, *offset_seconds)
                                    : Fail(context.arena, "unknown time zone", zone);
}

template <Part part>
void Append(std::string_view name, std::vector<Builtin>* table) {
  const Type time = Type::Timestamp();
  table->push_back({name, true, {time}, Type::Int(), Get<part>});
  table->push_back({name, true, {time, Type::String()}, Type::Int(), Get<part>});
  if (part >= Part::kHours) {
    table->push_back({name, true, {Type::Duration()}, Type::Int(), Get<part>});
  }
}

}  // namespace

void AppendTimeFunctions(std::vector<Builtin>* table) {
  Append<Part::kFullYear>("getFullYear", table);
  Append<Part::kMonth>("getMonth", table);
  Append<Part::kDate>("getDate", table);
  Append<Part::kDayOfMonth>("getDayOfMonth", table);
  Append<Part::kDayOfWeek>("getDayOfWeek", table);
  Append<Part::kDayOfYear>("getDayOfYear", table);
  Append<Part::kHours>("getHours", table);
  Append<Part::kMinutes>("getMinutes", table);
  Append<Part::kSeconds>("getSeconds", table);
  Append<Part::kMilliseconds>("getMilliseconds", table);
}

}  // namespace huitou::cel
