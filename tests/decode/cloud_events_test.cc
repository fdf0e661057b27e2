#include <gtest/gtest.h>

#include "tests/decode/decode_helpers.h"

namespace huitou {
namespace {

constexpr std::string_view kCanonical =
    R"({"id":"e1","type":"order.paid","time":"2026-11-11T00:03:12Z","customer":{"id":"c1"},)"
    R"("order":{"id":"o1","currency":"CNY","total":"1.00","items":[]},"source":"/shop"})";
constexpr std::string_view kData = R"({"customer":{"id":"c1"},"order":{"id":"o1","total":"1"}})";

TEST(CloudEvents, AreReadInStructuredMode) {
  Decoding decode;
  EXPECT_EQ(decode(R"({"specversion":"1.0","id":"e1","source":"/shop","type":"order.paid",)"
                   R"("time":"2026-11-11T00:03:12Z","data":)" +
                   std::string(kData) + "}"),
            kCanonical);
}

TEST(CloudEvents, AreReadInAnyOrderOfTheirFields) {
  Decoding decode;
  const std::string data(kData);
  EXPECT_EQ(decode(R"({"data":)" + data + R"(,"id":"e1","source":"/shop","specversion":"1.0",)" +
                   R"("type":"order.paid","time":"2026-11-11T00:03:12Z"})"),
            kCanonical);
  EXPECT_EQ(decode(R"({"id":"e1","source":"/shop","specversion":"1.0","data":)" + data +
                   R"(,"type":"order.paid","time":"2026-11-11T00:03:12Z"})"),
            kCanonical);
}

TEST(CloudEvents, TakeIdTypeAndTimeFromTheEnvelopeFirst) {
  Decoding decode;
  EXPECT_EQ(decode(R"({"specversion":"1.0","id":"e1","source":"/shop","type":"order.paid","data":)"
                   R"({"id":"inner","type":"inner","time":"2026-11-11T00:03:12Z","customer":)"
                   R"({"id":"c1"},"order":{"id":"o1","total":"1"}}})"),
            kCanonical);
}

TEST(CloudEvents, AreRefusedLikeOthers) {
  Decoding decode;
  EXPECT_EQ(decode(R"({"specversion":"0.3","id":"e1"})"), "bad_type specversion");
  EXPECT_EQ(decode(R"({"specversion":1,"id":"e1"})"), "bad_type specversion");
  EXPECT_EQ(decode(R"({"specversion":"1.0","data":"text"})"), "bad_type data");
  EXPECT_EQ(decode(R"({"specversion":"1.0","data":{"customer":{"id":1}}})"),
            "bad_type data.customer.id");
  EXPECT_EQ(decode(R"({"specversion":"1.0","id":"e1","type":"a.b","time":"2026-11-11T00:03:12Z",)"
                   R"("data":null})"),
            "missing_field customer.id");
  EXPECT_EQ(decode(R"({"data":{"x":1},"specversion":"1.0","id":7})"), "bad_type id");
}

TEST(CloudEvents, ANamesakeOfDataIsAnAttributeOfABareEvent) {
  Decoding decode;
  const std::string told = decode(
      R"({"id":"e1","type":"a.b","time":"2026-11-11T00:03:12Z","customer":{"id":"c1"},"data":[1]})");
  EXPECT_NE(told.find(R"("data":[1])"), std::string::npos) << told;
}

TEST(CloudEvents, MayHoldTheirDataInBase64) {
  Decoding decode;
  // kData, as it stands there.
  const std::string data = std::string(R"("data_base64":)") +
                           R"("eyJjdXN0b21lciI6eyJpZCI6ImMxIn0sIm9yZGVyIjp7ImlkIjoibzEi)" +
                           R"(LCJ0b3RhbCI6IjEifX0=")";
  const std::string heading =
      R"("id":"e1","source":"/shop","type":"order.paid","time":"2026-11-11T00:03:12Z")";
  const std::string version = R"("specversion":"1.0")";
  EXPECT_EQ(decode("{" + version + "," + heading + "," + data + "}"), kCanonical);
  EXPECT_EQ(decode("{" + data + " , " + heading + "," + version + "}"), kCanonical);
  // Elsewhere it is an attribute.
  const std::string told = decode("{" + data + R"(,"customer":{"id":"c1"},)" + heading + "}");
  EXPECT_NE(told.find("data_base64"), std::string::npos) << told;
}

TEST(CloudEvents, RefuseDataThatIsNoBase64OfJson) {
  Decoding decode;
  const auto with = [&](const std::string& data) {
    return decode(R"({"specversion":"1.0","id":"e1","type":"a.b","time":"2026-11-11T00:03:12Z",)" +
                  data + "}");
  };
  EXPECT_EQ(with(R"("data_base64":"e30")"), "bad_type data_base64");
  EXPECT_EQ(with(R"("data_base64":7)"), "bad_type data_base64");
  EXPECT_EQ(with(R"("data_base64":"e30=","data_base64":"e30=")"), "bad_type data_base64");
  EXPECT_EQ(with(R"("data_base64":"YQ==")"), "bad_json data_base64");      // a
  EXPECT_EQ(with(R"("data_base64":"e30seyI=")"), "bad_json data_base64");  // {},{"
  EXPECT_EQ(with(R"("data_base64":"/w==")"), "bad_utf8 data_base64");
  EXPECT_EQ(with(R"("data_base64":"e30=")"), "missing_field customer.id");  // {}
  EXPECT_EQ(with(R"("data_base64":null)"), "missing_field customer.id");
}

TEST(CloudEvents, AreReadInBinaryMode) {
  Decoding decode;
  const std::vector<Header> kafka = {{"ce_specversion", "1.0"}, {"ce_id", "e1"},
                                     {"ce_type", "order.paid"}, {"ce_time", "2026-11-11T00:03:12Z"},
                                     {"ce_source", "/shop"},    {"content-type", "x"}};
  EXPECT_EQ(decode.Binary(kData, kafka), kCanonical);
  const std::vector<Header> http = {{"CE-SpecVersion", "1.0"}, {"CE-Id", "e1"},
                                    {"CE-Type", "order.paid"}, {"CE-Time", "2026-11-11T00:03:12Z"},
                                    {"CE-Source", "/shop"},    {"Host", "x"}};
  EXPECT_EQ(decode.Binary(kData, http), kCanonical);
}

TEST(CloudEvents, InBinaryModeFallBackOnTheData) {
  Decoding decode;
  const std::vector<Header> headers = {{"ce_specversion", "1.0"}, {"ce_id", "e1"}};
  const std::string told = decode.Binary(
      R"({"id":"x","type":"a.b","time":"2026-11-11T00:03:12Z","customer":{"id":"c1"}})", headers);
  EXPECT_TRUE(told.starts_with(R"({"id":"e1","type":"a.b",)")) << told;
}

TEST(CloudEvents, HeadersAreBoundedAndChecked) {
  Decoding decode;
  const std::string long_id(300, 'i');
  EXPECT_EQ(
      decode.Binary(kData, std::vector<Header>{{"ce_specversion", "1.0"}, {"ce_id", long_id}}),
      "too_large id");
  EXPECT_EQ(decode.Binary(kData, std::vector<Header>{{"ce_specversion", "1.0"}, {"ce_x", "\xFF"}}),
            "bad_utf8");
  // Without a version the headers are somebody else's.
  EXPECT_EQ(decode.Binary(kData, std::vector<Header>{{"ce_id", "e1"}}), "missing_field id");
}

}  // namespace
}  // namespace huitou
