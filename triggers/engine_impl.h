// The engine's inside, shared by engine.cc (what listens to what), episodes.cc (the life of an
// episode), hearing.cc (what it hears) and steps.cc (what it does). Include nowhere else.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "triggers/clocks.h"
#include "triggers/engine.h"
#include "triggers/gates.h"
#include "triggers/vocabulary.h"

namespace huitou {

struct Engine::Impl {
  // One campaign, bound to the shard's symbols.
  struct Run {
    std::shared_ptr<const Campaign> campaign;
    uint32_t symbol = 0;
    bool same_event = true;                      // of an absence: `after` and `of` are one type
    std::vector<DurationUs> window_by_category;  // by symbol; kUnasked until asked
  };
  static constexpr DurationUs kUnasked = -1;
  static constexpr DurationUs kNoWindow = 0;

  // Which campaigns an event type concerns, by index into runs.
  struct Listeners {
    std::vector<size_t> absences;
    std::vector<size_t> events;
    std::vector<size_t> news;  // absences whose exits or goal it may be
  };

  // What one Step works on.
  struct Scope {
    const Context& context;
    Customer& customer;
    Effects& effects;
    TimeUs now = 0;                   // event time: conditions, waits and gates count from here
    const Event* event = nullptr;     // at hand; null for a clock
    TimeUs decision_time = kTimeMin;  // of decisions, where it is not `now`: see held_late
  };

  Impl(std::shared_ptr<const CampaignSet> set, SymbolTable* symbols);

  // --- engine.cc: routing
  void OnEvent(const Event& event, const Context& context, Customer* customer, Effects* effects);
  void OnTimer(const TimerInput& timer, const Context& context, Customer* customer,
               Effects* effects);
  void OnReceipt(const ReceiptInput& receipt, const Context& context, Customer* customer,
                 Effects* effects);
  void FeedClocks(Run& run, Scope& scope);
  void FeedCategoryClocks(Run& run, bool starts, bool cancels, Scope& scope);
  void FeedClock(Run& run, uint32_t category, ClockInstant instant, Scope& scope);
  Clock* NewClock(Run& run, uint32_t category, Customer* customer);
  void ArmClock(const Run& run, Clock* clock, const ClockRule& rule, Scope& scope);
  bool HasLeft(const Campaign& campaign, const Clock& clock, TimeUs deadline,
               const Scope& scope) const;
  // What a clock's campaign would hear of the event, were its deadline certain.
  void HearEarly(Run& run, Scope& scope);
  EarlyNews NewsOfEvent(Run& run, Scope& scope);
  // What came early for a candidate, once it has entered. False when the episode is gone.
  bool HearEarlyGoal(Run& run, Episode* episode, Scope& scope);
  void FireClock(uint32_t campaign, uint32_t category, TimeUs deadline, Scope& scope);
  DurationUs WindowOf(Run& run, uint32_t category);
  void UpdateTier(Scope& scope);
  // Whether the coupon is issued by a dispatch of its own, not inside the step.
  bool IsAsked(const CouponStep& coupon) const {
    return coupon.pool.empty() ? !set->coupons_local : !set->pools_local;
  }
  Run* CurrentRun(uint32_t symbol);
  Run* RunOf(const Episode& episode);

  // --- episodes.cc and steps.cc: the life of an episode
  // A candidate of `run`; `occurrence` makes its id unique. `left`: what ends it has come already,
  // behind `time` but before it could fire.
  void Trigger(Run& run, uint32_t clock, std::string_view occurrence, TimeUs time, bool left,
               Scope& scope);
  // The gates, then the steps up to the first wait. True when the episode is still to be kept.
  bool Enter(Run& run, Episode* episode, Scope& scope);
  bool Continue(Run& run, Episode* episode, Scope& scope);
  bool WakeEpisode(Run& run, Episode* episode, Scope& scope);
  // One event, for one open episode. False when it is gone.
  bool HearEvent(Run& run, Episode* episode, Scope& scope);
  bool HearReceipt(Run& run, Episode* episode, const ReceiptInput& receipt, Scope& scope);

  // What the steps from a cursor on would do, before any gate is asked.
  struct Action {
    const huitou::Step* step = nullptr;
    int cursor = 0;
    bool skipped_by_when = false;
    std::vector<std::string> via;
    Id128 dispatch;
    Reason refusal = Reason::kNone;
  };
  struct Plan {
    enum class End : uint8_t { kComplete, kWait, kExit, kAwaitCoupon };
    End end = End::kComplete;
    int cursor = 0;
    const WaitStep* wait = nullptr;
    std::vector<Action> actions;
  };
  // `past_coupons`: does not stop at a coupon that a provider is asked for, since the gates of what
  // comes behind it are asked before it is.
  Plan MakePlan(Run& run, Episode* draft, bool past_coupons, Scope& scope);
  // Asks the step gates of all actions, gate by gate. kNone, or the first refusal.
  Reason AskStepGates(Run& run, std::span<Action> actions, Scope& scope, TimeUs* until);
  // Takes what limits and budgets must hold for these actions, or nothing and says why not.
  Reason TakeAllowances(Run& run, std::span<const Action> actions, bool entry, Scope& scope);
  // Takes out of the episode again what the plan drafted into it, from an action on.
  static void UndoFrom(Episode* episode, const Plan& plan, size_t first);
  void Perform(Run& run, Episode* episode, const Action& action, Scope& scope);
  void PerformCoupon(Run& run, Episode* episode, const Action& action, Scope& scope);
  void PerformSend(Run& run, Episode* episode, const Action& action, Scope& scope);
  void PerformEmit(Run& run, Episode* episode, const Action& action, Scope& scope);
  void PerformSet(const SetStep& set, Scope& scope);
  bool Finish(Run& run, Episode* episode, const Plan& plan, Scope& scope);
  bool End(Run& run, Episode* episode, OutcomeKind outcome, std::string_view reason, Scope& scope);
  bool Reject(Run& run, Episode* episode, Reason reason, Scope& scope);
  bool Exit(Run& run, Episode* episode, std::string_view reason, Scope& scope);
  // Whether an ended episode still has something to hear, and until when.
  bool KeepEnded(const Run& run, Episode* episode, const Scope& scope);
  bool HoldIfLate(const Run& run, Episode* episode, const Scope& scope);
  void RevokeOnRefund(Run& run, Episode* episode, Scope& scope);
  bool HearCoupon(Run& run, Episode* episode, const huitou::Step& step, const ReceiptInput& receipt,
                  Scope& scope);
  bool Withdraw(SentMessage* message, Scope& scope);
  // A message that a revoked coupon keeps back.
  void KeepBack(Run& run, Episode* episode, SentMessage* message, Scope& scope);
  // Records that a message which was dispatched has not been sent.
  void SkipMessage(const Run& run, Episode* episode, const SentMessage& message, Reason reason,
                   Scope& scope);
  void HearGoal(Run& run, Episode* episode, Scope& scope);
  void Convert(const Run& run, Episode* episode, TimeUs time, const Money& amount, Scope& scope);
  void ArmEpisode(Episode* episode, Scope& scope);
  void RememberEntry(Run& run, const Episode& episode, Scope& scope);

  Binding Bind(const Run& run, const Episode* episode, Scope& scope) const;
  bool IsTrue(const Condition& condition, const Run& run, const Episode* episode, Scope& scope);
  std::vector<std::pair<std::string, std::string>> Variables(
      const std::vector<TemplateVariable>& variables, const Run& run, const Episode* episode,
      Scope& scope);
  Decision& Record(const Run& run, Episode* episode, OutcomeKind outcome, Scope& scope);

  std::shared_ptr<const CampaignSet> set;
  SymbolTable* symbols;
  std::vector<Run> runs;     // current ones, by priority
  std::vector<Run> retired;  // older versions
  std::unordered_map<std::string_view, Listeners> listeners;
  std::vector<uint32_t> tier_symbols;  // of the shop's levels
  std::unordered_map<uint32_t, size_t> run_by_symbol;
  cel::Arena arena;
};

// The idempotency key of what this step sends or issues in this episode.
Id128 DispatchId(const Campaign& campaign, const Customer& customer, const Episode& episode,
                 const Step& step);
// The one-time subscription by which a message goes over a channel, see Engine::HoldCredit.
void TakeCredit(uint32_t channel, Dispatch* dispatch, Customer* customer);
void EndCredit(uint32_t channel, bool used, Dispatch* dispatch, Customer* customer);
// Takes a drafted coupon or message out of the episode again.
void UndoAction(Episode* episode, const Id128& dispatch);

}  // namespace huitou
