#include "channels/twilio_signature.h"

#include <map>
#include <set>

#include "channels/crypto.h"

namespace huitou::channels {
namespace {

// Names in order, each with its distinct values in order.
std::string SignedFields(const FormFields& fields) {
  std::map<std::string, std::set<std::string>> sorted;
  for (const auto& [name, value] : fields) {
    sorted[name].insert(value);
  }
  std::string text;
  for (const auto& [name, values] : sorted) {
    for (const std::string& value : values) {
      text += name;
      text += value;
    }
  }
  return text;
}

}  // namespace

std::string TwilioSignature(std::string_view auth_token, std::string_view url,
                            const FormFields& fields) {
  return ToBase64(HmacSha1(auth_token, std::string(url) + SignedFields(fields)));
}

bool IsTwilioSigned(std::string_view auth_token, std::string_view url, const FormFields& fields,
                    std::string_view signature) {
  const std::optional<Url> parsed = ParseUrl(url);
  if (!parsed) {
    return false;
  }
  const std::string& authority = parsed->authority;
  const size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string::npos && authority.find(']', colon) == std::string::npos;
  const std::string host = authority.substr(0, has_port ? colon : std::string::npos);
  const std::string usual = parsed->scheme == "https" ? ":443" : ":80";
  const std::string port = has_port ? authority.substr(colon) : usual;
  const std::string path(url.substr(url.find("://") + 3 + authority.size()));
  const std::string start = parsed->scheme + "://" + host;
  // Both are computed, so that the time does not tell which one came near.
  const bool without = SameSecret(TwilioSignature(auth_token, start + path, fields), signature);
  const bool with = SameSecret(TwilioSignature(auth_token, start + port + path, fields), signature);
  return without || with;
}

}  // namespace huitou::channels
