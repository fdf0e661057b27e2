#include "config/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/limits.h"
#include "tests/config/support.h"

namespace huitou::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Mistakes(const std::string& text) {
  Diagnostics diagnostics;
  Document::Parse("f", text, &diagnostics);
  return Lines(diagnostics);
}

struct Row {
  const char* what;
  std::string text;
  std::string line;
};

class BrokenYaml : public testing::TestWithParam<Row> {};

TEST_P(BrokenYaml, IsToldAtItsPlace) {
  EXPECT_THAT(Mistakes(GetParam().text), ElementsAre(GetParam().line));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BrokenYaml,
    testing::Values(
        Row{"Empty", "", "f:1:1: error: the file is empty"},
        Row{"OnlyComments", "# nothing\n", "f:1:1: error: the file is empty"},
        Row{"TabIndentation", "a:\n\tb: 1\n", "f:2:1: error: a tab in the indentation; use spaces"},
        Row{"OpenBrace", "a: {b: 1\nc: 2\n",
            "f:1:4: error: this '{' is never closed; add the missing '}'"},
        Row{"OpenBraceAtTheEnd", "a: {b: 1",
            "f:1:4: error: this '{' is never closed; add the missing '}'"},
        Row{"OpenBraceBehindAnother", "a: {b: 1}\nc:\n  - {d: [1, 2]\n  - 3\n",
            "f:3:5: error: this '{' is never closed; add the missing '}'"},
        Row{"MissingComma", "a: [\"b\" \"c\"]\n",
            "f:1:9: error: a ',' or a ']' is missing before this"},
        Row{"WrongBracket", "a: {b: [c}\n", "f:1:8: error: this '[' is closed by a '}'; write ']'"},
        Row{"FullWidthColon", "a：30m\nb: 1\n",
            "f:1:2: error: '：' means nothing to YAML; write ': ', or put the text between quotes"},
        Row{"FullWidthColonInAKey", "c: 1\nb：{a: 1}\n",
            "f:2:2: error: '：' means nothing to YAML; write ': ', or put the text between quotes"},
        Row{"FullWidthColonInBraces", "a: {b：c}\n",
            "f:1:6: error: '：' means nothing to YAML; write ': ', or put the text between quotes"},
        Row{"FullWidthComma", "a: {b: c， d: e}\n",
            "f:1:9: error: '，' means nothing to YAML; write ', ', or put the text between quotes"},
        Row{"FullWidthBraces", "a: ｛b: c｝\n",
            "f:1:4: error: '｛' means nothing to YAML; write '{', or put the text between quotes"},
        Row{"FullWidthQuotes", "a: “b: c”\n",
            "f:1:4: error: '“' means nothing to YAML; write '\"', or put the text between quotes"},
        Row{"NoBreakSpaces", "a:\n\u00A0\u00A0b: 1\n",
            "f:2:1: error: a space that YAML takes for a letter; write plain spaces"},
        Row{"NoBreakSpaceBehindADash", "a:\n  -\u00A0b: 1\n",
            "f:2:4: error: a space that YAML takes for a letter; write plain spaces"},
        Row{"WideSpace", "a:\n\u3000- b: 1\n",
            "f:2:1: error: a space that YAML takes for a letter; write plain spaces"},
        Row{"NoSpaceBehindAColon", "a:\n  - b:{c: d}\n",
            "f:2:6: error: a space is missing behind this ':'; put the text between quotes if it "
            "is "
            "meant so"},
        Row{"NoSpaceBehindADash", "a:\n  -b: 1\n",
            "f:2:3: error: a space is missing behind this '-'; put the text between quotes if it "
            "is "
            "meant so"},
        Row{"OpenQuote", "a: \"b\nc: 2\n",
            "f:1:4: error: a quote is never closed; add the missing quote"},
        Row{"ColonInText", "a: b: c\n",
            "f:1:5: error: a ':' where no key can stand; indent with spaces; put a text that "
            "contains ': ' between quotes"},
        Row{"Utf16",
            std::string("\xFF\xFE"
                        "a\0",
                        4),
            "f:1:1: error: the file is UTF-16; save it as UTF-8"},
        Row{"Latin1", "a: caf\xE9\n", "f:1:7: error: not UTF-8; save the file as UTF-8"},
        Row{"CutUtf8", "a: 中\nb: \xE4\xB8\n", "f:2:4: error: not UTF-8; save the file as UTF-8"},
        Row{"Nul", std::string("a: b\0c\n", 7), "f:1:5: error: a control character; remove it"},
        Row{"ControlFour", "a: b\x04\n", "f:1:5: error: a control character; remove it"},
        Row{"UnknownAnchor", "a: *b\n",
            "f:1:4: error: an alias to an anchor that is not there; put a text that begins with "
            "'*' between quotes"},
        Row{"AliasInItself", "a: &x [1, *x]\n",
            "f:1:11: error: an alias inside its own anchor; write the value out"},
        Row{"Tag", "a: !!python/object b\n",
            "f:1:4: error: a YAML tag has no meaning here; put a text that begins with '!' "
            "between quotes"},
        Row{"TwoDocuments", "a: 1\n---\nb: 2\n",
            "f:3:1: error: a second document in one file; remove the '---' or use a file of its "
            "own"},
        Row{"BadEscape", "a: \"\\q\"\n",
            "f:1:5: error: an escape that YAML does not know; write \\\\ for a backslash, or use "
            "single quotes"}),
    [](const auto& info) { return info.param.what; });

TEST(Yaml, TakesFullWidthSignsForTextWhereTheyAre) {
  for (const char* text :
       {"a: 你好：再见，“回头”\n", "a: {b: 你好，再见}\n", "\"a：b\": 1\n", "a: |\n  b：c\n  {\n",
        "a: >-\n  - “\n\nb: 1\n", "# a：b {\nc: 1\n", "a: long\n  text：more\n", "a: '{：'\n",
        "a: b{c\n", "a: \"x \\\" {\"\n", "a: [-1, -x]\nb: -c\n", "- -1\n"}) {
    EXPECT_THAT(Mistakes(text), IsEmpty()) << text;
  }
}

TEST(Yaml, TellsAnEmptyItemAtItsDash) {
  for (const auto& [text, place] :
       std::vector<std::pair<std::string, std::string>>{{"a:\n  -\n  - b\n", "2:3"},
                                                        {"a:\n  - b\n  - # later\nc: 1\n", "3:3"},
                                                        {"a:\n  - b\n  -\n", "3:3"},
                                                        {"a:\n  - b-c\n  -\n\n  - d\n", "3:3"}}) {
    Diagnostics diagnostics;
    const auto document = Document::Parse("f", text, &diagnostics);
    ASSERT_NE(document, nullptr) << text;
    for (const Node* item : document->root().entries[0].second->items) {
      if (item->kind == Node::Kind::kNull) {
        const Place at = document->PlaceOf(*item);
        EXPECT_EQ(std::to_string(at.line) + ":" + std::to_string(at.column), place) << text;
      }
    }
  }
}

TEST(Yaml, BoundsDepth) {
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  EXPECT_THAT(Mistakes("a: " + deep), ElementsAre("f:1:67: error: nested too deeply; at most 64 "
                                                  "levels"));
}

TEST(Yaml, BoundsSize) {
  EXPECT_THAT(Mistakes(std::string(limits::kFileBytesMax + 1, 'a')),
              ElementsAre("f: error: the file is too large; at most 1048576 bytes"));
}

TEST(Yaml, CountsEveryAliasInFull) {
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    std::string items = below;
    for (int j = 0; j < 9; ++j) {
      items += ", " + below;
    }
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + items + "]\n";
  }
  const std::vector<std::string> lines = Mistakes(laughs);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], testing::HasSubstr("too many values in one file"));
}

TEST(Yaml, SkipsAByteOrderMark) {
  Diagnostics diagnostics;
  const auto document = Document::Parse("f",
                                        "\xEF\xBB\xBF"
                                        "a: b\n",
                                        &diagnostics);
  ASSERT_NE(document, nullptr);
  EXPECT_EQ(document->PlaceOf(*document->root().entries[0].second).column, 4);
}

TEST(Yaml, KeepsRepeatedKeys) {
  Diagnostics diagnostics;
  const auto document = Document::Parse("f", "a: 1\na: 2\n", &diagnostics);
  ASSERT_NE(document, nullptr);
  EXPECT_EQ(document->root().entries.size(), 2u);
}

TEST(Yaml, CountsColumnsInCharacters) {
  Diagnostics diagnostics;
  const auto document = Document::Parse("f", "{回头客: 中, b: c}\n", &diagnostics);
  ASSERT_NE(document, nullptr);
  EXPECT_EQ(document->PlaceOf(*document->root().entries[1].first).column, 10);
}

struct PlaceRow {
  const char* what;
  std::string text;  // `a` holds a text with an X
  int line;
  int column;
};

class PlaceInText : public testing::TestWithParam<PlaceRow> {};

TEST_P(PlaceInText, FindsTheX) {
  Diagnostics diagnostics;
  const auto document = Document::Parse("f", GetParam().text, &diagnostics);
  ASSERT_NE(document, nullptr) << FormatDiagnostic(diagnostics.Sorted()[0]);
  const Node& node = *document->root().entries[0].second;
  const size_t x = node.text.find('X');
  ASSERT_NE(x, std::string::npos);
  const Place place = document->PlaceOf(node, x);
  EXPECT_EQ(place.line, GetParam().line);
  EXPECT_EQ(place.column, GetParam().column);
}

INSTANTIATE_TEST_SUITE_P(Styles, PlaceInText,
                         testing::Values(PlaceRow{"Plain", "a: b  && X\n", 1, 10},
                                         PlaceRow{"PlainFolded", "a: b &&\n   X\n", 2, 4},
                                         PlaceRow{"PlainChinese", "a: 中文 X\n", 1, 7},
                                         PlaceRow{"Single", "a: 'it''s X'\n", 1, 11},
                                         PlaceRow{"SingleFolded", "a: 'b\n\n  X'\n", 3, 3},
                                         PlaceRow{"Double", "a: \"b\\n\\u4e2d X\"\n", 1, 15},
                                         PlaceRow{"DoubleQuoteInside", "a: \"\\\"b\\\" X\"\n", 1,
                                                  11},
                                         PlaceRow{"DoubleJoined", "a: \"b \\\n   X\"\n", 2, 4},
                                         PlaceRow{"Literal", "a: |\n  b\n    c\n  X\n", 4, 3},
                                         PlaceRow{"LiteralFirst", "a: |\n  X\n", 2, 3},
                                         PlaceRow{"Folded", "a: >-\n  b\n  c X\n", 3, 5},
                                         PlaceRow{"Flow", "{a: b == X}\n", 1, 10}),
                         [](const auto& info) { return info.param.what; });

}  // namespace
}  // namespace huitou::config
