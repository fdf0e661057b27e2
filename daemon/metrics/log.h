// Structured logs: one line per fact, as text for people or JSON for machines, on stderr. Any
// thread; the settings are the process's. Lines that nobody reads are dropped and counted. Phones
// and mail addresses are masked in every text, but the callers' duty stays: no secret and no
// customer's text goes into a log.
//
// Example:
//   InitLog({LogLevel::kInfo, LogFormat::kJson});
//   Log(LogLevel::kWarning, "partition refused", {{"topic", topic}, {"partition", partition}});
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "triggers/base/time.h"

namespace huitou {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };
enum class LogFormat : uint8_t { kText, kJson };

// "debug", "info", "warning", "error"; nothing for other words.
std::optional<LogLevel> ParseLogLevel(std::string_view word);

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
};

// Until it is called: level info, text.
void InitLog(const LogOptions& options);
// Tests: lines go to `sink` (without their end) instead of stderr; nothing puts it back.
void SetLogSinkForTest(std::function<void(const std::string&)> sink);

struct LogField {
  LogField(std::string_view key, std::string_view text) : key(key), text(text) {}
  LogField(std::string_view key, const char* text) : key(key), text(text) {}
  LogField(std::string_view key, const std::string& text) : key(key), text(text) {}
  LogField(std::string_view key, std::integral auto value)
      : key(key), number(static_cast<int64_t>(value)), is_number(true) {}

  std::string_view key;
  std::string_view text;
  int64_t number = 0;
  bool is_number = false;
};

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

// `text` with its phone numbers and mail addresses masked.
std::string MaskAddresses(std::string_view text);

// Lets one line of each kind through per limits::kLogRepeatMin, so that a broker that is down does
// not fill the disk. Any thread.
class LogLimiter {
 public:
  // The number of lines left out since the last one that passed (0 or more), or nothing when this
  // one is to be left out too.
  std::optional<uint64_t> Pass(std::string_view kind, TimeUs now);

 private:
  struct Kind {
    TimeUs passed_at = 0;
    uint64_t left_out = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Kind, std::less<>> kinds_;
};

}  // namespace huitou
