#include "daemon/decode/field_map.h"

#include <gtest/gtest.h>

#include "tests/decode/decode_helpers.h"

namespace huitou {
namespace {

FieldSource From(std::string pointer) {
  FieldSource source;
  source.pointer = std::move(pointer);
  return source;
}

FieldSource Constant(std::string value) {
  FieldSource source;
  source.value = std::move(value);
  return source;
}

// The map of the header's example.
FieldMap ShopMap() {
  FieldMap map;
  map.currency = Cny();
  map.fields["id"] = From("/webhook_id");
  map.fields["type"] = From("/status");
  map.fields["type"].table = {{"paid", "order.paid"}, {"sent", "order.shipped"}, {"draft", ""}};
  map.fields["time"] = From("/created_at");
  map.fields["time"].zone = Zone::Find("Asia/Shanghai");
  map.fields["customer.id"] = From("/buyer/id");
  map.fields["customer.phone"] = From("/buyer/mobile");
  map.fields["customer.locale"] = Constant("zh-CN");
  map.fields["order.id"] = From("/no");
  map.fields["order.total"] = From("/fee");
  map.fields["order.total"].minor = true;
  map.fields["order.channel"] = From("/via");
  map.items_pointer = "/lines";
  map.item_fields["sku"] = From("/code");
  map.item_fields["category"] = From("/cat");
  map.item_fields["quantity"] = From("/n");
  map.item_fields["price"] = From("/price");
  return map;
}

constexpr std::string_view kShopJson =
    R"({"webhook_id":77001,"status":"paid","created_at":"2026-11-11 08:03:12","no":"T1",)"
    R"("buyer":{"id":42,"mobile":"+8613800000000"},"fee":25900,"via":{"app":true},)"
    R"("lines":[{"code":"s1","cat":"women","n":"2","price":129.5},{"code":7}]})";

TEST(FieldMap, TurnsAShopsJsonIntoAnEvent) {
  Decoding decode;
  EXPECT_EQ(decode.Mapped(kShopJson, ShopMap()),
            R"({"id":"77001","type":"order.paid","time":"2026-11-11T00:03:12Z","customer":)"
            R"({"id":"42","phone":"+8613800000000","locale":"zh-CN"},"order":{"id":"T1",)"
            R"("currency":"CNY","total":"259.00","items":[{"sku":"s1","category":"women",)"
            R"("quantity":2,"price":"129.50"},{"sku":"7","quantity":1,"price":"0.00"}],)"
            R"("channel":{"app":true}}})");
}

TEST(FieldMap, LeavesOutWhatIsNotThere) {
  Decoding decode;
  EXPECT_EQ(decode.Mapped(R"({"webhook_id":"w","status":"sent","created_at":)"
                          R"("2026-11-11T00:03:12Z","buyer":{"id":"b","mobile":null}})",
                          ShopMap()),
            R"({"id":"w","type":"order.shipped","time":"2026-11-11T00:03:12Z","customer":)"
            R"({"id":"b","locale":"zh-CN"}})");
}

TEST(FieldMap, LeavesOutWhatTheTableMakesEmpty) {
  FieldMap map = ShopMap();
  for (const char* target : {"customer.phone", "order.total", "customer.region"}) {
    map.fields[target].table = {{"none", ""}};
    map.fields[target].pointer = "/none";
  }
  Decoding decode;
  EXPECT_EQ(decode.Mapped(R"({"webhook_id":"w","status":"sent","created_at":)"
                          R"("2026-11-11T00:03:12Z","buyer":{"id":"b"},"none":"none"})",
                          map),
            R"({"id":"w","type":"order.shipped","time":"2026-11-11T00:03:12Z","customer":)"
            R"({"id":"b","locale":"zh-CN"}})");
}

TEST(FieldMap, KeepsAllDigitsOfIntegersPast64Bits) {
  FieldMap map = ShopMap();
  map.fields["trace"] = From("/trace");
  map.fields["small"] = From("/small");
  Decoding decode;
  EXPECT_EQ(decode.Mapped(R"({"webhook_id":123456789012345678901234567890,"status":"sent",)"
                          R"("created_at":"2026-11-11T00:03:12Z","buyer":{"id":"b"},)"
                          R"("trace":[-98765432109876543210987,"\"12345678901234567890\\"],)"
                          R"("small":12.5,"unread":123456789012345678901234567890})",
                          map),
            R"({"id":"123456789012345678901234567890","type":"order.shipped",)"
            R"("time":"2026-11-11T00:03:12Z","customer":{"id":"b","locale":"zh-CN"},)"
            R"("small":12.5,"trace":["-98765432109876543210987","\"12345678901234567890\\"]})");
  EXPECT_TRUE(decode.Mapped(R"({"webhook_id":123456789012345678901234567890,)", map)
                  .starts_with("bad_json"));
  EXPECT_TRUE(
      decode.Mapped(R"({"webhook_id":123456789012345678901x})", map).starts_with("bad_json"));
}

TEST(FieldMap, RefusesWithTheTargetsPath) {
  Decoding decode;
  const FieldMap map = ShopMap();
  EXPECT_EQ(decode.Mapped("", map), "tombstone");
  EXPECT_EQ(decode.Mapped("null", map), "tombstone");
  EXPECT_EQ(decode.Mapped(R"({"status":"draft"})", map), "tombstone type");
  EXPECT_EQ(decode.Mapped(R"({"status":"lost"})", map), "bad_type type");
  EXPECT_EQ(decode.Mapped(R"({"created_at":"today"})", map), "bad_time time");
  EXPECT_EQ(decode.Mapped(R"({"buyer":{"id":{}}})", map), "bad_type customer.id");
  EXPECT_EQ(decode.Mapped(R"({"fee":"2.5"})", map), "bad_type order.total");
  EXPECT_EQ(decode.Mapped(R"({"lines":[{"n":1},{"n":"x"}]})", map),
            "bad_type order.items[1].quantity");
  EXPECT_EQ(decode.Mapped(R"({"lines":{}})", map), "bad_type order.items");
  EXPECT_EQ(decode.Mapped(R"({"status":"paid"})", map), "missing_field id");
  EXPECT_TRUE(decode.Mapped("{", map).starts_with("bad_json"));
  EXPECT_TRUE(decode.Mapped("{\"a\":\"\xFF\"}", map).starts_with("bad_utf8"));
}

TEST(FieldMap, FallsBackOnOtherAndOnConstants) {
  FieldMap map = ShopMap();
  map.fields["type"].other = "shop.event";
  map.fields["customer.locale"].pointer = "/lang";
  Decoding decode;
  const std::string told = decode.Mapped(
      R"({"webhook_id":"w","status":"x","created_at":"2026-11-11T00:03:12Z","buyer":{"id":"b"},)"
      R"("lang":"en-US"})",
      map);
  EXPECT_EQ(decode.event().type, "shop.event") << told;
  EXPECT_EQ(decode.event().customer.locale, "en-US");
}

TEST(FieldMap, ReadsTimesAsNumbers) {
  FieldMap map = ShopMap();
  Decoding decode;
  const auto time = [&](std::string_view stamp, TimeUnit unit) {
    map.fields["time"].unit = unit;
    std::string json = R"({"webhook_id":"w","status":"paid","buyer":{"id":"b"},"created_at":)";
    const std::string told = decode.Mapped(json.append(stamp).append("}"), map);
    return decode.error() == EventError::kNone ? FormatRfc3339(decode.event().time) : told;
  };
  EXPECT_EQ(time("1794355392", TimeUnit::kSeconds), "2026-11-11T00:03:12Z");
  EXPECT_EQ(time("1794355392.25", TimeUnit::kSeconds), "2026-11-11T00:03:12.250Z");
  EXPECT_EQ(time("\"1794355392\"", TimeUnit::kSeconds), "2026-11-11T00:03:12Z");
  EXPECT_EQ(time("1794355392007", TimeUnit::kMilliseconds), "2026-11-11T00:03:12.007Z");
  EXPECT_EQ(time("-1", TimeUnit::kSeconds), "1969-12-31T23:59:59Z");
  EXPECT_EQ(time("1e30", TimeUnit::kSeconds), "bad_time time");
  EXPECT_EQ(time("\"soon\"", TimeUnit::kMilliseconds), "bad_time time");
}

TEST(FieldMap, ReadsTimesOfAWallWithoutAnOffset) {
  const Zone york = Zone::Find("America/New_York").value_or(Zone());
  const auto at = [&](std::string_view text) {
    const std::optional<TimeUs> time = ParseTimeInZone(text, york);
    return time ? FormatRfc3339(*time) : "-";
  };
  EXPECT_EQ(at("2026-07-01 12:00:00"), "2026-07-01T16:00:00Z");
  EXPECT_EQ(at("2026-01-01T12:00:00.5"), "2026-01-01T17:00:00.500Z");
  EXPECT_EQ(at("2026-01-01T12:00:00Z"), "2026-01-01T12:00:00Z");
  EXPECT_EQ(at("2026-03-08 02:30:00"), "2026-03-08T07:00:00Z");
  EXPECT_EQ(at("2026-01-01"), "-");
  EXPECT_EQ(at("2026-01-01 12:00"), "-");
}

TEST(FieldMap, CountsMinorUnitsInTheOrdersCurrency) {
  FieldMap map = ShopMap();
  map.fields["order.currency"] = From("/money");
  Decoding decode;
  decode.Mapped(R"({"webhook_id":"w","status":"paid","created_at":"2026-11-11T00:03:12Z",)"
                R"("buyer":{"id":"b"},"fee":100,"money":"JPY"})",
                map);
  ASSERT_EQ(decode.error(), EventError::kNone);
  EXPECT_EQ(decode.event().order->total_minor, 100);
  EXPECT_EQ(decode.event().order->currency.code(), "JPY");
}

TEST(FieldMap, KnowsJsonPointers) {
  for (const char* pointer : {"", "/", "/a", "/a/0", "/a~1b", "/~0"}) {
    EXPECT_TRUE(IsJsonPointer(pointer)) << pointer;
  }
  for (const char* pointer : {"a", "a/b", "/~", "/~2", "/a~"}) {
    EXPECT_FALSE(IsJsonPointer(pointer)) << pointer;
  }
}

}  // namespace
}  // namespace huitou
