#include "daemon/sources/kafka_source.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "daemon/clock/clock.h"
#include "daemon/metrics/log.h"
#include "daemon/metrics/metrics.h"
#include "daemon/sources/kafka_input.h"
#include "daemon/sources/kafka_start.h"
#include "daemon/sources/limits.h"
#include "triggers/base/check.h"

namespace huitou {

using kafka::Feed;
using kafka::Partition;

namespace {

constexpr int kPoll_ms = 50;

}  // namespace

class KafkaSource::Impl {
 public:
  Impl(KafkaSourceOptions options, KafkaHost host, const WallClock* clock, Metrics* metrics)
      : options_(std::move(options)), host_(std::move(host)), clock_(clock), metrics_(metrics) {
    for (uint32_t shard = 0; shard < options_.shards; ++shard) {
      wake_targets_.push_back({this, static_cast<ShardNumber>(shard)});
    }
  }
  ~Impl() { Stop(); }

  Status Start() {
    if (Status status = Open(); !status.ok()) {
      return status;
    }
    control_ = std::thread([this] { Control(); });
    ends_ = std::thread([this] { AskEnds(); });
    return Status::Ok();
  }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_all();
    if (control_.joinable()) {
      control_.join();
    }
    if (ends_.joinable()) {
      ends_.join();
    }
    Close();
  }

  std::vector<std::unique_ptr<ShardInput>> Inputs(ShardNumber shard) {
    const std::lock_guard lock(mutex_);
    std::vector<std::unique_ptr<ShardInput>> inputs;
    if (const auto found = feeds_.find(shard); found != feeds_.end()) {
      for (const std::shared_ptr<Feed>& feed : found->second) {
        inputs.push_back(std::make_unique<kafka::Input>(feed, host_.make_decoder()));
      }
    }
    return inputs;
  }

  std::vector<std::string> NotReady() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> reasons = refused_;
    if (!problem_.empty()) {
      reasons.push_back(problem_);
    } else if (feeds_.empty() && refused_.empty()) {
      reasons.emplace_back("waiting for partitions of group '" + options_.group + "'");
    } else if (opening_) {
      reasons.emplace_back("opening the shards of its partitions");
    }
    reasons.insert(reasons.end(), stuck_.begin(), stuck_.end());
    for (std::string& reason : reasons) {
      reason.insert(0, "kafka source '" + options_.name + "': ");
    }
    return reasons;
  }

  std::optional<int64_t> Behind() const {
    std::optional<int64_t> behind;
    for (const auto& [shard, of_shard] : SnapshotFeeds()) {
      for (const std::shared_ptr<Feed>& feed : of_shard) {
        if (const std::optional<Feed::End> end = feed->end()) {
          behind = behind.value_or(0) + std::max<int64_t>(0, end->offset - feed->position);
        }
      }
    }
    return behind;
  }

 private:
  struct WakeTarget {
    Impl* source;
    ShardNumber shard;
  };
  using Feeds = std::map<ShardNumber, std::vector<std::shared_ptr<Feed>>>;

  // --- the client ---

  Status Open() {
    Result<kafka::Conf> conf =
        kafka::MakeConf(options_.brokers, kafka::Tunable(options_), kafka::Fixed(options_));
    if (!conf.ok()) {
      return conf.status();
    }
    rd_kafka_conf_set_opaque(conf->get(), this);
    rd_kafka_conf_set_rebalance_cb(conf->get(), OnRebalance);
    rd_kafka_conf_set_error_cb(conf->get(), OnError);
    rd_kafka_conf_set_offset_commit_cb(conf->get(), OnGroupCommit);
    Result<kafka::Client> client = kafka::MakeConsumer(std::move(*conf));
    if (!client.ok()) {
      return client.status();
    }
    // Errors and rebalances come by one poll; records never do, they have their own queues.
    rd_kafka_poll_set_consumer(client->get());
    const std::lock_guard lock(mutex_);
    client_ = {client->release(), kafka::Deleter()};
    joined_ = false;
    return Status::Ok();
  }

  void Close() {
    if (client_ == nullptr) {
      return;
    }
    group_commit_done_ = false;
    if (CommitToGroup()) {
      const int64_t until = SteadyNow() + kSecondUs;
      while (!group_commit_done_ && SteadyNow() < until) {
        rd_kafka_consumer_poll(client_.get(), kPoll_ms);
      }
    }
    ForgetFeeds();
    client_.reset();
  }

  static void OnError(rd_kafka_t*, int code, const char* reason, void* opaque) {
    static_cast<Impl*>(opaque)->NoteError(code, reason);
  }
  static void OnGroupCommit(rd_kafka_t*, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*,
                            void* opaque) {
    static_cast<Impl*>(opaque)->group_commit_done_ = true;
  }
  static void OnRebalance(rd_kafka_t*, rd_kafka_resp_err_t error,
                          rd_kafka_topic_partition_list_t* list, void* opaque) {
    auto* self = static_cast<Impl*>(opaque);
    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
      self->Assign(kafka::FromList(list));
    } else {
      self->Revoke();
    }
  }
  static void OnRecords(rd_kafka_t*, void* opaque) {
    const auto* target = static_cast<const WakeTarget*>(opaque);
    target->source->host_.wake(target->shard);
  }

  void NoteError(int code, const std::string& reason) {
    if (metrics_ != nullptr) {
      metrics_->Add(Metric::kSourceErrors, {options_.name});
    }
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
      char text[256];
      fatal_ = rd_kafka_fatal_error(client_.get(), text, sizeof(text));
    }
    if (const auto left_out = limiter_.Pass(kafka::ErrorText(code), SteadyNow())) {
      Log(LogLevel::kWarning, "kafka: trouble",
          {{"source", options_.name},
           {"error", kafka::ErrorText(code)},
           {"why", reason},
           {"left_out", *left_out}});
    }
  }

  void SetProblem(const std::string& problem) {
    bool is_new = false;
    {
      const std::lock_guard lock(mutex_);
      is_new = problem_ != problem;
      problem_ = problem;
    }
    if (is_new && !problem.empty()) {
      Log(LogLevel::kWarning, "kafka: not ready", {{"source", options_.name}, {"why", problem}});
    }
  }

  // --- the control thread ---

  bool Sleep(DurationUs duration) {
    std::unique_lock lock(mutex_);
    return !stop_.wait_for(lock, std::chrono::microseconds(duration), [this] { return stopping_; });
  }
  bool stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  void Control() {
    Loop();
    TakeAway();
  }

  void Loop() {
    int64_t committed_at = SteadyNow();
    int64_t watched_at = committed_at;
    while (!stopping()) {
      if (again_ && !Sleep(limits::kLookAgain)) {
        return;
      }
      if ((fatal_ != 0 || again_) && !Rebuild()) {
        return;
      }
      if (!joined_ && (!MayJoinAgain() || !Join())) {
        if (!Sleep(limits::kLookAgain)) {
          return;
        }
        continue;
      }
      rd_kafka_message_t* message = rd_kafka_consumer_poll(client_.get(), kPoll_ms);
      if (message != nullptr) {
        // A record here would be one that its shard never sees.
        CHECK(message->err != RD_KAFKA_RESP_ERR_NO_ERROR);
        NoteError(message->err, rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
      }
      const int64_t now = SteadyNow();
      if (now - committed_at > limits::kCommitToGroup) {
        CommitToGroup();
        committed_at = now;
      }
      if (now - watched_at > kSecondUs) {
        WatchWorkers();
        watched_at = now;
      }
    }
  }

  bool MayJoinAgain() {
    if (!fenced_at_) {
      return true;
    }
    const Status status = kafka::MayJoinAgain(
        client_.get(), options_, kafka::Tunable(options_).at("group.instance.id"), *fenced_at_);
    SetProblem(status.message());
    if (status.ok()) {
      fenced_at_.reset();
    }
    return status.ok();
  }

  // Nothing is asked of the group before the topics are as they must be and some partition is not
  // another state's: joining takes partitions from whoever has them now.
  bool Join() {
    const Status status = kafka::MayJoin(client_.get(), options_);
    SetProblem(status.message());
    if (!status.ok()) {
      return false;
    }
    const kafka::List topics(
        rd_kafka_topic_partition_list_new(static_cast<int>(options_.topics.size())));
    for (const std::string& topic : options_.topics) {
      rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    }
    const rd_kafka_resp_err_t error = rd_kafka_subscribe(client_.get(), topics.get());
    joined_ = error == RD_KAFKA_RESP_ERR_NO_ERROR;
    SetProblem(joined_ ? "" : kafka::ErrorText(error));
    return joined_;
  }

  // Out of the callback of a rebalance there is no way to be asked again but a new client: an
  // unsubscription there can leave the old one waiting for ever.
  void TryAgain(const std::string& problem) {
    rd_kafka_assign(client_.get(), nullptr);
    SetProblem(problem);
    again_ = true;
  }

  // After a fatal error the library's client is of no use. False: nor is a new one.
  bool Rebuild() {
    const int fatal = fatal_.exchange(0);
    again_ = false;
    TakeAway();
    if (fatal == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
      fenced_at_ = Committed();
    }
    ForgetFeeds();
    rd_kafka_assign(client_.get(), nullptr);
    {
      const std::lock_guard lock(mutex_);
      client_.reset();
    }
    const Status status = Open();
    SetProblem(status.message());
    return status.ok();
  }

  // --- partitions come and go ---

  void Assign(std::vector<Partition> partitions) {
    Result<kafka::StartPlan> plan =
        kafka::PlanStart(client_.get(), options_, host_.stored_offset, std::move(partitions));
    if (!plan.ok()) {
      TryAgain(plan.status().message());
      return;
    }
    Feeds feeds = MakeFeeds(plan->starts);
    const kafka::List list = kafka::ToList(plan->starts);
    const rd_kafka_resp_err_t error = rd_kafka_assign(client_.get(), list.get());
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      TryAgain(kafka::ErrorText(error));
      return;
    }
    std::vector<ShardNumber> shards;
    for (const auto& [shard, ignored] : feeds) {
      shards.push_back(shard);
    }
    for (const std::string& reason : plan->refused) {
      Log(LogLevel::kError, "kafka: partition refused",
          {{"source", options_.name}, {"why", reason}});
    }
    Log(LogLevel::kInfo, "kafka: partitions assigned",
        {{"source", options_.name}, {"shards", shards.size()}, {"refused", plan->refused.size()}});
    {
      const std::lock_guard lock(mutex_);
      feeds_ = std::move(feeds);
      refused_ = std::move(plan->refused);
      problem_.clear();
      opening_ = !shards.empty();
    }
    CommitToGroup();  // the mark of this state
    if (!shards.empty()) {
      host_.assigned(shards);
      const std::lock_guard lock(mutex_);
      opening_ = false;
    }
  }

  Feeds MakeFeeds(const std::vector<Partition>& starts) {
    Feeds feeds;
    for (const Partition& start : starts) {
      kafka::Queue queue(
          rd_kafka_queue_get_partition(client_.get(), start.topic.c_str(), start.number));
      // Before the assignment, so that no record ever goes to the common queue.
      rd_kafka_queue_forward(queue.get(), nullptr);
      const auto shard = static_cast<ShardNumber>(start.number);
      rd_kafka_queue_cb_event_enable(queue.get(), OnRecords, &wake_targets_[shard]);
      InputSpec spec;
      spec.name = KafkaSource::InputName(options_.name, start.topic);
      spec.source = options_.name;
      spec.topic = start.topic;
      spec.partition = start.number;
      spec.allowed_lateness = options_.allowed_lateness;
      spec.expect_event_within = options_.expect_event_within;
      auto feed = std::make_shared<Feed>(start, std::move(spec), std::move(queue));
      feed->position = start.offset;
      feed->committed = start.offset;
      feed->polled_steady = SteadyNow();
      feeds[shard].push_back(std::move(feed));
    }
    for (auto& [shard, of_shard] : feeds) {
      std::sort(of_shard.begin(), of_shard.end(), [this](const auto& a, const auto& b) {
        return IndexOf(a->partition().topic) < IndexOf(b->partition().topic);
      });
    }
    return feeds;
  }

  size_t IndexOf(const std::string& topic) const {
    return std::find(options_.topics.begin(), options_.topics.end(), topic) -
           options_.topics.begin();
  }

  void Revoke() {
    TakeAway();
    ForgetFeeds();
    rd_kafka_assign(client_.get(), nullptr);
  }

  void TakeAway() {
    std::vector<ShardNumber> shards;
    for (const auto& [shard, of_shard] : SnapshotFeeds()) {
      shards.push_back(shard);
      for (const std::shared_ptr<Feed>& feed : of_shard) {
        ForgetLag(*feed);
      }
    }
    if (!shards.empty()) {
      Log(LogLevel::kInfo, "kafka: partitions taken away",
          {{"source", options_.name}, {"shards", shards.size()}});
      host_.revoked(shards);
      CommitToGroup();
    }
  }

  void ForgetFeeds() {
    const std::lock_guard lock(mutex_);
    for (const auto& [shard, of_shard] : feeds_) {
      for (const std::shared_ptr<Feed>& feed : of_shard) {
        rd_kafka_queue_cb_event_enable(feed->queue(), nullptr, nullptr);
      }
    }
    feeds_.clear();
    refused_.clear();
    stuck_.clear();
  }

  std::shared_ptr<rd_kafka_t> SharedClient() const {
    const std::lock_guard lock(mutex_);
    return client_;
  }

  Feeds SnapshotFeeds() const {
    const std::lock_guard lock(mutex_);
    return feeds_;
  }

  // --- what is only shown, and who watches ---

  std::vector<Partition> Committed() const {
    std::vector<Partition> partitions;
    for (const auto& [shard, of_shard] : SnapshotFeeds()) {
      for (const std::shared_ptr<Feed>& feed : of_shard) {
        Partition partition = feed->partition();
        partition.offset = feed->committed;
        partition.metadata = kafka::OwnerMark(options_.state_id);
        if (partition.offset >= 0) {
          partitions.push_back(std::move(partition));
        }
      }
    }
    return partitions;
  }

  bool CommitToGroup() {
    const std::vector<Partition> partitions = Committed();
    if (partitions.empty()) {
      return false;
    }
    const kafka::List list = kafka::ToList(partitions);
    return rd_kafka_commit(client_.get(), list.get(), /*async=*/1) == RD_KAFKA_RESP_ERR_NO_ERROR;
  }

  void WatchWorkers() {
    std::vector<std::string> stuck;
    for (const auto& [shard, of_shard] : SnapshotFeeds()) {
      for (const std::shared_ptr<Feed>& feed : of_shard) {
        const std::optional<Feed::End> end = feed->end();
        const int64_t position = feed->position;
        if (end && metrics_ != nullptr) {
          metrics_->Set(Metric::kSourceLag,
                        {options_.name, feed->partition().topic, std::to_string(shard)},
                        static_cast<double>(std::max<int64_t>(0, end->offset - position)));
        }
        if (end && end->offset > position &&
            SteadyNow() - feed->polled_steady > limits::kStuckShard) {
          stuck.push_back(feed->partition().Name() + " is not read by its shard");
        }
      }
    }
    const std::lock_guard lock(mutex_);
    stuck_ = std::move(stuck);
  }

  void ForgetLag(const Feed& feed) {
    if (metrics_ != nullptr) {
      metrics_->Remove(Metric::kSourceLag, {options_.name, feed.partition().topic,
                                            std::to_string(feed.partition().number)});
    }
  }

  // --- the thread that asks for the log's ends ---

  // Nobody tells that nothing came: so that timers pass at the log's end, somebody has to ask.
  void AskEnds() {
    int64_t asked_all_at = 0;
    while (Sleep(limits::kAskEnds)) {
      // Outlives the queues of the feeds below, which are its own.
      const std::shared_ptr<rd_kafka_t> client = SharedClient();
      const bool all = SteadyNow() - asked_all_at > limits::kAskEndsBehind;
      std::vector<std::shared_ptr<Feed>> feeds;
      std::vector<Partition> partitions;
      for (const auto& [shard, of_shard] : SnapshotFeeds()) {
        for (const std::shared_ptr<Feed>& feed : of_shard) {
          const std::optional<Feed::End> end = feed->end();
          if (all || !end || feed->position >= end->offset) {
            feeds.push_back(feed);
            partitions.push_back(feed->partition());
          }
        }
      }
      if (partitions.empty()) {
        continue;
      }
      asked_all_at = all ? SteadyNow() : asked_all_at;
      // The wall first: what the broker gets after this instant is behind the end or before it.
      const TimeUs wall = clock_->Now();
      const Status status =
          kafka::AskEdges(client.get(), kafka::Edge::kEnd, limits::kAskEnds_ms, &partitions);
      if (!status.ok()) {
        NoteError(RD_KAFKA_RESP_ERR__TIMED_OUT, status.message());
        continue;
      }
      for (size_t i = 0; i < feeds.size(); ++i) {
        TellEnd(*feeds[i], wall, partitions);
      }
    }
  }

  void TellEnd(Feed& feed, TimeUs wall, const std::vector<Partition>& ends) {
    for (const Partition& end : ends) {
      if (end.number == feed.partition().number && end.topic == feed.partition().topic) {
        feed.SetEnd({wall, end.offset});
        if (feed.position >= end.offset) {
          host_.wake(static_cast<ShardNumber>(end.number));
        }
        return;
      }
    }
  }

  const KafkaSourceOptions options_;
  const KafkaHost host_;
  const WallClock* const clock_;
  Metrics* const metrics_;
  std::vector<WakeTarget> wake_targets_;
  LogLimiter limiter_;

  bool joined_ = false;         // control thread
  bool again_ = false;          // control thread; the client is of no use for a reason that passes
  std::atomic<int> fatal_ = 0;  // the code of a fatal error
  // Set while a member of the same group.instance.id has put this one out: where it stood then.
  std::optional<std::vector<Partition>> fenced_at_;
  std::atomic<bool> group_commit_done_ = false;

  mutable std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;               // these under mutex_
  std::shared_ptr<rd_kafka_t> client_;  // changed by the control thread, which reads it freely
  Feeds feeds_;
  bool opening_ = false;              // their shards, which cannot be asked yet
  std::string problem_;               // why there are no partitions
  std::vector<std::string> refused_;  // partitions, with the reason
  std::vector<std::string> stuck_;

  std::thread control_;
  std::thread ends_;
};

KafkaSource::KafkaSource(KafkaSourceOptions options, KafkaHost host, const WallClock* clock,
                         Metrics* metrics)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(host), clock, metrics)) {
}
KafkaSource::~KafkaSource() = default;

Status KafkaSource::Start() {
  return impl_->Start();
}
void KafkaSource::Stop() {
  impl_->Stop();
}
std::vector<std::unique_ptr<ShardInput>> KafkaSource::Inputs(ShardNumber shard) {
  return impl_->Inputs(shard);
}
std::vector<std::string> KafkaSource::NotReady() const {
  return impl_->NotReady();
}
std::optional<int64_t> KafkaSource::Behind() const {
  return impl_->Behind();
}
std::string KafkaSource::InputName(const std::string& source, const std::string& topic) {
  return source + "/" + topic;
}

}  // namespace huitou
