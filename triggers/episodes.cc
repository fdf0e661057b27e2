// The life of an episode: candidate, gates, steps, waits, exits.
#include <algorithm>

#include "triggers/activity.h"
#include "triggers/base/hash.h"
#include "triggers/engine_impl.h"
#include "triggers/limits.h"

namespace huitou {

namespace {

// A coupon provider that was asked before an exit may still answer this long.
constexpr DurationUs kCouponAnswerWait = 7 * kDayUs;
// How long a coupon with `on_refund: revoke` waits for a refund: behind its use, or behind its
// issue where it never expires. Shops take goods back within 30 days as a rule, some within 90.
constexpr DurationUs kRefundWait = 90 * kDayUs;

uint32_t PickVariant(const Campaign& campaign, const Customer& customer) {
  const uint32_t share = HashShare({"variant", campaign.id, customer.id});
  uint32_t reached = 0;
  for (size_t i = 0; i < campaign.variants.size(); ++i) {
    reached += campaign.variants[i].share;
    if (share < reached) {
      return static_cast<uint32_t>(i);
    }
  }
  return 0;
}

// Back to what the episode held before a plan was drafted into it.
struct Draft {
  explicit Draft(const Episode& episode)
      : coupons(episode.coupons.size()), messages(episode.messages.size()) {}
  void Undo(Episode* episode) const {
    episode->coupons.resize(coupons);
    episode->messages.resize(messages);
  }
  size_t coupons;
  size_t messages;
};

// The first entry of the campaign that has most: one with a key per order must not make another
// forget that it runs once.
std::vector<Progress>::iterator OldestOfTheFullest(std::vector<Progress>& progress) {
  const auto entries_of = [&](const Progress& one) {
    return std::count_if(progress.begin(), progress.end(),
                         [&](const Progress& other) { return other.campaign == one.campaign; });
  };
  return std::max_element(
      progress.begin(), progress.end(),
      [&](const Progress& a, const Progress& b) { return entries_of(a) < entries_of(b); });
}

}  // namespace

// --- bindings

Binding Engine::Impl::Bind(const Run& run, const Episode* episode, Scope& scope) const {
  const Event* trigger =
      episode != nullptr && episode->trigger != nullptr ? &episode->trigger->event() : scope.event;
  return {scope.event,        trigger,    &scope.customer, episode,
          run.campaign.get(), &set->shop, symbols,         scope.now};
}

bool Engine::Impl::IsTrue(const Condition& condition, const Run& run, const Episode* episode,
                          Scope& scope) {
  if (condition == nullptr) {
    return true;
  }
  arena.Clear();
  const cel::Value answer = Evaluate(condition, Bind(run, episode, scope), arena);
  NoteError(answer, run.campaign->id, &scope.effects.condition_errors);
  return answer.is_true();
}

std::vector<std::pair<std::string, std::string>> Engine::Impl::Variables(
    const std::vector<TemplateVariable>& variables, const Run& run, const Episode* episode,
    Scope& scope) {
  std::vector<std::pair<std::string, std::string>> texts;
  if (variables.empty()) {
    return texts;
  }
  const Zone zone = ZoneOf(scope.customer, set->shop);
  texts.reserve(variables.size());
  for (const TemplateVariable& variable : variables) {
    arena.Clear();
    std::string text =
        FormatForPeople(Evaluate(variable.value, Bind(run, episode, scope), arena), zone);
    if (text.empty() && variable.default_text.has_value()) {
      text = *variable.default_text;
    }
    texts.emplace_back(variable.name, std::move(text));
  }
  return texts;
}

Decision& Engine::Impl::Record(const Run& run, Episode* episode, OutcomeKind outcome,
                               Scope& scope) {
  Decision decision;
  decision.time = scope.decision_time == kTimeMin ? scope.now : scope.decision_time;
  decision.campaign = run.campaign->id;
  decision.customer = scope.customer.id;
  decision.episode = episode->id;
  decision.seq = episode->seq++;
  decision.clock = symbols->Name(episode->clock);
  decision.outcome = outcome;
  scope.customer.episodes_changed = true;
  scope.effects.decisions.push_back(decision);
  return scope.effects.decisions.back();
}

// --- candidates

void Engine::Impl::Trigger(Run& run, uint32_t clock, std::string_view occurrence, TimeUs time,
                           bool left, Scope& scope) {
  const Campaign& campaign = *run.campaign;
  Episode episode;
  episode.id = Hash128({campaign.id, scope.customer.id, symbols->Name(clock), occurrence});
  episode.campaign = run.symbol;
  episode.version = campaign.version;
  episode.clock = clock;
  episode.triggered_at = time;
  episode.variant = PickVariant(campaign, scope.customer);
  if (campaign.reentry.key != nullptr) {
    arena.Clear();
    const cel::Value key = Evaluate(campaign.reentry.key, Bind(run, &episode, scope), arena);
    NoteError(key, campaign.id, &scope.effects.condition_errors);
    episode.key = Hash64(FormatForPeople(key, Zone()));
  } else {
    episode.key = Hash64(symbols->Name(clock));
  }
  scope.effects.candidates.push_back(campaign.id);
  bool keep = false;
  if (scope.customer.episodes.size() >= limits::kEpisodesMax) {
    keep = Reject(run, &episode, Reason::kLimit, scope);
  } else if (left) {
    keep = Reject(run, &episode, Reason::kExit, scope);
  } else if (campaign.settle > 0) {
    episode.due = time + campaign.settle;
    keep = true;
  } else {
    keep = HoldIfLate(run, &episode, scope) || Enter(run, &episode, scope);
  }
  if (!keep) {
    return;
  }
  if (campaign.reads_trigger && scope.event != nullptr) {
    episode.trigger = std::make_shared<OwnedEvent>(*scope.event);
  }
  scope.customer.episodes.push_back(std::move(episode));
  scope.customer.episodes_changed = true;
  ArmEpisode(&scope.customer.episodes.back(), scope);
}

// What fires long after its time waits until the frontier has reached the present, so that all that
// happened meanwhile is known when the gates are asked.
bool Engine::Impl::HoldIfLate(const Run& run, Episode* episode, const Scope& scope) {
  const LateRule& late = run.campaign->late;
  if (scope.context.wall == kTimeMin || episode->held_late ||
      late.then != LateRule::Then::kReevaluate || scope.context.wall - scope.now <= late.after) {
    return false;
  }
  episode->held_late = true;
  episode->state = Episode::State::kSettling;
  episode->due = scope.context.wall;
  return true;
}

bool Engine::Impl::WakeEpisode(Run& run, Episode* episode, Scope& scope) {
  bool keep = true;
  switch (episode->state) {
    case Episode::State::kSettling:
      if (episode->held_late) {
        scope.decision_time = episode->triggered_at + run.campaign->settle;
      }
      keep = HoldIfLate(run, episode, scope) ||
             (Enter(run, episode, scope) && HearEarlyGoal(run, episode, scope));
      break;
    case Episode::State::kDeferredEntry:
      keep = Enter(run, episode, scope) && HearEarlyGoal(run, episode, scope);
      break;
    case Episode::State::kWaiting: {
      const Instruction& at = run.campaign->program[static_cast<size_t>(episode->cursor)];
      if (at.kind == Instruction::Kind::kStep &&
          std::holds_alternative<WaitStep>(at.step->action)) {
        ++episode->cursor;
      }
      keep = Continue(run, episode, scope);
      break;
    }
    case Episode::State::kAwaitingCoupon:
      break;
    case Episode::State::kEnded:
      keep = KeepEnded(run, episode, scope);
      break;
  }
  if (keep) {
    ArmEpisode(episode, scope);
  }
  return keep;
}

void Engine::Impl::ArmEpisode(Episode* episode, Scope& scope) {
  if (episode->due != kTimeMax && episode->due < episode->armed) {
    episode->armed = episode->due;
    scope.effects.timers.push_back({episode->due, EpisodeSlot(episode->id)});
    scope.customer.episodes_changed = true;
  }
}

// --- entering

bool Engine::Impl::Reject(Run& run, Episode* episode, Reason reason, Scope& scope) {
  Decision& decision = Record(run, episode, OutcomeKind::kRejected, scope);
  decision.reason = ToString(reason);
  const bool control = reason == Reason::kHoldout || reason == Reason::kGlobalHoldout;
  if (!control) {
    return false;
  }
  decision.arm = "holdout";
  // `reentry:` counts both arms alike, or the one would be asked again where the other is not.
  RememberEntry(run, *episode, scope);
  if (!run.campaign->goal.has_value()) {
    return false;
  }
  episode->state = Episode::State::kEnded;
  episode->holdout = true;
  episode->goal_until = scope.now + run.campaign->goal->within;
  return KeepEnded(run, episode, scope);
}

bool Engine::Impl::Enter(Run& run, Episode* episode, Scope& scope) {
  const Campaign& campaign = *run.campaign;
  Reason reason =
      AskEntryGates({campaign, *set, scope.customer, *episode, run.symbol, scope.context, scope.now,
                     scope.event, arena, &scope.effects.condition_errors});
  if (reason != Reason::kNone) {
    return Reject(run, episode, reason, scope);
  }
  const Draft draft(*episode);
  episode->cursor = 0;
  TimeUs until = kTimeMin;
  const auto& coupons = campaign.coupon_steps;
  if (std::any_of(coupons.begin(), coupons.end(), [this](const huitou::Step* step) {
        return IsAsked(std::get<CouponStep>(step->action));
      })) {
    Plan whole = MakePlan(run, episode, /*past_coupons=*/true, scope);
    reason = AskStepGates(run, whole.actions, scope, &until);
    draft.Undo(episode);
    episode->cursor = 0;
  }
  Plan plan = MakePlan(run, episode, /*past_coupons=*/false, scope);
  if (reason == Reason::kNone) {
    reason = AskStepGates(run, plan.actions, scope, &until);
  }
  if (reason == Reason::kQuietHours && !set->shop.quiet_hours->skip) {
    draft.Undo(episode);
    episode->state = Episode::State::kDeferredEntry;
    episode->due = until;
    Decision& deferred = Record(run, episode, OutcomeKind::kDeferred, scope);
    deferred.reason = ToString(reason);
    deferred.until = until;
    return true;
  }
  if (reason == Reason::kNone) {
    reason = TakeAllowances(run, plan.actions, true, scope);
  }
  if (reason != Reason::kNone) {
    draft.Undo(episode);
    return Reject(run, episode, reason, scope);
  }
  Decision& entered = Record(run, episode, OutcomeKind::kEntered, scope);
  entered.arm = "treated";
  if (!campaign.variants.empty()) {
    entered.variant = campaign.variants[episode->variant].name;
  }
  episode->state = Episode::State::kWaiting;
  episode->entered_at = scope.now;
  if (campaign.goal.has_value()) {
    episode->goal_until = scope.now + campaign.goal->within;
  }
  RememberEntry(run, *episode, scope);
  for (const Action& action : plan.actions) {
    if (action.refusal != Reason::kNone) {
      UndoAction(episode, action.dispatch);
    }
    Perform(run, episode, action, scope);
  }
  return Finish(run, episode, plan, scope);
}

void Engine::Impl::RememberEntry(Run& run, const Episode& episode, Scope& scope) {
  auto& progress = scope.customer.activity.progress;
  scope.customer.activity_changed = true;
  for (Progress& known : progress) {
    if (known.campaign == run.symbol && known.key == episode.key) {
      ++known.entries;
      known.last_entered_at = scope.now;
      return;
    }
  }
  if (progress.size() >= limits::kProgressMax) {
    progress.erase(OldestOfTheFullest(progress));
  }
  progress.push_back({run.symbol, 1, episode.key, scope.now});
}

// --- waiting and ending

bool Engine::Impl::Finish(Run& run, Episode* episode, const Plan& plan, Scope& scope) {
  switch (plan.end) {
    case Plan::End::kComplete:
      return End(run, episode, OutcomeKind::kCompleted, "", scope);
    case Plan::End::kExit:
      return End(run, episode, OutcomeKind::kExited, "exit", scope);
    case Plan::End::kAwaitCoupon:
      if (!plan.actions.empty() && plan.actions.back().refusal != Reason::kNone) {
        episode->cursor = plan.cursor + 1;
        return Continue(run, episode, scope);
      }
      episode->state = Episode::State::kAwaitingCoupon;
      episode->cursor = plan.cursor;
      episode->due = kTimeMax;
      return true;
    case Plan::End::kWait:
      break;
  }
  episode->state = Episode::State::kWaiting;
  episode->cursor = plan.cursor;
  episode->due = plan.wait->for_us == 0 ? kTimeMax : scope.now + plan.wait->for_us;
  if (plan.wait->until_time.has_value()) {
    episode->due = NextTimeOfDay(scope.now + plan.wait->for_us, *plan.wait->until_time,
                                 ZoneOf(scope.customer, set->shop));
  }
  return true;
}

bool Engine::Impl::End(Run& run, Episode* episode, OutcomeKind outcome, std::string_view reason,
                       Scope& scope) {
  Record(run, episode, outcome, scope).reason = reason;
  const bool awaited = episode->state == Episode::State::kAwaitingCoupon;
  episode->state = Episode::State::kEnded;
  if (KeepEnded(run, episode, scope)) {
    return true;
  }
  if (awaited) {
    episode->due = scope.now + kCouponAnswerWait;
  }
  return awaited;
}

bool Engine::Impl::KeepEnded(const Run& run, Episode* episode, const Scope& scope) {
  TimeUs until = kTimeMin;
  if (run.campaign->goal.has_value() && !episode->converted) {
    until = episode->goal_until;
  }
  for (const IssuedCoupon& coupon : episode->coupons) {
    const auto& step =
        std::get<CouponStep>(run.campaign->coupon_steps[static_cast<size_t>(coupon.step)]->action);
    if (step.revoke_on_refund && !coupon.revoked) {
      const TimeUs used_at = coupon.redeemed ? coupon.used_at : kTimeMin;
      const TimeUs unused_until =
          coupon.expires_at == 0 ? coupon.issued_at + kRefundWait : coupon.expires_at;
      until = std::max(until, coupon.redeemed ? used_at + kRefundWait : unused_until);
    }
  }
  episode->due = until > scope.now ? until : kTimeMax;
  const bool open_messages = std::any_of(
      episode->messages.begin(), episode->messages.end(), [](const SentMessage& message) {
        return message.status == SentMessage::Status::kPlanned ||
               message.status == SentMessage::Status::kAwaitingReceipt;
      });
  return until > scope.now || open_messages;
}

// Whether it had not been sent at all. One that awaits its receipt was sent: only other channels
// are kept from it.
bool Engine::Impl::Withdraw(SentMessage* message, Scope& scope) {
  const bool planned = message->status == SentMessage::Status::kPlanned;
  if (planned || message->status == SentMessage::Status::kAwaitingReceipt) {
    scope.effects.withdrawn.push_back(message->dispatch);
    message->status = planned ? SentMessage::Status::kFailed : SentMessage::Status::kAccepted;
  }
  return planned;
}

// The end by an event, for whatever state the episode is in. What was not sent yet is withdrawn.
bool Engine::Impl::Exit(Run& run, Episode* episode, std::string_view reason, Scope& scope) {
  if (episode->is_candidate()) {
    return Reject(run, episode, Reason::kExit, scope);
  }
  for (SentMessage& message : episode->messages) {
    Withdraw(&message, scope);
  }
  if (episode->state == Episode::State::kEnded) {
    return KeepEnded(run, episode, scope);
  }
  if (episode->state == Episode::State::kAwaitingCoupon) {
    const Instruction& at = run.campaign->program[static_cast<size_t>(episode->cursor)];
    scope.effects.withdrawn.push_back(
        DispatchId(*run.campaign, scope.customer, *episode, *at.step));
  }
  return End(run, episode, OutcomeKind::kExited, reason, scope);
}

}  // namespace huitou
