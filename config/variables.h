// The variables of templates, bound to the core's vocabulary: each {{path}} is compiled as a
// condition's path is, and one that may be missing must be guarded or have a default.
//
// A name without a dot is an attribute of the customer: {{name}} is customer.attributes.name.
//
// Example:
//   VariableBinder binder({.names = names, .held = held, .place = place}, defaults, &diagnostics);
//   binder.Add("Hi {{customer.id}}", locate);
//   step.variables = binder.Finish();
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/coupons_held.h"
#include "config/diagnostic.h"
#include "config/mustache.h"
#include "config/reader.h"
#include "triggers/campaign.h"
#include "triggers/cel/cel.h"

namespace huitou::config {

// An entry of `defaults:`: what a variable says where it is missing.
struct TemplateDefault {
  std::string name;  // as written: "name" or "customer.attributes.name"
  std::string text;
  Place place = {};
};
using TemplateDefaults = std::vector<TemplateDefault>;
TemplateDefaults ReadDefaults(const Value& value);

// What a template may say that is no variable of the core, as the daemon makes it for each message:
// {{unsubscribe_url}} and {{link.NAME}}.
class PublicNames {
 public:
  // Not known which there are: all are taken.
  PublicNames() = default;
  // `links`: those of the config file's `public:`; nothing where it has none.
  explicit PublicNames(std::optional<std::set<std::string>> links)
      : known_(true), links_(std::move(links)) {}

  static bool IsPublic(std::string_view name);
  // Tells a link that is not in the config file, and what is left out without `public:`.
  void Check(const std::string& name, const Place& place, Diagnostics* diagnostics) const;

 private:
  bool known_ = false;
  std::optional<std::set<std::string>> links_;
};

// The step that reads the variables.
struct ReadingStep {
  const StepNames& names;
  const CouponsHeld* held = nullptr;  // null: coupons are not asked after
  Place place = {};
};

class VariableBinder {
 public:
  VariableBinder(const ReadingStep& step, const TemplateDefaults& defaults,
                 Diagnostics* diagnostics);

  // Tells where a byte of a text stands.
  using Locator = std::function<Place(size_t offset)>;
  // Scans a text and binds its tags, but for those of `names`, where the text may have them.
  void Add(std::string_view text, const Locator& locate, const PublicNames* names = nullptr);
  void Bind(const MustacheTag& tag, const Locator& locate);
  // All variables, by name; warns of defaults that no text reads.
  std::vector<TemplateVariable> Finish();

 private:
  struct Bound {
    TemplateVariable variable;  // a null value: told already
    bool may_miss = false;
    bool has_default = false;
  };
  Bound* Compile(const MustacheTag& tag, const Locator& locate);
  // Whether it is a field of a coupon that may not have been issued.
  bool LacksCoupon(const std::string& name) const;
  void TellMissing(const MustacheTag& tag, const Locator& locate);
  const TemplateDefault* DefaultOf(const std::string& name) const;

  const ReadingStep step_;
  const cel::Environment environment_;
  const TemplateDefaults& defaults_;
  Diagnostics* diagnostics_;
  std::map<std::string, Bound> bound_;
};

}  // namespace huitou::config
