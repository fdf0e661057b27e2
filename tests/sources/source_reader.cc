#include "tests/sources/source_reader.h"

#include <optional>

#include "daemon/sources/contract_decoder.h"

namespace huitou {

SourceReader::SourceReader(KafkaSourceOptions options, ReaderState* state)
    : state_(state), source_(std::move(options), MakeHost(), &clock_, &metrics_) {
  started_ = source_.Start();
}

KafkaHost SourceReader::MakeHost() {
  KafkaHost host;
  host.stored_offset = [this](ShardNumber shard, const std::string& input) -> Result<int64_t> {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->offsets.find({shard, input});
    return found == state_->offsets.end() ? InputPosition::kNoOffset : found->second;
  };
  host.make_decoder = [] {
    return std::make_unique<ContractDecoder>(DecodeOptions(), std::nullopt);
  };
  host.assigned = [this](const std::vector<ShardNumber>& shards) {
    ++assigned_;
    ready_too_early_ = ready_too_early_ || source_.NotReady().empty();
    ending_ = false;
    for (const ShardNumber shard : shards) {
      readers_.emplace_back([this, shard] { Read(shard); });
    }
  };
  host.revoked = [this](const std::vector<ShardNumber>&) {
    ++revoked_;
    EndReaders();
  };
  host.wake = [](ShardNumber) {};
  return host;
}

void SourceReader::EndReaders() {
  ending_ = true;
  for (std::thread& reader : readers_) {
    reader.join();
  }
  readers_.clear();
}

void SourceReader::Read(ShardNumber shard) {
  std::vector<std::unique_ptr<ShardInput>> inputs = source_.Inputs(shard);
  for (const auto& input : inputs) {
    const std::lock_guard lock(state_->mutex);
    const auto stored = state_->offsets.find({shard, input->spec().name});
    const Status begun =
        input->Begin(stored == state_->offsets.end() ? InputPosition::kNoOffset : stored->second);
    if (!begun.ok()) {
      state_->failures.push_back(begun);
      return;
    }
  }
  while (!ending_) {
    for (const auto& input : inputs) {
      ReadSome(shard, input.get());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void SourceReader::ReadSome(ShardNumber shard, ShardInput* input) {
  std::vector<SourceRecord> records;
  std::optional<TimeUs> at_end;
  const Status status = input->Poll(100, &records, &at_end);
  const std::lock_guard lock(state_->mutex);
  if (!status.ok()) {
    state_->failures.push_back(status);
  }
  const std::pair<std::string, int32_t> key(input->spec().topic, input->spec().partition);
  for (const SourceRecord& record : records) {
    state_->applied[key].emplace_back(record.payload);
    state_->tombstones += record.tombstone ? 1 : 0;
    for (const auto& [name, value] : record.headers) {
      state_->headers[std::string(name)] = value;
    }
    state_->offsets[{shard, input->spec().name}] = record.offset + 1;
    input->Committed(record.offset + 1);
  }
  if (at_end) {
    state_->at_end[key] = *at_end;
  }
}

size_t CountOf(ReaderState& state) {
  const std::lock_guard lock(state.mutex);
  size_t count = 0;
  for (const auto& [key, payloads] : state.applied) {
    count += payloads.size();
  }
  return count;
}

std::vector<std::string> Numbered(const std::string& prefix, int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) {
    texts.push_back(prefix + "-" + std::to_string(i));
  }
  return texts;
}

}  // namespace huitou
