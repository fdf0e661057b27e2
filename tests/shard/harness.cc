#include "tests/shard/harness.h"

#include <algorithm>
#include <iterator>

#include "daemon/state/decision_codec.h"
#include "triggers/base/check.h"
#include "triggers/base/json.h"

namespace huitou {

EventError JsonDecoder::Decode(const SourceRecord& record, Event* event, std::string* detail) {
  return decoder_.Decode(record.payload, {.currency = *Currency::Parse("CNY")}, event, detail);
}

bool TestGate::TryAcquire(std::string_view channel) {
  const auto found = room.find(channel);
  if (found == room.end()) {
    return true;
  }
  if (found->second == 0) {
    return false;
  }
  --found->second;
  return true;
}

void TestGate::Release(std::string_view channel) {
  if (const auto found = room.find(channel); found != room.end()) {
    ++found->second;
  }
}

bool TestGate::IsDown(std::string_view channel) {
  return down.contains(channel);
}

void TestGate::Send(std::vector<SendJob> jobs) {
  std::move(jobs.begin(), jobs.end(), std::back_inserter(sent));
}

Result<channels::Message> TestRendering::Message(const OutboxRecord& record,
                                                 const Customer& customer,
                                                 std::string_view address) {
  channels::Message message;
  message.dispatch = record.dispatch.id;
  message.customer = customer.id;
  message.address = address;
  message.channel = record.channel();
  message.template_name = record.dispatch.template_name;
  return message;
}

std::string TestRendering::Emission(const huitou::Emission& emission) {
  return JsonObject().Add("type", emission.type).Add("id", emission.id.ToString()).Close();
}

size_t TestSinks::Offer(ShardNumber /*shard*/, SinkKind /*kind*/,
                        std::span<const SinkRecord> records) {
  const size_t n = std::min(records.size(), taken_max);
  for (const SinkRecord& record : records.first(n)) {
    std::vector<std::string> lines = {record.value};
    if (record.kind == SinkKind::kDecisions) {
      lines.clear();
      CHECK(RenderDecisions(record.value, record.key, &lines).ok());
    }
    for (const std::string& line : lines) {
      taken.push_back({record.kind, record.sequence, record.key, line});
    }
  }
  return n;
}

void TestObserver::OnRejected(const InputSpec& /*input*/, std::string_view reason) {
  ++counts["rejected " + std::string(reason)];
}
void TestObserver::OnLate(const InputSpec& /*input*/) {
  ++counts["late"];
}
void TestObserver::OnFuture(const InputSpec& /*input*/) {
  ++counts["future"];
}
void TestObserver::OnDuplicate(std::string_view kind) {
  ++counts["duplicate " + std::string(kind)];
}
void TestObserver::OnConditionError(std::string_view campaign, std::string_view why) {
  ++counts["condition of " + std::string(campaign) + ": " + std::string(why)];
}
void TestObserver::OnConservationViolation(std::string_view what) {
  ++counts["violation " + std::string(what)];
}
void TestObserver::OnStalled(bool stalled, std::string_view /*why*/) {
  ++counts[stalled ? "stalled" : "resumed"];
}

TimeUs At(double days) {
  static const TimeUs start = *ParseRfc3339("2026-01-01T00:00:00Z");
  return start + static_cast<DurationUs>(days * static_cast<double>(kDayUs));
}

std::string EventJson(TimeUs time, const std::string& type, const std::string& customer,
                      const std::string& more) {
  const std::string when = FormatRfc3339(time);
  JsonObject event;
  event.Add("id", type + "/" + customer + "/" + when).Add("type", type).Add("time", when);
  std::string json = event.AddRaw("customer", JsonObject().Add("id", customer).Close()).Close();
  if (!more.empty()) {
    json.insert(json.size() - 1, "," + more);
  }
  return json;
}

std::string OrderJson(TimeUs time, const std::string& customer, const OrderOptions& options) {
  const std::string when = FormatRfc3339(time);
  JsonObject person;
  person.Add("id", customer).AddIfAny("phone", options.phone);
  JsonObject order;
  order.Add("id", "o").Add("currency", "CNY").Add("total", options.total);
  order.AddRaw("items", options.category.empty()
                            ? "[]"
                            : "[" + JsonObject().Add("category", options.category).Close() + "]");
  JsonObject event;
  event.Add("id", options.id.empty() ? "order/" + customer + "/" + when : options.id);
  event.Add("type", "order.paid").Add("time", when);
  return event.AddRaw("customer", person.Close()).AddRaw("order", order.Close()).Close();
}

CouponStep FiftyYuan() {
  CouponStep coupon;
  coupon.value = {5000, *Currency::Parse("CNY")};
  return coupon;
}

namespace {

Step SendVia(std::vector<std::string> via) {
  Step step;
  step.id = "m1";
  SendStep send;
  send.template_name = "hello";
  send.via = std::move(via);
  step.action = std::move(send);
  return step;
}

}  // namespace

std::shared_ptr<Campaign> Winback(std::vector<std::string> via) {
  auto campaign = std::make_shared<Campaign>();
  campaign->id = "winback";
  campaign->version = 1;
  campaign->late.then = LateRule::Then::kFire;
  AbsenceTrigger absence;
  absence.after = "order.paid";
  absence.of = "order.paid";
  absence.within_default = 10 * kDayUs;
  campaign->trigger = absence;
  Step coupon;
  coupon.id = "big";
  coupon.action = FiftyYuan();
  campaign->steps.push_back(std::move(coupon));
  campaign->steps.push_back(SendVia(std::move(via)));
  Link(campaign.get());
  return campaign;
}

std::shared_ptr<Campaign> Thanks(std::vector<std::string> via) {
  auto campaign = std::make_shared<Campaign>();
  campaign->id = "thanks";
  campaign->version = 2;
  campaign->late.then = LateRule::Then::kFire;
  campaign->trigger = EventTrigger{"review.posted"};
  campaign->steps.push_back(SendVia(std::move(via)));
  Link(campaign.get());
  return campaign;
}

std::shared_ptr<Campaign> ThanksWithACoupon(const CouponStep& coupon) {
  auto campaign = Thanks();
  Step step;
  step.id = "big";
  step.action = coupon;
  campaign->steps.insert(campaign->steps.begin(), step);
  campaign->program.clear();
  campaign->coupon_steps.clear();
  campaign->message_steps.clear();
  Link(campaign.get());
  return campaign;
}

std::shared_ptr<CampaignSet> SetOf(std::vector<std::shared_ptr<Campaign>> campaigns) {
  auto set = std::make_shared<CampaignSet>();
  set->shop.zone = *Zone::Find("UTC");
  set->shop.opt_in = false;
  set->campaigns.assign(campaigns.begin(), campaigns.end());
  for (const char* channel : {"sms", "email", "console"}) {
    set->channels[channel] = CampaignSet::Contact::kNone;
  }
  return set;
}

ShardWorld::ShardWorld(std::shared_ptr<const CampaignSet> set, std::vector<InputSpec> inputs)
    : clock(At(0)), campaigns(std::move(set)), inputs_(std::move(inputs)), logs_(inputs_.size()) {
  options.sink_decisions = true;
  options.sink_emits = true;
  options.sink_dead_letters = true;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    decoders_.push_back(std::make_unique<JsonDecoder>());
  }
  open_key_value = [this] { return std::make_unique<MemoryKeyValue>(disk); };
}

void ShardWorld::Open() {
  StoreOptions store_options;
  store_options.shards = 1;
  store_options.address_attributes = campaigns->shop.address_attributes;
  auto store = Store::Open(open_key_value(), store_options);
  CHECK(store.ok());
  store_ = *std::move(store);
  quotas_ = std::make_unique<QuotaBook>();
  CHECK(quotas_->Load(*store_).ok());
  ShardParts parts;
  parts.store = store_.get();
  parts.quotas = quotas_.get();
  parts.gate = &gate;
  parts.rendering = &rendering;
  parts.sinks = &sinks;
  parts.observer = &observer;
  parts.random = &random;
  parts.campaigns = campaigns;
  parts.pools = pools;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    parts.inputs.push_back({inputs_[i], decoders_[i].get()});
  }
  auto shard = Shard::Open(options, std::move(parts));
  CHECK(shard.ok());
  shard_ = *std::move(shard);
  last_error = Status::Ok();
}

void ShardWorld::Crash() {
  shard_.reset();
  quotas_.reset();
  store_.reset();
  gate.sent.clear();
}

void ShardWorld::Append(const std::string& payload, size_t input) {
  logs_[input].push_back(payload);
}

bool ShardWorld::Turn() {
  const Result<Shard::Progress> progress = shard_->Turn(clock.Now());
  if (!progress.ok()) {
    last_error = progress.status();
    return false;
  }
  return true;
}

bool ShardWorld::Run(bool at_end) {
  if (!is_open()) {
    Open();
  }
  std::vector<std::vector<SourceRecord>> records(logs_.size());
  for (size_t i = 0; i < logs_.size(); ++i) {
    const int64_t next = std::max<int64_t>(0, shard_->NextOffset(i));
    for (auto offset = static_cast<size_t>(next); offset < logs_[i].size(); ++offset) {
      SourceRecord record;
      record.offset = static_cast<int64_t>(offset);
      record.payload = logs_[i][offset];
      record.tombstone = logs_[i][offset].empty();
      records[i].push_back(record);
    }
    if (shard_->Wants(i)) {
      shard_->Feed(i, records[i]);
    }
    if (at_end) {
      shard_->AtEnd(i, clock.Now());
    }
  }
  bool more = true;
  while (more) {
    const Result<Shard::Progress> progress = shard_->Turn(clock.Now());
    if (!progress.ok()) {
      last_error = progress.status();
      return false;
    }
    more = progress->more;
  }
  return true;
}

bool ShardWorld::LiveUntil(TimeUs time) {
  clock.Set(time);
  return Run(/*at_end=*/true) && Commit().ok();
}

Status ShardWorld::Commit() {
  Status status = shard_->Commit(clock.Now());
  if (!status.ok()) {
    last_error = status;
  }
  return status;
}

void ShardWorld::Answer(channels::Outcome::Kind kind, const std::string& reason) {
  std::vector<SendJob> sent;
  std::swap(sent, gate.sent);
  for (const SendJob& job : sent) {
    SendResult result;
    result.dispatch = job.dispatch;
    result.attempt = job.attempt;
    result.outcome.kind = kind;
    result.outcome.reason = reason;
    gate.Release(job.channel);
    shard_->PostResult(std::move(result));
  }
}

namespace {

std::string Field(const std::string& json, const std::string& name) {
  const std::string quoted = "\"" + name + "\":";
  const size_t at = json.find(quoted);
  if (at == std::string::npos) {
    return "";
  }
  const size_t begin = at + quoted.size();
  const size_t end = json.find_first_of(",}", begin);
  std::string value = json.substr(begin, end - begin);
  std::erase(value, '"');
  return value;
}

}  // namespace

std::vector<std::string> ShardWorld::Decisions() const {
  std::set<std::string> seen;
  std::vector<std::string> lines;
  for (const SinkRecord& record : sinks.taken) {
    if (record.kind != SinkKind::kDecisions || !seen.insert(record.value).second) {
      continue;
    }
    std::string line = Field(record.value, "time") + " " + Field(record.value, "campaign") + " " +
                       Field(record.value, "customer") + " " + Field(record.value, "outcome");
    const std::string reason = Field(record.value, "reason");
    lines.push_back(reason.empty() ? line : line + " " + reason);
  }
  return lines;
}

int ShardWorld::Contradictions() const {
  std::map<std::string, std::string> known;
  int contradictions = 0;
  for (const SinkRecord& record : sinks.taken) {
    if (record.kind == SinkKind::kDecisions) {
      const std::string key = Field(record.value, "episode") + "/" + Field(record.value, "seq");
      const auto [entry, is_new] = known.emplace(key, record.value);
      contradictions += !is_new && entry->second != record.value ? 1 : 0;
    }
  }
  return contradictions;
}

size_t ShardWorld::LedgerSize() {
  return disk->families[static_cast<size_t>(Family::kLedger)].size();
}

}  // namespace huitou
