#include "daemon/state/store.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemon/state/keys.h"
#include "daemon/state/memory_key_value.h"
#include "daemon/state/rocks_key_value.h"
#include "tests/state/store_support.h"

namespace huitou {
namespace {

namespace fs = std::filesystem;

INSTANTIATE_TEST_SUITE_P(All, StoreTest, testing::Values(false, true), [](const auto& info) {
  return std::string(info.param ? "Rocks" : "Memory");
});

OutboxRecord Planned(uint64_t low, const std::string& channel, TimeUs not_before) {
  OutboxRecord record;
  record.dispatch.id = {1, low};
  record.dispatch.customer = "c1";
  record.dispatch.via = {channel};
  record.not_before = not_before;
  return record;
}

TEST_P(StoreTest, ACommitIsThereAfterReopening) {
  Customer a = Buyer("a", 3);
  Customer b = Buyer("b", 1);
  b.MutableProfile().phone = "+861";
  b.profile_changed = true;
  CommitBatch batch;
  batch.customers = {&b, &a};
  batch.timers_added = {keys::Timer(1, 100, "a", 7), keys::Timer(1, -50, "b", 9)};
  batch.symbols = {{2, "winback"}, {3, "sms"}};
  batch.quotas = {{"winback.entries", 20'000, 12}};
  state_.inputs = {{"api", 17, 1000, 900}};
  state_.frontier = 900;
  ASSERT_TRUE(Commit(&batch).ok());
  Reopen();
  EXPECT_EQ(17, store_->ReadState(1)->inputs.at(0).next_offset);
  EXPECT_EQ(900, store_->ReadState(1)->frontier);
  EXPECT_EQ(kTimeMin, store_->ReadState(0)->frontier);  // another shard's own
  const std::string_view ids[] = {"a", "b", "nobody"};
  const auto customers = store_->ReadCustomers(1, ids);
  ASSERT_TRUE(customers.ok());
  EXPECT_EQ(3u, (*customers)[0]->activity.orders);
  EXPECT_EQ("+861", (*customers)[1]->profile->phone);
  EXPECT_EQ(0u, (*customers)[2]->activity.orders);
  EXPECT_EQ(0u, (*store_->ReadCustomer(2, "a"))->activity.orders);
  std::vector<std::string> timers;
  ASSERT_TRUE(store_->ReadTimers(1, {}, keys::End(keys::Shard(1)), 10, &timers).ok());
  ASSERT_EQ(2u, timers.size());
  keys::TimerEntry first;
  ASSERT_TRUE(keys::ParseTimer(timers[0], &first));
  EXPECT_EQ(-50, first.deadline);
  EXPECT_EQ("b", first.customer);
  EXPECT_EQ(std::vector<std::string>({"winback", "sms"}), *store_->ReadSymbols(1));
  EXPECT_EQ(12, store_->ReadQuotas(1)->at(0).amount);
}

TEST_P(StoreTest, EpisodesThatEndedAreGone) {
  Customer customer = Buyer("a", 1);
  customer.episodes.emplace_back().id = {1, 2};
  customer.episodes_changed = true;
  CommitBatch batch;
  batch.customers = {&customer};
  ASSERT_TRUE(Commit(&batch).ok());
  EXPECT_EQ(1u, (*store_->ReadCustomer(1, "a"))->episodes.size());
  customer.episodes.clear();
  CommitBatch second;
  second.customers = {&customer};
  ASSERT_TRUE(Commit(&second).ok());
  Reopen();
  EXPECT_TRUE((*store_->ReadCustomer(1, "a"))->episodes.empty());
}

TEST_P(StoreTest, AnEntryAddedBehindTheCursorOutlivesTheDeletionOfTheStretch) {
  CommitBatch batch;
  batch.timers_added = {keys::Timer(1, 100, "a", 7), keys::Timer(1, 200, "a", 7)};
  ASSERT_TRUE(Commit(&batch).ok());
  CommitBatch second;
  second.timers_drained_from = keys::Shard(1);
  second.timers_drained_to = keys::Timer(1, 200, "a", 7) + '\0';
  second.timers_added = {keys::Timer(1, 150, "b", 7)};
  ASSERT_TRUE(Commit(&second).ok());
  std::vector<std::string> timers;
  ASSERT_TRUE(store_->ReadTimers(1, {}, keys::End(keys::Shard(1)), 10, &timers).ok());
  EXPECT_EQ(std::vector<std::string>{keys::Timer(1, 150, "b", 7)}, timers);
}

TEST_P(StoreTest, TheOutboxIsFoundByWhatIsNext) {
  StoredDispatch late{Planned(1, "sms", 500), {}, {}};
  StoredDispatch soon{Planned(2, "sms", 100), {}, {}};
  StoredDispatch mail{Planned(3, "email", 100), {}, {}};
  CommitBatch batch;
  batch.dispatches = {&late, &soon, &mail};
  ASSERT_TRUE(Commit(&batch).ok());
  Reopen();
  EXPECT_EQ(std::vector<std::string>({"sms", "email"}), *store_->ReadPlannedChannels(1));
  std::vector<StoredDispatch> planned;
  ASSERT_TRUE(store_->ReadPlanned(1, "sms", kTimeMin, 499, 10, &planned).ok());
  ASSERT_EQ(1u, planned.size());
  EXPECT_EQ(2u, planned[0].record.dispatch.id.low);

  // It is sent, accepted, and the provider names it.
  StoredDispatch sent = planned[0];
  sent.record.state = OutboxRecord::State::kAccepted;
  sent.record.not_before = 900;
  sent.record.provider_message_id = "p1";
  CommitBatch second;
  second.dispatches = {&sent};
  second.dispatches_settled = {&mail};
  ASSERT_TRUE(Commit(&second).ok());
  planned.clear();
  ASSERT_TRUE(store_->ReadPlanned(1, "sms", kTimeMin, kTimeMax, 10, &planned).ok());
  EXPECT_EQ(1u, planned.size());
  std::vector<StoredDispatch> due;
  ASSERT_TRUE(store_->ReadDue(1, kTimeMin, 899, 10, &due).ok());
  EXPECT_TRUE(due.empty());
  ASSERT_TRUE(store_->ReadDue(1, kTimeMin, 900, 10, &due).ok());
  EXPECT_EQ(1u, due.size());
  EXPECT_EQ(2u, (*store_->FindProviderMessage(1, "sms", "p1"))->low);
  EXPECT_FALSE(store_->FindProviderMessage(1, "email", "p1")->has_value());
  EXPECT_FALSE(store_->ReadDispatch(1, {1, 3})->has_value());
  EXPECT_EQ(std::vector<std::string>({"sms"}), *store_->ReadPlannedChannels(1));

  CommitBatch third;
  third.dispatches_settled = {&sent};
  ASSERT_TRUE(Commit(&third).ok());
  EXPECT_FALSE(store_->FindProviderMessage(1, "sms", "p1")->has_value());
}

TEST_P(StoreTest, SinkRecordsWaitInOrderUntilTheyAreDelivered) {
  for (const auto& [from, to] : {std::pair<uint64_t, uint64_t>{1, 3}, {4, 5}}) {
    CommitBatch batch;
    for (uint64_t sequence = from; sequence <= to; ++sequence) {
      batch.sinks.push_back({SinkKind::kDecisions, sequence, "c1", std::to_string(sequence)});
    }
    batch.sinks.push_back({SinkKind::kEmits, from, "c1", "other"});
    ASSERT_TRUE(Commit(&batch).ok());
  }
  std::vector<SinkRecord> read;
  ASSERT_TRUE(store_->ReadSinks(1, SinkKind::kDecisions, 2, 3, &read).ok());
  ASSERT_EQ(3u, read.size());
  EXPECT_EQ("2", read[0].value);
  EXPECT_EQ("c1", read[0].key);
  // What a commit wrote goes when all of it is delivered.
  state_.sinks_delivered[0] = 4;
  CommitBatch second;
  second.sinks_trimmed = {SinkKind::kDecisions};
  ASSERT_TRUE(Commit(&second).ok());
  read.clear();
  ASSERT_TRUE(store_->ReadSinks(1, SinkKind::kDecisions, 0, 10, &read).ok());
  ASSERT_EQ(2u, read.size());
  EXPECT_EQ("4", read[0].value);
  read.clear();
  ASSERT_TRUE(store_->ReadSinks(1, SinkKind::kDecisions, 5, 10, &read).ok());
  ASSERT_EQ(1u, read.size());
  EXPECT_EQ("5", read[0].value);
}

TEST_P(StoreTest, TheLogKeepsOffsetsPerSliceAndTheFeedersPosition) {
  const uint16_t api = *store_->LogStream("api");
  const uint16_t file = *store_->LogStream("history");
  EXPECT_NE(api, file);
  std::vector<LogAppend> records;
  for (int i = 0; i < 100; ++i) {
    records.push_back({"c" + std::to_string(i), "payload " + std::to_string(i), {{"ce_id", "1"}}});
  }
  ASSERT_TRUE(store_->AppendLog(file, records, "byte 4711").ok());
  ASSERT_TRUE(store_->AppendLog(file, records).ok());
  Reopen();
  EXPECT_EQ(file, *store_->LogStream("history"));
  EXPECT_EQ("byte 4711", **store_->ReadFeed(file));
  EXPECT_FALSE(store_->ReadFeed(api)->has_value());
  int64_t total = 0;
  for (ShardNumber shard = 0; shard < 4; ++shard) {
    const int64_t end = *store_->LogEnd(shard, file);
    total += end;
    std::vector<LogRecord> read;
    ASSERT_TRUE(store_->ReadLog(shard, file, 1, 1000, 1 << 20, &read).ok());
    ASSERT_EQ(end - 1, static_cast<int64_t>(read.size()));
    EXPECT_EQ(1, read[0].offset);
    EXPECT_EQ(shard, ShardOf(read[0].key, 4));
    EXPECT_EQ("ce_id", read[0].headers.at(0).first);
    read.clear();
    ASSERT_TRUE(store_->ReadLog(shard, file, 0, 1000, 1, &read).ok());
    EXPECT_EQ(1u, read.size());  // a record larger than the bound still comes
  }
  EXPECT_EQ(200, total);
  // Consumed records go; their offsets don't come again.
  CommitBatch batch;
  batch.log_consumed = {{file, *store_->LogEnd(1, file)}};
  ASSERT_TRUE(Commit(&batch).ok());
  std::vector<LogRecord> read;
  ASSERT_TRUE(store_->ReadLog(1, file, 0, 1000, 1 << 20, &read).ok());
  EXPECT_TRUE(read.empty());
  const int64_t end = *store_->LogEnd(1, file);
  Reopen();
  EXPECT_EQ(end, *store_->LogEnd(1, file));
}

TEST_P(StoreTest, CountsWhatWaitsOfTheOutbox) {
  std::vector<StoredDispatch> dispatches;
  for (const auto state : {OutboxRecord::State::kPlanned, OutboxRecord::State::kLeased,
                           OutboxRecord::State::kAccepted, OutboxRecord::State::kUnknown}) {
    for (const char* channel : {"sms", "email"}) {
      dispatches.push_back({Planned(dispatches.size() + 1, channel, 100), {}, {}});
      dispatches.back().record.state = state;
    }
  }
  dispatches.pop_back();  // email's unknown
  CommitBatch batch;
  for (StoredDispatch& dispatch : dispatches) {
    batch.dispatches.push_back(&dispatch);
  }
  ASSERT_TRUE(Commit(&batch, 1).ok());
  EXPECT_EQ((std::map<std::string, int64_t>{{"email", 2}, {"sms", 3}}), *store_->CountWaiting(1));
  EXPECT_TRUE(store_->CountWaiting(2)->empty());
}

TEST_P(StoreTest, EraseReachesEveryFamilyAndOnlyThisCustomer) {
  SymbolTable symbols;
  const ShardNumber shard = ShardOf("c1", 4);
  for (const std::string id : {"c1", "c2"}) {
    Customer customer = Buyer(id, 2);
    Reach(&customer, {"+86138", "shared@example.com", ""});
    customer.episodes.emplace_back().id = {1, 2};
    customer.episodes_changed = true;
    StoredDispatch dispatch{Planned(id == "c1" ? 1 : 2, "sms", 100), {}, {}};
    dispatch.record.dispatch.customer = id;
    CommitBatch batch;
    batch.customers = {&customer};
    batch.timers_added = {keys::Timer(shard, 100, id, 7)};
    batch.dispatches = {&dispatch};
    LedgerEntry entry;
    entry.dispatch = {5, 5};
    batch.ledger = {{id, entry}};
    // Two decisions of one step share an entry.
    batch.journal = {{id, {1, 2}, 0, 1000, "{\"seq\":0}\n{\"seq\":1}"}};
    batch.sinks = {{SinkKind::kDecisions, id == "c1" ? 2u : 4u, id, "{}"},
                   {SinkKind::kDecisions, id == "c1" ? 3u : 5u, "c3", "{}"}};
    ASSERT_TRUE(Commit(&batch, shard).ok());
    const LogAppend record{id, R"({"id":"e1"})", {}};
    ASSERT_TRUE(store_->AppendLog(*store_->LogStream("api"), {&record, 1}).ok());
  }
  std::vector<std::string> lines;
  ASSERT_TRUE(store_->Export(shard, symbols, "c1", &lines).ok());
  // activity, profile, episode, two addresses, timer, outbox, ledger, two of journal, sink, log
  EXPECT_EQ(12u, lines.size());
  lines.clear();
  ASSERT_TRUE(store_->ReadJournal(shard, "c1", 1000, 100, &lines).ok());
  EXPECT_EQ((std::vector<std::string>{"{\"seq\":0}", "{\"seq\":1}"}), lines);
  const auto erased = store_->Erase(shard, "c1");
  ASSERT_TRUE(erased.ok());
  EXPECT_EQ(1, erased->timers);
  EXPECT_EQ(std::vector<std::string>{"sms"}, erased->waiting);
  lines.clear();
  ASSERT_TRUE(store_->Export(shard, symbols, "c1", &lines).ok());
  EXPECT_EQ(0u, lines.size());
  lines.clear();
  ASSERT_TRUE(store_->Export(shard, symbols, "c2", &lines).ok());
  EXPECT_GE(lines.size(), ShardOf("c2", 4) == shard ? 12u : 11u);
  EXPECT_EQ(std::vector<std::string>{"c2"}, Reached(shard, CampaignSet::Contact::kPhone, "+86138"));
  // The others' records in what was one entry with his.
  std::vector<SinkRecord> read;
  ASSERT_TRUE(store_->ReadSinks(shard, SinkKind::kDecisions, 1, 10, &read).ok());
  ASSERT_EQ(3u, read.size());
  EXPECT_EQ(3u, read[0].sequence);
  EXPECT_EQ("c3", read[0].key);
}

TEST_P(StoreTest, TheJournalForgetsAfterItsRetention) {
  CommitBatch batch;
  batch.journal = {{"c1", {1, 1}, 0, 1000, "old"}, {"c1", {1, 1}, 1, 100 * kDayUs, "new"}};
  ASSERT_TRUE(Commit(&batch).ok());
  std::vector<std::string> lines;
  ASSERT_TRUE(store_->ReadJournal(1, "c1", 100 * kDayUs, 10, &lines).ok());
  EXPECT_EQ(std::vector<std::string>{"new"}, lines);
}

TEST_P(StoreTest, AnotherNumberOfShardsIsRefused) {
  store_.reset();
  StoreOptions options;
  options.shards = 8;
  const auto store = Store::Open(
      GetParam() ? Rocks(folder_.path()) : std::make_unique<MemoryKeyValue>(disk_), options);
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(StatusCode::kCorrupt, store.status().code());
  EXPECT_NE(std::string::npos, store.status().message().find("4 shards, not 8"));
}

TEST_P(StoreTest, CampaignTextsAreKeptByVersion) {
  ASSERT_TRUE(store_->PutCampaign(0xFFFFFFFFFFFFFFFF, "campaign: a").ok());
  ASSERT_TRUE(store_->PutCampaign(2, "campaign: b").ok());
  ASSERT_TRUE(store_->DropCampaign(2).ok());
  Reopen();
  EXPECT_EQ((std::map<uint64_t, std::string>{{0xFFFFFFFFFFFFFFFF, "campaign: a"}}),
            *store_->ReadCampaigns());
}

TEST(ShardOf, AgreesWithKafkasPartitioner) {
  // Hashes that Kafka's own tests expect of murmur2.
  const std::pair<const char*, int32_t> hashes[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107}};
  for (const auto& [key, hash] : hashes) {
    EXPECT_EQ((hash & 0x7fffffff) % 65'535, ShardOf(key, 65'535)) << key;
  }
}

// --- RocksDB's own -------------------------------------------------------------------------------

TEST(RocksStore, ASecondProcessIsToldThatItIsOpen) {
  Folder folder;
  const auto first = Rocks(folder.path());
  RocksOptions options;
  options.directory = folder.path();
  const auto second = OpenRocks(options);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(StatusCode::kUnavailable, second.status().code());
  EXPECT_NE(std::string::npos, second.status().message().find("another huitou has it open"));
}

TEST(RocksStore, AReaderSeesTheStoreOfARunningDaemon) {
  Folder folder;
  const auto writer = MustOpen(Rocks(folder.path()));
  Customer customer = Buyer("a", 3);
  ShardState state;
  CommitBatch batch;
  batch.state = &state;
  batch.customers = {&customer};
  ASSERT_TRUE(writer->Commit(0, &batch).ok());
  RocksOptions options;
  options.directory = folder.path();
  options.read_only = true;
  auto opened = OpenRocks(options);
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  const auto reader = MustOpen(*std::move(opened), 0);
  EXPECT_EQ(4, reader->shards());
  EXPECT_EQ(3u, (*reader->ReadCustomer(0, "a"))->activity.orders);
  options.directory = folder.path() + "/nowhere";
  EXPECT_EQ(StatusCode::kNotFound, OpenRocks(options).status().code());
}

TEST(RocksStore, OldLinesOfTheJournalLeaveTheDisk) {
  Folder folder;
  ManualClock clock(100 * kDayUs);
  RocksOptions options;
  options.directory = folder.path();
  options.clock = &clock;
  auto opened = *OpenRocks(options);
  KeyValue* const raw = opened.get();
  const auto store = MustOpen(std::move(opened));
  ShardState state;
  CommitBatch batch;
  batch.state = &state;
  batch.journal = {{"c1", {1, 1}, 0, 9 * kDayUs, "old"}, {"c1", {1, 1}, 1, 11 * kDayUs, "new"}};
  ASSERT_TRUE(store->Commit(0, &batch).ok());
  ASSERT_TRUE(CompactRocks(raw).ok());
  std::vector<std::string> lines;
  const auto take = [&lines](std::string_view /*key*/, std::string_view value) {
    lines.emplace_back(value.substr(8));
    return true;
  };
  ASSERT_TRUE(raw->Scan(Family::kJournal, {}, keys::End({}), take).ok());
  EXPECT_EQ(std::vector<std::string>{"new"}, lines);
}

TEST(RocksStore, ADamagedStoreIsNamed) {
  Folder folder;
  { const auto store = MustOpen(Rocks(folder.path())); }
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    if (entry.path().filename().string().starts_with("MANIFEST")) {
      std::ofstream(entry.path(), std::ios::binary | std::ios::trunc) << std::string(500, 'x');
    }
  }
  RocksOptions options;
  options.directory = folder.path();
  const auto opened = OpenRocks(options);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(StatusCode::kCorrupt, opened.status().code());
  EXPECT_NE(std::string::npos, opened.status().message().find("damaged"));
  EXPECT_NE(std::string::npos, opened.status().message().find(folder.path()));
}

TEST(RocksStore, AFullDiskRefusesAndResumesByItself) {
  Folder folder;
  if (mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=160m") != 0) {
    GTEST_SKIP() << "needs the right to mount a small tmpfs";
  }
  {
    const auto store = MustOpen(Rocks(folder.path() + "/state"));
    const std::string ballast = folder.path() + "/ballast";
    std::ofstream(ballast) << std::string(150 << 20, 'b');
    Customer customer = Buyer("a", 1);
    customer.MutableProfile().region = std::string(1 << 20, 'r');
    customer.profile_changed = true;
    ShardState state;
    Status status;
    uint64_t committed = 0;
    for (int i = 0; i < 100 && status.ok(); ++i) {
      CommitBatch batch;
      batch.state = &state;
      state.commit = committed + 1;
      batch.customers = {&customer};
      status = store->Commit(0, &batch);
      committed += status.ok() ? 1 : 0;
    }
    EXPECT_EQ(StatusCode::kExhausted, status.code()) << status.message();
    EXPECT_NE(std::string::npos, status.message().find("disk is full"));
    EXPECT_EQ(committed, store->ReadState(0)->commit);  // whole or not at all
    fs::remove(ballast);
    CommitBatch batch;
    batch.state = &state;
    batch.customers = {&customer};
    // RocksDB looks for room every five seconds, and wants as much as a memtable may take.
    for (int i = 0; i < 200 && !(status = store->Commit(0, &batch)).ok(); ++i) {
      EXPECT_EQ(StatusCode::kExhausted, status.code()) << status.message();
      usleep(100 * 1000);
    }
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(committed + 1, store->ReadState(0)->commit);
  }
  {
    const auto store = MustOpen(Rocks(folder.path() + "/state"));
    EXPECT_EQ(1u, (*store->ReadCustomer(0, "a"))->activity.orders);
  }
  umount(folder.path().c_str());
}

}  // namespace
}  // namespace huitou
