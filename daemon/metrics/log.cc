#include "daemon/metrics/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "daemon/clock/clock.h"
#include "daemon/metrics/limits.h"
#include "daemon/output/patient_write.h"
#include "triggers/base/json.h"
#include "triggers/base/text.h"

namespace huitou {
namespace {

std::string LostLine(uint64_t lost);

// Standard error, if somebody reads it. Whoever logs waits for the reader once; from then on lines
// are dropped, and counted in the first one that goes through again: a log that nobody reads holds
// up neither the work nor the end of the process.
class StandardError : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view payload(message.payload.data(), message.payload.size());
    if (lost_ > 0 && !Write(LostLine(lost_))) {
      ++lost_;
      return;
    }
    lost_ = Write(payload) ? 0 : 1;
  }
  void flush_() override {}

 private:
  bool Write(std::string_view line) {
    const std::string data = (torn_ ? "\n" : "") + std::string(line) + "\n";
    const DurationUs patience = lost_ == 0 ? limits::kLogPatience : 0;
    const size_t written = PatientWrite(STDERR_FILENO, data, SteadyNow() + patience);
    torn_ = written == data.size() ? false : torn_ || written > 0;
    return written == data.size();
  }

  uint64_t lost_ = 0;
  bool torn_ = false;  // the last line is there by half
};

struct Process {
  std::shared_ptr<spdlog::logger> logger;
  std::atomic<LogFormat> format = LogFormat::kText;
};

Process& TheProcess() {
  static Process process{
      std::make_shared<spdlog::logger>("huitou", std::make_shared<StandardError>())};
  return process;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view NameOf(LogLevel level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  return kNames[static_cast<size_t>(level)];
}

// Hands every line to a function.
class FunctionSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(std::function<void(const std::string&)> function)
      : function_(std::move(function)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    function_(std::string(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}

 private:
  std::function<void(const std::string&)> function_;
};

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsWord(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}
bool IsMailLocal(char c) {
  return IsWord(c) || c == '.' || c == '_' || c == '-' || c == '+' || c == '\'';
}
bool IsMailDomain(char c) {
  return IsWord(c) || c == '.' || c == '-';
}

// The length of a phone number that starts at `text`, or 0. Numbers with a plus have 7 to 15
// digits (E.164), perhaps parted by single blanks or dashes; without one, only a mainland mobile
// number is told from an id: 1[3-9] and nine digits more, perhaps after 86 or 0086.
size_t PhoneLength(std::string_view text) {
  const bool plus = text[0] == '+';
  size_t position = plus ? 1 : 0;
  std::string digits;
  size_t end = 0;
  while (position < text.size() && digits.size() < 20) {
    if (IsDigit(text[position])) {
      digits += text[position];
      end = ++position;
    } else if ((text[position] == ' ' || text[position] == '-') && position > 0 &&
               IsDigit(text[position - 1])) {
      ++position;
    } else {
      break;
    }
  }
  if (plus) {
    return digits.size() >= 7 ? end : 0;
  }
  std::string_view national = digits;
  for (const std::string_view prefix : {"0086", "86"}) {
    if (national.size() > 11 && national.starts_with(prefix)) {
      national.remove_prefix(prefix.size());
    }
  }
  const bool mobile = national.size() == 11 && national[0] == '1' && national[1] >= '3';
  return mobile ? end : 0;
}

// Copies `text` with its phone numbers masked.
std::string MaskPhones(std::string_view text) {
  std::string masked;
  for (size_t i = 0; i < text.size();) {
    const bool starts = text[i] == '+' || (IsDigit(text[i]) && (i == 0 || !IsDigit(text[i - 1])));
    const size_t length = starts ? PhoneLength(text.substr(i)) : 0;
    if (length > 0) {
      masked += MaskPhone(text.substr(i, length));
      i += length;
    } else {
      masked += text[i++];
    }
  }
  return masked;
}

std::string MaskEmails(std::string_view text) {
  std::string masked;
  size_t copied = 0;
  for (size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    size_t begin = at;
    while (begin > copied && IsMailLocal(text[begin - 1])) {
      --begin;
    }
    size_t end = at + 1;
    while (end < text.size() && IsMailDomain(text[end])) {
      ++end;
    }
    if (begin == at || end == at + 1) {
      continue;
    }
    masked.append(text.substr(copied, begin - copied));
    masked += MaskEmail(text.substr(begin, end - begin));
    copied = end;
  }
  return masked.append(text.substr(copied));
}

// A URL's spelling of '+' and '@' hides neither.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view three = text.substr(i, 3);
    if (three == "%2B" || three == "%2b" || three == "%40") {
      plain += three == "%40" ? '@' : '+';
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::string Clean(std::string_view text) {
  std::string clean = MaskAddresses(text.substr(0, limits::kLogValueBytesMax));
  if (text.size() > limits::kLogValueBytesMax) {
    clean += "...";
  }
  return clean;
}

TimeUs WallClock() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string JsonLine(LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields) {
  JsonObject line;
  line.Add("time", FormatRfc3339(WallClock())).Add("level", NameOf(level));
  line.Add("message", Clean(message));
  for (const LogField& field : fields) {
    if (field.is_number) {
      line.AddInteger(field.key, field.number);
    } else {
      line.Add(field.key, Clean(field.text));
    }
  }
  return line.Close();
}

std::string TextLine(LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string line = FormatRfc3339(WallClock());
  line.append(" ").append(NameOf(level)).append(" ").append(Clean(message));
  for (const LogField& field : fields) {
    line.append(" ").append(field.key).append("=");
    if (field.is_number) {
      line += std::to_string(field.number);
      continue;
    }
    const std::string value = Clean(field.text);
    if (value.find_first_of(" \"=\n\r\t") == std::string::npos && !value.empty()) {
      line += value;
    } else {
      AppendJsonString(&line, value);
    }
  }
  // One fact is one line, whatever it quotes.
  for (char& c : line) {
    c = (c == '\n' || c == '\r') ? ' ' : c;
  }
  return line;
}

std::string FormatLine(LogLevel level, std::string_view message,
                       std::initializer_list<LogField> fields) {
  return TheProcess().format == LogFormat::kJson ? JsonLine(level, message, fields)
                                                 : TextLine(level, message, fields);
}

std::string LostLine(uint64_t lost) {
  return FormatLine(LogLevel::kWarning, "nobody read the log, and lines were lost",
                    {{"lines", lost}});
}

}  // namespace

std::optional<LogLevel> ParseLogLevel(std::string_view word) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (word == NameOf(level)) {
      return level;
    }
  }
  return std::nullopt;
}

void InitLog(const LogOptions& options) {
  TheProcess().logger->set_level(ToSpdlog(options.level));
  TheProcess().format = options.format;
}

void SetLogSinkForTest(std::function<void(const std::string&)> sink) {
  std::shared_ptr<spdlog::sinks::sink> lines;
  if (sink) {
    lines = std::make_shared<FunctionSink>(std::move(sink));
  } else {
    lines = std::make_shared<StandardError>();
  }
  TheProcess().logger->sinks() = {std::move(lines)};
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  Process& process = TheProcess();
  const spdlog::level::level_enum spdlog_level = ToSpdlog(level);
  if (!process.logger->should_log(spdlog_level)) {
    return;
  }
  const std::string line = FormatLine(level, message, fields);
  process.logger->log(spdlog_level, spdlog::string_view_t(line));
}

std::string MaskAddresses(std::string_view text) {
  if (text.find_first_of("@%+0123456789") == std::string_view::npos) {
    return std::string(text);
  }
  return MaskPhones(MaskEmails(Unescape(text)));
}

std::optional<uint64_t> LogLimiter::Pass(std::string_view kind, TimeUs now) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = kinds_.try_emplace(std::string(kind));
  Kind& state = found->second;
  if (!is_new && now - state.passed_at < limits::kLogRepeatMin) {
    ++state.left_out;
    return std::nullopt;
  }
  state.passed_at = now;
  return std::exchange(state.left_out, 0);
}

}  // namespace huitou
