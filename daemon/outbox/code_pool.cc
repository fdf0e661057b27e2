#include "daemon/outbox/code_pool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "channels/answer.h"
#include "config/code_file.h"
#include "config/files.h"
#include "config/limits.h"
#include "daemon/outbox/limits.h"

namespace huitou {
namespace {

using channels::Outcome;

constexpr char kTab = '\t';
constexpr std::string_view kBookSuffix = ".given";

Status CannotUse(const std::string& path, const std::string& why) {
  return Status(StatusCode::kInvalid, "cannot use " + path + ": " + why);
}

// A record begins with a line end and ends with a tab, so that one that was cut off is neither
// taken for a whole one nor joined with the next.
std::string Record(std::initializer_list<std::string_view> fields) {
  std::string record = "\n";
  for (const std::string_view field : fields) {
    record.append(field).append(1, kTab);
  }
  return record;
}

std::vector<std::string_view> Fields(std::string_view record) {
  std::vector<std::string_view> fields;
  for (size_t tab = record.find(kTab); tab != std::string_view::npos; tab = record.find(kTab)) {
    fields.push_back(record.substr(0, tab));
    record.remove_prefix(tab + 1);
  }
  if (!record.empty()) {
    fields.clear();
  }
  return fields;
}

std::string ReadAll(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

std::string BootId() {
  std::string id = ReadAll("/proc/sys/kernel/random/boot_id");
  std::erase_if(id, [](char c) { return c == '\n' || c == kTab; });
  return id;
}

// --- one file -----------------------------------------------------------------------------------

Result<std::unique_ptr<CodePool>> CodePool::Open(const std::string& path,
                                                 const std::string& boot_id) {
  const std::string book = path + std::string(kBookSuffix);
  const int descriptor = open(book.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return CannotUse(book, std::strerror(errno));
  }
  std::unique_ptr<CodePool> pool(new CodePool(path, descriptor));
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    pool->boot_.clear();
    return CannotUse(book, "another daemon gives these codes");
  }
  Status status = pool->ReadBook(boot_id);
  if (status.ok()) {
    status = pool->ReadCodes(/*growing=*/false);
  }
  if (!status.ok()) {
    return status;
  }
  return pool;
}

CodePool::~CodePool() {
  if (!boot_.empty()) {
    (void)Write(Record({"end"}), true);
  }
  close(book_);
}

Status CodePool::ReadBook(const std::string& boot_id) {
  const std::string book = ReadAll(path_ + std::string(kBookSuffix));
  for (std::string_view rest = book; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    ReadRecord(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  ReadRecord("boot\t" + boot_id + "\t");
  open_.clear();  // the machine is the same, so nobody got them
  Status status = Write(Record({"boot", boot_id}), true);
  if (!status.ok()) {
    boot_.clear();
    return status;
  }
  // The book may be new: its folder must have it too.
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const int descriptor = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0) {
    fsync(descriptor);
    close(descriptor);
  }
  return Status::Ok();
}

void CodePool::ReadRecord(std::string_view record) {
  const std::vector<std::string_view> fields = Fields(record);
  if (fields.size() == 1 && fields[0] == "end") {
    open_.clear();
  } else if (fields.size() == 2 && fields[0] == "boot") {
    if (fields[1] != boot_) {
      passed_over_ += open_.size();
      known_.merge(open_);
      open_.clear();
    }
    boot_ = fields[1];
  } else if (fields.size() == 2 && fields[0] == "reserved") {
    open_.emplace(fields[1]);
  } else if (fields.size() == 3 && fields[0] == "given") {
    if (const auto found = open_.find(fields[1]); found != open_.end()) {
      open_.erase(found);
    }
    known_.emplace(fields[1]);
    given_[Id128::Parse(fields[2])] = fields[1];
  }
}

Status CodePool::ReadCodes(bool growing) {
  struct stat now = {};
  if (stat(path_.c_str(), &now) != 0) {
    return CannotUse(path_, std::strerror(errno));
  }
  const bool same = now.st_mtim.tv_sec == read_at_.tv_sec &&
                    now.st_mtim.tv_nsec == read_at_.tv_nsec && now.st_size == read_bytes_;
  if (same) {
    return Status::Ok();
  }
  if (now.st_size > config::limits::kCodeFileBytesMax) {
    return CannotUse(path_, "larger than 64 MB");
  }
  const std::string text = ReadAll(path_);
  const size_t ended = growing ? text.rfind('\n') + 1 : text.size();
  size_t wrong = 0;
  std::string what;
  std::vector<std::string_view> codes;
  config::EachCode(
      std::string_view(text).substr(0, ended),
      [&](size_t, std::string_view code) { codes.push_back(code); },
      [&](size_t line, std::string_view why) {
        if (wrong == 0) {
          wrong = line;
          what = why;
        }
      });
  read_at_ = now.st_mtim;
  read_bytes_ = now.st_size;
  if (wrong != 0) {
    return CannotUse(path_, "line " + std::to_string(wrong) + ": " + what);
  }
  for (const std::string_view code : codes) {
    if (known_.emplace(code).second) {
      free_.emplace_back(code);
    }
  }
  return Status::Ok();
}

Status CodePool::Refresh() {
  return ReadCodes(/*growing=*/true);
}

Result<std::optional<std::string>> CodePool::Take(const Id128& dispatch) {
  if (const auto known = given_.find(dispatch); known != given_.end()) {
    return std::optional<std::string>(known->second);
  }
  if (remaining() == 0) {
    (void)Refresh();  // somebody may have added some
  }
  if (remaining() == 0) {
    return std::optional<std::string>();
  }
  if (next_ == reserved_) {
    if (Status status = Reserve(); !status.ok()) {
      return status;
    }
  }
  const std::string& code = free_[next_];
  if (Status status = Write(Record({"given", code, dispatch.ToString()}), false); !status.ok()) {
    return status;
  }
  ++next_;
  given_[dispatch] = code;
  return std::optional<std::string>(code);
}

Status CodePool::Reserve() {
  const size_t until = std::min(next_ + outbox_limits::kPoolBlockCodes, free_.size());
  std::string records;
  for (size_t i = next_; i < until; ++i) {
    records += Record({"reserved", free_[i]});
  }
  Status status = Write(records, true);
  if (status.ok()) {
    reserved_ = until;
  }
  return status;
}

Status CodePool::Write(const std::string& records, bool sync) const {
  const ssize_t written = write(book_, records.data(), records.size());
  if (written != static_cast<ssize_t>(records.size()) || (sync && fdatasync(book_) != 0)) {
    return Status(StatusCode::kUnavailable, "cannot write " + path_ + std::string(kBookSuffix));
  }
  return Status::Ok();
}

// --- all pools ----------------------------------------------------------------------------------

Status CodePools::Use(const std::map<std::string, PoolFile>& files) {
  const std::lock_guard lock(files_mutex_);
  std::map<std::string, std::shared_ptr<CodePool>> open;  // by file
  for (const auto& [name, pool] : pools_) {
    open[config::CanonicalPath(pool.settings.file)] = pool.codes;
  }
  std::map<std::string, Pool> next;
  for (const auto& [name, settings] : files) {
    Pool& pool = next[name];
    pool.settings = settings;
    pool.codes = open[config::CanonicalPath(settings.file)];
    if (pool.codes == nullptr) {
      auto opened = CodePool::Open(settings.file, boot_id_);
      if (!opened.ok()) {
        return {opened.status().code(), "pool " + name + ": " + opened.status().message()};
      }
      pool.codes = *std::move(opened);
    }
    const auto before = pools_.find(name);
    if (before != pools_.end() && before->second.codes == pool.codes &&
        before->second.settings.low == settings.low) {
      pool.told = before->second.told;
    }
  }
  pools_ = std::move(next);
  const std::lock_guard counts_lock(counts_mutex_);
  std::erase_if(counts_, [this](const auto& count) { return !pools_.contains(count.first); });
  for (const auto& [name, pool] : pools_) {
    counts_[name].free = pool.codes->remaining();
  }
  return Status::Ok();
}

void CodePools::Refresh() {
  const std::lock_guard lock(files_mutex_);
  for (auto& [name, pool] : pools_) {
    const Status status = pool.codes->Refresh();
    pool.problem = status.ok() ? std::string() : status.message();
    CountFree(name, pool.codes->remaining());
  }
}

void CodePools::CountFree(const std::string& pool, size_t free) const {
  const std::lock_guard lock(counts_mutex_);
  counts_[pool].free = free;
}

channels::CouponProvider::Step CodePools::Issue(const channels::CouponRequest& request,
                                                const channels::EncodeContext& /*context*/) const {
  const std::lock_guard lock(files_mutex_);
  const auto pool = pools_.find(request.pool);
  if (pool == pools_.end()) {
    return channels::MakeOutcome(Outcome::Kind::kRejected, "no_stock");
  }
  Result<std::optional<std::string>> code = pool->second.codes->Take(request.dispatch);
  if (!code.ok()) {
    return channels::MakeOutcome(Outcome::Kind::kRetry, "unavailable");
  }
  {
    const std::lock_guard counts_lock(counts_mutex_);
    Count& count = counts_[request.pool];
    count.free = pool->second.codes->remaining();
    count.promised.erase(request.dispatch);
  }
  if (!*code) {
    return channels::MakeOutcome(Outcome::Kind::kRejected, "pool_empty");
  }
  return **std::move(code);
}

// Nothing is ever sent, so no answer can come.
channels::CouponOutcome CodePools::Decode(const channels::Answer& /*answer*/,
                                          TimeUs /*now*/) const {
  return {channels::MakeOutcome(Outcome::Kind::kUnknown, "bad_answer"), ""};
}

int64_t CodePools::Left(const std::string& pool) const {
  const std::lock_guard lock(counts_mutex_);
  const auto count = counts_.find(pool);
  return count == counts_.end() ? 0
                                : static_cast<int64_t>(count->second.free) -
                                      static_cast<int64_t>(count->second.promised.size());
}

void CodePools::Promise(const std::string& pool, const Id128& dispatch, uint16_t shard) {
  const std::lock_guard lock(counts_mutex_);
  if (const auto count = counts_.find(pool); count != counts_.end()) {
    count->second.promised[dispatch] = shard;
  }
}

void CodePools::Release(const std::string& pool, const Id128& dispatch) {
  const std::lock_guard lock(counts_mutex_);
  if (const auto count = counts_.find(pool); count != counts_.end()) {
    count->second.promised.erase(dispatch);
  }
}

void CodePools::ReleaseAll(uint16_t shard) {
  const std::lock_guard lock(counts_mutex_);
  for (auto& [pool, count] : counts_) {
    std::erase_if(count.promised, [&](const auto& promise) { return promise.second == shard; });
  }
}

std::map<std::string, CodePools::Level> CodePools::Levels() const {
  const std::lock_guard lock(files_mutex_);
  std::map<std::string, Level> levels;
  for (const auto& [name, pool] : pools_) {
    levels[name] = {pool.codes->remaining(), pool.settings.low};
  }
  return levels;
}

std::vector<CodePools::Warning> CodePools::TakeWarnings() {
  const std::lock_guard lock(files_mutex_);
  std::vector<Warning> warnings;
  for (auto& [name, pool] : pools_) {
    const size_t left = pool.codes->remaining();
    const bool low = static_cast<int64_t>(left) < pool.settings.low;
    const Told level = left == 0 ? Told::kEmpty : low ? Told::kLow : Told::kFull;
    if (level > pool.told) {
      warnings.push_back({name, left, ""});
    }
    pool.told = level;
    if (!pool.problem.empty() && pool.problem != pool.problem_told) {
      warnings.push_back({name, left, pool.problem});
    }
    pool.problem_told = pool.problem;
  }
  return warnings;
}

size_t CodePools::passed_over() const {
  const std::lock_guard lock(files_mutex_);
  size_t codes = 0;
  for (const auto& [name, pool] : pools_) {
    codes += pool.codes->passed_over();
  }
  return codes;
}

}  // namespace huitou
