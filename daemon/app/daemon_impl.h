// The daemon's inside, shared by daemon.cc (start, reload, stop) and doors.cc (what the HTTP door
// asks). Include nowhere else.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "daemon/app/campaign_versions.h"
#include "daemon/app/daemon.h"
#include "daemon/app/mail_drop.h"
#include "daemon/app/observers.h"
#include "daemon/app/rendering.h"
#include "daemon/app/setup_channels.h"
#include "daemon/clock/clock.h"
#include "daemon/explain/explain.h"
#include "daemon/http/daemon_api.h"
#include "daemon/http/server.h"
#include "daemon/metrics/log.h"
#include "daemon/outbox/dispatcher.h"
#include "daemon/shard/worker.h"
#include "daemon/sinks/sinks.h"
#include "daemon/sources/contract_decoder.h"
#include "daemon/sources/file_feeder.h"
#include "daemon/sources/kafka_source.h"
#include "daemon/sources/log_progress.h"
#include "daemon/sources/log_writer.h"
#include "daemon/state/store.h"
#include "daemon/transports/transports.h"

namespace huitou {

// How long a caller waits for the shards to answer.
inline constexpr std::chrono::seconds kAnswerWait{5};

class Daemon::Impl {
 public:
  Impl(config::Loaded loaded, const DaemonOptions& options);
  ~Impl();

  Status Start();
  bool Reload();
  void Stop();
  std::vector<std::string> NotReady() const;
  std::string fatal() const;
  int http_port() const { return server_ == nullptr ? 0 : server_->port(); }

 private:
  // One shard of this process.
  struct Owned {
    std::unique_ptr<TemplateRendering> rendering;
    std::unique_ptr<ShardMetrics> metrics;
    std::unique_ptr<ShardWorker> worker;
  };
  // An embedded-log stream that every shard reads its slice of.
  struct Stream {
    config::SourceConfig source;
    uint16_t number = 0;
    std::optional<FieldMap> map;
    std::unique_ptr<LogProgress> progress;
    std::unique_ptr<FileFeeder> feeder;  // of a file source
    std::unique_ptr<LogWriter> writer;   // of an http source
  };

  // Of a store and its id, which is written behind it, there is neither.
  bool IsFirstStart() const;
  Status OpenStore();
  Result<std::unique_ptr<Store>> OpenStoreIn(const std::string& folder, uint16_t shards);
  Status OpenStreams();
  Status OpenShards();
  Status StartSinks();
  Status StartKafka();
  Status StartHttp();
  Status OpenShard(ShardNumber shard);
  void WakeShard(ShardNumber shard);
  void CloseShards(const std::vector<ShardNumber>& shards, bool commit);
  std::vector<std::unique_ptr<ShardInput>> InputsOf(ShardNumber shard);
  std::unique_ptr<ContractDecoder> MakeDecoder(const std::optional<FieldMap>& map) const;
  void OnEnded(ShardNumber shard, const Status& status);  // a worker, by itself or told to
  void OnFatal(ShardNumber shard, const Status& status);
  void Keep();  // housekeeping: gauges, readiness changes
  void UpdateGauges();
  void UpdateShardGauges();
  void LookAtPools();
  void UpdateCampaignGauges(const Plays& plays);
  std::map<std::string, CampaignTally> Tallies() const;  // by campaign
  std::shared_ptr<const Plays> plays() const;

  // --- doors.cc
  http::DaemonApi MakeApi();
  http::StatusReport StatusNow() const;
  Status Append(std::span<const http::AcceptedEvent> events);
  Result<std::string> CustomerDocument(const std::string& customer);
  Result<std::string> Export(const std::string& customer);
  Result<std::string> Timeline(const std::string& customer, size_t max);
  std::vector<DownChannel> DownNow() const;
  Result<std::string> Explain(const std::string& customer, const std::string& campaign,
                              std::optional<TimeUs> at);
  Status Erase(const std::string& customer);
  Result<std::string> Campaigns();
  Status Pause(const std::string& campaign, bool paused);
  void StartMailDrops(const config::DaemonConfig& config);
  bool SpreadReceipts(const std::string& channel, const std::vector<channels::Receipt>& receipts,
                      std::function<void(bool nobody_heard)> done);
  bool CountReceipts(const std::string& channel, const std::vector<channels::Receipt>& receipts,
                     const std::vector<std::atomic<bool>>& known);
  bool TakeReceipts(const std::string& channel, const std::vector<channels::Receipt>& receipts);
  // Runs on the customer's shard and waits for the answer, a Result.
  template <typename Question>
  std::invoke_result_t<Question, ShardView&> Ask(const std::string& customer, Question question);

  // --- public_doors.cc
  void AddPublicDoors(http::DaemonApi* api);
  Result<http::Preferences> PreferencesOf(const channels::PreferenceKey& key);
  Status Wish(const std::string& customer, const std::vector<http::Wish>& wishes);
  Status Click(const channels::ClickKey& key, const std::string& id);

  // Puts these plays in force. True once every shard has taken them up: an event that is accepted
  // later meets them. False when one has not within kAnswerWait; it still will. Under changing_.
  bool Use(const std::shared_ptr<const Plays>& plays);
  // The shard drops `share` when it has taken the plays up.
  void TellOf(const std::shared_ptr<const Plays>& plays, ShardNumber number, const Owned& owned,
              std::shared_ptr<void> share);
  std::string CurrencyPath() const { return state_dir_ + "/currency"; }
  Status RememberPaused(const std::set<std::string>& paused);

  std::shared_ptr<config::Loaded> loaded_;
  const DaemonOptions options_;
  std::string state_dir_;
  std::string state_id_;
  uint16_t shards_ = 0;

  SystemClock clock_;
  SeededRandom random_{std::random_device{}()};
  Metrics metrics_;
  LogLimiter log_limiter_;
  DispatchMetrics dispatch_metrics_;
  std::unique_ptr<Store> store_;
  QuotaBook quotas_;
  SourcePulses pulses_;
  Outlets outlets_;
  std::unique_ptr<Transports> transports_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<Sinks> sinks_;
  std::vector<Stream> streams_;
  std::unique_ptr<KafkaSource> kafka_;

  mutable std::shared_mutex owned_mutex_;
  std::map<ShardNumber, Owned> owned_;

  std::mutex changing_;  // held by who puts other plays in force; locked before all others

  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const Plays> plays_;
  std::string fatal_;
  bool stopping_ = false;
  bool opened_ = false;  // the shards that need no assignment
  std::condition_variable stop_;

  std::shared_ptr<std::atomic<size_t>> clicks_under_way_ = std::make_shared<std::atomic<size_t>>(0);
  std::unique_ptr<FieldMap> http_map_;
  std::unique_ptr<http::Server> server_;
  std::thread keeper_;
  std::set<std::string> pools_shown_;             // as metrics; keeper's thread
  std::vector<std::unique_ptr<MailDrop>> drops_;  // folders of bounces, one a channel
};

template <typename Question>
std::invoke_result_t<Question, ShardView&> Daemon::Impl::Ask(const std::string& customer,
                                                             Question question) {
  using Answer = std::invoke_result_t<Question, ShardView&>;
  auto answer = std::make_shared<std::promise<Answer>>();
  auto future = answer->get_future();
  {
    std::shared_lock lock(owned_mutex_);
    const auto found = owned_.find(ShardOf(customer, shards_));
    if (found == owned_.end()) {
      return Status(StatusCode::kUnavailable, "this customer's partition is not assigned here");
    }
    found->second.worker->shard().Post([answer, question = std::move(question)](ShardView& view) {
      answer->set_value(question(view));
    });
  }
  answer.reset();  // the shard has it now, and may be closed before it answers
  if (future.wait_for(kAnswerWait) != std::future_status::ready) {
    return Status(StatusCode::kUnavailable, "the shard is busy; ask again");
  }
  try {
    return future.get();
  } catch (const std::future_error&) {
    return Status(StatusCode::kUnavailable, "the partition went elsewhere; ask again");
  }
}

}  // namespace huitou
