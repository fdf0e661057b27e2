#include "config/campaign_tables.h"

namespace huitou::config {

const Table& TestTable() {
  static const Table table = {
      .name = "test",
      .example = "{name: ..., events: [...], expect: [...]}",
      .keys =
          {
              {.name = "name",
               .type = Type::kText,
               .help = "The story in one sentence",
               .required = true},
              {.name = "customers",
               .type = Type::kNamed,
               .help = "What is known of the customers from the start, by id",
               .table = TestCustomerTable,
               .value = Type::kMap},
              {.name = "events",
               .type = Type::kListOfMaps,
               .help = "What happens, in the order of arrival",
               .required = true,
               .table = TestEventTable},
              {.name = "until",
               .type = Type::kTimestamp,
               .help = "Time goes on until then",
               .default_text = "the newest event"},
              {.name = "holdout",
               .type = Type::kBoolean,
               .help = "`on` keeps the control groups, which tests leave out otherwise",
               .default_text = "off"},
              {.name = "pools",
               .type = Type::kNamed,
               .help = "How many codes pools have, by name; one that is not named has enough",
               .value = Type::kInteger},
              {.name = "expect",
               .type = Type::kListOfMaps,
               .help = "Exactly these decisions, in this order; each line matches by the fields "
                       "that it names",
               .required = true,
               .table = ExpectTable},
          },
  };
  return table;
}

const Table& TestCustomerTable() {
  static const Table table = {
      .name = "customer",
      .example = "{phone: \"+8613800000000\", consents: [sms]}",
      .keys =
          {
              {.name = "phone", .type = Type::kText, .help = "Between quotes, with its '+'"},
              {.name = "email", .type = Type::kText, .help = "The address"},
              {.name = "wechat_openid", .type = Type::kText, .help = "The openid"},
              {.name = "locale", .type = Type::kLocale, .help = "Language"},
              {.name = "timezone", .type = Type::kZone, .help = "IANA zone"},
              {.name = "region", .type = Type::kText, .help = "Region"},
              {.name = "birthday", .type = Type::kText, .help = "YYYY-MM-DD"},
              {.name = "tags", .type = Type::kListOfText, .help = "Tags"},
              {.name = "attributes", .type = Type::kFreeform, .help = "Other attributes"},
              {.name = "consents",
               .type = Type::kListOfText,
               .help = "Channels that the customer agreed to"},
          },
  };
  return table;
}

const Table& TestEventTable() {
  static const Table table = {
      .name = "event",
      .example = "{at: +46d, type: order.paid, customer: c1, order: {id: o2, total: 99 CNY}}",
      .keys =
          {
              {.name = "at",
               .type = Type::kTimestamp,
               .help = "RFC 3339, or `+46d` from the test's first event",
               .required = true},
              {.name = "type", .type = Type::kEvent, .help = "The event's type", .required = true},
              {.name = "customer",
               .type = Type::kText,
               .help = "The customer's id, or a map of the customer's fields",
               .required = true,
               .otherwise = Type::kFreeform},
              {.name = "id", .type = Type::kText, .help = "The event's id; else its number"},
              {.name = "order",
               .type = Type::kFreeform,
               .help = "As in the event's JSON; `total: 259 CNY` is short for total and currency"},
              {.name = "review", .type = Type::kFreeform, .help = "As in the event's JSON"},
              {.name = "consent", .type = Type::kFreeform, .help = "As in the event's JSON"},
              {.name = "coupon",
               .type = Type::kText,
               .help = "The id of a coupon step: the coupon that it issued last to this customer; "
                       "or a map as in the event's JSON",
               .otherwise = Type::kFreeform},
              {.name = "message",
               .type = Type::kText,
               .help = "The id of a send step: the message that it sent last to this customer; or "
                       "a map as in the event's JSON",
               .otherwise = Type::kFreeform},
              {.name = "attributes",
               .type = Type::kFreeform,
               .help = "Other fields of the event's JSON"},
          },
  };
  return table;
}

const Table& ExpectTable() {
  static const Table table = {
      .name = "expected decision",
      .example = "{at: +47d, outcome: entered, customer: c1}",
      .keys =
          {
              {.name = "at",
               .type = Type::kTimestamp,
               .help = "RFC 3339, or `+47d` from the test's first event"},
              {.name = "outcome",
               .type = Type::kEnum,
               .help = "The outcome",
               .choices = {"rejected", "deferred", "entered", "issued", "dispatched", "emitted",
                           "skipped", "converted", "exited", "completed", "failed"}},
              {.name = "customer", .type = Type::kText, .help = "The customer's id"},
              {.name = "clock", .type = Type::kText, .help = "The clock's category"},
              {.name = "reason", .type = Type::kText, .help = "The reason's word"},
              {.name = "step", .type = Type::kText, .help = "The step's id or path"},
              {.name = "channel", .type = Type::kText, .help = "The channel's name"},
              {.name = "template", .type = Type::kText, .help = "The template's name"},
              {.name = "coupon", .type = Type::kText, .help = "The coupon step's id"},
              {.name = "amount", .type = Type::kMoney, .help = "The amount, as money"},
              {.name = "arm", .type = Type::kText, .help = "`treated` or `holdout`"},
              {.name = "variant", .type = Type::kText, .help = "The variant's name"},
              {.name = "until",
               .type = Type::kTimestamp,
               .help = "Of `deferred`: until when, like `at`"},
              {.name = "text",
               .type = Type::kText,
               .help = "Of `dispatched`: the message's text; `*` stands for anything"},
          },
  };
  return table;
}

}  // namespace huitou::config
