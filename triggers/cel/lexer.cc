#include "triggers/cel/lexer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "triggers/cel/text.h"

namespace huitou::cel {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsNamePart(char c) {
  return IsLetter(c) || IsDigit(c);
}

int HexDigit(char c) {
  if (IsDigit(c)) {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Reads the escapes of one literal.
class Unescaper {
 public:
  Unescaper(std::string_view body, bool bytes) : body_(body), bytes_(bytes) {}

  // Nothing on a bad escape, which then starts at position().
  std::optional<std::string> Run() {
    std::string out;
    while (position_ < body_.size()) {
      if (body_[position_] != '\\') {
        out.push_back(body_[position_++]);
      } else if (!Escape(&out)) {
        return std::nullopt;
      }
    }
    return out;
  }
  size_t position() const { return position_; }

 private:
  bool Escape(std::string* out) {
    static constexpr std::string_view kNames = "abfnrtv\\?\"'`";
    static constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\?\"'`";
    const char c = position_ + 1 < body_.size() ? body_[position_ + 1] : '\0';
    const size_t simple = kNames.find(c);
    if (c != '\0' && simple != std::string_view::npos) {
      out->push_back(kValues[simple]);
      position_ += 2;
      return true;
    }
    switch (c) {
      case 'x':
      case 'X':
        return Number(2, 2, 16, out);
      case 'u':
        return !bytes_ && Number(2, 4, 16, out);
      case 'U':
        return !bytes_ && Number(2, 8, 16, out);
      default:
        return c >= '0' && c <= '3' && Number(1, 3, 8, out);
    }
  }

  bool Number(size_t skip, size_t digits, uint32_t base, std::string* out) {
    uint32_t value = 0;
    for (size_t i = 0; i < digits; ++i) {
      const size_t at = position_ + skip + i;
      const int digit = at < body_.size() ? HexDigit(body_[at]) : -1;
      if (digit < 0 || static_cast<uint32_t>(digit) >= base) {
        return false;
      }
      value = value * base + static_cast<uint32_t>(digit);
    }
    if (bytes_) {
      out->push_back(static_cast<char>(value));
    } else if (!AppendUtf8(value, out)) {
      return false;
    }
    position_ += skip + digits;
    return true;
  }

  std::string_view body_;
  bool bytes_;
  size_t position_ = 0;
};

}  // namespace

Token Lexer::Make(TokenKind kind, size_t end) {
  Token token;
  token.kind = kind;
  token.offset = position_;
  token.text = text_.substr(position_, end - position_);
  position_ = end;
  return token;
}

Token Lexer::Bad(size_t offset, std::string error, std::string hint) {
  Token token;
  token.kind = TokenKind::kBad;
  token.offset = offset;
  token.error = std::move(error);
  token.hint = std::move(hint);
  position_ = text_.size();
  return token;
}

void Lexer::SkipBlanks() {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
      ++position_;
    } else if (c == '/' && At(position_ + 1) == '/') {
      position_ = std::min(text_.find('\n', position_), text_.size());
    } else {
      return;
    }
  }
}

Token Lexer::Next() {
  SkipBlanks();
  if (position_ == text_.size()) {
    return Make(TokenKind::kEnd, position_);
  }
  if (StartsText()) {
    return LexText();
  }
  const char c = text_[position_];
  if (IsDigit(c) || (c == '.' && IsDigit(At(position_ + 1)))) {
    return LexNumber();
  }
  if (IsLetter(c)) {
    size_t end = position_;
    while (IsNamePart(At(end))) {
      ++end;
    }
    return Make(TokenKind::kName, end);
  }
  return c == '`' ? LexQuotedName() : LexSign();
}

Token Lexer::LexNumber() {
  size_t end = position_;
  TokenKind kind = TokenKind::kInt;
  if (At(end) == '0' && (At(end + 1) | 0x20) == 'x' && HexDigit(At(end + 2)) >= 0) {
    end += 2;
    while (HexDigit(At(end)) >= 0) {
      ++end;
    }
  } else {
    const auto skip_digits = [&] {
      while (IsDigit(At(end))) {
        ++end;
      }
    };
    skip_digits();
    if (At(end) == '.' && IsDigit(At(end + 1))) {
      kind = TokenKind::kDouble;
      ++end;
      skip_digits();
    }
    const size_t sign = At(end + 1) == '+' || At(end + 1) == '-' ? 1 : 0;
    if ((At(end) | 0x20) == 'e' && IsDigit(At(end + 1 + sign))) {
      kind = TokenKind::kDouble;
      end += 1 + sign;
      skip_digits();
    }
  }
  if (kind == TokenKind::kInt && (At(end) | 0x20) == 'u') {
    Token token = Make(TokenKind::kUint, end);
    ++position_;
    return token;
  }
  return Make(kind, end);
}

// What an input method types instead of the ASCII sign that was meant; empty for others.
std::string_view AsciiFor(std::string_view sign) {
  static constexpr std::pair<std::string_view, std::string_view> kLookAlikes[] = {
      {"\u00a0", "a plain space"},
      {"\u3000", "a plain space"},
      {"\u200b", "nothing"},
      {"\ufeff", "nothing"},
      {"\u2018", "'"},
      {"\u2019", "'"},
      {"\u201c", "\""},
      {"\u201d", "\""},
      {"\u3001", ","},
      {"\u2026", "..."},
      {"\u2264", "<="},
      {"\u2265", ">="},
      {"\u2260", "!="},
      {"\u2212", "-"},
      {"\u2013", "-"},
      {"\u00d7", "*"},
      {"\u3010", "["},
      {"\u3011", "]"}};
  for (const auto& [look_alike, ascii] : kLookAlikes) {
    if (sign == look_alike) {
      return ascii;
    }
  }
  // The full-width forms U+FF01 to U+FF5E follow ASCII.
  static const std::string kAscii = [] {
    std::string all;
    for (char c = '!'; c <= '~'; ++c) {
      all.push_back(c);
    }
    return all;
  }();
  if (sign.size() == 3 && sign[0] == '\xEF' && (sign[1] == '\xBC' || sign[1] == '\xBD')) {
    const size_t at = static_cast<size_t>(static_cast<unsigned char>(sign[2]) - 0x81) +
                      (sign[1] == '\xBD' ? 64 : 0);
    return at < kAscii.size() ? std::string_view(kAscii).substr(at, 1) : std::string_view();
  }
  return {};
}

Token Lexer::LexSign() {
  static constexpr std::string_view kTwo[] = {"==", "!=", "<=", ">=", "&&", "||"};
  static constexpr std::string_view kOne = "<>+-*/%!?:.,()[]{}";
  const std::string_view two = text_.substr(position_, 2);
  if (two == "<>") {
    return Bad(position_, "unexpected '<>'", "write '!='");
  }
  if (std::find(std::begin(kTwo), std::end(kTwo), two) != std::end(kTwo)) {
    return Make(TokenKind::kSign, position_ + 2);
  }
  const char c = text_[position_];
  if (kOne.find(c) != std::string_view::npos) {
    return Make(TokenKind::kSign, position_ + 1);
  }
  switch (c) {
    case '=':
      return Bad(position_, "unexpected '='", "compare with '=='");
    case '&':
      return Bad(position_, "unexpected '&'", "write '&&'");
    case '|':
      return Bad(position_, "unexpected '|'", "write '||'");
    default:
      break;
  }
  size_t end = position_;
  NextCodePoint(text_, &end);
  const std::string_view sign = text_.substr(position_, end - position_);
  if (const std::string_view ascii = AsciiFor(sign); !ascii.empty()) {
    const bool blank = ascii.size() > 3;
    return Bad(position_,
               blank ? "unexpected blank that is no plain space"
                     : "unexpected '" + std::string(sign) + "'",
               blank ? "write " + std::string(ascii) + " there"
                     : "write '" + std::string(ascii) + "', from the English keyboard");
  }
  const bool printable = static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
  return Bad(position_, printable ? "unexpected '" +
                                        std::string(text_.substr(position_, end - position_)) + "'"
                                  : std::string("unexpected control character"));
}

Token Lexer::LexQuotedName() {
  size_t end = position_ + 1;
  while (IsNamePart(At(end)) ||
         (At(end) != '\0' && std::string_view("-./ ").find(At(end)) != std::string_view::npos)) {
    ++end;
  }
  if (At(end) != '`' || end == position_ + 1) {
    return Bad(position_, "a name in backquotes may have letters, digits and _ - . / only",
               "read other keys with ['...']");
  }
  Token token = Make(TokenKind::kQuotedName, end + 1);
  token.text = token.text.substr(1, token.text.size() - 2);
  return token;
}

// A quote, after b, r or br in either case.
bool Lexer::StartsText() const {
  size_t at = position_;
  at += (At(at) | 0x20) == 'b' ? 1 : 0;
  at += (At(at) | 0x20) == 'r' ? 1 : 0;
  return At(at) == '"' || At(at) == '\'';
}

Token Lexer::LexText() {
  size_t at = position_;
  const bool bytes = (At(at) | 0x20) == 'b';
  at += bytes ? 1 : 0;
  const bool raw = (At(at) | 0x20) == 'r';
  at += raw ? 1 : 0;
  const bool triple = At(at + 1) == At(at) && At(at + 2) == At(at);
  const std::string_view quote = text_.substr(at, triple ? 3 : 1);
  const size_t body = at + quote.size();
  size_t end = body;
  while (end < text_.size() && text_.substr(end, quote.size()) != quote) {
    if (!triple && (text_[end] == '\n' || text_[end] == '\r')) {
      break;
    }
    end += !raw && text_[end] == '\\' ? 2 : 1;
  }
  if (end >= text_.size() || text_.substr(end, quote.size()) != quote) {
    return Bad(position_, "this text is not closed", "end it with " + std::string(quote));
  }
  std::string content(text_.substr(body, end - body));
  if (!raw) {
    Unescaper unescaper(content, bytes);
    std::optional<std::string> decoded = unescaper.Run();
    if (!decoded.has_value()) {
      return Bad(body + unescaper.position(), "unknown escape in a text",
                 "for a backslash itself write '\\\\', or put r before the quote");
    }
    content = *std::move(decoded);
  }
  Token token = Make(bytes ? TokenKind::kBytes : TokenKind::kString, end + quote.size());
  token.decoded = std::move(content);
  return token;
}

}  // namespace huitou::cel
