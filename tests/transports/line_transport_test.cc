#include "daemon/transports/line_transport.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/transports/transports.h"
#include "tests/transports/support.h"

namespace {
std::atomic<int> files_synced = 0;
std::atomic<bool> disk_fails = false;
}  // namespace

// In place of the C library's.
extern "C" int fdatasync(int descriptor) {
  struct stat state {};
  if (fstat(descriptor, &state) == 0 && S_ISREG(state.st_mode)) {
    ++files_synced;
    if (disk_fails) {
      errno = EIO;
      return -1;
    }
  }
  return static_cast<int>(syscall(SYS_fdatasync, descriptor));
}

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

TEST(LineTransport, WhatIsAnsweredIsOnTheDiskAndOneSyncServesAllThatWait) {
  const TemporaryDirectory directory;
  const std::string path = directory / "outbox.jsonl";
  LineTransport transport;
  std::promise<void> first_is_answered;
  std::promise<void> all_are_waiting;
  files_synced = 0;
  transport.Send(Line{path, "one"}, kSecondUs, [&](channels::Answer) {
    EXPECT_EQ(files_synced, 1);
    first_is_answered.set_value();
    all_are_waiting.get_future().wait();
  });
  first_is_answered.get_future().wait();
  for (int i = 0; i < 98; ++i) {
    transport.Send(Line{path, "more"}, kSecondUs,
                   [](channels::Answer) { EXPECT_EQ(files_synced, 2); });
  }
  std::promise<void> last;
  transport.Send(Line{path, "last"}, kSecondUs, [&](channels::Answer) { last.set_value(); });
  all_are_waiting.set_value();
  last.get_future().wait();
  EXPECT_EQ(files_synced, 2);
  disk_fails = true;
  EXPECT_EQ(Say(Call(&transport, Line{path, "x"})), "ambiguous");
  disk_fails = false;
  LineTransport without_sync(false);
  files_synced = 0;
  EXPECT_EQ(Say(Call(&without_sync, Line{path, "x"})), "written");
  EXPECT_EQ(files_synced, 0);
}

// A FIFO with a reader that does not read, and no room for one line more.
class FullFifo {
 public:
  explicit FullFifo(std::string path) : path_(std::move(path)) {
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
    reader_ = open(path_.c_str(), O_RDONLY | O_NONBLOCK);
    const int writer = open(path_.c_str(), O_WRONLY | O_NONBLOCK);
    while (write(writer, "x", 1) == 1) {
    }
    close(writer);
  }
  ~FullFifo() { close(reader_); }

  const std::string& path() const { return path_; }
  std::string Drain() const {
    std::string text;
    char data[4096];
    for (ssize_t count = 0; (count = read(reader_, data, sizeof data)) > 0;) {
      text.append(data, static_cast<size_t>(count));
    }
    return text.substr(std::min(text.find_first_not_of('x'), text.size()));
  }

 private:
  const std::string path_;
  int reader_ = -1;
};

TEST(LineTransport, AReaderThatDoesNotReadIsWaitedForAndNotForEver) {
  const TemporaryDirectory directory;
  const FullFifo fifo(directory / "fifo");
  LineTransport transport;
  EXPECT_EQ(Say(Call(&transport, Line{fifo.path(), "dropped"}, 1000)), "not sent");
  EXPECT_EQ(Say(Call(&transport, Line{directory / "file", "x"})), "written");
  std::future<channels::Answer> answer = std::async(std::launch::async, [&] {
    return Call(&transport, Line{fifo.path(), "for a reader who is late"}, kDayUs);
  });
  std::string read;
  while (read.empty()) {
    read = fifo.Drain();
  }
  EXPECT_EQ(Say(answer.get()), "written");
  EXPECT_EQ(read, "for a reader who is late\n");
}

TEST(LineTransport, EndsThoughNobodyReads) {
  const TemporaryDirectory directory;
  const FullFifo fifo(directory / "fifo");
  LineTransport transport;
  for (int i = 0; i < 10; ++i) {
    transport.Send(Line{fifo.path(), "x"}, kDayUs, [](channels::Answer) {});
  }
}

TEST(LineTransport, AFifoWithoutAReaderIsNotWaitedFor) {
  const TemporaryDirectory directory;
  ASSERT_EQ(mkfifo((directory / "fifo").c_str(), 0600), 0);
  LineTransport transport;
  EXPECT_EQ(Say(Call(&transport, Line{directory / "fifo", "x"}, kDayUs)), "not sent");
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
