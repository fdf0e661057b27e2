#include "daemon/simulate/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "triggers/base/markup.h"

namespace huitou {

namespace {

constexpr std::string_view kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#222}h2{margin-top:2rem}table{border-collapse:collapse;width:100%}"
    "td{padding:.2rem .6rem;border-bottom:1px solid #eee}td.n{text-align:right;"
    "font-variant-numeric:tabular-nums;width:8rem}td.b{width:50%}"
    ".bar{height:.8rem;background:#2a7;border-radius:2px}.no{background:#c66}.dim{color:#777}";

struct Row {
  std::string name;
  uint64_t count = 0;
  bool refusal = false;
};

std::string Table(const std::vector<Row>& rows) {
  uint64_t most = 1;
  for (const Row& row : rows) {
    most = std::max(most, row.count);
  }
  std::string html = "<table>\n";
  for (const Row& row : rows) {
    const double percent = 100.0 * static_cast<double>(row.count) / static_cast<double>(most);
    html += fmt::format(
        "<tr><td>{}</td><td class=n>{}</td><td class=b><div class=\"bar{}\" "
        "style=\"width:{:.1f}%\"></div></td></tr>\n",
        EscapeMarkup(row.name), row.count, row.refusal ? " no" : "", percent);
  }
  return html + "</table>\n";
}

std::vector<Row> RowsOf(const CampaignReport& c) {
  std::vector<Row> rows = {{"candidates", c.candidates}};
  const auto add = [&](const char* what, const std::map<std::string, uint64_t>& counts,
                       bool refusal) {
    for (const auto& [word, count] : counts) {
      rows.push_back({fmt::format("{} {}", what, word), count, refusal});
    }
  };
  add("rejected:", c.rejected, true);
  rows.push_back({"pending", c.pending});
  rows.push_back({"entered", c.entered});
  rows.push_back({"coupons issued", c.issued});
  add("sent by", c.dispatched, false);
  add("SMS parts by", c.sms_parts, false);
  add("exited:", c.exited, true);
  add("failed:", c.failed, true);
  rows.push_back({"completed", c.completed});
  rows.push_back({"waiting", c.waiting});
  rows.push_back({"converted, treated", c.converted_treated});
  rows.push_back({"converted, control group", c.converted_holdout});
  return rows;
}

}  // namespace

std::string ReportHtml(const BacktestReport& report) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=en><meta charset=utf-8>"
      "<meta name=viewport content=\"width=device-width\"><title>Huitou backtest</title>"
      "<style>{}</style>\n<h1>Backtest</h1>\n"
      "<p>{} events of {} customers, until {}. Late: {}; repeated: {}.</p>\n",
      kStyle, report.events, report.customers,
      report.until == kTimeMin ? "-" : FormatRfc3339(report.until), report.late, report.duplicates);
  if (!report.events_rejected.empty()) {
    std::vector<Row> rows;
    for (const auto& [reason, count] : report.events_rejected) {
      rows.push_back({reason, count, true});
    }
    html += "<h2>Events refused</h2>\n" + Table(rows);
  }
  for (const auto& [id, campaign] : report.campaigns) {
    html += fmt::format("<h2>{}</h2>\n", EscapeMarkup(id)) + Table(RowsOf(campaign));
    for (const auto& [channel, cost] : campaign.sms_cost) {
      html += fmt::format("<p>SMS by {}: {} {}</p>\n", EscapeMarkup(channel),
                          FormatMinor(cost.minor, cost.currency), cost.currency.code());
    }
    for (const auto& [code, minor] : campaign.money_minor) {
      html += fmt::format("<p>Money issued: {} {}</p>\n",
                          FormatMinor(minor, Currency::Parse(code).value_or(Currency())),
                          EscapeMarkup(code));
    }
  }
  html += fmt::format("<p class=dim>decisions sha256 {}</p>\n</html>\n", report.decisions_sha256);
  return html;
}

}  // namespace huitou
