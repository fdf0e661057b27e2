#include "daemon/sources/contract_decoder.h"

#include <utility>

namespace huitou {

ContractDecoder::ContractDecoder(DecodeOptions options, std::optional<FieldMap> map)
    : options_(std::move(options)), map_(std::move(map)) {
}

EventError ContractDecoder::Decode(const SourceRecord& record, Event* event, std::string* detail) {
  detail->clear();
  if (record.tombstone) {
    return EventError::kTombstone;
  }
  if (map_.has_value()) {
    return decoder_.DecodeMapped(record.payload, *map_, options_, event, detail);
  }
  if (!record.headers.empty()) {
    return decoder_.DecodeBinary(record.payload, record.headers, options_, event, detail);
  }
  return decoder_.Decode(record.payload, options_, event, detail);
}

}  // namespace huitou
