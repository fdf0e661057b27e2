// What the HTTP door asks of the daemon: each question runs on the shard that owns the customer.
#include <algorithm>
#include <atomic>
#include <utility>

#include "channels/words.h"
#include "daemon/app/daemon_impl.h"
#include "daemon/explain/explain.h"
#include "daemon/metrics/log.h"
#include "triggers/base/json.h"

namespace huitou {

namespace {

constexpr size_t kExplainJournalMax = 200;

std::string Joined(const std::vector<std::string>& values) {
  std::string json;
  for (const std::string& value : values) {
    json += (json.empty() ? "" : ",") + value;
  }
  return json;
}

bool IsKnown(const Customer& customer) {
  return !customer.activity.event_ids.empty() || customer.profile != nullptr;
}

// As `simulate --json` counts them.
std::string TallyJson(const CampaignTally& tally) {
  const auto count = [](uint64_t value) { return static_cast<int64_t>(value); };
  JsonObject money;
  for (const auto& [code, minor] : tally.money_minor) {
    money.Add(code, FormatMinor(minor, Currency::Parse(code).value_or(Currency())));
  }
  return JsonObject()
      .AddInteger("candidates", count(tally.candidates))
      .AddInteger("entered", count(tally.entered))
      .AddInteger("rejected", count(tally.rejected))
      .AddInteger("holdout", count(tally.holdout))
      .AddInteger("pending", tally.pending)
      .AddInteger("waiting", tally.waiting)
      .AddInteger("completed", count(tally.completed))
      .AddInteger("exited", count(tally.exited))
      .AddInteger("failed", count(tally.failed))
      .AddRaw("converted", JsonObject()
                               .AddInteger("treated", count(tally.treated_converted))
                               .AddInteger("holdout", count(tally.holdout_converted))
                               .Close())
      .AddRaw("money", money.Close())
      .Close();
}

Status Unknown() {
  return {StatusCode::kNotFound, "nothing is known of this customer"};
}

}  // namespace

http::DaemonApi Daemon::Impl::MakeApi() {
  http::DaemonApi api;
  const bool has_http = std::any_of(streams_.begin(), streams_.end(), [](const Stream& stream) {
    return std::holds_alternative<config::HttpSource>(stream.source.source);
  });
  if (has_http) {
    api.append_events = [this](std::span<const http::AcceptedEvent> events) {
      return Append(events);
    };
  }
  api.campaigns = [this] { return Campaigns(); };
  api.pause_campaign = [this](const std::string& id, bool paused) { return Pause(id, paused); };
  api.customer = [this](const std::string& id) { return CustomerDocument(id); };
  api.timeline = [this](const std::string& id, size_t max) { return Timeline(id, max); };
  api.explain = [this](const std::string& id, const std::string& campaign,
                       std::optional<TimeUs> at) { return Explain(id, campaign, at); };
  api.export_customer = [this](const std::string& id) { return Export(id); };
  api.erase = [this](const std::string& id) { return Erase(id); };
  api.takes_callbacks = [this](const std::string& name) {
    const auto channel = std::find_if(
        outlets_.channels.begin(), outlets_.channels.end(),
        [&](const DispatchChannel& one) { return one.name == name && one.codec != nullptr; });
    // A codec that knows callbacks refuses an empty one as not signed.
    return channel != outlets_.channels.end() &&
           channel->codec->DecodeCallback({}, clock_.Now()).response.status != 404;
  };
  api.callback = [this](
                     const std::string& channel,
                     const channels::CallbackRequest& request) -> Result<channels::CallbackReply> {
    const bool known = std::any_of(
        outlets_.channels.begin(), outlets_.channels.end(),
        [&](const DispatchChannel& one) { return one.name == channel && one.codec != nullptr; });
    if (!known) {
      return Status(StatusCode::kNotFound, "no such channel");
    }
    return dispatcher_->HandleCallback(channel, request);
  };
  AddPublicDoors(&api);
  api.not_ready = [this] { return NotReady(); };
  api.status = [this] { return StatusNow(); };
  api.version = HUITOU_VERSION;
  return api;
}

http::StatusReport Daemon::Impl::StatusNow() const {
  http::StatusReport report;
  report.version = HUITOU_VERSION;
  report.now = clock_.Now();
  report.not_ready = NotReady();
  for (const config::SourceConfig& source : loaded_->config.sources) {
    if (std::holds_alternative<config::KafkaSource>(source.source) && kafka_ != nullptr) {
      report.sources.push_back({source.name, "kafka", kafka_->Behind(), ""});
    }
  }
  for (const Stream& stream : streams_) {
    report.sources.push_back({stream.source.name, stream.feeder == nullptr ? "http" : "file",
                              stream.progress->Backlog(),
                              stream.feeder == nullptr ? "" : stream.feeder->problem()});
  }
  std::map<std::string, int64_t> waiting;
  {
    std::shared_lock lock(owned_mutex_);
    for (const auto& [number, owned] : owned_) {
      const ShardStatus status = owned.worker->shard().Snapshot();
      std::optional<DurationUs> lag;
      if (status.frontier != kTimeMin) {
        lag = report.now - status.frontier;
      }
      report.shards.push_back({number, lag, status.timers_pending,
                               static_cast<int64_t>(status.timers_held), status.at_end,
                               owned.worker->readiness().message()});
      for (const auto& [channel, count] : status.outbox_depth) {
        waiting[channel] += count;
      }
    }
  }
  for (const DispatchChannel& channel : outlets_.channels) {
    const DispatchMetrics::ChannelState state = dispatch_metrics_.StateOf(channel.name);
    report.channels.push_back({channel.name, channel.provider, std::string(ToString(state.circuit)),
                               waiting[channel.name], state.last_refusal});
  }
  const std::shared_ptr<const Plays> plays = this->plays();
  std::map<std::string, CampaignTally> tallies = Tallies();
  for (const auto& campaign : plays->set->campaigns) {
    const CampaignTally& tally = tallies[campaign->id];
    report.campaigns.push_back({campaign->id, plays->set->paused.contains(campaign->id),
                                tally.candidates, tally.rejected, tally.entered,
                                tally.pending + tally.waiting, tally.completed, tally.exited,
                                tally.failed});
  }
  return report;
}

Status Daemon::Impl::Append(std::span<const http::AcceptedEvent> events) {
  const auto stream = std::find_if(streams_.begin(), streams_.end(), [](const Stream& one) {
    return std::holds_alternative<config::HttpSource>(one.source.source);
  });
  std::vector<LogAppend> records;
  records.reserve(events.size());
  for (const http::AcceptedEvent& event : events) {
    records.push_back({event.customer, event.payload, event.headers});
  }
  return stream->writer->Append(std::move(records));
}

Result<std::string> Daemon::Impl::CustomerDocument(const std::string& customer) {
  return Ask(customer, [customer](ShardView& view) -> Result<std::string> {
    auto found = view.FindCustomer(customer);
    if (!found.ok()) {
      return found.status();
    }
    if (!IsKnown(**found)) {
      return Unknown();
    }
    return CustomerJson(**found, view.engine(), view.symbols());
  });
}

Result<std::string> Daemon::Impl::Export(const std::string& customer) {
  return Ask(customer, [this, customer](ShardView& view) -> Result<std::string> {
    std::vector<std::string> lines;
    if (Status status =
            view.store().Export(ShardOf(customer, shards_), view.symbols(), customer, &lines);
        !status.ok()) {
      return status;
    }
    if (lines.empty()) {
      return Unknown();
    }
    std::string text;
    for (const std::string& line : lines) {
      text.append(line).append("\n");
    }
    return text;
  });
}

Result<std::string> Daemon::Impl::Timeline(const std::string& customer, size_t max) {
  return Ask(customer, [this, customer, max](ShardView& view) -> Result<std::string> {
    auto found = view.FindCustomer(customer);
    if (!found.ok()) {
      return found.status();
    }
    if (!IsKnown(**found)) {
      return Unknown();
    }
    std::vector<std::string> lines;
    if (Status status = view.store().ReadJournal(ShardOf(customer, shards_), customer, clock_.Now(),
                                                 max, &lines);
        !status.ok()) {
      return status;
    }
    std::reverse(lines.begin(), lines.end());  // newest first
    return JsonObject()
        .Add("customer", customer)
        .AddRaw("decisions", "[" + Joined(lines) + "]")
        .Close();
  });
}

std::vector<DownChannel> Daemon::Impl::DownNow() const {
  std::vector<DownChannel> down;
  for (const DispatchChannel& channel : outlets_.channels) {
    const DispatchMetrics::ChannelState state = dispatch_metrics_.StateOf(channel.name);
    if (state.circuit != CircuitBreaker::State::kClosed) {
      down.push_back({channel.name, state.last_refusal});
    }
  }
  return down;
}

Result<std::string> Daemon::Impl::Explain(const std::string& customer, const std::string& campaign,
                                          std::optional<TimeUs> at) {
  return Ask(customer, [=, this](ShardView& view) -> Result<std::string> {
    auto found = view.FindCustomer(customer);
    if (!found.ok()) {
      return found.status();
    }
    std::vector<std::string> lines;
    if (Status status = view.store().ReadJournal(ShardOf(customer, shards_), customer, clock_.Now(),
                                                 kExplainJournalMax, &lines);
        !status.ok()) {
      return status;
    }
    Context context = view.context();
    context.wall = at.value_or(context.wall);
    return ExplainJson(&view.engine(), context, **found, lines, DownNow(), campaign);
  });
}

Status Daemon::Impl::Erase(const std::string& customer) {
  auto erased = Ask(customer, [customer](ShardView& view) -> Result<std::string> {
    if (Status status = view.Erase(customer); !status.ok()) {
      return status;
    }
    return std::string();
  });
  return erased.ok() ? Status::Ok() : erased.status();
}

Result<std::string> Daemon::Impl::Campaigns() {
  const std::shared_ptr<const Plays> plays = this->plays();
  std::map<std::string, CampaignTally> tallies = Tallies();
  std::vector<std::string> list;
  for (const auto& campaign : plays->set->campaigns) {
    list.push_back(JsonObject()
                       .Add("id", campaign->id)
                       .AddIfAny("description", campaign->description)
                       .Add("version", Id128{0, campaign->version}.ToString().substr(16))
                       .Add("class", ToString(campaign->message_class))
                       .AddInteger("priority", campaign->priority)
                       .AddBoolean("paused", plays->set->paused.contains(campaign->id))
                       .AddRaw("counts", TallyJson(tallies[campaign->id]))
                       .Close());
  }
  return JsonObject().AddRaw("campaigns", "[" + Joined(list) + "]").Close();
}

Status Daemon::Impl::Pause(const std::string& campaign, bool paused) {
  std::lock_guard change(changing_);
  auto plays = std::make_shared<Plays>(*this->plays());
  const auto& known = plays->set->campaigns;
  if (std::none_of(known.begin(), known.end(),
                   [&](const auto& one) { return one->id == campaign; })) {
    return {StatusCode::kNotFound, "no such campaign"};
  }
  auto set = std::make_shared<CampaignSet>(*plays->set);
  if (paused) {
    set->paused.insert(campaign);
  } else {
    set->paused.erase(campaign);
  }
  if (Status status = RememberPaused(set->paused); !status.ok()) {
    return status;
  }
  plays->set = std::move(set);
  if (!Use(plays)) {
    return {StatusCode::kUnavailable,
            "not every shard has taken it up yet; each will when it gets to it"};
  }
  Log(LogLevel::kInfo, paused ? "campaign paused" : "campaign resumed", {{"campaign", campaign}});
  return Status::Ok();
}

void Daemon::Impl::StartMailDrops(const config::DaemonConfig& config) {
  for (const config::ChannelConfig& channel : config.channels) {
    const std::string directory = channel.settings.Get("bounce_dir");
    if (directory.empty()) {
      continue;
    }
    const auto take = [this, name = channel.name](std::string_view mail) {
      const std::optional<bool> taken = dispatcher_->HandleMail(name, mail);
      return !taken   ? MailDrop::Fate::kBad
             : *taken ? MailDrop::Fate::kTaken
                      : MailDrop::Fate::kLater;
    };
    const auto tell = [this, name = channel.name](const std::string& message) {
      if (const auto left_out = log_limiter_.Pass("bounces " + name, clock_.Now())) {
        Log(LogLevel::kWarning, message, {{"channel", name}, {"left_out", *left_out}});
      }
    };
    drops_.push_back(std::make_unique<MailDrop>(directory, take, tell));
    drops_.back()->Start();
  }
}

// A provider's receipts go to every shard: those that know the dispatch, or somebody with the
// address, answer. `done` runs when all that could be asked have made them durable, on the thread
// of the last, with whether somebody's opt-out reached nobody. False with partitions elsewhere.
bool Daemon::Impl::SpreadReceipts(const std::string& channel,
                                  const std::vector<channels::Receipt>& receipts,
                                  std::function<void(bool nobody_heard)> done) {
  struct Spread {
    explicit Spread(size_t receipts) : known(receipts) {}
    std::vector<std::atomic<bool>> known;
    std::atomic<size_t> open{0};
  };
  auto spread = std::make_shared<Spread>(receipts.size());
  const auto answer = [this, spread, channel, receipts, done = std::move(done)] {
    if (spread->open.fetch_sub(1) == 1) {
      done(CountReceipts(channel, receipts, spread->known));
    }
  };
  bool all_here = false;
  {
    std::shared_lock lock(owned_mutex_);
    all_here = owned_.size() == shards_;
    spread->open = receipts.size() * owned_.size() + 1;
    for (size_t i = 0; i < receipts.size(); ++i) {
      for (auto& [shard, owned] : owned_) {
        owned.worker->shard().PostReceipt(channel, receipts[i], [spread, answer, i](bool known) {
          if (known) {
            spread->known[i] = true;
          }
          answer();
        });
      }
    }
  }
  answer();
  return all_here;
}

// Whether somebody's opt-out reached nobody.
bool Daemon::Impl::CountReceipts(const std::string& channel,
                                 const std::vector<channels::Receipt>& receipts,
                                 const std::vector<std::atomic<bool>>& known) {
  bool nobody_heard = false;
  for (size_t i = 0; i < receipts.size(); ++i) {
    const bool leaves = receipts[i].kind == channels::Receipt::Kind::kUnsubscribed;
    metrics_.Add(Metric::kReceipts,
                 {channel, channels::ToWord(receipts[i].kind), known[i] ? "yes" : "no"});
    if (leaves && !known[i]) {
      nobody_heard = true;
      if (const auto left_out = log_limiter_.Pass("opt-out " + channel, clock_.Now())) {
        Log(LogLevel::kWarning, "an opt-out from an address that nobody here has",
            {{"channel", channel}, {"left_out", *left_out}});
      }
    }
  }
  return nobody_heard;
}

// True when all have made them durable.
bool Daemon::Impl::TakeReceipts(const std::string& channel,
                                const std::vector<channels::Receipt>& receipts) {
  auto heard = std::make_shared<std::promise<bool>>();
  auto nobody_heard = heard->get_future();
  const bool all_here =
      SpreadReceipts(channel, receipts, [heard](bool nobody) { heard->set_value(nobody); });
  if (nobody_heard.wait_for(kAnswerWait) != std::future_status::ready) {
    return false;
  }
  // With partitions elsewhere, the next try may come to where the customer is.
  return all_here || !nobody_heard.get();
}

}  // namespace huitou
