#include "channels/mime.h"

#include <date/date.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "channels/crypto.h"
#include "channels/limits.h"

namespace huitou::channels {
namespace {

constexpr size_t kLineBytesMax = 76;  // of encoded lines and folded headers
// An encoded word has at most 75 columns: "=?UTF-8?B?" and "?=" leave 63, in base64 60 of 45 bytes.
constexpr std::string_view kEncodedWordFrame =
    "=?UTF-8?B?"
    "?=";
constexpr size_t kEncodedWordBytesMax = 45;

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// The longest start of `text` with at most `bytes_max` bytes that splits no UTF-8 character.
std::string_view WholeCharacters(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  size_t size = bytes_max;
  while (size > 0 && IsContinuation(text[size])) {
    --size;
  }
  return text.substr(0, size == 0 ? bytes_max : size);  // 0: not UTF-8, any place is as good
}

std::string WithoutControls(std::string_view text) {
  std::string clean(WholeCharacters(text, limits::kMailHeaderBytesMax));
  std::replace_if(
      clean.begin(), clean.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }, ' ');
  return clean;
}

// "=?" would be read as the start of an encoded word.
bool NeedsEncodedWord(std::string_view text) {
  return !IsPrintableAscii(text) || text.find("=?") != std::string_view::npos;
}

// Puts one word on the header's last line, or on a new one where it would grow too long.
void AppendFolded(std::string* header, size_t* column, std::string_view word) {
  if (*column + 1 + word.size() > kLineBytesMax && *column > 0) {
    *header += "\r\n";
    *column = 0;
  }
  *header += ' ';
  *header += word;
  *column += 1 + word.size();
}

void AppendEncodedWords(std::string* header, size_t* column, std::string_view text) {
  while (!text.empty()) {
    // Fills the line that is begun, unless little room is left: three Chinese characters.
    const size_t taken = *column + 1 + kEncodedWordFrame.size();
    const size_t room = kLineBytesMax > taken ? (kLineBytesMax - taken) / 4 * 3 : 0;
    const std::string_view part = WholeCharacters(
        text, room < 9 ? kEncodedWordBytesMax : std::min(room, kEncodedWordBytesMax));
    text.remove_prefix(part.size());
    AppendFolded(header, column, "=?UTF-8?B?" + ToBase64(part) + "?=");
  }
}

// Words parted by single blanks, so that unfolding gives the same text.
void AppendPlainWords(std::string* header, size_t* column, std::string_view text) {
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    AppendFolded(header, column, word);
  }
}

// Whether plain words would come out of folding and unfolding the same, on lines short enough.
bool CanFoldPlain(std::string_view text) {
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (word.empty() || word.size() >= kLineBytesMax) {
      return false;
    }
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return true;
}

std::string Start(std::string_view name, size_t* column) {
  std::string header(name);
  header += ':';
  *column = header.size();
  return header;
}

bool IsAtomText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(" !#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
  });
}

std::string QuotedString(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
    }
    quoted += c;
  }
  return quoted + "\"";
}

std::string NormalLineEnds(std::string_view text) {
  std::string normal;
  normal.reserve(text.size() + text.size() / 32 + 2);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' || text[i] == '\n') {
      normal += "\r\n";
      i += text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n' ? 1 : 0;
    } else {
      normal += text[i];
    }
  }
  if (!normal.ends_with("\r\n")) {
    normal += "\r\n";
  }
  return normal;
}

// One line of quoted-printable, without its end.
void AppendQuotedLine(std::string* out, std::string_view line) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  size_t column = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool last = i + 1 == line.size();
    const bool blank = c == ' ' || c == '\t';
    const bool literal = (c >= '!' && c <= '~' && c != '=') || (blank && !last);
    const size_t width = literal ? 1 : 3;
    if (column + width > kLineBytesMax - (last ? 0 : 1)) {  // room for the '=' of a soft break
      *out += "=\r\n";
      column = 0;
    }
    if (literal) {
      *out += c;
    } else {
      *out += '=';
      *out += kHex[static_cast<unsigned char>(c) >> 4];
      *out += kHex[static_cast<unsigned char>(c) & 15];
    }
    column += width;
  }
}

std::string QuotedPrintable(std::string_view crlf_text) {
  std::string out;
  out.reserve(crlf_text.size() * 5 / 4);
  while (!crlf_text.empty()) {
    const size_t end = crlf_text.find("\r\n");
    AppendQuotedLine(&out, crlf_text.substr(0, end));
    out += "\r\n";
    crlf_text.remove_prefix(end + 2);
  }
  return out;
}

std::string Base64Lines(std::string_view data) {
  constexpr size_t kLineDataBytes = kLineBytesMax / 4 * 3;
  std::string out;
  out.reserve(data.size() * 3 / 2);
  for (size_t at = 0; at < data.size(); at += kLineDataBytes) {
    out += ToBase64(data.substr(at, kLineDataBytes));
    out += "\r\n";
  }
  return out;
}

}  // namespace

std::string EncodeHeader(std::string_view name, std::string_view text) {
  size_t column = 0;
  std::string header = Start(name, &column);
  std::string clean = WithoutControls(text);
  const size_t first = std::min(clean.find_first_not_of(' '), clean.size());
  clean = clean.substr(first, clean.find_last_not_of(' ') + 1 - first);
  if (NeedsEncodedWord(clean) || !CanFoldPlain(clean)) {
    AppendEncodedWords(&header, &column, clean);
  } else {
    AppendPlainWords(&header, &column, clean);
  }
  return header + "\r\n";
}

bool IsMailAddress(std::string_view address) {
  const size_t at = address.find('@');
  return address.size() <= 254 && at != std::string_view::npos && at > 0 &&
         at + 1 < address.size() && address.find('@', at + 1) == std::string_view::npos &&
         std::none_of(address.begin(), address.end(), [](char c) {
           return static_cast<unsigned char>(c) <= ' ' || c == '\x7F' ||
                  std::string_view("<>()[],;:\\\"").find(c) != std::string_view::npos;
         });
}

std::optional<Mailbox> ParseMailbox(std::string_view text) {
  Mailbox mailbox;
  const size_t open = text.rfind('<');
  if (open == std::string_view::npos) {
    mailbox.address = text;
  } else {
    if (!text.ends_with('>')) {
      return std::nullopt;
    }
    mailbox.address = text.substr(open + 1, text.size() - open - 2);
    std::string_view name = text.substr(0, open);
    while (name.ends_with(' ')) {
      name.remove_suffix(1);
    }
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') {
      name = name.substr(1, name.size() - 2);
      for (size_t i = 0; i < name.size(); ++i) {
        i += name[i] == '\\' && i + 1 < name.size() ? 1 : 0;
        mailbox.name += name[i];
      }
    } else {
      mailbox.name = name;
    }
  }
  if (!IsMailAddress(mailbox.address)) {
    return std::nullopt;
  }
  return mailbox;
}

std::string EncodeMailbox(std::string_view header_name, const Mailbox& mailbox) {
  size_t column = 0;
  std::string header = Start(header_name, &column);
  const std::string name = WithoutControls(mailbox.name);
  if (NeedsEncodedWord(name)) {
    AppendEncodedWords(&header, &column, name);
  } else if (!name.empty()) {
    AppendFolded(&header, &column, IsAtomText(name) ? name : QuotedString(name));
  }
  AppendFolded(&header, &column, name.empty() ? mailbox.address : "<" + mailbox.address + ">");
  return header + "\r\n";
}

EncodedBody EncodeBody(std::string_view text) {
  const std::string normal = NormalLineEnds(text);
  const auto wide = std::count_if(normal.begin(), normal.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x7F || c == '=';
  });
  // Base64 costs a third on every byte, quoted-printable two bytes on each that it quotes.
  if (static_cast<size_t>(wide) * 6 > normal.size()) {
    return {"base64", Base64Lines(normal)};
  }
  return {"quoted-printable", QuotedPrintable(normal)};
}

std::string EncodePart(std::string_view media_type, std::string_view text) {
  const EncodedBody body = EncodeBody(text);
  std::string part = "Content-Type: ";
  part += media_type;
  part += "; charset=utf-8\r\nContent-Transfer-Encoding: ";
  part += body.transfer_encoding;
  return part + "\r\n\r\n" + body.data;
}

std::string EncodeAlternatives(std::string_view text, std::string_view html,
                               std::string_view boundary_word) {
  // "=_" stands in no line of base64, nor of quoted-printable, which has hex digits behind a '='.
  const std::string boundary = "=_" + std::string(boundary_word);
  std::string body =
      "Content-Type: multipart/alternative;\r\n boundary=\"" + boundary + "\"\r\n\r\n";
  // The last is the one that the sender would rather have shown.
  for (const auto& [media_type, version] :
       {std::pair("text/plain", text), std::pair("text/html", html)}) {
    body += "--" + boundary + "\r\n" + EncodePart(media_type, version) + "\r\n";
  }
  return body + "--" + boundary + "--\r\n";
}

std::string MailDate(TimeUs time) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const date::sys_time<std::chrono::microseconds> point{std::chrono::microseconds(time)};
  const date::sys_days days = date::floor<date::days>(point);
  const date::year_month_day day(days);
  const date::hh_mm_ss clock(date::floor<std::chrono::seconds>(point - days));
  char buffer[64];
  std::snprintf(buffer, sizeof(buffer), "%s, %02u %s %04d %02d:%02d:%02d +0000",
                kDays[date::weekday(days).c_encoding()], static_cast<unsigned>(day.day()),
                kMonths[static_cast<unsigned>(day.month()) - 1], static_cast<int>(day.year()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return buffer;
}

}  // namespace huitou::channels
