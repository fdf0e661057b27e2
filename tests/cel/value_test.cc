#include "triggers/cel/value.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace huitou::cel {
namespace {

TEST(Arena, GivesAlignedMemoryUpToItsCeiling) {
  Arena arena(10'000);
  for (int i = 0; i < 9; ++i) {
    arena.Allocate(1, 1);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(arena.Allocate(1000)) % alignof(std::max_align_t), 0U);
  }
  EXPECT_EQ(arena.bytes_used(), 9009U);
  EXPECT_EQ(arena.Allocate(1000), nullptr);
  EXPECT_EQ(arena.Copy(std::string(1000, 'x')).data(), nullptr);
  EXPECT_NE(arena.Allocate(900), nullptr);
}

TEST(Arena, ServesAgainAfterClear) {
  Arena arena(100'000);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 90; ++i) {
      ASSERT_NE(arena.Allocate(1000), nullptr);
    }
    arena.Clear();
    EXPECT_EQ(arena.bytes_used(), 0U);
  }
  Arena moved(std::move(arena));
  EXPECT_EQ(moved.Copy("text"), "text");
}

TEST(Maps, KeepTheLastValueOfAKeyAtItsFirstPlace) {
  Arena arena;
  const Value map = MakeMap({{Value::String("a"), Value::Int(1)},
                             {Value::String("b"), Value::Int(2)},
                             {Value::String("a"), Value::Int(3)}},
                            arena);
  EXPECT_EQ(ToJson(map), R"({"a":3,"b":2})");
}

TEST(Maps, FindNumbersOfAnyTypeWhateverTheirSize) {
  for (const int size : {3, 300}) {
    Arena arena;
    std::vector<std::pair<Value, Value>> entries;
    for (int i = 0; i < size; ++i) {
      entries.emplace_back(i % 2 == 0 ? Value::Int(i) : Value::Uint(static_cast<uint64_t>(i)),
                           Value::Int(10 * i));
    }
    entries.emplace_back(Value::String("x"), Value::Int(-1));
    entries.emplace_back(Value::Bool(true), Value::Int(-2));
    const Value map = MakeMap(std::move(entries), arena);
    Value found;
    for (const Value& key : {Value::Int(2), Value::Uint(2), Value::Double(2.0)}) {
      ASSERT_TRUE(map.map().Find(key, arena, &found));
      EXPECT_EQ(found.as_int(), 20);
    }
    EXPECT_TRUE(map.map().Find(Value::String("x"), arena, &found));
    EXPECT_TRUE(map.map().Find(Value::Bool(true), arena, &found));
    for (const Value& key : {Value::Double(2.5), Value::Int(-1), Value::String("y"), Value::Null(),
                             Value::Bytes("x"), Value::Bool(false)}) {
      EXPECT_FALSE(map.map().Find(key, arena, &found)) << ToJson(key);
    }
  }
}

TEST(Values, CompareNumbersAcrossTypes) {
  Arena arena;
  EXPECT_TRUE(Equal(Value::Int(1), Value::Double(1.0), arena));
  EXPECT_TRUE(Equal(Value::Uint(1), Value::Int(1), arena));
  EXPECT_FALSE(Equal(Value::Int(-1), Value::Uint(UINT64_MAX), arena));
  EXPECT_FALSE(Equal(Value::Double(0.0 / 0.0), Value::Double(0.0 / 0.0), arena));
  EXPECT_FALSE(Equal(Value::Bool(true), Value::Int(1), arena));
  EXPECT_FALSE(Equal(Value::String("1"), Value::Bytes("1"), arena));
}

TEST(Values, CopiesOutliveTheirSources) {
  Arena arena;
  Value copy;
  {
    Arena source;
    const std::string text = "gone";
    copy = Copy(MakeMap({{Value::String(text),
                          MakeList({Value::String(text), Value::Bytes(text)}, source)}},
                        source),
                arena);
  }
  EXPECT_EQ(ToJson(copy), R"({"gone":["gone","Z29uZQ=="]})");
}

TEST(Values, SayWhenTheArenaIsFull) {
  Arena arena(100);
  EXPECT_TRUE(MakeList(std::vector<Value>(10), arena).is_error());
  EXPECT_TRUE(Copy(Value::String(std::string(200, 'x')), arena).is_error());
}

}  // namespace
}  // namespace huitou::cel
