#include "channels/beijing.h"

#include <algorithm>

namespace huitou::channels {
namespace {

constexpr DurationUs kBeijingOffset = 8 * kHourUs;  // all year round

}  // namespace

TimeUs BeijingTime(std::string text) {
  std::replace(text.begin(), text.end(), ' ', 'T');
  return ParseRfc3339(text + "+08:00").value_or(0);
}

DurationUs UntilBeijingHour(TimeUs now, int hour) {
  const DurationUs passed = (now + kBeijingOffset - hour * kHourUs) % kDayUs;
  return kDayUs - (passed < 0 ? passed + kDayUs : passed);
}

}  // namespace huitou::channels
