#include "daemon/state/activity_codec.h"

#include <cstdint>
#include <iterator>
#include <vector>

#include "daemon/state/bytes.h"

namespace huitou {
namespace {

constexpr uint8_t kVersion = 1;

// Times of one record are whole seconds as a rule, else whole milliseconds: the unit is chosen per
// record, and every time is a difference from one that is near.
constexpr DurationUs kUnits[] = {kSecondUs, 1000, 1};
constexpr uint8_t kUnitMask = 0x03;
constexpr uint8_t kHasProfile = 0x04;
constexpr uint8_t kHasEpisodes = 0x08;
constexpr uint8_t kHasOrders = 0x10;  // orders, spend, first and last order
constexpr uint8_t kHasRare = 0x20;    // reviews, returns, tier
constexpr uint8_t kHasClocks = 0x40;
constexpr uint8_t kHasSends = 0x80;  // sends and progress

// What a list may hold at most when it is read: bounds memory on damaged bytes. The engine's own
// bounds are lower or equal.
constexpr uint64_t kListMax = 4096;
// No moment is further from 1970 (36,000 years), so that no difference of two overflows.
constexpr TimeUs kTimeBound = TimeUs{1} << 60;
// Flags of a clock.
constexpr uint8_t kStateMask = 3;
constexpr uint8_t kPending = 4;
constexpr uint8_t kEarly = 8;

// Visits every time of an activity that is a moment, not a mark (kTimeMin, kTimeMax).
template <typename Visitor>
void ForEachTime(const Activity& activity, const Visitor& visit) {
  visit(activity.first_order_at);
  visit(activity.last_order_at);
  visit(activity.tier_until);
  for (const Purchase& purchase : activity.purchases) {
    visit(purchase.time);
  }
  for (const CategoryActivity& category : activity.categories) {
    visit(category.last_order_at);
  }
  for (const Clock& clock : activity.clocks) {
    visit(clock.last);
    visit(clock.armed);
    for (const ClockInstant& instant : clock.pending) {
      visit(instant.time);
    }
    for (const EarlyNews& news : clock.early) {
      visit(news.time);
    }
  }
  for (const RecentSend& send : activity.sends) {
    visit(send.time);
  }
  for (const Progress& progress : activity.progress) {
    visit(progress.last_entered_at);
  }
}

int UnitOf(const Activity& activity) {
  int unit = 0;
  ForEachTime(activity, [&unit](TimeUs time) {
    while (time != kTimeMin && time != kTimeMax && time % kUnits[unit] != 0) {
      ++unit;
    }
  });
  return unit;
}

uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
int64_t UnZigZag(uint64_t coded) {
  return static_cast<int64_t>(coded >> 1) ^ -static_cast<int64_t>(coded & 1);
}

// Times as differences from the time written before: 0 and 1 stand for the marks, the rest is the
// zigzag difference in units, moved up by two. Unsigned arithmetic: a difference may wrap around,
// and wraps back when it is read.
class TimeWriter {
 public:
  TimeWriter(ByteWriter* writer, DurationUs unit) : writer_(writer), unit_(unit) {}

  void Write(TimeUs time, TimeUs base) {
    if (time == kTimeMin || time == kTimeMax) {
      writer_->Varint(time == kTimeMin ? 0 : 1);
      return;
    }
    const int64_t in_units = time / unit_;
    const int64_t base_in_units = BaseOf(base);
    const int64_t difference = static_cast<int64_t>(static_cast<uint64_t>(in_units) -
                                                    static_cast<uint64_t>(base_in_units));
    writer_->Varint(ZigZag(difference) + 2);
  }

 private:
  int64_t BaseOf(TimeUs base) const {
    return base == kTimeMin || base == kTimeMax ? 0 : base / unit_;
  }
  ByteWriter* const writer_;
  const DurationUs unit_;
};

class TimeReader {
 public:
  TimeReader(ByteReader* reader, DurationUs unit) : reader_(reader), unit_(unit) {}

  TimeUs Read(TimeUs base) {
    const uint64_t coded = reader_->Varint();
    if (coded < 2) {
      return coded == 0 ? kTimeMin : kTimeMax;
    }
    const int64_t difference = UnZigZag(coded - 2);
    const int64_t base_in_units = base == kTimeMin || base == kTimeMax ? 0 : base / unit_;
    const auto in_units = static_cast<int64_t>(static_cast<uint64_t>(base_in_units) +
                                               static_cast<uint64_t>(difference));
    TimeUs time = 0;
    if (__builtin_mul_overflow(in_units, unit_, &time) || time > kTimeBound || time < -kTimeBound) {
      reader_->Fail();
      return 0;
    }
    return time;
  }

 private:
  ByteReader* const reader_;
  const DurationUs unit_;
};

int64_t Difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t Sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

// What the purchases add up to; the totals are mostly the same and cost a byte each then.
struct PurchaseSums {
  int64_t orders = 0;
  int64_t spend_minor = 0;
  TimeUs first = kTimeMin;
  TimeUs last = kTimeMin;
};
PurchaseSums SumsOf(const ShortList<Purchase, 1>& purchases) {
  PurchaseSums sums;
  for (const Purchase& purchase : purchases) {
    sums.orders += purchase.orders;
    sums.spend_minor = Sum(sums.spend_minor, purchase.spend_minor);
  }
  if (!purchases.empty()) {
    sums.first = purchases.front().time;
    sums.last = purchases.back().time;
  }
  return sums;
}

void WriteOrders(const Activity& activity, ByteWriter* writer, TimeWriter* times) {
  writer->Varint(activity.purchases.size());
  TimeUs before = 0;
  for (const Purchase& purchase : activity.purchases) {
    times->Write(purchase.time, before);
    before = purchase.time;
    // One order is the rule: the lowest bit says when it is not.
    const bool several = purchase.orders != 1;
    writer->Varint(ZigZag(purchase.spend_minor) << 1 | (several ? 1 : 0));
    if (several) {
      writer->Varint(purchase.orders);
    }
  }
  const PurchaseSums sums = SumsOf(activity.purchases);
  writer->Signed(Difference(activity.orders, sums.orders));
  writer->Signed(Difference(activity.spend_minor, sums.spend_minor));
  times->Write(activity.first_order_at, sums.first);
  times->Write(activity.last_order_at, sums.last);
  writer->Varint(activity.categories.size());
  uint32_t symbol_before = 0;
  for (const CategoryActivity& category : activity.categories) {
    writer->Signed(Difference(category.category, symbol_before));
    symbol_before = category.category;
    writer->Varint(category.orders);
    writer->Signed(category.spend_minor);
    times->Write(category.last_order_at, activity.last_order_at);
  }
}

void WriteRare(const Activity& activity, ByteWriter* writer, TimeWriter* times) {
  writer->Varint(activity.reviews);
  writer->Varint(activity.returns);
  writer->Varint(activity.tier);
  times->Write(activity.tier_until, activity.last_order_at);
}

void WriteEarly(const Clock& clock, ByteWriter* writer, TimeWriter* times) {
  writer->Varint(clock.early.size());
  for (const EarlyNews& news : clock.early) {
    times->Write(news.time, clock.last);
    const bool has_amount = news.amount.currency != Currency();
    writer->Byte(
        static_cast<uint8_t>((news.exits ? 1 : 0) | (news.is_goal ? 2 : 0) | (has_amount ? 4 : 0)));
    if (has_amount) {
      writer->Signed(news.amount.minor);
      writer->Text(news.amount.currency.code());
    }
  }
}

void WriteClocks(const Activity& activity, ByteWriter* writer, TimeWriter* times) {
  writer->Varint(activity.clocks.size());
  uint32_t campaign_before = 0;
  for (const Clock& clock : activity.clocks) {
    writer->Signed(Difference(clock.campaign, campaign_before));
    campaign_before = clock.campaign;
    writer->Varint(clock.category);
    writer->Byte(static_cast<uint8_t>(static_cast<uint8_t>(clock.state) |
                                      (clock.pending.empty() ? 0 : kPending) |
                                      (clock.early.empty() ? 0 : kEarly)));
    times->Write(clock.last, activity.last_order_at);
    times->Write(clock.armed, clock.last);
    if (!clock.pending.empty()) {
      writer->Varint(clock.pending.size());
      TimeUs before = clock.last;
      for (const ClockInstant& instant : clock.pending) {
        times->Write(instant.time, before);
        before = instant.time;
        writer->Byte(static_cast<uint8_t>((instant.starts ? 1 : 0) | (instant.cancels ? 2 : 0)));
      }
    }
    if (!clock.early.empty()) {
      WriteEarly(clock, writer, times);
    }
  }
}

void WriteSends(const Activity& activity, ByteWriter* writer, TimeWriter* times) {
  writer->Varint(activity.sends.size());
  TimeUs before = activity.last_order_at;
  for (const RecentSend& send : activity.sends) {
    times->Write(send.time, before);
    before = send.time;
    writer->Varint(uint64_t{send.channel} << 1 | static_cast<uint64_t>(send.message_class));
  }
  writer->Varint(activity.progress.size());
  for (const Progress& progress : activity.progress) {
    writer->Varint(progress.campaign);
    writer->Varint(progress.entries);
    writer->Fixed64(progress.key);
    times->Write(progress.last_entered_at, activity.last_order_at);
  }
}

// --- reading
// --------------------------------------------------------------------------------------

template <typename List>
bool Resize(ByteReader* reader, List* list) {
  const uint64_t count = reader->Varint();
  // Every item takes at least a byte.
  if (count > kListMax || count > reader->remaining()) {
    reader->Fail();
    return false;
  }
  list->resize(count);
  return true;
}

void ReadOrders(ByteReader* reader, TimeReader* times, Activity* activity) {
  Resize(reader, &activity->purchases);
  TimeUs before = 0;
  for (Purchase& purchase : activity->purchases) {
    purchase.time = times->Read(before);
    before = purchase.time;
    const uint64_t coded = reader->Varint();
    purchase.spend_minor = UnZigZag(coded >> 1);
    purchase.orders = (coded & 1) != 0 ? reader->Varint32() : 1;
  }
  const PurchaseSums sums = SumsOf(activity->purchases);
  activity->orders = static_cast<uint32_t>(Sum(sums.orders, reader->Signed()));
  activity->spend_minor = Sum(sums.spend_minor, reader->Signed());
  activity->first_order_at = times->Read(sums.first);
  activity->last_order_at = times->Read(sums.last);
  Resize(reader, &activity->categories);
  uint32_t symbol_before = 0;
  for (CategoryActivity& category : activity->categories) {
    category.category = static_cast<uint32_t>(Sum(symbol_before, reader->Signed()));
    symbol_before = category.category;
    category.orders = reader->Varint32();
    category.spend_minor = reader->Signed();
    category.last_order_at = times->Read(activity->last_order_at);
  }
}

void ReadRare(ByteReader* reader, TimeReader* times, Activity* activity) {
  activity->reviews = reader->Varint32();
  activity->returns = reader->Varint32();
  activity->tier = reader->Varint32();
  activity->tier_until = times->Read(activity->last_order_at);
}

Clock::State ToClockState(uint8_t bits, ByteReader* reader) {
  if (bits > static_cast<uint8_t>(Clock::State::kStopped)) {
    reader->Fail();
    return Clock::State::kResting;
  }
  return static_cast<Clock::State>(bits);
}

void ReadEarly(ByteReader* reader, TimeReader* times, Clock* clock) {
  Resize(reader, &clock->early);
  for (EarlyNews& news : clock->early) {
    news.time = times->Read(clock->last);
    const uint8_t kind = reader->Byte();
    news.exits = (kind & 1) != 0;
    news.is_goal = (kind & 2) != 0;
    if ((kind & 4) != 0) {
      news.amount.minor = reader->Signed();
      const auto currency = Currency::Parse(reader->Text());
      if (!currency.has_value()) {
        reader->Fail();
        return;
      }
      news.amount.currency = *currency;
    }
  }
}

void ReadClocks(ByteReader* reader, TimeReader* times, Activity* activity) {
  Resize(reader, &activity->clocks);
  uint32_t campaign_before = 0;
  for (Clock& clock : activity->clocks) {
    clock.campaign = static_cast<uint32_t>(Sum(campaign_before, reader->Signed()));
    campaign_before = clock.campaign;
    clock.category = reader->Varint32();
    const uint8_t flags = reader->Byte();
    clock.state = ToClockState(flags & kStateMask, reader);
    clock.last = times->Read(activity->last_order_at);
    clock.armed = times->Read(clock.last);
    if ((flags & kPending) != 0 && Resize(reader, &clock.pending)) {
      TimeUs before = clock.last;
      for (ClockInstant& instant : clock.pending) {
        instant.time = times->Read(before);
        before = instant.time;
        const uint8_t kind = reader->Byte();
        instant.starts = (kind & 1) != 0;
        instant.cancels = (kind & 2) != 0;
      }
    }
    if ((flags & kEarly) != 0) {
      ReadEarly(reader, times, &clock);
    }
  }
}

void ReadSends(ByteReader* reader, TimeReader* times, Activity* activity) {
  Resize(reader, &activity->sends);
  TimeUs before = activity->last_order_at;
  for (RecentSend& send : activity->sends) {
    send.time = times->Read(before);
    before = send.time;
    const uint64_t coded = reader->Varint();
    if (coded >> 1 > UINT32_MAX) {
      reader->Fail();
    }
    send.channel = static_cast<uint32_t>(coded >> 1);
    send.message_class = static_cast<MessageClass>(coded & 1);
  }
  Resize(reader, &activity->progress);
  for (Progress& progress : activity->progress) {
    progress.campaign = reader->Varint32();
    progress.entries = reader->Varint32();
    progress.key = reader->Fixed64();
    progress.last_entered_at = times->Read(activity->last_order_at);
  }
}

bool HasOrders(const Activity& activity) {
  return activity.orders != 0 || activity.spend_minor != 0 || activity.first_order_at != kTimeMin ||
         activity.last_order_at != kTimeMin || !activity.purchases.empty() ||
         !activity.categories.empty();
}

bool HasRare(const Activity& activity) {
  return activity.reviews != 0 || activity.returns != 0 || activity.tier != 0 ||
         activity.tier_until != kTimeMin;
}

}  // namespace

void EncodeActivity(const Activity& activity, const PartsPresent& present, std::string* out) {
  out->clear();
  ByteWriter writer(out);
  const int unit = UnitOf(activity);
  TimeWriter times(&writer, kUnits[unit]);
  const bool has_sends = !activity.sends.empty() || !activity.progress.empty();
  const int flags = unit | (present.profile ? kHasProfile : 0) |
                    (present.episodes ? kHasEpisodes : 0) | (HasOrders(activity) ? kHasOrders : 0) |
                    (HasRare(activity) ? kHasRare : 0) |
                    (activity.clocks.empty() ? 0 : kHasClocks) | (has_sends ? kHasSends : 0);
  writer.Byte(kVersion);
  writer.Byte(static_cast<uint8_t>(flags));
  if ((flags & kHasOrders) != 0) {
    WriteOrders(activity, &writer, &times);
  }
  if ((flags & kHasRare) != 0) {
    WriteRare(activity, &writer, &times);
  }
  if ((flags & kHasClocks) != 0) {
    WriteClocks(activity, &writer, &times);
  }
  if ((flags & kHasSends) != 0) {
    WriteSends(activity, &writer, &times);
  }
  // To the end: their number needs no byte.
  for (const uint64_t id : activity.event_ids) {
    writer.Fixed64(id);
  }
}

Status DecodeActivity(std::string_view bytes, Activity* activity, PartsPresent* present) {
  ByteReader reader(bytes);
  const uint8_t version = reader.Byte();
  const uint8_t flags = reader.Byte();
  if (!reader.ok() || version != kVersion || (flags & kUnitMask) >= std::size(kUnits)) {
    return Status(StatusCode::kCorrupt, "a customer's activity has an unknown format");
  }
  TimeReader times(&reader, kUnits[flags & kUnitMask]);
  *activity = Activity();
  present->profile = (flags & kHasProfile) != 0;
  present->episodes = (flags & kHasEpisodes) != 0;
  if ((flags & kHasOrders) != 0) {
    ReadOrders(&reader, &times, activity);
  }
  if ((flags & kHasRare) != 0) {
    ReadRare(&reader, &times, activity);
  }
  if ((flags & kHasClocks) != 0) {
    ReadClocks(&reader, &times, activity);
  }
  if ((flags & kHasSends) != 0) {
    ReadSends(&reader, &times, activity);
  }
  while (reader.remaining() >= sizeof(uint64_t)) {
    activity->event_ids.push_back(reader.Fixed64());
  }
  if (!reader.ok() || reader.remaining() != 0 || activity->event_ids.size() > kListMax) {
    return Status(StatusCode::kCorrupt, "a customer's activity is damaged");
  }
  return Status::Ok();
}

}  // namespace huitou
