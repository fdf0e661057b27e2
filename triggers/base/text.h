// Small helpers for texts: UTF-8, masks for people's addresses, suggestions for typing errors.
// Pure; any thread.
//
// Example: Suggest("chanel", {"channel", "template"}) is "channel".
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace huitou {

// Whether `text` is UTF-8 as RFC 3629 has it (no surrogates, nothing overlong, up to U+10FFFF).
bool IsUtf8(std::string_view text);

// The number of code points in valid UTF-8.
size_t CountCodePoints(std::string_view text);

// "+8613800000000" as "+86******0000": what an operator needs to recognise a number, no more.
std::string MaskPhone(std::string_view phone);
// One way to write a number, however it came: "138 0000 0000", "8613800000000" and "0086..." are
// all
// "+8613800000000". Eleven digits that begin with 1 and have no prefix are a Chinese mobile number.
// Empty when there is no digit.
std::string E164(std::string_view phone);
// "anna@example.com" as "a***@example.com".
std::string MaskEmail(std::string_view email);

// Letters to insert, drop, replace or swap with their neighbour to turn one text into the other.
size_t EditDistance(std::string_view a, std::string_view b);

// The candidate that `word` is most likely a typing error of: at most a third of its letters apart
// (one at least); empty when none is that near.
std::string_view Suggest(std::string_view word, std::span<const std::string_view> candidates);
inline std::string_view Suggest(std::string_view word,
                                std::initializer_list<std::string_view> candidates) {
  return Suggest(word, std::span(candidates.begin(), candidates.size()));
}

}  // namespace huitou
