#include "daemon/transports/proxies.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "channels/crypto.h"
#include "channels/url.h"
#include "daemon/transports/http_request.h"

namespace huitou {

namespace ip = boost::asio::ip;

namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kSeparators = ", \t";

// RFC 7617, with the name and the password as the URL has them.
std::optional<std::string> BasicAuthorization(std::string_view user) {
  std::string text;
  for (const char c : user) {
    text += c == '+' ? std::string("%2B") : std::string(1, c);  // no blank, as in a form
  }
  const std::optional<std::string> plain = channels::PercentDecode(text);
  if (!plain.has_value() || plain->find(':') == std::string::npos) {
    return std::nullopt;
  }
  return "Basic " + channels::ToBase64(*plain);
}

std::optional<Proxy> ParseProxy(std::string_view text) {
  if (LowerCase(text.substr(0, kScheme.size())) == kScheme) {
    text.remove_prefix(kScheme.size());
  }
  if (text.ends_with('/')) {
    text.remove_suffix(1);
  }
  if (text.find_first_of("/?# ") !=
      std::string_view::npos) {  // another scheme, or more than a host
    return std::nullopt;
  }
  Proxy proxy;
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
    std::optional<std::string> authorization = BasicAuthorization(text.substr(0, at));
    if (!authorization.has_value()) {
      return std::nullopt;
    }
    proxy.authorization = *std::move(authorization);
    text.remove_prefix(at + 1);
  }
  std::optional<Endpoint> endpoint = ParseAuthority(text, 0);
  if (!endpoint.has_value() || endpoint->port == 0) {
    return std::nullopt;
  }
  proxy.endpoint = *std::move(endpoint);
  return proxy;
}

Status ReadProxy(const char* variable, const std::string& text, std::optional<Proxy>* proxy) {
  if (text.empty()) {
    return Status::Ok();
  }
  *proxy = ParseProxy(text);
  if (!proxy->has_value()) {
    return {StatusCode::kInvalid, std::string("the environment variable ") + variable +
                                      " is not http://HOST:PORT or http://NAME:PASSWORD@HOST:PORT"};
  }
  return Status::Ok();
}

// The name itself, and those below it.
bool IsWithin(std::string_view host, std::string_view name) {
  return host == name || (host.ends_with(name) && host[host.size() - name.size() - 1] == '.');
}

}  // namespace

Result<Proxies> Proxies::Read(const Environment& environment) {
  Proxies proxies;
  if (Status status = ReadProxy("https_proxy", environment.https, &proxies.https_); !status.ok()) {
    return status;
  }
  if (Status status = ReadProxy("http_proxy", environment.http, &proxies.http_); !status.ok()) {
    return status;
  }
  const std::string_view none = environment.none;
  for (size_t at = none.find_first_not_of(kSeparators); at != std::string_view::npos;) {
    const size_t end = std::min(none.find_first_of(kSeparators, at), none.size());
    if (Status status = proxies.AddException(none.substr(at, end - at)); !status.ok()) {
      return status;
    }
    at = none.find_first_not_of(kSeparators, end);
  }
  return proxies;
}

Status Proxies::AddException(std::string_view text) {
  boost::system::error_code error;
  if (text == "*") {
    none_at_all_ = true;
    return Status::Ok();
  }
  if (text.find('/') != std::string_view::npos) {
    const std::string network(text);
    if (const auto four = ip::make_network_v4(network, error); !error) {
      networks_.push_back(four);
    } else if (const auto six = ip::make_network_v6(network, error); !error) {
      networks6_.push_back(six);
    }
  } else if (ip::make_address(std::string(text), error); !error) {
    exceptions_.push_back({LowerCase(text), 0});
  } else if (const auto endpoint = ParseAuthority(text, 0); endpoint.has_value()) {
    error = {};
    const std::string host = LowerCase(endpoint->host);
    exceptions_.push_back({host.starts_with("*.")  ? host.substr(2)
                           : host.starts_with('.') ? host.substr(1)
                                                   : host,
                           endpoint->port});
  }
  if (error) {
    return {StatusCode::kInvalid,
            "the environment variable no_proxy has something in it that is no host, no address and "
            "no network such as 10.0.0.0/8"};
  }
  return Status::Ok();
}

bool Proxies::IsException(const Endpoint& target) const {
  const std::string host = LowerCase(target.host);
  boost::system::error_code error;
  const ip::address address = ip::make_address(host, error);
  const auto has_four = [&](const ip::network_v4& network) {
    return ip::network_v4(address.to_v4(), network.prefix_length()).canonical() ==
           network.canonical();
  };
  const auto has_six = [&](const ip::network_v6& network) {
    return ip::network_v6(address.to_v6(), network.prefix_length()).canonical() ==
           network.canonical();
  };
  const bool in_network =
      !error && (address.is_v4() ? std::any_of(networks_.begin(), networks_.end(), has_four)
                                 : std::any_of(networks6_.begin(), networks6_.end(), has_six));
  return none_at_all_ || in_network ||
         std::any_of(exceptions_.begin(), exceptions_.end(), [&](const Exception& exception) {
           return IsWithin(host, exception.host) &&
                  (exception.port == 0 || exception.port == target.port);
         });
}

const Proxy* Proxies::For(const Endpoint& target) const {
  const std::optional<Proxy>& proxy = target.tls ? https_ : http_;
  return proxy.has_value() && !IsException(target) ? &*proxy : nullptr;
}

}  // namespace huitou
