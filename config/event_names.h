// The event types that Huitou knows by name (contracts.md section 2). Others are welcome, but a
// name one letter away from one of these is a typing error. Constant data; any thread.
#pragma once

#include <span>
#include <string_view>

namespace huitou::config {

std::span<const std::string_view> KnownEvents();

}  // namespace huitou::config
