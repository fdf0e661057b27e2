#include "config/reference.h"

#include <set>
#include <string_view>
#include <vector>

#include "config/campaign_tables.h"
#include "config/config_tables.h"
#include "config/event_names.h"
#include "config/shop_file.h"

namespace huitou::config {
namespace {

// A cell of a Markdown table: no line ends, no bare bars.
std::string Cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    cell += c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c);
  }
  return cell;
}

std::string Code(std::string_view text) {
  return "`" + Cell(text) + "`";
}

// "below" for a map that has a section of its own.
std::string TypeCell(const Key& key) {
  std::string cell;
  if (key.type == Type::kEnum || (key.type == Type::kNamed && key.value == Type::kEnum)) {
    for (size_t i = 0; i < key.choices.size(); ++i) {
      cell += (i == 0 ? "" : i + 1 == key.choices.size() ? " or " : ", ") + Code(key.choices[i]);
    }
    cell = key.type == Type::kNamed ? "by name: " + cell : cell;
  } else if (key.type == Type::kNamed) {
    const bool below = key.table != nullptr && key.value != Type::kText;
    cell = "by name: " + std::string(below ? "a map, see below" : Description(key.value));
  } else {
    cell = Description(key.type);
    cell += key.table != nullptr ? ", see below" : "";
  }
  if (key.otherwise == Type::kNamed) {
    cell += ", or one per name";
  } else if (key.otherwise == Type::kMap || key.otherwise == Type::kFreeform) {
    cell +=
        key.table != nullptr && key.type == Type::kEnum ? ", or a map, see below" : ", or a map";
  }
  return cell;
}

class Page {
 public:
  Page(std::string_view title, std::string_view intro) {
    text_ = "# " + std::string(title) + "\n\n" + std::string(intro) +
            "\n\nThis page is written by the program's own tables (`config/reference.cc`).\n";
  }

  // The table and, behind it, those that it leads to.
  void Add(const Table& table) {
    if (!done_.insert(&table).second) {
      return;
    }
    text_ += "\n## " + std::string(table.name) + "\n\n";
    if (!table.example.empty()) {
      text_ += "```yaml\n" + std::string(table.example) + "\n```\n\n";
    }
    if (!table.one_of.empty()) {
      text_ += "Exactly one of";
      for (const std::string_view name : table.one_of) {
        text_ += table.Find(name)->later ? "" : " " + Code(name);
      }
      text_ += ".\n\n";
    }
    text_ += "| key | value | default | what it does |\n|---|---|---|---|\n";
    std::string later;
    for (const Key& key : table.keys) {
      if (key.later) {
        later += (later.empty() ? "" : ", ") + Code(key.name);
        continue;
      }
      const std::string fallback = key.required               ? "required"
                                   : key.default_text.empty() ? ""
                                                              : Code(key.default_text);
      text_ += "| " + Code(key.name) + " | " + TypeCell(key) + " | " + fallback + " | " +
               Cell(key.help) + " |\n";
    }
    if (!later.empty()) {
      text_ += "\nOf a later version: " + later + ".\n";
    }
    for (const Key& key : table.keys) {
      if (key.table != nullptr && !key.later) {
        Add(key.table());
      }
    }
  }

  void AddText(std::string_view text) { text_ += text; }

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
  std::set<const Table*> done_;
};

}  // namespace

std::string CampaignReference() {
  Page page("Campaign files",
            "One file per campaign. A duration is a number and its unit, `90s 10m 12h 47d 2w`, a "
            "day being 86,400 seconds. Money names its currency: `50 CNY`. Conditions are CEL, "
            "the [Common Expression Language](https://cel.dev); `huitou check` tells every "
            "mistake with its line and column.");
  page.Add(CampaignTable());
  page.AddText("\n## Events\n\nAny dotted name is an event. These are known:\n\n");
  for (const std::string_view event : KnownEvents()) {
    page.AddText("- " + Code(event) + "\n");
  }
  page.AddText(
      "\n## Templates\n\n"
      "`<name>[.<language>][.<channel>].mustache` in the folder that the config names; the most "
      "specific file wins, and a language without a file gets the shop's. Front matter between "
      "two lines `---` holds what a channel needs besides the text, one `key: value` a line. "
      "`{{name}}` without a dot is `customer.attributes.name`; the other names are those of "
      "conditions, with `coupon` (the one issued last) and `shop`. A variable that may be missing "
      "stands inside its own section, `{{#name}}Dear {{name}}{{/name}}`, or has a value in the "
      "step's `defaults:`. So does a coupon's `code` wherever the coupon may not have been issued: "
      "behind a `when:`, in one arm of a branch, with `optional: true`, with `on_empty: skip`, or "
      "issued behind a wait from a budget that may be used up. A body is escaped for HTML where "
      "its front matter says `content_type: text/html`. `{{unsubscribe_url}}` and "
      "`{{link.NAME}}` are [links of the daemon's own](../guide/unsubscribe-and-links.md).\n\n"
      "`<the same name>.html.mustache` beside such a file is its HTML version, escaped for HTML "
      "and without front matter: mail carries both, and the reader's program shows one; other "
      "channels send the text.\n");
  return page.Take();
}

std::string ShopReference() {
  Page page("The shop file", "What all campaigns share, `config/shop.yaml`.");
  page.Add(ShopFileTable());
  return page.Take();
}

std::string ConfigReference() {
  Page page("The config file",
            "Where events come from, where messages go, and where state is kept. Paths are "
            "relative to the file. A secret is written as `env:NAME` or `file:PATH`; a change of "
            "campaigns, shop and templates is taken up on SIGHUP.");
  page.Add(ConfigTable());
  page.AddText(
      "\n## Providers\n\nA channel's name is what a campaign's `via:` uses. Its `provider` decides "
      "its other keys: see [channels](channels/).\n");
  return page.Take();
}

}  // namespace huitou::config
