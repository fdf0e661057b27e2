#include "config/shop_file.h"

namespace huitou::config {

const Table& ShopFileTable() {
  static const Table table = {
      .name = "shop file",
      .example = "shop: {name: Demo, currency: CNY}",
      .keys =
          {
              {.name = "shop",
               .type = Type::kMap,
               .help = "The shop itself",
               .required = true,
               .table = ShopTable},
              {.name = "tiers",
               .type = Type::kMap,
               .help = "Customers' tiers",
               .table = TiersTable},
              {.name = "segments",
               .type = Type::kNamed,
               .help = "Conditions over `customer`, by name, for `customer.in_segment('x')`",
               .value = Type::kCondition},
              {.name = "caps",
               .type = Type::kListOfMaps,
               .help = "The most messages that a customer gets in a sliding window, over all "
                       "campaigns",
               .table = CapTable},
              {.name = "quiet_hours",
               .type = Type::kMap,
               .help = "When nobody is written to",
               .table = QuietHoursTable},
              {.name = "holidays", .later = true},
              {.name = "holdout",
               .type = Type::kPercent,
               .help = "The global control group: no marketing at all",
               .default_text = "0%"},
              {.name = "budgets",
               .type = Type::kNamed,
               .help = "Money that campaigns share, by name",
               .table = BudgetTable,
               .value = Type::kMap},
              {.name = "pools",
               .type = Type::kNamed,
               .help = "Files of coupon codes, by the name that `codes: pool:NAME` of a coupon "
                       "step uses",
               .table = PoolTable,
               .value = Type::kMap},
              {.name = "consent",
               .type = Type::kNamed,
               .help = "`opt_in`: no marketing without a consent; `opt_out`: until it is revoked. "
                       "By channel; `default` for the rest. A channel whose provider sends none "
                       "without the customer's yes (`wechat_subscription`) is `opt_in` always",
               .default_text = "{default: opt_in}",
               .choices = {"opt_in", "opt_out"},
               .value = Type::kEnum},
          },
  };
  return table;
}

const Table& ShopTable() {
  static const Table table = {
      .name = "shop",
      .example = "{name: Demo, currency: CNY, timezone: Asia/Shanghai}",
      .keys =
          {
              {.name = "name",
               .type = Type::kText,
               .help = "Its name, for templates",
               .default_text = "shop"},
              {.name = "currency",
               .type = Type::kCurrency,
               .help = "Three capital letters; orders in another one count in `orders`, not in "
                       "`spend`",
               .default_text = "CNY"},
              {.name = "timezone",
               .type = Type::kZone,
               .help = "The calendar of limits and dates, and the zone of customers without one",
               .default_text = "Asia/Shanghai"},
              {.name = "locale",
               .type = Type::kLocale,
               .help = "The language of customers without one",
               .default_text = "zh-CN"},
              {.name = "country",
               .type = Type::kText,
               .help = "Two capital letters: whose phone numbers come without their country's "
                       "code. Else the locale's",
               .default_text = "CN"},
              {.name = "order_counts_on",
               .type = Type::kEvent,
               .help = "The event that makes an order count as bought",
               .default_text = "order.paid"},
          },
  };
  return table;
}

const Table& TiersTable() {
  static const Table table = {
      .name = "map of tiers",
      .example = "{by: customer.spend_365d, keep: 365d, levels: [{name: silver, at: 500}]}",
      .keys =
          {
              {.name = "by",
               .type = Type::kExpression,
               .help = "A number over `customer`",
               .required = true},
              {.name = "keep",
               .type = Type::kDuration,
               .help = "A tier once reached lasts this long at least",
               .default_text = "0s"},
              {.name = "levels",
               .type = Type::kListOfMaps,
               .help = "The tiers, rising",
               .required = true,
               .table = TierLevelTable},
          },
  };
  return table;
}

const Table& TierLevelTable() {
  static const Table table = {
      .name = "tier",
      .example = "{name: silver, at: 500}",
      .keys = {{.name = "name", .type = Type::kName, .help = "Its name", .required = true},
               {.name = "at",
                .type = Type::kDecimal,
                .help = "Reached from this number on",
                .required = true}},
  };
  return table;
}

const Table& CapTable() {
  static const Table table = {
      .name = "cap",
      .example = "{class: marketing, max: 2, per: 7d}",
      .keys =
          {
              {.name = "class",
               .type = Type::kEnum,
               .help = "Counts messages of this class; transactional ones are never limited",
               .default_text = "marketing",
               .choices = {"marketing"}},
              {.name = "channel",
               .type = Type::kName,
               .help = "Counts only messages on this channel"},
              {.name = "max",
               .type = Type::kInteger,
               .help = "At most this many",
               .required = true},
              {.name = "per", .type = Type::kDuration, .help = "In this long", .required = true},
          },
  };
  return table;
}

const Table& QuietHoursTable() {
  static const Table table = {
      .name = "map of quiet hours",
      .example = "{from: \"21:00\", to: \"09:00\"}",
      .keys =
          {
              {.name = "from",
               .type = Type::kTimeOfDay,
               .help = "Quiet from this time of day",
               .required = true},
              {.name = "to", .type = Type::kTimeOfDay, .help = "Until this one", .required = true},
              {.name = "zone",
               .type = Type::kZone,
               .help = "`recipient`, `shop`, or a time zone",
               .default_text = "recipient"},
              {.name = "then",
               .type = Type::kEnum,
               .help = "Send afterwards, or not at all",
               .default_text = "defer",
               .choices = {"defer", "skip"}},
          },
  };
  return table;
}

const Table& BudgetTable() {
  static const Table table = {
      .name = "budget",
      .example = "{amount: 100000 CNY, per: total}",
      .keys = {{.name = "amount",
                .type = Type::kMoney,
                .help = "Never exceeded, not by one cent",
                .required = true},
               {.name = "per",
                .type = Type::kEnum,
                .help = "For ever, or anew each month or day of the shop's calendar",
                .default_text = "total",
                .choices = {"total", "month", "day"}}},
  };
  return table;
}

const Table& PoolTable() {
  static const Table table = {
      .name = "pool",
      .example = "{file: pools/winback-50.csv, low: 1000}",
      .keys = {{.name = "file",
                .type = Type::kPath,
                .help = "One code a line, each given once. The daemon keeps book in a file beside "
                        "it, so the folder must be writable; see the "
                        "[guide](../guide/coupon-pools.md)",
                .required = true},
               {.name = "low",
                .type = Type::kInteger,
                .help = "Fewer codes left are warned of, in the log and by an alert",
                .default_text = "1000"}},
  };
  return table;
}

}  // namespace huitou::config
