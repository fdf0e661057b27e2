#include "daemon/decode/event_decoder.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>

#include "daemon/decode/limits.h"
#include "tests/decode/decode_helpers.h"
#include "triggers/limits.h"

namespace huitou {
namespace {

constexpr std::string_view kOrder =
    R"({"id":"e1","type":"order.paid","time":"2026-11-11T00:03:12Z","customer":{"id":"c1",)"
    R"("phone":"+8613800000000","email":"a@example.com","wechat_openid":"o6_b","locale":"zh-CN",)"
    R"("timezone":"Asia/Shanghai","region":"Zhejiang","birthday":"1990-05-01","tags":["vip"]},)"
    R"("order":{"id":"o1","currency":"CNY","total":"259.00","items":[{"sku":"s1",)"
    R"("category":"women.clothing","quantity":1,"price":"259.00"}]}})";
constexpr std::string_view kReview =
    R"({"id":"e2","type":"review.posted","time":"2026-11-15T12:00:00Z","customer":{"id":"c1"},)"
    R"("review":{"id":"r1","order_id":"o1","sku":"s1","rating":5,"text":"...","verified":true}})";

// An event with these fields behind the four that it must have.
std::string With(std::string_view fields, std::string_view type = "order.paid") {
  return std::string(R"({"id":"e1","type":")")
      .append(type)
      .append(R"(","time":"2026-11-11T00:03:12Z","customer":{"id":"c1"},)")
      .append(fields)
      .append("}");
}

std::string WithCustomer(std::string_view fields) {
  return std::string(
             R"({"id":"e1","type":"a.b","time":"2026-11-11T00:03:12Z","customer":{"id":"c1",)")
      .append(fields)
      .append("}}");
}

TEST(EventDecoder, ReadsTheOrderOfTheContract) {
  Decoding decode;
  decode(kOrder);
  ASSERT_EQ(decode.error(), EventError::kNone);
  const Event& event = decode.event();
  EXPECT_EQ(event.id, "e1");
  EXPECT_EQ(event.type, "order.paid");
  EXPECT_EQ(event.time, ParseRfc3339("2026-11-11T00:03:12Z"));
  EXPECT_EQ(event.customer.id, "c1");
  EXPECT_EQ(event.customer.phone, "+8613800000000");
  EXPECT_EQ(event.customer.email, "a@example.com");
  EXPECT_EQ(event.customer.wechat_openid, "o6_b");
  EXPECT_EQ(event.customer.locale, "zh-CN");
  EXPECT_EQ(event.customer.timezone, "Asia/Shanghai");
  EXPECT_EQ(event.customer.region, "Zhejiang");
  EXPECT_EQ(event.customer.birthday, "1990-05-01");
  ASSERT_EQ(event.customer.tags.size(), 1u);
  EXPECT_EQ(event.customer.tags[0], "vip");
  EXPECT_TRUE(event.customer.attributes.is_null());
  ASSERT_NE(event.order, nullptr);
  EXPECT_EQ(event.order->id, "o1");
  EXPECT_EQ(event.order->currency, Cny());
  EXPECT_EQ(event.order->total_minor, 25'900);
  ASSERT_EQ(event.order->items.size(), 1u);
  EXPECT_EQ(event.order->items[0].sku, "s1");
  EXPECT_EQ(event.order->items[0].category, "women.clothing");
  EXPECT_EQ(event.order->items[0].quantity, 1);
  EXPECT_EQ(event.order->items[0].price_minor, 25'900);
  EXPECT_EQ(event.review, nullptr);
  EXPECT_TRUE(event.attributes.is_null());
}

TEST(EventDecoder, ReadsTheReviewOfTheContract) {
  Decoding decode;
  EXPECT_EQ(decode(kReview),
            R"({"id":"e2","type":"review.posted","time":"2026-11-15T12:00:00Z","customer":)"
            R"({"id":"c1"},"review":{"id":"r1","order_id":"o1","sku":"s1","rating":5,)"
            R"("text":"...","verified":true}})");
  ASSERT_NE(decode.event().review, nullptr);
  EXPECT_EQ(decode.event().review->rating, 5);
  EXPECT_TRUE(decode.event().review->verified);
  EXPECT_EQ(decode.event().order, nullptr);
}

TEST(EventDecoder, APhoneIsKeptInE164) {
  Decoding decode;
  for (const char* phone : {"13800001234", "138 0000 1234", "0086-138-0000-1234",
                            "+86 138 0000 1234", "+8613800001234"}) {
    decode(WithCustomer(std::string(R"("phone":")").append(phone).append("\"")));
    EXPECT_EQ(decode.event().customer.phone, "+8613800001234") << phone;
  }
  decode.options().country = "US";
  decode(WithCustomer(R"("phone":"(415) 555-2671")"));
  EXPECT_EQ(decode.event().customer.phone, "+14155552671");
  decode(WithCustomer(R"("phone":"ask at the desk")"));
  EXPECT_EQ(decode.event().customer.phone, "ask at the desk");
}

TEST(EventDecoder, ForgetsTheEventBefore) {
  Decoding decode;
  decode(kOrder);
  decode(kReview);
  EXPECT_EQ(decode.event().order, nullptr);
  EXPECT_EQ(decode.event().customer.phone, "");
  EXPECT_FALSE(decode.event().customer.has_tags);
  EXPECT_EQ(decode.event().customer.fingerprint, 0u);
  decode(kOrder);
  EXPECT_EQ(decode.event().review, nullptr);
}

TEST(EventDecoder, RefusesWithAReasonAndThePath) {
  struct Refusal {
    std::string json;
    std::string_view told;
  };
  const std::vector<Refusal> refusals = {
      {"", "tombstone"},
      {"  \n", "tombstone"},
      {"null", "tombstone"},
      {"[]", "bad_json not an object"},
      {"7", "bad_json not an object"},
      {"{", "bad_json"},
      {"nonsense", "bad_json"},
      {std::string(kReview) + "x", "bad_json"},
      {std::string(kReview) + "{}", "bad_json trailing content"},
      {std::string(kReview) + "}", "bad_json"},
      {"{\"id\":\"\xFF\"}", "bad_utf8"},
      {R"({"id":"\ud83c"})", "bad_utf8 unpaired surrogate"},
      {R"({"id":"\ud83cx"})", "bad_utf8 unpaired surrogate"},
      {R"({"id":"\udf81"})", "bad_utf8 unpaired surrogate"},
      {R"({"\ud83c":1})", "bad_utf8 unpaired surrogate"},
      {R"({"id":"\x"})", "bad_json unknown escape"},
      {R"({"id":"\u12"})", "bad_json unknown escape"},
      {"{\"id\":\"a\nb\"}", "bad_json"},
      {"{\"id\":\"e1}", "bad_json"},
      {"{}", "missing_field id"},
      {R"({"id":"","type":"a.b"})", "missing_field id"},
      {R"({"id":"e"})", "missing_field type"},
      {R"({"id":"e","type":"a.b"})", "missing_field time"},
      {R"({"id":"e","type":"a.b","time":"2026-11-11T00:00:00Z"})", "missing_field customer.id"},
      {R"({"id":null,"type":"a.b"})", "missing_field id"},
      {R"({"id":"e","type":"a.b","time":"2026-11-11T00:00:00Z","customer":{}})",
       "missing_field customer.id"},
      {R"({"id":"e","type":"a.b","time":"2026-11-11T00:00:00Z","customer":null})",
       "missing_field customer.id"},
      {R"({"id":1})", "bad_type id"},
      {R"({"id":["e"]})", "bad_type id"},
      {R"({"id":"a\u0000b"})", "bad_type id"},
      {R"({"type":true})", "bad_type type"},
      {R"({"time":1})", "bad_type time"},
      {R"({"customer":"c1"})", "bad_type customer"},
      {R"({"customer":{"id":7}})", "bad_type customer.id"},
      {R"({"customer":{"phone":138}})", "bad_type customer.phone"},
      {R"({"customer":{"tags":"vip"}})", "bad_type customer.tags"},
      {R"({"customer":{"tags":["vip",7]}})", "bad_type customer.tags[1]"},
      {R"({"customer":{"tags":[null]}})", "bad_type customer.tags[0]"},
      {R"({"order":[]})", "bad_type order"},
      {R"({"order":{"id":1}})", "bad_type order.id"},
      {R"({"order":{"total":true}})", "bad_type order.total"},
      {R"({"order":{"currency":"yuan"}})", "bad_type order.currency"},
      {R"({"order":{"currency":"cny"}})", "bad_type order.currency"},
      {R"({"order":{"items":{}}})", "bad_type order.items"},
      {R"({"order":{"items":[7]}})", "bad_type order.items[0]"},
      {R"({"order":{"items":[{},{"quantity":"1"}]}})", "bad_type order.items[1].quantity"},
      {R"({"order":{"items":[{"quantity":1.5}]}})", "bad_type order.items[0].quantity"},
      {R"({"order":{"items":[{"quantity":1e99}]}})", "bad_type order.items[0].quantity"},
      {R"({"order":{"items":[{"quantity":2000000000}]}})", "bad_type order.items[0].quantity"},
      {R"({"review":{"rating":"5"}})", "bad_type review.rating"},
      {R"({"review":{"verified":1}})", "bad_type review.verified"},
      {With(R"("order":{"total":""})"), "bad_type order.total"},
      {With(R"("order":{"total":"1,5"})"), "bad_type order.total"},
      {With(R"("order":{"total":"1.234"})"), "bad_type order.total"},
      {With(R"("order":{"total":1e5})"), "bad_type order.total"},
      {With(R"("order":{"total":"1.50","currency":"JPY"})"), "bad_type order.total"},
      {With(R"("order":{"total":"90071992547409.93"})"), "bad_type order.total"},
      {With(R"("order":{"items":[{},{"price":"free"}]})"), "bad_type order.items[1].price"},
      {With(R"("order":{"total":01})"), "bad_json"},
      {With(R"("a":tru)"), "bad_json"},
      {With(R"("a":nul)"), "bad_json"},
      {With(R"("a":01)"), "bad_json"},
      {With(R"("a":{"b":[1,]})"), "bad_json"},
      {With(R"("a":1,)"), "bad_json"},
      {With(R"("a" 1)"), "bad_json"},
      {With(R"("a":"b":"c")"), "bad_json"},
      {With(R"("a":{"b":"c"])"), "bad_json"},
      {With(R"("a":1)", "Order.Paid"), "bad_type type"},
      {With(R"("a":1)", "order paid"), "bad_type type"},
      {With(R"("a":1)", "orderpaid"), "bad_type type"},
      {With(R"("a":1)", "order..paid"), "bad_type type"},
      {With(R"("a":1)", ".paid"), "bad_type type"},
      {With(R"("a":1)", "order."), "bad_type type"},
      {With(R"("consent":7)", "consent.granted"), "bad_type consent"},
      {With(R"("consent":{"channel":7})", "consent.granted"), "bad_type consent.channel"},
      {With(R"("consent":{"credits":-1})", "consent.granted"), "bad_type consent.credits"},
      {With(R"("consent":{"credits":"1"})", "consent.granted"), "bad_type consent.credits"},
      {With(R"("coupon":{"amount":"x"})", "coupon.issued"), "bad_type coupon.amount"},
      {With(R"("coupon":[])", "coupon.issued"), "bad_type coupon"},
      {With(R"("message":{"text":{}})", "message.replied"), "bad_type message.text"},
      {R"({"id":"e","type":"a.b","time":"2026-11-11","customer":{"id":"c"}})", "bad_time time"},
      {R"({"id":"e","type":"a.b","time":"2026-11-11T00:00:00","customer":{"id":"c"}})",
       "bad_time time"},
      {R"({"id":"e","type":"a.b","time":"2026-02-30T00:00:00Z","customer":{"id":"c"}})",
       "bad_time time"},
  };
  Decoding decode;
  for (const Refusal& refusal : refusals) {
    const std::string told = decode(refusal.json);
    EXPECT_TRUE(decode.error() != EventError::kNone &&
                (told == refusal.told ||
                 (refusal.told == "bad_json" && told.starts_with("bad_json ")) ||
                 (refusal.told == "bad_utf8" && told.starts_with("bad_utf8"))))
        << refusal.json << "\n is told " << told << "\n      not " << refusal.told;
  }
}

TEST(EventDecoder, RefusesWhatIsTooLarge) {
  Decoding decode;
  const std::string id_max(limits::kIdBytesMax, 'i');
  EXPECT_EQ(decode(R"({"id":")" + id_max + R"(i"})"), "too_large id");
  EXPECT_EQ(decode(R"({"customer":{"id":")" + id_max + R"(i"}})"), "too_large customer.id");
  EXPECT_EQ(
      decode(R"({"customer":{"email":")" + std::string(limits::kWordBytesMax + 1, 'e') + R"("}})"),
      "too_large customer.email");
  EXPECT_EQ(
      decode(R"({"review":{"text":")" + std::string(limits::kTextBytesMax + 1, 't') + R"("}})"),
      "too_large review.text");
  EXPECT_EQ(decode(With(R"("a":1)", std::string(limits::kTypeBytesMax + 1, 't'))),
            "too_large type");
  std::string items = "{}";
  for (size_t i = 0; i < limits::kItemsMax; ++i) {
    items += ",{}";
  }
  EXPECT_EQ(decode(With(R"("order":{"items":[)" + items + "]}")), "too_large order.items");
  EXPECT_EQ(decode(With("\"a\":" + std::string(40, '[') + std::string(40, ']'))).substr(0, 17),
            "too_large a[0][0]");
  EXPECT_EQ(decode(std::string(limits::kEventBytesMax + 1, ' ')), "too_large");
  EXPECT_NE(decode(With(R"("a":")" + std::string(limits::kEventBytesMax - 200, 'a') + "\"")),
            "too_large");
  EXPECT_EQ(decode.error(), EventError::kNone);
}

TEST(EventDecoder, HoldsTheWorstAttributesThatFit) {
  std::string objects = "{}";
  while (objects.size() < limits::kEventBytesMax - 200) {
    objects += ",{}";
  }
  Decoding decode;
  const std::string first = decode(With("\"a\":[" + objects + "]"));
  ASSERT_EQ(decode.error(), EventError::kNone);
  const OwnedEvent owned(decode.event());
  EXPECT_GT(first.size(), objects.size());
}

TEST(EventDecoder, NeverTellsAValue) {
  Decoding decode;
  for (const char* json :
       {R"({"customer":{"phone":13800001234}})", R"({"customer":{"tags":["secret",13800001234]}})",
        R"({"order":{"currency":"secret"}})"}) {
    const std::string told = decode(json);
    EXPECT_EQ(told.find("1234"), std::string::npos) << told;
    EXPECT_EQ(told.find("secret"), std::string::npos) << told;
  }
}

TEST(EventDecoder, TakesFieldsInAnyOrderAndAnySpacing) {
  Decoding decode;
  const std::string expected = decode(kOrder);
  EXPECT_EQ(decode(R"( { "order" : { "items" : [ { "price" : "259.00" , "quantity" : 1 ,
                       "category" : "women.clothing" , "sku" : "s1" } ] , "total" : "259.00" ,
                       "currency" : "CNY" , "id" : "o1" } , "customer" : { "tags" : [ "vip" ] ,
                       "birthday" : "1990-05-01" , "region" : "Zhejiang" ,
                       "timezone" : "Asia/Shanghai" , "locale" : "zh-CN" ,
                       "wechat_openid" : "o6_b" , "email" : "a@example.com" ,
                       "phone" : "+8613800000000" , "id" : "c1" } ,
                       "time" : "2026-11-11T00:03:12Z" , "type" : "order.paid" , "id" : "e1" } )"),
            expected);
}

TEST(EventDecoder, ReadsEscapesInTextsAndKeys) {
  Decoding decode;
  decode(With(R"("review":{"text":"\u4f60\u597d \ud83c\udf81 \"a\\b\/\n"},"\u0061b":"\u0000")"));
  ASSERT_EQ(decode.error(), EventError::kNone);
  EXPECT_EQ(decode.event().review->text, "\xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x8E\x81 \"a\\b/\n");
  EXPECT_NE(decode(With(R"("a":1)")).find("order.paid"), std::string::npos);
  EXPECT_EQ(decode(R"({"i\u0064":7})"), "bad_type id");
}

TEST(EventDecoder, TakesAmountsAsStringsOrNumbersByTheirDigits) {
  Decoding decode;
  decode(With(R"("order":{"total":259.05,"items":[{"price":7},{"price":-3.50},{"price":"0.5"}]})"));
  ASSERT_EQ(decode.error(), EventError::kNone);
  EXPECT_EQ(decode.event().order->total_minor, 25'905);
  EXPECT_EQ(decode.event().order->items[0].price_minor, 700);
  EXPECT_EQ(decode.event().order->items[1].price_minor, -350);
  EXPECT_EQ(decode.event().order->items[2].price_minor, 50);
  decode(With(R"("order":{"total":90071992547409.91 })"));
  EXPECT_EQ(decode.event().order->total_minor, 9'007'199'254'740'991);
}

TEST(EventDecoder, CountsAmountsInTheOrdersCurrencyWhereverItStands) {
  Decoding decode;
  decode(With(R"("order":{"total":"100","items":[{"price":"7"}],"currency":"JPY"})"));
  EXPECT_EQ(decode.event().order->total_minor, 100);
  EXPECT_EQ(decode.event().order->items[0].price_minor, 7);
  EXPECT_EQ(decode.event().order->currency.code(), "JPY");
  decode(With(R"("order":{"total":"100"})"));
  EXPECT_EQ(decode.event().order->total_minor, 10'000);
  EXPECT_EQ(decode.event().order->currency, Cny());
}

TEST(EventDecoder, TakesANullAsUnsaid) {
  Decoding decode;
  EXPECT_EQ(decode(With(R"("order":{"id":null,"currency":null,"total":null,"items":null})")),
            decode(With(R"("order":{})")));
  EXPECT_EQ(decode(With(R"("order":null,"review":null,"consent":null)")),
            decode(With(R"("id":"e1")")));
  decode(WithCustomer(R"("phone":null,"tags":null)"));
  EXPECT_EQ(decode.event().customer.phone, "");
  EXPECT_FALSE(decode.event().customer.has_tags);
  decode(With(R"("order":{"items":[{"quantity":null,"sku":null,"price":null}]})"));
  EXPECT_EQ(decode.event().order->items[0].quantity, 1);
}

TEST(EventDecoder, TakesTheLastOfARepeatedKey) {
  Decoding decode;
  decode(With(R"("id":"e2","customer":{"id":"c2"},"order":{"id":"o1","total":"1"},)"
              R"("order":{"id":"o2"},"a":1,"a":2)"));
  ASSERT_EQ(decode.error(), EventError::kNone);
  EXPECT_EQ(decode.event().id, "e2");
  EXPECT_EQ(decode.event().customer.id, "c2");
  EXPECT_EQ(decode.event().order->id, "o2");
  EXPECT_EQ(decode.event().order->total_minor, 0);
  std::string attributes;
  EncodeValue(decode.event().attributes, &attributes);
  EXPECT_EQ(attributes, R"({"a":2})");
}

TEST(EventDecoder, KeepsUnknownFieldsAsAttributesOfTheirObject) {
  Decoding decode;
  decode(R"({"id":"e1","type":"order.paid","time":"2026-11-11T00:03:12Z","store":{"city":"Ulm"},)"
         R"("customer":{"id":"c1","name":"Anna","level":3},"order":{"freight":"6.00","gift":true,)"
         R"("items":[{"sku":"s1","color":["red",null]},{"sku":"s2"}]},)"
         R"("review":{"stars":4.5},"score":-1.5e3,"big":18446744073709551615,"whole":2.0})");
  ASSERT_EQ(decode.error(), EventError::kNone);
  const auto text = [](const cel::Value& value) {
    std::string out;
    EncodeValue(value, &out);
    return out;
  };
  const Event& event = decode.event();
  EXPECT_EQ(text(event.attributes),
            R"({"store":{"city":"Ulm"},"score":-1500.0,"big":18446744073709551616.0,"whole":2.0})");
  EXPECT_EQ(text(event.customer.attributes), R"({"name":"Anna","level":3})");
  EXPECT_EQ(text(event.order->attributes), R"({"freight":"6.00","gift":true})");
  EXPECT_EQ(text(event.order->items[0].attributes), R"({"color":["red",null]})");
  EXPECT_TRUE(event.order->items[1].attributes.is_null());
  EXPECT_EQ(text(event.review->attributes), R"({"stars":4.5})");
}

TEST(EventDecoder, TakesAnIntegerPast64BitsAsADouble) {
  Decoding decode;
  const std::string told = decode(With(R"("n":123456789012345678901234567890)"));
  EXPECT_NE(told.find(R"("n":1.2345678901234568e+29)"), std::string::npos) << told;
  EXPECT_EQ(decode(With(R"("n":1e999)")), "bad_json not a number");
}

// What the attribute `n` of the event, or of an object in its attribute `deep`, is read as.
double NumberRead(Decoding& decode, const std::string& number, bool is_deep) {
  decode(With(is_deep ? "\"deep\":{\"n\":" + number + "}" : "\"n\":" + number));
  EXPECT_EQ(decode.error(), EventError::kNone) << number;
  cel::Arena arena;
  cel::Value value = decode.event().attributes;
  for (const char* key : {"deep", "n"}) {
    if (is_deep || std::string_view(key) == "n") {
      EXPECT_TRUE(value.map().Find(cel::Value::String(key), arena, &value)) << number;
    }
  }
  return value.kind() == cel::Kind::kInt ? static_cast<double>(value.as_int()) : value.as_double();
}

TEST(EventDecoder, ReadsEveryNumberAsTheNearestDouble) {
  std::vector<std::string> numbers = {"55555555555555557376.0",
                                      "55555555555555557376",
                                      "-55555555555555557376.5",
                                      "55555555555555557376e0",
                                      "18446744073709551616",
                                      "18446744073709551615.0",
                                      "0.055555555555555557376",
                                      "0.1234567890123456789012345",
                                      "1e-400",
                                      "-1e-400",
                                      "4.9406564584124654e-324",
                                      "2.2250738585072011e-308",
                                      "1.7976931348623157e308",
                                      "0e999",
                                      "123456789012345678901234567890.123456789e-20"};
  std::mt19937_64 random(1);  // the same numbers every time
  for (int i = 0; i < 20000; ++i) {
    const double number = std::bit_cast<double>(random());
    char text[400];
    std::snprintf(text, sizeof text, "%.17g", number);
    if (std::isfinite(number)) {
      numbers.emplace_back(text);
    }
    // Digits of any number, with and without a fraction and an exponent.
    std::string digits = std::to_string(random() % 9 + 1);
    for (uint64_t more = random() % 30; more > 0; --more) {
      digits.push_back(static_cast<char>('0' + random() % 10));
    }
    numbers.push_back(digits);
    numbers.push_back(digits + "." + std::to_string(random()));
    numbers.push_back("-0." + std::string(random() % 25, '0') + digits);
    numbers.push_back(digits + "E-" + std::to_string(random() % 300));
  }
  Decoding decode;
  for (const std::string& number : numbers) {
    const double expected = std::strtod(number.c_str(), nullptr);
    ASSERT_EQ(NumberRead(decode, number, false), expected) << number;
    ASSERT_EQ(NumberRead(decode, number, true), expected) << number;
  }
}

TEST(EventDecoder, RefusesWhatIsNoNumberOfJson) {
  Decoding decode;
  for (const char* text : {"01", "-", "-01", "1.", ".5", "1.e5", "1e", "1e+", "+1", "0x10", "1_000",
                           "1e999", "-1e999", "Infinity", "NaN", "1.2.3", "1\v", "--1", "1e5.0"}) {
    decode(With(std::string("\"n\":").append(text)));
    EXPECT_EQ(decode.error(), EventError::kBadJson) << text;
    decode(With(std::string("\"n\":[{\"m\":").append(text).append("}]")));
    EXPECT_EQ(decode.error(), EventError::kBadJson) << text;
  }
}

TEST(EventDecoder, ChecksAttributesEvenWhenItDropsThem) {
  Decoding decode;
  decode.DropAttributes();
  decode(With(R"("a":{"b":[1,2]},"order":{"x":1,"items":[{"y":2}]})"));
  ASSERT_EQ(decode.error(), EventError::kNone);
  EXPECT_TRUE(decode.event().attributes.is_null());
  EXPECT_TRUE(decode.event().order->attributes.is_null());
  EXPECT_TRUE(decode.event().order->items[0].attributes.is_null());
  decode(With(R"("a":{"b":[1,tru]})"));
  EXPECT_EQ(decode.error(), EventError::kBadJson);
  decode(With(R"("a":"\ud800")"));
  EXPECT_EQ(decode.error(), EventError::kBadUtf8);
}

TEST(EventDecoder, ReadsConsentCouponAndMessageForTheirTypes) {
  Decoding decode;
  decode(With(R"("consent":{"channel":"wechat","class":"marketing","template":"t1","credits":2})",
              "consent.granted"));
  ASSERT_NE(decode.event().consent, nullptr);
  EXPECT_EQ(decode.event().consent->channel, "wechat");
  EXPECT_EQ(decode.event().consent->message_class, "marketing");
  EXPECT_EQ(decode.event().consent->template_name, "t1");
  EXPECT_EQ(decode.event().consent->credits, 2);
  EXPECT_TRUE(decode.event().attributes.is_null());

  decode(With(R"("coupon":{"code":"X1","dispatch":"d1","amount":50.5})", "coupon.redeemed"));
  ASSERT_NE(decode.event().coupon, nullptr);
  EXPECT_EQ(decode.event().coupon->code, "X1");
  EXPECT_EQ(decode.event().coupon->dispatch, "d1");
  EXPECT_EQ(decode.event().coupon->amount_minor, 5'050);

  decode(With(R"("message":{"dispatch":"d2","channel":"sms","reason":"r","text":"TD"})",
              "message.replied"));
  ASSERT_NE(decode.event().message, nullptr);
  EXPECT_EQ(decode.event().message->dispatch, "d2");
  EXPECT_EQ(decode.event().message->channel, "sms");
  EXPECT_EQ(decode.event().message->reason, "r");
  EXPECT_EQ(decode.event().message->text, "TD");
}

TEST(EventDecoder, RefusesAConsentWhoseChannelIsMisspelt) {
  Decoding decode;
  for (const char* type : {"consent.granted", "channel.subscribed"}) {
    EXPECT_EQ(decode(With(R"("consent":{"chanel":"sms"})", type)), "missing_field consent.channel");
    for (const char* good : {R"("consent":{})", R"("consent":{"class":"marketing"})",
                             R"("consent":{"channel":"sms","chanel":"sms"})"}) {
      decode(With(good, type));
      EXPECT_EQ(decode.error(), EventError::kNone) << good;
    }
  }
  // Taking one back too widely harms nobody.
  decode(With(R"("consent":{"chanel":"sms"})", "consent.revoked"));
  EXPECT_EQ(decode.error(), EventError::kNone);
}

TEST(EventDecoder, LeavesTheseNamesToOtherTypes) {
  Decoding decode;
  const std::string told = decode(With(R"("message":"hello","coupon":{"x":1})", "ticket.opened"));
  EXPECT_EQ(decode.event().message, nullptr);
  EXPECT_EQ(decode.event().coupon, nullptr);
  EXPECT_NE(told.find(R"("coupon":{"x":1},"message":"hello")"), std::string::npos) << told;
}

TEST(EventDecoder, KeepsAWholeCouponThatSaysMoreThanTheContract) {
  Decoding decode;
  const std::string told = decode(With(R"("coupon":{"code":"X1","batch":"b7"})", "coupon.issued"));
  EXPECT_EQ(decode.event().coupon->code, "X1");
  EXPECT_NE(told.find(R"("coupon":{"code":"X1","batch":"b7"})"), std::string::npos) << told;
}

TEST(EventDecoder, FingerprintsWhatAnEventSaysOfItsCustomer) {
  Decoding decode;
  decode(WithCustomer(R"("phone":"1")"));
  const uint64_t first = decode.event().customer.fingerprint;
  EXPECT_NE(first, 0u);
  decode(R"({"time":"2027-01-01T00:00:00Z","customer":{"id":"c1","phone":"1"} , "id":"e9",)"
         R"("type":"b"})");
  EXPECT_EQ(decode.event().customer.fingerprint, first);
  decode(WithCustomer(R"("phone":"2")"));
  EXPECT_NE(decode.event().customer.fingerprint, first);
  decode(WithCustomer(R"("phone":"1","level":3)"));
  EXPECT_NE(decode.event().customer.fingerprint, first);
  decode(With(R"("a":1)"));
  EXPECT_EQ(decode.event().customer.fingerprint, 0u);
}

TEST(EventDecoder, ReadsInPlaceWhateverStandsBehind) {
  for (const char behind : {' ', '}', ']', '"', '\\', '{', '9', '\n', '\xFF'}) {
    std::string text(kOrder);
    text.append(kJsonPaddingBytes, behind);
    EventDecoder decoder;
    Event event;
    std::string detail;
    const std::string_view json(text.data(), kOrder.size());
    ASSERT_EQ(decoder.DecodePadded(json, {Cny()}, &event, &detail), EventError::kNone) << behind;
    EXPECT_EQ(event.order->items[0].price_minor, 25'900);
    // In place indeed: the views point into the text.
    EXPECT_TRUE(event.id.data() > text.data() && event.id.data() < text.data() + text.size());
    // The same text cut anywhere is refused, with the rest of it standing behind.
    for (size_t size = 1; size < json.size(); ++size) {
      ASSERT_NE(decoder.DecodePadded(json.substr(0, size), {Cny()}, &event, &detail),
                EventError::kNone)
          << size;
    }
  }
}

TEST(OwnedEvent, OutlivesTheBufferItWasDecodedFrom) {
  constexpr std::string_view kFull =
      R"({"id":"e1","type":"coupon.issued","time":"2026-11-11T00:03:12Z","customer":{"id":"c1",)"
      R"("tags":["a","b"],"name":"Anna"},"order":{"id":"o1","currency":"CNY","total":"1.00",)"
      R"("items":[{"sku":"s1","quantity":1,"price":"1.00","size":"M"}],"gift":{"to":["Bo"]}},)"
      R"("review":{"id":"r1","rating":5,"text":"good","verified":false,"x":1},)"
      R"("coupon":{"code":"K","dispatch":"d"},"note":"n"})";
  Decoding decode;
  const std::string told = decode(kFull);
  ASSERT_EQ(told, kFull);
  const OwnedEvent owned(decode.event());
  decode(kReview);
  std::string kept;
  EncodeEvent(owned.event(), Cny(), &kept);
  EXPECT_EQ(kept, told);
}

TEST(EventError, HasTheWordsOfTheContract) {
  EXPECT_EQ(ToString(EventError::kBadJson), "bad_json");
  EXPECT_EQ(ToString(EventError::kFuture), "future");
  EXPECT_EQ(ToString(EventError::kTombstone), "tombstone");
}

}  // namespace
}  // namespace huitou
