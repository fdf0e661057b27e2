// The bytes of an Activity: what changes with every order, so every byte is written again with
// every order. A compact format of our own, for half the store's cost is the size of this record:
// tests/state/activity_codec_test.cc prints and bounds that of a customer with five orders. Pure;
// any thread.
//
// The first byte is the format's version. A new format gets a new number; old ones stay readable,
// with their bytes kept in tests/state/fixtures.
#pragma once

#include <string>
#include <string_view>

#include "triggers/base/status.h"
#include "triggers/customer.h"

namespace huitou {

// Kept with the activity so that a customer without them costs one read, not three.
struct PartsPresent {
  bool profile = false;
  bool episodes = false;
};

void EncodeActivity(const Activity& activity, const PartsPresent& present, std::string* out);
// kCorrupt on bytes that no version wrote.
Status DecodeActivity(std::string_view bytes, Activity* activity, PartsPresent* present);

}  // namespace huitou
