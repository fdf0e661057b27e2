#include "config/campaign_tables.h"

namespace huitou::config {

const Table& StepTable() {
  static const Table table = {
      .name = "step",
      .example = "{send: {template: winback, via: [sms]}}",
      .keys =
          {
              {.name = "id",
               .type = Type::kName,
               .help = "A name for the decision log, and for conditions: `coupons.ID`, "
                       "`messages.ID`; without one, its position"},
              {.name = "when",
               .type = Type::kCondition,
               .help = "Asked where its run of steps begins, at the entry or behind a wait; false "
                       "means `skipped`"},
              {.name = "optional",
               .type = Type::kBoolean,
               .help = "A refused send or coupon before the first wait skips this step instead of "
                       "refusing the entry",
               .default_text = "false"},
              {.name = "coupon",
               .type = Type::kMap,
               .help = "Issues a coupon",
               .table = CouponTable},
              {.name = "credit", .later = true},
              {.name = "installments", .later = true},
              {.name = "send", .type = Type::kMap, .help = "Sends a message", .table = SendTable},
              {.name = "wait",
               .type = Type::kMap,
               .help = "Waits for a time, an event, or a time of day",
               .table = WaitTable},
              {.name = "branch",
               .type = Type::kListOfMaps,
               .help = "Takes the first arm whose `when` is true",
               .table = BranchArmTable},
              {.name = "split", .later = true},
              {.name = "emit",
               .type = Type::kMap,
               .help = "Sends an event to the `emits` sink",
               .table = EmitTable},
              {.name = "set",
               .type = Type::kMap,
               .help = "Changes the customer's tags and attributes",
               .table = SetTable},
              {.name = "exit",
               .type = Type::kBoolean,
               .help = "Ends the episode",
               .otherwise = Type::kMap},
          },
      .one_of = {"coupon", "send", "wait", "branch", "emit", "set", "exit", "credit",
                 "installments", "split"},
  };
  return table;
}

const Table& CouponTable() {
  static const Table table = {
      .name = "coupon",
      .example = "{value: 50 CNY, expires: 30d}",
      .keys =
          {
              {.name = "value",
               .type = Type::kMoney,
               .help = "What it is worth, in the shop's currency",
               .required = true},
              {.name = "min_spend",
               .type = Type::kMoney,
               .help = "The smallest order it can be used for"},
              {.name = "expires",
               .type = Type::kDuration,
               .help = "How long it is valid",
               .default_text = "for ever"},
              {.name = "codes",
               .type = Type::kText,
               .help = "`pool:NAME`: a code of this pool of the shop file, each given once; a pool "
                       "without codes refuses with reason `stock`",
               .default_text = "the coupon provider's"},
              {.name = "on_empty",
               .type = Type::kEnum,
               .help = "What follows when the pool has no code, or the coupon provider refuses. "
                       "`exit`: an empty pool refuses the entry, and later on the episode fails; "
                       "`skip`: the step is skipped",
               .default_text = "exit",
               .choices = {"exit", "skip"}},
              {.name = "on_refund",
               .type = Type::kEnum,
               .help = "Whether a refund of the order that began the episode, or that it was used "
                       "for, revokes it",
               .default_text = "keep",
               .choices = {"keep", "revoke"}},
          },
  };
  return table;
}

const Table& SendTable() {
  static const Table table = {
      .name = "send",
      .example = "{template: winback, via: [sms]}",
      .keys =
          {
              {.name = "template",
               .type = Type::kName,
               .help = "A file in the templates folder, without locale and channel",
               .required = true},
              {.name = "via",
               .type = Type::kListOfText,
               .help = "Channels of the config file, in order of preference",
               .required = true},
              {.name = "wait_receipt",
               .type = Type::kDuration,
               .help = "Falls back to the next channel when no receipt came by then, not only on "
                       "refusal; a channel that gives no receipts and cannot be asked is not "
                       "waited for"},
              {.name = "defaults",
               .type = Type::kNamed,
               .help = "What a template's variable says where it is missing",
               .value = Type::kText},
          },
  };
  return table;
}

const Table& WaitTable() {
  static const Table table = {
      .name = "wait",
      .example = "{for: 5d, until: coupon.redeemed}",
      .keys =
          {
              {.name = "for", .type = Type::kDuration, .help = "This long at most"},
              {.name = "until", .type = Type::kEvent, .help = "Or until this event"},
              {.name = "where", .type = Type::kCondition, .help = "Only if this is true of it"},
              {.name = "until_time",
               .type = Type::kTimeOfDay,
               .help = "Then until the recipient's clock shows this"},
          },
  };
  return table;
}

const Table& BranchArmTable() {
  static const Table table = {
      .name = "branch arm",
      .example = "{when: coupons.big.redeemed, steps: [...]}",
      .keys =
          {
              {.name = "when", .type = Type::kCondition, .help = "Takes this arm if true"},
              {.name = "else", .type = Type::kBoolean, .help = "The last arm, taken otherwise"},
              {.name = "steps",
               .type = Type::kListOfMaps,
               .help = "What happens then",
               .required = true,
               .table = StepTable},
          },
      .one_of = {"when", "else"},
  };
  return table;
}

const Table& EmitTable() {
  static const Table table = {
      .name = "emit",
      .example = "{type: fulfilment.note, data: {note: \"for {{customer.id}}\"}}",
      .keys =
          {
              {.name = "type",
               .type = Type::kEvent,
               .help = "The type of the event",
               .required = true},
              {.name = "data",
               .type = Type::kNamed,
               .help = "Its fields, as text with {{variables}}",
               .value = Type::kMustache},
              {.name = "defaults",
               .type = Type::kNamed,
               .help = "What a variable says where it is missing",
               .value = Type::kText},
          },
  };
  return table;
}

const Table& SetTable() {
  static const Table table = {
      .name = "set",
      .example = "{tags: {add: [won-back]}}",
      .keys = {{.name = "tags",
                .type = Type::kMap,
                .help = "Tags to add and to remove",
                .table = SetTagsTable},
               {.name = "attributes",
                .type = Type::kNamed,
                .help = "Attributes to set; an empty text removes one",
                .value = Type::kText}},
  };
  return table;
}

const Table& SetTagsTable() {
  static const Table table = {
      .name = "map of tags",
      .example = "{add: [won-back]}",
      .keys = {{.name = "add", .type = Type::kListOfText, .help = "Tags to add"},
               {.name = "remove", .type = Type::kListOfText, .help = "Tags to remove"}},
  };
  return table;
}

}  // namespace huitou::config
