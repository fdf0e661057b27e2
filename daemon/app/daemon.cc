#include "daemon/app/daemon.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "daemon/app/daemon_impl.h"
#include "daemon/app/setup.h"
#include "daemon/app/state_files.h"
#include "daemon/metrics/log.h"
#include "daemon/metrics/uplift.h"
#include "triggers/gates.h"

namespace huitou {

namespace {

LogLevel LevelOf(config::Severity severity) {
  switch (severity) {
    case config::Severity::kError:
      return LogLevel::kError;
    case config::Severity::kWarning:
      return LogLevel::kWarning;
    case config::Severity::kNote:
      break;
  }
  return LogLevel::kInfo;
}

constexpr DurationUs kDrainMax = 10 * kSecondUs;
constexpr std::chrono::seconds kKeepEvery{1};

std::string PausedPath(const std::string& state_dir) {
  return state_dir + "/paused";
}

}  // namespace

Daemon::Impl::Impl(config::Loaded loaded, const DaemonOptions& options)
    : loaded_(std::make_shared<config::Loaded>(std::move(loaded))),
      options_(options),
      metrics_(HUITOU_VERSION),
      dispatch_metrics_(&metrics_) {
}

Daemon::Impl::~Impl() {
  Stop();
}

Status Daemon::Impl::Start() {
  const config::DaemonConfig& config = loaded_->config;
  state_dir_ = options_.state_dir.empty() ? config.state_dir : options_.state_dir;
  if (Status status = MakeStateFolder(state_dir_); !status.ok()) {
    return status;
  }
  auto outlets = MakeOutlets(config, state_dir_);
  if (!outlets.ok()) {
    return outlets.status();
  }
  outlets_ = *std::move(outlets);
  if (Status status = outlets_.pools->Use(loaded_->campaigns->shop.pools); !status.ok()) {
    return status;
  }
  if (const size_t codes = outlets_.pools->passed_over(); codes > 0) {
    Log(LogLevel::kWarning,
        "coupon codes passed over: they may have been given before the machine went down",
        {{"codes", static_cast<int64_t>(codes)}});
  }
  const bool fresh = IsFirstStart();
  if (fresh) {  // whatever a first start that was killed has left
    if (Status status = ReplaceFile(CurrencyPath(), loaded_->campaigns->shop.currency.code());
        !status.ok()) {
      return status;
    }
  }
  if (Status status = OpenStore(); !status.ok()) {
    return status;
  }
  if (!fresh && !std::filesystem::exists(CurrencyPath())) {
    Log(LogLevel::kWarning,
        "this state was begun by a version that kept no currency: its sums are taken for the "
        "shop's, now and at every later start; where they were another's, stop and restore a copy",
        {{"currency", loaded_->campaigns->shop.currency.code()}, {"state", state_dir_}});
  }
  if (Status status = KeepCurrency(CurrencyPath(), loaded_->campaigns->shop.currency);
      !status.ok()) {
    return status;
  }
  std::set<std::string> paused;
  std::ifstream remembered(PausedPath(state_dir_));
  for (std::string line; std::getline(remembered, line);) {
    paused.insert(line);
  }
  const config::ComponentSchemas schemas = AllSchemas();
  auto plays = MakePlays(loaded_, config.Channels(schemas), paused, store_.get());
  if (!plays.ok()) {
    return plays.status();
  }
  for (const std::string& lost : plays->lost) {
    Log(LogLevel::kError,
        "an older version of a campaign no longer compiles; its open episodes stand still",
        {{"campaign", lost}});
  }
  plays_ = std::make_shared<const Plays>(*std::move(plays));
  Result<Proxies> proxies = ReadProxies();
  if (!proxies.ok()) {
    return proxies.status();
  }
  transports_ = std::make_unique<Transports>(
      Transports::Options{.dial = {}, .proxies = *std::move(proxies), .sync = config.sync});
  dispatcher_ = std::make_unique<Dispatcher>(Dispatcher::Options{
      .clock = &clock_,
      .random = &random_,
      .transport = transports_.get(),
      .observer = &dispatch_metrics_,
      .on_result =
          [this](uint16_t shard, SendResult result) {
            std::shared_lock lock(owned_mutex_);
            if (const auto found = owned_.find(shard); found != owned_.end()) {
              found->second.worker->shard().PostResult(std::move(result));
            }
          },
      .on_query_result =
          [this](uint16_t shard, QueryResult result) {
            std::shared_lock lock(owned_mutex_);
            if (const auto found = owned_.find(shard); found != owned_.end()) {
              found->second.worker->shard().PostQueryResult(std::move(result));
            }
          },
      .on_room =
          [this](std::string_view) {
            std::shared_lock lock(owned_mutex_);
            for (auto& [shard, owned] : owned_) {
              owned.worker->shard().PostRoom();
            }
          },
      .on_receipts =
          [this](const std::string& channel, const std::vector<channels::Receipt>& receipts) {
            return TakeReceipts(channel, receipts);
          },
      .on_polled =
          [this](const std::string& channel, const std::vector<channels::Receipt>& receipts) {
            SpreadReceipts(channel, receipts, [](bool /*nobody_heard*/) {});
          }});
  dispatcher_->Reload(outlets_.channels);
  if (Status status = StartSinks(); !status.ok()) {
    return status;
  }
  if (Status status = OpenStreams(); !status.ok()) {
    return status;
  }
  // The door first: a port that is taken is told before anything is decided or sent.
  if (Status status = StartHttp(); !status.ok()) {
    return status;
  }
  if (Status status = OpenShards(); !status.ok()) {
    return status;
  }
  if (Status status = StartKafka(); !status.ok()) {
    return status;
  }
  StartMailDrops(config);
  keeper_ = std::thread([this] { Keep(); });
  return Status::Ok();
}

bool Daemon::Impl::Use(const std::shared_ptr<const Plays>& plays) {
  {
    std::lock_guard lock(mutex_);
    plays_ = plays;
  }
  // Done when the last shard has dropped its share: it took the plays up, or it ended.
  auto done = std::make_shared<std::promise<void>>();
  auto taken = done->get_future();
  std::shared_ptr<void> share(nullptr, [done](void*) { done->set_value(); });
  {
    std::shared_lock lock(owned_mutex_);
    for (const auto& [number, owned] : owned_) {
      TellOf(plays, number, owned, share);
    }
  }
  share.reset();
  return taken.wait_for(kAnswerWait) == std::future_status::ready;
}

void Daemon::Impl::TellOf(const std::shared_ptr<const Plays>& plays, ShardNumber number,
                          const Owned& owned, std::shared_ptr<void> share) {
  Shard* shard = &owned.worker->shard();
  TemplateRendering* rendering = owned.rendering.get();
  shard->Post([this, shard, rendering, plays, number, share = std::move(share)](ShardView&) {
    rendering->Use(plays);
    if (Status status = shard->SetCampaigns(plays->set); !status.ok()) {
      OnFatal(number, status);
    }
  });
}

bool Daemon::Impl::Reload() {
  std::lock_guard change(changing_);
  auto loaded = std::make_shared<config::Loaded>(
      config::LoadAll(loaded_->config.file, AllSchemas(), ReadSecrets(true)));
  for (const config::Diagnostic& diagnostic : loaded->diagnostics) {
    Log(LevelOf(diagnostic.severity), FormatDiagnostic(diagnostic));
  }
  if (loaded->status != config::LoadStatus::kGood) {
    Log(LogLevel::kError, "reload refused: the old campaigns stay in force");
    return false;
  }
  const auto refused = [](const Status& why) {
    Log(LogLevel::kError, "reload refused: the old campaigns stay in force",
        {{"why", why.message()}});
    return false;
  };
  Status fits = KeepCurrency(CurrencyPath(), loaded->campaigns->shop.currency);
  fits = fits.ok() ? CanRun(*loaded->campaigns, outlets_) : fits;
  if (!fits.ok()) {
    return refused(fits);
  }
  const std::shared_ptr<const Plays> old = plays();
  auto made =
      MakePlays(loaded, loaded->config.Channels(AllSchemas()), old->set->paused, store_.get());
  if (!made.ok()) {
    return refused(made.status());
  }
  if (Status status = outlets_.pools->Use(loaded->campaigns->shop.pools); !status.ok()) {
    return refused(status);
  }
  // Episodes may begin with the old versions until every shard has the new ones.
  auto set = std::make_shared<CampaignSet>(*made->set);
  const auto known = [&](uint64_t version) {
    const auto same = [&](const auto& campaign) { return campaign->version == version; };
    return std::any_of(set->campaigns.begin(), set->campaigns.end(), same) ||
           std::any_of(set->retired.begin(), set->retired.end(), same);
  };
  for (const auto* campaigns : {&old->set->campaigns, &old->set->retired}) {
    for (const auto& campaign : *campaigns) {
      if (!known(campaign->version)) {
        const auto own = old->retired_templates.find(campaign->version);
        made->retired_templates[campaign->version] =
            own == old->retired_templates.end() ? old->templates : own->second;
        set->retired.push_back(campaign);
      }
    }
  }
  // Whom a channel reaches, and who is looked up by it, begins with a restart, as the channels do:
  // so much is indexed.
  set->recipient_attributes = old->set->recipient_attributes;
  set->shop.address_attributes = old->set->shop.address_attributes;
  made->set = std::move(set);
  if (!Use(std::make_shared<const Plays>(*std::move(made)))) {
    Log(LogLevel::kWarning, "not every shard has taken up the new campaigns yet");
  }
  Log(LogLevel::kInfo, "reloaded", {{"campaigns", loaded->campaigns->campaigns.size()}});
  return true;
}

Status Daemon::Impl::RememberPaused(const std::set<std::string>& paused) {
  std::string lines;
  for (const std::string& campaign : paused) {
    lines += campaign + "\n";
  }
  return ReplaceFile(PausedPath(state_dir_), lines);
}

void Daemon::Impl::Stop() {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) {
      return;
    }
    stopping_ = true;
  }
  stop_.notify_all();
  if (keeper_.joinable()) {
    keeper_.join();
  }
  if (server_ != nullptr) {
    server_->Stop();
  }
  drops_.clear();
  for (const Stream& stream : streams_) {
    if (stream.feeder != nullptr) {
      stream.feeder->Stop();
    }
  }
  std::vector<ShardNumber> shards;
  {
    std::shared_lock lock(owned_mutex_);
    for (auto& [shard, owned] : owned_) {
      owned.worker->StopReading();
      shards.push_back(shard);
    }
  }
  if (dispatcher_ != nullptr) {
    if (const size_t open = dispatcher_->Stop(kDrainMax); open > 0) {
      Log(LogLevel::kWarning,
          "stopped while sends were on their way; their fate is settled at start",
          {{"sends", open}});
    }
  }
  if (sinks_ != nullptr) {
    sinks_->Stop();
  }
  CloseShards(shards, true);
  if (kafka_ != nullptr) {
    kafka_->Stop();
  }
}

std::vector<std::string> Daemon::Impl::NotReady() const {
  std::vector<std::string> reasons;
  if (kafka_ != nullptr) {
    reasons = kafka_->NotReady();
  }
  {
    std::shared_lock lock(owned_mutex_);
    for (const auto& [shard, owned] : owned_) {
      if (const Status status = owned.worker->readiness(); !status.ok()) {
        reasons.push_back("shard " + std::to_string(shard) + ": " + status.message());
      }
    }
  }
  for (const Stream& stream : streams_) {
    const std::string problem = stream.feeder == nullptr ? "" : stream.feeder->problem();
    if (!problem.empty()) {
      reasons.push_back("source " + stream.source.name + ": " + problem);
    }
  }
  std::lock_guard lock(mutex_);
  if (!opened_) {
    reasons.emplace_back("the state is being opened");
  }
  if (!fatal_.empty()) {
    reasons.push_back(fatal_);
  }
  return reasons;
}

std::string Daemon::Impl::fatal() const {
  std::lock_guard lock(mutex_);
  return fatal_;
}

void Daemon::Impl::Keep() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    UpdateGauges();
    lock.lock();
    stop_.wait_for(lock, kKeepEvery, [this] { return stopping_; });
  }
}

std::shared_ptr<const Plays> Daemon::Impl::plays() const {
  std::lock_guard lock(mutex_);
  return plays_;
}

std::map<std::string, CampaignTally> Daemon::Impl::Tallies() const {
  std::map<std::string, CampaignTally> tallies;
  std::shared_lock lock(owned_mutex_);
  for (const auto& [shard, owned] : owned_) {
    for (const auto& [campaign, part] : owned.worker->shard().Snapshot().tallies) {
      tallies[campaign] += part;
    }
  }
  return tallies;
}

void Daemon::Impl::UpdateGauges() {
  const std::shared_ptr<const Plays> plays = this->plays();
  UpdateShardGauges();
  LookAtPools();
  UpdateCampaignGauges(*plays);
  const Shop& shop = plays->set->shop;
  for (const auto& [name, budget] : shop.budgets) {
    const TimeUs period = PeriodOf(budget.period, clock_.Now(), shop.zone);
    const int64_t spent = quotas_.Sum("budget:" + name, period);
    metrics_.Set(Metric::kBudgetRemaining, {name, budget.amount.currency.code()},
                 ToMajor(budget.amount.minor - spent, budget.amount.currency));
  }
  metrics_.Set(Metric::kReady, {}, NotReady().empty() ? 1 : 0);
}

void Daemon::Impl::UpdateShardGauges() {
  const TimeUs now = clock_.Now();
  double timers_pending = 0;
  double timers_held = 0;
  std::map<std::string, double> depth;
  for (const DispatchChannel& channel : outlets_.channels) {
    depth[channel.name] = 0;
  }
  {
    std::shared_lock lock(owned_mutex_);
    for (const auto& [shard, owned] : owned_) {
      const ShardStatus status = owned.worker->shard().Snapshot();
      if (status.frontier != kTimeMin) {
        metrics_.Set(Metric::kFrontierLag, {std::to_string(shard)},
                     static_cast<double>(now - status.frontier) / kSecondUs);
      }
      timers_pending += static_cast<double>(status.timers_pending);
      timers_held += static_cast<double>(status.timers_held);
      for (const auto& [channel, count] : status.outbox_depth) {
        depth[channel] += static_cast<double>(count);
      }
    }
  }
  metrics_.Set(Metric::kTimersPending, {}, timers_pending);
  metrics_.Set(Metric::kTimersHeld, {}, timers_held);
  for (const auto& [channel, count] : depth) {
    metrics_.Set(Metric::kOutboxDepth, {channel}, count);
  }
}

void Daemon::Impl::LookAtPools() {
  outlets_.pools->Refresh();
  const std::map<std::string, CodePools::Level> levels = outlets_.pools->Levels();
  for (const std::string& gone : pools_shown_) {
    if (!levels.contains(gone)) {
      metrics_.Remove(Metric::kCouponPoolRemaining, {gone});
      metrics_.Remove(Metric::kCouponPoolLow, {gone});
    }
  }
  pools_shown_.clear();
  for (const auto& [pool, level] : levels) {
    pools_shown_.insert(pool);
    metrics_.Set(Metric::kCouponPoolRemaining, {pool}, static_cast<double>(level.codes));
    metrics_.Set(Metric::kCouponPoolLow, {pool}, static_cast<double>(level.low));
  }
  for (const CodePools::Warning& warning : outlets_.pools->TakeWarnings()) {
    if (!warning.problem.empty()) {
      Log(LogLevel::kError, "codes that were added to a coupon pool are not taken",
          {{"pool", warning.pool}, {"why", warning.problem}});
    } else {
      Log(LogLevel::kWarning, warning.codes == 0 ? "coupon pool empty" : "coupon pool low",
          {{"pool", warning.pool}, {"codes", static_cast<int64_t>(warning.codes)}});
    }
  }
}

void Daemon::Impl::UpdateCampaignGauges(const Plays& plays) {
  std::map<std::string, CampaignTally> tallies = Tallies();
  for (const auto& campaign : plays.set->campaigns) {
    const CampaignTally& tally = tallies[campaign->id];
    const auto uplift =
        UpliftOf({tally.entered, tally.treated_converted, tally.holdout, tally.holdout_converted});
    if (campaign->goal.has_value() && uplift.has_value()) {
      metrics_.Set(Metric::kUplift, {campaign->id, "estimate"}, uplift->estimate);
      metrics_.Set(Metric::kUplift, {campaign->id, "lower"}, uplift->lower);
      metrics_.Set(Metric::kUplift, {campaign->id, "upper"}, uplift->upper);
    }
  }
  for (const auto& [campaign, tally] : tallies) {
    metrics_.Set(Metric::kInFlight, {campaign}, static_cast<double>(tally.pending + tally.waiting));
    for (const auto& [code, minor] : tally.money_minor) {
      metrics_.Set(Metric::kMoneySpent, {campaign, code},
                   ToMajor(minor, Currency::Parse(code).value_or(Currency())));
    }
  }
}

// --- Daemon

Daemon::Daemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}

Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::Start(config::Loaded loaded, const DaemonOptions& options) {
  auto impl = std::make_unique<Impl>(std::move(loaded), options);
  if (Status status = impl->Start(); !status.ok()) {
    return status;
  }
  return std::unique_ptr<Daemon>(new Daemon(std::move(impl)));
}

bool Daemon::Reload() {
  return impl_->Reload();
}

void Daemon::Stop() {
  impl_->Stop();
}

std::vector<std::string> Daemon::NotReady() const {
  return impl_->NotReady();
}

std::string Daemon::fatal() const {
  return impl_->fatal();
}

int Daemon::http_port() const {
  return impl_->http_port();
}

}  // namespace huitou
