// Code points and the texts of numbers, as literals, conversions and formatting need them. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace huitou::cel {

// False for surrogates and what is past U+10FFFF.
bool AppendUtf8(uint32_t code_point, std::string* out);
// Of valid text: where the code point `index` starts (size() for one past the last, npos past
// that).
size_t CodePointOffset(std::string_view text, size_t index);
// The code point at `offset`, which moves to the next.
uint32_t NextCodePoint(std::string_view text, size_t* offset);

// Shortest text that reads back as the same number: "0.1", "259", "1e+30", "NaN", "Infinity".
std::string DoubleText(double d);
// Decimal text with an optional fraction and exponent, or NaN, Infinity; nothing otherwise.
std::optional<double> ParseDouble(std::string_view text);

std::string Base64(std::string_view bytes);

}  // namespace huitou::cel
