#include "daemon/decode/encode_event.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/decode/decode_helpers.h"

namespace huitou {
namespace {

TEST(EncodeEvent, WritesTheFieldsInTheContractsOrder) {
  constexpr std::string_view kEvent =
      R"({"id":"e1","type":"message.replied","time":"2026-11-11T00:03:12.500Z","customer":)"
      R"({"id":"c1","phone":"+86","email":"a@b","wechat_openid":"o","locale":"zh-CN",)"
      R"("timezone":"Asia/Shanghai","region":"Z","birthday":"1990-05-01","tags":[],"name":"A\"n"},)"
      R"("order":{"id":"o1","currency":"JPY","total":"-100","items":[{"sku":"s","category":"c",)"
      R"("quantity":-2,"price":"50","w":1.5}],"gift":true},"review":{"id":"r","order_id":"o",)"
      R"("sku":"s","rating":4,"text":"t","verified":false,"v":[]},"message":{"dispatch":"d",)"
      R"("channel":"sms","reason":"ok","text":"TD"},"z":{"k":[1,2.0,"x",null,true]}})";
  Decoding decode;
  EXPECT_EQ(decode(kEvent), kEvent);
}

TEST(EncodeEvent, WritesConsentAndCouponAsTheyWereSaid) {
  Decoding decode;
  for (const char* event :
       {R"({"id":"e","type":"consent.revoked","time":"2026-11-11T00:00:00Z","customer":{"id":"c"},)"
        R"("consent":{"channel":"wechat","class":"service","template":"t","credits":1}})",
        R"({"id":"e","type":"coupon.issued","time":"2026-11-11T00:00:00Z","customer":{"id":"c"},)"
        R"("coupon":{"code":"X","dispatch":"d","amount":"50.00"}})",
        R"({"id":"e","type":"coupon.issued","time":"2026-11-11T00:00:00Z","customer":{"id":"c"},)"
        R"("coupon":{"code":"X","extra":1}})"}) {
    EXPECT_EQ(decode(event), event);
  }
}

TEST(EncodeEvent, AppendsToWhatIsThere) {
  Event event;
  event.id = "e";
  event.type = "a";
  event.customer.id = "c";
  std::string out = "x";
  EncodeEvent(event, Cny(), &out);
  EXPECT_EQ(out, R"(x{"id":"e","type":"a","time":"1970-01-01T00:00:00Z","customer":{"id":"c"}})");
}

TEST(EncodeValue, KeepsTheKindOfNumbers) {
  const auto text = [](const cel::Value& value) {
    std::string out;
    EncodeValue(value, &out);
    return out;
  };
  EXPECT_EQ(text(cel::Value::Int(std::numeric_limits<int64_t>::min())), "-9223372036854775808");
  EXPECT_EQ(text(cel::Value::Double(2)), "2.0");
  EXPECT_EQ(text(cel::Value::Double(0.1)), "0.1");
  EXPECT_EQ(text(cel::Value::Double(1e300)), "1e+300");
  EXPECT_EQ(text(cel::Value::Double(-0.0)), "-0.0");
  EXPECT_EQ(text(cel::Value::Bool(true)), "true");
  EXPECT_EQ(text(cel::Value()), "null");
}

}  // namespace
}  // namespace huitou
