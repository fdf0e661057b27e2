// The frontier of a shard: the event time before which its input is complete (contracts.md section
// 2). The smallest over its inputs; each follows its newest event, less the allowed lateness, and
// the wall clock only while it stands at its end and its feed is not silent. Never goes back. Pure;
// owner thread.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "daemon/shard/input.h"
#include "daemon/state/store.h"
#include "triggers/base/time.h"

namespace huitou {

class Frontier {
 public:
  // `reached` is the shard's stored frontier.
  Frontier(std::vector<InputSpec> inputs, TimeUs reached);

  void Restore(size_t input, TimeUs newest, TimeUs frontier);

  // An event on this input. Returns its time; one from the future is clamped and moves nothing.
  TimeUs OnEvent(size_t input, TimeUs time, TimeUs wall);
  // The input stood at its end at this wall time. `newest` is that of its whole source.
  void OnEnd(size_t input, TimeUs wall, TimeUs newest);

  // Whether the input's feed has been silent for longer than it promised.
  bool IsSilent(size_t input) const { return inputs_[input].silent; }
  // How far the frontier may go now.
  TimeUs Target() const;
  TimeUs newest(size_t input) const { return inputs_[input].newest; }
  TimeUs frontier(size_t input) const { return inputs_[input].frontier; }

 private:
  struct InputTime {
    InputSpec spec;
    TimeUs newest = kTimeMin;
    TimeUs frontier = kTimeMin;
    bool silent = false;
  };
  std::vector<InputTime> inputs_;
  TimeUs reached_;
};

}  // namespace huitou
