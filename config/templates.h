// Message templates: Mustache files with optional front matter, one per name, locale and channel,
// the most specific of which wins. Immutable once loaded; any thread.
//
//   <name>[.<locale>][.<channel>].mustache       (either order)
//
//   ---
//   subject: 我们想您了，{{shop.name}}
//   ---
//   Here is {{coupon.value}} {{coupon.currency}} for you.
//
// Beside such a file may stand its HTML version, <the same name>.html.mustache, without front
// matter; channels that know no HTML send the text alone. A body is escaped for HTML where its
// front matter says `content_type: text/html`; all else is plain text.
//
// Example:
//   auto rendered = templates.Render("winback", "zh-CN", "sms", dispatch.variables, make_link);
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/campaign_file.h"
#include "config/diagnostic.h"
#include "config/mustache.h"
#include "config/variables.h"
#include "triggers/campaign.h"

namespace huitou::config {

struct Rendered {
  std::vector<std::pair<std::string, std::string>> fields;  // the front matter, in order
  std::string text;
  std::string html;  // the HTML version; empty where there is none
};

// The address behind "unsubscribe_url" or "link.NAME" (PublicNames); empty where there is none.
using LinkMaker = std::function<std::string(const std::string& name)>;
// "https://example.com/link.NAME", for tests of campaigns.
std::string ExampleLink(const std::string& name);

class TemplateSet {
 public:
  // `default_locale` is the shop's: what a customer gets whose language no file has.
  explicit TemplateSet(std::string default_locale = "zh-CN", PublicNames public_names = {});
  ~TemplateSet();
  TemplateSet(TemplateSet&&) noexcept;
  TemplateSet& operator=(TemplateSet&&) noexcept;

  // One file. `channels` tells a channel's part of the name from a locale's; null: not known.
  void Add(const std::string& path, std::string text, const ChannelSchemas* channels,
           Diagnostics* diagnostics);

  // Nothing when there is no such template.
  std::optional<Rendered> Render(std::string_view name, std::string_view locale,
                                 std::string_view channel, MustacheVariables variables,
                                 const LinkMaker& make_link = ExampleLink) const;

  struct Use {
    std::string name;
    Place place;
    std::vector<std::string> via;
    std::string shop_name;
    bool marketing = true;
  };
  // Gives the binder every text that this use may send, in all locales; tells missing templates,
  // missing or unknown front matter, and how large an SMS will be.
  void Bind(const Use& use, const ChannelSchemas* channels, VariableBinder* binder,
            Diagnostics* diagnostics) const;

  // Path and text of every file of this template, for the campaign's version.
  std::vector<std::pair<std::string, std::string>> FilesOf(std::string_view name) const;
  size_t size() const { return files_.size(); }

  struct File;

 private:
  const File* Find(std::string_view name, std::string_view locale, std::string_view channel) const;
  // All that Find may give for this name and channel.
  std::set<const File*> Reachable(std::string_view name, std::string_view channel) const;
  const File* HtmlOf(const File& file) const;
  void CheckHtml(const Use& use, const ChannelSchemas& channels, Diagnostics* diagnostics) const;
  void TellMissing(const Use& use, const std::string& channel, Diagnostics* diagnostics) const;
  std::vector<std::string> Names() const;

  std::string default_locale_;
  PublicNames public_names_;
  std::vector<std::unique_ptr<const File>> files_;
  std::set<std::string> broken_;  // names of templates that could not be taken
  std::set<std::string> told_;    // unknown words in names, each told of one file
};

}  // namespace huitou::config
