#include "daemon/app/state_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace huitou {
namespace {

namespace fs = std::filesystem;

// A process that may not write a byte more, as on a full disk.
class FullDisk {
 public:
  FullDisk() {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit none{0, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit old_{};
  void (*old_handler_)(int) = nullptr;
};

class StateFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string made = (fs::temp_directory_path() / "huitou_state_XXXXXX").string();
    ASSERT_NE(nullptr, mkdtemp(made.data()));
    folder_ = made;
    key_ = made + "/coupon.key";
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Write(const std::string& text) const { std::ofstream(key_) << text; }
  std::string Read() const {
    std::ostringstream text;
    text << std::ifstream(key_).rdbuf();
    return text.str();
  }

  fs::path folder_;
  std::string key_;
};

TEST_F(StateFiles, TheKeyIsMadeOnceAndStays) {
  const auto made = ReadOrMakeKey(key_);
  ASSERT_TRUE(made.ok()) << made.status().message();
  EXPECT_EQ(64U, made->size());
  EXPECT_EQ(*made, Read());
  EXPECT_EQ(*made, *ReadOrMakeKey(key_));
  struct stat state {};
  ASSERT_EQ(0, stat(key_.c_str(), &state));
  EXPECT_EQ(0600U, state.st_mode & 0777U);
}

TEST_F(StateFiles, AFullDiskLeavesNoKeyBehindAndTheNextStartMakesOne) {
  {
    const FullDisk full;
    EXPECT_FALSE(ReadOrMakeKey(key_).ok());
  }
  EXPECT_TRUE(fs::is_empty(folder_));
  EXPECT_EQ(64U, ReadOrMakeKey(key_)->size());
}

TEST_F(StateFiles, AnEmptyKeyWouldMakeGuessableCodesAndIsReplaced) {
  Write("");
  EXPECT_EQ(64U, ReadOrMakeKey(key_)->size());
  EXPECT_EQ(64U, Read().size());
}

TEST_F(StateFiles, AnythingElseInTheKeysPlaceIsRefusedAndKept) {
  const std::string whole = *ReadOrMakeKey(key_);
  const std::string wrong[] = {whole.substr(0, 63), whole + "\n", std::string(64, 'x')};
  for (const std::string& text : wrong) {
    Write(text);
    EXPECT_EQ(StatusCode::kInvalid, ReadOrMakeKey(key_).status().code()) << text;
    EXPECT_EQ(text, Read());
  }
  fs::remove(key_);
  fs::create_directory(key_);
  EXPECT_FALSE(ReadOrMakeKey(key_).ok());
}

TEST_F(StateFiles, AFullDiskKeepsTheOldText) {
  ASSERT_TRUE(ReplaceFile(key_, "old").ok());
  {
    const FullDisk full;
    EXPECT_FALSE(ReplaceFile(key_, "new").ok());
  }
  EXPECT_EQ("old", Read());
}

TEST_F(StateFiles, TheCurrencyOfAStateStays) {
  const std::string path = folder_ / "currency";
  EXPECT_TRUE(KeepCurrency(path, *Currency::Parse("CNY")).ok());
  EXPECT_TRUE(KeepCurrency(path, *Currency::Parse("CNY")).ok());
  const Status other = KeepCurrency(path, *Currency::Parse("JPY"));
  EXPECT_EQ(StatusCode::kInvalid, other.code());
  EXPECT_NE(std::string::npos, other.message().find("CNY"));
  EXPECT_TRUE(KeepCurrency(path, *Currency::Parse("CNY")).ok());
}

TEST_F(StateFiles, ANewStateFolderIsItsOwnersAlone) {
  const std::string path = folder_ / "a" / "state";
  ASSERT_TRUE(MakeStateFolder(path).ok());
  EXPECT_EQ(fs::perms::owner_all, fs::status(path).permissions());
  fs::permissions(path, fs::perms::owner_all | fs::perms::group_read);
  ASSERT_TRUE(MakeStateFolder(path).ok());
  EXPECT_EQ(fs::perms::owner_all | fs::perms::group_read, fs::status(path).permissions());
}

}  // namespace
}  // namespace huitou
