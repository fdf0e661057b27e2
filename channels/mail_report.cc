#include "channels/mail_report.h"

#include <algorithm>
#include <vector>

#include "channels/limits.h"
#include "channels/url.h"

namespace huitou::channels {
namespace {

constexpr size_t kDispatchDigits = 32;

std::string_view Trim(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), LowerAscii);
  return lower;
}

// One line and its end, by CRLF or, as mail is kept in files, LF.
std::string_view TakeLine(std::string_view* text) {
  const size_t end = text->find('\n');
  std::string_view line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

struct Field {
  std::string name;  // in lower case
  std::string value;
};

// The fields up to the empty line, which is taken too.
std::vector<Field> TakeFields(std::string_view* text) {
  std::vector<Field> fields;
  while (!text->empty()) {
    const std::string_view line = TakeLine(text);
    if (line.empty()) {
      break;
    }
    const bool folded = line.front() == ' ' || line.front() == '\t';
    const size_t colon = line.find(':');
    if (folded && !fields.empty()) {
      fields.back().value += ' ';
      fields.back().value += Trim(line);
    } else if (colon != std::string_view::npos && fields.size() < limits::kMailFieldsMax) {
      fields.push_back(
          {Lower(Trim(line.substr(0, colon))), std::string(Trim(line.substr(colon + 1)))});
    }
  }
  return fields;
}

std::string_view ValueOf(const std::vector<Field>& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& field) { return field.name == name; });
  return found == fields.end() ? std::string_view() : std::string_view(found->value);
}

// "text/plain" of "Text/Plain; charset=utf-8"
std::string MediaType(std::string_view content_type) {
  return Lower(Trim(content_type.substr(0, content_type.find(';'))));
}

// The boundary, or another parameter, quoted or not.
std::string Parameter(std::string_view content_type, std::string_view name) {
  size_t at = content_type.find(';');
  while (at != std::string_view::npos) {
    std::string_view rest = Trim(content_type.substr(at + 1));
    const size_t equals = rest.find('=');
    if (equals == std::string_view::npos) {
      return {};
    }
    const bool wanted = Lower(Trim(rest.substr(0, equals))) == name;
    std::string_view value = Trim(rest.substr(equals + 1));
    const bool quoted = value.starts_with('"');
    value.remove_prefix(quoted ? 1 : 0);
    const size_t end = value.find_first_of(quoted ? "\"" : "; \t");
    if (wanted) {
      return std::string(value.substr(0, end));
    }
    at =
        end == std::string_view::npos
            ? end
            : content_type.find(';', static_cast<size_t>(value.data() - content_type.data()) + end);
  }
  return {};
}

// The parts between the boundaries, each with its own header.
std::vector<std::string_view> PartsOf(std::string_view body, const std::string& boundary) {
  std::vector<std::string_view> parts;
  if (boundary.empty()) {
    return parts;
  }
  const std::string delimiter = "--" + boundary;
  std::optional<const char*> begin;
  while (!body.empty() && parts.size() < limits::kMailPartsMax) {
    const char* const at = body.data();
    const std::string_view line = TakeLine(&body);
    if (!line.starts_with(delimiter)) {
      continue;
    }
    const std::string_view rest = Trim(line.substr(delimiter.size()));
    if (!rest.empty() && rest != "--") {
      continue;
    }
    if (begin) {
      parts.emplace_back(*begin, static_cast<size_t>(at - *begin));
    }
    begin = body.data();
    if (rest == "--") {
      return parts;
    }
  }
  if (begin && parts.size() < limits::kMailPartsMax) {
    parts.emplace_back(*begin, static_cast<size_t>(body.data() + body.size() - *begin));  // cut off
  }
  return parts;
}

// The first dispatch id that stands between these two characters, as in "<id@domain>" and
// "bounces+id@domain".
Id128 DispatchIn(std::string_view text, char before, char behind) {
  for (size_t at = text.find(before); at != std::string_view::npos;
       at = text.find(before, at + 1)) {
    const std::string_view word = text.substr(at + 1, kDispatchDigits);
    const size_t end = at + 1 + kDispatchDigits;
    if (word.size() == kDispatchDigits && end < text.size() && text[end] == behind) {
      if (const Id128 id = Id128::Parse(word); !id.empty()) {
        return id;
      }
    }
  }
  return {};
}

Id128 DispatchOf(const std::vector<Field>& fields) {
  for (const char* const name : {"references", "in-reply-to"}) {
    if (const Id128 id = DispatchIn(ValueOf(fields, name), '<', '@'); !id.empty()) {
      return id;
    }
  }
  for (const char* const name : {"to", "delivered-to", "x-original-to"}) {
    if (const Id128 id = DispatchIn(ValueOf(fields, name), '+', '@'); !id.empty()) {
      return id;
    }
  }
  return {};
}

// What a message/delivery-status part says of its first recipient.
void ReadStatus(std::string_view body, MailReport* report) {
  while (!body.empty()) {
    const std::vector<Field> fields = TakeFields(&body);
    const std::string_view value = ValueOf(fields, "action");
    const std::string action = Lower(value.substr(0, value.find_first_of(" \t(")));
    if (action.empty()) {
      continue;  // of the whole message
    }
    report->kind = action == "failed"      ? MailReport::Kind::kFailed
                   : action == "delivered" ? MailReport::Kind::kDelivered
                                           : MailReport::Kind::kNoNews;
    if (report->kind != MailReport::Kind::kFailed) {
      return;
    }
    const std::string_view status = EnhancedCode(ValueOf(fields, "status"));
    // "5.0.0" tells nothing; what the other server said may.
    const std::string_view diagnostic = ValueOf(fields, "diagnostic-code");
    const std::string_view said = EnhancedCode(
        Trim(diagnostic.substr(std::min(diagnostic.find(';') + 1, diagnostic.size()))));
    report->status = status.ends_with(".0.0") && !said.empty() ? said : status;
    return;
  }
}

void ReadFeedback(std::string_view body, MailReport* report) {
  const std::string type = Lower(ValueOf(TakeFields(&body), "feedback-type"));
  const bool complaint = type == "abuse" || type == "fraud" || type == "opt-out" || type == "other";
  report->kind = complaint ? MailReport::Kind::kComplaint : MailReport::Kind::kNoNews;
}

}  // namespace

std::string_view EnhancedCode(std::string_view text) {
  for (int word = 0; word < 2 && !text.empty(); ++word) {
    const std::string_view first = text.substr(0, text.find_first_of(" -"));
    if (first.size() >= 5 && first.size() <= 9 && first[1] == '.' && first[0] >= '2' &&
        first[0] <= '5' && first.find('.', 2) != std::string_view::npos &&
        first.find_first_not_of("0123456789.") == std::string_view::npos) {
      return first;
    }
    text.remove_prefix(std::min(text.size(), first.size() + 1));
  }
  return {};
}

std::optional<MailReport> ParseMailReport(std::string_view mail) {
  mail = mail.substr(0, limits::kMailReportBytesMax);
  const std::vector<Field> fields = TakeFields(&mail);
  const std::string_view type = ValueOf(fields, "content-type");
  if (MediaType(type) != "multipart/report") {
    return std::nullopt;
  }
  MailReport report;
  bool reported = false;
  for (std::string_view part : PartsOf(mail, Parameter(type, "boundary"))) {
    const std::string kind = MediaType(ValueOf(TakeFields(&part), "content-type"));
    if (kind == "message/delivery-status" || kind == "message/global-delivery-status") {
      ReadStatus(part, &report);
      reported = true;
    } else if (kind == "message/feedback-report") {
      ReadFeedback(part, &report);
      reported = true;
    } else if (reported && (kind == "message/rfc822" || kind == "text/rfc822-headers" ||
                            kind == "message/global" || kind == "message/global-headers")) {
      report.dispatch = DispatchIn(ValueOf(TakeFields(&part), "message-id"), '<', '@');
    }
  }
  if (report.dispatch.empty()) {
    report.dispatch = DispatchOf(fields);
  }
  return reported && !report.dispatch.empty() ? std::optional(report) : std::nullopt;
}

}  // namespace huitou::channels
