#include "config/loader.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "config/code_file.h"
#include "config/files.h"
#include "config/limits.h"
#include "config/shop_file.h"
#include "triggers/base/hash.h"

namespace huitou::config {
namespace {

const std::vector<std::string_view> kYamlEndings = {".yaml", ".yml"};
const std::vector<std::string_view> kTemplateEndings = {".mustache"};

constexpr char kNamedYaml[] = "they are named *.yaml";

enum class FileKind : uint8_t { kCampaign, kShop, kConfig };

FileKind KindOf(const Document& document) {
  for (const auto& [key, value] : document.root().entries) {
    // With a misspelt `campaign:` its other keys still tell.
    if (key->text == "campaign" || key->text == "trigger" || key->text == "steps") {
      return FileKind::kCampaign;
    }
    if (key->text == "shop" && value != nullptr && value->kind == Node::Kind::kMap) {
      return FileKind::kShop;
    }
  }
  return FileKind::kConfig;
}

void CollectTemplates(const std::vector<Step>& steps, std::set<std::string>* names) {
  for (const Step& step : steps) {
    if (const auto* send = std::get_if<SendStep>(&step.action)) {
      names->insert(send->template_name);
    } else if (const auto* branch = std::get_if<BranchStep>(&step.action)) {
      for (const BranchArm& arm : branch->arms) {
        CollectTemplates(arm.steps, names);
      }
    }
  }
}

uint64_t VersionOf(const CampaignText& source) {
  std::string all = source.text;
  for (const auto& [path, text] : source.templates) {
    // The folder's place does not matter, the file's name does: it says locale and channel.
    all.append(1, '\0').append(path, path.rfind('/') + 1).append(1, '\0').append(text);
  }
  return Hash64(all);
}

CampaignSet::Contact ContactOf(const ComponentSchema* schema) {
  switch (schema == nullptr ? Address::kNone : schema->address) {
    case Address::kNone:
      return CampaignSet::Contact::kNone;
    case Address::kPhone:
      return CampaignSet::Contact::kPhone;
    case Address::kEmail:
      return CampaignSet::Contact::kEmail;
    case Address::kWechatOpenid:
      return CampaignSet::Contact::kWechatOpenid;
    case Address::kAttribute:
      return CampaignSet::Contact::kAttribute;
  }
  return CampaignSet::Contact::kNone;
}

// A config that is not read, or is broken, says nothing.
PublicNames NamesOf(const DaemonConfig& config) {
  if (config.file.empty()) {
    return PublicNames();
  }
  std::optional<std::set<std::string>> links;
  if (!config.public_door.url.empty()) {
    links.emplace();
    for (const auto& [name, target] : config.public_door.links) {
      links->insert(name);
    }
  }
  return PublicNames(std::move(links));
}

// One run over the files, in the order in which they need each other.
class Loader {
 public:
  Loader(const LoadRequest& request, const ComponentSchemas& schemas)
      : request_(request), schemas_(schemas) {}

  Loaded Run() {
    LoadConfig();
    LoadShop();
    LoadTemplates();
    LoadCampaigns();
    return Finish();
  }

 private:
  // Null when the file cannot be read or is no YAML (told).
  std::unique_ptr<Document> Open(const std::string& path, const Place& named) {
    Result<std::string> text = ReadWholeFile(path);
    if (!text.ok()) {
      TellUnreadable(path, named, text.status());
      return nullptr;
    }
    return Document::Parse(path, std::move(*text), &diagnostics_);
  }

  // At the place that names the file, if a file does.
  void TellUnreadable(const std::string& path, const Place& named, const Status& status) {
    unreadable_ = true;
    if (named.line == 0) {
      diagnostics_.Error({path, 0, 0}, "cannot read the file: " + status.message());
    } else {
      diagnostics_.Error(named, "cannot read " + Quote(path) + ": " + status.message());
    }
  }

  void LoadConfig() {
    if (request_.config.empty()) {
      return;
    }
    // A config that is only asked for its channels keeps its warnings to itself.
    Diagnostics aside;
    std::swap(aside, diagnostics_);
    if (const auto document = Open(request_.config, {})) {
      const bool good =
          ParseDaemonConfig(*document, schemas_, request_.secrets, &loaded_.config, &diagnostics_);
      channels_ = loaded_.config.Channels(schemas_);
      // One mistake is told once: what a broken config does not name may be what is misspelt there.
      channels_known_ = good || !channels_.empty();
      shop_complete_ = good || !loaded_.config.shop.empty();
    } else {
      shop_complete_ = false;
    }
    std::swap(aside, diagnostics_);
    for (const Diagnostic& d : aside.Sorted()) {
      const Place place{d.file, d.line, d.column};
      if (d.severity == Severity::kError) {
        diagnostics_.Error(place, d.message, d.hint);
      } else if (request_.paths.empty() && d.severity == Severity::kWarning) {
        diagnostics_.Warning(place, d.message, d.hint);
      } else if (request_.paths.empty()) {
        diagnostics_.Note(place, d.message, d.hint);
      }
    }
  }

  void LoadShop() {
    shop_ = DefaultShop();
    const std::string path = request_.shop.empty() ? loaded_.config.shop : request_.shop;
    if (path.empty()) {
      shop_.currency = shop_complete_ ? shop_.currency : Currency();
      return;
    }
    const auto document = Open(path, request_.shop.empty() ? loaded_.config.shop_place : Place());
    std::vector<NamedFile> code_files;
    shop_complete_ = document != nullptr &&
                     ParseShop(*document, ChannelsOrNull(), &shop_, &diagnostics_, &code_files);
    shop_.currency = document == nullptr ? Currency() : shop_.currency;
    for (const NamedFile& file : request_.code_files ? code_files : std::vector<NamedFile>()) {
      unreadable_ = !CheckCodeFile(file.path, file.place, &diagnostics_) || unreadable_;
      loaded_.code_files.push_back(file.path);
    }
  }

  void LoadTemplates() {
    loaded_.templates = TemplateSet(shop_.locale, NamesOf(loaded_.config));
    if (loaded_.config.templates.empty()) {
      return;
    }
    const auto files = ListFiles(loaded_.config.templates, kTemplateEndings, false);
    if (!files.ok()) {
      TellUnreadable(loaded_.config.templates, loaded_.config.templates_place, files.status());
      return;
    }
    if (files->size() > limits::kTemplatesMax) {
      diagnostics_.Error(loaded_.config.templates_place, "too many templates",
                         "at most " + std::to_string(limits::kTemplatesMax));
      return;
    }
    templates_known_ = true;
    for (const std::string& path : *files) {
      Result<std::string> text = ReadWholeFile(path);
      if (text.ok()) {
        loaded_.templates.Add(path, std::move(*text), ChannelsOrNull(), &diagnostics_);
      } else {
        TellUnreadable(path, {}, text.status());
      }
    }
  }

  void LoadCampaigns() {
    const bool own = !request_.paths.empty();
    const std::vector<std::string>& paths = own ? request_.paths : loaded_.config.campaigns;
    for (size_t i = 0; i < paths.size(); ++i) {
      const Place named = own ? Place() : loaded_.config.campaign_places[i];
      const auto files = ListFiles(paths[i], kYamlEndings, false);
      if (!files.ok()) {
        TellUnreadable(paths[i], named, files.status());
        continue;
      }
      if (files->empty() && own) {
        unreadable_ = true;
        diagnostics_.Error({paths[i], 0, 0}, "no campaign in this folder", kNamedYaml);
      } else if (files->empty()) {
        diagnostics_.Warning(named, "no campaign in this folder", kNamedYaml);
      }
      for (const std::string& file : *files) {
        if (seen_.insert(CanonicalPath(file)).second) {
          LoadCampaign(file, named);
        }
      }
    }
    if (seen_.size() > limits::kCampaignsMax) {
      diagnostics_.Error({paths.front(), 0, 0}, "too many campaigns",
                         "at most " + std::to_string(limits::kCampaignsMax));
    }
  }

  void LoadCampaign(const std::string& path, const Place& named) {
    const auto document = Open(path, named);
    if (document == nullptr) {
      return;
    }
    if (KindOf(*document) != FileKind::kCampaign) {
      diagnostics_.Error(document->PlaceOf(document->root()), "not a campaign",
                         "a campaign begins with 'campaign: NAME'");
      return;
    }
    const CampaignContext context{.shop = shop_,
                                  .shop_complete = shop_complete_,
                                  .channels = ChannelsOrNull(),
                                  .templates = templates_known_ ? &loaded_.templates : nullptr,
                                  .coupons_local = CouponsLocal()};
    ParsedCampaign parsed = ParseCampaign(*document, context, &diagnostics_);
    LoadedCampaign loaded;
    loaded.tests = ParseCampaignTests(*document, context, parsed.campaign.get(), &diagnostics_);
    if (!parsed.id.empty()) {
      const auto [other, is_new] = ids_.emplace(parsed.id, parsed.id_place);
      if (!is_new) {
        diagnostics_.Error(
            parsed.id_place, "another campaign has the id " + Quote(parsed.id),
            "it is in " + other->second.file + ':' + std::to_string(other->second.line));
        return;
      }
    }
    if (parsed.campaign == nullptr) {
      return;
    }
    loaded.source = {parsed.id, 0, path, document->text(), {}};
    std::set<std::string> names;
    CollectTemplates(parsed.campaign->steps, &names);
    for (const std::string& name : names) {
      for (auto& file : loaded_.templates.FilesOf(name)) {
        loaded.source.templates.push_back(std::move(file));
      }
    }
    loaded.source.version = VersionOf(loaded.source);
    parsed.campaign->version = loaded.source.version;
    loaded.campaign = std::move(parsed.campaign);
    loaded_.files.push_back(std::move(loaded));
  }

  Loaded Finish() {
    loaded_.diagnostics = diagnostics_.Sorted();
    loaded_.status = unreadable_                 ? LoadStatus::kUnreadable
                     : diagnostics_.has_errors() ? LoadStatus::kMistakes
                                                 : LoadStatus::kGood;
    if (loaded_.status != LoadStatus::kGood) {
      return std::move(loaded_);
    }
    auto set = std::make_shared<CampaignSet>();
    set->shop = std::move(shop_);
    for (const LoadedCampaign& file : loaded_.files) {
      set->campaigns.push_back(file.campaign);
    }
    std::sort(set->campaigns.begin(), set->campaigns.end(), [](const auto& a, const auto& b) {
      return a->priority != b->priority ? a->priority > b->priority : a->id < b->id;
    });
    for (const auto& [name, schema] : channels_) {
      set->channels[name] = ContactOf(schema);
      if (schema->needs_yes) {
        set->shop.opt_in_by_channel[name] = true;
      }
    }
    for (const ChannelConfig& channel : loaded_.config.channels) {
      if (set->channels[channel.name] == CampaignSet::Contact::kAttribute) {
        const std::string attribute = channel.settings.Get(kRecipientSetting);
        set->recipient_attributes[channel.name] = attribute;
        if (channels_.at(channel.name)->attribute_is_own) {
          set->shop.address_attributes.insert(attribute);
        }
      }
    }
    set->coupons_local = CouponsLocal();
    loaded_.campaigns = std::move(set);
    return std::move(loaded_);
  }

  bool CouponsLocal() const { return loaded_.config.coupons.provider == "local"; }

  // Without a config, or with a broken one, nothing is known of the channels.
  const ChannelSchemas* ChannelsOrNull() const {
    return loaded_.config.file.empty() || !channels_known_ ? nullptr : &channels_;
  }

  const LoadRequest& request_;
  const ComponentSchemas& schemas_;
  Loaded loaded_;
  Diagnostics diagnostics_;
  bool unreadable_ = false;
  ChannelSchemas channels_;
  bool channels_known_ = true;
  Shop shop_;
  bool shop_complete_ = true;
  bool templates_known_ = false;
  std::set<std::string> seen_;  // canonical paths
  std::map<std::string, Place> ids_;
};

}  // namespace

Loaded Load(const LoadRequest& request, const ComponentSchemas& schemas) {
  return Loader(request, schemas).Run();
}

Loaded LoadAll(const std::string& config, const ComponentSchemas& schemas, const Secrets& secrets) {
  return Load({.config = config, .shop = {}, .paths = {}, .secrets = secrets, .code_files = true},
              schemas);
}

std::shared_ptr<const Campaign> CompileCampaign(const CampaignText& source, const Shop& shop,
                                                const ChannelSchemas& channels,
                                                Diagnostics* diagnostics) {
  const auto document = Document::Parse(source.file, source.text, diagnostics);
  if (document == nullptr) {
    return nullptr;
  }
  TemplateSet templates(shop.locale);
  for (const auto& [path, text] : source.templates) {
    templates.Add(path, text, &channels, diagnostics);
  }
  // It was checked when it was new; a channel or budget that is gone since must not orphan the
  // episodes that are open.
  const CampaignContext context{.shop = shop,
                                .shop_complete = false,
                                .channels = nullptr,
                                .templates = &templates,
                                .coupons_checked = false};
  ParsedCampaign parsed = ParseCampaign(*document, context, diagnostics);
  if (parsed.campaign != nullptr) {
    parsed.campaign->version = source.version;
  }
  return parsed.campaign;
}

namespace {

// The files that `check` was given, told apart by what they hold.
struct Sorted {
  std::vector<std::string> campaigns;
  std::vector<std::string> shops;
  std::vector<std::string> configs;
};

class Checker {
 public:
  Checker(const LoadRequest& request, const ComponentSchemas& schemas)
      : request_(request), schemas_(schemas) {}

  CheckResult Run() {
    for (const std::string& path : request_.paths) {
      Sort(path);
    }
    for (const std::string& config : files_.configs) {
      Keep(LoadAll(config, schemas_, request_.secrets), /*whole=*/true);
    }
    const std::string context = files_.configs.empty() ? request_.config : files_.configs.front();
    CheckShops(context);
    LoadRequest rest{
        .config = context, .shop = request_.shop, .paths = {}, .secrets = request_.secrets};
    if (rest.shop.empty() && context.empty() && !files_.shops.empty()) {
      rest.shop = files_.shops.front();
    }
    for (const std::string& campaign : files_.campaigns) {
      if (!done_.contains(CanonicalPath(campaign))) {
        rest.paths.push_back(campaign);
      }
    }
    if (!rest.paths.empty()) {
      Keep(Load(rest, schemas_), /*whole=*/false);
    }
    if (context.empty() && !files_.campaigns.empty()) {
      all_.Note({files_.campaigns.front(), 0, 0},
                "without a config file, channels and templates were not checked",
                "add --config FILE");
    }
    result_.diagnostics = all_.Sorted();
    return std::move(result_);
  }

 private:
  void Sort(const std::string& path) {
    const auto files = ListFiles(path, kYamlEndings, true);
    if (!files.ok()) {
      TellUnreadable(path, files.status());
      return;
    }
    if (files->empty()) {
      all_.Error({path, 0, 0}, "nothing to check in this folder", kNamedYaml);
      Raise(LoadStatus::kUnreadable);
    }
    for (const std::string& file : *files) {
      Result<std::string> text = ReadWholeFile(file);
      if (!text.ok()) {
        TellUnreadable(file, text.status());
        continue;
      }
      Diagnostics syntax;
      if (file.ends_with(kTemplateEndings.front())) {
        TemplateSet().Add(file, std::move(*text), nullptr, &syntax);
        Add(syntax.Sorted());
        Raise(syntax.has_errors() ? LoadStatus::kMistakes : LoadStatus::kGood);
        continue;
      }
      const auto document = Document::Parse(file, std::move(*text), &syntax);
      if (document == nullptr) {
        Add(syntax.Sorted());
        Raise(LoadStatus::kMistakes);
        continue;
      }
      switch (KindOf(*document)) {
        case FileKind::kCampaign:
          files_.campaigns.push_back(file);
          break;
        case FileKind::kShop:
          files_.shops.push_back(file);
          break;
        case FileKind::kConfig:
          files_.configs.push_back(file);
          break;
      }
    }
  }

  // Shop files that no config brought.
  void CheckShops(const std::string& context) {
    for (const std::string& shop : files_.shops) {
      if (done_.contains(CanonicalPath(shop))) {
        continue;
      }
      LoadRequest request{
          .config = context, .shop = shop, .paths = {}, .secrets = {}, .code_files = true};
      Loaded loaded = Load(request, schemas_);
      const auto& codes = loaded.code_files;
      std::erase_if(loaded.diagnostics, [&](const Diagnostic& d) {
        return d.file != shop && std::find(codes.begin(), codes.end(), d.file) == codes.end();
      });
      const bool wrong =
          std::any_of(loaded.diagnostics.begin(), loaded.diagnostics.end(),
                      [](const Diagnostic& d) { return d.severity == Severity::kError; });
      Add(loaded.diagnostics);
      Raise(wrong ? LoadStatus::kMistakes : LoadStatus::kGood);
    }
  }

  void Keep(const Loaded& loaded, bool whole) {
    Add(loaded.diagnostics);
    Raise(loaded.status);
    if (!whole) {
      return;
    }
    done_.insert(CanonicalPath(loaded.config.shop));
    for (const std::string& path : loaded.config.campaigns) {
      if (const auto files = ListFiles(path, kYamlEndings, false); files.ok()) {
        for (const std::string& file : *files) {
          done_.insert(CanonicalPath(file));
        }
      }
    }
  }

  void TellUnreadable(const std::string& path, const Status& status) {
    all_.Error({path, 0, 0}, "cannot read the file: " + status.message());
    Raise(LoadStatus::kUnreadable);
  }

  void Add(const std::vector<Diagnostic>& diagnostics) {
    for (const Diagnostic& d : diagnostics) {
      const Place place{d.file, d.line, d.column};
      switch (d.severity) {
        case Severity::kError:
          all_.Error(place, d.message, d.hint);
          break;
        case Severity::kWarning:
          all_.Warning(place, d.message, d.hint);
          break;
        case Severity::kNote:
          all_.Note(place, d.message, d.hint);
          break;
      }
    }
  }

  void Raise(LoadStatus status) { result_.status = std::max(result_.status, status); }

  const LoadRequest& request_;
  const ComponentSchemas& schemas_;
  Sorted files_;
  Diagnostics all_;
  CheckResult result_;
  std::set<std::string> done_;  // canonical paths that a config brought
};

}  // namespace

CheckResult CheckPaths(const LoadRequest& request, const ComponentSchemas& schemas) {
  return Checker(request, schemas).Run();
}

}  // namespace huitou::config
