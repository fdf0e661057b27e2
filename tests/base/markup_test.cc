#include "triggers/base/markup.h"

#include <gtest/gtest.h>

namespace huitou {
namespace {

TEST(Markup, KeepsTextFromBeingTags) {
  EXPECT_EQ(EscapeMarkup("<a href=\"x\">小明's & </a>"),
            "&lt;a href=&quot;x&quot;&gt;小明&#39;s &amp; &lt;/a&gt;");
  EXPECT_EQ(EscapeMarkup(""), "");
}

}  // namespace
}  // namespace huitou
