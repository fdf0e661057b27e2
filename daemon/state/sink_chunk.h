// Sink records as the store keeps them: those of one commit that follow each other stand in one
// entry, a chunk, under the sequence of its last record, for the number of entries is what a commit
// costs. Erasing a record leaves an empty one, so that the others keep their sequences. Pure.
//
//   SinkChunk chunk;
//   chunk.Add("c1", packed);  chunk.Add("c2", packed);
//   put(keys::SinkRecord(shard, kind, last_sequence), chunk.bytes());
//
// An entry of a store of formats 1 and 2 is one record; it reads as a chunk of one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "triggers/base/status.h"

namespace huitou {

class SinkChunk {
 public:
  // Bytes from which on a chunk is closed: some 300 decisions; as much is read for one record.
  static constexpr size_t kBytes = size_t{32} << 10;

  SinkChunk() { Clear(); }
  void Add(std::string_view key, std::string_view value);
  void Clear();
  bool empty() const { return empty_; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  bool empty_ = true;
};

struct SinkView {
  uint64_t sequence = 0;
  std::string_view key;
  std::string_view value;  // empty: erased
};
// The records of the chunk under `last`, in their order; views into `bytes`.
Status ReadSinkChunk(std::string_view bytes, uint64_t last, std::vector<SinkView>* records);

}  // namespace huitou
