#include "daemon/shard/frontier.h"

#include <algorithm>

namespace huitou {
namespace {

// `time` less `by`, without running past the first time there is.
TimeUs Before(TimeUs time, DurationUs by) {
  return time < kTimeMin + by ? kTimeMin : time - by;
}

}  // namespace

Frontier::Frontier(std::vector<InputSpec> inputs, TimeUs reached) : reached_(reached) {
  for (InputSpec& spec : inputs) {
    inputs_.push_back({std::move(spec), kTimeMin, kTimeMin, false});
  }
}

void Frontier::Restore(size_t input, TimeUs newest, TimeUs frontier) {
  inputs_[input].newest = newest;
  inputs_[input].frontier = frontier;
}

TimeUs Frontier::OnEvent(size_t input, TimeUs time, TimeUs wall) {
  InputTime& at = inputs_[input];
  const TimeUs latest = wall + at.spec.allowed_lateness;
  at.silent = false;
  if (time > latest) {
    return latest;  // says nothing of how far the input is; in a backlog all the rest would be late
  }
  at.newest = std::max(at.newest, time);
  at.frontier = std::max(at.frontier, Before(at.newest, at.spec.allowed_lateness));
  return time;
}

void Frontier::OnEnd(size_t input, TimeUs wall, TimeUs newest) {
  InputTime& at = inputs_[input];
  if (at.spec.expect_event_within.has_value()) {
    const TimeUs heard = std::max(at.newest, newest);
    at.silent = heard < Before(wall, *at.spec.expect_event_within);
    if (at.silent) {
      return;
    }
  }
  at.frontier = std::max(at.frontier, Before(wall, at.spec.allowed_lateness));
}

TimeUs Frontier::Target() const {
  if (inputs_.empty()) {
    return reached_;
  }
  TimeUs lowest = kTimeMax;
  for (const InputTime& input : inputs_) {
    lowest = std::min(lowest, input.frontier);
  }
  return std::max(reached_, lowest);
}

}  // namespace huitou
