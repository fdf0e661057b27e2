// The keys of a campaign file, one table per map (contracts.md section 4). Constant data.
#pragma once

#include "config/table.h"

namespace huitou::config {

const Table& CampaignTable();
const Table& ActiveTable();
const Table& TriggerTable();
const Table& AbsenceTable();
const Table& ReentryTable();
const Table& ExitRuleTable();
const Table& GoalTable();
const Table& CampaignLimitsTable();
const Table& LateTable();
const Table& StepTable();
const Table& CouponTable();
const Table& SendTable();
const Table& WaitTable();
const Table& BranchArmTable();
const Table& EmitTable();
const Table& SetTable();
const Table& SetTagsTable();
const Table& TestTable();
const Table& TestCustomerTable();
const Table& TestEventTable();
const Table& ExpectTable();

}  // namespace huitou::config
