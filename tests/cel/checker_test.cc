#include <gtest/gtest.h>

#include <string>

#include "tests/cel/cel_testing.h"
#include "triggers/limits.h"

namespace huitou::cel {
namespace {

TEST(Checker, SuggestsTheVariableThatWasMeant) {
  EXPECT_EQ(Mistakes("custmer.orders >= 1"), "0: unknown name 'custmer'; did you mean 'customer'?");
  EXPECT_EQ(Mistakes("true && x > 1"),
            "8: unknown name 'x'; known here: customer, anything, now; a text needs quotes: 'x'");
}

TEST(Checker, SuggestsTheFieldWithItsPath) {
  EXPECT_EQ(Mistakes("customer.ordrs >= 1"),
            "9: customer has no field 'ordrs'; did you mean 'customer.orders'?");
  EXPECT_EQ(Mistakes("customer.last_order.totl > 5"),
            "20: order has no field 'totl'; did you mean 'customer.last_order.total'?");
  EXPECT_EQ(Mistakes("customer.zzz"),
            "9: customer has no field 'zzz'; its fields are orders, spend, tier, tags, last_order, "
            "attributes");
  EXPECT_EQ(Mistakes("has(customer.ordes)"),
            "13: customer has no field 'ordes'; did you mean 'customer.orders'?");
}

TEST(Checker, SuggestsFunctions) {
  EXPECT_EQ(Mistakes("customer.tier.startWith('g')"),
            "14: unknown function 'startWith'; did you mean 'startsWith'?");
  EXPECT_EQ(Mistakes("sizes(customer.tags)"), "0: unknown function 'sizes'; did you mean 'size'?");
  EXPECT_EQ(Mistakes("contains(customer.tier, 'g')"),
            "0: unknown function 'contains'; write x.contains(...)");
  EXPECT_EQ(Mistakes("customer.tags.exist(t, t == 'a')"),
            "14: unknown function 'exist'; did you mean 'exists'?\n20: unknown name 't'; known "
            "here: customer, anything, now; a text needs quotes: 't'\n23: unknown name 't'; known "
            "here: customer, anything, now; a text needs quotes: 't'");
  EXPECT_EQ(Mistakes("customer.tags.all('a')"),
            "14: unknown function 'all'; it takes a name and a condition, as in list.all(item, "
            "item > 0)");
}

TEST(Checker, TellsWhatAFunctionTakes) {
  EXPECT_EQ(Mistakes("customer.tier.startsWith(1)"),
            "14: 'startsWith' cannot take (int) of string; there is string.startsWith(string)");
  EXPECT_EQ(Mistakes("size(1)"),
            "0: 'size' cannot take (int); there is size(string), size(bytes), size(list(dyn)), "
            "size(map(dyn, dyn))");
}

TEST(Checker, ReportsEveryMistakeInTheOrderOfTheText) {
  EXPECT_EQ(Mistakes("customer.ordrs > 1 && custmer.tier == 'a' || !customer.tier"),
            "9: customer has no field 'ordrs'; did you mean 'customer.orders'?\n"
            "22: unknown name 'custmer'; did you mean 'customer'?\n"
            "46: '!' needs bool, not string");
}

TEST(Checker, RefusesTypesThatDoNotFit) {
  EXPECT_EQ(Mistakes("customer.tier > 3"),
            "14: '>' cannot take string and int; write the number without quotes, or convert it "
            "with string(...)");
  EXPECT_EQ(Mistakes("customer.tier == 3"),
            "14: '==' cannot take string and int; write the number without quotes, or convert it "
            "with string(...)");
  EXPECT_EQ(Mistakes("customer.orders && true"),
            "0: '&&' needs bool, not int; compare it, for example '> 0'");
  EXPECT_EQ(Mistakes("customer.orders + 1.5"),
            "16: '+' cannot take int and double; convert one side with double(...)");
  EXPECT_EQ(Mistakes("now > '2026-01-01T00:00:00Z'"),
            "4: '>' cannot take timestamp and string; convert the text with timestamp(...)");
  EXPECT_EQ(Mistakes("'g' in customer.tier"),
            "4: 'in' cannot take string and string; for a part of a text write "
            "text.contains(part)");
  EXPECT_EQ(Mistakes("customer.orders.exists(o, o > 1)"),
            "0: 'exists' needs a list or a map, not int");
  EXPECT_EQ(Mistakes("customer.tags.exists(t, size(t))"),
            "24: the condition of 'exists' must be bool, not int");
  EXPECT_EQ(Mistakes("customer.tags.foo"), "14: list(string) has no field 'foo'");
  EXPECT_EQ(Mistakes("{1.5: 2}"),
            "1: double cannot be a map's key; keys are string, int, uint or bool");
  EXPECT_EQ(Mistakes("-customer.tier"), "0: '-' cannot take string");
  EXPECT_EQ(Mistakes("customer.tags['a']"), "13: '[]' cannot take list(string) and string");
  EXPECT_EQ(Mistakes("customer.tier ? 1 : 2"), "0: '?:' needs bool, not string");
}

TEST(Checker, TakesNumbersOfAllTypesInAComparison) {
  EXPECT_EQ(Mistakes("customer.spend > 500 && customer.orders == 3.0 && 2 in [1.0, 2.0]"), "");
}

TEST(Checker, TakesANullTestOfAnOptionalFieldOnly) {
  EXPECT_EQ(Mistakes("customer.last_order != null"), "");
  EXPECT_EQ(Mistakes("customer.tier == null"), "14: '==' cannot take string and null");
}

TEST(Checker, HoldsTheResultToTheExpectedType) {
  EXPECT_EQ(Mistakes("customer.tier", Shop(), Type::Bool()), "0: this must be bool, not string");
  EXPECT_EQ(Mistakes("anything", Shop(), Type::Bool()), "");
}

TEST(Checker, RefusesConstantsThatCannotWork) {
  EXPECT_EQ(Mistakes("now > timestamp('tomorrow')"),
            "16: 'tomorrow' is no timestamp; write 2026-11-11T00:00:00Z");
  EXPECT_EQ(Mistakes("now - now > duration('47d')"),
            "21: '47d' is no duration; write 36h, 90m or 1.5s; the units are h, m, s, ms, us and "
            "ns");
  EXPECT_EQ(Mistakes("now.getHours('Asia/Shangai') > 9"),
            "13: 'Asia/Shangai' is no time zone; write Asia/Shanghai, UTC or +08:00");
  EXPECT_EQ(Mistakes("customer.tier.matches('(')"), "22: the pattern is refused: missing ): (");
  EXPECT_EQ(Mistakes("customer.tier.matches('((a{100}){100}){100}')").substr(0, 28),
            "22: the pattern is refused: ");
}

TEST(Parser, SaysWhatItExpected) {
  EXPECT_EQ(Mistakes(""), "0: the expression ends too early; expected a value");
  EXPECT_EQ(Mistakes("1 +"), "3: the expression ends too early; expected a value");
  EXPECT_EQ(Mistakes("(1 + 2"), "6: the expression ends too early; expected ')'");
  EXPECT_EQ(Mistakes("1 2"), "2: unexpected '2'; an operator is missing before it");
  EXPECT_EQ(Mistakes("1)"), "1: unexpected ')'; nothing is open here to be closed");
  EXPECT_EQ(Mistakes("now = 1"), "4: unexpected '='; compare with '=='");
  EXPECT_EQ(Mistakes("true & false"), "5: unexpected '&'; write '&&'");
  EXPECT_EQ(Mistakes("true | false"), "5: unexpected '|'; write '||'");
  EXPECT_EQ(Mistakes("'abc"), "0: this text is not closed; end it with '");
  EXPECT_EQ(Mistakes("'\\q'"),
            "1: unknown escape in a text; for a backslash itself write '\\\\', or put r before the "
            "quote");
  EXPECT_EQ(Mistakes("if"), "0: 'if' is a reserved word");
  EXPECT_EQ(Mistakes("order{total: 1}"),
            "5: messages cannot be built here; a map is written {'key': value}");
  EXPECT_EQ(Mistakes("has(customer)"),
            "0: has() takes one field; for example has(customer.birthday)");
  EXPECT_EQ(Mistakes("[1].all(1, true)"),
            "8: 'all' takes a name first; for example .all(item, item > 0)");
  EXPECT_EQ(Mistakes("9223372036854775808"), "0: '9223372036854775808' is too large for an int");
  EXPECT_EQ(Mistakes("1 == \xE2\x82"), "0: the text is not valid UTF-8");
  EXPECT_EQ(Mistakes("1 \xE2\x82\xAC 2"), "2: unexpected '\xE2\x82\xAC'");
}

TEST(Parser, KnowsTheSignsOfOtherLanguagesAndKeyboards) {
  EXPECT_EQ(Mistakes("true and false"), "5: unexpected 'and'; write '&&'");
  EXPECT_EQ(Mistakes("(true OR false)"), "6: unexpected 'OR'; write '||'");
  EXPECT_EQ(Mistakes("not true"), "0: unexpected 'not'; write '!'");
  EXPECT_EQ(Mistakes("true && not (true)"), "8: unexpected 'not'; write '!'");
  EXPECT_EQ(Mistakes("1 <> 2"), "2: unexpected '<>'; write '!='");
  EXPECT_EQ(Mistakes("customer.orders \u2265 2"),
            "16: unexpected '\u2265'; write '>=', from the English keyboard");
  EXPECT_EQ(Mistakes("size\uFF08'a'\uFF09 > 0"),
            "4: unexpected '\uFF08'; write '(', from the English keyboard");
  EXPECT_EQ(Mistakes("1 \uFF5C\uFF5C 2"),
            "2: unexpected '\uFF5C'; write '|', from the English keyboard");
  EXPECT_EQ(Mistakes("customer.tier == \u201Cgold\u201D"),
            "17: unexpected '\u201C'; write '\"', from the English keyboard");
  EXPECT_EQ(Mistakes("1 ==\u00A02"),
            "4: unexpected blank that is no plain space; write a plain space there");
}

std::string Repeat(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    all += text;
  }
  return all;
}

TEST(Parser, HoldsTheBoundOfNesting) {
  EXPECT_EQ(Mistakes(Repeat("(", 240) + "1" + Repeat(")", 240)), "");
  for (const std::string& deep :
       {Repeat("(", 5000) + "1" + Repeat(")", 5000), Repeat("[", 5000), "1" + Repeat(" + 1", 5000),
        "anything" + Repeat(".a", 5000), "anything" + Repeat("[0]", 5000),
        Repeat("true ? 1 : ", 5000) + "1", Repeat("size(", 5000), Repeat("{1: ", 5000),
        Repeat("-(", 5000)}) {
    EXPECT_NE(Mistakes(deep).find("nested deeper than 250"), std::string::npos)
        << deep.substr(0, 40);
  }
}

TEST(Parser, TakesLongChainsOfConditions) {
  EXPECT_EQ(Answer("true" + Repeat(" && true", 7000)), "true");
  EXPECT_EQ(Answer("false" + Repeat(" || false", 6000)), "false");
  EXPECT_EQ(Answer(Repeat("!", 60000) + "true"), "true");
  EXPECT_EQ(Answer("3" + Repeat(" - 1", 200)), "-197");
}

TEST(Parser, RefusesTextsThatAreTooLong) {
  EXPECT_EQ(Mistakes(std::string(limits::kCelTextBytesMax + 1, ' ')),
            "0: the expression is longer than 65536 bytes");
}

TEST(Parser, RefusesMacrosNestedTooDeep) {
  EXPECT_NE(
      Mistakes(Repeat("[1].all(x, ", 40) + "true" + Repeat(")", 40)).find("macros are nested"),
      std::string::npos);
}

TEST(OptionalReads, AreThoseWithoutAGuard) {
  const auto reads = [](std::string_view text) {
    const Compiled compiled = Compile(text, Shop());
    std::string all;
    for (const std::string& path : compiled->optional_reads()) {
      all += (all.empty() ? "" : " ") + path;
    }
    return all;
  };
  EXPECT_EQ(reads("customer.orders"), "");
  EXPECT_EQ(reads("customer.last_order.total > 1"), "customer.last_order");
  EXPECT_EQ(reads("has(customer.last_order) && customer.last_order.total > 1"), "");
  EXPECT_EQ(reads("!has(customer.last_order) || customer.last_order.total > 1"), "");
  EXPECT_EQ(reads("has(customer.last_order) ? customer.last_order.total : 0"), "");
  EXPECT_EQ(reads("has(customer.last_order) ? 0 : customer.last_order.total"),
            "customer.last_order");
  EXPECT_EQ(reads("customer.last_order != null && customer.last_order.total > 1"), "");
  EXPECT_EQ(reads("customer.attributes.city"), "customer.attributes.city");
  EXPECT_EQ(reads("customer.attributes['city']"), "customer.attributes.city");
  EXPECT_EQ(reads("'city' in customer.attributes ? customer.attributes.city : ''"), "");
  EXPECT_EQ(reads("has(customer.attributes.city) || customer.attributes.city == ''"),
            "customer.attributes.city");
}

}  // namespace
}  // namespace huitou::cel
