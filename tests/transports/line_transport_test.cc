#include "daemon/transports/line_transport.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/transports/transports.h"
#include "tests/transports/support.h"

namespace huitou {
namespace {

using channels::Line;

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(LineTransport, AppendsWholeLinesInTheOrderOfTheCalls) {
  const TemporaryDirectory directory;
  const std::string path = directory / "new/folders/outbox.jsonl";
  std::string expected;
  LineTransport transport;
  for (int i = 0; i < 1'000; ++i) {
    expected += "回头 " + std::to_string(i) + "\n";
    if (i < 999) {
      transport.Send(Line{path, "回头 " + std::to_string(i)}, kSecondUs, [](channels::Answer) {});
    }
  }
  EXPECT_EQ(Say(Call(&transport, Line{path, "回头 999"})), "written");
  EXPECT_EQ(Contents(path), expected);
  LineTransport another;
  EXPECT_EQ(Say(Call(&another, Line{path, "more"})), "written");
  EXPECT_EQ(Contents(path), expected + "more\n");
}

TEST(LineTransport, GoesOnInANewFileAfterRotation) {
  const TemporaryDirectory directory;
  const std::string path = directory / "outbox.jsonl";
  LineTransport transport;
  EXPECT_EQ(Say(Call(&transport, Line{path, "one"})), "written");
  std::filesystem::rename(path, path + ".1");
  EXPECT_EQ(Say(Call(&transport, Line{path, "two"})), "written");
  EXPECT_EQ(Contents(path), "two\n");
}

TEST(LineTransport, WhatCannotBeWrittenIsNotSent) {
  const TemporaryDirectory directory;
  LineTransport transport;
  EXPECT_EQ(Say(Call(&transport, Line{directory / "", "x"})), "not sent") << "a directory";
  EXPECT_EQ(Say(Call(&transport, Line{"/dev/full", "x"})), "not sent") << "a full disk";
  EXPECT_EQ(Say(Call(&transport, Line{"/proc/none/such", "x"})), "not sent");
}

TEST(Transports, SendEachRequestItsOwnWay) {
  const TemporaryDirectory directory;
  Transports transports;
  const std::string path = directory / "lines";
  EXPECT_EQ(Say(Call(&transports, Line{path, "x"})), "written");
  EXPECT_EQ(Contents(path), "x\n");
  channels::HttpRequest http;
  http.url = "nonsense://";
  EXPECT_EQ(Say(Call(&transports, http)), "not sent");
  EXPECT_EQ(Say(Call(&transports, channels::Mail())), "553");
}

}  // namespace
}  // namespace huitou
