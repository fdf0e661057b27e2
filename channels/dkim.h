// DKIM signatures (RFC 6376; Ed25519 by RFC 8463), relaxed/relaxed. Pure; any thread.
//
// Example:
//   auto signer = DkimSigner::Make("example.com", "huitou", pem);
//   const std::string field = signer->Sign(mail.data, context.now);
#pragma once

#include <string>
#include <string_view>

#include "channels/private_key.h"
#include "triggers/base/status.h"
#include "triggers/base/time.h"

namespace huitou::channels {

class DkimSigner {
 public:
  // The public key is published at <selector>._domainkey.<domain>. An error names the setting
  // (dkim_domain, dkim_selector, dkim_key) that is wrong.
  static Result<DkimSigner> Make(std::string domain, std::string selector,
                                 std::string_view private_key_pem);

  // The header field that signs `mail`, a whole message with CRLF line ends, and stands before it.
  std::string Sign(std::string_view mail, TimeUs now) const;

 private:
  DkimSigner(std::string domain, std::string selector, PrivateKey key)
      : domain_(std::move(domain)), selector_(std::move(selector)), key_(std::move(key)) {}

  std::string domain_;
  std::string selector_;
  PrivateKey key_;
};

// The two canonical forms of RFC 6376 section 3.4, without which no two servers would agree on what
// was signed. A field is "Name: value" with or without its CRLF; the result has one.
std::string RelaxedHeader(std::string_view field);
std::string RelaxedBody(std::string_view body);

}  // namespace huitou::channels
