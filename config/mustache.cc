#include "config/mustache.h"

#include <algorithm>
#include <kainjow/mustache.hpp>
#include <map>

#include "config/diagnostic.h"
#include "config/limits.h"

namespace huitou::config {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  MustacheTags Run() {
    size_t at = 0;
    while ((at = text_.find("{{", at)) != std::string_view::npos) {
      at = Tag(at);
    }
    for (const Section& section : open_) {
      Mistake(section.offset, "section " + Quote(section.name) + " is never closed",
              "write {{/" + section.name + "}}");
    }
    return std::move(found_);
  }

 private:
  struct Section {
    std::string name;
    size_t offset;
    bool inverted;
  };

  // Reads the tag at `at`; returns where to go on.
  size_t Tag(size_t at) {
    const bool triple = text_.substr(at).starts_with("{{{");
    const std::string_view close = triple ? "}}}" : "}}";
    const size_t end = text_.find(close, at);
    // The next tag begins before this one ends: what closes that does not close this.
    const size_t next = text_.find("{{", at + close.size());
    if (end == std::string_view::npos || next < end) {
      Mistake(at, "a tag is never closed", "add " + std::string(close));
      return std::min(next, text_.size());
    }
    size_t begin = at + close.size();
    char kind = triple ? '&' : begin < end ? text_[begin] : ' ';
    if (!triple && std::string_view("#^/!&>=").find(kind) != std::string_view::npos) {
      ++begin;
    } else if (!triple) {
      kind = ' ';
    }
    while (begin < end && text_[begin] == ' ') {
      ++begin;
    }
    size_t last = end;
    while (last > begin && text_[last - 1] == ' ') {
      --last;
    }
    Read(kind, std::string(text_.substr(begin, last - begin)), begin);
    return end + close.size();
  }

  void Read(char kind, std::string name, size_t offset) {
    switch (kind) {
      case '!':
        return;
      case '>':
        Mistake(offset, "templates cannot include others", "write the text here");
        return;
      case '=':
        Mistake(offset, "other delimiters are not supported", "keep {{ and }}");
        return;
      case '/':
        Close(name, offset);
        return;
      case '#':
      case '^':
        open_.push_back({name, offset, kind == '^'});
        if (open_.size() > static_cast<size_t>(limits::kTemplateDepthMax)) {
          Mistake(offset, "sections are nested too deeply",
                  "at most " + std::to_string(limits::kTemplateDepthMax));
        }
        found_.tags.push_back({name, offset, Sections()});
        found_.tags.back().sections.push_back(std::move(name));
        return;
      default:
        found_.tags.push_back({std::move(name), offset, Sections()});
    }
  }

  std::vector<std::string> Sections() const {
    std::vector<std::string> names;
    for (const Section& section : open_) {
      if (!section.inverted) {
        names.push_back(section.name);
      }
    }
    return names;
  }

  void Close(const std::string& name, size_t offset) {
    if (open_.empty()) {
      Mistake(offset, "nothing opened the section " + Quote(name),
              "write {{#" + name + "}} before it");
      return;
    }
    if (open_.back().name != name) {
      Mistake(offset, Quote(name) + " closes the section " + Quote(open_.back().name),
              "write {{/" + open_.back().name + "}}");
    }
    open_.pop_back();
  }

  void Mistake(size_t offset, std::string message, std::string hint) {
    found_.mistakes.push_back({offset, std::move(message), std::move(hint)});
  }

  std::string_view text_;
  std::vector<Section> open_;
  MustacheTags found_;
};

// "customer.attributes.name" as maps in maps, the way Mustache looks it up.
struct Tree {
  std::string text;
  std::map<std::string, Tree> below;

  void Set(std::string_view path, const std::string& value) {
    const size_t dot = path.find('.');
    Tree& next = below[std::string(path.substr(0, dot))];
    if (dot == std::string_view::npos) {
      next.text = value;
    } else {
      next.Set(path.substr(dot + 1), value);
    }
  }

  kainjow::mustache::data ToData() const {
    if (below.empty()) {
      return kainjow::mustache::data(text);
    }
    kainjow::mustache::data data(kainjow::mustache::data::type::object);
    for (const auto& [name, tree] : below) {
      data.set(name, tree.ToData());
    }
    return data;
  }
};

}  // namespace

MustacheTags ScanMustache(std::string_view text) {
  return Scanner(text).Run();
}

// The library's render() is not const, but only partials and lambdas, which we have none of, write
// to the template: threads may render the same one.
struct Mustache::Parsed {
  explicit Parsed(const std::string& text) : text(text) {}

  kainjow::mustache::mustache text;
};

Mustache::Mustache() = default;

Mustache::Mustache(const std::string& text, bool escape_html) {
  if (text.find("{{") == std::string::npos) {
    plain_ = text;
    return;
  }
  parsed_ = std::make_unique<Parsed>(text);
  if (!escape_html) {
    parsed_->text.set_custom_escape([](const std::string& value) { return value; });
  }
}

Mustache::~Mustache() = default;
Mustache::Mustache(Mustache&&) noexcept = default;
Mustache& Mustache::operator=(Mustache&&) noexcept = default;

std::string Mustache::Render(const MustacheVariables& variables) const {
  if (parsed_ == nullptr) {
    return plain_;
  }
  Tree tree;
  for (const auto& [name, value] : variables) {
    if (!value.empty()) {
      tree.Set(name, value);
    }
  }
  const auto data = tree.below.empty()
                        ? kainjow::mustache::data(kainjow::mustache::data::type::object)
                        : tree.ToData();
  return parsed_->text.render(data);
}

std::string RenderMustache(const std::string& text, const MustacheVariables& variables,
                           bool escape_html) {
  return Mustache(text, escape_html).Render(variables);
}

}  // namespace huitou::config
