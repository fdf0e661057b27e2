// libFuzzer: any bytes as an event, as a batch, and through a map. What is accepted must read the
// same after being written, and its copy must be equal.
#include <cstdlib>
#include <string>

#include "daemon/decode/batch.h"
#include "daemon/decode/encode_event.h"
#include "daemon/decode/event_decoder.h"
#include "daemon/decode/field_map.h"

namespace huitou {
namespace {

FieldMap Map() {
  FieldMap map;
  for (const char* target : {"id", "type", "time", "customer.id", "order.total", "a", "order.b"}) {
    map.fields[target].pointer = std::string("/") + target[0];
  }
  map.fields["time"].unit = TimeUnit::kSeconds;
  map.fields["order.total"].minor = true;
  map.items_pointer = "/l";
  map.item_fields["price"].pointer = "/p";
  return map;
}

void Check(std::string_view json) {
  static EventDecoder decoder;
  static EventDecoder second;
  static const FieldMap map = Map();
  const DecodeOptions options = {.currency = Currency::Parse("CNY").value_or(Currency())};
  Event event;
  Event again;
  std::string detail;
  if (decoder.Decode(json, options, &event, &detail) == EventError::kNone) {
    std::string once;
    EncodeEvent(event, options.currency, &once);
    CHECK(second.Decode(once, options, &again, &detail) == EventError::kNone);
    std::string twice;
    EncodeEvent(again, options.currency, &twice);
    CHECK(once == twice);
    const OwnedEvent owned(event);
    std::string kept;
    EncodeEvent(owned.event(), options.currency, &kept);
    CHECK(once == kept);
  } else {
    CHECK(decoder.Decode(json, {.currency = options.currency, .keep_attributes = false}, &event,
                         &detail) != EventError::kNone);
  }
  static_cast<void>(decoder.DecodeMapped(json, map, options, &event, &detail));
}

}  // namespace
}  // namespace huitou

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  huitou::Check(text);
  const auto events = huitou::SplitBatch(text);
  if (events.ok()) {
    for (const std::string_view event : *events) {
      CHECK(event.data() >= text.data() && event.data() + event.size() <= text.data() + size);
    }
  }
  return 0;
}
