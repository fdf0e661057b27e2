// Message templates: Mustache files with optional front matter, one per name, locale and channel,
// the most specific of which wins. Immutable once loaded; any thread.
//
//   <name>[.<locale>][.<channel>].mustache       (either order)
//
//   ---
//   subject: 我们想您了，{{customer.attributes.name}}
//   ---
//   Here is {{coupon.value}} {{coupon.currency}} for you.
//
// A variable without a dot is an attribute of the customer: {{name}} is customer.attributes.name.
//
// Example:
//   auto rendered = templates.Render("winback", "zh-CN", "sms", dispatch.variables);
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/campaign_file.h"
#include "config/diagnostic.h"
#include "triggers/campaign.h"

namespace huitou::config {

// An entry of `defaults:`: what a variable says where it is missing.
struct TemplateDefault {
  std::string name;  // as written: "name" or "customer.attributes.name"
  std::string text;
  Place place;
};
using TemplateDefaults = std::vector<TemplateDefault>;

// A tag that reads a variable.
struct TemplateTag {
  std::string name;      // as written
  size_t offset = 0;     // of the name in the text
  bool guarded = false;  // stands inside its own section, or is that section's own tag
};

// Gathers the variables of texts, compiled; tells those that are unknown or may be missing.
class VariableBinder {
 public:
  VariableBinder(const StepNames& steps, const TemplateDefaults& defaults,
                 Diagnostics* diagnostics);
  ~VariableBinder();
  VariableBinder(const VariableBinder&) = delete;
  VariableBinder& operator=(const VariableBinder&) = delete;

  using Locator = std::function<Place(size_t offset)>;
  // Scans a text for tags and binds them; `locate` tells where a byte of it stands.
  void Add(std::string_view text, const Locator& locate);
  void Bind(const TemplateTag& tag, const Locator& locate);
  // All variables, by name; tells defaults that no text reads.
  std::vector<TemplateVariable> Finish();

 private:
  const TemplateDefault* DefaultOf(const std::string& name) const;

  std::unique_ptr<cel::Environment> environment_;
  const TemplateDefaults& defaults_;
  Diagnostics* diagnostics_;
  std::map<std::string, TemplateVariable> variables_;
  std::set<std::string> failed_;
};

struct Rendered {
  std::vector<std::pair<std::string, std::string>> fields;  // the front matter, in order
  std::string text;
};

class TemplateSet {
 public:
  TemplateSet();
  ~TemplateSet();
  TemplateSet(TemplateSet&&) noexcept;
  TemplateSet& operator=(TemplateSet&&) noexcept;

  // One file. `channels` tells a channel's part of the name from a locale's; null when not known.
  void Add(const std::string& path, std::string text, const ChannelSchemas* channels,
           Diagnostics* diagnostics);

  // Whether there is a file for this name and channel, in whatever locale.
  bool Has(std::string_view name, std::string_view channel) const;

  // Nothing when there is no such template. Variables that are absent or empty are missing.
  std::optional<Rendered> Render(
      std::string_view name, std::string_view locale, std::string_view channel,
      const std::vector<std::pair<std::string, std::string>>& variables) const;

  struct Use {
    std::string name;
    Place place;
  };
  // The variables that a send step needs, over all locales of all its channels; tells missing
  // templates, missing front matter, unknown variables and unguarded ones.
  std::vector<TemplateVariable> Bind(const Use& use, const std::vector<std::string>& via,
                                     const TemplateDefaults& defaults, const StepNames& steps,
                                     const ChannelSchemas* channels,
                                     Diagnostics* diagnostics) const;

  // Path and text of every file of these names, for the campaign's version.
  std::vector<std::pair<std::string, std::string>> Files(const std::set<std::string>& names) const;
  size_t size() const { return files_.size(); }

  struct File;

 private:
  const File* Find(std::string_view name, std::string_view locale, std::string_view channel) const;

  std::vector<std::unique_ptr<const File>> files_;
};

// Renders Mustache by itself: the data of an `emit` step.
std::string RenderText(std::string_view text,
                       const std::vector<std::pair<std::string, std::string>>& variables,
                       bool escape_html = false);

}  // namespace huitou::config
