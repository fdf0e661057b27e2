// A daemon of one shard in virtual time: its log, its provider, its disk and its clock are the
// test's. Crash() throws the process away and leaves the disk.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/clock/clock.h"
#include "daemon/decode/event_decoder.h"
#include "daemon/shard/shard.h"
#include "daemon/state/memory_key_value.h"

namespace huitou {

// Events are JSON, one a record.
class JsonDecoder final : public Decoder {
 public:
  EventError Decode(const SourceRecord& record, Event* event, std::string* detail) override;

 private:
  EventDecoder decoder_;
};

// A provider that remembers what it got; the test answers.
class TestGate final : public SendGate {
 public:
  bool TryAcquire(std::string_view channel) override;
  void Release(std::string_view channel) override;
  bool IsDown(std::string_view channel) override;
  void Send(std::vector<SendJob> jobs) override;
  void Query(QueryJob job) override { asked.push_back(std::move(job)); }

  std::map<std::string, int, std::less<>> room;  // by channel; none: unbounded
  std::set<std::string, std::less<>> down;
  std::vector<SendJob> sent;  // in this process, not answered yet
  std::vector<QueryJob> asked;
};

class TestRendering final : public Rendering {
 public:
  Result<channels::Message> Message(const OutboxRecord& record, const Customer& customer,
                                    std::string_view address) override;
  std::string Emission(const huitou::Emission& emission) override;
};

// Takes everything; what it took survives crashes, as a topic does.
class TestSinks final : public RecordSinks {
 public:
  size_t Offer(ShardNumber shard, SinkKind kind, std::span<const SinkRecord> records) override;

  size_t taken_max = SIZE_MAX;
  std::vector<SinkRecord> taken;
};

class TestObserver final : public ShardObserver {
 public:
  void OnRejected(const InputSpec& input, std::string_view reason) override;
  void OnLate(const InputSpec& input) override;
  void OnFuture(const InputSpec& input) override;
  void OnDuplicate(std::string_view kind) override;
  void OnConditionError(std::string_view campaign, std::string_view why) override;
  void OnConservationViolation(std::string_view what) override;
  void OnStalled(bool stalled, std::string_view why) override;

  std::map<std::string, int> counts;  // "rejected bad_json", "late", "duplicate event", ...
};

// Events of the tests: times are days after this instant.
TimeUs At(double days);

struct OrderOptions {
  std::string category = "shoes";
  std::string phone;
  std::string id;  // empty: from time and customer
  std::string total = "100.00";
};
std::string OrderJson(TimeUs time, const std::string& customer, const OrderOptions& options = {});
std::string EventJson(TimeUs time, const std::string& type, const std::string& customer,
                      const std::string& more = "");

// "winback": 10 days without an order send one message by `via`.
std::shared_ptr<Campaign> Winback(std::vector<std::string> via = {"sms"});
// "thanks": every review.posted sends one message.
std::shared_ptr<Campaign> Thanks(std::vector<std::string> via = {"sms"});
CouponStep FiftyYuan();
// The same behind this coupon, step "big".
std::shared_ptr<Campaign> ThanksWithACoupon(const CouponStep& coupon);
std::shared_ptr<CampaignSet> SetOf(std::vector<std::shared_ptr<Campaign>> campaigns);

class ShardWorld {
 public:
  explicit ShardWorld(std::shared_ptr<const CampaignSet> set,
                      std::vector<InputSpec> inputs = {InputSpec{.name = "api",
                                                                 .source = "api",
                                                                 .topic = "",
                                                                 .partition = 0,
                                                                 .allowed_lateness = 0,
                                                                 .expect_event_within = {},
                                                                 .log_stream = {}}});

  // Opens the process on the disk. Called by the first use, and after Crash.
  void Open();
  void Crash();
  bool is_open() const { return shard_ != nullptr; }

  // Appends to an input's log; read by Run.
  void Append(const std::string& payload, size_t input = 0);
  // Feeds what the shard has not read yet and turns until it is idle. With `at_end` the inputs then
  // stand at their ends at the clock's time. False when the store ended the process.
  bool Run(bool at_end = false);
  // The clock goes to `time`, and everything stands at its end.
  bool LiveUntil(TimeUs time);
  bool Turn();
  // Answers all that was sent, by `outcome`.
  void Answer(channels::Outcome::Kind kind = channels::Outcome::Kind::kAccepted,
              const std::string& reason = "");
  Status Commit();

  Shard& shard() { return *shard_; }
  std::vector<std::string> Decisions() const;  // each once, without ids, in the order of the sink
  // How often each (episode, seq) came to the sink with different content; 0 is right.
  int Contradictions() const;
  size_t LedgerSize();

  ManualClock clock;
  std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>();
  std::function<std::unique_ptr<KeyValue>()> open_key_value;
  ShardOptions options;
  TestGate gate;
  TestRendering rendering;
  TestSinks sinks;
  TestObserver observer;
  SeededRandom random{1};
  std::shared_ptr<const CampaignSet> campaigns;
  CodePools* pools = nullptr;  // must outlive the process
  Status last_error;

 private:
  const std::vector<InputSpec> inputs_;
  std::vector<std::vector<std::string>> logs_;
  std::vector<std::unique_ptr<JsonDecoder>> decoders_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<QuotaBook> quotas_;
  std::unique_ptr<Shard> shard_;
};

}  // namespace huitou
