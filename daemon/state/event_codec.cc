#include "daemon/state/event_codec.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/state/records.pb.h"
#include "triggers/limits.h"

namespace huitou {
namespace {

// An accepted event's JSON has at most 256 KiB; its stored form is no longer.
constexpr size_t kEventBytesMax = 512 * 1024;

void EncodeValue(const cel::Value& value, cel::Arena& arena, records::Value* out);

void EncodeList(const cel::ListView& list, cel::Arena& arena, records::Value::List* out) {
  for (size_t i = 0; i < list.size(); ++i) {
    EncodeValue(list.At(i, arena), arena, out->add_items());
  }
}

void EncodeMap(const cel::MapView& map, cel::Arena& arena, records::Value::Map* out) {
  for (size_t i = 0; i < map.size(); ++i) {
    const cel::Value key = map.KeyAt(i, arena);
    cel::Value value;
    if (map.Find(key, arena, &value)) {
      EncodeValue(key, arena, out->add_keys());
      EncodeValue(value, arena, out->add_values());
    }
  }
}

void EncodeMoment(const cel::Value& value, records::Value::Moment* out) {
  out->set_seconds(value.seconds());
  out->set_nanos(value.nanos());
}

void EncodeValue(const cel::Value& value, cel::Arena& arena, records::Value* out) {
  switch (value.kind()) {
    case cel::Kind::kBool:
      out->set_boolean(value.as_bool());
      break;
    case cel::Kind::kInt:
      out->set_integer(value.as_int());
      break;
    case cel::Kind::kUint:
      out->set_unsigned_integer(value.as_uint());
      break;
    case cel::Kind::kDouble:
      out->set_real(value.as_double());
      break;
    case cel::Kind::kString:
      out->set_text(std::string(value.as_string()));
      break;
    case cel::Kind::kBytes:
      out->set_binary(std::string(value.as_string()));
      break;
    case cel::Kind::kTimestamp:
      EncodeMoment(value, out->mutable_timestamp());
      break;
    case cel::Kind::kDuration:
      EncodeMoment(value, out->mutable_duration());
      break;
    case cel::Kind::kList:
      EncodeList(value.list(), arena, out->mutable_list());
      break;
    case cel::Kind::kMap:
      EncodeMap(value.map(), arena, out->mutable_map());
      break;
    case cel::Kind::kNull:
    case cel::Kind::kObject:
    case cel::Kind::kType:
    case cel::Kind::kError:
      break;  // null; the others are no attributes
  }
}

// Texts of the result point into the message.
cel::Value DecodeValue(const records::Value& in, cel::Arena& arena) {
  switch (in.kind_case()) {
    case records::Value::kBoolean:
      return cel::Value::Bool(in.boolean());
    case records::Value::kInteger:
      return cel::Value::Int(in.integer());
    case records::Value::kUnsignedInteger:
      return cel::Value::Uint(in.unsigned_integer());
    case records::Value::kReal:
      return cel::Value::Double(in.real());
    case records::Value::kText:
      return cel::Value::String(in.text());
    case records::Value::kBinary:
      return cel::Value::Bytes(in.binary());
    case records::Value::kTimestamp:
      return cel::Value::Timestamp(in.timestamp().seconds(), in.timestamp().nanos());
    case records::Value::kDuration:
      return cel::Value::Duration(in.duration().seconds(), in.duration().nanos());
    case records::Value::kList: {
      std::vector<cel::Value> items;
      for (const records::Value& item : in.list().items()) {
        items.push_back(DecodeValue(item, arena));
      }
      return cel::MakeList(std::move(items), arena);
    }
    case records::Value::kMap: {
      std::vector<std::pair<cel::Value, cel::Value>> entries;
      for (int i = 0; i < std::min(in.map().keys_size(), in.map().values_size()); ++i) {
        entries.emplace_back(DecodeValue(in.map().keys(i), arena),
                             DecodeValue(in.map().values(i), arena));
      }
      return cel::MakeMap(std::move(entries), arena);
    }
    case records::Value::KIND_NOT_SET:
      break;
  }
  return cel::Value::Null();
}

template <typename Message>
void EncodeAttributes(const cel::Value& value, cel::Arena& arena, Message* owner) {
  if (!value.is_null()) {
    EncodeValue(value, arena, owner->mutable_attributes());
  }
}

void EncodeCustomer(const CustomerFields& customer, cel::Arena& arena,
                    records::Event::Customer* out) {
  out->set_id(std::string(customer.id));
  out->set_phone(std::string(customer.phone));
  out->set_email(std::string(customer.email));
  out->set_wechat_openid(std::string(customer.wechat_openid));
  out->set_locale(std::string(customer.locale));
  out->set_timezone(std::string(customer.timezone));
  out->set_region(std::string(customer.region));
  out->set_birthday(std::string(customer.birthday));
  out->set_has_tags(customer.has_tags);
  for (const std::string_view tag : customer.tags) {
    out->add_tags(std::string(tag));
  }
  EncodeAttributes(customer.attributes, arena, out);
  out->set_fingerprint(customer.fingerprint);
}

void EncodeOrder(const Order& order, cel::Arena& arena, records::Event::Order* out) {
  out->set_id(std::string(order.id));
  out->set_currency(std::string(order.currency.code()));
  out->set_total_minor(order.total_minor);
  for (const OrderItem& item : order.items) {
    records::Event::Item* stored = out->add_items();
    stored->set_sku(std::string(item.sku));
    stored->set_category(std::string(item.category));
    stored->set_quantity(item.quantity);
    stored->set_price_minor(item.price_minor);
    EncodeAttributes(item.attributes, arena, stored);
  }
  EncodeAttributes(order.attributes, arena, out);
}

void EncodeReview(const Review& review, cel::Arena& arena, records::Event::Review* out) {
  out->set_id(std::string(review.id));
  out->set_order_id(std::string(review.order_id));
  out->set_sku(std::string(review.sku));
  out->set_text(std::string(review.text));
  out->set_rating(review.rating);
  out->set_verified(review.verified);
  EncodeAttributes(review.attributes, arena, out);
}

// The parts that an Event points at, while an OwnedEvent is made of it.
struct Parts {
  explicit Parts(const records::Event& stored) : in(stored), arena(limits::kEventArenaBytesMax) {}

  const records::Event& in;
  cel::Arena arena;
  bool whole = true;
  std::vector<OrderItem> items;
  std::vector<std::string_view> tags;
  Order order;
  Review review;
  ConsentChange consent;
  CouponReference coupon;
  MessageReference message;
  Event event;

  cel::Value Attributes(bool has, const records::Value& value) {
    if (!has) {
      return {};
    }
    const cel::Value decoded = DecodeValue(value, arena);
    whole = whole && !decoded.is_error();
    return decoded;
  }
  void DecodeCustomer();
  void DecodeOrder();
  void DecodeReview();
  void DecodeRest();
};

void Parts::DecodeCustomer() {
  const records::Event::Customer& stored = in.customer();
  CustomerFields& customer = event.customer;
  customer.id = stored.id();
  customer.phone = stored.phone();
  customer.email = stored.email();
  customer.wechat_openid = stored.wechat_openid();
  customer.locale = stored.locale();
  customer.timezone = stored.timezone();
  customer.region = stored.region();
  customer.birthday = stored.birthday();
  customer.has_tags = stored.has_tags();
  tags.assign(stored.tags().begin(), stored.tags().end());
  customer.tags = tags;
  customer.attributes = Attributes(stored.has_attributes(), stored.attributes());
  customer.fingerprint = stored.fingerprint();
}

void Parts::DecodeOrder() {
  const records::Event::Order& stored = in.order();
  order.id = stored.id();
  order.currency = Currency::Parse(stored.currency()).value_or(Currency());
  order.total_minor = stored.total_minor();
  for (const records::Event::Item& item : stored.items()) {
    items.push_back({item.sku(), item.category(), item.quantity(), item.price_minor(),
                     Attributes(item.has_attributes(), item.attributes())});
  }
  order.items = items;
  order.attributes = Attributes(stored.has_attributes(), stored.attributes());
  event.order = &order;
}

void Parts::DecodeReview() {
  const records::Event::Review& stored = in.review();
  review.id = stored.id();
  review.order_id = stored.order_id();
  review.sku = stored.sku();
  review.text = stored.text();
  review.rating = stored.rating();
  review.verified = stored.verified();
  review.attributes = Attributes(stored.has_attributes(), stored.attributes());
  event.review = &review;
}

void Parts::DecodeRest() {
  event.id = in.id();
  event.type = in.type();
  event.time = in.time();
  event.attributes = Attributes(in.has_attributes(), in.attributes());
  if (in.has_consent()) {
    consent = {in.consent().channel(), in.consent().message_class(), in.consent().template_name(),
               in.consent().credits()};
    event.consent = &consent;
  }
  if (in.has_coupon()) {
    coupon = {in.coupon().code(), in.coupon().dispatch(), in.coupon().amount_minor(),
              Currency::Parse(in.coupon().currency()).value_or(Currency())};
    event.coupon = &coupon;
  }
  if (in.has_message()) {
    message = {in.message().dispatch(), in.message().channel(), in.message().reason(),
               in.message().text()};
    event.message = &message;
  }
}

}  // namespace

void EncodeEvent(const Event& event, records::Event* out) {
  cel::Arena arena(limits::kEventArenaBytesMax);
  out->set_id(std::string(event.id));
  out->set_type(std::string(event.type));
  out->set_time(event.time);
  EncodeCustomer(event.customer, arena, out->mutable_customer());
  if (event.order != nullptr) {
    EncodeOrder(*event.order, arena, out->mutable_order());
  }
  if (event.review != nullptr) {
    EncodeReview(*event.review, arena, out->mutable_review());
  }
  if (event.consent != nullptr) {
    records::Event::ConsentChange* consent = out->mutable_consent();
    consent->set_channel(std::string(event.consent->channel));
    consent->set_message_class(std::string(event.consent->message_class));
    consent->set_template_name(std::string(event.consent->template_name));
    consent->set_credits(event.consent->credits);
  }
  if (event.coupon != nullptr) {
    records::Event::Coupon* coupon = out->mutable_coupon();
    coupon->set_code(std::string(event.coupon->code));
    coupon->set_dispatch(std::string(event.coupon->dispatch));
    coupon->set_amount_minor(event.coupon->amount_minor);
    coupon->set_currency(std::string(event.coupon->currency.code()));
  }
  if (event.message != nullptr) {
    records::Event::Message* message = out->mutable_message();
    message->set_dispatch(std::string(event.message->dispatch));
    message->set_channel(std::string(event.message->channel));
    message->set_reason(std::string(event.message->reason));
    message->set_text(std::string(event.message->text));
  }
  EncodeAttributes(event.attributes, arena, out);
}

Result<std::shared_ptr<const OwnedEvent>> DecodeEvent(const records::Event& in) {
  if (in.ByteSizeLong() > kEventBytesMax) {
    return Status(StatusCode::kCorrupt, "a stored event is too large");
  }
  Parts parts(in);
  parts.DecodeRest();
  parts.DecodeCustomer();
  if (in.has_order()) {
    parts.DecodeOrder();
  }
  if (in.has_review()) {
    parts.DecodeReview();
  }
  if (!parts.whole) {
    return Status(StatusCode::kCorrupt, "a stored event is too large");
  }
  return std::shared_ptr<const OwnedEvent>(std::make_shared<OwnedEvent>(parts.event));
}

}  // namespace huitou
