#include "config/campaign_tables.h"

namespace huitou::config {

const Table& CampaignTable() {
  static const Table table = {
      .name = "campaign",
      .example = "campaign: winback",
      .keys =
          {
              {.name = "campaign",
               .type = Type::kName,
               .help = "The campaign's id, unique among all files; ids, holdouts and coupons rest "
                       "on it, so it never changes",
               .required = true},
              {.name = "description", .type = Type::kText, .help = "What it is for, for people"},
              {.name = "class",
               .type = Type::kEnum,
               .help = "`transactional` messages know no caps, quiet hours or holdout; "
                       "suppression still counts",
               .default_text = "marketing",
               .choices = {"marketing", "transactional"}},
              {.name = "priority",
               .type = Type::kInteger,
               .help = "0 to 1000; the higher one comes first when several campaigns want the "
                       "same slot of a cap",
               .default_text = "50"},
              {.name = "active",
               .type = Type::kMap,
               .help = "When customers may enter",
               .table = ActiveTable},
              {.name = "trigger",
               .type = Type::kMap,
               .help = "What makes a customer a candidate",
               .required = true,
               .table = TriggerTable},
              {.name = "where",
               .type = Type::kCondition,
               .help = "Who may enter, asked when triggered. With an `event` trigger, false means "
                       "no candidate at all; with the others `rejected`, reason `audience`"},
              {.name = "settle",
               .type = Type::kDuration,
               .help = "Wait this long before entering; an `exit` event in between cancels "
                       "without a trace to the customer",
               .default_text = "0s"},
              {.name = "reentry",
               .type = Type::kEnum,
               .help = "Whether a customer may enter again",
               .default_text = "always",
               .choices = {"once", "always"},
               .table = ReentryTable,
               .otherwise = Type::kMap},
              {.name = "exit",
               .type = Type::kListOfMaps,
               .help = "Events that end the episode, wherever it stands",
               .table = ExitRuleTable},
              {.name = "goal",
               .type = Type::kMap,
               .help = "The event that counts as a success, of treated and held-out customers "
                       "alike",
               .table = GoalTable},
              {.name = "holdout",
               .type = Type::kPercent,
               .help = "The share of customers that get nothing, to measure the difference",
               .default_text = "0%"},
              {.name = "variants",
               .type = Type::kNamed,
               .help = "Shares of customers by name, 100% in sum; conditions read `variant`",
               .value = Type::kPercent},
              {.name = "limits",
               .type = Type::kMap,
               .help = "Bounds on entries and money; a day is the shop's civil day",
               .table = CampaignLimitsTable},
              {.name = "late",
               .type = Type::kMap,
               .help = "What to do when a deadline or an event comes late, as after an outage",
               .table = LateTable},
              {.name = "pace", .type = Type::kText, .help = "", .later = true},
              {.name = "on_update",
               .type = Type::kEnum,
               .help = "What becomes of open episodes when the file changes",
               .default_text = "finish_old",
               .choices = {"finish_old", "migrate", "restart", "exit"}},
              {.name = "steps",
               .type = Type::kListOfMaps,
               .help = "What happens, in order",
               .required = true,
               .table = StepTable},
              {.name = "tests",
               .type = Type::kListOfMaps,
               .help = "Stories with their expected decisions, run by `huitou test`",
               .table = TestTable},
          },
  };
  return table;
}

const Table& ActiveTable() {
  static const Table table = {
      .name = "span",
      .example = "{from: 2026-11-01, until: 2027-03-31}",
      .keys = {{.name = "from",
                .type = Type::kDate,
                .help = "The first day on the shop's calendar, or an exact time"},
               {.name = "until",
                .type = Type::kDate,
                .help = "The last day, all of it included, or an exact time that is not"}},
  };
  return table;
}

const Table& TriggerTable() {
  static const Table table = {
      .name = "trigger",
      .example = "{event: order.paid}",
      .keys =
          {
              {.name = "event",
               .type = Type::kEvent,
               .help = "This event makes its customer a candidate"},
              {.name = "absence",
               .type = Type::kMap,
               .help = "An event that did not come in time",
               .table = AbsenceTable},
              {.name = "sequence", .later = true},
              {.name = "threshold", .later = true},
              {.name = "segment", .later = true},
              {.name = "date", .later = true},
              {.name = "schedule", .later = true},
              {.name = "api", .later = true},
          },
      .one_of = {"event", "absence", "sequence", "threshold", "segment", "date", "schedule", "api"},
  };
  return table;
}

const Table& AbsenceTable() {
  static const Table table = {
      .name = "absence",
      .example = "{after: order.paid, of: order.paid, within: 47d}",
      .keys =
          {
              {.name = "after",
               .type = Type::kEvent,
               .help = "The event that starts or restarts the clock",
               .required = true},
              {.name = "of",
               .type = Type::kEvent,
               .help = "The event that must not come",
               .required = true},
              {.name = "per",
               .type = Type::kEnum,
               .help = "One clock per customer, or one per category bought",
               .default_text = "customer",
               .choices = {"customer", "category"}},
              {.name = "cancel",
               .type = Type::kEnum,
               .help = "With `per: category`, what stops a clock: only the same category, or any",
               .default_text = "own",
               .choices = {"own", "any"}},
              {.name = "within",
               .type = Type::kDuration,
               .help = "The window, or one per category with `default` for the rest; a category "
                       "without one has no clock",
               .required = true,
               .value = Type::kDuration,
               .otherwise = Type::kNamed},
          },
  };
  return table;
}

const Table& ReentryTable() {
  static const Table table = {
      .name = "re-entry rule",
      .example = "{after: 90d}",
      .keys = {{.name = "after",
                .type = Type::kDuration,
                .help = "Not before this long after the last entry"},
               {.name = "key",
                .type = Type::kExpression,
                .help = "Counts entries per value of this expression instead of per clock; one "
                        "episode is open per key"},
               {.name = "rule",
                .type = Type::kEnum,
                .help = "With `key`: how often per key",
                .default_text = "always",
                .choices = {"once", "always"}}},
  };
  return table;
}

const Table& ExitRuleTable() {
  static const Table table = {
      .name = "exit rule",
      .example = "{on: order.paid}",
      .keys = {{.name = "on", .type = Type::kEvent, .help = "The event", .required = true},
               {.name = "where",
                .type = Type::kCondition,
                .help = "Only if this is true of it",
                .default_text = {}}},
  };
  return table;
}

const Table& GoalTable() {
  static const Table table = {
      .name = "goal",
      .example = "{on: order.paid, within: 14d}",
      .keys = {{.name = "on", .type = Type::kEvent, .help = "The event", .required = true},
               {.name = "where", .type = Type::kCondition, .help = "Only if this is true of it"},
               {.name = "within",
                .type = Type::kDuration,
                .help = "How long after the entry it counts",
                .required = true}},
  };
  return table;
}

const Table& CampaignLimitsTable() {
  static const Table table = {
      .name = "map of limits",
      .example = "{entries: 5000/d, per_customer: 3}",
      .keys =
          {
              {.name = "entries",
               .type = Type::kCountRate,
               .help = "Entries per hour, day or month, or for ever"},
              {.name = "per_customer",
               .type = Type::kInteger,
               .help = "Entries of one customer, for ever"},
              {.name = "money",
               .type = Type::kMoneyRate,
               .help = "The sum of coupons issued per hour, day or month, or for ever"},
              {.name = "budget",
               .type = Type::kName,
               .help = "A budget of the shop file, shared with other campaigns"},
          },
  };
  return table;
}

const Table& LateTable() {
  static const Table table = {
      .name = "late rule",
      .example = "{after: 12h, then: reevaluate}",
      .keys = {{.name = "after",
                .type = Type::kDuration,
                .help = "A deadline, or an event that triggers, is late when older than this",
                .default_text = "12h"},
               {.name = "then",
                .type = Type::kEnum,
                .help = "`fire` as if nothing had happened, ask all gates again as of now, or "
                        "`skip`",
                .default_text = "reevaluate",
                .choices = {"fire", "reevaluate", "skip"}}},
  };
  return table;
}

}  // namespace huitou::config
