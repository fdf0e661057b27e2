#include "daemon/app/mail_drop.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "channels/limits.h"

namespace huitou {
namespace {

namespace fs = std::filesystem;

// Bounces come minutes after the mail; a look at an empty folder costs some 20 us.
constexpr std::chrono::seconds kMailDropInterval(5);
// Files in one look, so that the end of the daemon waits for few: 1 ms each, most for the commit.
constexpr size_t kFilesMax = 1000;

std::string ReadStart(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(channels::limits::kMailReportBytesMax, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

Status Unavailable(const std::string& what, const std::error_code& error) {
  return {StatusCode::kUnavailable, what + ": " + error.message()};
}

}  // namespace

MailDrop::MailDrop(std::string directory, Take take, Tell tell)
    : directory_(std::move(directory)), take_(std::move(take)), tell_(std::move(tell)) {
}

MailDrop::~MailDrop() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  end_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void MailDrop::Start() {
  thread_ = std::thread([this] { Run(); });
}

void MailDrop::Run() {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    lock.unlock();
    if (const Status status = Look(); !status.ok()) {
      tell_(status.message());
    }
    lock.lock();
    end_.wait_for(lock, kMailDropInterval, [this] { return ended_; });
  }
}

Status MailDrop::Look() {
  const fs::path folder(directory_);
  std::error_code error;
  for (const char* name : {"new", "done", "bad"}) {
    fs::create_directories(folder / name, error);
    if (error) {
      return Unavailable("the folder of bounces", error);
    }
  }
  std::vector<fs::path> files;
  for (fs::directory_iterator at(folder / "new", error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_regular_file(error) && files.size() < kFilesMax) {
      files.push_back(at->path());
    }
  }
  if (error) {
    return Unavailable("the folder of bounces", error);
  }
  std::sort(files.begin(), files.end());  // Maildir names begin with the time
  size_t bad = 0;
  for (const fs::path& file : files) {
    const Fate fate = take_(ReadStart(file));
    if (fate == Fate::kLater) {
      return Status::Ok();
    }
    bad += fate == Fate::kBad ? 1 : 0;
    fs::rename(file, folder / (fate == Fate::kBad ? "bad" : "done") / file.filename(), error);
    if (error) {
      return Unavailable("a bounce cannot be moved", error);
    }
  }
  if (bad > 0) {
    tell_(std::to_string(bad) + " mails that are neither a bounce nor a complaint went to bad/");
  }
  return Status::Ok();
}

}  // namespace huitou
