#include "triggers/base/json.h"

#include <gtest/gtest.h>

namespace huitou {
namespace {

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(&out, text);
  return out;
}

TEST(Json, EscapesWhatJsonMustEscape) {
  EXPECT_EQ(Quoted(""), R"("")");
  EXPECT_EQ(Quoted("plain text"), R"("plain text")");
  EXPECT_EQ(Quoted("\"a\\b\"\n\r\t"), R"("\"a\\b\"\n\r\t")");
  EXPECT_EQ(Quoted(std::string_view("\0\x1F\x7F", 3)), "\"\\u0000\\u001f\\u007f\"");
}

TEST(Json, LeavesUtf8AsItIs) {
  EXPECT_EQ(Quoted("\xE4\xBD\xA0 caf\xC3\xA9 \xF0\x9F\x8E\x81!"),
            "\"\xE4\xBD\xA0 caf\xC3\xA9 \xF0\x9F\x8E\x81!\"");
}

TEST(Json, ReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(Quoted("a\xFF"), "\"a\xEF\xBF\xBD\"");
  EXPECT_EQ(Quoted("\xE4\xBDx"), "\"\xEF\xBF\xBD\xEF\xBF\xBDx\"");
  EXPECT_EQ(Quoted("\xC3"), "\"\xEF\xBF\xBD\"");
}

TEST(JsonObject, KeepsTheOrderOfTheCalls) {
  JsonObject object;
  object.Add("b", "x").AddInteger("a", -1).AddBoolean("c", true).AddRaw("d", "[]").AddIfAny("e",
                                                                                            "");
  EXPECT_EQ(object.Close(), R"({"b":"x","a":-1,"c":true,"d":[]})");
  JsonObject empty;
  EXPECT_EQ(empty.Close(), "{}");
}

}  // namespace
}  // namespace huitou
