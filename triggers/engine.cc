#include "triggers/engine.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "triggers/activity.h"
#include "triggers/engine_impl.h"
#include "triggers/limits.h"

namespace huitou {

namespace {

constexpr uint64_t kEpisodeBit = uint64_t{1} << 63;

Clock* FindClock(ShortList<Clock, 1>* clocks, uint32_t campaign, uint32_t category) {
  for (Clock& clock : *clocks) {
    if (clock.campaign == campaign && clock.category == category) {
      return &clock;
    }
  }
  return nullptr;
}

// The types of events that end the campaign's episodes or are their goal, each once. They are the
// campaign's own texts.
std::set<std::string_view> NewsOf(const Campaign& campaign) {
  std::set<std::string_view> types;
  for (const ExitRule& exit : campaign.exits) {
    types.insert(exit.on);
  }
  if (campaign.goal.has_value()) {
    types.insert(campaign.goal->on);
  }
  return types;
}

}  // namespace

bool IsClockSlot(uint64_t slot) {
  return (slot & kEpisodeBit) == 0;
}

uint64_t ClockSlot(uint32_t campaign, uint32_t category) {
  return (uint64_t{campaign} << 32) | category;
}

uint64_t EpisodeSlot(const Id128& episode) {
  return episode.low | kEpisodeBit;
}

void Effects::Clear() {
  decisions.clear();
  dispatches.clear();
  emissions.clear();
  timers.clear();
  ledger.clear();
  withdrawn.clear();
  candidates.clear();
  condition_errors.clear();
  duplicate = false;
  late = false;
}

Engine::Impl::Impl(std::shared_ptr<const CampaignSet> campaign_set, SymbolTable* symbol_table)
    : set(std::move(campaign_set)), symbols(symbol_table) {
  for (const auto& campaign : set->campaigns) {
    Run run{campaign, symbols->Intern(campaign->id), true, {}};
    const size_t index = runs.size();
    if (const AbsenceTrigger* absence = campaign->absence()) {
      run.same_event = absence->after == absence->of;
      listeners[absence->after].absences.push_back(index);
      if (!run.same_event) {
        listeners[absence->of].absences.push_back(index);
      }
    } else {
      listeners[campaign->event()->event].events.push_back(index);
    }
    if (campaign->absence() != nullptr) {
      for (const std::string_view type : NewsOf(*campaign)) {
        listeners[type].news.push_back(index);
      }
    }
    run_by_symbol[run.symbol] = index;
    runs.push_back(std::move(run));
  }
  for (const auto& campaign : set->retired) {
    retired.push_back({campaign, symbols->Intern(campaign->id), true, {}});
  }
  for (const auto& [channel, contact] : set->channels) {
    symbols->Intern(channel);
  }
  for (const Cap& cap : set->shop.caps) {
    symbols->Intern(cap.channel);
  }
  for (const TierLevel& level : set->shop.tiers.levels) {
    tier_symbols.push_back(symbols->Intern(level.name));
  }
}

Engine::Engine(std::shared_ptr<const CampaignSet> set, SymbolTable* symbols)
    : impl_(std::make_unique<Impl>(std::move(set), symbols)) {
}

Engine::~Engine() = default;

const CampaignSet& Engine::set() const {
  return *impl_->set;
}

void Engine::Step(const Input& input, const Context& context, Customer* customer,
                  Effects* effects) {
  effects->Clear();
  if (const auto* event = std::get_if<EventInput>(&input)) {
    impl_->OnEvent(*event->event, context, customer, effects);
  } else if (const auto* timer = std::get_if<TimerInput>(&input)) {
    impl_->OnTimer(*timer, context, customer, effects);
  } else {
    impl_->OnReceipt(std::get<ReceiptInput>(input), context, customer, effects);
  }
}

Engine::Impl::Run* Engine::Impl::CurrentRun(uint32_t symbol) {
  const auto found = run_by_symbol.find(symbol);
  return found == run_by_symbol.end() ? nullptr : &runs[found->second];
}

Engine::Impl::Run* Engine::Impl::RunOf(const Episode& episode) {
  Run* current = CurrentRun(episode.campaign);
  if (current != nullptr && current->campaign->version == episode.version) {
    return current;
  }
  for (Run& run : retired) {
    if (run.symbol == episode.campaign && run.campaign->version == episode.version) {
      return &run;
    }
  }
  return nullptr;
}

// --- events

void Engine::Impl::OnEvent(const Event& event, const Context& context, Customer* customer,
                           Effects* effects) {
  if (RememberEvent(&customer->activity, event.id)) {
    effects->duplicate = true;
    return;
  }
  effects->late = event.time < context.frontier;
  ApplyEvent(event, set->shop, symbols, customer);
  Scope scope{context, *customer, *effects, event.time, &event};
  if (!set->shop.tiers.levels.empty()) {
    UpdateTier(scope);
  }
  for (size_t i = 0; i < customer->episodes.size();) {
    Run* run = RunOf(customer->episodes[i]);
    if (run == nullptr || HearEvent(*run, &customer->episodes[i], scope)) {
      ++i;
    } else {
      customer->episodes.erase(customer->episodes.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  const auto listening = listeners.find(event.type);
  if (listening == listeners.end()) {
    return;
  }
  for (const size_t index : listening->second.news) {
    HearEarly(runs[index], scope);
  }
  for (const size_t index : listening->second.absences) {
    FeedClocks(runs[index], scope);
  }
  for (const size_t index : listening->second.events) {
    Run& run = runs[index];
    if (IsTrue(run.campaign->where, run, nullptr, scope)) {
      Trigger(run, 0, event.id, event.time, /*left=*/false, scope);
    }
  }
}

// The level that `tiers.by` reaches now; one that was reached is kept for `tiers.keep`.
void Engine::Impl::UpdateTier(Scope& scope) {
  const Tiers& tiers = set->shop.tiers;
  Activity& activity = scope.customer.activity;
  Binding binding{scope.event, nullptr,    &scope.customer, nullptr,
                  nullptr,     &set->shop, symbols,         scope.now};
  arena.Clear();
  const cel::Value by = Evaluate(tiers.by, binding, arena);
  const double reached = by.kind() == cel::Kind::kDouble ? by.as_double()
                         : by.kind() == cel::Kind::kInt  ? static_cast<double>(by.as_int())
                                                         : 0.0;
  size_t level = 0;  // 1-based: 0 is none
  size_t kept = 0;
  for (size_t i = 0; i < tiers.levels.size(); ++i) {
    level = reached >= tiers.levels[i].at ? i + 1 : level;
    kept = activity.tier != 0 && tier_symbols[i] == activity.tier ? i + 1 : kept;
  }
  if (level < kept && scope.now < activity.tier_until) {
    return;
  }
  activity.tier = level == 0 ? 0 : tier_symbols[level - 1];
  if (level >= kept && level > 0) {
    activity.tier_until = scope.now + tiers.keep;
  }
}

// --- clocks

DurationUs Engine::Impl::WindowOf(Run& run, uint32_t category) {
  if (category >= run.window_by_category.size()) {
    run.window_by_category.resize(category + 16, kUnasked);
  }
  DurationUs& window = run.window_by_category[category];
  if (window == kUnasked) {
    window = run.campaign->absence()->WindowOf(symbols->Name(category)).value_or(kNoWindow);
  }
  return window;
}

void Engine::Impl::FeedClocks(Run& run, Scope& scope) {
  const AbsenceTrigger& absence = *run.campaign->absence();
  const bool starts = scope.event->type == absence.after;
  const bool cancels = scope.event->type == absence.of;
  if (absence.per_category) {
    FeedCategoryClocks(run, starts, cancels, scope);
  } else {
    FeedClock(run, 0, {scope.event->time, starts, cancels}, scope);
  }
}

void Engine::Impl::FeedCategoryClocks(Run& run, bool starts, bool cancels, Scope& scope) {
  const bool cancel_any = run.campaign->absence()->cancel_any;
  // The categories of this order, each once.
  uint32_t bought[limits::kOrderCategoriesMax];
  size_t count = 0;
  if (scope.event->order != nullptr) {
    for (const OrderItem& item : scope.event->order->items) {
      const uint32_t category = symbols->Intern(item.category);
      const bool known = std::find(bought, bought + count, category) != bought + count;
      if (category != 0 && !known && count < limits::kOrderCategoriesMax) {
        bought[count++] = category;
      }
    }
  }
  if (cancel_any && cancels) {
    // Clock 0 keeps every order's instant, for category clocks that begin out of order.
    FeedClock(run, 0, {scope.event->time, false, true}, scope);
    for (size_t i = 0; i < scope.customer.activity.clocks.size(); ++i) {
      const Clock& clock = scope.customer.activity.clocks[i];
      const bool other = std::find(bought, bought + count, clock.category) == bought + count;
      if (clock.campaign == run.symbol && clock.category != 0 && other) {
        FeedClock(run, clock.category, {scope.event->time, false, true}, scope);
      }
    }
  }
  for (size_t i = 0; i < count; ++i) {
    if (WindowOf(run, bought[i]) != kNoWindow) {
      FeedClock(run, bought[i], {scope.event->time, starts, cancels}, scope);
    }
  }
}

Clock* Engine::Impl::NewClock(Run& run, uint32_t category, Customer* customer) {
  auto& clocks = customer->activity.clocks;
  Clock clock;
  clock.campaign = run.symbol;
  clock.category = category;
  if (category != 0) {
    if (const Clock* all = FindClock(&clocks, run.symbol, 0)) {
      clock.state = all->last == kTimeMin ? Clock::State::kResting : Clock::State::kStopped;
      clock.last = all->last;
      clock.pending = all->pending;
    }
  }
  clocks.push_back(std::move(clock));
  return &clocks.back();
}

void Engine::Impl::FeedClock(Run& run, uint32_t category, ClockInstant instant, Scope& scope) {
  Clock* clock = FindClock(&scope.customer.activity.clocks, run.symbol, category);
  if (clock == nullptr) {
    clock = NewClock(run, category, &scope.customer);
  }
  const ClockRule rule{
      category == 0 && run.campaign->absence()->per_category ? kNoWindow : WindowOf(run, category),
      run.same_event};
  AddInstant(clock, instant, rule, scope.context.frontier);
  ArmClock(run, clock, rule, scope);
}

void Engine::Impl::ArmClock(const Run& run, Clock* clock, const ClockRule& rule, Scope& scope) {
  const TimeUs deadline = DeadlineOf(*clock, rule);
  if (deadline != kTimeMax && deadline < clock->armed) {
    clock->armed = deadline;
    scope.effects.timers.push_back({deadline, ClockSlot(run.symbol, clock->category)});
    scope.customer.activity_changed = true;
  }
}

// Whether an `exit:` has been met between the deadline and now. An order that came before the clock
// did, out of order, was no news to it.
bool Engine::Impl::HasLeft(const Campaign& campaign, const Clock& clock, TimeUs deadline,
                           const Scope& scope) const {
  const auto ends = [&](const EarlyNews& news) { return news.exits && news.time > deadline; };
  if (std::any_of(clock.early.begin(), clock.early.end(), ends)) {
    return true;
  }
  return std::any_of(campaign.exits.begin(), campaign.exits.end(), [&](const ExitRule& exit) {
    if (exit.where != nullptr) {
      return false;
    }
    if (exit.on == set->shop.order_counts_on && scope.customer.activity.last_order_at > deadline) {
      return true;
    }
    return exit.on == campaign.absence()->of &&
           std::any_of(clock.pending.begin(), clock.pending.end(), [&](const auto& instant) {
             return instant.cancels && instant.time > deadline;
           });
  });
}

void Engine::Impl::FireClock(uint32_t campaign, uint32_t category, TimeUs deadline, Scope& scope) {
  auto& clocks = scope.customer.activity.clocks;
  Clock* clock = FindClock(&clocks, campaign, category);
  if (clock == nullptr || clock->armed != deadline) {
    return;  // an entry that an earlier one has replaced
  }
  clock->armed = kTimeMax;
  scope.customer.activity_changed = true;
  Run* run = CurrentRun(campaign);
  const bool watched = run != nullptr && run->campaign->absence() != nullptr;
  const DurationUs window = watched ? WindowOf(*run, category) : kNoWindow;
  if (window == kNoWindow) {
    clocks.erase(clocks.begin() + (clock - clocks.data()));
    return;  // the campaign, or its window for this category, is gone
  }
  const ClockRule rule{window, run->same_event};
  const bool left = HasLeft(*run->campaign, *clock, deadline, scope);
  const bool fires = FireAt(clock, deadline, rule, scope.context.frontier);
  ArmClock(*run, clock, rule, scope);
  const std::vector<EarlyNews> early = std::exchange(clock->early, {});
  if (!fires) {
    const TimeUs next = DeadlineOf(*clock, rule);
    std::copy_if(early.begin(), early.end(), std::back_inserter(clock->early),
                 [next](const EarlyNews& news) { return news.time > next; });
    return;
  }
  if (clock->pending.empty() && clock->state == Clock::State::kResting) {
    // A clock that rests answers nothing that a new one would not.
    clocks.erase(clocks.begin() + (clock - clocks.data()));
  }
  char occurrence[32];
  const size_t length = FormatRfc3339(deadline, occurrence);
  Trigger(*run, category, {occurrence, length}, deadline, left, scope);
  auto& episodes = scope.customer.episodes;
  const bool kept = !episodes.empty() && episodes.back().campaign == campaign &&
                    episodes.back().clock == category && episodes.back().triggered_at == deadline;
  if (kept) {
    std::copy_if(early.begin(), early.end(), std::back_inserter(episodes.back().early),
                 [](const EarlyNews& news) { return news.is_goal; });
    if (!HearEarlyGoal(*run, &episodes.back(), scope)) {
      episodes.pop_back();
    }
  }
}

// --- timers and receipts

void Engine::Impl::OnTimer(const TimerInput& timer, const Context& context, Customer* customer,
                           Effects* effects) {
  Scope scope{context, *customer, *effects, timer.deadline, nullptr};
  if (IsClockSlot(timer.slot)) {
    FireClock(static_cast<uint32_t>(timer.slot >> 32), static_cast<uint32_t>(timer.slot),
              timer.deadline, scope);
    return;
  }
  for (size_t i = 0; i < customer->episodes.size(); ++i) {
    Episode& episode = customer->episodes[i];
    if (EpisodeSlot(episode.id) != timer.slot || episode.armed != timer.deadline) {
      continue;
    }
    episode.armed = kTimeMax;
    customer->episodes_changed = true;
    Run* run = RunOf(episode);
    if (run == nullptr) {
      return;
    }
    if (episode.due > timer.deadline) {
      ArmEpisode(&episode, scope);
      return;
    }
    episode.due = kTimeMax;
    const Event* trigger = episode.trigger == nullptr ? nullptr : &episode.trigger->event();
    scope.event = trigger;
    if (!WakeEpisode(*run, &episode, scope)) {
      customer->episodes.erase(customer->episodes.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return;
  }
}

void Engine::Impl::OnReceipt(const ReceiptInput& receipt, const Context& context,
                             Customer* customer, Effects* effects) {
  Scope scope{context, *customer, *effects, receipt.time, nullptr};
  for (size_t i = 0; i < customer->episodes.size(); ++i) {
    Episode& episode = customer->episodes[i];
    Run* run = RunOf(episode);
    if (!(episode.id == receipt.episode) || run == nullptr) {
      continue;
    }
    const auto trigger = episode.trigger;
    scope.event = trigger == nullptr ? nullptr : &trigger->event();
    if (!HearReceipt(*run, &episode, receipt, scope)) {
      customer->episodes.erase(customer->episodes.begin() + static_cast<std::ptrdiff_t>(i));
      customer->episodes_changed = true;
    }
    return;
  }
}

// --- sending, explaining

Reason Engine::CheckSend(const Dispatch& dispatch, std::string_view channel, const Context& context,
                         const Customer& customer) const {
  for (const Episode& episode : customer.episodes) {
    for (const IssuedCoupon& coupon : episode.coupons) {
      // One that had expired when the message was decided is known to it.
      const bool expired =
          coupon.expires_at > dispatch.time && coupon.expires_at <= context.frontier;
      if (episode.id == dispatch.episode && (coupon.revoked || expired)) {
        return coupon.revoked ? Reason::kRevoked : Reason::kExpired;
      }
    }
  }
  if (dispatch.kind == Dispatch::Kind::kCoupon) {
    return Reason::kNone;
  }
  const std::string name(channel);
  return AskChannelGates({*impl_->set,
                          customer,
                          context,
                          name,
                          dispatch.message_class,
                          dispatch.template_name,
                          dispatch.holds_credit,
                          {}});
}

void Engine::HoldCredit(std::string_view channel, Dispatch* dispatch, Customer* customer) const {
  TakeCredit(impl_->symbols->Find(channel), dispatch, customer);
}

void Engine::ReleaseCredit(std::string_view channel, bool used, Dispatch* dispatch,
                           Customer* customer) const {
  EndCredit(impl_->symbols->Find(channel), used, dispatch, customer);
}

size_t Engine::PriorityRank(const Customer& customer, uint64_t slot) const {
  uint32_t campaign = static_cast<uint32_t>(slot >> 32);
  if (!IsClockSlot(slot)) {
    for (const Episode& episode : customer.episodes) {
      if (EpisodeSlot(episode.id) == slot) {
        campaign = episode.campaign;
      }
    }
  }
  const auto found = impl_->run_by_symbol.find(campaign);
  return found == impl_->run_by_symbol.end() ? impl_->runs.size() : found->second;
}

TimeUs Engine::QuietUntil(const Dispatch& dispatch, const Customer& customer, TimeUs wall) const {
  const Shop& shop = impl_->set->shop;
  const auto& quiet = shop.quiet_hours;
  TimeUs until = kTimeMin;
  if (quiet.has_value() && dispatch.kind == Dispatch::Kind::kMessage &&
      dispatch.message_class == MessageClass::kMarketing) {
    const Zone zone = quiet->zone_recipient ? ZoneOf(customer, shop) : quiet->zone;
    if (!InDailySpan(wall, quiet->from, quiet->to, zone, &until)) {
      until = kTimeMin;
    }
  }
  return until;
}

std::string Engine::AddressFor(const Customer& customer, std::string_view channel) const {
  return std::string(AddressOf(*impl_->set, customer, std::string(channel)));
}

std::vector<Engine::Explanation> Engine::Explain(const Context& context, const Customer& customer) {
  std::vector<Explanation> explanations;
  for (Impl::Run& run : impl_->runs) {
    Explanation explanation;
    explanation.campaign = run.campaign->id;
    for (const Clock& clock : customer.activity.clocks) {
      if (clock.campaign != run.symbol) {
        continue;
      }
      const DurationUs window = impl_->WindowOf(run, clock.category);
      const TimeUs deadline = window == Impl::kNoWindow
                                  ? kTimeMax
                                  : DeadlineOf(clock, ClockRule{window, run.same_event});
      if (deadline < explanation.next) {
        explanation.next = deadline;
        explanation.clock = impl_->symbols->Name(clock.category);
      }
    }
    for (const Episode& episode : customer.episodes) {
      if (episode.campaign == run.symbol && episode.state != Episode::State::kEnded) {
        explanation.episode = &episode;
        explanation.clock = impl_->symbols->Name(episode.clock);
        explanation.next = std::min(explanation.next, episode.due);
      }
    }
    Episode candidate;
    candidate.campaign = run.symbol;
    candidate.triggered_at = context.frontier;
    candidate.key =
        explanation.episode == nullptr ? Hash64(explanation.clock) : explanation.episode->key;
    const TimeUs now = context.wall == kTimeMin ? context.frontier : context.wall;
    explanation.refusal =
        AskEntryGates({*run.campaign, *impl_->set, customer, candidate, run.symbol, context, now,
                       nullptr, impl_->arena, nullptr, true});
    explanation.depends_on_event =
        run.campaign->where != nullptr && ReadsEvent(run.campaign->where);
    if (explanation.refusal == Reason::kNone) {
      // Planning changes nothing but the draft: the customer is only read.
      Effects nowhere;
      Impl::Scope scope{context, const_cast<Customer&>(customer), nowhere, now, nullptr, kTimeMin};
      Impl::Plan plan = impl_->MakePlan(run, &candidate, /*past_coupons=*/true, scope);
      TimeUs until = kTimeMin;
      explanation.refusal = impl_->AskStepGates(run, plan.actions, scope, &until);
    }
    explanations.push_back(explanation);
  }
  return explanations;
}

}  // namespace huitou
