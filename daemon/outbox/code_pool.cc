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
#include "daemon/outbox/limits.h"

namespace huitou {
namespace {

using channels::Outcome;

constexpr char kTab = '\t';
constexpr std::string_view kSuffix = ".csv";
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

bool IsCode(std::string_view code) {
  return code.size() <= outbox_limits::kPoolCodeBytesMax &&
         std::all_of(code.begin(), code.end(), [](char c) {
           return static_cast<unsigned char>(c) > ' ' && c != '\x7F' && c != ',' && c != '"';
         });
}

std::string ReadAll(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

template <typename Take>
void EachLine(std::string_view text, Take take) {
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    take(number, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
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
    status = pool->ReadCodes();
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
  EachLine(ReadAll(path_ + std::string(kBookSuffix)),
           [this](size_t, std::string_view record) { ReadRecord(record); });
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

Status CodePool::ReadCodes() {
  struct stat now = {};
  if (stat(path_.c_str(), &now) != 0) {
    return CannotUse(path_, std::strerror(errno));
  }
  const bool same =
      now.st_mtim.tv_sec == read_at_.tv_sec && now.st_mtim.tv_nsec == read_at_.tv_nsec;
  if (same) {
    return Status::Ok();
  }
  if (now.st_size > outbox_limits::kPoolFileBytesMax) {
    return CannotUse(path_, "larger than 64 MB");
  }
  size_t wrong = 0;
  std::vector<std::string> fresh;
  EachLine(ReadAll(path_), [&](size_t number, std::string_view line) {
    if (!line.empty() && line.back() == '\r') {
      line.remove_suffix(1);
    }
    if (!IsCode(line)) {
      wrong = wrong == 0 ? number : wrong;
    } else if (!line.empty()) {
      fresh.emplace_back(line);
    }
  });
  if (wrong != 0) {
    return CannotUse(path_, "line " + std::to_string(wrong) + " is not one code without blanks");
  }
  for (std::string& code : fresh) {
    if (known_.insert(code).second) {
      free_.push_back(std::move(code));
    }
  }
  read_at_ = now.st_mtim;
  return Status::Ok();
}

Result<std::optional<std::string>> CodePool::Take(const Id128& dispatch) {
  if (const auto known = given_.find(dispatch); known != given_.end()) {
    return std::optional<std::string>(known->second);
  }
  if (remaining() == 0) {
    (void)ReadCodes();  // somebody may have added some
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

// --- all files ----------------------------------------------------------------------------------

Result<std::shared_ptr<CodePools>> CodePools::Open(const std::string& folder, size_t low,
                                                   const std::string& boot_id) {
  std::shared_ptr<CodePools> pools(new CodePools(low));
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(folder, error)) {
    const std::filesystem::path& path = file.path();
    if (path.extension() != kSuffix) {
      continue;
    }
    Result<std::unique_ptr<CodePool>> pool = CodePool::Open(path.string(), boot_id);
    if (!pool.ok()) {
      return pool.status();
    }
    pools->pools_[path.stem().string()].pool = *std::move(pool);
  }
  if (error) {
    return CannotUse(folder, error.message());
  }
  return pools;
}

channels::CouponProvider::Step CodePools::Issue(const channels::CouponRequest& request,
                                                const channels::EncodeContext& /*context*/) const {
  const std::lock_guard lock(mutex_);
  const auto pool = pools_.find(request.coupon);
  if (pool == pools_.end()) {
    return channels::MakeOutcome(Outcome::Kind::kRejected, "no_stock");
  }
  Result<std::optional<std::string>> code = pool->second.pool->Take(request.dispatch);
  if (!code.ok()) {
    return channels::MakeOutcome(Outcome::Kind::kRetry, "unavailable");
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

std::map<std::string, size_t> CodePools::Remaining() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, size_t> remaining;
  for (const auto& [name, pool] : pools_) {
    remaining[name] = pool.pool->remaining();
  }
  return remaining;
}

std::vector<CodePools::Warning> CodePools::TakeWarnings() const {
  const std::lock_guard lock(mutex_);
  std::vector<Warning> warnings;
  for (const auto& [name, known] : pools_) {
    const size_t left = known.pool->remaining();
    const Level level = left == 0 ? Level::kEmpty : left < low_ ? Level::kLow : Level::kFull;
    if (level > known.told) {
      warnings.push_back({name, left});
    }
    known.told = level;
  }
  return warnings;
}

size_t CodePools::passed_over() const {
  const std::lock_guard lock(mutex_);
  size_t codes = 0;
  for (const auto& [name, known] : pools_) {
    codes += known.pool->passed_over();
  }
  return codes;
}

}  // namespace huitou
