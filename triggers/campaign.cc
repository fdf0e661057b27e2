#include "triggers/campaign.h"

#include "triggers/base/check.h"

namespace huitou {

namespace {

// Walks the steps once, numbering them and appending their instructions.
class Flattener {
 public:
  explicit Flattener(Campaign* campaign) : campaign_(campaign) {}

  void Run() {
    Block(&campaign_->steps, "");
    campaign_->program.push_back({Instruction::Kind::kEnd, nullptr, nullptr, 0});
  }

 private:
  int Here() const { return static_cast<int>(campaign_->program.size()); }

  void Block(std::vector<Step>* steps, const std::string& prefix) {
    for (size_t i = 0; i < steps->size(); ++i) {
      Step& step = (*steps)[i];
      step.path = prefix + std::to_string(i);
      if (std::holds_alternative<CouponStep>(step.action)) {
        campaign_->coupon_steps.push_back(&step);
      } else if (std::holds_alternative<SendStep>(step.action)) {
        campaign_->message_steps.push_back(&step);
      }
      if (auto* branch = std::get_if<BranchStep>(&step.action)) {
        Branch(&step, branch);
      } else {
        campaign_->program.push_back({Instruction::Kind::kStep, &step, nullptr, 0});
      }
    }
  }

  // A branch's own `when:` guards the whole of it; then each arm in turn.
  void Branch(Step* step, BranchStep* branch) {
    std::vector<int> jumps_to_end;
    if (step->when != nullptr) {
      jumps_to_end.push_back(Here());
      campaign_->program.push_back({Instruction::Kind::kBranchUnless, step, step->when, 0});
    }
    for (size_t i = 0; i < branch->arms.size(); ++i) {
      BranchArm& arm = branch->arms[i];
      const int test = Here();
      if (arm.when != nullptr) {
        campaign_->program.push_back({Instruction::Kind::kBranchUnless, step, arm.when, 0});
      }
      Block(&arm.steps, step->path + "." + std::to_string(i) + ".");
      if (i + 1 < branch->arms.size()) {
        jumps_to_end.push_back(Here());
        campaign_->program.push_back({Instruction::Kind::kJump, nullptr, nullptr, 0});
      }
      if (arm.when != nullptr) {
        campaign_->program[static_cast<size_t>(test)].target = Here();
      }
    }
    for (const int jump : jumps_to_end) {
      campaign_->program[static_cast<size_t>(jump)].target = Here();
    }
  }

  Campaign* campaign_;
};

bool Reads(const Condition& condition, int slot) {
  if (condition == nullptr) {
    return false;
  }
  for (const int used : condition->slots_used()) {
    if (used == slot) {
      return true;
    }
  }
  return false;
}

// Slots 0 and 1 are `event` and `trigger` (vocabulary.h): later runs of an episode have no event of
// their own, so both then mean the event that began it.
bool ReadsEvent(const Condition& condition) {
  return Reads(condition, 0) || Reads(condition, 1);
}

bool ReadsEvent(const std::vector<TemplateVariable>& variables) {
  for (const TemplateVariable& variable : variables) {
    if (ReadsEvent(variable.value)) {
      return true;
    }
  }
  return false;
}

bool ReadsEvent(const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    bool reads = ReadsEvent(step.when);
    if (const auto* send = std::get_if<SendStep>(&step.action)) {
      reads = reads || ReadsEvent(send->variables);
    } else if (const auto* emit = std::get_if<EmitStep>(&step.action)) {
      reads = reads || ReadsEvent(emit->variables);
    } else if (const auto* wait = std::get_if<WaitStep>(&step.action)) {
      reads = reads || Reads(wait->until_where, 1);
    } else if (const auto* branch = std::get_if<BranchStep>(&step.action)) {
      for (const BranchArm& arm : branch->arms) {
        reads = reads || ReadsEvent(arm.when) || ReadsEvent(arm.steps);
      }
    }
    if (reads) {
      return true;
    }
  }
  return false;
}

template <typename Steps>
int IndexOf(const Steps& steps, const Step* step) {
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i] == step) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

}  // namespace

std::string_view ToString(MessageClass message_class) {
  return message_class == MessageClass::kMarketing ? "marketing" : "transactional";
}

std::optional<DurationUs> AbsenceTrigger::WindowOf(std::string_view category) const {
  for (const auto& [name, window] : within) {
    if (name == category) {
      return window;
    }
  }
  return within_default;
}

int Campaign::CouponIndex(const Step* step) const {
  return IndexOf(coupon_steps, step);
}

int Campaign::MessageIndex(const Step* step) const {
  return IndexOf(message_steps, step);
}

void Link(Campaign* campaign) {
  CHECK(campaign->program.empty());
  Flattener(campaign).Run();
  campaign->reads_trigger = ReadsEvent(campaign->steps);
  for (const ExitRule& exit : campaign->exits) {
    campaign->reads_trigger = campaign->reads_trigger || Reads(exit.where, 1);
  }
  for (const Step* step : campaign->coupon_steps) {
    // A refund of the order that began the episode revokes: its id must be known.
    campaign->reads_trigger =
        campaign->reads_trigger || std::get<CouponStep>(step->action).revoke_on_refund;
  }
  if (campaign->goal.has_value()) {
    campaign->reads_trigger = campaign->reads_trigger || Reads(campaign->goal->where, 1);
  }
}

}  // namespace huitou
