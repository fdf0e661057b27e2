// A Maildir in which bounces and complaints arrive. Each file in its new/ is read by the channel
// and moved: to done/ when it was understood and is durable, to bad/ when it is no such mail; it
// stays where it is while its news cannot be taken. A mail server puts files there by renaming
// them, so that what is there is whole.
//
// A thread of its own looks every kMailDropInterval.
//
// Example:
//   MailDrop drop("/var/mail/bounces", [&](std::string_view mail) { return Take(mail); });
//   drop.Start();
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "triggers/base/status.h"

namespace huitou {

class MailDrop {
 public:
  enum class Fate : uint8_t { kTaken, kBad, kLater };
  using Take = std::function<Fate(std::string_view mail)>;
  // What went wrong with the folder, or how many files were bad; without names, which are senders'.
  using Tell = std::function<void(const std::string& message)>;

  MailDrop(std::string directory, Take take, Tell tell);
  // Ends the thread.
  ~MailDrop();
  MailDrop(const MailDrop&) = delete;
  MailDrop& operator=(const MailDrop&) = delete;

  void Start();
  // Looks once; on the thread, or in a test on its own.
  Status Look();

 private:
  void Run();

  const std::string directory_;
  const Take take_;
  const Tell tell_;
  std::mutex mutex_;
  std::condition_variable end_;
  bool ended_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace huitou
