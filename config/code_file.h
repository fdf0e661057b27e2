// The file of a pool of coupon codes: one code a line, nothing else. Blank lines and the '\r' of a
// line's end do not count. Pure but for CheckCodeFile, which reads the file; any thread.
//
// Example:
//   EachCode(text, [&](size_t line, std::string_view code) { codes.push_back(code); },
//            [&](size_t line, std::string_view what) { Tell(line, what); });
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "config/diagnostic.h"

namespace huitou::config {

// `take` gets every code, `wrong` every line that is none and why. Neither looks for codes that
// come twice.
void EachCode(std::string_view text, const std::function<void(size_t, std::string_view)>& take,
              const std::function<void(size_t, std::string_view)>& wrong);

// Tells what is wrong with the file at its own lines, and at `named` what concerns all of it. False
// when it cannot be read. No message shows a code: who reads it could use it.
bool CheckCodeFile(const std::string& path, const Place& named, Diagnostics* diagnostics);

}  // namespace huitou::config
