#include "daemon/app/setup.h"

#include <cstdlib>
#include <filesystem>
#include <ostream>

#include "channels/channel.h"
#include "channels/coupon_provider.h"
#include "channels/words.h"
#include "config/files.h"
#include "triggers/base/json.h"

namespace huitou {

namespace {

// A file's last line ends are no part of a secret.
std::string TrimEnd(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.pop_back();
  }
  return text;
}

Result<std::string> ReadSecret(const std::string& reference) {
  if (reference.starts_with("env:")) {
    const char* value = std::getenv(reference.c_str() + 4);
    if (value == nullptr || *value == '\0') {
      return Status(StatusCode::kNotFound,
                    "the environment variable " + reference.substr(4) + " is not set");
    }
    return std::string(value);
  }
  const std::string path = reference.starts_with("file:") ? reference.substr(5) : reference;
  auto text = config::ReadWholeFile(path);
  if (!text.ok()) {
    return Status(StatusCode::kNotFound, path + ": " + text.status().message());
  }
  return TrimEnd(*std::move(text));
}

std::string FromEnvironment(const char* name, const char* other_name) {
  for (const char* known : {name, other_name}) {
    if (const char* value = std::getenv(known); value != nullptr && *value != '\0') {
      return value;
    }
  }
  return {};
}

}  // namespace

config::ComponentSchemas AllSchemas() {
  config::ComponentSchemas schemas;
  for (const channels::Registration& provider : channels::AllProviders()) {
    config::ComponentSchemas::Channel channel{provider.schema, {}};
    for (const channels::Promise promise : provider.promises_allowed) {
      channel.promises.emplace_back(channels::ToWord(promise));
    }
    schemas.channels.push_back(std::move(channel));
  }
  for (const channels::CouponRegistration& provider : channels::AllCouponProviders()) {
    schemas.coupons.push_back(provider.schema);
  }
  schemas.try_channel = [](const std::string& provider, const config::Settings& settings) {
    return channels::FindProvider(provider)->make(settings).status();
  };
  schemas.try_coupons = [](const std::string& provider, const config::Settings& settings) {
    return channels::FindCouponProvider(provider)->make(settings).status();
  };
  return schemas;
}

config::Secrets ReadSecrets(bool required) {
  return {&ReadSecret, required};
}

Result<Proxies> ReadProxies() {
  return Proxies::Read(
      {.https = FromEnvironment("https_proxy", "HTTPS_PROXY"),
       .http = FromEnvironment("http_proxy", "HTTP_PROXY"),
       .none = "localhost,127.0.0.0/8,::1," + FromEnvironment("no_proxy", "NO_PROXY")});
}

std::string ConfigPath(const std::string& given) {
  if (!given.empty()) {
    return given;
  }
  return std::filesystem::exists(kDefaultConfig) ? kDefaultConfig : std::string();
}

void PrintDiagnostics(const std::vector<config::Diagnostic>& diagnostics, std::ostream& err) {
  for (const config::Diagnostic& diagnostic : diagnostics) {
    err << FormatDiagnostic(diagnostic) << '\n';
  }
}

std::string DiagnosticsJson(const std::vector<config::Diagnostic>& diagnostics) {
  static constexpr const char* kWords[] = {"error", "warning", "note"};
  std::string list;
  for (const config::Diagnostic& diagnostic : diagnostics) {
    JsonObject one;
    one.Add("file", diagnostic.file)
        .AddInteger("line", diagnostic.line)
        .AddInteger("column", diagnostic.column)
        .Add("severity", kWords[static_cast<size_t>(diagnostic.severity)])
        .Add("message", diagnostic.message)
        .AddIfAny("hint", diagnostic.hint);
    list += (list.empty() ? "" : ",") + one.Close();
  }
  return JsonObject().AddRaw("diagnostics", "[" + list + "]").Close();
}

int ExitCode(config::LoadStatus status) {
  switch (status) {
    case config::LoadStatus::kGood:
      return kExitGood;
    case config::LoadStatus::kMistakes:
      return kExitNo;
    case config::LoadStatus::kUnreadable:
      return kExitCouldNotRun;
  }
  return kExitCouldNotRun;
}

}  // namespace huitou
