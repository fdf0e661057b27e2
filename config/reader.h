// Reads a YAML tree into typed values by a table of keys. Every getter that finds something wrong
// says so at its place and returns nothing, so that a parser reads straight on and one run tells
// every mistake.
//
// Example:
//   Reader reader(document, &diagnostics);
//   const MapReader map(reader, document.root(), CampaignTable());
//   campaign.settle = map["settle"].Duration().value_or(0);
//
// One thread at a time; values point into the document.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.h"
#include "config/table.h"
#include "config/yaml.h"
#include "triggers/base/civil_time.h"
#include "triggers/base/money.h"
#include "triggers/base/time.h"
#include "triggers/campaign.h"

namespace huitou::config {

// A document and where its mistakes go.
class Reader {
 public:
  Reader(const Document& document, Diagnostics* diagnostics)
      : document_(document), diagnostics_(diagnostics) {}

  const Document& document() const { return document_; }
  Diagnostics& diagnostics() const { return *diagnostics_; }
  void Error(const Node& node, std::string message, std::string hint = {}) const;
  void Warning(const Node& node, std::string message, std::string hint = {}) const;

 private:
  const Document& document_;
  Diagnostics* diagnostics_;
};

// One value under a name; perhaps absent, and then every getter returns nothing in silence.
class Value {
 public:
  Value(const Reader& reader, std::string name) : reader_(&reader), name_(std::move(name)) {}
  Value(const Reader& reader, std::string name, const Node* node, const Node* key_node,
        const Key* key)
      : reader_(&reader), name_(std::move(name)), node_(node), key_node_(key_node), key_(key) {}

  bool present() const { return node_ != nullptr; }
  explicit operator bool() const { return present(); }
  const Node& node() const { return *node_; }
  const std::string& name() const { return name_; }
  const Key* key() const { return key_; }
  const Reader& reader() const { return *reader_; }
  bool is_map() const { return present() && node_->kind == Node::Kind::kMap; }
  bool is_list() const { return present() && node_->kind == Node::Kind::kList; }
  bool is_text() const { return present() && node_->kind == Node::Kind::kText; }

  std::optional<std::string> Text() const;
  std::optional<std::string> Name() const;
  std::optional<std::string> EventName() const;
  std::optional<std::string> Locale() const;
  std::optional<int64_t> Integer(int64_t min, int64_t max) const;
  std::optional<double> Decimal() const;
  std::optional<bool> Boolean() const;
  // Also on and off.
  std::optional<bool> Switch() const;
  // Longer than zero; zero too where `zero` is true.
  std::optional<DurationUs> Duration(bool zero = true) const;
  // Any currency will do where the shop's is not known.
  std::optional<Money> MoneyIn(Currency shop_currency) const;
  struct Limit {
    int64_t amount = 0;  // a count, or minor units
    CampaignLimits::Period period = CampaignLimits::Period::kTotal;
  };
  std::optional<Limit> CountPerPeriod() const;
  std::optional<Limit> MoneyPerPeriod(Currency shop_currency) const;
  // Events per second.
  std::optional<double> Rate() const;
  // In 1/10000.
  std::optional<uint32_t> Percent() const;
  std::optional<DurationUs> TimeOfDay() const;
  // A day or a local time on the zone's calendar, or RFC 3339. A day stands for its first instant,
  // or with `end_of_day` for the first of the next.
  std::optional<TimeUs> Instant(const Zone& zone, bool end_of_day) const;
  // The choice's position in the key's list.
  std::optional<size_t> Enum() const;
  std::optional<Zone> TimeZone() const;
  // Null when absent or wrong.
  Condition Cel(const cel::Environment& environment, const cel::Type& expected) const;

  std::vector<Value> Items() const;
  std::vector<std::string> Texts() const;
  // Of a map of names; repeated and non-text names are diagnosed and left out.
  std::vector<Value> Entries() const;

  // Of an entry: whether its name is one that other files can use; told if not.
  bool HasGoodName() const;

  // "'settle' must be a duration such as ..., not ..."
  void Refuse(std::string_view expectation, std::string hint = {}) const;
  // "'settle' <message>"
  void Error(std::string_view message, std::string hint = {}) const;
  void Warning(std::string_view message, std::string hint = {}) const;
  // Where a mistake of this value is told: the value, or its key where it has none.
  const Node& where() const;
  // The name itself, of an entry; the value elsewhere.
  const Node& name_node() const { return key_node_ == nullptr ? *node_ : *key_node_; }

 private:
  const std::string* Scalar(std::string_view expectation) const;
  Value Child(std::string name, const Node* node, const Node* key_node) const;

  const Reader* reader_;
  std::string name_;
  const Node* node_ = nullptr;
  const Node* key_node_ = nullptr;
  const Key* key_ = nullptr;
};

// A map by its table: tells unknown, repeated, missing and later keys when constructed.
class MapReader {
 public:
  MapReader(const Reader& reader, const Node& node, const Table& table);
  // Of a value under a name; not a map is diagnosed, absent is not.
  MapReader(const Value& value, const Table& table);

  bool valid() const { return node_ != nullptr; }
  const Node& node() const { return *node_; }
  const Reader& reader() const { return *reader_; }
  // `name` must be in the table.
  Value operator[](std::string_view name) const;
  // The one key of the table's `one_of` that is there; null when none or several are (diagnosed).
  const Key* chosen() const { return chosen_; }

 private:
  void Read(const Node& node);
  void ReadEntry(const Node& key, const Node& value);
  void CheckRequired();

  const Reader* reader_;
  const Table* table_;
  const Node* node_ = nullptr;
  std::vector<Value> values_;
  std::map<std::string_view, const Node*> seen_;  // keys
  std::set<std::string_view> meant_;              // by unknown keys
  bool has_unknown_ = false;
  const Key* chosen_ = nullptr;
};

// A day, a local time on the zone's calendar, or RFC 3339; seconds may be left out.
std::optional<TimeUs> ParseInstant(std::string_view text, const Zone& zone, bool end_of_day);
// "100/s", "1000/m", "5000/d" as events per second.
std::optional<double> ParseRate(std::string_view text);
// "zh", "zh-CN", "pt-BR".
bool IsLocale(std::string_view text);

}  // namespace huitou::config
