#include "daemon/explain/explain.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <utility>

#include "triggers/base/json.h"
#include "triggers/base/text.h"

namespace huitou {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 22> kWhy = {{
    {"active", "the campaign is not running now: outside `active:`, or paused"},
    {"late", "it came too late: the moment has passed (`late:`)"},
    {"audience", "`where:` is not true for this customer"},
    {"reentry", "the customer was in this campaign before, or still is (`reentry:`)"},
    {"holdout", "the customer is in this campaign's control group"},
    {"global_holdout", "the customer is in the shop's control group, which gets no marketing"},
    {"limit", "a limit of the campaign is used up (`limits:`)"},
    {"contact", "no address for any channel of the step (`via:`)"},
    {"consent", "no consent for any channel of the step"},
    {"suppression", "the customer unsubscribed, or the address bounced"},
    {"cap", "the customer has had as many messages as the shop allows (`caps:`)"},
    {"budget", "the money for coupons is used up"},
    {"stock", "no coupon is left"},
    {"quiet_hours", "it is quiet hours where the customer is"},
    {"when", "the step's `when:` is not true"},
    {"exit", "an exit event came while the candidate was waiting"},
    {"coupon_refused", "the shop's coupon interface refused"},
    {"deadline", "it could not be sent in time"},
    {"no_receipt", "no receipt came in time (`wait_receipt:`)"},
    {"channel_down", "the channel let nothing pass for long"},
    {"unknown", "the answer was lost, so it may or may not have come"},
    {"withdrawn", "its episode ended before it had left"},
}};

std::string_view StateWord(Episode::State state) {
  switch (state) {
    case Episode::State::kSettling:
      return "settling";
    case Episode::State::kDeferredEntry:
      return "deferred";
    case Episode::State::kAwaitingCoupon:
      return "awaiting_coupon";
    case Episode::State::kWaiting:
      return "waiting";
    case Episode::State::kEnded:
      return "ended";
  }
  return "";
}

std::string EpisodeJson(const Episode& episode) {
  JsonObject json;
  json.Add("episode", episode.id.ToString())
      .Add("state", StateWord(episode.state))
      .Add("triggered_at", FormatRfc3339(episode.triggered_at));
  if (episode.due != kTimeMax) {
    json.Add("due", FormatRfc3339(episode.due));
  }
  json.AddInteger("coupons", static_cast<int64_t>(episode.coupons.size()))
      .AddInteger("messages", static_cast<int64_t>(episode.messages.size()));
  return json.Close();
}

std::string Array(const std::vector<std::string>& values) {
  std::string json = "[";
  for (const std::string& value : values) {
    json += (json.size() > 1 ? "," : "") + value;
  }
  return json + "]";
}

std::string Text(simdjson::dom::element element, const char* key) {
  std::string_view text;
  return element[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

std::string DecisionText(simdjson::dom::element decision) {
  std::string line = fmt::format("  {:<20}  {:<16} {:<10}", Text(decision, "time"),
                                 Text(decision, "campaign"), Text(decision, "outcome"));
  for (const char* key : {"clock", "step", "channel", "template", "amount", "currency", "until"}) {
    const std::string text = Text(decision, key);
    line += text.empty() ? "" : " " + text;
  }
  const std::string reason = Text(decision, "reason");
  if (!reason.empty()) {
    line += " " + reason;
    const std::string_view why = Describe(reason);
    line += why.empty() ? "" : fmt::format(" ({})", why);
  }
  const std::string next = Text(decision, "next");
  line += next.empty() ? "" : fmt::format("; then by {}", next);
  line.erase(line.find_last_not_of(' ') + 1);  // the padding of a last column
  return line + "\n";
}

}  // namespace

std::string_view Describe(std::string_view reason) {
  for (const auto& [word, why] : kWhy) {
    if (word == reason) {
      return why;
    }
  }
  return {};
}

std::string ExplainJson(Engine* engine, const Context& context, const Customer& customer,
                        const std::vector<std::string>& journal,
                        const std::vector<DownChannel>& down, std::string_view campaign) {
  std::vector<std::string> campaigns;
  for (const Engine::Explanation& explanation : engine->Explain(context, customer)) {
    if (!campaign.empty() && explanation.campaign != campaign) {
      continue;
    }
    JsonObject json;
    json.Add("campaign", explanation.campaign)
        .Add("would", explanation.refusal == Reason::kNone ? "enter" : "refuse")
        .AddIfAny("reason", ToString(explanation.refusal))
        .AddIfAny("why", Describe(ToString(explanation.refusal)))
        .AddIfAny("clock", explanation.clock);
    if (explanation.depends_on_event) {
      json.AddBoolean("depends_on_event", true);
    }
    if (explanation.next != kTimeMax) {
      json.Add("next", FormatRfc3339(explanation.next));
    }
    if (explanation.episode != nullptr) {
      json.AddRaw("episode", EpisodeJson(*explanation.episode));
    }
    campaigns.push_back(json.Close());
  }
  std::vector<std::string> decisions;
  for (const std::string& line : journal) {
    const bool wanted = campaign.empty() || line.find(fmt::format("\"campaign\":\"{}\"",
                                                                  campaign)) != std::string::npos;
    if (wanted) {
      decisions.push_back(line);
    }
  }
  std::vector<std::string> channels_down;
  for (const DownChannel& channel : down) {
    channels_down.push_back(
        JsonObject().Add("channel", channel.channel).Add("reason", channel.reason).Close());
  }
  JsonObject json;
  json.Add("customer", customer.id)
      .AddBoolean("known", customer.activity.orders > 0 || !customer.activity.event_ids.empty())
      .Add("frontier", context.frontier == kTimeMin ? "" : FormatRfc3339(context.frontier))
      .AddRaw("campaigns", Array(campaigns))
      .AddRaw("decisions", Array(decisions))
      .AddRaw("down", Array(channels_down));
  return json.Close();
}

std::string ExplainText(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) {
    return "the answer is not JSON\n";
  }
  std::string text = "customer " + Text(root, "customer") + "\n";
  bool known = false;
  if (root["known"].get(known) == simdjson::SUCCESS && !known) {
    text += "  nothing is known of this customer: no event has come with this id\n";
  }
  text += "\nwhat was decided\n";
  simdjson::dom::array decisions;
  size_t count = 0;
  if (root["decisions"].get(decisions) == simdjson::SUCCESS) {
    for (const simdjson::dom::element decision : decisions) {
      text += DecisionText(decision);
      ++count;
    }
  }
  text += count == 0 ? "  nothing yet\n" : "";
  simdjson::dom::array down;
  if (root["down"].get(down) == simdjson::SUCCESS && down.size() > 0) {
    text += "\nwhat waits: everything by a channel that is down now\n";
    for (const simdjson::dom::element channel : down) {
      text += fmt::format("  {:<20} {}\n", Text(channel, "channel"), Text(channel, "reason"));
    }
  }
  text += "\nif it were triggered now\n";
  simdjson::dom::array campaigns;
  if (root["campaigns"].get(campaigns) == simdjson::SUCCESS) {
    for (const simdjson::dom::element campaign : campaigns) {
      const std::string reason = Text(campaign, "reason");
      text += fmt::format("  {:<20} {}", Text(campaign, "campaign"),
                          reason.empty() ? "would enter" : "would be refused: " + reason);
      const std::string why = Text(campaign, "why");
      text += why.empty() ? "" : fmt::format(" ({})", why);
      bool depends = false;
      if (campaign["depends_on_event"].get(depends) == simdjson::SUCCESS && depends) {
        text += reason.empty() ? ", if its `where:` holds for the event" : "";
      }
      const std::string next = Text(campaign, "next");
      const std::string clock = Text(campaign, "clock");
      if (!next.empty()) {
        text += fmt::format("; next at {}{}{}", next, clock.empty() ? "" : " for ", clock);
      }
      text += "\n";
    }
  }
  return text;
}

std::string CustomerJson(const Customer& customer, const Engine& engine,
                         const SymbolTable& symbols) {
  const Activity& activity = customer.activity;
  const Currency currency = engine.set().shop.currency;
  JsonObject json;
  json.Add("customer", customer.id)
      .AddInteger("orders", activity.orders)
      .Add("spend", FormatMinor(activity.spend_minor, currency))
      .Add("currency", currency.code())
      .AddInteger("reviews", activity.reviews)
      .AddInteger("returns", activity.returns)
      .AddIfAny("tier", symbols.Name(activity.tier));
  if (activity.orders > 0) {
    json.Add("first_order_at", FormatRfc3339(activity.first_order_at))
        .Add("last_order_at", FormatRfc3339(activity.last_order_at));
  }
  std::vector<std::string> categories;
  for (const CategoryActivity& known : activity.categories) {
    JsonObject category;
    category.Add("category", symbols.Name(known.category))
        .AddInteger("orders", known.orders)
        .Add("spend", FormatMinor(known.spend_minor, currency));
    categories.push_back(category.Close());
  }
  json.AddRaw("categories", Array(categories));
  if (customer.profile != nullptr) {
    const Profile& profile = *customer.profile;
    json.AddIfAny("phone", profile.phone.empty() ? "" : MaskPhone(profile.phone))
        .AddIfAny("email", profile.email.empty() ? "" : MaskEmail(profile.email))
        .AddBoolean("wechat", !profile.wechat_openid.empty())
        .AddIfAny("locale", profile.locale)
        .AddIfAny("timezone", profile.timezone)
        .AddIfAny("region", profile.region);
    std::vector<std::string> tags;
    for (const std::string& tag : profile.tags) {
      AppendJsonString(&tags.emplace_back(), tag);
    }
    json.AddRaw("tags", Array(tags));
    std::vector<std::string> consents;
    for (const ConsentState& known : profile.consents) {
      JsonObject consent;
      consent.Add("channel", known.channel == 0 ? "all" : symbols.Name(known.channel))
          .Add("class", ToString(known.message_class))
          .AddBoolean("granted", known.granted);
      if (known.credits >= 0) {
        consent.AddInteger("credits", known.credits);
      }
      consents.push_back(consent.Close());
    }
    json.AddRaw("consents", Array(consents));
  }
  std::vector<std::string> episodes;
  for (const Episode& episode : customer.episodes) {
    episodes.push_back(EpisodeJson(episode));
  }
  json.AddRaw("episodes", Array(episodes));
  return json.Close();
}

}  // namespace huitou
