// What people type for YAML's own signs: full-width punctuation from a Chinese keyboard, no-break
// spaces out of a web page, a space left out, a bracket that is not closed. YAML takes most of it
// for text and complains later, or not at all. Pure; any thread.
//
// Example:
//   if (const auto slip = FindSlip(text, error_offset)) Report(slip->offset, slip->message);
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace huitou::config {

struct Slip {
  size_t offset = 0;  // in the text that was looked at
  std::string message;
  std::string hint;
};

// In a key that stands without quotes.
std::optional<Slip> FindSlipInKey(std::string_view key);

// The likely reason of a syntax error at `offset`, in its line or the one before.
std::optional<Slip> FindSlip(std::string_view text, size_t offset);

// The brackets that are open at `offset`, outermost first.
std::vector<size_t> OpenBrackets(std::string_view text, size_t offset);

}  // namespace huitou::config
