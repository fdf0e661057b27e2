#include <algorithm>
#include <array>
#include <map>

#include "config/event_names.h"
#include "config/limits.h"
#include "config/reader.h"
#include "triggers/base/text.h"
#include "triggers/event.h"
#include "triggers/limits.h"

namespace huitou::config {
namespace {

constexpr std::array<std::string_view, 25> kEvents = {
    "order.paid",        "order.placed",     "order.shipped",          "order.delivered",
    "order.cancelled",   "order.refunded",   "review.posted",          "review.updated",
    "review.deleted",    "customer.updated", "channel.subscribed",     "channel.unsubscribed",
    "consent.granted",   "consent.revoked",  "stored_value.recharged", "coupon.issued",
    "coupon.redeemed",   "coupon.expired",   "coupon.revoked",         "message.accepted",
    "message.delivered", "message.failed",   "message.clicked",        "message.replied",
    "tier.changed"};

std::string_view NearestKey(const Table& table, std::string_view word) {
  std::vector<std::string_view> names;
  for (const Key& key : table.keys) {
    names.push_back(key.name);
  }
  return Suggest(word, names);
}

// Those of this version.
std::string NamesOf(const std::vector<std::string_view>& keys, const Table& table) {
  std::string names;
  for (const std::string_view key : keys) {
    if (!table.Find(key)->later) {
      names.append(names.empty() ? "" : ", ").append(key);
    }
  }
  return names;
}

std::string WithArticle(std::string_view noun) {
  const bool vowel = std::string_view("aeiou").find(noun.front()) != std::string_view::npos;
  return (vowel ? "an " : "a ") + std::string(noun);
}

}  // namespace

std::span<const std::string_view> KnownEvents() {
  return kEvents;
}

bool Value::HasGoodName() const {
  const bool good = std::all_of(name_.begin(), name_.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  if (!good || name_.empty() || name_.size() > limits::kNameBytesMax) {
    reader_->Error(
        name_node(), Quote(name_) + " is no name",
        "write letters, digits, '_' and '-', at most " + std::to_string(limits::kNameBytesMax));
    return false;
  }
  return true;
}

std::optional<std::string> Value::EventName() const {
  const std::string* text = Scalar(Description(Type::kEvent));
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto known = KnownEvents();
  if (std::find(known.begin(), known.end(), *text) != known.end()) {
    return *text;
  }
  const std::string_view near = Suggest(*text, known);
  const std::string hint = near.empty() ? "" : "did you mean '" + std::string(near) + "'?";
  if (!IsEventType(*text) || text->size() > huitou::limits::kTypeBytesMax) {
    Refuse(Description(Type::kEvent), hint);
    return std::nullopt;
  }
  if (!near.empty()) {
    reader_->Warning(where(), Quote(*text) + " is no event type that Huitou knows", hint);
  }
  return *text;
}

Value Value::Child(std::string name, const Node* node, const Node* key_node) const {
  return Value(*reader_, std::move(name), node, key_node, key_);
}

std::vector<Value> Value::Items() const {
  std::vector<Value> items;
  if (!present()) {
    return items;
  }
  if (node_->kind != Node::Kind::kList) {
    const bool texts = key_ != nullptr && key_->type == Type::kListOfText && is_text();
    Refuse(key_ == nullptr ? "a list" : Description(key_->type),
           texts ? "write [" + node_->text + "]" : "");
    return items;
  }
  for (const Node* item : node_->items) {
    items.push_back(Child(name_, item, nullptr));
  }
  return items;
}

std::vector<std::string> Value::Texts() const {
  std::vector<std::string> texts;
  for (const Value& item : Items()) {
    if (auto text = item.Text()) {
      texts.push_back(std::move(*text));
    }
  }
  return texts;
}

std::vector<Value> Value::Entries() const {
  std::vector<Value> entries;
  if (!present()) {
    return entries;
  }
  if (node_->kind != Node::Kind::kMap) {
    Refuse(key_ == nullptr ? "a map of names" : Description(key_->type));
    return entries;
  }
  std::map<std::string_view, const Node*> seen;
  for (const auto& [key, value] : node_->entries) {
    if (key->kind != Node::Kind::kText || value == nullptr) {
      reader_->Error(*key, "a name must be text");
      continue;
    }
    const auto [same, is_new] = seen.emplace(key->text, key);
    if (!is_new) {
      const int line = reader_->document().PlaceOf(*same->second).line;
      reader_->Error(*key, Quote(key->text) + " comes twice",
                     "the first is in line " + std::to_string(line));
      continue;
    }
    entries.push_back(Child(key->text, value, key));
  }
  return entries;
}

MapReader::MapReader(const Reader& reader, const Node& node, const Table& table)
    : reader_(&reader), table_(&table) {
  if (node.kind != Node::Kind::kMap) {
    reader.Error(node, WithArticle(table.name) + " must be a map of keys",
                 table.example.empty() ? "" : "write " + std::string(table.example));
    return;
  }
  Read(node);
}

MapReader::MapReader(const Value& value, const Table& table)
    : reader_(&value.reader()), table_(&table) {
  if (!value.present()) {
    return;
  }
  if (!value.is_map()) {
    value.Refuse("a map of keys",
                 table.example.empty() ? "" : "write " + std::string(table.example));
    return;
  }
  Read(value.node());
}

void MapReader::Read(const Node& node) {
  node_ = &node;
  for (const auto& [key, value] : node.entries) {
    if (key->kind != Node::Kind::kText || value == nullptr) {
      reader_->Error(*key, "a key must be text");
      continue;
    }
    ReadEntry(*key, *value);
  }
  CheckRequired();
}

void MapReader::ReadEntry(const Node& key, const Node& value) {
  const auto [same, is_new] = seen_.emplace(key.text, &key);
  if (!is_new) {
    const int line = reader_->document().PlaceOf(*same->second).line;
    reader_->Error(key, "key " + Quote(key.text) + " comes twice",
                   "the first is in line " + std::to_string(line));
    return;
  }
  const Key* known = table_->Find(key.text);
  if (known == nullptr) {
    // Past some hundred of them the file is no such file at all, and looking for what each may
    // mean would take long.
    if (seen_.size() > limits::kUnknownKeysMax + table_->keys.size()) {
      has_unknown_ = true;
      return;
    }
    std::vector<std::string> names;
    for (const Key& candidate : table_->keys) {
      names.emplace_back(candidate.name);
    }
    meant_.insert(NearestKey(*table_, key.text));
    has_unknown_ = true;
    std::string hint = Choices(key.text, names);
    if (hint.empty() && !table_->one_of.empty()) {
      hint = WithArticle(table_->name) + " is one of: " + NamesOf(table_->one_of, *table_);
    }
    reader_->Error(key, "unknown key " + Quote(key.text), std::move(hint));
    return;
  }
  if (known->later) {
    reader_->Error(key, Quote(key.text) + " comes with a later version");
  } else if (value.kind == Node::Kind::kNull) {
    reader_->Error(key, Quote(key.text) + " has no value",
                   known->required ? "write " + std::string(Description(known->type))
                                   : "write one or remove the key");
  }
  values_.emplace_back(*reader_, key.text, &value, &key, known);
}

void MapReader::CheckRequired() {
  for (const Key& key : table_->keys) {
    // A key that is misspelt was told as unknown, with this one as what is meant.
    if (key.required && !seen_.contains(key.name) && !meant_.contains(key.name)) {
      reader_->Error(
          *node_, Quote(key.name) + " is missing",
          "add '" + std::string(key.name) + ":' with " + std::string(Description(key.type)));
    }
  }
  if (table_->one_of.empty()) {
    return;
  }
  const std::string names = NamesOf(table_->one_of, *table_);
  std::vector<const Value*> found;
  for (const Value& value : values_) {
    if (std::find(table_->one_of.begin(), table_->one_of.end(), value.name()) !=
        table_->one_of.end()) {
      found.push_back(&value);
    }
  }
  // A later one was told already, and is none too many beside one of this version.
  if (found.size() > 1) {
    std::erase_if(found, [](const Value* value) { return value->key()->later; });
  }
  if (found.empty()) {
    // An unknown key was told already, and is most likely the one that is meant.
    if (!has_unknown_) {
      reader_->Error(*node_, WithArticle(table_->name) + " needs one of its keys",
                     "one of: " + names);
    }
  } else if (found.size() > 1) {
    reader_->Error(found[1]->name_node(),
                   Quote(found[1]->name()) + " beside " + Quote(found[0]->name()),
                   WithArticle(table_->name) + " has exactly one of: " + names);
  } else {
    chosen_ = found[0]->key();
  }
}

Value MapReader::operator[](std::string_view name) const {
  CHECK(table_->Find(name) != nullptr);
  for (const Value& value : values_) {
    if (value.name() == name && !value.key()->later && value.node().kind != Node::Kind::kNull) {
      return value;
    }
  }
  return Value(*reader_, std::string(name));
}

}  // namespace huitou::config
