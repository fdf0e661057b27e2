#include "daemon/app/campaign_versions.h"

#include <charconv>
#include <set>
#include <utility>

namespace huitou {

namespace {

// Texts are framed by their lengths: "<bytes>:<text>".
void AppendPart(std::string* out, std::string_view part) {
  out->append(std::to_string(part.size())).append(":").append(part);
}

bool TakePart(std::string_view* in, std::string* part) {
  size_t size = 0;
  const auto [end, error] = std::from_chars(in->data(), in->data() + in->size(), size);
  const auto digits = static_cast<size_t>(end - in->data());
  if (error != std::errc() || digits >= in->size() || (*in)[digits] != ':' ||
      size > in->size() - digits - 1) {
    return false;
  }
  part->assign(in->substr(digits + 1, size));
  in->remove_prefix(digits + 1 + size);
  return true;
}

// Versions that an open episode of any shard runs.
Result<std::set<uint64_t>> OpenVersions(const Store& store) {
  std::set<uint64_t> open;
  for (uint16_t shard = 0; shard < store.shards(); ++shard) {
    auto state = store.ReadState(shard);
    if (!state.ok()) {
      return state.status();
    }
    for (const auto& [version, count] : state->open_versions) {
      if (count > 0) {
        open.insert(version);
      }
    }
  }
  return open;
}

}  // namespace

std::string EncodeCampaignText(const config::CampaignText& source) {
  std::string out;
  AppendPart(&out, source.id);
  AppendPart(&out, std::to_string(source.version));
  AppendPart(&out, source.file);
  AppendPart(&out, source.text);
  for (const auto& [path, text] : source.templates) {
    AppendPart(&out, path);
    AppendPart(&out, text);
  }
  return out;
}

std::optional<config::CampaignText> DecodeCampaignText(std::string_view encoded) {
  config::CampaignText source;
  std::string version;
  if (!TakePart(&encoded, &source.id) || !TakePart(&encoded, &version) ||
      !TakePart(&encoded, &source.file) || !TakePart(&encoded, &source.text)) {
    return std::nullopt;
  }
  const auto [end, error] =
      std::from_chars(version.data(), version.data() + version.size(), source.version);
  while (!encoded.empty()) {
    std::string path;
    std::string text;
    if (!TakePart(&encoded, &path) || !TakePart(&encoded, &text)) {
      return std::nullopt;
    }
    source.templates.emplace_back(std::move(path), std::move(text));
  }
  return error == std::errc() && *end == '\0' ? std::optional(std::move(source)) : std::nullopt;
}

Result<Plays> MakePlays(std::shared_ptr<config::Loaded> loaded,
                        const config::ChannelSchemas& channels, const std::set<std::string>& paused,
                        Store* store) {
  Plays plays;
  auto set = std::make_shared<CampaignSet>(*loaded->campaigns);
  set->paused = paused;
  std::set<uint64_t> current;
  for (const config::LoadedCampaign& campaign : loaded->files) {
    current.insert(campaign.campaign->version);
    if (Status status =
            store->PutCampaign(campaign.campaign->version, EncodeCampaignText(campaign.source));
        !status.ok()) {
      return status;
    }
  }
  auto stored = store->ReadCampaigns();
  auto open = OpenVersions(*store);
  if (!stored.ok() || !open.ok()) {
    return stored.ok() ? open.status() : stored.status();
  }
  for (const auto& [version, encoded] : *stored) {
    if (current.contains(version)) {
      continue;
    }
    if (!open->contains(version)) {
      if (Status status = store->DropCampaign(version); !status.ok()) {
        return status;
      }
      continue;
    }
    const auto source = DecodeCampaignText(encoded);
    config::Diagnostics diagnostics;
    auto campaign = source.has_value() ? config::CompileCampaign(*source, loaded->campaigns->shop,
                                                                 channels, &diagnostics)
                                       : nullptr;
    if (campaign == nullptr) {
      plays.lost.push_back(source.has_value() ? source->id : std::to_string(version));
      continue;
    }
    auto templates = std::make_shared<config::TemplateSet>(set->shop.locale);
    for (const auto& [path, text] : source->templates) {
      templates->Add(path, text, &channels, &diagnostics);
    }
    plays.retired_templates.emplace(version, std::move(templates));
    set->retired.push_back(std::move(campaign));
  }
  if (!loaded->config.public_door.url.empty()) {
    plays.links = std::make_shared<channels::PublicLinks>(loaded->config.public_door);
  }
  plays.set = std::move(set);
  // The templates live in what was loaded.
  plays.templates = std::shared_ptr<const config::TemplateSet>(loaded, &loaded->templates);
  return plays;
}

}  // namespace huitou
