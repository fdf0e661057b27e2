// Mail texts: headers as RFC 2047, bodies as RFC 2045 have them. Nothing that goes in can add a
// header or end one early. Pure; any thread.
//
// Example: EncodeHeader("Subject", "回头客专享") is
// "Subject: =?UTF-8?B?5Zue5aS05a6i5LiT5Lqr?=\r\n".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "triggers/base/time.h"

namespace huitou::channels {

// A whole header line, folded to 76 columns, with its CRLF. Control characters in `text` become
// spaces; what is not printable ASCII goes into encoded words.
std::string EncodeHeader(std::string_view name, std::string_view text);

// "Demo Shop" <demo@example.com>, or a bare address.
struct Mailbox {
  std::string name;
  std::string address;

  std::string domain() const { return address.substr(address.rfind('@') + 1); }
};

// "Demo <demo@example.com>", "\"Shop, Inc.\" <a@b>" or "a@b"; nothing when the address is none that
// could stand in an SMTP command.
std::optional<Mailbox> ParseMailbox(std::string_view text);

// The header line of one mailbox.
std::string EncodeMailbox(std::string_view header, const Mailbox& mailbox);

// Whether an address can stand between the angle brackets of an SMTP command: one '@', something
// on both sides, no blanks, controls, brackets or commas, at most 254 bytes.
bool IsMailAddress(std::string_view address);

// A body in its transfer encoding, ended by CRLF.
struct EncodedBody {
  std::string_view transfer_encoding;  // "quoted-printable" or "base64"
  std::string data;
};

// Line ends become CRLF. Base64 when that is shorter (Chinese), else quoted-printable.
EncodedBody EncodeBody(std::string_view text);

// The text with the header that it needs, as the whole body of a mail or as a part of one:
// content type, transfer encoding, an empty line and the encoded text. `media_type` is "text/plain"
// or "text/html"; the charset is UTF-8.
std::string EncodePart(std::string_view media_type, std::string_view text);

// The same message twice, of which a reader shows the one that it can (multipart/alternative).
// `boundary_word` is letters and digits that no other mail inside this one has.
std::string EncodeAlternatives(std::string_view text, std::string_view html,
                               std::string_view boundary_word);

// "Sun, 06 Nov 1994 08:49:37 +0000"
std::string MailDate(TimeUs time);

}  // namespace huitou::channels
