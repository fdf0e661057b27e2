#include "config/variables.h"

#include <algorithm>
#include <utility>

#include "triggers/vocabulary.h"

namespace huitou::config {
namespace {

bool IsPath(std::string_view name) {
  const bool letters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  });
  return letters && !name.empty() && name.front() != '.' && name.back() != '.' &&
         name.find("..") == std::string_view::npos && !(name[0] >= '0' && name[0] <= '9');
}

constexpr std::string_view kLastCoupon = "coupon";
constexpr std::string_view kCoupons = "coupons.";

// "coupons.big" of "coupons.big.code", "coupon" of "coupon.code"; empty for other variables.
std::string CouponOf(const std::string& name) {
  const std::string object = name.substr(0, std::min(name.rfind('.'), name.size()));
  return object == kLastCoupon || object.starts_with(kCoupons) ? object : std::string();
}

// A section around it is its own, or that of another field of the same coupon.
bool IsGuarded(const MustacheTag& tag) {
  const std::string coupon = CouponOf(tag.name);
  const bool is_dated = tag.name.ends_with(".expires_at");
  return std::any_of(tag.sections.begin(), tag.sections.end(), [&](const std::string& section) {
    const std::string other = CouponOf(section);
    // Whichever coupon is there, one has been issued.
    return section == tag.name || (!coupon.empty() && !is_dated && !other.empty() &&
                                   (coupon == other || coupon == kLastCoupon));
  });
}

constexpr std::string_view kUnsubscribe = "unsubscribe_url";
constexpr std::string_view kLink = "link.";

}  // namespace

bool PublicNames::IsPublic(std::string_view name) {
  return name == kUnsubscribe || name.starts_with(kLink);
}

void PublicNames::Check(const std::string& name, const Place& place,
                        Diagnostics* diagnostics) const {
  if (!known_) {
    return;
  }
  if (!links_) {
    diagnostics->Warning(place, Quote(name) + " is left out: the config file has no 'public:'",
                         "add 'public: {url: ..., secret: env:NAME}', where customers reach the "
                         "daemon");
    return;
  }
  const std::string link = name == kUnsubscribe ? "" : name.substr(kLink.size());
  if (!link.empty() && !links_->contains(link)) {
    diagnostics->Error(place, "no link " + Quote(link) + " in the config file's 'public:'",
                       links_->empty() ? "add it under 'links:'"
                                       : Choices(link, {links_->begin(), links_->end()}));
  }
}

TemplateDefaults ReadDefaults(const Value& value) {
  TemplateDefaults defaults;
  for (const Value& entry : value.Entries()) {
    if (auto text = entry.Text()) {
      defaults.push_back(
          {entry.name(), std::move(*text), entry.reader().document().PlaceOf(entry.name_node())});
    }
  }
  return defaults;
}

VariableBinder::VariableBinder(const ReadingStep& step, const TemplateDefaults& defaults,
                               Diagnostics* diagnostics)
    : step_(step),
      environment_(TemplateEnvironment(step.names)),
      defaults_(defaults),
      diagnostics_(diagnostics) {
}

void VariableBinder::Add(std::string_view text, const Locator& locate, const PublicNames* names) {
  const MustacheTags found = ScanMustache(text);
  for (const MustacheMistake& mistake : found.mistakes) {
    diagnostics_->Error(locate(mistake.offset), mistake.message, mistake.hint);
  }
  for (const MustacheTag& tag : found.tags) {
    if (names != nullptr && PublicNames::IsPublic(tag.name)) {
      names->Check(tag.name, locate(tag.offset), diagnostics_);
    } else {
      Bind(tag, locate);
    }
  }
}

void VariableBinder::Bind(const MustacheTag& tag, const Locator& locate) {
  const auto known = bound_.find(tag.name);
  const Bound* bound = known != bound_.end() ? &known->second : Compile(tag, locate);
  if (bound != nullptr && bound->may_miss && !bound->has_default && !IsGuarded(tag)) {
    TellMissing(tag, locate);
  }
}

void VariableBinder::TellMissing(const MustacheTag& tag, const Locator& locate) {
  const std::string section = "{{#" + tag.name + "}}...{{/" + tag.name + "}}";
  if (LacksCoupon(tag.name)) {
    diagnostics_->Error(
        locate(tag.offset),
        Quote(tag.name) + " may be missing: the coupon may not have been issued when " +
            step_.place.file + ':' + std::to_string(step_.place.line) + " sends this",
        "write " + section + " around what speaks of it, or send another text without a coupon");
    return;
  }
  diagnostics_->Error(
      locate(tag.offset), Quote(tag.name) + " may be missing",
      "write " + section + " around it, or give it a value in the step's 'defaults:'");
}

bool VariableBinder::LacksCoupon(const std::string& name) const {
  const std::string coupon = CouponOf(name);
  const std::string field = name.substr(name.rfind('.') + 1);
  if (step_.held == nullptr || coupon.empty() || field == "issued" || field == "redeemed" ||
      field == "expired") {
    return false;
  }
  return coupon == kLastCoupon ? !step_.held->Any()
                               : !step_.held->Holds(coupon.substr(kCoupons.size()));
}

VariableBinder::Bound* VariableBinder::Compile(const MustacheTag& tag, const Locator& locate) {
  const std::string& name = tag.name;
  if (!IsPath(name)) {
    diagnostics_->Error(locate(tag.offset), Quote(name) + " is no variable",
                        "write a path such as {{customer.attributes.name}}");
    return nullptr;
  }
  const bool is_short =
      name.find('.') == std::string::npos && environment_.FindVariable(name) == nullptr;
  const std::string path = is_short ? "customer.attributes." + name : name;
  if (path.starts_with("coupon.") && step_.names.coupons.empty()) {
    diagnostics_->Error(locate(tag.offset), Quote(name) + " where no coupon is issued",
                        "add a coupon step before the message");
    return nullptr;
  }
  cel::Compiled compiled = cel::Compile(path, environment_);
  for (const cel::CompileError& error : compiled.errors) {
    diagnostics_->Error(locate(tag.offset + (is_short ? 0 : error.offset)), error.message,
                        error.hint);
  }
  if (!compiled.ok()) {
    return nullptr;
  }
  const cel::Type::Tag shape = compiled.program->result_type().tag();
  if (shape == cel::Type::Tag::kObject || shape == cel::Type::Tag::kMap) {
    const cel::Environment::ObjectDecl* object =
        shape == cel::Type::Tag::kMap
            ? nullptr
            : environment_.FindObject(compiled.program->result_type().object_name());
    const bool has_fields = object != nullptr && !object->fields.empty();
    diagnostics_->Error(locate(tag.offset), Quote(name) + " is not a single value",
                        has_fields ? "name one of its fields, such as {{" + name + "." +
                                         object->fields.front().name + "}}"
                                   : "name one of its entries: {{" + name + ".NAME}}");
    return nullptr;
  }
  Bound& bound = bound_[name];
  bound.variable.name = name;
  bound.may_miss = !compiled.program->optional_reads().empty() || LacksCoupon(name);
  bound.variable.value = std::move(compiled.program);
  if (const TemplateDefault* text = DefaultOf(name)) {
    bound.variable.default_text = text->text;
    bound.has_default = true;
  }
  return &bound;
}

const TemplateDefault* VariableBinder::DefaultOf(const std::string& name) const {
  for (const TemplateDefault& entry : defaults_) {
    if (entry.name == name || "customer.attributes." + entry.name == name ||
        entry.name == "customer.attributes." + name) {
      return &entry;
    }
  }
  return nullptr;
}

std::vector<TemplateVariable> VariableBinder::Finish() {
  std::vector<std::string> names;
  std::vector<TemplateVariable> variables;
  for (auto& [name, bound] : bound_) {
    names.push_back(name);
    variables.push_back(bound.variable);
  }
  for (const TemplateDefault& entry : defaults_) {
    const bool read = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return DefaultOf(name) == &entry;
    });
    if (!read) {
      diagnostics_->Warning(entry.place, "no template reads " + Quote(entry.name),
                            Choices(entry.name, names));
    }
  }
  return variables;
}

}  // namespace huitou::config
