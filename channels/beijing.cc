#include "channels/beijing.h"

#include <algorithm>
#include <string>

namespace huitou::channels {
namespace {

constexpr DurationUs kBeijingOffset = 8 * kHourUs;  // all year round

}  // namespace

TimeUs BeijingTime(std::string text) {
  std::replace(text.begin(), text.end(), ' ', 'T');
  return ParseRfc3339(text + "+08:00").value_or(0);
}

std::string BeijingDay(TimeUs time) {
  std::string day = FormatRfc3339(time + kBeijingOffset).substr(0, 10);
  std::erase(day, '-');
  return day;
}

DurationUs UntilBeijingHour(TimeUs now, int hour) {
  const DurationUs passed = (now + kBeijingOffset - hour * kHourUs) % kDayUs;
  return kDayUs - (passed < 0 ? passed + kDayUs : passed);
}

}  // namespace huitou::channels
