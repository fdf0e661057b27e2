// Takes the members of a small object out of the cel::Value that it was read into: the `consent`,
// `coupon` and `message` objects, whose meaning hangs on the event's type. One thread at a time.
//
// Example:
//   Members members("coupon", value, arena);
//   coupon.code = members.TakeText("code", limits::kWordBytesMax);
//   if (members.error() != EventError::kNone) return Fail(members.error(), members.path());
#pragma once

#include <string>
#include <string_view>

#include "triggers/event.h"

namespace huitou {

class Members {
 public:
  // `object` of any kind: one that is no map is kBadType.
  Members(std::string_view object_name, const cel::Value& object, cel::Arena& arena);

  // A member that is missing or null is empty, or 0. So is one with an error.
  std::string_view TakeText(std::string_view name, size_t bytes_max);
  // In [0, bound].
  int32_t TakeCount(std::string_view name, int64_t bound);
  // A decimal as string or number, in minor units.
  int64_t TakeAmount(std::string_view name, Currency currency);

  // The first error and where it is: "coupon.amount".
  EventError error() const { return error_; }
  const std::string& path() const { return path_; }
  // Whether the object has members that nobody took.
  bool has_others() const;

 private:
  cel::Value Take(std::string_view name);
  void Fail(EventError error, std::string_view name);

  std::string_view object_name_;
  cel::Value object_;
  cel::Arena& arena_;
  size_t taken_ = 0;
  EventError error_ = EventError::kNone;
  std::string path_;
};

}  // namespace huitou
