// A backtest: what would these campaigns have done with this history? Reads event files in the
// order given, runs them through a World, and reports. The same input gives the same bytes. One
// thread, which another one helps by decoding ahead.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/templates.h"
#include "triggers/base/money.h"
#include "triggers/base/sms_size.h"
#include "triggers/base/status.h"
#include "triggers/base/time.h"
#include "triggers/shop.h"

namespace huitou {

// What the report says of SMS: how many parts they have, and what these cost.
struct SmsCosts {
  struct Channel {
    SmsAlphabet alphabet = SmsAlphabet::kGsm7;
    std::optional<Money> price_per_1000;  // parts
  };
  std::map<std::string, Channel> channels;
  const config::TemplateSet* templates = nullptr;  // of whoever runs the backtest, for as long
};

struct BacktestOptions {
  std::vector<std::string> files;
  std::optional<TimeUs> until;
  DurationUs lateness = 0;
  bool assume_contact = false;
  bool assume_consent = false;
  std::string decisions_path;  // empty: only the hash
  SmsCosts sms;
  // Told now and then how many events are done; may be empty.
  std::function<void(uint64_t events)> progress;
};

// One campaign's sums; contracts.md section 1 has the words.
struct CampaignReport {
  uint64_t candidates = 0;
  uint64_t entered = 0;
  uint64_t pending = 0;
  uint64_t issued = 0;
  uint64_t completed = 0;
  uint64_t waiting = 0;
  uint64_t converted_treated = 0;
  uint64_t converted_holdout = 0;
  std::map<std::string, uint64_t> rejected;
  std::map<std::string, uint64_t> dispatched;
  std::map<std::string, uint64_t> exited;
  std::map<std::string, uint64_t> failed;
  std::map<std::string, int64_t> money_minor;  // by currency
  std::map<std::string, uint64_t> sms_parts;   // by channel
  std::map<std::string, Money> sms_cost;       // by channel, of those with a price
};

struct BacktestReport {
  uint64_t events = 0;
  std::map<std::string, uint64_t> events_rejected;
  std::vector<std::string> first_refused;  // "file:line: refused: reason (detail)"; the first few
  uint64_t duplicates = 0;
  uint64_t late = 0;
  uint64_t customers = 0;
  uint64_t condition_errors = 0;
  TimeUs until = kTimeMin;
  std::map<std::string, CampaignReport> campaigns;
  std::string decisions_sha256;

  // Candidates = entered + rejected + pending, entered = waiting + exited + completed + failed:
  // the campaigns for which that does not hold.
  std::vector<std::string> ConservationViolations() const;
  std::string ToJson() const;
  // A table for people.
  std::string ToText() const;
};

class Backtest {
 public:
  Backtest(std::shared_ptr<const CampaignSet> set, const BacktestOptions& options);
  // Taking millions of customers apart takes a while: a process that ends anyway may leave it.
  ~Backtest();
  Backtest(const Backtest&) = delete;
  Backtest& operator=(const Backtest&) = delete;

  // Once.
  Result<BacktestReport> Run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace huitou
