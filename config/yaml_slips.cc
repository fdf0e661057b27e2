#include "config/yaml_slips.h"

#include <algorithm>

namespace huitou::config {
namespace {

constexpr std::string_view kBlanks = " \t\r";

struct Sign {
  std::string_view typed;
  std::string_view meant;
  enum class Where { kKey, kValue, kBrackets } where;  // where it is surely meant as YAML's
};
constexpr Sign kSigns[] = {
    {"：", ": ", Sign::Where::kKey},       {"，", ", ", Sign::Where::kBrackets},
    {"、", ", ", Sign::Where::kBrackets},  {"｛", "{", Sign::Where::kValue},
    {"｝", "}", Sign::Where::kBrackets},   {"［", "[", Sign::Where::kValue},
    {"］", "]", Sign::Where::kBrackets},   {"－", "- ", Sign::Where::kValue},
    {"\u00A0", " ", Sign::Where::kValue},  {"\u3000", " ", Sign::Where::kValue},
    {"\u201C", "\"", Sign::Where::kValue}, {"\u2018", "'", Sign::Where::kValue},
};

const Sign* SignAt(std::string_view text, size_t at) {
  const auto* const found =
      std::find_if(std::begin(kSigns), std::end(kSigns),
                   [&](const Sign& sign) { return text.substr(at).starts_with(sign.typed); });
  return found == std::end(kSigns) ? nullptr : found;
}

Slip Describe(const Sign& sign, size_t offset) {
  if (sign.meant == " ") {
    return {offset, "a space that YAML takes for a letter", "write plain spaces"};
  }
  return {offset, "'" + std::string(sign.typed) + "' means nothing to YAML",
          "write '" + std::string(sign.meant) + "', or put the text between quotes"};
}

Slip MissingSpace(size_t offset, char behind) {
  return {offset, std::string("a space is missing behind this '") + behind + "'",
          "put the text between quotes if it is meant so"};
}

bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

// Walks over YAML as its scanner does, roughly: knows quotes, comments, blocks of text and
// brackets, and keeps the slips that it meets.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  void To(size_t end) {
    while (at_ < end && at_ < text_.size()) {
      if (at_ == 0 || text_[at_ - 1] == '\n') {
        BeginLine();
      }
      if (at_ < text_.size() && !SkipWhole()) {
        Step();
      }
    }
  }
  const std::vector<size_t>& open() const { return open_; }
  const std::vector<Slip>& slips() const { return slips_; }

 private:
  void BeginLine() {
    const size_t ink = std::min(text_.find_first_not_of(kBlanks, at_), text_.size());
    const size_t indent = ink - at_;
    if (in_block_ && ink < text_.size() && (text_[ink] == '\n' || indent > block_indent_)) {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return;
    }
    in_block_ = false;
    indent_ = indent;
    fresh_ = key_ = true;
    word_ = std::string_view::npos;
  }

  bool IsBlankAt(size_t at) const {
    return at >= text_.size() || text_[at] == '\n' ||
           kBlanks.find(text_[at]) != std::string_view::npos;
  }

  // Comments, quotes and blocks of text.
  bool SkipWhole() {
    const char c = text_[at_];
    if (c == '#' && (at_ == 0 || IsBlankAt(at_ - 1))) {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return true;
    }
    if (fresh_ && (c == '"' || c == '\'')) {
      for (++at_; at_ < text_.size() && text_[at_] != c; ++at_) {
        at_ += c == '"' && text_[at_] == '\\' ? 1 : 0;
      }
      ++at_;
      fresh_ = false;
      return true;
    }
    if (fresh_ && !key_ && open_.empty() && (c == '|' || c == '>')) {
      in_block_ = true;
      block_indent_ = indent_;
      at_ = std::min(text_.find('\n', at_), text_.size());
      return true;
    }
    return false;
  }

  void Step() {
    if (const Sign* sign = SignAt(text_, at_)) {
      Meet(*sign);
      at_ += sign->typed.size();
      return;
    }
    const char c = text_[at_];
    const bool blank_behind = IsBlankAt(at_ + 1);
    const bool flow = !open_.empty();
    if (c == '{' || c == '[') {
      if (fresh_ || flow) {
        open_.push_back(at_);
        fresh_ = key_ = true;
      }
    } else if (flow && (c == '}' || c == ']')) {
      Close(c);
    } else if (c == ':' && (blank_behind || flow)) {
      fresh_ = true;
      key_ = false;
    } else if (c == ':' && EndsKey() && (text_[at_ + 1] == '{' || text_[at_ + 1] == '[')) {
      slips_.push_back(MissingSpace(at_, ':'));
      fresh_ = false;
    } else if (c == ',' && flow) {
      fresh_ = key_ = true;
    } else if (!(IsBlankAt(at_) || (c == '-' && fresh_ && blank_behind))) {
      word_ = fresh_ && key_ ? at_ : word_;
      fresh_ = false;
    }
    ++at_;
  }

  // Whether a plain word that may be a key ends here.
  bool EndsKey() const {
    return key_ && !fresh_ && word_ != std::string_view::npos &&
           std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(word_),
                       text_.begin() + static_cast<std::ptrdiff_t>(at_), IsWord);
  }

  void Meet(const Sign& sign) {
    const bool meant = sign.where == Sign::Where::kKey     ? EndsKey()
                       : sign.where == Sign::Where::kValue ? fresh_
                                                           : !open_.empty();
    if (meant) {
      slips_.push_back(Describe(sign, at_));
    }
    fresh_ = fresh_ && sign.meant == " ";
  }

  void Close(char c) {
    const size_t bracket = open_.back();
    const char needed = text_[bracket] == '{' ? '}' : ']';
    if (c != needed) {
      slips_.push_back({bracket,
                        std::string("this '") + text_[bracket] + "' is closed by a '" + c + "'",
                        std::string("write '") + needed + "'"});
    }
    open_.pop_back();
    fresh_ = false;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<size_t> open_;
  std::vector<Slip> slips_;
  bool fresh_ = true;                     // a key or value may begin here
  bool key_ = true;                       // not a value
  size_t word_ = std::string_view::npos;  // where the key at hand begins
  size_t indent_ = 0;
  bool in_block_ = false;
  size_t block_indent_ = 0;
};

}  // namespace

std::optional<Slip> FindSlipInKey(std::string_view key) {
  if (key.size() > 1 && key[0] == '-' && key[1] != ' ') {
    const Sign* const sign = SignAt(key, 1);
    return sign == nullptr ? MissingSpace(0, '-') : Describe(*sign, 1);
  }
  for (size_t at = 0; at < key.size(); ++at) {
    const Sign* const sign = SignAt(key, at);
    const bool meant = sign != nullptr && (sign->where == Sign::Where::kKey ||
                                           (at == 0 && sign->where == Sign::Where::kValue));
    if (meant) {
      return Describe(*sign, at);
    }
    if (key[at] == ':' && at + 1 < key.size() && (key[at + 1] == '{' || key[at + 1] == '[')) {
      return MissingSpace(at, ':');
    }
  }
  return std::nullopt;
}

std::optional<Slip> FindSlip(std::string_view text, size_t offset) {
  offset = std::min(offset, text.size());
  const size_t line = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;  // npos + 1 is 0
  const size_t before = line < 2 ? 0 : text.rfind('\n', line - 2) + 1;
  Walk walk(text);
  walk.To(std::min(text.find('\n', offset), text.size()));
  for (const Slip& slip : walk.slips()) {
    if (slip.offset >= before) {
      return slip;
    }
  }
  return std::nullopt;
}

std::vector<size_t> OpenBrackets(std::string_view text, size_t offset) {
  Walk walk(text);
  walk.To(offset);
  return walk.open();
}

}  // namespace huitou::config
