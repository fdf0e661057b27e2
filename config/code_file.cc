#include "config/code_file.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <unordered_map>

#include "config/files.h"
#include "config/limits.h"

namespace huitou::config {
namespace {

constexpr std::string_view kTooLong = "the code is too long";
constexpr std::string_view kNotOne = "not one code alone";

// What is wrong with a line; empty when it is one code.
std::string_view WhatIsWrong(std::string_view code) {
  if (code.size() > limits::kCodeBytesMax) {
    return kTooLong;
  }
  const bool good = std::all_of(code.begin(), code.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '\x7F' && c != ',' && c != '"';
  });
  return good ? std::string_view() : kNotOne;
}

std::string HintFor(std::string_view what) {
  return what == kTooLong ? "at most " + std::to_string(limits::kCodeBytesMax) + " characters"
                          : "a line is one code, without blanks, commas and quotes";
}

}  // namespace

void EachCode(std::string_view text, const std::function<void(size_t, std::string_view)>& take,
              const std::function<void(size_t, std::string_view)>& wrong) {
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view code = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (code.ends_with('\r')) {
      code.remove_suffix(1);
    }
    if (code.empty()) {
      continue;
    }
    if (const std::string_view what = WhatIsWrong(code); !what.empty()) {
      wrong(number, what);
    } else {
      take(number, code);
    }
  }
}

bool CheckCodeFile(const std::string& path, const Place& named, Diagnostics* diagnostics) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (!error && bytes > static_cast<uintmax_t>(limits::kCodeFileBytesMax)) {
    diagnostics->Error(named, "the file of codes is too large",
                       "at most 64 MB; put further codes into another pool");
    return true;
  }
  const Result<std::string> text = ReadWholeFile(path);
  if (!text.ok()) {
    diagnostics->Error(named, "cannot read " + Quote(path) + ": " + text.status().message(),
                       "one code a line");
    return false;
  }
  std::unordered_map<std::string_view, size_t> lines;
  size_t mistakes = 0;
  size_t untold = 0;  // line of the first
  const auto tell = [&](size_t line, const std::string& what, const std::string& hint) {
    if (++mistakes <= limits::kCodeMistakesMax) {
      diagnostics->Error({path, static_cast<int>(line), 1}, what, hint);
    } else if (untold == 0) {
      untold = line;
    }
  };
  EachCode(
      *text,
      [&](size_t line, std::string_view code) {
        if (const auto [first, is_new] = lines.emplace(code, line); !is_new) {
          tell(line, "the code of line " + std::to_string(first->second) + " again",
               "a code is given once; remove one");
        }
      },
      [&](size_t line, std::string_view what) { tell(line, std::string(what), HintFor(what)); });
  if (untold > 0) {
    diagnostics->Error({path, static_cast<int>(untold), 1},
                       std::to_string(mistakes) + " lines of the file are wrong",
                       "the first " + std::to_string(limits::kCodeMistakesMax) + " are told");
  } else if (lines.empty() && mistakes == 0) {
    diagnostics->Error({path, 1, 1}, "no code in the file", "one code a line");
  }
  return true;
}

}  // namespace huitou::config
