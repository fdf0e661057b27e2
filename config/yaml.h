// YAML as a tree with places: a thin layer over yaml-cpp that keeps what its own tree drops
// (duplicate keys, quotes, where each character of a text stands) and never throws. Depth, size
// and aliases are bounded (limits.h). Immutable once parsed; any thread.
//
// Example:
//   auto document = Document::Parse("shop.yaml", text, &diagnostics);
//   if (document != nullptr) Use(document->root());
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.h"

namespace huitou::config {

struct Node {
  enum class Kind : uint8_t { kNull, kText, kList, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;  // of kText: not a plain scalar
  size_t offset = 0;    // of its first byte in the document's text
  std::string text;
  std::vector<const Node*> items;
  std::vector<std::pair<const Node*, const Node*>> entries;  // in the order of the file
  size_t nodes = 1;                                          // with all below and all aliases
};

class Document {
 public:
  // Null when the text is not one YAML document; why is among the diagnostics.
  static std::unique_ptr<Document> Parse(std::string file, std::string text,
                                         Diagnostics* diagnostics);

  const Node& root() const { return *root_; }
  const std::string& file() const { return file_; }
  const std::string& text() const { return text_; }

  // Of a node's first character.
  Place PlaceOf(const Node& node) const { return PlaceAt(node.offset); }
  // Of byte `offset` of a text node's value, through quotes, escapes and folded lines.
  Place PlaceOf(const Node& node, size_t offset) const;
  // Of a byte of the file.
  Place PlaceAt(size_t offset) const;

 private:
  friend class TreeBuilder;
  Document() = default;

  std::string file_;
  std::string text_;                 // without a byte order mark
  std::vector<size_t> line_starts_;  // offsets
  std::deque<Node> nodes_;
  const Node* root_ = nullptr;
};

}  // namespace huitou::config
