#include "daemon/decode/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/decode/limits.h"

namespace huitou {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Split(std::string_view body) {
  const auto events = SplitBatch(body);
  if (!events.ok()) {
    return {"error: " + events.status().message()};
  }
  return {events->begin(), events->end()};
}

TEST(SplitBatch, TakesOneObjectOnOneLineOrMany) {
  EXPECT_THAT(Split(R"({"a":1})"), ElementsAre(R"({"a":1})"));
  EXPECT_THAT(Split("\n{\n  \"a\": [\n1]\n}\n"), ElementsAre("{\n  \"a\": [\n1]\n}"));
  EXPECT_THAT(Split(""), IsEmpty());
  EXPECT_THAT(Split(" \r\n"), IsEmpty());
}

TEST(SplitBatch, TakesOneEventALine) {
  EXPECT_THAT(Split("{\"a\":1}\n{\"a\":2}\r\n\n  {\"a\":3}"),
              ElementsAre(R"({"a":1})", R"({"a":2})", R"({"a":3})"));
}

TEST(SplitBatch, LeavesABrokenLineToTheDecoder) {
  EXPECT_THAT(Split("{\"a\":1\n{\"a\":2}\n"), ElementsAre(R"({"a":1)", R"({"a":2})"));
  EXPECT_THAT(Split("{\"a\":1}\nnonsense\n{\"a\":2}"),
              ElementsAre(R"({"a":1})", "nonsense", R"({"a":2})"));
  EXPECT_THAT(Split("{\"a\":1"), ElementsAre(R"({"a":1)"));
}

TEST(SplitBatch, TakesAnArray) {
  EXPECT_THAT(Split("[]"), IsEmpty());
  EXPECT_THAT(Split(" [ ] "), IsEmpty());
  EXPECT_THAT(Split(R"([{"a":[1,{"b":"],}\""}]} , {"c":2},7,"x"])"),
              ElementsAre(R"({"a":[1,{"b":"],}\""}]})", R"({"c":2})", "7", "\"x\""));
}

TEST(SplitBatch, RefusesAnArrayThatIsNotWellFormed) {
  for (const char* body : {"[", "[{}", "[{},]", "[{} {}]", "[{}]x", "[]x", "[,{}]", "[{\"a\":1]",
                           "[\"", "[{}],[{}]"}) {
    EXPECT_FALSE(SplitBatch(body).ok()) << body;
  }
}

TEST(SplitBatch, IsBounded) {
  std::string lines;
  std::string array = "[{}";
  for (size_t i = 0; i < limits::kBatchEventsMax; ++i) {
    lines += "{}\n";
    array += ",{}";
  }
  EXPECT_TRUE(SplitBatch(lines).ok());
  EXPECT_FALSE(SplitBatch(lines + "{}").ok());
  EXPECT_FALSE(SplitBatch(array + "]").ok());
}

}  // namespace
}  // namespace huitou
