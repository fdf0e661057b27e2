#include "channels/reference.h"

#include <fmt/format.h>

#include "channels/answer.h"
#include "channels/words.h"

namespace huitou::channels {
namespace {

std::string_view ToWord(config::SettingType type) {
  switch (type) {
    case config::SettingType::kString:
      return "text";
    case config::SettingType::kInteger:
      return "integer";
    case config::SettingType::kBoolean:
      return "true or false";
    case config::SettingType::kDuration:
      return "duration";
    case config::SettingType::kRate:
      return "rate";
    case config::SettingType::kUrl:
      return "URL";
    case config::SettingType::kSecret:
      return "secret (`env:NAME` or `file:PATH`)";
    case config::SettingType::kPath:
      return "path";
    case config::SettingType::kEnum:
      return "one of";
    case config::SettingType::kProperties:
      return "map of texts or secrets (`env:NAME` or `file:PATH`)";
  }
  return "";
}

std::string_view ToSentence(config::Address address) {
  switch (address) {
    case config::Address::kNone:
      return "Reaches any customer; needs no address.";
    case config::Address::kPhone:
      return "Needs the customer's `phone`.";
    case config::Address::kEmail:
      return "Needs the customer's `email`.";
    case config::Address::kWechatOpenid:
      return "Needs the customer's `wechat_openid`.";
    case config::Address::kAttribute:
      return "Needs the attribute of the customer that `recipient` names, a text.";
  }
  return "";
}

std::string_view ToSentence(Promise promise) {
  switch (promise) {
    case Promise::kAtLeastOnce:
      return "a send whose answer is lost, or is no answer, is repeated, ten times at most: the "
             "customer may get it more than once";
    case Promise::kAtMostOnce:
      return "a send whose answer is lost is not repeated: the customer may get nothing";
    case Promise::kExactlyOnceByKey:
      return "a send whose answer is lost is repeated with the same key, which the receiver drops";
  }
  return "";
}

std::string Cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    cell += c == '|' ? "\\|" : std::string(1, c);
  }
  return cell;
}

std::string SettingsTable(const config::ComponentSchema& schema) {
  if (schema.settings.empty()) {
    return "No settings of its own.\n";
  }
  std::string table = "| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const config::Setting& setting : schema.settings) {
    std::string type(ToWord(setting.type));
    for (const std::string& choice : setting.choices) {
      type += fmt::format(" `{}`", choice);
    }
    std::string fallback = setting.required ? "required" : "";
    if (!setting.default_value.empty()) {
      fallback = fmt::format("`{}`", setting.default_value);
    }
    table +=
        fmt::format("| `{}` | {} | {} | {} |\n", setting.name, type, fallback, Cell(setting.help));
  }
  return table;
}

std::string FieldsText(const config::ComponentSchema& schema) {
  if (schema.required_fields.empty() && schema.optional_fields.empty()) {
    return "Templates need no front matter.\n";
  }
  std::string text;
  for (const std::string& field : schema.required_fields) {
    text += fmt::format("- `{}:` required\n", field);
  }
  for (const std::string& field : schema.optional_fields) {
    text += field == "*" ? "- any other key is shown or passed on as it is\n"
                         : fmt::format("- `{}:` optional\n", field);
  }
  return text;
}

std::string PromiseText(const Registration& registration) {
  std::string text;
  for (const Promise promise : registration.promises_allowed) {
    text += fmt::format("- `{}`{}: {}.\n", ToWord(promise),
                        promise == registration.promise ? " (default)" : "", ToSentence(promise));
  }
  return text;
}

std::string LimitsText(const Limits& limits) {
  const std::string rate = limits.rate_per_second > 0
                               ? fmt::format("{:g}/s", limits.rate_per_second)
                               : std::string("unlimited");
  return fmt::format(
      "Unless the config says otherwise: `rate` {}, `max_in_flight` {}, `timeout` {}.\n", rate,
      limits.in_flight_max, FormatDuration(limits.timeout));
}

std::string AnswersTable(const Registration& registration) {
  if (registration.answers.empty()) {
    return {};
  }
  std::string table =
      "\n## Answers\n\n| the provider's code | outcome | reason | also |\n|---|---|---|---|\n";
  for (const AnswerRule& rule : registration.answers) {
    table += fmt::format("| `{}` | {} | {} | {} |\n", rule.code, ToWord(rule.kind),
                         rule.reason.empty() ? "" : fmt::format("`{}`", rule.reason),
                         rule.suppress_address ? "the address is not used again"
                         : rule.revoke_consent ? "the consent is revoked"
                                               : "");
  }
  return table;
}

struct Reason {
  std::string_view word;
  std::string_view meaning;
};

// In the order of the alphabet.
constexpr Reason kReasons[] = {
    {"account", "the account with the provider does not exist, is not activated or is frozen"},
    {"bad_address", "there is no such mailbox or domain"},
    {"bad_answer", "the answer is not what this provider writes; what became of the send is open"},
    {"bad_callback", "the provider does not take the address for its callbacks"},
    {"bad_content", "a forbidden word, character or link in what the template was filled with"},
    {"bad_number", "no phone number that this provider sends to"},
    {"bad_openid", "no follower of this account"},
    {"bad_recipient", "no member of the company, or contact of theirs, who can get it"},
    {"bad_request", "the provider does not understand the request"},
    {"bad_sender",
     "the sender's address or number, its domain, SPF, DKIM, DMARC or registration is not in "
     "order"},
    {"bad_settings", "the client library refuses what the settings say; the log says why"},
    {"bad_sign_name", "the SMS signature (签名) is not approved"},
    {"bad_template", "the template is not approved, or its parameters do not fit it"},
    {"banned", "the provider has taken the template or the interface away"},
    {"blocked", "the recipient is on a block list"},
    {"clock", "this machine's clock is wrong by more than the provider allows"},
    {"conflict", "the shop's coupon API knows the key but names no code yet"},
    {"greylisted", "the mail server asks to come again later"},
    {"mailbox_full", "the recipient's mailbox is full"},
    {"no_answer", "the connection broke or timed out after something was sent"},
    {"no_balance", "the account with the provider is out of money"},
    {"no_endpoint", "there is nothing at the URL, or no such topic (any more)"},
    {"no_stock", "no stock of coupons is set for this step, or the provider does not know it"},
    {"no_token", "no access token was to be had just now"},
    {"not_following", "the recipient does not follow the account (any more)"},
    {"not_sent", "no connection: name, network or certificate"},
    {"opted_out", "the recipient has refused such messages"},
    {"policy", "the mail server takes it for spam, or forbids it otherwise"},
    {"pool_empty", "no code is left in the file of this coupon step"},
    {"quota", "the account's own limit per day or month is used up"},
    {"rate_limited", "too many requests"},
    {"recipient_limit", "too many messages to this recipient"},
    {"redirect", "the URL points elsewhere; messages do not follow"},
    {"refused", "refused without a reason that is known"},
    {"repeated", "something between here and the provider repeated the request"},
    {"send_window", "the provider takes marketing messages at certain hours only"},
    {"server_error", "the provider failed, nobody knows at what point"},
    {"test_account", "a test signature or template, which reaches registered numbers only"},
    {"token", "the access token is not valid (any more); a new one is fetched"},
    {"token_refused", "no access token is given: the id, the secret or this machine's address"},
    {"too_large", "the mail or record is larger than the server takes"},
    {"too_long", "a parameter is longer than the provider takes"},
    {"unauthorized", "key, password, permission or IP address is not accepted"},
    {"unavailable", "the provider cannot just now"},
    {"window_closed", "the customer did nothing lately that lets the account write"},
};

constexpr std::string_view kGenerated =
    "<!-- Written by the code: UPDATE_DOCS=1 channels_tests --gtest_filter='Reference*' -->\n";

}  // namespace

std::string_view ReasonMeaning(std::string_view word) {
  for (const Reason& reason : kReasons) {
    if (reason.word == word) {
      return reason.meaning;
    }
  }
  return {};
}

std::string AnswersPage() {
  std::string page(kGenerated);
  page +=
      "# What answers mean\n\n"
      "Every answer of a provider has one outcome, which says what the outbox does next:\n\n"
      "- accepted: done, but for a receipt\n"
      "- rejected: this message or recipient never; the next channel of `via:` is tried\n"
      "- retry: later; it was certainly not sent\n"
      "- unknown: it may have been sent; the channel's `promise:` decides\n"
      "- token_expired: a new access token, then again\n"
      "- channel_paused: account or configuration is wrong; the channel stops, messages wait\n\n"
      "The provider's own codes are on its page. These hold for all that speak HTTP:\n\n"
      "| answer | outcome | reason |\n|---|---|---|\n"
      "| no connection | retry | `not_sent` |\n"
      "| none after something was sent | unknown | `no_answer` |\n";
  for (const int status :
       {302, 400, 401, 403, 404, 405, 408, 410, 422, 425, 429, 500, 502, 503, 504}) {
    Answer answer;
    answer.response = HttpResponse{status, {}, ""};
    const Outcome outcome = *HttpFailure(answer, 0);
    page += fmt::format("| {} | {} | `{}` |\n", status, ToWord(outcome.kind), outcome.reason);
  }
  page +=
      "\n`Retry-After` is honoured, up to a day. Redirects are not followed.\n\n"
      "## Reason words\n\n| reason | meaning |\n|---|---|\n";
  for (const Reason& reason : kReasons) {
    page += fmt::format("| `{}` | {} |\n", reason.word, reason.meaning);
  }
  return page;
}

std::string ReferencePage(const Registration& registration) {
  const config::ComponentSchema& schema = registration.schema;
  std::string page(kGenerated);
  page += fmt::format("# Channel provider `{}`\n\n{} {}{}\n\n", schema.name, schema.help,
                      ToSentence(schema.address),
                      schema.needs_yes ? " Marketing needs a consent as well, also where "
                                         "`consent:` of the shop file says `opt_out`."
                                       : "");
  page += fmt::format("## Settings\n\n{}", SettingsTable(schema));
  page += fmt::format("\n## Front matter of its templates\n\n{}", FieldsText(schema));
  page += fmt::format("\n## When an answer is lost\n\n{}", PromiseText(registration));
  page += fmt::format("\n## Limits\n\n{}", LimitsText(registration.limits));
  page += fmt::format("\n## Cost\n\n{}\n", registration.cost);
  page += "\n## Receipts\n\n";
  page +=
      registration.receipts
          ? fmt::format("Callbacks at `/v1/callbacks/<channel>` tell what became of a message{}.\n",
                        registration.receipts_of_delivery
                            ? ""
                            : "; not surely that it was delivered, so that `wait_receipt` "
                              "waits for none")
          : "None: an accepted message is all that will be known.\n";
  if (registration.answers_queries) {
    page +=
        "\nThe provider can be asked about single messages. It is, when the answer to a send was "
        "lost and no receipt came within a minute, each minute until it answers, up to ten times "
        "before the promise decides; and once when `wait_receipt` is over, a minute before the "
        "next channel's turn.\n";
  }
  page += AnswersTable(registration);
  return page;
}

std::string ReferencePage(const CouponRegistration& registration) {
  std::string page(kGenerated);
  page += fmt::format("# Coupon provider `{}`\n\n{}\n\n## Settings\n\n", registration.schema.name,
                      registration.schema.help);
  return page + SettingsTable(registration.schema);
}

}  // namespace huitou::channels
