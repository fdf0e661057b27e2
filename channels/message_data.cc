#include "channels/message_data.h"

namespace huitou::channels {

std::string FieldsOf(const Message& message) {
  JsonObject fields;
  for (const auto& [name, value] : message.fields) {
    fields.Add(name, value);
  }
  return fields.Close();
}

JsonObject DataOf(const Message& message) {
  JsonObject data;
  data.Add("dispatch", message.dispatch.ToString())
      .Add("customer", message.customer)
      .Add("channel", message.channel)
      .Add("template", message.template_name)
      .Add("locale", message.locale)
      .AddRaw("fields", FieldsOf(message))
      .Add("text", message.text);
  return data;
}

}  // namespace huitou::channels
