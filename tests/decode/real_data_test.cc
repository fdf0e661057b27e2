// Every event of the public data sets decodes, and reads the same after being written.
#include <gtest/gtest.h>

#include <filesystem>

#include "daemon/decode/line_reader.h"
#include "tests/decode/decode_helpers.h"

namespace huitou {
namespace {

TEST(RealData, AllDecodes) {
  const std::filesystem::path data = std::filesystem::path(HUITOU_SOURCE_DIR) / "../shared/data";
  if (!std::filesystem::exists(data)) {
    GTEST_SKIP() << "no " << data;
  }
  Decoding decode;
  Decoding decode_again;
  size_t events = 0;
  for (const char* shop : {"olist_sample8k", "olist_first5000", "online_retail"}) {
    auto reader = LineReader::Open((data / shop / "events.jsonl.zst").string());
    ASSERT_TRUE(reader.ok()) << reader.status().message();
    std::string_view line;
    while ((*reader)->Next(&line)) {
      const std::string told = decode(line);
      ASSERT_EQ(decode.error(), EventError::kNone)
          << shop << ":" << (*reader)->line_number() << ": " << told;
      ASSERT_EQ(decode_again(told), told) << shop << ":" << (*reader)->line_number();
      ++events;
    }
    ASSERT_TRUE((*reader)->status().ok()) << (*reader)->status().message();
  }
  EXPECT_EQ(events, 21'530u + 14'846u + 18'536u + 3'654u);
}

}  // namespace
}  // namespace huitou
