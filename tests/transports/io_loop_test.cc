#include "daemon/transports/io_loop.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <future>
#include <vector>

namespace huitou {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);

TEST(IoLoop, RunsWorkInTheOrderOfTheCalls) {
  std::vector<int> seen;
  std::promise<void> done;
  IoLoop loop;
  for (int i = 0; i < 1'000; ++i) {
    loop.Post([&seen, i] { seen.push_back(i); });
  }
  loop.Post([&done] { done.set_value(); });
  ASSERT_EQ(done.get_future().wait_for(kPatience), std::future_status::ready);
  ASSERT_EQ(seen.size(), 1'000u);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(seen[i], i);
  }
}

TEST(IoLoop, RunsWorkAfterADelay) {
  std::promise<void> done;
  IoLoop loop;
  loop.PostAfter(1'000, [&done] { done.set_value(); });
  EXPECT_EQ(done.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST(IoLoop, DropsWorkOnceStopped) {
  bool ran = false;
  IoLoop loop;
  loop.PostAfter(kHourUs, [&ran] { ran = true; });
  loop.Stop();
  loop.Post([&ran] { ran = true; });
  loop.Stop();
  EXPECT_FALSE(ran);
}

TEST(IoLoop, ABrokenPipeIsAnErrorAndNotTheEnd) {
  std::promise<void> done;
  IoLoop loop;
  loop.Post([&done] {
    ::raise(SIGPIPE);
    done.set_value();
  });
  EXPECT_EQ(done.get_future().wait_for(kPatience), std::future_status::ready);
}

}  // namespace
}  // namespace huitou
