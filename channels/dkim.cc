#include "channels/dkim.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "channels/crypto.h"
#include "channels/limits.h"
#include "channels/settings.h"
#include "channels/url.h"

namespace huitou::channels {
namespace {

// Each is signed where the mail has it, and named once more than it is there: one that somebody
// adds on the way breaks the signature. The last two of RFC 8058 must be signed to count.
constexpr std::string_view kSignedFields[] = {"from",
                                              "to",
                                              "reply-to",
                                              "subject",
                                              "date",
                                              "message-id",
                                              "mime-version",
                                              "content-type",
                                              "content-transfer-encoding",
                                              "list-unsubscribe",
                                              "list-unsubscribe-post"};

constexpr size_t kSignatureLineBytes = 72;

bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

// Runs of blanks as one space, none at the end.
void AppendRelaxed(std::string* out, std::string_view text) {
  bool blank = false;
  for (const char c : text) {
    if (IsBlank(c)) {
      blank = true;
      continue;
    }
    if (std::exchange(blank, false)) {
      *out += ' ';
    }
    *out += c;
  }
}

// The fields of a mail's header, each with the lines that it is folded into.
std::vector<std::string_view> FieldsOf(std::string_view header) {
  std::vector<std::string_view> fields;
  while (!header.empty()) {
    size_t end = header.find("\r\n");
    while (end != std::string_view::npos && end + 2 < header.size() && IsBlank(header[end + 2])) {
      end = header.find("\r\n", end + 2);
    }
    end = end == std::string_view::npos ? header.size() : end + 2;
    fields.push_back(header.substr(0, end));
    header.remove_prefix(end);
  }
  return fields;
}

struct Selected {
  std::string names;  // for h=, folded
  std::string text;   // the fields in canonical form, in the order of their names
};

Selected SelectFields(std::string_view header) {
  std::vector<std::string> relaxed;
  for (const std::string_view field : FieldsOf(header)) {
    relaxed.push_back(RelaxedHeader(field));
  }
  Selected selected;
  size_t column = 0;
  const auto add_name = [&](std::string_view name) {
    const bool full = column + name.size() > kSignatureLineBytes;
    selected.names += selected.names.empty() ? "" : full ? ":\r\n\t " : ":";
    selected.names += name;
    column = (full ? 0 : column) + name.size() + 1;
  };
  for (const std::string_view name : kSignedFields) {
    bool found = false;
    for (auto field = relaxed.rbegin(); field != relaxed.rend(); ++field) {  // as verifiers do
      if (field->size() > name.size() && field->starts_with(name) && (*field)[name.size()] == ':') {
        selected.text += *field;
        add_name(name);
        found = true;
      }
    }
    if (found) {
      add_name(name);
    }
  }
  return selected;
}

// Labels of letters, digits and dashes, "example.com".
bool IsDomainName(std::string_view name) {
  if (name.empty() || name.size() > limits::kDomainBytesMax) {
    return false;
  }
  while (true) {
    const std::string_view label = name.substr(0, name.find('.'));
    const bool fits = !label.empty() && label.size() <= limits::kDomainLabelBytesMax &&
                      label.front() != '-' && label.back() != '-' &&
                      std::all_of(label.begin(), label.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '-' || c == '_';
                      });
    if (!fits || label.size() == name.size()) {
      return fits;
    }
    name.remove_prefix(label.size() + 1);
  }
}

}  // namespace

std::string RelaxedHeader(std::string_view field) {
  const size_t colon = std::min(field.find(':'), field.size());
  std::string_view name = field.substr(0, colon);
  while (!name.empty() && IsBlank(name.back())) {
    name.remove_suffix(1);
  }
  std::string value;
  for (const char c : field.substr(std::min(colon + 1, field.size()))) {
    if (c != '\r' && c != '\n') {
      value += c;
    }
  }
  std::string relaxed(name);
  std::transform(relaxed.begin(), relaxed.end(), relaxed.begin(), LowerAscii);
  relaxed += ':';
  const size_t begin = std::min(value.find_first_not_of(" \t"), value.size());
  AppendRelaxed(&relaxed, std::string_view(value).substr(begin));
  return relaxed + "\r\n";
}

std::string RelaxedBody(std::string_view body) {
  std::string relaxed;
  relaxed.reserve(body.size() + 2);
  size_t content_end = 0;  // behind the last line that is not empty
  while (!body.empty()) {
    const size_t end = std::min(body.find("\r\n"), body.size());
    const size_t begin = relaxed.size();
    AppendRelaxed(&relaxed, body.substr(0, end));
    const bool empty = relaxed.size() == begin;
    relaxed += "\r\n";
    content_end = empty ? content_end : relaxed.size();
    body.remove_prefix(std::min(end + 2, body.size()));
  }
  relaxed.resize(content_end);
  return relaxed;
}

Result<DkimSigner> DkimSigner::Make(std::string domain, std::string selector,
                                    std::string_view private_key_pem) {
  if (!IsDomainName(domain)) {
    return Invalid("dkim_domain: not a domain such as example.com");
  }
  if (!IsDomainName(selector)) {
    return Invalid("dkim_selector: not a word such as huitou, of letters, digits and dashes");
  }
  std::optional<PrivateKey> key = PrivateKey::FromPem(private_key_pem);
  if (!key) {
    return Invalid(
        "dkim_key: not the PEM of an RSA or Ed25519 private key without a passphrase; "
        "'openssl genrsa 2048' makes one");
  }
  if (key->kind() == PrivateKey::Kind::kRsa &&
      (key->bits() < limits::kDkimRsaBitsMin || key->bits() > limits::kDkimRsaBitsMax)) {
    return Invalid("dkim_key: an RSA key has 1024 to 4096 bits here; 2048 are usual");
  }
  return DkimSigner(std::move(domain), std::move(selector), *std::move(key));
}

std::string DkimSigner::Sign(std::string_view mail, TimeUs now) const {
  const size_t end = std::min(mail.find("\r\n\r\n"), mail.size());
  const std::string_view header = mail.substr(0, std::min(end + 2, mail.size()));
  const std::string_view body = mail.substr(std::min(end + 4, mail.size()));
  Selected selected = SelectFields(header);
  const bool rsa = key_.kind() == PrivateKey::Kind::kRsa;
  std::string field = "DKIM-Signature: v=1; a=";
  field += rsa ? "rsa-sha256" : "ed25519-sha256";
  field += "; c=relaxed/relaxed; d=" + domain_ + ";\r\n\ts=" + selector_ +
           "; t=" + std::to_string(now / kSecondUs) + ";\r\n\th=" + selected.names +
           ";\r\n\tbh=" + ToBase64(Sha256(RelaxedBody(body))) + ";\r\n\tb=";
  std::string own = RelaxedHeader(field);
  own.resize(own.size() - 2);  // of itself a signature signs no CRLF
  selected.text += own;
  // RFC 8463: Ed25519 signs the hash, whereas RSA's scheme hashes by itself.
  const std::string signature = ToBase64(key_.Sign(rsa ? selected.text : Sha256(selected.text)));
  for (size_t at = 0; at < signature.size(); at += kSignatureLineBytes) {
    field += (at == 0 ? "" : "\r\n\t ") + signature.substr(at, kSignatureLineBytes);
  }
  return field + "\r\n";
}

}  // namespace huitou::channels
