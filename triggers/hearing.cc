// What an episode hears: events, its goal, refunds, receipts; and what a clock hears for an episode
// that is not there yet.
#include <algorithm>
#include <optional>
#include <utility>

#include "triggers/base/hash.h"
#include "triggers/engine_impl.h"
#include "triggers/limits.h"

namespace huitou {

namespace {

// Of a coupon that the provider may have issued, for it never answered.
constexpr std::string_view kUnknown = "unknown";

// Empty for what concerns coupons.
std::string_view EventTypeOf(ReceiptInput::Kind kind) {
  switch (kind) {
    case ReceiptInput::Kind::kAccepted:
    case ReceiptInput::Kind::kAwaitingReceipt:
      return "message.accepted";
    case ReceiptInput::Kind::kDelivered:
      return "message.delivered";
    case ReceiptInput::Kind::kFailed:
      return "message.failed";
    case ReceiptInput::Kind::kClicked:
      return "message.clicked";
    case ReceiptInput::Kind::kSettled:
    case ReceiptInput::Kind::kCouponIssued:
    case ReceiptInput::Kind::kCouponRefused:
      break;
  }
  return {};
}

void HearOf(ReceiptInput::Kind kind, SentMessage* message) {
  using Kind = ReceiptInput::Kind;
  using Status = SentMessage::Status;
  switch (kind) {
    case Kind::kClicked:
      message->clicked = true;
      break;
    case Kind::kAwaitingReceipt:
      // One that was on its way when it was withdrawn waits for nothing.
      message->status =
          message->status == Status::kFailed ? Status::kAccepted : Status::kAwaitingReceipt;
      break;
    case Kind::kAccepted:
    case Kind::kSettled:
      message->status = Status::kAccepted;
      break;
    case Kind::kDelivered:
      message->status = Status::kDelivered;
      break;
    case Kind::kFailed:
      message->status = Status::kFailed;
      break;
    case Kind::kCouponIssued:
    case Kind::kCouponRefused:
      break;
  }
}

}  // namespace

// --- clocks

// Within the lateness an event may come that is newer than a deadline which is not certain yet:
// what it would be to the episode is asked now, for the event itself is not kept.
void Engine::Impl::HearEarly(Run& run, Scope& scope) {
  std::optional<EarlyNews> news;
  for (Clock& clock : scope.customer.activity.clocks) {
    if (clock.campaign != run.symbol || clock.armed >= scope.now) {
      continue;
    }
    const DurationUs window = WindowOf(run, clock.category);
    if (window == kNoWindow || DeadlineOf(clock, {window, run.same_event}) >= scope.now) {
      continue;
    }
    if (!news.has_value()) {
      news = NewsOfEvent(run, scope);
    }
    if ((news->exits || news->is_goal) && clock.early.size() < limits::kEarlyNewsMax) {
      clock.early.push_back(*news);
      scope.customer.activity_changed = true;
    }
  }
}

EarlyNews Engine::Impl::NewsOfEvent(Run& run, Scope& scope) {
  const Event& event = *scope.event;
  EarlyNews news;
  news.time = event.time;
  for (const ExitRule& exit : run.campaign->exits) {
    news.exits = news.exits || (exit.on == event.type && IsTrue(exit.where, run, nullptr, scope));
  }
  const auto& goal = run.campaign->goal;
  news.is_goal =
      goal.has_value() && goal->on == event.type && IsTrue(goal->where, run, nullptr, scope);
  if (event.order != nullptr) {
    news.amount = {event.order->total_minor, event.order->currency};
  }
  return news;
}

// The goal counts from the entry on, also where it came before the entry could be decided.
bool Engine::Impl::HearEarlyGoal(Run& run, Episode* episode, Scope& scope) {
  if (episode->is_candidate()) {
    return true;
  }
  for (const EarlyNews& news : std::exchange(episode->early, {})) {
    if (news.time > scope.now && news.time <= episode->goal_until && !episode->converted) {
      Convert(run, episode, news.time, news.amount, scope);
    }
  }
  return !episode->converted || episode->state != Episode::State::kEnded ||
         KeepEnded(run, episode, scope);
}

// --- episodes

void Engine::Impl::HearGoal(Run& run, Episode* episode, Scope& scope) {
  const auto& goal = run.campaign->goal;
  const bool candidate = episode->is_candidate();
  if (!goal.has_value() || episode->converted || scope.event->type != goal->on ||
      (candidate ? scope.now <= episode->due || episode->early.size() >= limits::kEarlyNewsMax
                 : scope.now < episode->triggered_at || scope.now > episode->goal_until) ||
      !IsTrue(goal->where, run, episode, scope)) {
    return;
  }
  const Order* order = scope.event->order;
  const Money amount = order == nullptr ? Money() : Money{order->total_minor, order->currency};
  if (candidate) {
    // Within the lateness: it would have entered by then, had the frontier passed.
    episode->early.push_back({scope.now, false, true, amount});
    scope.customer.episodes_changed = true;
  } else {
    Convert(run, episode, scope.now, amount, scope);
  }
}

void Engine::Impl::Convert(const Run& run, Episode* episode, TimeUs time, const Money& amount,
                           Scope& scope) {
  episode->converted = true;
  Decision& converted = Record(run, episode, OutcomeKind::kConverted, scope);
  converted.time = time;
  converted.arm = episode->holdout ? "holdout" : "treated";
  converted.amount = amount;
}

void Engine::Impl::RevokeOnRefund(Run& run, Episode* episode, Scope& scope) {
  const Order* refunded = scope.event->order;
  if (refunded == nullptr || refunded->id.empty()) {
    return;
  }
  const Order* given_for = episode->trigger == nullptr ? nullptr : episode->trigger->event().order;
  const bool was_given_for_it = given_for != nullptr && given_for->id == refunded->id;
  for (IssuedCoupon& coupon : episode->coupons) {
    const huitou::Step* step = run.campaign->coupon_steps[static_cast<size_t>(coupon.step)];
    const bool was_used_for_it = coupon.redeemed && coupon.used_for == Hash64(refunded->id);
    if (!std::get<CouponStep>(step->action).revoke_on_refund || coupon.revoked ||
        !(was_given_for_it || was_used_for_it)) {
      continue;
    }
    coupon.revoked = true;
    for (SentMessage& message : episode->messages) {
      KeepBack(run, episode, &message, scope);
    }
    scope.customer.episodes_changed = true;
    scope.effects.emissions.push_back({coupon.dispatch,
                                       "coupon.revoked",
                                       scope.customer.id,
                                       run.campaign->id,
                                       episode->id,
                                       scope.now,
                                       {{"code", coupon.code}, {"coupon", step->name()}},
                                       {}});
  }
}

void Engine::Impl::KeepBack(Run& run, Episode* episode, SentMessage* message, Scope& scope) {
  if (Withdraw(message, scope)) {
    SkipMessage(run, episode, *message, Reason::kRevoked, scope);
  }
}

void Engine::Impl::SkipMessage(const Run& run, Episode* episode, const SentMessage& message,
                               Reason reason, Scope& scope) {
  Decision& skipped = Record(run, episode, OutcomeKind::kSkipped, scope);
  skipped.reason = ToString(reason);
  skipped.step = run.campaign->message_steps[static_cast<size_t>(message.step)]->name();
  skipped.dispatch = message.dispatch;
}

bool Engine::Impl::HearEvent(Run& run, Episode* episode, Scope& scope) {
  const Event& event = *scope.event;
  if (event.type == "coupon.redeemed" && event.coupon != nullptr) {
    const Id128 named = Id128::Parse(event.coupon->dispatch);
    for (IssuedCoupon& coupon : episode->coupons) {
      if ((!named.empty() && named == coupon.dispatch) ||
          (!coupon.code.empty() && coupon.code == event.coupon->code)) {
        coupon.redeemed = true;
        coupon.used_at = scope.now;
        const bool says_order = event.order != nullptr && !event.order->id.empty();
        coupon.used_for = says_order ? Hash64(event.order->id) : coupon.used_for;
        scope.customer.episodes_changed = true;
      }
    }
  } else if (event.type == "order.refunded" || event.type == "order.cancelled") {
    RevokeOnRefund(run, episode, scope);
  } else if (event.type == "message.clicked" && event.message != nullptr) {
    const Id128 named = Id128::Parse(event.message->dispatch);
    for (SentMessage& message : episode->messages) {
      message.clicked = message.clicked || (!named.empty() && message.dispatch == named);
    }
  }
  HearGoal(run, episode, scope);
  for (const ExitRule& exit : run.campaign->exits) {
    if (event.type == exit.on && !episode->holdout && IsTrue(exit.where, run, episode, scope)) {
      const bool keep = Exit(run, episode, exit.on, scope);
      if (keep) {
        ArmEpisode(episode, scope);
      }
      return keep;
    }
  }
  bool keep = true;
  if (episode->state == Episode::State::kEnded) {
    keep = !episode->converted || KeepEnded(run, episode, scope);
  } else if (episode->state == Episode::State::kWaiting) {
    const Instruction& at = run.campaign->program[static_cast<size_t>(episode->cursor)];
    const auto* wait =
        at.kind == Instruction::Kind::kStep ? std::get_if<WaitStep>(&at.step->action) : nullptr;
    if (wait != nullptr && wait->until_event == event.type && !wait->until_event.empty() &&
        IsTrue(wait->until_where, run, episode, scope)) {
      ++episode->cursor;
      episode->due = kTimeMax;
      keep = Continue(run, episode, scope);
    }
  }
  if (keep) {
    ArmEpisode(episode, scope);
  }
  return keep;
}

// What the provider said to a coupon that it was asked for. One that it may have issued without our
// hearing of it stays in the ledger and in the sums, without a code; no message can announce it.
bool Engine::Impl::HearCoupon(Run& run, Episode* episode, const huitou::Step& step,
                              const ReceiptInput& receipt, Scope& scope) {
  const auto& coupon = std::get<CouponStep>(step.action);
  const bool issued = receipt.kind == ReceiptInput::Kind::kCouponIssued;
  const bool open = episode->state == Episode::State::kAwaitingCoupon;
  if (issued || receipt.may_exist) {
    const TimeUs expires_at = coupon.expires == 0 ? 0 : scope.now + coupon.expires;
    if (issued) {
      episode->coupons.push_back({run.campaign->CouponIndex(&step), receipt.dispatch, coupon.value,
                                  scope.now, expires_at, std::string(receipt.code), false, false});
    }
    Decision& decision = Record(run, episode, OutcomeKind::kIssued, scope);
    decision.reason = issued ? std::string_view() : kUnknown;
    decision.step = step.name();
    decision.coupon = step.name();
    decision.amount = coupon.value;
    decision.dispatch = receipt.dispatch;
    scope.effects.ledger.push_back({receipt.dispatch, episode->id, run.campaign->id, step.name(),
                                    std::string(issued ? receipt.code : std::string_view()),
                                    coupon.value, scope.now, expires_at});
  } else if (scope.context.quotas != nullptr) {
    // To the day from which it was taken.
    for (const Allowance& taken : MoneyAllowances(*run.campaign, set->shop, receipt.asked_at)) {
      scope.context.quotas->GiveBack(taken.name, taken.period, coupon.value.minor);
    }
  }
  ++episode->cursor;
  if (!open) {
    return KeepEnded(run, episode, scope);
  }
  episode->state = Episode::State::kWaiting;
  if (!issued && coupon.on_empty == CouponStep::OnEmpty::kExit) {
    return End(run, episode, OutcomeKind::kFailed, "coupon_refused", scope);
  }
  if (!issued) {
    Decision& skipped = Record(run, episode, OutcomeKind::kSkipped, scope);
    skipped.reason = ToString(Reason::kStock);
    skipped.step = step.name();
  }
  return Continue(run, episode, scope);
}

bool Engine::Impl::HearReceipt(Run& run, Episode* episode, const ReceiptInput& receipt,
                               Scope& scope) {
  using Kind = ReceiptInput::Kind;
  scope.customer.episodes_changed = true;
  for (SentMessage& message : episode->messages) {
    if (message.dispatch != receipt.dispatch) {
      continue;
    }
    const bool kept_back = message.status == SentMessage::Status::kPlanned && !receipt.may_exist &&
                           receipt.kind == Kind::kFailed &&
                           receipt.reason == ToString(Reason::kExpired);
    HearOf(receipt.kind, &message);
    if (kept_back) {
      SkipMessage(run, episode, message, Reason::kExpired, scope);
    }
  }
  const bool answers = receipt.kind == Kind::kCouponIssued || receipt.kind == Kind::kCouponRefused;
  const Instruction& at = run.campaign->program[static_cast<size_t>(episode->cursor)];
  const bool is_coupon = answers && at.kind == Instruction::Kind::kStep &&
                         std::holds_alternative<CouponStep>(at.step->action);
  bool keep = true;
  if (is_coupon &&
      DispatchId(*run.campaign, scope.customer, *episode, *at.step) == receipt.dispatch) {
    keep = HearCoupon(run, episode, *at.step, receipt, scope);
  } else if (episode->state == Episode::State::kEnded) {
    keep = KeepEnded(run, episode, scope);
  } else if (const std::string_view type = EventTypeOf(receipt.kind); !type.empty()) {
    // Receipts are events too: waits and exits may name them.
    char digits[32];
    receipt.dispatch.Format(digits);
    const MessageReference message{{digits, sizeof digits}, "", receipt.reason, ""};
    Event told;
    told.type = type;
    told.time = receipt.time;
    told.customer.id = scope.customer.id;
    told.message = &message;
    scope.event = &told;
    return HearEvent(run, episode, scope);
  }
  if (keep) {
    ArmEpisode(episode, scope);
  }
  return keep;
}

}  // namespace huitou
