// What an episode does: the plan of a run, the gates it asks, the steps it performs.
#include <algorithm>
#include <utility>

#include "triggers/activity.h"
#include "triggers/base/hash.h"
#include "triggers/engine_impl.h"
#include "triggers/limits.h"

namespace huitou {

Id128 DispatchId(const Campaign& campaign, const Customer& customer, const Episode& episode,
                 const Step& step) {
  char digits[32];
  episode.id.Format(digits);
  return Hash128({campaign.id, customer.id, {digits, sizeof digits}, step.name()});
}

void UndoAction(Episode* episode, const Id128& dispatch) {
  std::erase_if(episode->coupons,
                [&](const IssuedCoupon& coupon) { return coupon.dispatch == dispatch; });
  std::erase_if(episode->messages,
                [&](const SentMessage& message) { return message.dispatch == dispatch; });
}

void TakeCredit(uint32_t channel, Dispatch* dispatch, Customer* customer) {
  const ConsentQuestion question{
      channel, dispatch->message_class, dispatch->template_name, dispatch->holds_credit, {}};
  if (customer->profile != nullptr && HoldCredit(customer->profile.get(), question)) {
    dispatch->holds_credit = true;
    customer->profile_changed = true;
  }
}

void EndCredit(uint32_t channel, bool used, Dispatch* dispatch, Customer* customer) {
  if (std::exchange(dispatch->holds_credit, false) && customer->profile != nullptr) {
    ReleaseCredit(customer->profile.get(),
                  {channel, dispatch->message_class, dispatch->template_name, true, {}}, used);
    customer->profile_changed = true;
  }
}

// --- plans

// Conditions of one run see the customer as it is when the run begins, with the coupons that the
// run itself is about to issue.
Engine::Impl::Plan Engine::Impl::MakePlan(Run& run, Episode* draft, bool past_coupons,
                                          Scope& scope) {
  const auto& program = run.campaign->program;
  Plan plan;
  int at = draft->cursor;
  for (int count = 0; count < limits::kInstructionsPerStepMax; ++count) {
    const Instruction& instruction = program[static_cast<size_t>(at)];
    if (instruction.kind == Instruction::Kind::kEnd) {
      return plan;
    }
    if (instruction.kind == Instruction::Kind::kJump) {
      at = instruction.target;
      continue;
    }
    if (instruction.kind == Instruction::Kind::kBranchUnless) {
      at = IsTrue(instruction.condition, run, draft, scope) ? at + 1 : instruction.target;
      continue;
    }
    const huitou::Step& step = *instruction.step;
    Action action{&step, at, !IsTrue(step.when, run, draft, scope), {}, {}, Reason::kNone};
    plan.cursor = at;
    ++at;
    if (!action.skipped_by_when) {
      if (const auto* wait = std::get_if<WaitStep>(&step.action)) {
        plan.end = Plan::End::kWait;
        plan.wait = wait;
        return plan;
      }
      if (std::holds_alternative<ExitStep>(step.action)) {
        plan.end = Plan::End::kExit;
        return plan;
      }
      action.dispatch = DispatchId(*run.campaign, scope.customer, *draft, step);
      if (const auto* send = std::get_if<SendStep>(&step.action)) {
        action.via = send->via;
        const bool revoked = std::any_of(draft->coupons.begin(), draft->coupons.end(),
                                         [](const IssuedCoupon& coupon) { return coupon.revoked; });
        action.refusal = revoked ? Reason::kRevoked : Reason::kNone;
        draft->messages.push_back({run.campaign->MessageIndex(&step), action.dispatch,
                                   SentMessage::Status::kPlanned, false});
      } else if (const auto* coupon = std::get_if<CouponStep>(&step.action)) {
        if (IsAsked(*coupon) && !past_coupons) {
          plan.actions.push_back(std::move(action));
          plan.end = Plan::End::kAwaitCoupon;
          return plan;
        }
        const TimeUs expires_at = coupon->expires == 0 ? 0 : scope.now + coupon->expires;
        draft->coupons.push_back({run.campaign->CouponIndex(&step), action.dispatch, coupon->value,
                                  scope.now, expires_at,
                                  scope.context.codes == nullptr
                                      ? std::string()
                                      : scope.context.codes->CodeOf(action.dispatch),
                                  false, false});
      }
    }
    plan.actions.push_back(std::move(action));
  }
  return plan;
}

Reason Engine::Impl::AskStepGates(Run& run, std::span<Action> actions, Scope& scope,
                                  TimeUs* until) {
  for (const StepGate& gate : StepGates()) {
    std::vector<RecentSend> planned;
    std::vector<const ConsentState*> credits_planned;
    std::vector<std::string_view> pools_planned;
    int64_t money_planned = 0;
    for (Action& action : actions) {
      const auto* send = std::get_if<SendStep>(&action.step->action);
      const auto* coupon = std::get_if<CouponStep>(&action.step->action);
      if (action.skipped_by_when || action.refusal != Reason::kNone ||
          (send == nullptr && coupon == nullptr)) {
        continue;
      }
      const StepQuestion question{*run.campaign,
                                  *set,
                                  scope.customer,
                                  *action.step,
                                  scope.context,
                                  scope.now,
                                  send == nullptr ? nullptr : &action.via,
                                  &planned,
                                  money_planned,
                                  until,
                                  credits_planned,
                                  pools_planned};
      if (!gate.passes(question)) {
        const bool defers = gate.reason == Reason::kQuietHours && !set->shop.quiet_hours->skip;
        const bool skips =
            action.step->optional ||
            (gate.reason == Reason::kStock && coupon->on_empty == CouponStep::OnEmpty::kSkip);
        if (!skips || defers) {
          return gate.reason;
        }
        action.refusal = gate.reason;
        continue;
      }
      if (send != nullptr) {
        const uint32_t channel = symbols->Find(action.via.front());
        planned.push_back({scope.now, channel, run.campaign->message_class});
        credits_planned.push_back(CreditOf(
            scope.customer.profile.get(),
            {channel, run.campaign->message_class, send->template_name, false, credits_planned}));
      } else {
        money_planned += coupon->value.minor;
        pools_planned.push_back(coupon->pool);
      }
    }
  }
  return Reason::kNone;
}

Reason Engine::Impl::TakeAllowances(Run& run, std::span<const Action> actions, bool entry,
                                    Scope& scope) {
  Quotas* quotas = scope.context.quotas;
  if (quotas == nullptr) {
    return Reason::kNone;
  }
  const auto entries = entry ? EntryAllowance(*run.campaign, set->shop, scope.now) : std::nullopt;
  if (entries.has_value() && !quotas->Take(entries->name, entries->period, 1, entries->max)) {
    return Reason::kLimit;
  }
  int64_t money = 0;
  for (const Action& action : actions) {
    const auto* coupon = std::get_if<CouponStep>(&action.step->action);
    const bool issues = !action.skipped_by_when && action.refusal == Reason::kNone;
    money += coupon != nullptr && issues ? coupon->value.minor : 0;
  }
  if (money == 0) {
    return Reason::kNone;
  }
  const auto allowances = MoneyAllowances(*run.campaign, set->shop, scope.now);
  for (size_t i = 0; i < allowances.size(); ++i) {
    const Allowance& allowance = allowances[i];
    if (quotas->Take(allowance.name, allowance.period, money, allowance.max)) {
      continue;
    }
    for (size_t taken = 0; taken < i; ++taken) {
      quotas->GiveBack(allowances[taken].name, allowances[taken].period, money);
    }
    if (entries.has_value()) {
      quotas->GiveBack(entries->name, entries->period, 1);
    }
    return Reason::kBudget;
  }
  return Reason::kNone;
}

// --- steps

void Engine::Impl::UndoFrom(Episode* episode, const Plan& plan, size_t first) {
  for (size_t i = first; i < plan.actions.size(); ++i) {
    UndoAction(episode, plan.actions[i].dispatch);
  }
}

// After a wait every step is asked for itself: a refusal skips it, quiet hours hold the episode,
// and an empty pool ends it where `on_empty:` says so.
bool Engine::Impl::Continue(Run& run, Episode* episode, Scope& scope) {
  Plan plan = MakePlan(run, episode, /*past_coupons=*/false, scope);
  for (size_t i = 0; i < plan.actions.size(); ++i) {
    Action& action = plan.actions[i];
    TimeUs until = kTimeMin;
    Reason reason = action.skipped_by_when
                        ? Reason::kNone
                        : AskStepGates(run, std::span(&action, 1), scope, &until);
    if (reason == Reason::kQuietHours && !set->shop.quiet_hours->skip) {
      UndoFrom(episode, plan, i);
      Decision& deferred = Record(run, episode, OutcomeKind::kDeferred, scope);
      deferred.reason = ToString(reason);
      deferred.step = action.step->name();
      deferred.until = until;
      episode->cursor = action.cursor;
      episode->state = Episode::State::kWaiting;
      episode->due = until;
      return true;
    }
    if (reason == Reason::kStock) {
      UndoFrom(episode, plan, i);
      return End(run, episode, OutcomeKind::kFailed, ToString(reason), scope);
    }
    if (reason == Reason::kNone && action.refusal == Reason::kNone) {
      reason = TakeAllowances(run, std::span(&action, 1), false, scope);
    }
    if (reason != Reason::kNone) {
      action.refusal = reason;
    }
    const bool refused = action.refusal != Reason::kNone;
    if (refused && std::holds_alternative<CouponStep>(action.step->action)) {
      // What comes behind was planned with this coupon: it is planned anew, without.
      UndoFrom(episode, plan, i);
      Perform(run, episode, action, scope);
      episode->cursor = action.cursor + 1;
      return Continue(run, episode, scope);
    }
    if (refused) {
      UndoAction(episode, action.dispatch);
    }
    Perform(run, episode, action, scope);
  }
  return Finish(run, episode, plan, scope);
}

void Engine::Impl::Perform(Run& run, Episode* episode, const Action& action, Scope& scope) {
  const huitou::Step& step = *action.step;
  if (action.skipped_by_when || action.refusal != Reason::kNone) {
    Decision& skipped = Record(run, episode, OutcomeKind::kSkipped, scope);
    skipped.reason = ToString(action.skipped_by_when ? Reason::kWhen : action.refusal);
    skipped.step = step.name();
    return;
  }
  if (std::holds_alternative<CouponStep>(step.action)) {
    PerformCoupon(run, episode, action, scope);
  } else if (std::holds_alternative<SendStep>(step.action)) {
    PerformSend(run, episode, action, scope);
  } else if (std::holds_alternative<EmitStep>(step.action)) {
    PerformEmit(run, episode, action, scope);
  } else if (const auto* changes = std::get_if<SetStep>(&step.action)) {
    PerformSet(*changes, scope);
  }
}

void Engine::Impl::PerformCoupon(Run& run, Episode* episode, const Action& action, Scope& scope) {
  const auto& coupon = std::get<CouponStep>(action.step->action);
  const TimeUs expires_at = coupon.expires == 0 ? 0 : scope.now + coupon.expires;
  if (IsAsked(coupon)) {
    Dispatch dispatch;
    dispatch.id = action.dispatch;
    dispatch.kind = Dispatch::Kind::kCoupon;
    dispatch.episode = episode->id;
    dispatch.customer = scope.customer.id;
    dispatch.campaign = run.campaign->id;
    dispatch.version = run.campaign->version;
    dispatch.step = action.step->name();
    dispatch.time = scope.now;
    dispatch.message_class = run.campaign->message_class;
    dispatch.coupon = action.step->name();
    dispatch.pool = coupon.pool;
    dispatch.value = coupon.value;
    dispatch.min_spend = coupon.min_spend.value_or(Money{0, coupon.value.currency});
    dispatch.expires_at = expires_at;
    scope.effects.dispatches.push_back(std::move(dispatch));
    return;
  }
  const auto issued =
      std::find_if(episode->coupons.begin(), episode->coupons.end(),
                   [&](const IssuedCoupon& known) { return known.dispatch == action.dispatch; });
  Decision& decision = Record(run, episode, OutcomeKind::kIssued, scope);
  decision.step = action.step->name();
  decision.coupon = action.step->name();
  decision.amount = coupon.value;
  decision.dispatch = action.dispatch;
  scope.effects.ledger.push_back({action.dispatch, episode->id, run.campaign->id,
                                  action.step->name(), issued->code, coupon.value, decision.time,
                                  expires_at});
}

void Engine::Impl::PerformSend(Run& run, Episode* episode, const Action& action, Scope& scope) {
  const auto& send = std::get<SendStep>(action.step->action);
  const Profile* profile = scope.customer.profile.get();
  Dispatch dispatch;
  dispatch.id = action.dispatch;
  dispatch.episode = episode->id;
  dispatch.customer = scope.customer.id;
  dispatch.campaign = run.campaign->id;
  dispatch.version = run.campaign->version;
  dispatch.step = action.step->name();
  dispatch.message_class = run.campaign->message_class;
  dispatch.template_name = send.template_name;
  dispatch.locale =
      profile == nullptr || profile->locale.empty() ? set->shop.locale : profile->locale;
  dispatch.via = action.via;
  dispatch.wait_receipt = send.wait_receipt;
  dispatch.variables = Variables(send.variables, run, episode, scope);

  Decision& decision = Record(run, episode, OutcomeKind::kDispatched, scope);
  decision.step = action.step->name();
  decision.dispatch = action.dispatch;
  decision.template_name = send.template_name;
  // The step's own list, not the dispatch's copy: the decision outlives that.
  for (const std::string& channel : send.via) {
    if (channel == action.via.front()) {
      decision.channel = channel;
    }
  }
  dispatch.time = decision.time;

  const uint32_t channel = symbols->Intern(action.via.front());
  if (run.campaign->message_class == MessageClass::kMarketing) {
    RememberSend(&scope.customer.activity, {scope.now, channel, run.campaign->message_class});
    scope.customer.activity_changed = true;
  }
  TakeCredit(channel, &dispatch, &scope.customer);
  if (scope.context.messages_settle) {
    EndCredit(channel, /*used=*/true, &dispatch, &scope.customer);
    for (SentMessage& message : episode->messages) {
      if (message.dispatch == action.dispatch) {
        message.status = SentMessage::Status::kAccepted;
      }
    }
  }
  scope.effects.dispatches.push_back(std::move(dispatch));
}

void Engine::Impl::PerformEmit(Run& run, Episode* episode, const Action& action, Scope& scope) {
  const auto& emit = std::get<EmitStep>(action.step->action);
  Decision& decision = Record(run, episode, OutcomeKind::kEmitted, scope);
  decision.step = action.step->name();
  decision.dispatch = action.dispatch;
  scope.effects.emissions.push_back({action.dispatch, emit.type, scope.customer.id,
                                     run.campaign->id, episode->id, decision.time, emit.data,
                                     Variables(emit.variables, run, episode, scope)});
}

void Engine::Impl::PerformSet(const SetStep& changes, Scope& scope) {
  Profile& profile = scope.customer.MutableProfile();
  for (const std::string& tag : changes.tags_add) {
    AddTag(&profile, tag);
  }
  for (const std::string& tag : changes.tags_remove) {
    RemoveTag(&profile, tag);
  }
  if (!changes.attributes.empty()) {
    KeepAddresses(set->shop, &scope.customer);
  }
  for (const auto& [name, text] : changes.attributes) {
    SetAttribute(&profile, name, text.empty() ? cel::Value::Null() : cel::Value::String(text));
  }
}

}  // namespace huitou
