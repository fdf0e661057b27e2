#include "triggers/customer.h"

#include <algorithm>

#include "triggers/base/hash.h"
#include "triggers/limits.h"

namespace huitou {

Profile& Customer::MutableProfile() {
  if (profile == nullptr) {
    profile = std::make_unique<Profile>();
  }
  profile_changed = true;
  return *profile;
}

bool RememberEvent(Activity* activity, std::string_view event_id) {
  const uint64_t hash = Hash64(event_id);
  auto& known = activity->event_ids;
  if (std::find(known.begin(), known.end(), hash) != known.end()) {
    return true;
  }
  if (known.size() >= limits::kEventIdsMax) {
    known.erase(known.begin());
  }
  known.push_back(hash);
  return false;
}

}  // namespace huitou
