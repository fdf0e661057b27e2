#include "daemon/outbox/batch.h"

#include <map>
#include <set>
#include <utility>

namespace huitou {
namespace {

// The last request that was begun for its channel and key.
struct Begun {
  size_t place = 0;
  std::set<std::string> addresses;
};

}  // namespace

std::vector<std::vector<SendJob>> PutTogether(std::vector<SendJob> jobs, const CodecOf& codec_of) {
  std::vector<std::vector<SendJob>> requests;
  std::map<std::pair<std::string, std::string>, Begun> all_begun;
  const bool alone = jobs.size() == 1;
  for (SendJob& job : jobs) {
    const channels::Channel* codec = alone ? nullptr : codec_of(job.channel);
    const size_t most = codec == nullptr ? 1 : codec->BatchMax();
    std::string key = most > 1 ? codec->BatchKey(job.message) : std::string();
    if (key.empty()) {
      requests.emplace_back().push_back(std::move(job));
      continue;
    }
    const auto [found, fresh] = all_begun.try_emplace({job.channel, std::move(key)});
    Begun& begun = found->second;
    if (fresh || requests[begun.place].size() == most ||
        begun.addresses.contains(job.message.address)) {
      begun = {requests.size(), {}};
      requests.emplace_back();
    }
    begun.addresses.insert(job.message.address);
    requests[begun.place].push_back(std::move(job));
  }
  return requests;
}

}  // namespace huitou
