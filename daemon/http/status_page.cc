#include "daemon/http/status_page.h"

#include <initializer_list>
#include <string_view>

#include "triggers/base/markup.h"

namespace huitou::http {
namespace {

constexpr std::string_view kHead =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\">"
    "<meta http-equiv=\"refresh\" content=\"10\"><title>Huitou</title><style>"
    "body{font:15px/1.5 system-ui,sans-serif;margin:1.5em;max-width:70em;color:#222}"
    "h1{margin:0;font-size:1.5em}h2{margin:1.5em 0 .3em;font-size:1.1em}"
    "table{border-collapse:collapse}th,td{padding:.2em .9em .2em 0;text-align:left;"
    "border-bottom:1px solid #ddd;vertical-align:top}"
    ".n{text-align:right;font-variant-numeric:tabular-nums}"
    ".good{color:#176f2c}.bad{color:#b3261e;font-weight:bold}"
    "</style>";

// A cell of a table. Numbers stand to the right.
struct Cell {
  Cell(std::string_view text, bool bad = false) : text(text), bad(bad) {}
  Cell(const char* text, bool bad = false) : text(text), bad(bad) {}
  Cell(const std::string& text, bool bad = false) : text(text), bad(bad) {}
  Cell(int64_t number, bool bad = false) : text(std::to_string(number)), number(true), bad(bad) {}
  Cell(uint64_t number) : text(std::to_string(number)), number(true) {}

  std::string text;
  bool number = false;
  bool bad = false;
};

std::string Row(std::initializer_list<Cell> cells, std::string_view tag = "td") {
  std::string row = "<tr>";
  for (const Cell& cell : cells) {
    row.append("<").append(tag);
    if (cell.number || cell.bad) {
      row.append(" class=\"").append(cell.number ? "n" : "").append(cell.bad ? " bad" : "");
      row += '"';
    }
    row.append(">").append(EscapeMarkup(cell.text)).append("</").append(tag).append(">");
  }
  return row + "</tr>";
}

template <typename Of>
std::string Table(std::string_view title, std::initializer_list<Cell> names,
                  const std::vector<Of>& rows, std::string (*row_of)(const Of&)) {
  std::string table = "<h2>";
  table.append(title).append("</h2>");
  if (rows.empty()) {
    return table + "<p>none</p>";
  }
  table.append("<table>").append(Row(names, "th"));
  for (const Of& row : rows) {
    table += row_of(row);
  }
  return table + "</table>";
}

std::string Seconds(DurationUs duration) {
  return std::to_string(duration / kSecondUs) + " s";
}

std::string Row(const StatusReport::Source& source) {
  return Row({source.name, source.kind, source.behind ? Cell(*source.behind) : Cell("unknown"),
              Cell(source.problem.empty() ? "ok" : source.problem, !source.problem.empty())});
}

std::string Row(const StatusReport::Shard& shard) {
  return Row({int64_t{shard.number},
              shard.frontier_lag ? Cell(Seconds(*shard.frontier_lag)) : Cell("no event yet"),
              shard.at_end ? "at the end" : "catching up", shard.timers_pending,
              Cell(shard.timers_held, shard.timers_held > 0),
              Cell(shard.problem.empty() ? "ok" : shard.problem, !shard.problem.empty())});
}

std::string Row(const StatusReport::Channel& channel) {
  return Row({channel.name, channel.provider, Cell(channel.circuit, channel.circuit != "closed"),
              channel.waiting, channel.last_refusal});
}

std::string Row(const StatusReport::Campaign& campaign) {
  return Row({campaign.name, Cell(campaign.paused ? "paused" : "active", campaign.paused),
              campaign.candidates, campaign.rejected, campaign.entered, campaign.open,
              campaign.completed, campaign.exited,
              Cell(static_cast<int64_t>(campaign.failed), campaign.failed > 0)});
}

std::string Readiness(const StatusReport& report) {
  if (report.not_ready.empty()) {
    return "<p class=\"good\">ready</p>";
  }
  std::string html = "<p class=\"bad\">not ready:</p><ul>";
  for (const std::string& reason : report.not_ready) {
    html += "<li>" + EscapeMarkup(reason) + "</li>";
  }
  return html + "</ul>";
}

}  // namespace

std::string StatusPage(const StatusReport& report) {
  std::string html(kHead);
  html += "<h1>Huitou " + EscapeMarkup(report.version) + "</h1>";
  html += "<p>" + FormatRfc3339(report.now / kSecondUs * kSecondUs) + "</p>" + Readiness(report);
  html += Table<StatusReport::Source>("Sources", {"source", "kind", "records behind", "state"},
                                      report.sources, &Row);
  html += Table<StatusReport::Shard>(
      "Shards", {"shard", "frontier behind", "log", "timers pending", "timers held", "state"},
      report.shards, &Row);
  html += Table<StatusReport::Channel>(
      "Channels", {"channel", "provider", "circuit", "waiting", "last refusal"}, report.channels,
      &Row);
  html += Table<StatusReport::Campaign>("Campaigns",
                                        {"campaign", "", "candidates", "rejected", "entered",
                                         "open", "completed", "exited", "failed"},
                                        report.campaigns, &Row);
  return html +
         "<p><a href=\"/v1/campaigns\">campaigns</a> <a href=\"/metrics\">metrics</a> "
         "<a href=\"/readyz\">readyz</a> <a href=\"/openapi.json\">openapi.json</a></p></html>";
}

}  // namespace huitou::http
