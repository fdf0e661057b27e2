// Diagnostics: what is wrong with a text that a user wrote, where, and what to type instead. They
// are gathered, never thrown, so that one run tells every mistake. One thread at a time.
//
// Example:
//   diagnostics.Error({"winback.yaml", 14, 5}, "unknown key 'chanel'", "did you mean 'channel'?");
//   FormatDiagnostic(diagnostics.Sorted()[0]);
//   // winback.yaml:14:5: error: unknown key 'chanel'; did you mean 'channel'?
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace huitou::config {

// Where in a file: lines and columns count from 1, columns in characters. 0: the whole file.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

enum class Severity : uint8_t {
  kError,    // the file is refused
  kWarning,  // it works, but hardly as meant
  kNote,     // good to know
};

struct Diagnostic {
  std::string file;
  int line = 0;
  int column = 0;
  std::string message;
  std::string hint;
  Severity severity = Severity::kError;
};

// "file:line:col: error: what; hint" without the line end.
std::string FormatDiagnostic(const Diagnostic& diagnostic);

class Diagnostics {
 public:
  void Error(const Place& place, std::string message, std::string hint = {});
  void Warning(const Place& place, std::string message, std::string hint = {});
  void Note(const Place& place, std::string message, std::string hint = {});

  bool has_errors() const { return errors_ > 0; }
  size_t error_count() const { return errors_; }
  // By file, line and column, each only once.
  std::vector<Diagnostic> Sorted() const;

 private:
  void Add(Severity severity, const Place& place, std::string message, std::string hint);

  std::vector<Diagnostic> list_;
  size_t errors_ = 0;
};

// Where byte `offset` of `text` stands. Walks the text: for a few mistakes, not for many.
Place PlaceIn(const std::string& file, std::string_view text, size_t offset);

// `text` between single quotes, cut to what fits a message, without line breaks.
std::string Quote(std::string_view text);

// "did you mean 'channel'?" when one candidate is near, else "one of: a, b, c" when they are few.
std::string Choices(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace huitou::config
