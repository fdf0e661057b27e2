#include "daemon/decode/event_decoder.h"

#include <algorithm>
#include <cstring>

#include "config/phone.h"
#include "daemon/decode/event_decoder_impl.h"
#include "daemon/decode/field_map.h"
#include "triggers/base/hash.h"
#include "triggers/base/text.h"

namespace huitou {
namespace {

static_assert(kJsonPaddingBytes >= simdjson::SIMDJSON_PADDING);

}  // namespace

EventDecoder::EventDecoder() : impl_(std::make_unique<Impl>()) {
}
EventDecoder::~EventDecoder() = default;

EventError EventDecoder::Decode(std::string_view json, const DecodeOptions& options, Event* out,
                                std::string* detail) {
  return impl_->Decode(json, false, {}, options, out, detail);
}

EventError EventDecoder::DecodePadded(std::string_view json, const DecodeOptions& options,
                                      Event* out, std::string* detail) {
  return impl_->Decode(json, true, {}, options, out, detail);
}

EventError EventDecoder::DecodeBinary(std::string_view json, std::span<const Header> headers,
                                      const DecodeOptions& options, Event* out,
                                      std::string* detail) {
  return impl_->Decode(json, false, headers, options, out, detail);
}

EventError EventDecoder::DecodeMapped(std::string_view json, const FieldMap& map,
                                      const DecodeOptions& options, Event* out,
                                      std::string* detail) {
  const EventError error = MapToContract(json, map, &impl_->mapped, detail);
  return error == EventError::kNone ? Decode(impl_->mapped, options, out, detail) : error;
}

EventError EventDecoder::Impl::Decode(std::string_view json, bool is_padded,
                                      std::span<const Header> headers, const DecodeOptions& options,
                                      Event* out, std::string* detail) {
  options_ = &options;
  event_ = out;
  Clear();
  bool ok = false;
  if (json.empty()) {
    Fail(EventError::kTombstone, "");
  } else if (json.size() > limits::kEventBytesMax) {
    Fail(EventError::kTooLarge, "");
  } else {
    if (!is_padded) {
      std::memcpy(buffer_.get(), json.data(), json.size());
      std::memset(buffer_.get() + json.size(), ' ', kJsonPaddingBytes);
      json = {buffer_.get(), json.size()};
    }
    ok = ReadHeaders(headers) && ReadDocument(json);
    if (must_restart_) {
      // `data` came before `specversion` and was taken for an attribute.
      Clear();
      is_cloud_ = true;
      ok = ReadDocument(json);
    }
    if (ok && !encoded_.key.empty()) {
      const EventError wrong = InlineData(json, encoded_, &mapped);
      if (wrong == EventError::kNone) {
        return Decode(mapped, false, headers, options, out, detail);
      }
      ok = Fail(wrong, "data_base64");
    }
    ok = ok && Finish();
  }
  if (!ok) {
    *detail = path();
  }
  return error();
}

void EventDecoder::Impl::Clear() {
  ClearReader();
  // Texts and the customer's other fields are set whenever decoding succeeds.
  event_->customer.id = {};
  event_->order = nullptr;
  event_->review = nullptr;
  event_->consent = nullptr;
  event_->coupon = nullptr;
  event_->message = nullptr;
  envelope_ = own_ = EventHeading();
  is_cloud_ = is_binary_ = has_data_ = must_restart_ = false;
  encoded_ = EncodedData();
  consent_value_ = coupon_value_ = message_value_ = cel::Value();
  attributes_.clear();
}

bool EventDecoder::Impl::ReadHeaders(std::span<const Header> headers) {
  is_binary_ = std::any_of(headers.begin(), headers.end(), [](const Header& header) {
    return CloudAttribute(header.first) == "specversion";
  });
  if (!is_binary_) {
    return true;
  }
  is_cloud_ = true;
  for (const Header& header : headers) {
    const std::string name = CloudAttribute(header.first);
    if (name.empty() || name == "specversion") {
      continue;
    }
    const bool is_id = name == "id";
    if (header.second.size() > (is_id ? limits::kIdBytesMax : limits::kWordBytesMax)) {
      return Fail(EventError::kTooLarge, name);
    }
    if (!IsUtf8(header.second) || !IsUtf8(name)) {
      return Fail(EventError::kBadUtf8, "");
    }
    const std::string_view value = arena_.Copy(header.second);
    if (is_id) {
      envelope_.id = value;
    } else if (name == "type") {
      envelope_.type = value;
    } else if (name == "time") {
      envelope_.time = value;
    } else if (options_->keep_attributes) {
      attributes_.emplace_back(cel::Value::String(arena_.Copy(name)), cel::Value::String(value));
    }
  }
  return true;
}

bool EventDecoder::Impl::ReadDocument(std::string_view padded) {
  simdjson::ondemand::document document;
  simdjson::error_code error =
      parser_.iterate(padded.data(), padded.size(), padded.size() + kJsonPaddingBytes)
          .get(document);
  if (error == simdjson::EMPTY) {
    return Fail(EventError::kTombstone, "");
  }
  if (error != simdjson::SUCCESS) {
    return FailJson(error);
  }
  simdjson::ondemand::object object;
  error = document.get_object().get(object);
  if (error == simdjson::INCORRECT_TYPE) {
    bool is_null = false;
    return document.is_null().get(is_null) == simdjson::SUCCESS && is_null
               ? Fail(EventError::kTombstone, "")
               : Fail(EventError::kBadJson, "not an object");
  }
  if (error != simdjson::SUCCESS) {
    return FailJson(error);
  }
  const bool ok = EachField(object, [this](std::string_view key, Value& value) {
    return ReadRootField(key, value, is_binary_);
  });
  const bool at_end = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  return ok && (at_end || Fail(EventError::kBadJson, "trailing content"));
}

bool EventDecoder::Impl::ReadRootField(std::string_view key, Value& value, bool is_data) {
  EventHeading& heading = is_cloud_ && !is_data ? envelope_ : own_;
  if (key == "id") {
    return ReadId(value, key, &heading.id);
  }
  if (key == "type") {
    return ReadText(value, key, limits::kWordBytesMax, &heading.type);
  }
  if (key == "time") {
    return ReadText(value, key, limits::kWordBytesMax, &heading.time);
  }
  if (key == "customer") {
    return ReadCustomer(value);
  }
  if (key == "order") {
    return ReadOrder(value);
  }
  if (key == "review") {
    return ReadReview(value);
  }
  if (key == "consent") {
    return ReadHeld(key, value, &consent_value_);
  }
  if (key == "coupon") {
    return ReadHeld(key, value, &coupon_value_);
  }
  if (key == "message") {
    return ReadHeld(key, value, &message_value_);
  }
  if (key == "specversion") {
    return is_data || ReadSpecversion(value);  // the envelope's word, never an attribute
  }
  if (key == "data" && !is_data) {
    has_data_ = true;
    if (is_cloud_) {
      return IsNull(value) || EachFieldOf(value, key, [this](std::string_view name, Value& member) {
               return ReadRootField(name, member, true);
             });
    }
  }
  if (key == "data_base64" && !is_data) {
    has_data_ = true;
    if (is_cloud_) {
      return ReadEncodedData(key, value);
    }
  }
  return ReadAttribute(key, value, options_->keep_attributes, &attributes_);
}

bool EventDecoder::Impl::ReadEncodedData(std::string_view key, Value& value) {
  const std::string_view token = Token(value);
  std::string_view text;
  if (!encoded_.key.empty()) {
    return Fail(EventError::kBadType, key);  // a second one
  }
  if (!ReadText(value, key, limits::kEventBytesMax, &text)) {
    return false;
  }
  encoded_ = text.data() == nullptr ? EncodedData() : EncodedData{key, token};
  return true;
}

bool EventDecoder::Impl::ReadHeld(std::string_view key, Value& value, cel::Value* held) {
  return IsNull(value) || ReadValue(value, 1, true, held) || Inside(key);
}

bool EventDecoder::Impl::ReadSpecversion(Value& value) {
  std::string_view version;
  if (!ReadText(value, "specversion", limits::kWordBytesMax, &version)) {
    return false;
  }
  if (!version.starts_with("1.")) {
    return Fail(EventError::kBadType, "specversion");
  }
  if (!is_cloud_) {
    is_cloud_ = true;
    envelope_ = own_;
    own_ = EventHeading();
    must_restart_ = has_data_;
  }
  return !must_restart_;
}

bool EventDecoder::Impl::ReadCustomer(Value& value) {
  if (IsNull(value)) {
    return true;
  }
  event_->customer = CustomerFields();
  inner_.clear();
  says_more_than_id_ = false;
  const char* const start = value.raw_json_token().data();
  const bool ok = EachFieldOf(value, "customer", [this](std::string_view key, Value& member) {
    return ReadCustomerField(key, member);
  });
  if (!ok || !CloseAttributes(&inner_, &event_->customer.attributes)) {
    return false;
  }
  if (!options_->keep_profile) {
    const std::string_view id = event_->customer.id;
    event_->customer = CustomerFields();
    event_->customer.id = id;
    return true;
  }
  const char* end = nullptr;
  if (says_more_than_id_ && value.current_location().get(end) == simdjson::SUCCESS) {
    // The location is that of the next token: a comma or a brace behind white space.
    std::string_view text(start, static_cast<size_t>(end - start));
    text = text.substr(0, text.rfind('}') + 1);
    event_->customer.fingerprint = Hash64(text);
  }
  return true;
}

bool EventDecoder::Impl::ReadCustomerField(std::string_view key, Value& value) {
  CustomerFields& customer = event_->customer;
  if (key == "id") {
    return ReadId(value, key, &customer.id);
  }
  says_more_than_id_ = true;
  if (key == "tags") {
    return ReadTags(value);
  }
  std::string_view* const text = key == "phone"           ? &customer.phone
                                 : key == "email"         ? &customer.email
                                 : key == "wechat_openid" ? &customer.wechat_openid
                                 : key == "locale"        ? &customer.locale
                                 : key == "timezone"      ? &customer.timezone
                                 : key == "region"        ? &customer.region
                                 : key == "birthday"      ? &customer.birthday
                                                          : nullptr;
  if (text != nullptr) {
    const bool ok = ReadText(value, key, limits::kWordBytesMax, text);
    if (text == &customer.phone && !IsE164(*text)) {
      *text = phone_ = NormalisePhone(*text, options_->country);
    }
    return ok;
  }
  return ReadAttribute(key, value, options_->keep_attributes, &inner_);
}

bool EventDecoder::Impl::ReadTags(Value& value) {
  if (IsNull(value)) {
    return true;
  }
  tags_.clear();
  const bool ok = EachElementOf(value, "tags", limits::kEventTagsMax, [this](Value& element) {
    return IsNull(element) ? Fail(EventError::kBadType, "")
                           : ReadText(element, "", limits::kWordBytesMax, &tags_.emplace_back());
  });
  event_->customer.has_tags = true;
  event_->customer.tags = tags_;
  return ok;
}

bool EventDecoder::Impl::ReadOrder(Value& value) {
  if (IsNull(value)) {
    return true;
  }
  order_ = Order();
  order_.currency = options_->currency;
  total_ = {};
  items_.clear();
  prices_.clear();
  inner_.clear();
  event_->order = &order_;
  const bool ok = EachFieldOf(value, "order", [this](std::string_view key, Value& member) {
    if (key == "id") {
      return ReadId(member, key, &order_.id);
    }
    if (key == "total") {
      return ReadAmount(member, key, &total_);
    }
    if (key == "items") {
      return ReadItems(member);
    }
    if (key == "currency") {
      std::string_view code;
      if (!ReadText(member, key, limits::kWordBytesMax, &code)) {
        return false;
      }
      const std::optional<Currency> currency = Currency::Parse(code);
      order_.currency = currency.value_or(options_->currency);
      return currency || code.data() == nullptr || Fail(EventError::kBadType, key);
    }
    return ReadAttribute(key, member, options_->keep_attributes, &inner_);
  });
  return ok && CloseAttributes(&inner_, &order_.attributes);
}

bool EventDecoder::Impl::ReadItems(Value& value) {
  items_.clear();
  prices_.clear();
  return IsNull(value) || EachElementOf(value, "items", limits::kItemsMax,
                                        [this](Value& element) { return ReadItem(element); });
}

bool EventDecoder::Impl::ReadItem(Value& value) {
  OrderItem& item = items_.emplace_back();
  std::string_view& price = prices_.emplace_back();
  item_.clear();
  const bool ok = EachFieldOf(value, "", [&](std::string_view key, Value& member) {
    if (key == "sku") {
      return ReadText(member, key, limits::kIdBytesMax, &item.sku);
    }
    if (key == "category") {
      return ReadText(member, key, limits::kWordBytesMax, &item.category);
    }
    if (key == "quantity") {
      return ReadInteger(member, key, limits::kQuantityMax, &item.quantity);
    }
    if (key == "price") {
      return ReadAmount(member, key, &price);
    }
    return ReadAttribute(key, member, options_->keep_attributes, &item_);
  });
  return ok && CloseAttributes(&item_, &item.attributes);
}

bool EventDecoder::Impl::ReadReview(Value& value) {
  if (IsNull(value)) {
    return true;
  }
  review_ = Review();
  inner_.clear();
  event_->review = &review_;
  const bool ok = EachFieldOf(value, "review", [this](std::string_view key, Value& member) {
    if (key == "id") {
      return ReadId(member, key, &review_.id);
    }
    if (key == "order_id") {
      return ReadId(member, key, &review_.order_id);
    }
    if (key == "sku") {
      return ReadText(member, key, limits::kIdBytesMax, &review_.sku);
    }
    if (key == "text") {
      return ReadText(member, key, limits::kTextBytesMax, &review_.text);
    }
    if (key == "rating") {
      int64_t rating = review_.rating;
      const bool read = ReadInteger(member, key, limits::kRatingMax, &rating);
      review_.rating = static_cast<int32_t>(rating);
      return read;
    }
    if (key == "verified") {
      return ReadBool(member, key, &review_.verified);
    }
    return ReadAttribute(key, member, options_->keep_attributes, &inner_);
  });
  return ok && CloseAttributes(&inner_, &review_.attributes);
}

}  // namespace huitou
