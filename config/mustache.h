// Mustache: the tags of a text with their places, and rendering by kainjow-mustache. Sections test
// whether a variable is there; there are no lists, partials or other delimiters. Pure; any thread.
//
// Example: Mustache("Hi {{name}}", false).Render({{"name", "Li"}}) is "Hi Li".
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace huitou::config {

// A tag that reads a variable.
struct MustacheTag {
  std::string name;   // as written
  size_t offset = 0;  // of the name in the text
  // The sections that it stands in, so whose variables are there; a section's own tag too.
  std::vector<std::string> sections;
};

struct MustacheMistake {
  size_t offset = 0;
  std::string message;
  std::string hint;
};

struct MustacheTags {
  std::vector<MustacheTag> tags;
  std::vector<MustacheMistake> mistakes;
};

MustacheTags ScanMustache(std::string_view text);

// A variable that is not listed, or empty, is missing: its sections are left out.
using MustacheVariables = std::vector<std::pair<std::string, std::string>>;

// A text without mistakes, parsed once for as many messages as there will be: parsing takes longer
// than all else that is done for a message. Any thread may render it.
class Mustache {
 public:
  Mustache();  // renders as nothing
  Mustache(const std::string& text, bool escape_html);
  ~Mustache();
  Mustache(Mustache&&) noexcept;
  Mustache& operator=(Mustache&&) noexcept;

  std::string Render(const MustacheVariables& variables) const;

 private:
  struct Parsed;
  std::string plain_;  // where there are no tags
  std::unique_ptr<Parsed> parsed_;
};

// For a text that is rendered once.
std::string RenderMustache(const std::string& text, const MustacheVariables& variables,
                           bool escape_html);

}  // namespace huitou::config
