#include "daemon/app/rendering.h"

#include "config/mustache.h"
#include "triggers/base/json.h"

namespace huitou {

Result<channels::Message> TemplateRendering::Message(const OutboxRecord& record,
                                                     const Customer& /*customer*/,
                                                     std::string_view address) {
  const Dispatch& dispatch = record.dispatch;
  const auto retired = plays_->retired_templates.find(dispatch.version);
  const config::TemplateSet& templates =
      retired == plays_->retired_templates.end() ? *plays_->templates : *retired->second;
  const channels::PublicLinks* links = plays_->links.get();
  const auto preferences = [&] {
    return links->PreferencesUrl({dispatch.customer, record.channel(), dispatch.message_class});
  };
  const auto make_link = [&](const std::string& name) {
    if (links == nullptr) {
      return std::string();
    }
    constexpr std::string_view kLink = "link.";
    return name.starts_with(kLink) ? links->ClickUrl({dispatch.customer, dispatch.id.ToString(),
                                                      name.substr(kLink.size())})
                                   : preferences();
  };
  auto rendered = templates.Render(dispatch.template_name, dispatch.locale, record.channel(),
                                   dispatch.variables, make_link);
  if (!rendered.has_value()) {
    return Status(StatusCode::kNotFound,
                  "no template '" + dispatch.template_name + "' for channel " + record.channel());
  }
  channels::Message message;
  message.dispatch = dispatch.id;
  message.customer = dispatch.customer;
  message.address = address;
  message.channel = record.channel();
  message.template_name = dispatch.template_name;
  message.locale = dispatch.locale;
  message.text = std::move(rendered->text);
  message.html = std::move(rendered->html);
  message.fields = std::move(rendered->fields);
  message.time = dispatch.time;
  if (links != nullptr && dispatch.message_class == MessageClass::kMarketing) {
    message.unsubscribe_url = preferences();
  }
  return message;
}

std::string TemplateRendering::Emission(const huitou::Emission& emission) {
  JsonObject data;
  for (const auto& [key, text] : emission.data) {
    data.Add(key, config::RenderMustache(text, emission.variables, false));
  }
  JsonObject customer;
  customer.Add("id", emission.customer);
  JsonObject json;
  json.Add("id", emission.id.ToString())
      .Add("type", emission.type)
      .Add("time", FormatRfc3339(emission.time))
      .AddRaw("customer", customer.Close())
      .Add("campaign", emission.campaign)
      .Add("episode", emission.episode.ToString())
      .AddRaw("data", data.Close());
  return json.Close();
}

}  // namespace huitou
