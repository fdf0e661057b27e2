#include "daemon/state/decision_codec.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/state/sink_chunk.h"
#include "triggers/decision.h"

namespace huitou {
namespace {

Decision Entered() {
  Decision decision;
  decision.time = 1'770'000'000'000'000;
  decision.campaign = "winback";
  decision.customer = "c1";
  decision.episode = {7, 9};
  decision.clock = "women.clothing";
  decision.outcome = OutcomeKind::kEntered;
  decision.arm = "treated";
  return decision;
}

// A firing as campaigns have it, and behind it whatever a decision can hold.
std::vector<Decision> AllSorts() {
  std::vector<Decision> decisions(6, Entered());
  for (uint32_t seq = 0; seq < decisions.size(); ++seq) {
    decisions[seq].seq = seq;
  }
  decisions[1].outcome = OutcomeKind::kIssued;
  decisions[1].step = "big";
  decisions[1].coupon = "big";
  decisions[1].dispatch = {1, 2};
  decisions[1].amount = {5000, *Currency::Parse("CNY")};
  decisions[2].outcome = OutcomeKind::kDispatched;
  decisions[2].step = "m1";
  decisions[2].dispatch = {1, 3};
  decisions[2].channel = "sms";
  decisions[2].template_name = "winback";
  decisions[3].outcome = OutcomeKind::kDeferred;
  decisions[3].reason = "quiet_hours";
  decisions[3].until = decisions[3].time + 3'600'000'000;
  decisions[3].seq = 17;
  decisions[4].time = -1;
  decisions[4].campaign = "回头";
  decisions[4].episode = {};
  decisions[4].clock = "";
  decisions[4].arm = "";
  decisions[4].variant = "b";
  decisions[4].amount = {-5, {}};
  decisions[5].outcome = OutcomeKind::kFailed;
  return decisions;
}

std::vector<std::string> Formatted(const std::vector<Decision>& decisions) {
  std::vector<std::string> lines;
  for (const Decision& decision : decisions) {
    FormatDecision(decision, &lines.emplace_back());
  }
  return lines;
}

std::string Packed(const std::vector<Decision>& decisions) {
  std::string packed;
  PackDecisions(decisions, &packed);
  return packed;
}

TEST(DecisionCodec, WhatIsRenderedIsWhatWasDecided) {
  std::vector<std::string> lines;
  ASSERT_TRUE(RenderDecisions(Packed(AllSorts()), "c1", &lines).ok());
  EXPECT_EQ(Formatted(AllSorts()), lines);
}

TEST(DecisionCodec, AFiringTakesAFifthOfItsJson) {
  std::vector<Decision> firing = AllSorts();
  firing.resize(3);
  size_t json = 0;
  for (const std::string& line : Formatted(firing)) {
    json += line.size();
  }
  EXPECT_LT(Packed(firing).size(), json / 4);
}

TEST(DecisionCodec, BytesCutOffAnywhereAreRefusedOrHoldFewerDecisions) {
  const std::string packed = Packed(AllSorts());
  for (size_t length = 0; length < packed.size(); ++length) {
    size_t seen = 0;
    UnpackDecisions(packed.substr(0, length), "c1", [&seen](const Decision&) { ++seen; }).Ignore();
    EXPECT_LT(seen, AllSorts().size());
  }
  EXPECT_EQ(StatusCode::kCorrupt, UnpackDecisions("{}", "c1", [](const Decision&) {}).code());
}

TEST(DecisionCodec, TheJsonOfOlderStoresIsStillRead) {
  std::vector<std::string> lines;
  ASSERT_TRUE(RenderDecisions("{\"seq\":0}\n{\"seq\":1}", "c1", &lines).ok());
  EXPECT_EQ((std::vector<std::string>{"{\"seq\":0}", "{\"seq\":1}"}), lines);
}

// Bytes that were written once must be read for ever. HUITOU_WRITE_FIXTURES=1 writes new ones.
TEST(DecisionCodec, TheFirstFormatIsStillRead) {
  const std::string path = std::string(HUITOU_SOURCE_DIR) + "/tests/state/fixtures/decisions-1.bin";
  if (std::getenv("HUITOU_WRITE_FIXTURES") != nullptr && !std::filesystem::exists(path)) {
    std::ofstream(path, std::ios::binary) << Packed(AllSorts());
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  std::vector<std::string> lines;
  ASSERT_TRUE(RenderDecisions(bytes.str(), "c1", &lines).ok());
  EXPECT_EQ(Formatted(AllSorts()), lines);
}

TEST(SinkChunk, ItsRecordsHaveTheSequencesUpToItsOwn) {
  SinkChunk chunk;
  EXPECT_TRUE(chunk.empty());
  chunk.Add("c1", "one");
  chunk.Add("", "");  // erased
  chunk.Add("c2", "three");
  std::vector<SinkView> views;
  ASSERT_TRUE(ReadSinkChunk(chunk.bytes(), 9, &views).ok());
  ASSERT_EQ(3u, views.size());
  EXPECT_EQ(7u, views[0].sequence);
  EXPECT_EQ("c1", views[0].key);
  EXPECT_EQ("one", views[0].value);
  EXPECT_EQ(9u, views[2].sequence);
  EXPECT_FALSE(ReadSinkChunk(chunk.bytes(), 2, &views).ok());
  EXPECT_FALSE(ReadSinkChunk(chunk.bytes().substr(0, 8), 9, &views).ok());
}

TEST(SinkChunk, ARecordOfAnOlderStoreIsAChunkOfOne) {
  std::vector<SinkView> views;
  ASSERT_TRUE(ReadSinkChunk("\x02"
                            "c1{\"seq\":0}",
                            5, &views)
                  .ok());
  ASSERT_TRUE(ReadSinkChunk(std::string_view("\0{}", 3), 6, &views).ok());
  ASSERT_EQ(2u, views.size());
  EXPECT_EQ("c1", views[0].key);
  EXPECT_EQ("{\"seq\":0}", views[0].value);
  EXPECT_EQ(6u, views[1].sequence);
  EXPECT_EQ("{}", views[1].value);
}

}  // namespace
}  // namespace huitou
