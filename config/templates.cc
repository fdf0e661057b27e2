#include "config/templates.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "config/limits.h"
#include "config/reader.h"
#include "config/sms_text.h"
#include "triggers/base/text.h"

namespace huitou::config {

struct TemplateSet::File {
  struct Field {
    std::string key;
    std::string value;
    size_t offset = 0;  // of the value in the text
    Mustache parsed = {};
  };

  std::string path;
  std::string name;
  std::string locale;      // empty: all
  std::string channel;     // empty: all
  bool html_part = false;  // the HTML version of the file with the same name
  std::string text;        // the whole file
  std::vector<Field> fields;
  std::string body;
  size_t body_offset = 0;
  Mustache parsed;              // the body
  std::set<std::string> links;  // names of PublicNames that it reads

  bool HasField(std::string_view key) const {
    return std::any_of(fields.begin(), fields.end(),
                       [&](const Field& field) { return field.key == key; });
  }
  bool html() const {
    return html_part || std::any_of(fields.begin(), fields.end(), [](const Field& field) {
             return field.key == "content_type" && field.value == "text/html";
           });
  }
  void Parse() {
    for (Field& field : fields) {
      field.parsed = Mustache(field.value, false);
    }
    parsed = Mustache(body, html());
  }
};

namespace {

using File = TemplateSet::File;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// Splits the front matter off. `key: value` a line, between two lines of `---`.
void ParseFrontMatter(File* file, Diagnostics* diagnostics) {
  const std::string_view text = file->text;
  const auto line_at = [&](size_t at) { return text.substr(at, text.find('\n', at) - at); };
  if (Trim(line_at(0)) != "---") {
    file->body = file->text;
    return;
  }
  size_t at = line_at(0).size() + 1;
  while (at < text.size() && Trim(line_at(at)) != "---") {
    const std::string_view line = line_at(at);
    const size_t colon = line.find(':');
    const Place place = PlaceIn(file->path, text, at);
    if (Trim(line).empty()) {
      at += line.size() + 1;
      continue;
    }
    if (colon == std::string_view::npos) {
      diagnostics->Error(place, "front matter without a ':'",
                         "write 'subject: ...', one field a line");
    } else {
      const std::string key(Trim(line.substr(0, colon)));
      const std::string_view value = Trim(line.substr(colon + 1));
      if (file->HasField(key)) {
        diagnostics->Error(place, "field " + Quote(key) + " comes twice", "remove one");
      }
      const size_t offset = value.empty() ? at : static_cast<size_t>(value.data() - text.data());
      file->fields.push_back({key, std::string(value), offset});
    }
    at += line.size() + 1;
  }
  if (at >= text.size()) {
    diagnostics->Error(PlaceIn(file->path, text, 0), "the front matter is never closed",
                       "add a line '---' behind the fields");
    return;
  }
  file->body_offset = std::min(at + line_at(at).size() + 1, text.size());
  file->body = text.substr(file->body_offset);
}

// What would go out to every customer as it stands, and is hardly meant to.
void CheckBody(const File& file, Diagnostics* diagnostics) {
  if (file.fields.empty() && file.text.find_first_not_of(" \t\r\n") == std::string::npos) {
    diagnostics->Error({file.path, 0, 0}, "the template is empty", "write the message");
  }
  for (const File::Field& field : file.fields) {
    if (field.key == "content_type" && field.value != "text/html" && field.value != "text/plain") {
      diagnostics->Warning(PlaceIn(file.path, file.text, field.offset),
                           "content_type " + Quote(field.value) + " counts as text/plain",
                           Choices(field.value, {"text/html", "text/plain"}));
    }
  }
  static const re2::RE2 kBraces(R"((?:^|[^{])(\$?\{[A-Za-z_][\w.]*\})(?:[^}]|$))");
  re2::StringPiece found;
  if (re2::RE2::PartialMatch(file.body, kBraces, &found)) {
    const auto offset = static_cast<size_t>(found.data() - file.body.data()) + file.body_offset;
    const std::string braces(found.data(), found.size());
    diagnostics->Warning(PlaceIn(file.path, file.text, offset),
                         Quote(braces) + " is sent as it stands",
                         "a variable is written {" + braces.substr(braces.find('{')) + '}');
  }
}

// "winback.zh-CN.sms" as name, locale and channel.
void ParseName(std::string_view stem, const ChannelSchemas* channels, File* file,
               std::set<std::string>* told, Diagnostics* diagnostics) {
  size_t dot = stem.find('.');
  file->name = stem.substr(0, dot);
  while (dot != std::string_view::npos) {
    const size_t next = stem.find('.', dot + 1);
    const std::string part(stem.substr(dot + 1, next - dot - 1));
    dot = next;
    // Where the channels are not known, only two letters or a dash make a language.
    const bool known = channels != nullptr && channels->contains(part);
    const bool language = !known && IsLocale(part) && (part.size() == 2 || part.size() > 3);
    std::string* slot = language ? &file->locale : &file->channel;
    if (!slot->empty()) {
      diagnostics->Error({file->path, 0, 0}, "a template's name has one language and one channel",
                         "name it like winback.zh-CN.sms.mustache");
    } else if (!language && !known && channels != nullptr && told->insert(part).second) {
      std::vector<std::string> names;
      for (const auto& [name, schema] : *channels) {
        names.push_back(name);
      }
      diagnostics->Warning({file->path, 0, 0},
                           Quote(part) + " is neither a language nor a channel of the config file",
                           Choices(part, names));
    }
    *slot = part;
  }
}

// How well a file's language suits: 3 exactly, 2 the language alone, 1 all languages, 0 not.
int LocaleRank(std::string_view file_locale, std::string_view wanted) {
  if (file_locale.empty()) {
    return 1;
  }
  if (file_locale == wanted) {
    return 3;
  }
  return file_locale == wanted.substr(0, wanted.find('-')) ? 2 : 0;
}

// Whether `field` is `pattern`, where "param.*" stands for any name behind the dot and "*" for all.
bool FieldMatches(std::string_view pattern, std::string_view field) {
  if (pattern.ends_with('*')) {
    return field.starts_with(pattern.substr(0, pattern.size() - 1));
  }
  return pattern == field;
}

void CheckFields(const File& file, const std::string& channel, const ComponentSchema& schema,
                 Diagnostics* diagnostics) {
  for (const std::string& required : schema.required_fields) {
    const bool there =
        std::any_of(file.fields.begin(), file.fields.end(),
                    [&](const File::Field& field) { return FieldMatches(required, field.key); });
    if (!there) {
      diagnostics->Error({file.path, 1, 1},
                         "field " + Quote(required) + " is missing, which channel " +
                             Quote(channel) + " (" + schema.name + ") needs",
                         "put '" + required + ": ...' between two lines '---' at the top");
    }
  }
}

bool Knows(const ComponentSchema& schema, const std::string& field) {
  const auto matches = [&](const std::string& pattern) { return FieldMatches(pattern, field); };
  return std::any_of(schema.required_fields.begin(), schema.required_fields.end(), matches) ||
         std::any_of(schema.optional_fields.begin(), schema.optional_fields.end(), matches);
}

// Fields that no channel which this file serves has a use for.
void CheckUnknownFields(const File& file, const std::vector<const ComponentSchema*>& schemas,
                        Diagnostics* diagnostics) {
  for (const File::Field& field : file.fields) {
    const bool known =
        std::any_of(schemas.begin(), schemas.end(), [&](const ComponentSchema* schema) {
          return schema == nullptr || Knows(*schema, field.key);
        });
    if (known) {
      continue;
    }
    std::vector<std::string> names;
    for (const ComponentSchema* schema : schemas) {
      names.insert(names.end(), schema->required_fields.begin(), schema->required_fields.end());
      names.insert(names.end(), schema->optional_fields.begin(), schema->optional_fields.end());
    }
    diagnostics->Warning(PlaceIn(file.path, file.text, field.offset),
                         "no channel of this template has a field " + Quote(field.key),
                         Choices(field.key, names));
  }
}

}  // namespace

std::string ExampleLink(const std::string& name) {
  return "https://example.com/" + name;
}

TemplateSet::TemplateSet(std::string default_locale, PublicNames public_names)
    : default_locale_(std::move(default_locale)), public_names_(std::move(public_names)) {
}
TemplateSet::~TemplateSet() = default;
TemplateSet::TemplateSet(TemplateSet&&) noexcept = default;
TemplateSet& TemplateSet::operator=(TemplateSet&&) noexcept = default;

void TemplateSet::Add(const std::string& path, std::string text, const ChannelSchemas* channels,
                      Diagnostics* diagnostics) {
  constexpr std::string_view kEnding = ".mustache";
  constexpr std::string_view kHtmlEnding = ".html";
  if (text.size() > limits::kTemplateBytesMax || !IsUtf8(text)) {
    diagnostics->Error({path, 0, 0},
                       text.size() > limits::kTemplateBytesMax ? "the template is too large"
                                                               : "the template is not UTF-8",
                       text.size() > limits::kTemplateBytesMax
                           ? "at most " + std::to_string(limits::kTemplateBytesMax) + " bytes"
                           : "save the file as UTF-8");
    const std::string_view stem = std::string_view(path).substr(path.rfind('/') + 1);
    broken_.insert(std::string(stem.substr(0, stem.find('.'))));
    return;
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.erase(0, 3);
  }
  auto file = std::make_unique<File>();
  file->path = path;
  file->text = std::move(text);
  std::string_view stem = std::string_view(path).substr(path.rfind('/') + 1);
  stem.remove_suffix(stem.ends_with(kEnding) ? kEnding.size() : 0);
  file->html_part = stem.ends_with(kHtmlEnding);
  stem.remove_suffix(file->html_part ? kHtmlEnding.size() : 0);
  ParseName(stem, channels, file.get(), &told_, diagnostics);
  ParseFrontMatter(file.get(), diagnostics);
  if (file->html_part && !file->fields.empty()) {
    diagnostics->Error({path, 1, 1}, "an HTML version has no front matter",
                       "move it to the template without '.html'");
  }
  CheckBody(*file, diagnostics);
  const MustacheTags scanned = ScanMustache(file->text);
  for (const MustacheMistake& mistake : scanned.mistakes) {
    diagnostics->Error(PlaceIn(path, file->text, mistake.offset), mistake.message, mistake.hint);
  }
  if (scanned.mistakes.empty()) {
    file->Parse();
  }
  for (const MustacheTag& tag : scanned.tags) {
    if (PublicNames::IsPublic(tag.name)) {
      file->links.insert(tag.name);
    }
  }
  for (const auto& other : files_) {
    if (std::tie(other->name, other->locale, other->channel, other->html_part) ==
        std::tie(file->name, file->locale, file->channel, file->html_part)) {
      diagnostics->Error({path, 0, 0}, "the same template as " + other->path, "remove one");
    }
  }
  files_.push_back(std::move(file));
}

const TemplateSet::File* TemplateSet::Find(std::string_view name, std::string_view locale,
                                           std::string_view channel) const {
  const File* best = nullptr;
  std::tuple<bool, bool, int> best_rank;
  for (const auto& file : files_) {
    if (file->name != name || file->html_part ||
        (!file->channel.empty() && file->channel != channel)) {
      continue;
    }
    const int wanted = LocaleRank(file->locale, locale);
    const int fallback = LocaleRank(file->locale, default_locale_);
    if (wanted == 0 && fallback == 0) {
      continue;
    }
    const std::tuple rank(wanted > 0, !file->channel.empty(), wanted > 0 ? wanted : fallback);
    if (best == nullptr || rank > best_rank) {
      best = file.get();
      best_rank = rank;
    }
  }
  return best;
}

const TemplateSet::File* TemplateSet::HtmlOf(const File& file) const {
  const auto found = std::find_if(files_.begin(), files_.end(), [&](const auto& other) {
    return other->html_part && std::tie(other->name, other->locale, other->channel) ==
                                   std::tie(file.name, file.locale, file.channel);
  });
  return found == files_.end() ? nullptr : found->get();
}

std::set<const File*> TemplateSet::Reachable(std::string_view name,
                                             std::string_view channel) const {
  std::set<const File*> reachable;
  for (const auto& file : files_) {
    if (file->name == name) {
      reachable.insert(Find(name, file->locale, channel));
    }
  }
  reachable.insert(Find(name, default_locale_, channel));
  reachable.erase(nullptr);
  return reachable;
}

std::optional<Rendered> TemplateSet::Render(std::string_view name, std::string_view locale,
                                            std::string_view channel, MustacheVariables variables,
                                            const LinkMaker& make_link) const {
  const File* file = Find(name, locale, channel);
  if (file == nullptr) {
    return std::nullopt;
  }
  const File* html = HtmlOf(*file);
  std::set<std::string> links = file->links;
  if (html != nullptr) {
    links.insert(html->links.begin(), html->links.end());
  }
  for (const std::string& link : links) {
    variables.emplace_back(link, make_link(link));
  }
  Rendered rendered;
  for (const File::Field& field : file->fields) {
    rendered.fields.emplace_back(field.key, field.parsed.Render(variables));
  }
  rendered.text = file->parsed.Render(variables);
  while (rendered.text.ends_with('\n') || rendered.text.ends_with('\r')) {
    rendered.text.pop_back();
  }
  if (html != nullptr) {
    rendered.html = html->parsed.Render(variables);
  }
  return rendered;
}

std::vector<std::string> TemplateSet::Names() const {
  std::set<std::string> names;
  for (const auto& file : files_) {
    names.insert(file->name);
  }
  return {names.begin(), names.end()};
}

void TemplateSet::TellMissing(const Use& use, const std::string& channel,
                              Diagnostics* diagnostics) const {
  const auto named = std::find_if(files_.begin(), files_.end(),
                                  [&](const auto& file) { return file->name == use.name; });
  if (named == files_.end()) {
    const std::string hint = Choices(use.name, Names());
    diagnostics->Error(use.place, "no template " + Quote(use.name),
                       hint.starts_with("did") ? hint
                                               : "write " + use.name +
                                                     ".mustache in the folder "
                                                     "of templates");
    return;
  }
  diagnostics->Error(use.place,
                     "no template " + Quote(use.name) + " for channel " + Quote(channel) + " in " +
                         default_locale_,
                     "write " + use.name + "." + default_locale_ + "." + channel + ".mustache");
}

// HTML versions that nobody would ever get.
void TemplateSet::CheckHtml(const Use& use, const ChannelSchemas& channels,
                            Diagnostics* diagnostics) const {
  for (const auto& file : files_) {
    if (!file->html_part || file->name != use.name) {
      continue;
    }
    const bool has_text = std::any_of(files_.begin(), files_.end(), [&](const auto& other) {
      return !other->html_part && HtmlOf(*other) == file.get();
    });
    const bool has_reader = std::any_of(channels.begin(), channels.end(), [&](const auto& channel) {
      return channel.second->html && (file->channel.empty() || file->channel == channel.first);
    });
    if (!has_text) {
      std::string text = file->path;
      text.erase(text.rfind(".html"), 5);
      diagnostics->Error({file->path, 0, 0}, "an HTML version without its text",
                         "write " + text + ", which is read where HTML is not");
    } else if (!has_reader) {
      diagnostics->Error({file->path, 0, 0}, "an HTML version that no channel sends",
                         "remove it, or name a channel that sends HTML, such as one of smtp");
    }
  }
}

void TemplateSet::Bind(const Use& use, const ChannelSchemas* channels, VariableBinder* binder,
                       Diagnostics* diagnostics) const {
  std::map<const File*, std::vector<const ComponentSchema*>> served;
  for (const std::string& channel : use.via) {
    const auto found =
        channels == nullptr ? ChannelSchemas::const_iterator() : channels->find(channel);
    if (channels != nullptr && found == channels->end()) {
      continue;  // told as an unknown channel
    }
    const ComponentSchema* schema = channels == nullptr ? nullptr : found->second;
    // One that could not be read was told as such.
    if (Find(use.name, default_locale_, channel) == nullptr && !broken_.contains(use.name)) {
      TellMissing(use, channel, diagnostics);
    }
    for (const File* file : Reachable(use.name, channel)) {
      served[file].push_back(schema);
      if (schema != nullptr) {
        CheckFields(*file, channel, *schema, diagnostics);
      }
    }
  }
  if (channels != nullptr) {
    CheckHtml(use, *channels, diagnostics);
  }
  for (const auto& [file, schemas] : served) {
    if (const File* html = HtmlOf(*file)) {
      if (file->html()) {
        diagnostics->Error({html->path, 0, 0}, "the HTML version of what is HTML already",
                           "make " + file->path + " plain text, or remove one");
      }
      binder->Add(
          html->body,
          [html](size_t offset) {
            return PlaceIn(html->path, html->text, html->body_offset + offset);
          },
          &public_names_);
    }
    CheckUnknownFields(*file, schemas, diagnostics);
    for (const File::Field& field : file->fields) {
      binder->Add(
          field.value,
          [f = file, &field](size_t offset) {
            return PlaceIn(f->path, f->text, field.offset + offset);
          },
          &public_names_);
    }
    binder->Add(
        file->body,
        [f = file](size_t offset) { return PlaceIn(f->path, f->text, f->body_offset + offset); },
        &public_names_);
    for (const ComponentSchema* schema : schemas) {
      if (schema != nullptr && schema->sms.has_value()) {
        CheckSms({.text = file->body,
                  .place = PlaceIn(file->path, file->text, file->body_offset),
                  .provider = schema->name,
                  .shop_name = use.shop_name,
                  .marketing = use.marketing},
                 *schema->sms, diagnostics);
      }
    }
  }
}

std::vector<std::pair<std::string, std::string>> TemplateSet::FilesOf(std::string_view name) const {
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& file : files_) {
    if (file->name == name) {
      files.emplace_back(file->path, file->text);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace huitou::config
