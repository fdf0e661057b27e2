// Mustache: the tags of a text with their places, and rendering by kainjow-mustache. Sections test
// whether a variable is there; there are no lists, partials or other delimiters. Pure; any thread.
//
// Example: RenderMustache("Hi {{name}}", {{"name", "Li"}}, false) is "Hi Li".
#pragma once

#include <cstddef>
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
std::string RenderMustache(const std::string& text, const MustacheVariables& variables,
                           bool escape_html);

}  // namespace huitou::config
