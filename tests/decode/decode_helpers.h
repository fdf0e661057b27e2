// What the decoder's tests share: decoding with a shop of CNY, and events as text.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "daemon/decode/encode_event.h"
#include "daemon/decode/event_decoder.h"

namespace huitou {

inline Currency Cny() {
  return Currency::Parse("CNY").value_or(Currency());
}

// Decodes one text after the other, as a shard does.
class Decoding {
 public:
  // The event as canonical JSON, or "reason detail" when it is refused.
  std::string operator()(std::string_view json) {
    error_ = decoder_.Decode(json, options_, &event_, &detail_);
    return Told();
  }
  std::string Binary(std::string_view json, std::span<const Header> headers) {
    error_ = decoder_.DecodeBinary(json, headers, options_, &event_, &detail_);
    return Told();
  }
  std::string Mapped(std::string_view json, const FieldMap& map) {
    error_ = decoder_.DecodeMapped(json, map, options_, &event_, &detail_);
    return Told();
  }
  const Event& event() const { return event_; }
  EventError error() const { return error_; }
  DecodeOptions& options() { return options_; }
  void DropAttributes() { options_.keep_attributes = false; }

 private:
  std::string Told() const {
    std::string told;
    if (error_ != EventError::kNone) {
      return told.append(ToString(error_)).append(detail_.empty() ? "" : " ").append(detail_);
    }
    EncodeEvent(event_, options_.currency, &told);
    return told;
  }

  EventDecoder decoder_;
  DecodeOptions options_ = {.currency = Cny()};
  Event event_;
  EventError error_ = EventError::kNone;
  std::string detail_;
};

}  // namespace huitou
