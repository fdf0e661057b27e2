// Splits an expression into tokens. Positions are bytes from 0. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace huitou::cel {

enum class TokenKind : uint8_t {
  kEnd,
  kName,        // an identifier or a word of the language (in, true, ...)
  kQuotedName,  // `...`, without the quotes
  kInt,
  kUint,  // without the suffix
  kDouble,
  kString,
  kBytes,
  kSign,  // an operator or a bracket: text
  kBad,   // error says what
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  size_t offset = 0;
  std::string_view text;  // as written
  std::string decoded;    // of a string or bytes: the content
  std::string error;
  std::string hint;

  bool Is(std::string_view sign) const { return kind == TokenKind::kSign && text == sign; }
  bool IsWord(std::string_view word) const { return kind == TokenKind::kName && text == word; }
};

class Lexer {
 public:
  // `text` is valid UTF-8 and outlives the lexer and its tokens.
  explicit Lexer(std::string_view text) : text_(text) {}

  Token Next();

 private:
  void SkipBlanks();
  char At(size_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }
  Token Make(TokenKind kind, size_t end);
  Token Bad(size_t offset, std::string error, std::string hint = {});

  Token LexNumber();
  Token LexSign();
  Token LexQuotedName();
  bool StartsText() const;
  Token LexText();

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace huitou::cel
