// How a component (a channel, a coupon provider) says what settings it takes: one table serves
// validation, the JSON Schema, the reference pages and the constructor. Plain data; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "triggers/base/sms_size.h"
#include "triggers/base/time.h"

namespace huitou::config {

enum class SettingType : uint8_t {
  kString,
  kInteger,
  kBoolean,
  kDuration,  // "10s"
  kRate,      // "100/s", "1000/m", "5000/d"
  kUrl,       // http, https, smtp or smtps
  kSecret,    // only as env:NAME or file:PATH; the value is read when starting
  kPath,      // relative to the file that names it
  kEnum,
  kProperties,  // a map from names to texts or secrets; kept as a JSON object of texts
};

struct Setting {
  std::string name;
  SettingType type = SettingType::kString;
  bool required = false;
  std::string default_value = {};         // as it would be written in YAML; empty for none
  std::vector<std::string> choices = {};  // of kEnum
  std::string help = {};                  // one sentence, for the reference
  std::string example = {};               // of kUrl, for who writes it wrong; empty: an https one
};

// What a channel needs of a customer; decides the contact gate.
enum class Address : uint8_t {
  kNone,
  kPhone,
  kEmail,
  kWechatOpenid,
  kAttribute,  // the attribute of the customer that the setting `recipient` names
};
inline constexpr char kRecipientSetting[] = "recipient";

// How what a channel for SMS sends is counted and bounded.
struct SmsRule {
  SmsAlphabet alphabet = SmsAlphabet::kGsm7;
  size_t units_max = 0;  // that the provider takes; 0: no bound is known
};

// Checked settings of one component, as text in canonical form; secrets already resolved.
struct Settings {
  std::map<std::string, std::string> values;

  std::string Get(const std::string& name) const {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  }
};

struct ComponentSchema {
  std::string name;  // the word after `provider:`
  std::string help;
  std::vector<Setting> settings;
  // Channels only:
  Address address = Address::kNone;
  // Of kAttribute: the attribute is the customer's own, as a phone is, so that who has it is whom a
  // callback means; not one that many share, such as the employee who looks after them.
  bool attribute_is_own = false;
  std::optional<SmsRule> sms = {};
  // Front-matter fields that a template for this channel must / may have ("subject", "code");
  // "param.*" stands for any name behind the dot.
  std::vector<std::string> required_fields;
  std::vector<std::string> optional_fields;
  bool html = false;  // whether it sends an HTML version beside the text
  // Whether the provider refuses marketing to who has not said yes to it: then `consent:` of the
  // shop file cannot say opt_out.
  bool needs_yes = false;
  // What works, but hardly as meant, and what to do instead; nothing when all is well.
  struct Advice {
    std::string message;
    std::string hint;
  };
  std::optional<Advice> (*advise)(const Settings& settings) = nullptr;
};

}  // namespace huitou::config
