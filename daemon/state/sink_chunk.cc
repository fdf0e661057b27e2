#include "daemon/state/sink_chunk.h"

#include "daemon/state/bytes.h"

namespace huitou {
namespace {

// A single record is its key, length first, and JSON: an empty key is followed by '{'.
constexpr std::string_view kMark("\0\1", 2);

Status Damaged() {
  return {StatusCode::kCorrupt, "a stored sink record is damaged"};
}

}  // namespace

void SinkChunk::Add(std::string_view key, std::string_view value) {
  ByteWriter writer(&bytes_);
  writer.Text(key);
  writer.Text(value);
  empty_ = false;
}

void SinkChunk::Clear() {
  bytes_ = kMark;
  empty_ = true;
}

Status ReadSinkChunk(std::string_view bytes, uint64_t last, std::vector<SinkView>* records) {
  ByteReader reader(bytes);
  if (!bytes.starts_with(kMark)) {
    const std::string_view key = reader.Text();
    records->push_back({last, key, reader.Raw(reader.remaining())});
    return reader.ok() ? Status::Ok() : Damaged();
  }
  reader.Raw(kMark.size());
  const size_t first = records->size();
  while (reader.ok() && reader.remaining() > 0) {
    const std::string_view key = reader.Text();
    records->push_back({0, key, reader.Text()});
  }
  const size_t count = records->size() - first;
  if (!reader.ok() || last < count) {
    return Damaged();
  }
  for (size_t i = 0; i < count; ++i) {
    (*records)[first + i].sequence = last - count + 1 + i;
  }
  return Status::Ok();
}

}  // namespace huitou
