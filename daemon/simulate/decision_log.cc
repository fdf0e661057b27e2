#include "daemon/simulate/decision_log.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <tuple>

#include "triggers/base/check.h"

namespace huitou {

namespace {

constexpr size_t kChunkBytes = size_t{1} << 18;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::string ToHex(const unsigned char* bytes, unsigned size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex.push_back(kDigits[bytes[i] >> 4]);
    hex.push_back(kDigits[bytes[i] & 15]);
  }
  return hex;
}

}  // namespace

uint16_t DecisionLog::Number(std::string_view name) {
  if (name.empty()) {
    return 0;
  }
  Known& known = known_[(reinterpret_cast<uintptr_t>(name.data()) >> 3) % known_.size()];
  if (known.data == name.data() && known.size == name.size()) {
    return known.number;
  }
  auto found = numbers_.find(name);
  if (found == numbers_.end()) {
    CHECK(names_.size() < UINT16_MAX);
    found = numbers_.emplace(name, static_cast<uint16_t>(names_.size())).first;
    names_.push_back(name);
  }
  known = {name.data(), name.size(), found->second};
  return found->second;
}

void DecisionLog::Add(const Decision& decision) {
  const int64_t hour = decision.time / kHourUs;
  if (hour != last_hour_) {
    last_hour_ = hour;
    last_lines_ = &hours_[hour];
  }
  last_lines_->push_back({decision.time, decision.until, decision.episode, decision.dispatch,
                          decision.amount.minor, decision.customer, decision.seq,
                          Number(decision.campaign), Number(decision.clock),
                          Number(decision.reason), Number(decision.step), Number(decision.channel),
                          Number(decision.template_name), Number(decision.variant),
                          decision.outcome, static_cast<uint8_t>(Number(decision.arm)),
                          !decision.coupon.empty(), decision.amount.currency});
}

Decision DecisionLog::Expand(const Line& line) const {
  Decision decision;
  decision.time = line.time;
  decision.campaign = names_[line.campaign];
  decision.customer = line.customer;
  decision.episode = line.episode;
  decision.seq = line.seq;
  decision.clock = names_[line.clock];
  decision.outcome = line.outcome;
  decision.reason = names_[line.reason];
  decision.step = names_[line.step];
  decision.dispatch = line.dispatch;
  decision.channel = names_[line.channel];
  decision.template_name = names_[line.template_name];
  decision.coupon = line.has_coupon ? decision.step : std::string_view();
  decision.amount = {line.amount_minor, line.currency};
  decision.arm = names_[line.arm];
  decision.variant = names_[line.variant];
  decision.until = line.until;
  return decision;
}

Result<std::string> DecisionLog::Finish(const std::string& path) {
  std::unique_ptr<std::FILE, FileCloser> file;
  if (!path.empty()) {
    file.reset(std::fopen(path.c_str(), "wb"));
    if (file == nullptr) {
      return Status(StatusCode::kUnavailable,
                    path + ": cannot be written: " + std::strerror(errno));
    }
  }
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(),
                                                                       &EVP_MD_CTX_free);
  CHECK(EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) == 1);
  std::string chunk;
  chunk.reserve(kChunkBytes + 4096);
  bool written = true;
  const auto flush = [&] {
    EVP_DigestUpdate(digest.get(), chunk.data(), chunk.size());
    written = written && (file == nullptr ||
                          std::fwrite(chunk.data(), 1, chunk.size(), file.get()) == chunk.size());
    chunk.clear();
  };
  while (!hours_.empty()) {
    auto& lines = hours_.begin()->second;
    const auto name_order = [&](uint16_t a, uint16_t b) {
      return a == b ? 0 : names_[a].compare(names_[b]);
    };
    const auto before = [&](const Line& a, const Line& b) {
      if (a.time != b.time) {
        return a.time < b.time;
      }
      if (a.customer.data() != b.customer.data()) {
        if (const int order = a.customer.compare(b.customer); order != 0) {
          return order < 0;
        }
      }
      if (const int order = name_order(a.campaign, b.campaign); order != 0) {
        return order < 0;
      }
      if (const int order = name_order(a.clock, b.clock); order != 0) {
        return order < 0;
      }
      return std::tie(a.seq, a.episode) < std::tie(b.seq, b.episode);
    };
    // Events that come in order leave nothing to sort.
    if (!std::is_sorted(lines.begin(), lines.end(), before)) {
      std::sort(lines.begin(), lines.end(), before);
    }
    for (const Line& line : lines) {
      FormatDecision(Expand(line), &chunk);
      chunk.push_back('\n');
      if (chunk.size() >= kChunkBytes) {
        flush();
      }
    }
    hours_.erase(hours_.begin());
  }
  flush();
  if (!written || (file != nullptr && std::fflush(file.get()) != 0)) {
    return Status(StatusCode::kUnavailable, path + ": cannot be written: " + std::strerror(errno));
  }
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  CHECK(EVP_DigestFinal_ex(digest.get(), hash, &size) == 1);
  return ToHex(hash, size);
}

}  // namespace huitou
