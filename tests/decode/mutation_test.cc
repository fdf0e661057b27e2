// Mutated events, against the slow reference: the decoder must refuse what that refuses and read
// what that reads.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/decode/decode_helpers.h"
#include "tests/decode/reference.h"

namespace huitou {
namespace {

const std::vector<std::string> kSeeds = {
    R"({"id":"e1","type":"order.paid","time":"2026-11-11T00:03:12Z","customer":{"id":"c1",)"
    R"("phone":"+8613800000000","tags":["vip","new"],"name":"An\u006ea"},"order":{"id":"o1",)"
    R"("currency":"CNY","total":"259.00","items":[{"sku":"s1","category":"women.clothing",)"
    R"("quantity":1,"price":"259.00"},{"sku":"s2","quantity":2,"price":3.5,"x":[1,2.5,null]}],)"
    R"("freight":"6.00"},"note":{"a":[true,false,{"b":"\ud83c\udf81"}]}})",
    R"({"id":"e2","type":"review.posted","time":"2026-11-15T12:00:00+08:00","customer":{"id":)"
    R"("c1","locale":null},"review":{"id":"r1","order_id":"o1","sku":"s1","rating":5,)"
    R"("text":"\"good\"","verified":true},"n":-1e3})"};

// Pieces that move JSON from one meaning to another.
const std::vector<std::string> kPieces = {"null",
                                          "true",
                                          "1",
                                          "-1",
                                          "1.5",
                                          "\"\"",
                                          "\"x\"",
                                          "{}",
                                          "[]",
                                          "{",
                                          "}",
                                          "[",
                                          "]",
                                          ",",
                                          ":",
                                          "\"",
                                          "\\",
                                          "\\u0041",
                                          "\\ud800",
                                          " ",
                                          "\n",
                                          "\xFF",
                                          "\xC3\xA9",
                                          "\"id\":\"z\",",
                                          "\"order\":null,",
                                          "\"items\":[],",
                                          "\"a\":1,",
                                          "1e400",
                                          "01",
                                          "\"customer\":{\"id\":\"q\"},",
                                          "e5",
                                          "\"total\":7,"};

std::string Mutate(std::string text, std::mt19937* random) {
  const auto below = [&](size_t bound) {
    return std::uniform_int_distribution<size_t>(0, bound - 1)(*random);
  };
  const size_t changes = 1 + below(2);
  for (size_t i = 0; i < changes && !text.empty(); ++i) {
    const size_t at = below(text.size());
    switch (below(5)) {
      case 0:
        text.erase(at, 1 + below(8));
        break;
      case 1:
        text.insert(at, kPieces[below(kPieces.size())]);
        break;
      case 2:
        text[at] = static_cast<char>(below(256));
        break;
      case 3: {
        // Behind a brace or comma a whole field may go in.
        const size_t place = text.find_first_of("{,", at);
        text.insert(std::min(place, text.size() - 1) + 1, kPieces[below(kPieces.size())]);
        break;
      }
      default: {
        // A value in another's place.
        const size_t colon = text.find(':', at);
        const size_t end = text.find_first_of(",}]", std::min(colon, text.size() - 1));
        if (end != std::string::npos) {
          text.replace(colon + 1, end - colon - 1, kPieces[below(kPieces.size())]);
        }
      }
    }
  }
  return text;
}

TEST(Mutations, AreReadOrRefusedAsTheReferenceDoes) {
  std::mt19937 random(20261111);
  Decoding decode;
  size_t accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string json = Mutate(kSeeds[static_cast<size_t>(i) % kSeeds.size()], &random);
    const ReferenceResult expected = DecodeByReference(json, Cny());
    const std::string told = decode(json);
    ASSERT_EQ(decode.error() == EventError::kNone, expected.error == EventError::kNone)
        << json << "\n"
        << told << "\n"
        << ToString(expected.error) << expected.canonical;
    if (expected.error == EventError::kNone) {
      ASSERT_EQ(told, expected.canonical) << json;
      ++accepted;
    }
  }
  // The mutations are no mere noise.
  EXPECT_GT(accepted, 1'500u);
}

TEST(Mutations, ReadTheSameAfterBeingWritten) {
  std::mt19937 random(7);
  Decoding decode;
  for (int i = 0; i < 5'000; ++i) {
    const std::string json = Mutate(kSeeds[static_cast<size_t>(i) % kSeeds.size()], &random);
    const std::string told = decode(json);
    if (decode.error() == EventError::kNone) {
      ASSERT_EQ(decode(told), told) << json;
    }
  }
}

}  // namespace
}  // namespace huitou
