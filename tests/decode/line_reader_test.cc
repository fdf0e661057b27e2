#include "daemon/decode/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <fstream>
#include <vector>

#include "daemon/decode/limits.h"

namespace huitou {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  // As the command does; without it damage may go unseen.
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return out;
}

class LineReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/huitou_lines_XXXXXX";
    const int file = mkstemp(name);
    ASSERT_GE(file, 0);
    close(file);
    path_ = name;
  }
  void TearDown() override { unlink(path_.c_str()); }

  void Write(const std::string& bytes, std::ios::openmode mode = std::ios::trunc) {
    std::ofstream(path_, std::ios::binary | mode) << bytes;
  }
  std::vector<std::string> Lines(const LineReader::Options& options = {}) {
    std::vector<std::string> lines;
    auto reader = LineReader::Open(path_, options);
    if (!reader.ok()) {
      return {reader.status().message()};
    }
    std::string_view line;
    while ((*reader)->Next(&line)) {
      lines.emplace_back(line);
    }
    if (!(*reader)->status().ok()) {
      lines.push_back("error " + (*reader)->status().message());
    }
    return lines;
  }

  std::string path_;
};

// Lines of unlike lengths: 1.2 MB, several blocks.
std::string Many(std::vector<std::string>* lines) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) {
    lines->push_back("line " + std::to_string(i * 7919) +
                     std::string(static_cast<size_t>(i % 9), 'x'));
    text += lines->back() + "\n";
  }
  return text;
}

TEST_F(LineReaderTest, GivesEveryLineButBlankOnes) {
  Write("a\n\nb\r\n  \nc");
  EXPECT_THAT(Lines(), ElementsAre("a", "b\r", "c"));
  Write("");
  EXPECT_THAT(Lines(), IsEmpty());
  Write("\xEF\xBB\xBF{}\n");
  EXPECT_THAT(Lines(), ElementsAre("{}"));
}

TEST_F(LineReaderTest, ReadsPlainGzipAndZstdAlike) {
  std::vector<std::string> lines;
  const std::string text = Many(&lines);
  Write(text);
  EXPECT_EQ(Lines(), lines);
  Write(Gzip(text));
  EXPECT_EQ(Lines(), lines);
  Write(Zstd(text));
  EXPECT_EQ(Lines(), lines);
}

TEST_F(LineReaderTest, ReadsArchivesBehindEachOther) {
  Write(Gzip("a\nb") + Gzip("c\nd\n"));
  EXPECT_THAT(Lines(), ElementsAre("a", "bc", "d"));
  Write(Zstd("a\nb") + Zstd("c\nd\n"));
  EXPECT_THAT(Lines(), ElementsAre("a", "bc", "d"));
}

TEST_F(LineReaderTest, ReadsWhatUnpacksToManyTimesItsSize) {
  const std::string text = std::string(300'000, 'a') + "\n" + std::string(900'000, 'b') + "\n";
  for (const std::string& archive : {Gzip(text), Zstd(text)}) {
    Write(archive);
    const std::vector<std::string> lines = Lines();
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[0].size(), 300'000u);
    EXPECT_EQ(lines[1].size(), 900'000u);
  }
}

TEST_F(LineReaderTest, TellsAnArchiveThatEndsTooEarly) {
  std::vector<std::string> lines;
  const std::string text = Many(&lines);
  for (const std::string& archive : {Gzip(text), Zstd(text)}) {
    for (const size_t cut : {size_t{1}, size_t{9}, archive.size() / 2}) {
      Write(archive.substr(0, archive.size() - cut));
      const std::vector<std::string> read = Lines();
      EXPECT_THAT(read.back(), HasSubstr("the archive ends too early")) << cut;
      EXPECT_THAT(read.back(), HasSubstr(path_ + ": line "));
    }
  }
}

TEST_F(LineReaderTest, TellsADamagedArchive) {
  std::vector<std::string> lines;
  const std::string text = Many(&lines);
  for (std::string archive : {Gzip(text), Zstd(text)}) {
    archive[archive.size() / 2] = static_cast<char>(~archive[archive.size() / 2]);
    archive[archive.size() / 2 + 1] = static_cast<char>(~archive[archive.size() / 2 + 1]);
    Write(archive);
    EXPECT_THAT(Lines().back(), HasSubstr("error "));
  }
}

TEST_F(LineReaderTest, TellsAFileThatIsNotThere) {
  unlink(path_.c_str());
  const auto reader = LineReader::Open(path_);
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(reader.status().message(), HasSubstr(path_));
}

TEST_F(LineReaderTest, CutsALineThatIsTooLongAndGoesOn) {
  for (const size_t extra :
       {size_t{0}, size_t{1}, limits::kReadBytes, 3 * limits::kReadBytes + 7}) {
    const std::string line(limits::kLineBytesMax + extra, 'x');
    Write("a\n" + line + "\nb\n");
    const std::vector<std::string> lines = Lines();
    ASSERT_EQ(lines.size(), 3u) << extra;
    EXPECT_EQ(lines[1].size(), limits::kLineBytesMax);
    EXPECT_EQ(lines[2], "b");
    Write(line);
    EXPECT_EQ(Lines().size(), 1u);
  }
}

TEST_F(LineReaderTest, GoesOnFromAPosition) {
  const std::string text = "first\nsecond\n\nthird\n";
  for (const std::string& bytes : {text, Gzip(text), Zstd(text)}) {
    Write(bytes);
    auto reader = LineReader::Open(path_);
    ASSERT_TRUE(reader.ok());
    std::string_view line;
    ASSERT_TRUE((*reader)->Next(&line));
    ASSERT_TRUE((*reader)->Next(&line));
    EXPECT_EQ((*reader)->position(), 13u);
    EXPECT_EQ((*reader)->line_number(), 2u);
    EXPECT_THAT(Lines({.position = 13}), ElementsAre("third"));
    EXPECT_THAT(Lines({.position = 20}), IsEmpty());
    ASSERT_TRUE((*reader)->Next(&line));
    EXPECT_EQ((*reader)->position(), text.size());
    EXPECT_EQ((*reader)->line_number(), 4u);
  }
}

TEST_F(LineReaderTest, FollowsAFileThatGrows) {
  Write("a\nb");
  auto reader = LineReader::Open(path_, {.follow = true});
  ASSERT_TRUE(reader.ok());
  std::string_view line;
  ASSERT_TRUE((*reader)->Next(&line));
  EXPECT_EQ(line, "a");
  EXPECT_FALSE((*reader)->Next(&line));
  Write("c\nd\n", std::ios::app);
  ASSERT_TRUE((*reader)->Next(&line));
  EXPECT_EQ(line, "bc");
  ASSERT_TRUE((*reader)->Next(&line));
  EXPECT_EQ(line, "d");
  EXPECT_FALSE((*reader)->Next(&line));
  EXPECT_TRUE((*reader)->status().ok());
}

}  // namespace
}  // namespace huitou
