#include "daemon/state/decision_codec.h"

#include "daemon/state/bytes.h"

namespace huitou {
namespace {

constexpr uint8_t kVersion = 1;  // no JSON begins so

// A decision is a mask of the fields that follow. Those of the first kind stay what they were in
// the decision before, the others are empty, unless the mask says that they come.
constexpr uint32_t kTime = 1 << 0;
constexpr uint32_t kCampaign = 1 << 1;
constexpr uint32_t kEpisode = 1 << 2;
constexpr uint32_t kSeq = 1 << 3;  // else one more than before
constexpr uint32_t kClock = 1 << 4;
constexpr uint32_t kArm = 1 << 5;
constexpr uint32_t kVariant = 1 << 6;
constexpr uint32_t kReason = 1 << 7;
constexpr uint32_t kStep = 1 << 8;
constexpr uint32_t kDispatch = 1 << 9;
constexpr uint32_t kChannel = 1 << 10;
constexpr uint32_t kTemplate = 1 << 11;
constexpr uint32_t kCoupon = 1 << 12;
constexpr uint32_t kAmount = 1 << 13;
constexpr uint32_t kUntil = 1 << 14;
constexpr uint32_t kAllFields = (1 << 15) - 1;

// What the fields are compared with.
Decision Expected(const Decision& before) {
  Decision expected;
  expected.time = before.time;
  expected.campaign = before.campaign;
  expected.customer = before.customer;
  expected.episode = before.episode;
  expected.seq = before.seq + 1;
  expected.clock = before.clock;
  expected.arm = before.arm;
  expected.variant = before.variant;
  return expected;
}

Decision BeforeTheFirst(std::string_view customer) {
  Decision decision;
  decision.customer = customer;
  decision.seq = UINT32_MAX;  // so that 0 is expected next
  return decision;
}

uint32_t MaskOf(const Decision& decision, const Decision& expected) {
  uint32_t mask = 0;
  const auto check = [&mask](uint32_t field, const auto& value, const auto& known) {
    mask |= value == known ? 0 : field;
  };
  check(kTime, decision.time, expected.time);
  check(kCampaign, decision.campaign, expected.campaign);
  check(kEpisode, decision.episode, expected.episode);
  check(kSeq, decision.seq, expected.seq);
  check(kClock, decision.clock, expected.clock);
  check(kArm, decision.arm, expected.arm);
  check(kVariant, decision.variant, expected.variant);
  check(kReason, decision.reason, expected.reason);
  check(kStep, decision.step, expected.step);
  check(kDispatch, decision.dispatch, expected.dispatch);
  check(kChannel, decision.channel, expected.channel);
  check(kTemplate, decision.template_name, expected.template_name);
  check(kCoupon, decision.coupon, expected.coupon);
  check(kAmount, decision.amount, expected.amount);
  check(kUntil, decision.until, expected.until);
  return mask;
}

// Calls `visit` with each field that the mask names, in the order of the bytes. One list for both
// directions, so that they cannot drift apart.
template <typename AnyDecision, typename Visitor>
void ForEachField(uint32_t mask, AnyDecision* decision, const Visitor& visit) {
  const auto at = [&](uint32_t field, auto* value) {
    if ((mask & field) != 0) {
      visit(value);
    }
  };
  at(kTime, &decision->time);
  at(kCampaign, &decision->campaign);
  at(kEpisode, &decision->episode);
  at(kSeq, &decision->seq);
  at(kClock, &decision->clock);
  at(kArm, &decision->arm);
  at(kVariant, &decision->variant);
  at(kReason, &decision->reason);
  at(kStep, &decision->step);
  at(kDispatch, &decision->dispatch);
  at(kChannel, &decision->channel);
  at(kTemplate, &decision->template_name);
  at(kCoupon, &decision->coupon);
  at(kAmount, &decision->amount);
  at(kUntil, &decision->until);
}

class FieldWriter {
 public:
  explicit FieldWriter(ByteWriter* writer) : writer_(writer) {}
  void operator()(const TimeUs* time) const { writer_->Signed(*time); }
  void operator()(const uint32_t* number) const { writer_->Varint(*number); }
  void operator()(const std::string_view* text) const { writer_->Text(*text); }
  void operator()(const Id128* id) const { writer_->Id(*id); }
  void operator()(const Money* money) const {
    writer_->Text(money->currency.code());
    writer_->Signed(money->minor);
  }

 private:
  ByteWriter* const writer_;
};

class FieldReader {
 public:
  explicit FieldReader(ByteReader* reader) : reader_(reader) {}
  void operator()(TimeUs* time) const { *time = reader_->Signed(); }
  void operator()(uint32_t* number) const { *number = reader_->Varint32(); }
  void operator()(std::string_view* text) const { *text = reader_->Text(); }
  void operator()(Id128* id) const { *id = reader_->Id(); }
  void operator()(Money* money) const {
    const std::string_view code = reader_->Text();
    money->currency = Currency::Parse(code).value_or(Currency());
    money->minor = reader_->Signed();
    if (money->currency.code() != code) {
      reader_->Fail();
    }
  }

 private:
  ByteReader* const reader_;
};

}  // namespace

void PackDecisions(std::span<const Decision> decisions, std::string* out) {
  ByteWriter writer(out);
  writer.Byte(kVersion);
  Decision before = BeforeTheFirst({});
  for (const Decision& decision : decisions) {
    const uint32_t mask = MaskOf(decision, Expected(before));
    writer.Byte(static_cast<uint8_t>(decision.outcome));
    writer.Varint(mask);
    ForEachField(mask, &decision, FieldWriter(&writer));
    before = decision;
  }
}

Status UnpackDecisions(std::string_view packed, std::string_view customer,
                       const VisitDecision& visit) {
  ByteReader reader(packed);
  if (reader.Byte() != kVersion) {
    reader.Fail();
  }
  Decision decision = BeforeTheFirst(customer);
  while (reader.ok() && reader.remaining() > 0) {
    decision = Expected(decision);
    const uint8_t outcome = reader.Byte();
    const uint32_t mask = reader.Varint32();
    if (outcome > static_cast<uint8_t>(OutcomeKind::kFailed) || mask > kAllFields) {
      reader.Fail();
      break;
    }
    decision.outcome = static_cast<OutcomeKind>(outcome);
    ForEachField(mask, &decision, FieldReader(&reader));
    if (reader.ok()) {
      visit(decision);
    }
  }
  return reader.ok() ? Status::Ok() : Status(StatusCode::kCorrupt, "a stored decision is damaged");
}

Status RenderDecisions(std::string_view packed, std::string_view customer,
                       std::vector<std::string>* lines) {
  if (!packed.empty() && static_cast<uint8_t>(packed.front()) == kVersion) {
    return UnpackDecisions(packed, customer, [lines](const Decision& decision) {
      FormatDecision(decision, &lines->emplace_back());
    });
  }
  for (size_t end = 0; end != std::string_view::npos;) {
    end = packed.find('\n');
    lines->emplace_back(packed.substr(0, end));
    packed.remove_prefix(end == std::string_view::npos ? packed.size() : end + 1);
  }
  return Status::Ok();
}

}  // namespace huitou
