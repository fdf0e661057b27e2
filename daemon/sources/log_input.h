// A shard's view of the embedded log: one stream (an http or file source), the shard's own slice.
// Owner thread of the shard; appends come from any thread (Store::AppendLog).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/clock/clock.h"
#include "daemon/shard/input.h"
#include "daemon/sources/contract_decoder.h"
#include "daemon/sources/log_progress.h"
#include "daemon/state/store.h"

namespace huitou {

class LogInput final : public ShardInput {
 public:
  struct Parts {
    Store* store = nullptr;
    const WallClock* clock = nullptr;
    uint16_t stream = 0;
    // Whether all that the feeder had to copy into the log so far is there; empty: always (http).
    std::function<bool()> feeder_done;
    LogProgress* progress = nullptr;  // hears what is committed; null: nobody
  };

  LogInput(InputSpec spec, ShardNumber shard, Parts parts,
           std::unique_ptr<ContractDecoder> decoder);

  const InputSpec& spec() const override { return spec_; }
  Decoder& decoder() override { return *decoder_; }
  Status Begin(int64_t next_offset) override;
  Status Poll(size_t max, std::vector<SourceRecord>* records,
              std::optional<TimeUs>* at_end) override;
  void Committed(int64_t next_offset) override;

 private:
  const InputSpec spec_;
  const ShardNumber shard_;
  const Parts parts_;
  const std::unique_ptr<ContractDecoder> decoder_;
  int64_t next_offset_ = 0;
  // What the views of the last Poll point into.
  std::vector<LogRecord> read_;
  std::vector<std::vector<std::pair<std::string_view, std::string_view>>> headers_;
};

}  // namespace huitou
