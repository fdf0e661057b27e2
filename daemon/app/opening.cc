// How the daemon opens what it works with: store, streams of the embedded log, shards, sinks, Kafka
// and the HTTP door.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "config/files.h"
#include "daemon/app/daemon_impl.h"
#include "daemon/app/state_files.h"
#include "daemon/http/api.h"
#include "daemon/http/auth.h"
#include "daemon/metrics/log.h"
#include "daemon/sources/log_input.h"
#include "daemon/state/rocks_key_value.h"

namespace huitou {

namespace {

// Slices of the embedded log where no Kafka topic says how many partitions there are: more than the
// cores of any machine that needs no Kafka.
constexpr uint16_t kSlices = 4;

const config::KafkaSource* FindKafka(const config::DaemonConfig& config,
                                     const config::SourceConfig** source) {
  for (const config::SourceConfig& candidate : config.sources) {
    if (const auto* kafka = std::get_if<config::KafkaSource>(&candidate.source)) {
      *source = &candidate;
      return kafka;
    }
  }
  return nullptr;
}

// An id that names this state directory for ever.
Result<std::string> ReadOrMakeStateId(const std::string& path, Random* random) {
  if (auto known = config::ReadWholeFile(path); known.ok() && !known->empty()) {
    return known;
  }
  const std::string id = Id128{random->Next(), random->Next()}.ToString();
  if (Status status = ReplaceFile(path, id); !status.ok()) {
    return status;
  }
  return id;
}

}  // namespace

Result<std::unique_ptr<Store>> Daemon::Impl::OpenStoreIn(const std::string& folder,
                                                         uint16_t shards) {
  RocksOptions rocks;
  rocks.directory = folder;
  rocks.sync = loaded_->config.sync;
  auto key_value = OpenRocks(rocks);
  if (!key_value.ok()) {
    return key_value.status();
  }
  StoreOptions options;
  options.shards = shards;
  options.address_attributes = loaded_->campaigns->shop.address_attributes;
  options.on_indexing = [this](uint64_t done) {
    if (log_limiter_.Pass("indexing", SteadyNow())) {
      Log(LogLevel::kInfo,
          "the state is of an earlier version, or a channel's `recipient` has changed: the "
          "customers' addresses are being indexed, once",
          {{"customers_done", done}});
    }
  };
  return Store::Open(*std::move(key_value), options);
}

bool Daemon::Impl::IsFirstStart() const {
  return !std::filesystem::exists(state_dir_ + "/db") &&
         !std::filesystem::exists(state_dir_ + "/id");
}

Status Daemon::Impl::OpenStore() {
  const config::SourceConfig* source = nullptr;
  const config::KafkaSource* kafka = FindKafka(loaded_->config, &source);
  const std::string folder = state_dir_ + "/db";
  const bool fresh = IsFirstStart();
  uint16_t wanted = fresh && kafka == nullptr ? kSlices : 0;
  Status not_counted;
  if (kafka != nullptr) {
    // Known from the store after the first start; a broker that is away then holds nobody up.
    auto partitions = kafka::CountPartitions(kafka->brokers, kafka->properties, kafka->topics);
    if (partitions.ok()) {
      wanted = *partitions;
    } else {
      not_counted = {partitions.status().code(), "source " + source->name + ", brokers " +
                                                     kafka->brokers + ": " +
                                                     partitions.status().message()};
    }
    if (not_counted.code() == StatusCode::kInvalid) {
      return not_counted;
    }
  }
  auto store = fresh && wanted == 0
                   ? Result<std::unique_ptr<Store>>(Status(StatusCode::kNotFound, ""))
                   : OpenStoreIn(folder, wanted);
  // Also where the first start was killed before it had written anything; the id comes behind.
  if (!store.ok() && store.status().code() == StatusCode::kNotFound) {
    if (std::filesystem::exists(state_dir_ + "/id")) {
      return {StatusCode::kCorrupt,
              folder + " is empty, though " + state_dir_ +
                  "/id says that it was not; restore a copy, or begin with a new state folder"};
    }
    if (kafka != nullptr) {
      return {not_counted.code(),
              not_counted.message() + "; the first start asks them how many partitions there are"};
    }
    store = OpenStoreIn(folder, kSlices);
  }
  if (!store.ok()) {
    return store.status();
  }
  store_ = *std::move(store);
  shards_ = store_->shards();
  auto id = ReadOrMakeStateId(state_dir_ + "/id", &random_);
  if (!id.ok()) {
    return id.status();
  }
  state_id_ = *id;
  return quotas_.Load(*store_);
}

Status Daemon::Impl::StartSinks() {
  const config::DaemonConfig& config = loaded_->config;
  const config::SourceConfig* source = nullptr;
  const config::KafkaSource* kafka = FindKafka(config, &source);
  const auto target = [&](const config::SinkConfig& sink) -> SinkTarget {
    if (const auto* file = std::get_if<config::SinkConfig::File>(&sink.target)) {
      return FileTarget{file->path, config.sync};
    }
    if (const auto* topic = std::get_if<config::SinkConfig::Kafka>(&sink.target)) {
      // Without brokers of its own a sink uses those of the source, with its TLS and SASL.
      const bool own = !topic->brokers.empty() || kafka == nullptr;
      return KafkaTarget{own ? topic->brokers : kafka->brokers, topic->topic,
                         own ? topic->properties : kafka->properties};
    }
    return {};
  };
  SinksHost host;
  host.delivered = [this](ShardNumber shard, SinkKind kind, uint64_t sequence) {
    std::shared_lock lock(owned_mutex_);
    if (const auto found = owned_.find(shard); found != owned_.end()) {
      found->second.worker->shard().PostDelivered(kind, sequence);
    }
  };
  host.room = [this](ShardNumber shard) {
    std::shared_lock lock(owned_mutex_);
    if (const auto found = owned_.find(shard); found != owned_.end()) {
      found->second.worker->shard().PostRoom();
    }
  };
  auto sinks =
      Sinks::Start({target(config.decisions), target(config.emits), target(config.dead_letters)},
                   host, &metrics_);
  if (!sinks.ok()) {
    return sinks.status();
  }
  sinks_ = *std::move(sinks);
  return Status::Ok();
}

Status Daemon::Impl::OpenStreams() {
  const Currency currency = plays_->set->shop.currency;
  for (const config::SourceConfig& source : loaded_->config.sources) {
    if (std::holds_alternative<config::KafkaSource>(source.source)) {
      continue;
    }
    auto number = store_->LogStream(source.name);
    if (!number.ok()) {
      return number.status();
    }
    Stream stream;
    stream.source = source;
    stream.number = *number;
    if (source.map.has_value()) {
      stream.map = MakeFieldMap(*source.map, currency);
    }
    stream.progress = std::make_unique<LogProgress>(store_.get(), stream.number);
    if (const auto* file = std::get_if<config::FileSource>(&source.source)) {
      FileFeeder::Parts parts;
      parts.source = source.name;
      parts.path = file->path;
      parts.follow = file->follow;
      parts.store = store_.get();
      parts.stream = stream.number;
      parts.progress = stream.progress.get();
      parts.decoder = MakeDecoder(stream.map);
      parts.wake = [this](ShardNumber shard) { WakeShard(shard); };
      stream.feeder = std::make_unique<FileFeeder>(std::move(parts));
    } else {
      stream.writer = std::make_unique<LogWriter>(
          LogWriter::Parts{store_.get(), stream.number, stream.progress.get(),
                           [this](ShardNumber shard) { WakeShard(shard); }});
    }
    streams_.push_back(std::move(stream));
  }
  return Status::Ok();
}

Status Daemon::Impl::OpenShards() {
  const config::SourceConfig* source = nullptr;
  if (FindKafka(loaded_->config, &source) == nullptr) {
    for (ShardNumber shard = 0; shard < shards_; ++shard) {
      if (Status status = OpenShard(shard); !status.ok()) {
        return status;
      }
    }
  }
  for (const Stream& stream : streams_) {
    if (stream.feeder != nullptr) {
      stream.feeder->Start();
    }
  }
  std::lock_guard lock(mutex_);
  opened_ = true;
  return Status::Ok();
}

std::unique_ptr<ContractDecoder> Daemon::Impl::MakeDecoder(
    const std::optional<FieldMap>& map) const {
  const Shop& shop = loaded_->campaigns->shop;
  return std::make_unique<ContractDecoder>(
      DecodeOptions{.currency = shop.currency, .country = shop.country}, map);
}

std::vector<std::unique_ptr<ShardInput>> Daemon::Impl::InputsOf(ShardNumber shard) {
  std::vector<std::unique_ptr<ShardInput>> inputs;
  if (kafka_ != nullptr) {
    inputs = kafka_->Inputs(shard);
  }
  for (const Stream& stream : streams_) {
    InputSpec spec;
    spec.name = spec.source = stream.source.name;
    spec.partition = shard;
    spec.log_stream = stream.number;
    spec.allowed_lateness = stream.source.allowed_lateness;
    if (stream.source.expect_event_within > 0) {
      spec.expect_event_within = stream.source.expect_event_within;
    }
    LogInput::Parts parts;
    parts.store = store_.get();
    parts.clock = &clock_;
    parts.stream = stream.number;
    parts.progress = stream.progress.get();
    if (stream.feeder != nullptr) {
      parts.feeder_done = [feeder = stream.feeder.get()] { return feeder->Done(); };
    }
    inputs.push_back(
        std::make_unique<LogInput>(std::move(spec), shard, parts, MakeDecoder(stream.map)));
  }
  return inputs;
}

void Daemon::Impl::WakeShard(ShardNumber shard) {
  std::shared_lock lock(owned_mutex_);
  if (const auto found = owned_.find(shard); found != owned_.end()) {
    found->second.worker->Wake();
  }
}

Status Daemon::Impl::OpenShard(ShardNumber shard) {
  const config::DaemonConfig& config = loaded_->config;
  Owned owned;
  owned.rendering = std::make_unique<TemplateRendering>();
  const std::shared_ptr<const Plays> plays = this->plays();
  owned.rendering->Use(plays);
  ShardMetrics::Providers providers;
  for (const DispatchChannel& channel : outlets_.channels) {
    providers[channel.name] = channel.provider;
  }
  owned.metrics = std::make_unique<ShardMetrics>(&metrics_, shard, std::move(providers));
  ShardOptions options;
  options.shard = shard;
  options.commit_interval = config.commit_interval;
  options.policies = outlets_.policies;
  const auto configured = [](const config::SinkConfig& sink) { return sink.target.index() != 0; };
  options.sink_decisions = configured(config.decisions);
  options.sink_emits = configured(config.emits);
  options.sink_dead_letters = configured(config.dead_letters);
  ShardParts parts;
  parts.store = store_.get();
  parts.quotas = &quotas_;
  parts.gate = dispatcher_.get();
  parts.rendering = owned.rendering.get();
  parts.sinks = sinks_.get();
  parts.codes = outlets_.codes.get();
  parts.pools = outlets_.pools.get();
  parts.observer = owned.metrics.get();
  parts.random = &random_;
  parts.pulses = &pulses_;
  parts.campaigns = plays->set;
  auto worker = ShardWorker::Open(std::move(options), std::move(parts), InputsOf(shard), &clock_,
                                  [this, shard](const Status& status) { OnEnded(shard, status); });
  if (!worker.ok()) {
    return worker.status();
  }
  owned.worker = *std::move(worker);
  owned.worker->Start();
  std::unique_lock lock(owned_mutex_);
  const Owned& inserted = owned_[shard] = std::move(owned);
  // Use() did not see this shard if it ran meanwhile.
  if (const std::shared_ptr<const Plays> now = this->plays(); now != plays) {
    TellOf(now, shard, inserted, nullptr);
  }
  return Status::Ok();
}

void Daemon::Impl::CloseShards(const std::vector<ShardNumber>& shards, bool commit) {
  for (const ShardNumber shard : shards) {
    Owned owned;
    {
      std::unique_lock lock(owned_mutex_);
      const auto found = owned_.find(shard);
      if (found == owned_.end()) {
        continue;
      }
      owned = std::move(found->second);
      owned_.erase(found);
      metrics_.Remove(Metric::kFrontierLag, {std::to_string(shard)});
    }
    if (commit) {
      owned.worker->Stop();
    } else {
      owned.worker->Abandon();
    }
  }
}

void Daemon::Impl::OnEnded(ShardNumber shard, const Status& status) {
  if (status.code() != StatusCode::kExhausted) {
    OnFatal(shard, status);
    return;
  }
  // Of the last commit alone: until then a shard waits for room.
  Log(LogLevel::kWarning,
      "a shard was closed on a full disk; what it had not committed is read again",
      {{"shard", shard}, {"why", status.message()}});
}

void Daemon::Impl::OnFatal(ShardNumber shard, const Status& status) {
  Log(LogLevel::kError, "a shard has ended: its store or log can't be trusted",
      {{"shard", shard}, {"why", status.message()}});
  std::lock_guard lock(mutex_);
  fatal_ = status.message();
}

Status Daemon::Impl::StartKafka() {
  const config::SourceConfig* source = nullptr;
  const config::KafkaSource* kafka = FindKafka(loaded_->config, &source);
  if (kafka == nullptr) {
    return Status::Ok();
  }
  KafkaSourceOptions options;
  options.name = source->name;
  options.brokers = kafka->brokers;
  options.topics = kafka->topics;
  options.group = kafka->group;
  options.start_latest = kafka->start == config::KafkaSource::Start::kLatest;
  options.allowed_lateness = source->allowed_lateness;
  if (source->expect_event_within > 0) {
    options.expect_event_within = source->expect_event_within;
  }
  options.properties = kafka->properties;
  options.state_id = state_id_;
  options.shards = shards_;
  std::optional<FieldMap> map;
  if (source->map.has_value()) {
    map = MakeFieldMap(*source->map, loaded_->campaigns->shop.currency);
  }
  KafkaHost host;
  host.stored_offset = [this](ShardNumber shard, const std::string& input) -> Result<int64_t> {
    auto state = store_->ReadState(shard);
    if (!state.ok()) {
      return state.status();
    }
    for (const InputPosition& position : state->inputs) {
      if (position.input == input) {
        return position.next_offset;
      }
    }
    return InputPosition::kNoOffset;
  };
  host.make_decoder = [this, map] { return MakeDecoder(map); };
  host.assigned = [this](const std::vector<ShardNumber>& shards) {
    for (const ShardNumber shard : shards) {
      if (Status status = OpenShard(shard); !status.ok()) {
        OnFatal(shard, status);
      }
    }
  };
  host.revoked = [this](const std::vector<ShardNumber>& shards) { CloseShards(shards, true); };
  host.wake = [this](ShardNumber shard) { WakeShard(shard); };
  kafka_ = std::make_unique<KafkaSource>(std::move(options), std::move(host), &clock_, &metrics_);
  return kafka_->Start();
}

Status Daemon::Impl::StartHttp() {
  const config::HttpConfig& http = loaded_->config.http;
  http::ServerOptions options;
  options.listen =
      options_.listen.empty() ? http.host + ":" + std::to_string(http.port) : options_.listen;
  if (!http.tokens.empty()) {
    std::string lines;
    for (const std::string& line : http.tokens) {
      lines += line + "\n";
    }
    auto tokens = http::ParseTokens(lines);
    if (!tokens.ok()) {
      return {StatusCode::kInvalid,
              loaded_->config.file + ": http.tokens: " + tokens.status().message()};
    }
    options.tokens = *std::move(tokens);
  }
  options.tls_certificate = http.tls_certificate;
  options.tls_key = http.tls_key;
  http::EventDoor door;
  door.source = "http";
  door.currency = loaded_->campaigns->shop.currency;
  for (const Stream& stream : streams_) {
    if (std::holds_alternative<config::HttpSource>(stream.source.source)) {
      door.source = stream.source.name;
      http_map_ = stream.map.has_value() ? std::make_unique<FieldMap>(*stream.map) : nullptr;
    }
  }
  door.map = http_map_.get();
  auto server =
      http::Server::Start(options, http::MakeRouter(MakeApi(), door, &metrics_), &metrics_);
  if (!server.ok()) {
    return server.status();
  }
  server_ = *std::move(server);
  return Status::Ok();
}

}  // namespace huitou
