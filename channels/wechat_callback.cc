#include "channels/wechat_callback.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <pugixml.hpp>

#include "channels/crypto.h"
#include "channels/limits.h"
#include "channels/url.h"

namespace huitou::channels {
namespace {

constexpr size_t kRandomBytes = 16;
constexpr size_t kLengthBytes = 4;
constexpr unsigned kPaddingMax = 32;  // their blocks have 32 bytes, though AES's have 16

// The hex SHA-1 of the parts, sorted and joined.
bool SignatureMatches(std::vector<std::string> parts, std::string_view signature) {
  std::sort(parts.begin(), parts.end());
  std::string joined;
  for (const std::string& part : parts) {
    joined += part;
  }
  return SameSecret(Sha1Hex(joined), signature);
}

bool IsFresh(const std::string& timestamp, TimeUs now) {
  int64_t seconds = 0;
  const auto [end, error] =
      std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
  return error == std::errc() && end == timestamp.data() + timestamp.size() && seconds >= 0 &&
         std::llabs(seconds - now / kSecondUs) <= limits::kCallbackSkewMax / kSecondUs;
}

struct Parsed {
  FlatObject message;
  std::vector<FlatObject> items;
};

FlatObject TextsOf(const pugi::xml_node& node) {
  FlatObject texts;
  for (const pugi::xml_node& child : node.children()) {
    texts.emplace(child.name(), child.child_value());
  }
  return texts;
}

// The texts of the children of <xml>, and of each <List> within one of them. A DOCTYPE is skipped
// unread, so that no entity but the five of XML itself is ever expanded.
std::optional<Parsed> ParseXml(std::string_view xml) {
  pugi::xml_document document;
  constexpr unsigned kOptions = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol;
  if (xml.size() > limits::kCallbackBytesMax ||
      !document.load_buffer(xml.data(), xml.size(), kOptions, pugi::encoding_utf8)) {
    return std::nullopt;
  }
  const pugi::xml_node root = document.child("xml");
  if (!root) {
    return std::nullopt;
  }
  Parsed parsed{TextsOf(root), {}};
  for (const pugi::xml_node& child : root.children()) {
    for (const pugi::xml_node& item : child.children("List")) {
      parsed.items.push_back(TextsOf(item));
    }
  }
  return parsed;
}

WechatCall Refused(int status) {
  return {RefuseCallback(status), std::nullopt, {}};
}

WechatCall AnswerConsole(const CallbackRequest& request, const WechatCallbackSettings& settings,
                         const std::vector<std::string>& parts) {
  const std::string echo = QueryValue(request.url, "echostr");
  const std::string encrypted_signature = QueryValue(request.url, "msg_signature");
  if (encrypted_signature.empty()) {
    if (!SignatureMatches(parts, QueryValue(request.url, "signature"))) {
      return Refused(403);
    }
    return {AcceptCallback("text/plain; charset=utf-8", echo), std::nullopt, {}};
  }
  std::vector<std::string> with_echo = parts;
  with_echo.push_back(echo);
  if (!SignatureMatches(with_echo, encrypted_signature)) {
    return Refused(403);
  }
  const std::optional<std::string> plain = DecryptWechat(settings.aes_key, settings.app_id, echo);
  if (!plain) {
    return Refused(403);
  }
  return {AcceptCallback("text/plain; charset=utf-8", *plain), std::nullopt, {}};
}

// The message of a POST: as it is in plain mode; with a key only what is encrypted is believed,
// since the plain signature says nothing about the body.
std::optional<Parsed> VerifiedMessage(const CallbackRequest& request,
                                      const WechatCallbackSettings& settings,
                                      std::vector<std::string> parts) {
  if (settings.aes_key.empty()) {
    if (!SignatureMatches(parts, QueryValue(request.url, "signature"))) {
      return std::nullopt;
    }
    return ParseXml(request.body);
  }
  const std::optional<Parsed> envelope = ParseXml(request.body);
  if (!envelope) {
    return std::nullopt;
  }
  const std::string encrypted = ValueOf(envelope->message, "Encrypt");
  parts.push_back(encrypted);
  if (!SignatureMatches(parts, QueryValue(request.url, "msg_signature"))) {
    return std::nullopt;
  }
  const std::optional<std::string> xml =
      DecryptWechat(settings.aes_key, settings.app_id, encrypted);
  return xml ? ParseXml(*xml) : std::nullopt;
}

}  // namespace

std::optional<std::string> ParseEncodingAesKey(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() != 43) {
    return std::nullopt;
  }
  const size_t last = kAlphabet.find(text.back());
  if (last == std::string_view::npos) {
    return std::nullopt;
  }
  // 43 letters hold 258 bits; WeChat's random letters leave anything in the two too many.
  std::string canonical(text.substr(0, 42));
  canonical += kAlphabet[last & ~size_t{3}];
  canonical += '=';
  return FromBase64(canonical);
}

std::optional<std::string> DecryptWechat(std::string_view aes_key, std::string_view app_id,
                                         std::string_view base64) {
  const std::optional<std::string> encrypted = FromBase64(base64);
  if (!encrypted) {
    return std::nullopt;
  }
  std::optional<std::string> plain = DecryptAesCbc(aes_key, aes_key.substr(0, 16), *encrypted);
  if (!plain || plain->empty()) {
    return std::nullopt;
  }
  const auto padding = static_cast<unsigned char>(plain->back());
  if (padding < 1 || padding > kPaddingMax || padding > plain->size() ||
      std::string_view(*plain).substr(plain->size() - padding).find_first_not_of(plain->back()) !=
          std::string_view::npos) {
    return std::nullopt;
  }
  plain->resize(plain->size() - padding);
  if (plain->size() < kRandomBytes + kLengthBytes) {
    return std::nullopt;
  }
  size_t length = 0;
  for (size_t i = kRandomBytes; i < kRandomBytes + kLengthBytes; ++i) {
    length = length * 256 + static_cast<unsigned char>((*plain)[i]);
  }
  const std::string_view rest = std::string_view(*plain).substr(kRandomBytes + kLengthBytes);
  if (length > rest.size() || rest.substr(length) != app_id) {
    return std::nullopt;
  }
  return std::string(rest.substr(0, length));
}

WechatCall VerifyWechatCall(const CallbackRequest& request, const WechatCallbackSettings& settings,
                            TimeUs now) {
  const std::string timestamp = QueryValue(request.url, "timestamp");
  if (settings.token.empty() || !IsFresh(timestamp, now)) {
    return Refused(403);
  }
  const std::vector<std::string> parts = {settings.token, timestamp,
                                          QueryValue(request.url, "nonce")};
  if (request.method == "GET") {
    return AnswerConsole(request, settings, parts);
  }
  if (request.method != "POST") {
    return Refused(405);
  }
  std::optional<Parsed> parsed = VerifiedMessage(request, settings, parts);
  if (!parsed) {
    return Refused(403);
  }
  return {AcceptCallback("text/plain; charset=utf-8", "success"), std::move(parsed->message),
          std::move(parsed->items)};
}

}  // namespace huitou::channels
