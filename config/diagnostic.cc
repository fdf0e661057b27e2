#include "config/diagnostic.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "config/limits.h"
#include "triggers/base/text.h"

namespace huitou::config {
namespace {

std::string_view Word(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
  }
  return "error";
}

auto Rank(const Diagnostic& d) {
  return std::tie(d.file, d.line, d.column, d.severity, d.message, d.hint);
}

}  // namespace

std::string FormatDiagnostic(const Diagnostic& diagnostic) {
  std::string text = diagnostic.file;
  if (diagnostic.line > 0) {
    text += ':' + std::to_string(diagnostic.line) + ':' + std::to_string(diagnostic.column);
  }
  text.append(": ").append(Word(diagnostic.severity)).append(": ").append(diagnostic.message);
  if (!diagnostic.hint.empty()) {
    text += "; " + diagnostic.hint;
  }
  return text;
}

void Diagnostics::Error(const Place& place, std::string message, std::string hint) {
  ++errors_;
  Add(Severity::kError, place, std::move(message), std::move(hint));
}

void Diagnostics::Warning(const Place& place, std::string message, std::string hint) {
  Add(Severity::kWarning, place, std::move(message), std::move(hint));
}

void Diagnostics::Note(const Place& place, std::string message, std::string hint) {
  Add(Severity::kNote, place, std::move(message), std::move(hint));
}

void Diagnostics::Add(Severity severity, const Place& place, std::string message,
                      std::string hint) {
  list_.push_back(
      {place.file, place.line, place.column, std::move(message), std::move(hint), severity});
}

std::vector<Diagnostic> Diagnostics::Sorted() const {
  std::vector<Diagnostic> sorted = list_;
  std::sort(sorted.begin(), sorted.end(),
            [](const Diagnostic& a, const Diagnostic& b) { return Rank(a) < Rank(b); });
  sorted.erase(
      std::unique(sorted.begin(), sorted.end(),
                  [](const Diagnostic& a, const Diagnostic& b) { return Rank(a) == Rank(b); }),
      sorted.end());
  return sorted;
}

Place PlaceIn(const std::string& file, std::string_view text, size_t offset) {
  const std::string_view head = text.substr(0, std::min(offset, text.size()));
  const size_t newline = head.rfind('\n');
  const std::string_view line = newline == std::string_view::npos ? head : head.substr(newline + 1);
  return {file, static_cast<int>(std::count(head.begin(), head.end(), '\n')) + 1,
          static_cast<int>(CountCodePoints(line)) + 1};
}

std::string Quote(std::string_view text) {
  std::string quoted = "'";
  size_t characters = 0;
  for (const char c : text) {
    if ((c & 0xC0) != 0x80 && ++characters > limits::kQuotedCharactersMax) {
      return quoted + "...'";
    }
    quoted += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  }
  return quoted + "'";
}

std::string Choices(std::string_view word, const std::vector<std::string>& candidates) {
  const std::vector<std::string_view> views(candidates.begin(), candidates.end());
  if (const std::string_view near = Suggest(word, views); !near.empty()) {
    return "did you mean '" + std::string(near) + "'?";
  }
  if (candidates.empty() || candidates.size() > limits::kListedChoicesMax) {
    return {};
  }
  std::string hint = candidates.size() == 1 ? "the only one is " : "one of: ";
  for (size_t i = 0; i < candidates.size(); ++i) {
    hint.append(i == 0 ? "" : ", ").append(candidates[i]);
  }
  return hint;
}

}  // namespace huitou::config
