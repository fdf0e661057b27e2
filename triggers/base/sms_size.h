// How large an SMS is as carriers count and bill it. Pure; any thread.
//
//   MeasureSms("Gruß", SmsAlphabet::kGsm7).parts  // 1: four of 160 characters
//
// Source: 3GPP TS 23.038 (the GSM 7 bit default alphabet and its extension) and TS 23.040 (parts of
// a long message lose 6 bytes to their header).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace huitou {

enum class SmsAlphabet : uint8_t {
  kGsm7,  // 160 units of 7 bits where every character is in GSM's alphabet, else as kUcs2
  kUcs2,  // 70 units of 16 bits always: how carriers in China count
};

struct SmsSize {
  size_t units = 0;           // of the alphabet: '€' takes 2 in GSM's, '😀' 2 in UCS-2
  size_t parts = 0;           // what is billed; 0 for no text
  size_t units_per_part = 0;  // of a message with this many parts
  bool ucs2 = false;
};

// `text` is UTF-8. A character that takes two units is not cut in two.
SmsSize MeasureSms(std::string_view text, SmsAlphabet alphabet);

}  // namespace huitou
