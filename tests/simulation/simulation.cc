#include "tests/simulation/simulation.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <utility>

#include "daemon/state/record_codec.h"
#include "tests/shard/harness.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/provider.h"
#include "tests/simulation/workload.h"
#include "triggers/base/check.h"

namespace huitou::simulation {
namespace {

constexpr TimeUs kEndDays = kLifeDays + 30;

// How one life goes; drawn from the seed.
struct Life {
  bool backlog = false;  // all is read at the end, as after a long outage
  bool coupons_local = true;
  int64_t budget_minor = 0;
  bool faults = true;
};

std::string Field(const std::string& json, const std::string& name) {
  const std::string quoted = "\"" + name + "\":\"";
  const size_t at = json.find(quoted);
  if (at == std::string::npos) {
    return "";
  }
  const size_t begin = at + quoted.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

class Daemon {
 public:
  Daemon(uint64_t seed, Life life)
      : life_(life),
        random_(seed ^ 0x5EED),
        workload_(MakeWorkload(seed)),
        campaigns_(MakeCampaigns(life.coupons_local, life.budget_minor)),
        provider_(seed ^ 0xFACE, [this](const SendJob& job) { CheckConsent(job); }) {
    provider_.set_faults(life.faults);
  }

  void Live();
  void Check();
  Outcome outcome;
  std::vector<std::string> Lines() const;  // every decision once, sorted
  // Those that don't depend on when the machine read them: not of events from the future.
  std::vector<std::string> ExactLines() const;
  // Of these, those of campaigns that are a function of the log alone.
  std::vector<std::string> TimelessLines() const;

 private:
  // The process: gone with a crash.
  struct Process {
    std::unique_ptr<Store> store;
    QuotaBook quotas;
    SeededRandom random{7};
    std::array<std::array<JsonDecoder, kInputs>, kShards> decoders;
    std::array<std::unique_ptr<Shard>, kShards> shards;
    std::array<std::array<std::vector<SourceRecord>, kInputs>, kShards> records;
  };

  uint64_t Draw(uint64_t bound) { return random_() % bound; }
  bool Chance(int percent) { return life_.faults && Draw(100) < static_cast<uint64_t>(percent); }
  void Start();
  void Crash();
  void Step(bool last);
  bool StepShard(int number, bool last);
  bool FeedInput(int number, int input, bool last);
  void AcknowledgeSinks(int number);
  void SayStop();
  void CheckConsent(const SendJob& job);
  void CheckCandidates();
  void CheckDeliveries();
  void CheckLedger();
  void CheckLog();
  void CheckTallies();
  void Finish();
  bool IsSettled();
  void Violate(const std::string& what) { outcome.violations.push_back(what); }

  const Life life_;
  std::mt19937_64 random_;
  const Workload workload_;
  const std::shared_ptr<const CampaignSet> campaigns_;
  const std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  Provider provider_;
  TestRendering rendering_;
  std::array<TestSinks, kShards> sinks_;
  TestObserver observer_;
  std::unique_ptr<Process> process_;
  TimeUs wall_ = At(0);
  DurationUs skew_ = 0;
  std::array<uint64_t, kShards> acknowledged_ = {};
  std::set<std::string> stopped_;  // customers whose "stop" was acknowledged
};

void Daemon::Start() {
  process_ = std::make_unique<Process>();
  StoreOptions store_options;
  store_options.shards = kShards;
  auto store = Store::Open(std::make_unique<MemoryKeyValue>(disk_), store_options);
  CHECK(store.ok());
  process_->store = *std::move(store);
  CHECK(process_->quotas.Load(*process_->store).ok());
  for (int number = 0; number < kShards; ++number) {
    ShardOptions options;
    options.shard = static_cast<ShardNumber>(number);
    options.sink_decisions = options.sink_dead_letters = true;
    options.cache_customers = 4;  // so that customers come and go
    options.policies["sms"].promise = channels::Promise::kAtMostOnce;
    options.policies["email"].promise = channels::Promise::kAtLeastOnce;
    options.policies["email"].receipt_wait = kHourUs;
    options.policies["sms"].queries_max = options.policies["email"].queries_max = 3;
    options.policies["push"].promise = channels::Promise::kExactlyOnceByKey;
    ShardParts parts;
    parts.store = process_->store.get();
    parts.quotas = &process_->quotas;
    parts.gate = &provider_;
    parts.rendering = &rendering_;
    parts.sinks = &sinks_[number];
    parts.observer = &observer_;
    parts.random = &process_->random;
    parts.campaigns = campaigns_;
    for (int input = 0; input < kInputs; ++input) {
      InputSpec spec;
      spec.name = input == 0 ? "shop/deeds" : "shop/views";
      spec.source = "shop";
      spec.topic = input == 0 ? "deeds" : "views";
      spec.partition = number;
      spec.allowed_lateness = kLateness;
      parts.inputs.push_back({spec, &process_->decoders[number][input]});
    }
    auto shard = Shard::Open(options, std::move(parts));
    CHECK(shard.ok());
    process_->shards[number] = *std::move(shard);
  }
}

void Daemon::Crash() {
  ++outcome.crashes;
  process_.reset();
  provider_.DaemonCrashed();
  disk_->fail_after_commits = -1;
  disk_->full = false;
}

// --- living
// ---------------------------------------------------------------------------------------

// Feeds what has arrived, or a part of it; true when nothing is left behind.
bool Daemon::FeedInput(int number, int input, bool last) {
  Shard& shard = *process_->shards[number];
  const std::vector<Arrival>& arrivals = workload_.arrivals[number][input];
  std::vector<SourceRecord>& records = process_->records[number][input];
  if (!shard.Wants(input)) {
    return false;
  }
  const auto next = static_cast<size_t>(std::max<int64_t>(0, shard.NextOffset(input)));
  // After a restart some inputs give older records again.
  size_t from = next > 0 && Chance(20) ? next - 1 : next;
  const size_t chunk = last ? SIZE_MAX : 1 + Draw(12);
  records.clear();
  for (; from < arrivals.size() && arrivals[from].wall <= wall_ && records.size() < chunk; ++from) {
    SourceRecord record;
    record.offset = static_cast<int64_t>(from);
    record.payload = arrivals[from].payload;
    record.tombstone = arrivals[from].payload.empty();
    records.push_back(record);
  }
  shard.Feed(input, records);
  return from >= arrivals.size() || arrivals[from].wall > wall_;
}

// False when the process ended.
bool Daemon::StepShard(int number, bool last) {
  Shard& shard = *process_->shards[number];
  for (int input = 0; input < kInputs; ++input) {
    const bool all = FeedInput(number, input, last);
    if (all && (last || !life_.backlog)) {
      shard.AtEnd(input, wall_ + skew_);
    }
  }
  const uint64_t turns = last ? 20 : 1 + Draw(4);
  for (uint64_t turn = 0; turn < turns; ++turn) {
    const Result<Shard::Progress> progress = shard.Turn(wall_ + skew_);
    if (!progress.ok() && progress.status().code() != StatusCode::kExhausted) {
      return false;
    }
  }
  if (Chance(30) || last) {
    const Status status = shard.Commit(wall_ + skew_);
    if (!status.ok() && status.code() != StatusCode::kExhausted) {
      return false;
    }
  }
  AcknowledgeSinks(number);
  return true;
}

void Daemon::AcknowledgeSinks(int number) {
  uint64_t& told = acknowledged_[number];
  for (const SinkRecord& record : sinks_[number].taken) {
    if (record.kind == SinkKind::kDecisions && record.sequence > told && Draw(2) == 0) {
      told = std::max(told, record.sequence);
      process_->shards[number]->PostDelivered(record.kind, record.sequence);
    }
  }
}

// Somebody answers "stop"; the provider tells every shard, by nothing but the phone.
void Daemon::SayStop() {
  const std::string phone = PhoneOf("late" + std::to_string(Draw(kInexactCustomers)));
  channels::Receipt receipt;
  receipt.kind = channels::Receipt::Kind::kUnsubscribed;
  receipt.reason = "opted_out";
  receipt.text = "TD";
  receipt.address = phone;
  receipt.time = wall_;
  for (int number = 0; number < kShards; ++number) {
    std::vector<std::string> customers;
    CHECK(process_->store
              ->FindByAddress(static_cast<ShardNumber>(number),
                              AddressHash(CampaignSet::Contact::kPhone, phone), "", 100, &customers)
              .ok());
    process_->shards[number]->PostReceipt(
        "sms", receipt, [this, customers = std::move(customers)](bool known) {
          if (!customers.empty() && !known) {
            Violate("6: nobody was found by the phone of " + customers.front());
          }
          stopped_.insert(customers.begin(), customers.end());
        });
  }
}

void Daemon::Step(bool last) {
  if (process_ == nullptr) {
    Start();
  }
  if (!last && Chance(4)) {
    Crash();
    return;
  }
  if (!last && Chance(8)) {
    disk_->fail_after_commits = static_cast<int64_t>(Draw(4));
  }
  disk_->full = !last && Chance(5);
  skew_ = last || !Chance(20) ? 0 : -static_cast<DurationUs>(Draw(2 * kHourUs));
  if (!last && Chance(3)) {
    SayStop();
  }
  for (int number = 0; number < kShards; ++number) {
    if (!StepShard(number, last)) {
      Crash();
      return;
    }
  }
  provider_.AnswerSome(
      last,
      [this](uint16_t shard, SendResult result) {
        process_->shards[shard]->PostResult(std::move(result));
      },
      [this](uint16_t shard, QueryResult result) {
        process_->shards[shard]->PostQueryResult(std::move(result));
      });
}

void Daemon::Live() {
  TimeUs up_at = life_.backlog ? At(kEndDays) : kTimeMin;
  while (wall_ < At(kEndDays)) {
    wall_ += Draw(4) == 0 ? static_cast<DurationUs>(Draw(2 * kDayUs))
                          : static_cast<DurationUs>(Draw(4 * kHourUs));
    if (wall_ < up_at) {
      continue;
    }
    if (Chance(1)) {
      up_at = wall_ + static_cast<DurationUs>(Draw(12 * kDayUs));
      if (process_ != nullptr) {
        Crash();
      }
      continue;
    }
    Step(false);
  }
  wall_ = At(kEndDays);
  for (int i = 0; i < 300 && life_.backlog; ++i) {
    Step(false);
    wall_ += static_cast<DurationUs>(Draw(kMinuteUs));
  }
  Finish();
}

// The end of all faults: everything is read, sent, answered.
void Daemon::Finish() {
  provider_.set_faults(false);
  wall_ = At(kEndDays + 1);
  for (int round = 0; round < 400; ++round) {
    Step(true);
    if (round > 10 && IsSettled()) {
      return;
    }
    wall_ += 20 * kMinuteUs;
  }
  Violate("the outbox is never done");
}

bool Daemon::IsSettled() {
  if (process_ == nullptr || !provider_.idle()) {
    return false;
  }
  for (const std::unique_ptr<Shard>& shard : process_->shards) {
    for (const auto& [channel, depth] : shard->Snapshot().outbox_depth) {
      if (depth != 0) {
        return false;
      }
    }
  }
  return true;
}

// --- the invariants
// -------------------------------------------------------------------------------

// 6. Consent revoked before the moment of sending means not sent.
void Daemon::CheckConsent(const SendJob& job) {
  if (job.channel != "sms") {
    return;
  }
  if (stopped_.contains(job.message.customer)) {
    Violate("6: sent to " + job.message.customer + ", who has answered with a stop word");
  }
  const std::vector<Arrival>& arrivals = workload_.arrivals[job.shard][0];
  const auto read = static_cast<size_t>(process_->shards[job.shard]->NextOffset(0));
  for (size_t i = 0; i < read; ++i) {
    if (arrivals[i].revokes && arrivals[i].customer == job.message.customer) {
      Violate("6: sent to " + job.message.customer + ", whose consent was revoked");
    }
  }
}

std::vector<std::string> Daemon::Lines() const {
  std::set<std::string> lines;
  for (const TestSinks& sinks : sinks_) {
    for (const SinkRecord& record : sinks.taken) {
      if (record.kind == SinkKind::kDecisions) {
        lines.insert(record.value);
      }
    }
  }
  return {lines.begin(), lines.end()};
}

std::vector<std::string> Daemon::ExactLines() const {
  std::vector<std::string> lines = Lines();
  std::erase_if(lines,
                [](const std::string& line) { return !Field(line, "customer").starts_with("c"); });
  return lines;
}

std::vector<std::string> Daemon::TimelessLines() const {
  std::vector<std::string> lines = ExactLines();
  std::erase_if(lines, [](const std::string& line) {
    const std::string campaign = Field(line, "campaign");
    return campaign != "any" && campaign != "thanks";
  });
  return lines;
}

void Daemon::Check() {
  std::map<std::string, std::string> by_key;
  for (const std::string& line : Lines()) {
    const size_t seq = line.find("\"seq\":");
    const std::string key =
        Field(line, "episode") + "/" + line.substr(seq, line.find(',', seq) - seq);
    const auto [known, is_new] = by_key.emplace(key, line);
    if (!is_new) {
      Violate("3: two lines for one key: " + known->second + " and " + line);
    }
    if (Field(line, "outcome") == "rejected" && Field(line, "reason").empty()) {
      Violate("2: no reason: " + line);
    }
  }
  outcome.decisions = by_key.size();
  outcome.commits = disk_->commits;
  for (const auto& [what, count] : observer_.counts) {
    if (what.starts_with("violation")) {
      Violate("conservation: " + what);
    }
  }
  CheckCandidates();
  CheckDeliveries();
  CheckLedger();
  CheckLog();
  CheckTallies();
}

// 3. and 5., by the oracle: what fires is what the log says, whatever happened to the machine.
void Daemon::CheckCandidates() {
  TimeUs frontier = kTimeMax;
  for (const std::unique_ptr<Shard>& shard : process_->shards) {
    frontier = std::min(frontier, shard->Snapshot().frontier);
  }
  const Candidates expected = ExpectedCandidates(workload_.deeds, frontier);
  Candidates decided;
  for (const std::string& line : ExactLines()) {
    if (line.find("\"seq\":0,") != std::string::npos && Field(line, "campaign") != "sorry") {
      decided.insert(Field(line, "time") + " " + Field(line, "campaign") + " " +
                     Field(line, "customer") + " " + Field(line, "clock"));
    }
  }
  outcome.candidates = expected.size();
  for (const std::string& candidate : expected) {
    if (!decided.contains(candidate)) {
      Violate("oracle: missing " + candidate);
    }
  }
  for (const std::string& candidate : decided) {
    if (!expected.contains(candidate)) {
      Violate("oracle: too much " + candidate);
    }
  }
}

// 2. No dispatch without a decision; and each channel's promise.
void Daemon::CheckDeliveries() {
  std::set<std::string> dispatched;
  for (const std::string& line : Lines()) {
    if (Field(line, "outcome") == "dispatched") {
      dispatched.insert(Field(line, "dispatch"));
    }
  }
  for (const auto& [key, times] : provider_.reached()) {
    if (!dispatched.contains(key.first.ToString())) {
      Violate("2: sent without a decision: " + key.first.ToString());
    }
    if (key.second == "sms" && times > 1) {
      Violate("promise: at most once, but " + std::to_string(times) + " times");
    }
  }
}

// 4. Coupons issued = distinct (episode, step) that entered; money spent <= budget.
void Daemon::CheckLedger() {
  std::set<std::string> issued;
  int64_t spent = 0;
  for (const std::string& line : Lines()) {
    if (Field(line, "outcome") == "issued") {
      if (!issued.insert(Field(line, "episode") + "/" + Field(line, "coupon")).second) {
        Violate("4: issued twice: " + line);
      }
      spent += Field(line, "campaign") == "budgeted" ? 5000 : 0;
    }
  }
  if (spent > life_.budget_minor) {
    Violate("4: budget exceeded: " + std::to_string(spent));
  }
  const auto& ledger = disk_->families[static_cast<size_t>(Family::kLedger)];
  if (ledger.size() != issued.size()) {
    Violate("4: ledger has " + std::to_string(ledger.size()) + ", decisions say " +
            std::to_string(issued.size()));
  }
}

// 7. Every event is applied or in the dead letters.
void Daemon::CheckLog() {
  std::set<std::string> letters;
  for (const TestSinks& sinks : sinks_) {
    for (const SinkRecord& record : sinks.taken) {
      if (record.kind == SinkKind::kDeadLetters && Field(record.value, "source") == "shop") {
        const size_t place = record.value.find("\"topic\"");
        letters.insert(record.value.substr(place, record.value.find("\"reason\"") - place));
      }
    }
  }
  size_t broken = 0;
  for (int number = 0; number < kShards; ++number) {
    for (int input = 0; input < kInputs; ++input) {
      const std::vector<Arrival>& arrivals = workload_.arrivals[number][input];
      const int64_t next = process_->shards[number]->CommittedOffset(input);
      if (!arrivals.empty() && next != static_cast<int64_t>(arrivals.size())) {
        Violate("7: read " + std::to_string(next) + " of " + std::to_string(arrivals.size()));
      }
      broken += static_cast<size_t>(std::count_if(
          arrivals.begin(), arrivals.end(), [](const Arrival& arrival) { return arrival.broken; }));
    }
  }
  if (letters.size() != broken) {
    Violate("7: " + std::to_string(letters.size()) + " dead letters for " + std::to_string(broken) +
            " broken records");
  }
}

// The counters agree with the decisions themselves.
void Daemon::CheckTallies() {
  std::map<std::string, uint64_t> entered;
  for (const std::string& line : Lines()) {
    entered[Field(line, "campaign")] += Field(line, "outcome") == "entered" ? 1 : 0;
  }
  std::map<std::string, uint64_t> counted;
  for (const std::unique_ptr<Shard>& shard : process_->shards) {
    for (const auto& [campaign, tally] : shard->Snapshot().tallies) {
      counted[campaign] += tally.entered;
      if (tally.pending < 0 || tally.waiting < 0) {
        Violate("conservation: less than nothing waits in " + campaign);
      }
    }
  }
  for (const auto& [campaign, count] : entered) {
    if (counted[campaign] != count) {
      Violate("conservation: " + campaign + " counted " + std::to_string(counted[campaign]) +
              " entered, decisions say " + std::to_string(count));
    }
  }
}

}  // namespace

Outcome Simulate(uint64_t seed) {
  std::mt19937_64 random(seed);
  Life life;
  life.backlog = random() % 3 == 0;
  life.coupons_local = random() % 3 != 0;
  life.budget_minor = random() % 2 == 0 ? 60'000 : 100'000'000;
  Daemon daemon(seed, life);
  daemon.Live();
  daemon.Check();
  if (life.coupons_local) {
    // 3. The same log gives the same bytes, with faults or without. Of campaigns that neither
    // settle nor wait: an exit is heard when it arrives, and that may be before or after a wait is
    // over.
    Life calm = life;
    calm.faults = false;
    Daemon other(seed, calm);
    other.Live();
    const std::vector<std::string> lines = daemon.TimelessLines();
    const std::vector<std::string> expected = other.TimelessLines();
    const auto [a, b] = std::mismatch(lines.begin(), lines.end(), expected.begin(), expected.end());
    if (a != lines.end() || b != expected.end()) {
      daemon.outcome.violations.push_back(
          "3: other bytes than without faults: " + (a == lines.end() ? "nothing" : *a) +
          " instead of " + (b == expected.end() ? "nothing" : *b));
    }
  }
  return daemon.outcome;
}

}  // namespace huitou::simulation
