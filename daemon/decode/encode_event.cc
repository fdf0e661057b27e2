#include "daemon/decode/encode_event.h"

#include <charconv>
#include <cmath>

#include "triggers/base/json.h"

namespace huitou {
namespace {

// Appends fields to an object that is being written in place.
class Fields {
 public:
  explicit Fields(std::string* out) : out_(out) { out_->push_back('{'); }

  // A name of the contract: nothing to escape.
  std::string* Key(std::string_view name) {
    out_->append(is_first_ ? "\"" : ",\"").append(name).append("\":");
    is_first_ = false;
    return out_;
  }
  void Text(std::string_view name, std::string_view text) {
    if (!text.empty()) {
      AppendJsonString(Key(name), text);
    }
  }
  void Integer(std::string_view name, int64_t number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number);
    Key(name)->append(digits, end.ptr);
  }
  void Amount(std::string_view name, int64_t minor, Currency currency) {
    Key(name)->append("\"").append(FormatMinor(minor, currency)).append("\"");
  }
  void Attributes(const cel::Value& attributes) {
    if (attributes.kind() != cel::Kind::kMap) {
      return;
    }
    cel::Arena arena;
    const cel::MapView& map = attributes.map();
    for (size_t i = 0; i < map.size(); ++i) {
      const cel::Value key = map.KeyAt(i, arena);
      cel::Value value;
      if (key.is_string() && map.Find(key, arena, &value)) {
        out_->append(is_first_ ? "" : ",");
        is_first_ = false;
        AppendJsonString(out_, key.as_string());
        out_->push_back(':');
        EncodeValue(value, out_);
      }
    }
  }
  void Close() { out_->push_back('}'); }

 private:
  std::string* out_;
  bool is_first_ = true;
};

bool HasAttribute(const Event& event, std::string_view name) {
  if (event.attributes.kind() != cel::Kind::kMap) {
    return false;
  }
  cel::Arena arena;
  cel::Value value;
  return event.attributes.map().Find(cel::Value::String(name), arena, &value);
}

void EncodeCustomer(const CustomerFields& customer, std::string* out) {
  Fields fields(out);
  fields.Text("id", customer.id);
  fields.Text("phone", customer.phone);
  fields.Text("email", customer.email);
  fields.Text("wechat_openid", customer.wechat_openid);
  fields.Text("locale", customer.locale);
  fields.Text("timezone", customer.timezone);
  fields.Text("region", customer.region);
  fields.Text("birthday", customer.birthday);
  if (customer.has_tags) {
    fields.Key("tags")->push_back('[');
    for (size_t i = 0; i < customer.tags.size(); ++i) {
      out->append(i == 0 ? "" : ",");
      AppendJsonString(out, customer.tags[i]);
    }
    out->push_back(']');
  }
  fields.Attributes(customer.attributes);
  fields.Close();
}

void EncodeOrder(const Order& order, std::string* out) {
  Fields fields(out);
  fields.Text("id", order.id);
  fields.Text("currency", order.currency.code());
  fields.Amount("total", order.total_minor, order.currency);
  fields.Key("items")->push_back('[');
  for (size_t i = 0; i < order.items.size(); ++i) {
    const OrderItem& item = order.items[i];
    out->append(i == 0 ? "" : ",");
    Fields item_fields(out);
    item_fields.Text("sku", item.sku);
    item_fields.Text("category", item.category);
    item_fields.Integer("quantity", item.quantity);
    item_fields.Amount("price", item.price_minor, order.currency);
    item_fields.Attributes(item.attributes);
    item_fields.Close();
  }
  out->push_back(']');
  fields.Attributes(order.attributes);
  fields.Close();
}

void EncodeReview(const Review& review, std::string* out) {
  Fields fields(out);
  fields.Text("id", review.id);
  fields.Text("order_id", review.order_id);
  fields.Text("sku", review.sku);
  fields.Integer("rating", review.rating);
  fields.Text("text", review.text);
  fields.Key("verified")->append(review.verified ? "true" : "false");
  fields.Attributes(review.attributes);
  fields.Close();
}

void EncodeConsent(const ConsentChange& consent, std::string* out) {
  Fields fields(out);
  fields.Text("channel", consent.channel);
  fields.Text("class", consent.message_class);
  fields.Text("template", consent.template_name);
  if (consent.credits != 0) {
    fields.Integer("credits", consent.credits);
  }
  fields.Close();
}

void EncodeCoupon(const CouponReference& coupon, Currency currency, std::string* out) {
  Fields fields(out);
  fields.Text("code", coupon.code);
  fields.Text("dispatch", coupon.dispatch);
  if (coupon.amount_minor != 0) {
    fields.Amount("amount", coupon.amount_minor, currency);
  }
  fields.Close();
}

void EncodeMessage(const MessageReference& message, std::string* out) {
  Fields fields(out);
  fields.Text("dispatch", message.dispatch);
  fields.Text("channel", message.channel);
  fields.Text("reason", message.reason);
  fields.Text("text", message.text);
  fields.Close();
}

}  // namespace

void EncodeEvent(const Event& event, Currency currency, std::string* out) {
  Fields fields(out);
  fields.Text("id", event.id);
  fields.Text("type", event.type);
  char time[32];
  fields.Text("time", {time, FormatRfc3339(event.time, time)});
  EncodeCustomer(event.customer, fields.Key("customer"));
  if (event.order != nullptr) {
    EncodeOrder(*event.order, fields.Key("order"));
  }
  if (event.review != nullptr) {
    EncodeReview(*event.review, fields.Key("review"));
  }
  // An attribute of the same name is the whole object, with what the contract does not name.
  if (event.consent != nullptr && !HasAttribute(event, "consent")) {
    EncodeConsent(*event.consent, fields.Key("consent"));
  }
  if (event.coupon != nullptr && !HasAttribute(event, "coupon")) {
    EncodeCoupon(*event.coupon, currency, fields.Key("coupon"));
  }
  if (event.message != nullptr && !HasAttribute(event, "message")) {
    EncodeMessage(*event.message, fields.Key("message"));
  }
  fields.Attributes(event.attributes);
  fields.Close();
}

void EncodeValue(const cel::Value& value, std::string* out) {
  switch (value.kind()) {
    case cel::Kind::kString:
      AppendJsonString(out, value.as_string());
      return;
    case cel::Kind::kInt:
      out->append(std::to_string(value.as_int()));
      return;
    case cel::Kind::kDouble: {
      if (!std::isfinite(value.as_double())) {
        break;
      }
      char digits[32];
      const auto end = std::to_chars(digits, digits + sizeof digits, value.as_double());
      const std::string_view text(digits, static_cast<size_t>(end.ptr - digits));
      out->append(text);
      if (text.find_first_of(".e") == std::string_view::npos) {
        out->append(".0");
      }
      return;
    }
    case cel::Kind::kList: {
      cel::Arena arena;
      out->push_back('[');
      for (size_t i = 0; i < value.list().size(); ++i) {
        out->append(i == 0 ? "" : ",");
        EncodeValue(value.list().At(i, arena), out);
      }
      out->push_back(']');
      return;
    }
    case cel::Kind::kMap: {
      Fields fields(out);
      fields.Attributes(value);
      fields.Close();
      return;
    }
    default:
      break;
  }
  // Null, bool, and what JSON has no word for (times, bytes): as CEL's specification has it.
  out->append(cel::ToJson(value));
}

}  // namespace huitou
