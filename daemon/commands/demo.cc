#include "daemon/commands/demo.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/app/daemon.h"
#include "daemon/app/setup.h"
#include "daemon/commands/http_client.h"
#include "daemon/explain/explain.h"
#include "daemon/metrics/log.h"
#include "triggers/base/hash.h"
#include "triggers/base/json.h"

namespace huitou {

namespace {

constexpr char kStateDir[] = "var/demo";
constexpr char kOutbox[] = "var/outbox.jsonl";
// Until the frontier passes the end of the orders' window: the win-back is due while you watch.
constexpr DurationUs kSuspense = 2 * kSecondUs;
// The demo waits for a decision at most so long; on any machine it comes within a second or two.
constexpr int kLooksMax = 150;
constexpr std::chrono::milliseconds kLookEvery{200};

TimeUs Now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// A zone in which it is about noon, so that nobody's quiet hours hold the demo up.
std::string NoonZone(TimeUs now) {
  const int hour = static_cast<int>((now / kHourUs) % 24);
  const int east = 12 - hour;
  // The database's Etc zones count west as positive.
  return east == 0 ? "Etc/GMT" : fmt::format("Etc/GMT{:+d}", -east);
}

// How far the frontier is behind the wall clock.
DurationUs LatenessOf(const config::DaemonConfig& config) {
  DurationUs lateness = 0;
  for (const config::SourceConfig& source : config.sources) {
    lateness = std::max(lateness, source.allowed_lateness);
  }
  return lateness;
}

struct Cast {
  std::string ordinary[2];  // in no control group
  std::string control;      // in the control group of winback
};

// Ids whose sticky hashes put them where the play needs them.
Cast Choose(const CampaignSet& set) {
  const Campaign* winback = nullptr;
  for (const auto& campaign : set.campaigns) {
    winback = campaign->id == "winback" ? campaign.get() : winback;
  }
  Cast cast;
  size_t ordinary = 0;
  for (int i = 1; ordinary < 2 || cast.control.empty(); ++i) {
    const std::string id = fmt::format("demo-{:03}", i);
    const bool outside = HashShare({"holdout", id}) >= set.shop.holdout_share;
    const bool treated =
        winback == nullptr || HashShare({"holdout", "winback", id}) >= winback->holdout_share;
    if (outside && treated && ordinary < 2) {
      cast.ordinary[ordinary++] = id;
    } else if (outside && !treated && cast.control.empty()) {
      cast.control = id;
    }
    if (i > 10'000) {
      cast.control = cast.control.empty() ? id : cast.control;  // no control group configured
    }
  }
  return cast;
}

class Player {
 public:
  Player(std::string url, std::ostream& out) : url_(std::move(url)), out_(out) {}

  bool Post(const std::string& event) {
    const auto answer = Fetch("POST", url_ + "/v1/events", event, "");
    if (!answer.ok() || answer->status != 202) {
      out_ << "  the daemon refused an event: "
           << (answer.ok() ? answer->body : answer.status().message()) << '\n';
      return false;
    }
    return true;
  }

  // The customer's story so far, as `explain` tells it.
  std::string Explain(const std::string& customer, const std::string& campaign) {
    const auto answer =
        Fetch("GET", url_ + "/v1/customers/" + customer + "/explain?campaign=" + campaign, "", "");
    return answer.ok() ? answer->body : std::string();
  }

  // Waits until the story has this word.
  bool Await(const std::string& customer, const std::string& campaign, const std::string& word) {
    for (int look = 0; look < kLooksMax; ++look) {
      if (Explain(customer, campaign).find(word) != std::string::npos) {
        return true;
      }
      std::this_thread::sleep_for(kLookEvery);
    }
    return false;
  }

 private:
  const std::string url_;
  std::ostream& out_;
};

std::string CustomerPart(const std::string& id, const std::string& zone) {
  return fmt::format(
      R"({{"id":"{}","phone":"+86138{:08}","locale":"en","timezone":"{}","name":"Li"}})", id,
      Hash64(id) % 100'000'000, zone);
}

std::string ConsentEvent(const std::string& id, const std::string& zone, TimeUs at) {
  return fmt::format(
      R"({{"id":"{}-consent","type":"consent.granted","time":"{}","customer":{},"consent":{{"channel":"sms"}}}})",
      id, FormatRfc3339(at), CustomerPart(id, zone));
}

std::string OrderEvent(const std::string& id, const std::string& zone, TimeUs at) {
  return fmt::format(
      R"({{"id":"{0}-order","type":"order.paid","time":"{1}","customer":{2},"order":{{"id":"{0}-o1","currency":"CNY","total":"259.00","items":[{{"sku":"s1","category":"women.clothing","quantity":1,"price":"259.00"}}]}}}})",
      id, FormatRfc3339(at), CustomerPart(id, zone));
}

std::string ReviewEvent(const std::string& id, const std::string& zone, int number, TimeUs at) {
  return fmt::format(
      R"({{"id":"{0}-review-{1}","type":"review.posted","time":"{2}","customer":{3},"review":{{"id":"{0}-r{1}","order_id":"{0}-o1","sku":"s1","rating":5,"text":"lovely","verified":true}}}})",
      id, number, FormatRfc3339(at), CustomerPart(id, zone));
}

// The play itself; false when something did not come about.
bool Perform(Player* player, const Cast& cast, DurationUs lateness, std::ostream& out) {
  const TimeUs now = Now();
  const std::string zone = NoonZone(now);
  const TimeUs bought = now - lateness - 47 * kDayUs + kSuspense;
  const std::string& anna = cast.ordinary[0];
  const std::string& bo = cast.ordinary[1];
  const std::string& chen = cast.control;
  bool good = true;

  out << "\n1. " << anna << " and " << chen
      << " bought women's clothing 47 days ago, and not since.\n"
      << "   " << bo << " posts a five-star review.\n\n";
  for (const std::string& id : {anna, chen}) {
    good = player->Post(ConsentEvent(id, zone, bought)) &&
           player->Post(OrderEvent(id, zone, bought)) && good;
  }
  good = player->Post(ConsentEvent(bo, zone, bought)) &&
         player->Post(ReviewEvent(bo, zone, 1, now)) && good;

  good = player->Await(bo, "review-thanks", "dispatched") && good;
  out << "2. The thank-you goes out at once:\n"
      << ExplainText(player->Explain(bo, "review-thanks")) << '\n';
  good = player->Await(anna, "winback", "dispatched") && good;
  out << "3. The window closed while you were reading; nobody came back, so the coupon goes out:\n"
      << ExplainText(player->Explain(anna, "winback")) << '\n';
  good = player->Await(chen, "winback", "holdout") && good;
  out << "4. Why did " << chen << " get nothing? The control group:\n"
      << ExplainText(player->Explain(chen, "winback")) << '\n';

  out << "5. " << anna
      << " posts a five-star review on the day of her coupon. One SMS a day is the shop's cap:\n";
  good = player->Post(ReviewEvent(anna, zone, 1, Now())) && good;
  good = player->Await(anna, "review-thanks", "\"outcome\":\"rejected\"") && good;
  out << ExplainText(player->Explain(anna, "review-thanks")) << '\n';
  return good;
}

}  // namespace

int RunDemo(const DemoOptions& options, std::ostream& out, std::ostream& err) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  if (!std::filesystem::exists(kDefaultConfig)) {
    err << "huitou demo: no " << kDefaultConfig << " here; run it in the repository's top folder\n";
    return kExitCouldNotRun;
  }
  config::Loaded loaded = config::LoadAll(kDefaultConfig, AllSchemas(), ReadSecrets(true));
  PrintDiagnostics(loaded.diagnostics, err);
  if (loaded.status != config::LoadStatus::kGood) {
    return ExitCode(loaded.status);
  }
  InitLog({LogLevel::kWarning, LogFormat::kText});
  const Cast cast = Choose(*loaded.campaigns);
  const DurationUs lateness = LatenessOf(loaded.config);
  std::error_code error;
  std::filesystem::remove_all(kStateDir, error);  // every play begins with an empty house
  std::filesystem::create_directories("var", error);
  DaemonOptions daemon_options;
  daemon_options.state_dir = kStateDir;
  if (options.once) {
    daemon_options.listen = "127.0.0.1:0";
  }
  auto daemon = Daemon::Start(std::move(loaded), daemon_options);
  if (!daemon.ok()) {
    err << "huitou demo: " << daemon.status().message() << '\n';
    return kExitCouldNotRun;
  }
  const std::string url = fmt::format("http://127.0.0.1:{}", (*daemon)->http_port());
  out << "Huitou runs at " << url << " with the campaigns of config/campaigns/.\n";
  Player player(url, out);
  const bool good = Perform(&player, cast, lateness, out);
  if (!good) {
    err << "huitou demo: not all of the play came about\n";
  }
  out << "Look at\n"
      << "  " << kOutbox << "  what was sent, one JSON line a message\n"
      << "  " << url << "/metrics\n"
      << "  " << url << "/v1/campaigns\n"
      << "  " << url << "/v1/customers/" << cast.ordinary[0] << "/timeline\n"
      << "  huitou explain --customer " << cast.ordinary[0] << " --url " << url << "\n";
  if (!options.once) {
    out << "The daemon stays up; end it with Ctrl-C.\n" << std::flush;
    int signal = 0;
    sigwait(&signals, &signal);
  }
  (*daemon)->Stop();
  return good ? kExitGood : kExitNo;
}

}  // namespace huitou
