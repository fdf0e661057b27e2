#include <algorithm>
#include <utility>

#include "config/config_parser.h"
#include "config/config_tables.h"
#include "config/limits.h"

namespace huitou::config {
namespace {

// Of "https://host:port/path": "host:port"; empty when it is no URL that may stand in a header, an
// attribute and a mail.
std::string_view AuthorityOf(std::string_view url, size_t bytes_max) {
  const std::string_view scheme = url.substr(0, url.find("://"));
  const bool plain = std::all_of(url.begin(), url.end(), [](char c) {
    return c > ' ' && c < '\x7f' &&
           std::string_view("<>\"'`\\{}|^").find(c) == std::string_view::npos;
  });
  if ((scheme != "https" && scheme != "http") || scheme.size() == url.size() || !plain ||
      url.size() > bytes_max) {
    return {};
  }
  const std::string_view rest = url.substr(scheme.size() + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  return authority.find('@') == std::string_view::npos ? authority : std::string_view();
}

bool IsLoopback(std::string_view authority) {
  const std::string_view host = authority.substr(0, authority.rfind(':'));
  return host == "127.0.0.1" || host == "[::1]" || host == "localhost";
}

void ParseBase(const Value& value, PublicConfig* config) {
  const auto url = value.Text();
  if (!url) {
    return;
  }
  const std::string_view authority = AuthorityOf(*url, limits::kPublicUrlBytesMax);
  if (authority.empty() || url->find_first_of("?#") != std::string::npos) {
    value.Refuse("a URL without query", "write it like https://go.example.com");
    return;
  }
  if (url->starts_with("http://") && !IsLoopback(authority)) {
    value.Warning("is not https, so that mails offer no one-click unsubscribe",
                  "put the daemon behind a proxy with a certificate, or give it one in 'http.tls'");
  }
  config->url = *url;
  while (config->url.ends_with('/')) {
    config->url.pop_back();
  }
}

}  // namespace

void ParsePublic(const Value& value, const Secrets& secrets, PublicConfig* config) {
  const MapReader map(value, PublicTable());
  if (!map.valid()) {
    return;
  }
  ParseBase(map["url"], config);
  const auto secret = ReadSecret(map["secret"], secrets);
  config->secret = secret.value_or("");
  const bool is_known = secret && (secrets.required || !secret->empty());
  if (is_known && secret->size() < limits::kPublicSecretBytesMin) {
    map["secret"].Error("is too short to be a secret",
                        "at least " + std::to_string(limits::kPublicSecretBytesMin) +
                            " bytes: openssl rand -hex 32");
  }
  for (const Value& entry : map["links"].Entries()) {
    const auto target = entry.Text();
    if (!entry.HasGoodName() || !target) {
      continue;
    }
    if (AuthorityOf(*target, limits::kLinkUrlBytesMax).empty()) {
      entry.Refuse("a URL of http or https in ASCII",
                   "write it like https://shop.example.com/sale; other letters as %XX");
      continue;
    }
    config->links.emplace(entry.name(), *target);
  }
  if (config->links.size() > limits::kLinksMax) {
    map["links"].Error("has too many", "at most " + std::to_string(limits::kLinksMax));
  }
}

}  // namespace huitou::config
