// What is written into the embedded log: by requests, and from files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "daemon/sources/contract_decoder.h"
#include "daemon/sources/file_feeder.h"
#include "daemon/sources/log_writer.h"
#include "daemon/state/memory_key_value.h"

namespace huitou {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint16_t kShards = 2;
constexpr int kPatience_s = 30;

template <typename Condition>
bool Eventually(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(kPatience_s);
  while (!condition() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();
}

std::string EventOf(const std::string& id, const std::string& customer) {
  return R"({"id":")" + id + R"(","type":"x.y","time":"2026-01-01T00:00:00Z","customer":{"id":")" +
         customer + "\"}}";
}

class EmbeddedLog : public testing::Test {
 protected:
  EmbeddedLog() : disk_(std::make_shared<MemoryDisk>()) {
    Open();
    std::string folder = std::filesystem::temp_directory_path() / "huitou-log-XXXXXX";
    folder_ = mkdtemp(folder.data());
    path_ = folder_ + "/events.jsonl";
  }
  ~EmbeddedLog() override { std::filesystem::remove_all(folder_); }

  void Open() {
    store_ = Store::Open(std::make_unique<MemoryKeyValue>(disk_), {.shards = kShards}).value();
    stream_ = store_->LogStream("history").value();
    progress_ = std::make_unique<LogProgress>(store_.get(), stream_);
  }

  std::unique_ptr<FileFeeder> Feed(bool follow = false) {
    FileFeeder::Parts parts;
    parts.source = "history";
    parts.path = path_;
    parts.follow = follow;
    parts.store = store_.get();
    parts.stream = stream_;
    parts.progress = progress_.get();
    parts.decoder = std::make_unique<ContractDecoder>(DecodeOptions(), std::nullopt);
    auto feeder = std::make_unique<FileFeeder>(std::move(parts));
    feeder->Start();
    return feeder;
  }

  std::vector<std::string> Payloads(ShardNumber shard) {
    std::vector<LogRecord> records;
    EXPECT_TRUE(store_->ReadLog(shard, stream_, 0, 1'000'000, 1 << 30, &records).ok());
    std::vector<std::string> payloads;
    for (const LogRecord& record : records) {
      payloads.push_back(record.payload);
    }
    return payloads;
  }
  std::vector<std::string> AllPayloads() {
    std::vector<std::string> all = Payloads(0);
    for (std::string& payload : Payloads(1)) {
      all.push_back(std::move(payload));
    }
    return all;
  }

  void Write(const std::string& text) const { std::ofstream(path_, std::ios::app) << text; }

  std::shared_ptr<MemoryDisk> disk_;
  std::unique_ptr<Store> store_;
  uint16_t stream_ = 0;
  std::unique_ptr<LogProgress> progress_;
  std::string folder_;
  std::string path_;
};

TEST_F(EmbeddedLog, ManyRequestsShareCommitsAndNoneIsLost) {
  std::set<ShardNumber> woken;
  std::mutex mutex;
  LogWriter writer({store_.get(), stream_, progress_.get(), [&](ShardNumber shard) {
                      const std::lock_guard lock(mutex);
                      woken.insert(shard);
                    }});
  std::vector<std::thread> senders;
  for (int sender = 0; sender < 8; ++sender) {
    senders.emplace_back([&, sender] {
      for (int i = 0; i < 50; ++i) {
        const std::string id = std::to_string(sender) + "-" + std::to_string(i);
        EXPECT_TRUE(writer.Append({{"c" + id, id, {}}}).ok());
      }
    });
  }
  for (std::thread& sender : senders) {
    sender.join();
  }
  const std::vector<std::string> payloads = AllPayloads();
  EXPECT_THAT(payloads, SizeIs(400));
  EXPECT_THAT(std::set<std::string>(payloads.begin(), payloads.end()), SizeIs(400));
  EXPECT_THAT(woken, SizeIs(kShards));
}

TEST_F(EmbeddedLog, AFullDiskIsNotNowAndNothingIsTaken) {
  LogWriter writer({store_.get(), stream_, progress_.get(), {}});
  disk_->full = true;
  EXPECT_EQ(writer.Append({{"c", "a", {}}}).code(), StatusCode::kUnavailable);
  disk_->full = false;
  EXPECT_TRUE(writer.Append({{"c", "b", {}}}).ok());
  EXPECT_THAT(AllPayloads(), ElementsAre("b"));
}

TEST_F(EmbeddedLog, TheBacklogIsWhatShardsHaveNotCommitted) {
  LogWriter writer({store_.get(), stream_, progress_.get(), {}});
  ASSERT_TRUE(writer.Append({{"a", "1", {}}, {"a", "2", {}}, {"a", "3", {}}}).ok());
  EXPECT_EQ(progress_->Backlog(), 0);  // no shard has begun
  progress_->Consumed(ShardOf("a", kShards), 1);
  EXPECT_EQ(progress_->Backlog(), 2);
}

TEST_F(EmbeddedLog, AFileIsCopiedByCustomersAndBadLinesToo) {
  Write(EventOf("e1", "c1") + "\n\n" + "no json\n" + EventOf("e2", "c2"));
  const auto feeder = Feed();
  ASSERT_TRUE(Eventually([&] { return feeder->Done(); }));
  EXPECT_THAT(Payloads(ShardOf("c1", kShards)), testing::Contains(EventOf("e1", "c1")));
  EXPECT_THAT(Payloads(ShardOf("c2", kShards)), testing::Contains(EventOf("e2", "c2")));
  EXPECT_THAT(Payloads(ShardOf("", kShards)), testing::Contains("no json"));
  EXPECT_EQ(feeder->problem(), "");
}

TEST_F(EmbeddedLog, AfterARestartAFileGoesOnBehindItsLastLine) {
  Write(EventOf("e1", "c1") + "\n");
  ASSERT_TRUE(Eventually([feeder = Feed()] { return feeder->Done(); }));
  Write(EventOf("e2", "c1") + "\n");
  Open();
  ASSERT_TRUE(Eventually([feeder = Feed()] { return feeder->Done(); }));
  EXPECT_THAT(AllPayloads(), ElementsAre(EventOf("e1", "c1"), EventOf("e2", "c1")));
}

TEST_F(EmbeddedLog, AFollowedFileIsReadAsItGrows) {
  Write(EventOf("e1", "c1") + "\n");
  const auto feeder = Feed(/*follow=*/true);
  ASSERT_TRUE(Eventually([&] { return feeder->Done(); }));
  const std::string second = EventOf("e2", "c1");
  Write(second.substr(0, 20));
  EXPECT_TRUE(Eventually([&] { return feeder->Done(); }));
  EXPECT_THAT(AllPayloads(), SizeIs(1));  // half a line is no event yet
  Write(second.substr(20) + "\n");
  EXPECT_TRUE(Eventually([&] { return AllPayloads().size() == 2; }));
  EXPECT_THAT(AllPayloads(), ElementsAre(EventOf("e1", "c1"), second));
}

TEST_F(EmbeddedLog, ACompressedFileIsCopied) {
  const gzFile file = gzopen(path_.c_str(), "w");
  const std::string text = EventOf("e1", "c1") + "\n" + EventOf("e2", "c1") + "\n";
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  const auto feeder = Feed();
  ASSERT_TRUE(Eventually([&] { return feeder->Done(); }));
  EXPECT_THAT(AllPayloads(), SizeIs(2));
}

TEST_F(EmbeddedLog, AFileThatIsNotThereIsWaitedFor) {
  const auto feeder = Feed();
  ASSERT_TRUE(Eventually([&] { return !feeder->problem().empty(); }));
  EXPECT_THAT(feeder->problem(), HasSubstr("events.jsonl"));
  EXPECT_FALSE(feeder->Done());
  Write(EventOf("e1", "c1") + "\n");
  EXPECT_TRUE(Eventually([&] { return feeder->Done(); }));
}

TEST_F(EmbeddedLog, AFileThatShrankIsRefused) {
  Write(EventOf("e1", "c1") + "\n");
  ASSERT_TRUE(Eventually([feeder = Feed(true)] { return feeder->Done(); }));
  std::filesystem::resize_file(path_, 5);
  const auto feeder = Feed(true);
  EXPECT_TRUE(Eventually(
      [&] { return feeder->problem().find("is not what was read") != std::string::npos; }));
  EXPECT_THAT(AllPayloads(), SizeIs(1));
}

TEST_F(EmbeddedLog, AFileThatIsCutOffWhileItIsFollowedIsAProblemUntilANewOneIsThere) {
  Write(EventOf("e1", "c1") + "\n");
  const auto feeder = Feed(/*follow=*/true);
  ASSERT_TRUE(Eventually([&] { return feeder->Done(); }));
  std::filesystem::resize_file(path_, 0);
  ASSERT_TRUE(Eventually([&] { return !feeder->problem().empty(); }));
  EXPECT_THAT(feeder->problem(), HasSubstr("rename it away"));
  std::filesystem::rename(path_, path_ + ".1");
  Write(EventOf("e2", "c1") + "\n");
  ASSERT_TRUE(Eventually([&] { return AllPayloads().size() == 2; }));
  EXPECT_TRUE(Eventually([&] { return feeder->problem().empty(); }));
}

TEST_F(EmbeddedLog, ARenamedFileIsReadToItsEndAndThenTheNewOne) {
  Write(EventOf("e1", "c1") + "\n");
  auto feeder = Feed(/*follow=*/true);
  ASSERT_TRUE(Eventually([&] { return feeder->Done(); }));
  std::filesystem::rename(path_, path_ + ".1");
  std::ofstream(path_ + ".1", std::ios::app) << EventOf("e2", "c1") << "\n";
  Write(EventOf("e3", "c1") + "\n");
  ASSERT_TRUE(Eventually([&] { return AllPayloads().size() == 3; }));
  EXPECT_THAT(AllPayloads(),
              ElementsAre(EventOf("e1", "c1"), EventOf("e2", "c1"), EventOf("e3", "c1")));
  feeder.reset();
  Write(EventOf("e4", "c1") + "\n");
  Open();
  feeder = Feed(/*follow=*/true);
  ASSERT_TRUE(Eventually([&] { return feeder->Done(); }));
  EXPECT_THAT(AllPayloads(), SizeIs(4));  // it goes on in the new one
}

TEST_F(EmbeddedLog, AFileThatIsCutOffAndGrowsAgainBetweenTwoLooksIsAProblem) {
  Write(EventOf("e1", "c1") + "\n");
  auto feeder = Feed(/*follow=*/true);
  ASSERT_TRUE(Eventually([&] { return feeder->Done(); }));
  const std::string another = EventOf("e2", "c1") + "\n" + EventOf("e3", "c1") + "\n";
  // In one write, so that no look falls between.
  std::fstream(path_, std::ios::in | std::ios::out) << another << std::flush;
  EXPECT_TRUE(Eventually([&] { return !feeder->problem().empty(); }));
  EXPECT_THAT(feeder->problem(), HasSubstr("rewrote it"));
  feeder.reset();
  Open();
  feeder = Feed(/*follow=*/true);
  EXPECT_TRUE(Eventually([&] { return !feeder->problem().empty(); })) << "nor after a restart";
  EXPECT_THAT(AllPayloads(), SizeIs(1));
}

TEST_F(EmbeddedLog, TheRestOfAFileThatWasRenamedWhileNobodyReadComesFirst) {
  Write(EventOf("e1", "c1") + "\n");
  ASSERT_TRUE(Eventually([feeder = Feed(true)] { return feeder->Done(); }));
  Write(EventOf("e2", "c1") + "\n");
  std::filesystem::rename(path_, path_ + "-20260101");
  Open();
  auto feeder = Feed(/*follow=*/true);
  ASSERT_TRUE(Eventually([&] { return AllPayloads().size() == 2; })) << "before there is a new one";
  feeder.reset();
  Write(EventOf("e3", "c1") + "\n");
  Open();
  feeder = Feed(/*follow=*/true);
  ASSERT_TRUE(Eventually([&] { return feeder->Done(); }));
  EXPECT_THAT(AllPayloads(),
              ElementsAre(EventOf("e1", "c1"), EventOf("e2", "c1"), EventOf("e3", "c1")));
}

// "events.jsonl" becomes ".1", which becomes ".2", and a new one begins.
TEST_F(EmbeddedLog, AllFilesThatWereRotatedWhileNobodyReadAreReadOldestFirst) {
  std::ofstream(path_ + ".1") << EventOf("e0", "c1") << "\n";  // from before the first start
  std::filesystem::last_write_time(
      path_ + ".1", std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  Write(EventOf("e1", "c1") + "\n");
  ASSERT_TRUE(Eventually([feeder = Feed(true)] { return feeder->Done(); }));
  for (const char* id : {"e3", "e4", "e5"}) {
    for (int age = 4; age > 0; --age) {
      const std::string from = path_ + "." + std::to_string(age);
      if (std::filesystem::exists(from)) {
        std::filesystem::rename(from, path_ + "." + std::to_string(age + 1));
      }
    }
    Write(id == std::string("e3") ? EventOf("e2", "c1") + "\n" : "");
    std::filesystem::rename(path_, path_ + ".1");
    Write(EventOf(id, "c1") + "\n");
  }
  // One was compressed meanwhile, and what is named otherwise is no part of it.
  std::filesystem::rename(path_ + ".2", path_ + ".2.gz");
  std::ofstream(path_ + ".1.bak") << EventOf("e9", "c1") << "\n";
  Open();
  auto feeder = Feed(/*follow=*/true);
  ASSERT_TRUE(Eventually([&] { return AllPayloads().size() >= 4; }));
  EXPECT_THAT(AllPayloads(), ElementsAre(EventOf("e1", "c1"), EventOf("e2", "c1"),
                                         EventOf("e4", "c1"), EventOf("e5", "c1")));
  feeder.reset();
  Write(EventOf("e6", "c1") + "\n");
  Open();
  feeder = Feed(/*follow=*/true);
  ASSERT_TRUE(Eventually([&] { return AllPayloads().size() == 5; }));
}

TEST_F(EmbeddedLog, AFileWhosePredecessorIsGoneIsReadFromItsStart) {
  Write(EventOf("e1", "c1") + "\n");
  ASSERT_TRUE(Eventually([feeder = Feed(true)] { return feeder->Done(); }));
  std::filesystem::rename(path_, path_ + ".1");
  Write(EventOf("e2", "c1") + "\n" + EventOf("e3", "c1") + "\n");
  std::filesystem::remove(path_ + ".1");
  Open();
  const auto feeder = Feed(/*follow=*/true);
  ASSERT_TRUE(Eventually([&] { return feeder->Done(); }));
  EXPECT_THAT(AllPayloads(), SizeIs(3));
}

TEST_F(EmbeddedLog, AFeedOfAnEarlierVersionIsUnderstood) {
  Write(EventOf("e1", "c1") + "\n" + EventOf("e2", "c1") + "\n");
  struct stat state {};
  ASSERT_EQ(stat(path_.c_str(), &state), 0);
  const std::string feed = std::to_string(EventOf("e1", "c1").size() + 1) + "#" +
                           std::to_string(state.st_ino) + " " + path_;
  ASSERT_TRUE(store_->AppendLog(stream_, {}, feed).ok());
  const auto feeder = Feed(/*follow=*/true);
  ASSERT_TRUE(Eventually([&] { return feeder->Done(); }));
  EXPECT_THAT(AllPayloads(), ElementsAre(EventOf("e2", "c1")));
}

TEST_F(EmbeddedLog, AFollowedFileThatIsNotThereYetIsSaidToBeMissing) {
  const auto feeder = Feed(/*follow=*/true);
  ASSERT_TRUE(Eventually([&] { return !feeder->problem().empty(); }));
  EXPECT_THAT(feeder->problem(), HasSubstr("No such file"));
}

TEST_F(EmbeddedLog, AFullDiskPausesTheFile) {
  Write(EventOf("e1", "c1") + "\n");
  disk_->full = true;
  const auto feeder = Feed();
  ASSERT_TRUE(Eventually([&] { return !feeder->problem().empty(); }));
  EXPECT_THAT(AllPayloads(), IsEmpty());
  disk_->full = false;
  EXPECT_TRUE(Eventually([&] { return feeder->Done(); }));
  EXPECT_THAT(AllPayloads(), SizeIs(1));
}

}  // namespace
}  // namespace huitou
