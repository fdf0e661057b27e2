// Turns a source's records into events: the contract's JSON, CloudEvents by their headers, or a
// shop's own JSON by its `map:`. One per input and shard; owner thread.
#pragma once

#include <optional>
#include <string>

#include "daemon/decode/event_decoder.h"
#include "daemon/decode/field_map.h"
#include "daemon/shard/input.h"

namespace huitou {

class ContractDecoder final : public Decoder {
 public:
  ContractDecoder(DecodeOptions options, std::optional<FieldMap> map);

  EventError Decode(const SourceRecord& record, Event* event, std::string* detail) override;

 private:
  const DecodeOptions options_;
  const std::optional<FieldMap> map_;
  EventDecoder decoder_;
};

}  // namespace huitou
