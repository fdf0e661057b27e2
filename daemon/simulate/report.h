// The backtest's report as one HTML page without outside references. Pure.
#pragma once

#include <string>

#include "daemon/simulate/backtest.h"

namespace huitou {

std::string ReportHtml(const BacktestReport& report);

}  // namespace huitou
