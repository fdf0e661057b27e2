#include "daemon/state/record_codec.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

namespace huitou {
namespace {

Id128 Id(uint64_t low) {
  return {0xABCDEF, low};
}

Money Yuan(int64_t minor) {
  return {minor, *Currency::Parse("CNY")};
}

Episode RichEpisode() {
  cel::Arena arena;
  const cel::Value list =
      cel::MakeList({cel::Value::Int(-3), cel::Value::String("回头"), cel::Value::Null()}, arena);
  const cel::Value attributes =
      cel::MakeMap({{cel::Value::String("gift"), cel::Value::Bool(true)},
                    {cel::Value::String("list"), list},
                    {cel::Value::String("weight"), cel::Value::Double(1.5)}},
                   arena);
  const OrderItem items[] = {{"s1", "women.clothing", 2, 12'950, attributes}};
  Order order{"o1", *Currency::Parse("CNY"), 25'900, items, cel::Value::Null()};
  Event event;
  event.id = "e1";
  event.type = "order.paid";
  event.time = 1'770'000'000'123'456;
  event.customer.id = "c1";
  event.customer.locale = "zh-CN";
  event.order = &order;
  event.attributes = attributes;

  Episode episode;
  episode.id = Id(1);
  episode.campaign = 5;
  episode.version = 0xF000000000000001;
  episode.state = Episode::State::kWaiting;
  episode.converted = true;
  episode.clock = 9;
  episode.key = 77;
  episode.triggered_at = 10;
  episode.entered_at = 20;
  episode.due = 30;
  episode.armed = 30;
  episode.goal_until = 40;
  episode.cursor = 3;
  episode.seq = 4;
  episode.variant = 1;
  episode.trigger = std::make_shared<OwnedEvent>(event);
  episode.coupons = {{0, Id(2), Yuan(5000), 20, 50, "ABC", true, false}};
  episode.messages = {{1, Id(3), SentMessage::Status::kDelivered, true}};
  return episode;
}

OutboxRecord RichRecord() {
  OutboxRecord record;
  record.dispatch.id = Id(4);
  record.dispatch.episode = Id(1);
  record.dispatch.customer = "c1";
  record.dispatch.campaign = "winback";
  record.dispatch.version = 3;
  record.dispatch.step = "m1";
  record.dispatch.time = 99;
  record.dispatch.message_class = MessageClass::kTransactional;
  record.dispatch.template_name = "thanks";
  record.dispatch.locale = "zh-CN";
  record.dispatch.via = {"wechat", "sms"};
  record.dispatch.wait_receipt = 600 * kSecondUs;
  record.dispatch.variables = {{"name", "王"}};
  record.dispatch.value = Yuan(5000);
  record.state = OutboxRecord::State::kUnknown;
  record.channel_index = 1;
  record.attempts = 2;
  record.not_before = 1000;
  record.give_up_at = 2000;
  record.provider_message_id = "p-1";
  return record;
}

Profile RichProfile() {
  Profile profile;
  profile.phone = "+8613800000000";
  profile.email = "a@example.com";
  profile.locale = "zh-CN";
  profile.birthday = "1990-05-01";
  profile.tags = {"a", "b"};
  profile.attributes = {{"age", Attribute::Kind::kInt, "", 31, 0},
                        {"score", Attribute::Kind::kDouble, "", 0, 0.25}};
  profile.consents = {{4, MessageClass::kMarketing, true, 3, "winback"}};
  profile.suppressions = {{4, "bounce"}};
  profile.fingerprint = 12;
  profile.fingerprint_time = 13;
  return profile;
}

ShardState RichState() {
  ShardState state;
  state.owner_epoch = 3;
  state.commit = 99;
  state.frontier = kTimeMin;
  state.timer_cursor = std::string("\0\1x", 3);
  state.timers = 17;
  state.sinks_written = {5, 6, 7};
  state.sinks_delivered = {4, 5, 6};
  state.inputs = {{"shop/orders", 42, 1000, 900}, {"api", -1, kTimeMin, kTimeMin}};
  CampaignTally& tally = state.tallies[2];
  tally.candidates = 10;
  tally.entered = 4;
  tally.rejected = 3;
  tally.exited = 1;
  tally.completed = 1;
  tally.pending = 3;
  tally.waiting = 2;
  state.open_versions[7] = 5;
  state.outbox_depth["sms"] = 2;
  return state;
}

// With what came later.
ShardState RicherState() {
  ShardState state = RichState();
  CampaignTally& tally = state.tallies[2];
  tally.holdout = 2;
  tally.treated_converted = 3;
  tally.holdout_converted = 1;
  tally.money_minor = {{"CNY", 123450}, {"JPY", 7}};
  return state;
}

LedgerEntry RichEntry() {
  LedgerEntry entry;
  entry.dispatch = Id(2);
  entry.episode = Id(1);
  entry.campaign = "winback";
  entry.coupon = "big";
  entry.code = "ABC";
  entry.value = Yuan(5000);
  entry.time = 20;
  entry.expires_at = 50;
  return entry;
}

LogAppend RichLogRecord() {
  return {"c1", R"({"id":"e1"})", {{"ce_type", "order.paid"}, {"ce_id", "e1"}}};
}

// What `bytes` mean, written again by today's code; "" where they cannot be read.
template <typename Record>
std::string Again(std::string_view bytes, Status (*decode)(std::string_view, Record*),
                  std::string (*encode)(const Record&)) {
  Record read;
  return decode(bytes, &read).ok() ? encode(read) : "";
}

std::string LogRecordAgain(std::string_view bytes) {
  LogRecord read;
  return DecodeLogRecord(bytes, &read).ok()
             ? EncodeLogRecord({read.key, read.payload, read.headers})
             : "";
}

TEST(RecordCodec, AnEpisodeComesBackWithTheEventThatBeganIt) {
  const std::string bytes = EncodeEpisodes({RichEpisode()});
  std::vector<Episode> read;
  ASSERT_TRUE(DecodeEpisodes(bytes, &read).ok());
  ASSERT_EQ(1u, read.size());
  EXPECT_EQ(bytes, EncodeEpisodes(read));
  const Event& event = read[0].trigger->event();
  EXPECT_EQ("order.paid", event.type);
  ASSERT_NE(nullptr, event.order);
  EXPECT_EQ("women.clothing", event.order->items[0].category);
  EXPECT_EQ(R"({"gift":true,"list":[-3,"回头",null],"weight":1.5})", cel::ToJson(event.attributes));
  EXPECT_EQ("ABC", read[0].coupons[0].code);
  EXPECT_EQ(SentMessage::Status::kDelivered, read[0].messages[0].status);
}

TEST(RecordCodec, ACandidateComesBackWithWhatItHeardEarlyAndTheAmountOfItsCoupon) {
  const CouponReference coupon{"K7", "d1", 550, *Currency::Parse("JPY")};
  Event event;
  event.type = "coupon.redeemed";
  event.coupon = &coupon;
  Episode episode;
  episode.trigger = std::make_shared<OwnedEvent>(event);
  episode.early = {{40, false, true, Yuan(9900)}, {50, true, false, {}}};
  std::vector<Episode> read;
  ASSERT_TRUE(DecodeEpisodes(EncodeEpisodes({episode}), &read).ok());
  ASSERT_EQ(1u, read.size());
  ASSERT_EQ(2u, read[0].early.size());
  EXPECT_EQ(40, read[0].early[0].time);
  EXPECT_TRUE(read[0].early[0].is_goal);
  EXPECT_EQ(Yuan(9900), read[0].early[0].amount);
  EXPECT_TRUE(read[0].early[1].exits);
  EXPECT_EQ(550, read[0].trigger->event().coupon->amount_minor);
  EXPECT_EQ("JPY", read[0].trigger->event().coupon->currency.code());
}

TEST(RecordCodec, AnOutboxRecordComesBack) {
  const std::string bytes = EncodeOutboxRecord(RichRecord());
  OutboxRecord read;
  ASSERT_TRUE(DecodeOutboxRecord(bytes, &read).ok());
  EXPECT_EQ(bytes, EncodeOutboxRecord(read));
  EXPECT_EQ("sms", read.channel());
  EXPECT_EQ(Id(4), read.dispatch.id);
}

TEST(RecordCodec, AProfileComesBack) {
  const std::string bytes = EncodeProfile(RichProfile());
  Profile read;
  ASSERT_TRUE(DecodeProfile(bytes, &read).ok());
  EXPECT_EQ(bytes, EncodeProfile(read));
  EXPECT_EQ(3, read.consents[0].credits);
}

TEST(RecordCodec, OneTimeConsentsAndWhatMayHaveBeenSentComeBack) {
  Profile profile = RichProfile();
  profile.consents[0].held = 2;
  Profile read_profile;
  ASSERT_TRUE(DecodeProfile(EncodeProfile(profile), &read_profile).ok());
  EXPECT_EQ(2, read_profile.consents[0].held);
  OutboxRecord record = RichRecord();
  record.may_be_sent = true;
  record.sent_at = 77;
  record.queries = 2;
  record.dispatch.holds_credit = true;
  OutboxRecord read_record;
  ASSERT_TRUE(DecodeOutboxRecord(EncodeOutboxRecord(record), &read_record).ok());
  EXPECT_TRUE(read_record.may_be_sent);
  EXPECT_EQ(read_record.sent_at, 77);
  EXPECT_EQ(read_record.queries, 2U);
  EXPECT_TRUE(read_record.dispatch.holds_credit);
  std::vector<Episode> episodes;
  episodes.push_back(RichEpisode());
  episodes[0].coupons[0].used_at = 44;
  episodes[0].coupons[0].used_for = 0xFEDCBA9876543210;
  episodes[0].messages[0].status = SentMessage::Status::kAwaitingReceipt;
  std::vector<Episode> read_episodes;
  ASSERT_TRUE(DecodeEpisodes(EncodeEpisodes(episodes), &read_episodes).ok());
  EXPECT_EQ(44, read_episodes[0].coupons[0].used_at);
  EXPECT_EQ(0xFEDCBA9876543210, read_episodes[0].coupons[0].used_for);
  EXPECT_EQ(SentMessage::Status::kAwaitingReceipt, read_episodes[0].messages[0].status);
}

TEST(RecordCodec, TheDepthsOfAnEarlierVersionAreNotBelieved) {
  ShardState read;
  ASSERT_TRUE(DecodeShardState(EncodeShardState(RichState()), &read).ok());
  EXPECT_TRUE(read.outbox_counted);
  std::ifstream file(HUITOU_SOURCE_DIR "/tests/state/fixtures/shard-state-2.bin", std::ios::binary);
  std::stringstream earlier;
  earlier << file.rdbuf();
  read = {};
  ASSERT_TRUE(DecodeShardState(earlier.str(), &read).ok());
  EXPECT_FALSE(read.outbox_counted);
}

TEST(RecordCodec, AShardStateComesBack) {
  const std::string bytes = EncodeShardState(RicherState());
  ShardState read;
  ASSERT_TRUE(DecodeShardState(bytes, &read).ok());
  EXPECT_EQ(bytes, EncodeShardState(read));
  EXPECT_EQ(kTimeMin, read.frontier);
  EXPECT_EQ(42, read.inputs[0].next_offset);
  EXPECT_EQ(RicherState().tallies, read.tallies);
}

TEST(RecordCodec, ALedgerEntryAndALogRecordComeBack) {
  LedgerEntry entry;
  ASSERT_TRUE(DecodeLedgerEntry(EncodeLedgerEntry(RichEntry()), &entry).ok());
  EXPECT_EQ(5000, entry.value.minor);
  EXPECT_EQ("ABC", entry.code);
  LogRecord record;
  ASSERT_TRUE(DecodeLogRecord(EncodeLogRecord(RichLogRecord()), &record).ok());
  EXPECT_EQ("c1", record.key);
  EXPECT_EQ(RichLogRecord().headers, record.headers);
}

TEST(RecordCodec, NumbersThatNameNothingAreRefused) {
  OutboxRecord record = RichRecord();
  record.channel_index = 0;
  record.dispatch.via.clear();
  OutboxRecord read;
  EXPECT_EQ(StatusCode::kCorrupt, DecodeOutboxRecord(EncodeOutboxRecord(record), &read).code());
  EXPECT_EQ(StatusCode::kCorrupt, DecodeOutboxRecord("\xFF\xFF\xFF", &read).code());
}

// What earlier versions wrote stays readable for ever: the files are never written again.
TEST(RecordCodec, FixturesAreRead) {
  const std::string folder = HUITOU_SOURCE_DIR "/tests/state/fixtures/";
  struct Fixture {
    std::string name;
    std::string now;
    std::function<std::string(std::string_view)> again;
  };
  const Fixture fixtures[] = {
      {"episodes-1.bin", EncodeEpisodes({RichEpisode()}),
       [](std::string_view bytes) { return Again(bytes, DecodeEpisodes, EncodeEpisodes); }},
      {"outbox-1.bin", EncodeOutboxRecord(RichRecord()),
       [](std::string_view bytes) { return Again(bytes, DecodeOutboxRecord, EncodeOutboxRecord); }},
      {"profile-1.bin", EncodeProfile(RichProfile()),
       [](std::string_view bytes) { return Again(bytes, DecodeProfile, EncodeProfile); }},
      {"shard-state-1.bin", EncodeShardState(RichState()),
       [](std::string_view bytes) { return Again(bytes, DecodeShardState, EncodeShardState); }},
      {"shard-state-2.bin", EncodeShardState(RicherState()),
       [](std::string_view bytes) { return Again(bytes, DecodeShardState, EncodeShardState); }},
      {"ledger-1.bin", EncodeLedgerEntry(RichEntry()),
       [](std::string_view bytes) { return Again(bytes, DecodeLedgerEntry, EncodeLedgerEntry); }},
      {"log-1.bin", EncodeLogRecord(RichLogRecord()), LogRecordAgain}};
  for (const Fixture& fixture : fixtures) {
    const std::string path = folder + fixture.name;
    if (std::getenv("HUITOU_WRITE_FIXTURES") != nullptr && !std::filesystem::exists(path)) {
      std::ofstream(path, std::ios::binary) << fixture.now;
    }
    std::ifstream file(path, std::ios::binary);
    ASSERT_TRUE(file) << path;
    std::stringstream bytes;
    bytes << file.rdbuf();
    EXPECT_EQ(fixture.now, fixture.again(bytes.str())) << fixture.name;
  }
}

}  // namespace
}  // namespace huitou
