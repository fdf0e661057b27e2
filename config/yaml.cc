#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <span>
#include <sstream>

#include "config/limits.h"
#include "config/yaml_slips.h"
#include "triggers/base/text.h"

namespace huitou::config {

// Builds the tree from yaml-cpp's events. A breach of our own bounds ends the parse by Stop, which
// leaves this file no more than yaml-cpp's exceptions do.
class TreeBuilder : public YAML::EventHandler {
 public:
  struct Stop {
    size_t offset;
    std::string message;
    std::string hint;
  };

  explicit TreeBuilder(Document* document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node* node = New(mark, Node::Kind::kNull, anchor);
    if (!open_.empty() && open_.back()->kind == Node::Kind::kList) {
      node->offset = EmptyItem(node->offset);
    }
    Add(node);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    const bool open = found == anchors_.end() ||
                      std::find(open_.begin(), open_.end(), found->second) != open_.end();
    if (open) {
      throw Stop{Offset(mark), "an alias inside its own anchor", "write the value out"};
    }
    Add(found->second);
    CheckSize(mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckTag(mark, tag);
    Node* node = New(mark, Node::Kind::kText, anchor);
    node->text = value;
    node->quoted = tag == "!";
    CheckQuote(*node);
    Add(node);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    CheckTag(mark, tag);
    Open(New(mark, Node::Kind::kList, anchor));
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    CheckTag(mark, tag);
    Open(New(mark, Node::Kind::kMap, anchor));
  }
  void OnMapEnd() override { Close(); }

  const Node* root() const { return root_; }

 private:
  size_t Offset(const YAML::Mark& mark) const {
    const auto offset = static_cast<size_t>(std::max(mark.pos, 0));
    return std::min(offset, document_->text_.size());
  }

  // yaml-cpp tells an empty item at what stands behind it.
  size_t EmptyItem(size_t behind) const {
    const std::string_view text = document_->text_;
    for (size_t end = behind; end > 0;) {
      const size_t dash = text.rfind('-', end - 1);
      if (dash == std::string_view::npos) {
        break;
      }
      const size_t line = dash == 0 ? 0 : text.rfind('\n', dash - 1) + 1;  // npos + 1 is 0
      const size_t next = std::min(text.find_first_not_of(" \t\r", dash + 1), text.size());
      const bool empty = next == text.size() || text[next] == '\n' || text[next] == '#';
      if (empty && text.find_first_not_of(" -", line) >= dash) {
        return dash;
      }
      end = dash;
    }
    return behind;
  }

  Node* New(const YAML::Mark& mark, Node::Kind kind, YAML::anchor_t anchor) {
    Node& node = document_->nodes_.emplace_back();
    node.kind = kind;
    node.offset = Offset(mark);
    if (anchor != YAML::NullAnchor) {
      anchors_[anchor] = &node;
    }
    ++nodes_;
    CheckSize(mark);
    return &node;
  }

  void CheckSize(const YAML::Mark& mark) const {
    if (nodes_ > limits::kYamlNodesMax) {
      throw Stop{Offset(mark), "too many values in one file",
                 "at most " + std::to_string(limits::kYamlNodesMax) +
                     ", with every alias counted in full"};
    }
  }

  void CheckTag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Stop{Offset(mark), "a YAML tag has no meaning here",
                 "put a text that begins with '!' between quotes"};
    }
  }

  // yaml-cpp takes the end of the file for the end of a text.
  void CheckQuote(const Node& node) const {
    const std::string_view text = document_->text_;
    const char quote = node.quoted && node.offset < text.size() ? text[node.offset] : ' ';
    if (quote != '"' && quote != '\'') {
      return;
    }
    size_t at = node.offset + 1;
    while (at < text.size() && text[at] != quote) {
      at += quote == '"' && text[at] == '\\' ? 2 : 1;
      // A single quote is doubled where it stands for itself.
      at += quote == '\'' && text.substr(at).starts_with("''") ? 2 : 0;
    }
    if (at >= text.size()) {
      throw Stop{node.offset, "a quote is never closed", "add the missing quote"};
    }
  }

  void Open(Node* node) {
    Add(node);
    open_.push_back(node);
    if (open_.size() > static_cast<size_t>(limits::kYamlDepthMax)) {
      throw Stop{node->offset, "nested too deeply",
                 "at most " + std::to_string(limits::kYamlDepthMax) + " levels"};
    }
  }

  void Close() {
    Node* node = open_.back();
    open_.pop_back();
    for (const Node* item : node->items) {
      node->nodes += item->nodes;
    }
    for (const auto& [key, value] : node->entries) {
      node->nodes += key->nodes + (value == nullptr ? 0 : value->nodes);
    }
  }

  void Add(const Node* node) {
    if (node->nodes > 1) {
      nodes_ += node->nodes;  // an alias: all that it stands for, once more
    }
    if (open_.empty()) {
      root_ = node;
      return;
    }
    Node* parent = open_.back();
    if (parent->kind == Node::Kind::kList) {
      parent->items.push_back(node);
    } else if (parent->entries.empty() || parent->entries.back().second != nullptr) {
      parent->entries.emplace_back(node, nullptr);
    } else {
      parent->entries.back().second = node;
    }
  }

  Document* document_;
  std::map<YAML::anchor_t, const Node*> anchors_;
  std::vector<Node*> open_;
  const Node* root_ = nullptr;
  size_t nodes_ = 0;
};

namespace {

// What yaml-cpp says, in the words of somebody who wrote a campaign.
struct Translation {
  std::string_view theirs;
  std::string_view ours;
  std::string_view hint;
};
std::span<const Translation> Translations() {
  static const Translation kAll[] = {
      {YAML::ErrorMsg::MAP_VALUE, "a ':' where no key can stand",
       "indent with spaces; put a text that contains ': ' between quotes"},
      {YAML::ErrorMsg::MAP_KEY, "a key where none can stand", "check the indentation"},
      {YAML::ErrorMsg::BLOCK_ENTRY, "a '-' where no list can stand", "check the indentation"},
      {YAML::ErrorMsg::END_OF_MAP_FLOW, "a ',' or a '}' is missing before this", ""},
      {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a ',' or a ']' is missing before this", ""},
      {YAML::ErrorMsg::END_OF_MAP, "this does not fit the keys above",
       "check the indentation, and that every key has its ':'"},
      {YAML::ErrorMsg::END_OF_SEQ, "this does not fit the list above",
       "check the indentation, and that every item has its '-'"},
      {YAML::ErrorMsg::EOF_IN_SCALAR, "a quote is never closed", "add the missing quote"},
      {YAML::ErrorMsg::DOC_IN_SCALAR, "a quote is never closed", "add the missing quote"},
      {YAML::ErrorMsg::FLOW_END, "a bracket that nothing opened", "remove it"},
      {YAML::ErrorMsg::UNKNOWN_ANCHOR, "an alias to an anchor that is not there",
       "put a text that begins with '*' between quotes"},
      {YAML::ErrorMsg::INVALID_ESCAPE, "an escape that YAML does not know",
       "write \\\\ for a backslash, or use single quotes"},
      {YAML::ErrorMsg::UNKNOWN_TOKEN, "a character that no text can begin with",
       "put the text between quotes"},
  };
  return kAll;
}

std::vector<size_t> LineStarts(std::string_view text) {
  std::vector<size_t> starts = {0};
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    starts.push_back(at + 1);
  }
  return starts;
}

Place Locate(const std::string& file, std::string_view text, const std::vector<size_t>& starts,
             size_t offset) {
  offset = std::min(offset, text.size());
  const auto next = std::upper_bound(starts.begin(), starts.end(), offset);
  const size_t start = *(next - 1);
  return {file, static_cast<int>(next - starts.begin()),
          static_cast<int>(CountCodePoints(text.substr(start, offset - start))) + 1};
}

// The first byte that is not UTF-8, or the size.
size_t FirstBadByte(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    size_t length = 1;
    while (length <= 4 && !IsUtf8(text.substr(at, length))) {
      ++length;
    }
    if (length > 4) {
      break;
    }
    at += length;
  }
  return at;
}

// Mistakes of the bytes: wrong encodings and characters that YAML does not allow.
bool CheckBytes(const std::string& file, std::string_view text, Diagnostics* diagnostics) {
  if (text.size() > limits::kFileBytesMax) {
    diagnostics->Error({file, 0, 0}, "the file is too large",
                       "at most " + std::to_string(limits::kFileBytesMax) + " bytes");
    return false;
  }
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    diagnostics->Error({file, 1, 1}, "the file is UTF-16", "save it as UTF-8");
    return false;
  }
  if (!IsUtf8(text)) {
    diagnostics->Error(Locate(file, text, LineStarts(text), FirstBadByte(text)), "not UTF-8",
                       "save the file as UTF-8");
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') || byte == 0x7F) {
      diagnostics->Error(Locate(file, text, LineStarts(text), i), "a control character",
                         "remove it");
      return false;
    }
  }
  return true;
}

// A tab in the indentation of the line at `offset` or the one before it; npos when there is none.
size_t FindTab(std::string_view text, size_t offset) {
  size_t end = std::min(offset, text.size());
  for (int lines = 0; lines < 2; ++lines) {
    const size_t before = end == 0 ? std::string_view::npos : text.rfind('\n', end - 1);
    const size_t start = before == std::string_view::npos ? 0 : before + 1;
    const size_t ink = text.find_first_not_of(" \t", start);
    const size_t tab = text.find('\t', start);
    if (tab < ink && tab != std::string_view::npos) {
      return tab;
    }
    if (before == std::string_view::npos) {
      break;
    }
    end = before;
  }
  return std::string_view::npos;
}

// The bracket that a line before the error opened; in one line a sign may be missing as well.
std::optional<size_t> FindUnclosed(const Document& document, size_t offset,
                                   std::string_view message) {
  if (!message.starts_with(YAML::ErrorMsg::END_OF_MAP_FLOW) &&
      !message.starts_with(YAML::ErrorMsg::END_OF_SEQ_FLOW) &&
      !message.starts_with(YAML::ErrorMsg::BLOCK_ENTRY)) {
    return std::nullopt;
  }
  const std::vector<size_t> open = OpenBrackets(document.text(), offset);
  const size_t first = document.text().find_first_not_of(" \t\r\n", offset);
  const bool at_end = first == std::string::npos;
  return !open.empty() &&
                 (at_end || document.PlaceAt(open.back()).line < document.PlaceAt(offset).line)
             ? std::optional(open.back())
             : std::nullopt;
}

void ReportSyntax(const Document& document, const YAML::Exception& error,
                  Diagnostics* diagnostics) {
  auto offset = static_cast<size_t>(std::max(error.mark.pos, 0));
  if (std::string_view(error.msg).starts_with(YAML::ErrorMsg::INVALID_ESCAPE)) {
    offset -= std::min<size_t>(offset, 2);  // told behind it
  }
  if (const size_t tab = FindTab(document.text(), offset); tab != std::string::npos) {
    diagnostics->Error(document.PlaceAt(tab), "a tab in the indentation", "use spaces");
    return;
  }
  if (const auto slip = FindSlip(document.text(), offset)) {
    diagnostics->Error(document.PlaceAt(slip->offset), slip->message, slip->hint);
    return;
  }
  if (const auto bracket = FindUnclosed(document, offset, error.msg)) {
    const bool is_map = document.text()[*bracket] == '{';
    diagnostics->Error(document.PlaceAt(*bracket),
                       std::string("this '") + (is_map ? '{' : '[') + "' is never closed",
                       std::string("add the missing '") + (is_map ? '}' : ']') + "'");
    return;
  }
  for (const Translation& translation : Translations()) {
    if (std::string_view(error.msg).starts_with(translation.theirs)) {
      diagnostics->Error(document.PlaceAt(offset), std::string(translation.ours),
                         std::string(translation.hint));
      return;
    }
  }
  diagnostics->Error(document.PlaceAt(offset), "not valid YAML: " + error.msg);
}

// Slips that YAML takes for a part of a key. What is misread because of them is not worth telling.
bool TellSlipsBelow(const Document& document, const Node& node, Diagnostics* diagnostics) {
  bool told = false;
  for (const auto& [key, value] : node.entries) {
    if (key->kind == Node::Kind::kText && !key->quoted) {
      if (const auto slip = FindSlipInKey(key->text)) {
        diagnostics->Error(document.PlaceOf(*key, slip->offset), slip->message, slip->hint);
        told = true;
        continue;
      }
    }
    told = (value != nullptr && TellSlipsBelow(document, *value, diagnostics)) || told;
  }
  for (const Node* item : node.items) {
    told = TellSlipsBelow(document, *item, diagnostics) || told;
  }
  return told;
}

}  // namespace

std::unique_ptr<Document> Document::Parse(std::string file, std::string text,
                                          Diagnostics* diagnostics) {
  if (!CheckBytes(file, text, diagnostics)) {
    return nullptr;
  }
  std::unique_ptr<Document> document(new Document());
  document->file_ = std::move(file);
  document->text_ = text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : std::move(text);
  document->line_starts_ = LineStarts(document->text_);
  TreeBuilder builder(document.get());
  try {
    std::istringstream stream(document->text_);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    document->root_ = builder.root();
    if (document->root_ == nullptr || document->root_->kind == Node::Kind::kNull) {
      diagnostics->Error({document->file_, 1, 1}, "the file is empty");
      return nullptr;
    }
    if (TellSlipsBelow(*document, *document->root_, diagnostics)) {
      return nullptr;
    }
    TreeBuilder rest(document.get());
    if (parser.HandleNextDocument(rest) && rest.root() != nullptr) {
      diagnostics->Error(document->PlaceOf(*rest.root()), "a second document in one file",
                         "remove the '---' or use a file of its own");
    }
    return document;
  } catch (const TreeBuilder::Stop& stop) {
    diagnostics->Error(document->PlaceAt(stop.offset), stop.message, stop.hint);
  } catch (const YAML::Exception& error) {
    ReportSyntax(*document, error, diagnostics);
  } catch (const std::exception& error) {
    diagnostics->Error({document->file_, 0, 0}, std::string("not valid YAML: ") + error.what());
  }
  return nullptr;
}

Place Document::PlaceAt(size_t offset) const {
  return Locate(file_, text_, line_starts_, offset);
}

namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

size_t SkipBlanks(std::string_view text, size_t at) {
  while (at < text.size() && IsBlank(text[at])) {
    ++at;
  }
  return at;
}

// Bytes of the escape that begins at `at` in a double-quoted text.
size_t EscapeLength(std::string_view source, size_t at) {
  const char kind = at + 1 < source.size() ? source[at + 1] : '\0';
  return kind == 'x' ? 4 : kind == 'u' ? 6 : kind == 'U' ? 10 : 2;
}

// A backslash at the end of a line of a double-quoted text.
bool JoinsLines(std::string_view source, size_t at) {
  return at + 1 < source.size() && source[at] == '\\' &&
         (source[at + 1] == '\n' || source[at + 1] == '\r');
}

// Walks source and value side by side to the byte `target` of the value. Runs of blanks are taken
// as equal, for folding and indentation change them and nothing else.
size_t SourceOffset(std::string_view source, const Node& node, size_t target) {
  const std::string_view value = node.text;
  size_t s = node.offset;
  const char style = node.quoted && s < source.size() ? source[s] : '\0';
  if (style == '"' || style == '\'') {
    ++s;
  } else if (style == '|' || style == '>') {
    s = std::min(source.find('\n', s), source.size());
  }
  size_t v = 0;
  while (v < target && s < source.size()) {
    if (style == '"' && source[s] == '\\') {
      const bool joins = JoinsLines(source, s);
      s = joins ? SkipBlanks(source, s + 1) : s + EscapeLength(source, s);
      if (!joins) {
        for (++v; v < value.size() && (value[v] & 0xC0) == 0x80; ++v) {
        }
      }
    } else if (IsBlank(source[s]) || IsBlank(value[v])) {
      s = SkipBlanks(source, s);
      v = std::min(SkipBlanks(value, v), target);
    } else if (source[s] == value[v]) {
      s += style == '\'' && source[s] == '\'' ? 2 : 1;
      ++v;
    } else {
      return node.offset;
    }
  }
  if (v >= value.size() || IsBlank(value[v])) {
    return s;
  }
  // The byte itself is behind what was folded before it.
  s = SkipBlanks(source, s);
  while (style == '"' && JoinsLines(source, s)) {
    s = SkipBlanks(source, s + 1);
  }
  return s;
}

}  // namespace

Place Document::PlaceOf(const Node& node, size_t offset) const {
  return PlaceAt(SourceOffset(text_, node, std::min(offset, node.text.size())));
}

}  // namespace huitou::config
