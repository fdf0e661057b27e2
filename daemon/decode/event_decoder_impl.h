// The inside of EventDecoder: reads the fields as they come, then, when the type and the currency
// are known, finishes what hangs on them (event_finish.cc). For this folder's .cc files only.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/decode/cloud_event.h"
#include "daemon/decode/event_decoder.h"
#include "daemon/decode/json_reader.h"
#include "daemon/decode/limits.h"
#include "daemon/decode/members.h"
#include "triggers/limits.h"

namespace huitou {

// The id, type and time of an envelope or of an event itself.
struct EventHeading {
  std::string_view id;
  std::string_view type;
  std::string_view time;
};

class EventDecoder::Impl : private JsonReader {
 public:
  Impl()
      : JsonReader(limits::kEventBytesMax, limits::kEventArenaBytesMax),
        buffer_(new char[limits::kEventBytesMax + kJsonPaddingBytes]) {}

  EventError Decode(std::string_view json, bool is_padded, std::span<const Header> headers,
                    const DecodeOptions& options, Event* out, std::string* detail);

  // Where a mapped event, or one with data in base64, is written before it is read.
  std::string mapped;

 private:
  void Clear();
  bool ReadHeaders(std::span<const Header> headers);
  bool ReadDocument(std::string_view padded);
  bool ReadRootField(std::string_view key, Value& value, bool is_data);
  // An object whose meaning hangs on the event's type.
  bool ReadHeld(std::string_view key, Value& value, cel::Value* held);
  bool ReadSpecversion(Value& value);
  bool ReadEncodedData(std::string_view key, Value& value);
  bool ReadCustomer(Value& value);
  bool ReadCustomerField(std::string_view key, Value& value);
  bool ReadTags(Value& value);
  bool ReadOrder(Value& value);
  bool ReadItems(Value& value);
  bool ReadItem(Value& value);
  bool ReadReview(Value& value);

  bool Finish();
  bool FinishHeading();
  bool FinishOrder();
  bool FinishConsent();
  bool FinishCoupon();
  bool FinishMessage();
  // Whether `held` is an object that this event's type gives a meaning; an attribute otherwise.
  bool IsMeant(const cel::Value& held, std::string_view name, bool type_fits);
  // Takes over the members' error; keeps the whole object where it says more than the contract.
  bool Close(const Members& members, const cel::Value& held, std::string_view name);

  std::unique_ptr<char[]> buffer_;
  const DecodeOptions* options_ = nullptr;
  Event* event_ = nullptr;

  // Of the event being read.
  EventHeading envelope_;
  EventHeading own_;
  bool is_cloud_ = false;   // a CloudEvent in either mode
  bool is_binary_ = false;  // its envelope are the headers
  bool has_data_ = false;
  EncodedData encoded_;
  bool must_restart_ = false;
  bool says_more_than_id_ = false;
  Order order_;
  Review review_;
  ConsentChange consent_;
  CouponReference coupon_;
  MessageReference message_;
  // What these three objects hold, until the type is known.
  cel::Value consent_value_;
  cel::Value coupon_value_;
  cel::Value message_value_;
  std::vector<OrderItem> items_;
  // Amounts as text until the currency is known; null data for none.
  std::vector<std::string_view> prices_;
  std::string_view total_;
  std::vector<std::string_view> tags_;
  std::string phone_;  // where it was not written in E.164
  // Unknown fields of the event, and of the object inside that is being read.
  Entries attributes_;
  Entries inner_;
  Entries item_;
};

}  // namespace huitou
