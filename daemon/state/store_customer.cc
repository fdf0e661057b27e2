// The customer's rights: everything of one customer, out of every family, to show or to remove.
// Timers, the outbox, sinks and the log are not ordered by customer and so are scanned: seconds for
// millions of entries, for something that is asked a few times a day.
#include "daemon/state/activity_codec.h"
#include "daemon/state/bytes.h"
#include "daemon/state/decision_codec.h"
#include "daemon/state/keys.h"
#include "daemon/state/record_codec.h"
#include "daemon/state/sink_chunk.h"
#include "daemon/state/store.h"
#include "triggers/base/json.h"

namespace huitou {
namespace {

using Lines = std::vector<std::string>;

JsonObject Line(Family family) {
  JsonObject object;
  object.Add("family", ToString(family));
  return object;
}

void AddTime(JsonObject* object, std::string_view name, TimeUs time) {
  if (time != kTimeMin && time != kTimeMax) {
    object->Add(name, FormatRfc3339(time));
  }
}

std::string Array(const std::vector<std::string>& items) {
  std::string json = "[";
  for (const std::string& item : items) {
    json += (json.size() > 1 ? "," : "") + item;
  }
  return json + "]";
}

std::string Texts(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  for (const std::string& text : texts) {
    AppendJsonString(&items.emplace_back(), text);
  }
  return Array(items);
}

std::string NameOf(const SymbolTable& symbols, uint32_t symbol) {
  return symbol < symbols.size() ? symbols.Name(symbol) : std::string();
}

void AddActivity(const Activity& activity, const SymbolTable& symbols, Lines* lines) {
  JsonObject object = Line(Family::kActivity);
  object.AddInteger("orders", activity.orders).AddInteger("spend_minor", activity.spend_minor);
  AddTime(&object, "first_order_at", activity.first_order_at);
  AddTime(&object, "last_order_at", activity.last_order_at);
  object.AddInteger("reviews", activity.reviews).AddInteger("returns", activity.returns);
  object.AddIfAny("tier", NameOf(symbols, activity.tier));
  std::vector<std::string> items;
  for (const Purchase& purchase : activity.purchases) {
    JsonObject item;
    AddTime(&item, "time", purchase.time);
    item.AddInteger("spend_minor", purchase.spend_minor).AddInteger("orders", purchase.orders);
    items.push_back(item.Close());
  }
  object.AddRaw("purchases", Array(items));
  items.clear();
  for (const CategoryActivity& category : activity.categories) {
    JsonObject item;
    item.Add("category", NameOf(symbols, category.category)).AddInteger("orders", category.orders);
    item.AddInteger("spend_minor", category.spend_minor);
    AddTime(&item, "last_order_at", category.last_order_at);
    items.push_back(item.Close());
  }
  object.AddRaw("categories", Array(items));
  items.clear();
  for (const RecentSend& send : activity.sends) {
    JsonObject item;
    AddTime(&item, "time", send.time);
    items.push_back(item.Add("channel", NameOf(symbols, send.channel)).Close());
  }
  lines->push_back(object.AddRaw("sends", Array(items)).Close());
}

void AddProfile(const Profile& profile, const SymbolTable& symbols, Lines* lines) {
  JsonObject object = Line(Family::kProfile);
  object.AddIfAny("phone", profile.phone).AddIfAny("email", profile.email);
  object.AddIfAny("wechat_openid", profile.wechat_openid).AddIfAny("locale", profile.locale);
  object.AddIfAny("timezone", profile.timezone).AddIfAny("region", profile.region);
  object.AddIfAny("birthday", profile.birthday).AddRaw("tags", Texts(profile.tags));
  JsonObject attributes;
  for (const Attribute& attribute : profile.attributes) {
    switch (attribute.kind) {
      case Attribute::Kind::kText:
        attributes.Add(attribute.name, attribute.text);
        break;
      case Attribute::Kind::kInt:
        attributes.AddInteger(attribute.name, attribute.integer);
        break;
      case Attribute::Kind::kDouble:
        attributes.AddRaw(attribute.name, cel::ToJson(cel::Value::Double(attribute.real)));
        break;
      case Attribute::Kind::kBool:
        attributes.AddBoolean(attribute.name, attribute.integer != 0);
        break;
      case Attribute::Kind::kJson:
        attributes.AddRaw(attribute.name, attribute.text);
        break;
    }
  }
  object.AddRaw("attributes", attributes.Close());
  std::vector<std::string> items;
  for (const ConsentState& consent : profile.consents) {
    JsonObject item;
    item.AddIfAny("channel", NameOf(symbols, consent.channel));
    item.Add("class", ToString(consent.message_class)).AddBoolean("granted", consent.granted);
    item.AddIfAny("template", consent.template_name);
    if (consent.credits >= 0) {  // else it is a lasting one
      item.AddInteger("credits", consent.credits).AddInteger("held", consent.held);
    }
    items.push_back(item.Close());
  }
  object.AddRaw("consents", Array(items));
  items.clear();
  for (const Suppression& suppression : profile.suppressions) {
    JsonObject item;
    item.AddIfAny("channel", NameOf(symbols, suppression.channel));
    items.push_back(item.Add("reason", suppression.reason).Close());
  }
  lines->push_back(object.AddRaw("suppressions", Array(items)).Close());
}

void AddEpisode(const Episode& episode, const SymbolTable& symbols, Lines* lines) {
  JsonObject object = Line(Family::kEpisodes);
  object.Add("episode", episode.id.ToString()).Add("campaign", NameOf(symbols, episode.campaign));
  object.AddIfAny("clock", NameOf(symbols, episode.clock));
  AddTime(&object, "triggered_at", episode.triggered_at);
  AddTime(&object, "due", episode.due);
  std::vector<std::string> codes;
  for (const IssuedCoupon& coupon : episode.coupons) {
    codes.push_back(coupon.code);
  }
  lines->push_back(object.AddRaw("coupon_codes", Texts(codes)).Close());
}

std::string OutboxLine(const OutboxRecord& record) {
  JsonObject object = Line(Family::kOutbox);
  object.Add("dispatch", record.dispatch.id.ToString()).Add("campaign", record.dispatch.campaign);
  object.Add("channel", record.channel()).AddIfAny("template", record.dispatch.template_name);
  JsonObject variables;
  for (const auto& [name, text] : record.dispatch.variables) {
    variables.Add(name, text);
  }
  return object.AddRaw("variables", variables.Close()).Close();
}

std::string LedgerLine(const LedgerEntry& entry) {
  JsonObject object = Line(Family::kLedger);
  object.Add("dispatch", entry.dispatch.ToString()).Add("campaign", entry.campaign);
  object.Add("coupon", entry.coupon).AddIfAny("code", entry.code);
  object.Add("amount", FormatMinor(entry.value.minor, entry.value.currency));
  object.AddIfAny("currency", entry.value.currency.code());
  AddTime(&object, "time", entry.time);
  return object.Close();
}

// The customer's records in an entry of the sinks. A damaged one has none.
std::vector<SinkView> SinksOf(std::string_view key, std::string_view value,
                              std::string_view customer) {
  std::vector<SinkView> views;
  ReadSinkChunk(value, keys::SequenceOfSinkRecord(key), &views).Ignore();
  std::erase_if(views, [customer](const SinkView& view) { return view.key != customer; });
  return views;
}

// The entry without them.
std::string WithoutCustomer(std::string_view key, std::string_view value,
                            std::string_view customer) {
  std::vector<SinkView> views;
  ReadSinkChunk(value, keys::SequenceOfSinkRecord(key), &views).Ignore();
  SinkChunk left;
  for (const SinkView& view : views) {
    const bool is_his = view.key == customer;
    left.Add(is_his ? "" : view.key, is_his ? "" : view.value);
  }
  return left.bytes();
}

void AddRendered(std::string_view name, Family family, std::string_view packed,
                 std::string_view customer, Lines* lines) {
  Lines rendered;
  RenderDecisions(packed, customer, &rendered).Ignore();  // a damaged one is left out
  for (const std::string& json : rendered) {
    lines->push_back(Line(family).AddRaw(name, json).Close());
  }
}

}  // namespace

Status Store::ReadJournal(ShardNumber shard, std::string_view customer, TimeUs wall, size_t max,
                          std::vector<std::string>* lines) const {
  const std::string prefix = keys::OfCustomer(shard, customer);
  std::string from = prefix;
  ByteWriter(&from).Time(wall > kTimeMin + journal_retention_ ? wall - journal_retention_
                                                              : kTimeMin);
  Status rendered;
  Status status = key_value_->Scan(Family::kJournal, from, keys::End(prefix),
                                   [&](std::string_view /*key*/, std::string_view value) {
                                     ByteReader reader(value);
                                     reader.Time();
                                     rendered = RenderDecisions(reader.Raw(reader.remaining()),
                                                                customer, lines);
                                     return rendered.ok();
                                   });
  if (lines->size() > max) {
    lines->erase(lines->begin(), lines->end() - static_cast<std::ptrdiff_t>(max));
  }
  return status.ok() ? rendered : status;
}

Status Store::ReadLedger(ShardNumber shard, std::string_view customer,
                         std::vector<LedgerEntry>* entries) const {
  const std::string prefix = keys::OfCustomer(shard, customer);
  Status decoded;
  Status status = key_value_->Scan(Family::kLedger, prefix, keys::End(prefix),
                                   [&](std::string_view /*key*/, std::string_view value) {
                                     decoded = DecodeLedgerEntry(value, &entries->emplace_back());
                                     return decoded.ok();
                                   });
  return status.ok() ? decoded : status;
}

// Calls `visit` for every entry that names the customer, in the families that are not states.
Status Store::VisitCustomer(ShardNumber shard, std::string_view customer,
                            const VisitRecord& visit) const {
  const std::string all = keys::Shard(shard);
  const std::string of_customer = keys::OfCustomer(shard, customer);
  const auto scan = [&](Family family, const std::string& prefix, const auto& is_his) {
    return key_value_->Scan(family, prefix, keys::End(prefix),
                            [&](std::string_view key, std::string_view value) {
                              if (is_his(key, value)) {
                                visit(family, key, value);
                              }
                              return true;
                            });
  };
  const auto any = [](std::string_view, std::string_view) { return true; };
  Status status = VisitAddresses(shard, customer, visit);
  if (status.ok()) {
    status = scan(Family::kLedger, of_customer, any);
  }
  if (status.ok()) {
    status = scan(Family::kJournal, of_customer, any);
  }
  if (status.ok()) {
    status = scan(Family::kTimers, all, [&](std::string_view key, std::string_view) {
      keys::TimerEntry entry;
      return keys::ParseTimer(key, &entry) && entry.customer == customer;
    });
  }
  if (status.ok()) {
    status = scan(
        Family::kOutbox, keys::AllDispatches(shard), [&](std::string_view, std::string_view value) {
          OutboxRecord record;
          return DecodeOutboxRecord(value, &record).ok() && record.dispatch.customer == customer;
        });
  }
  if (status.ok()) {
    status = scan(Family::kSinks, all, [&](std::string_view key, std::string_view value) {
      return !SinksOf(key, value, customer).empty();
    });
  }
  if (status.ok()) {
    status = scan(Family::kLog, all, [&](std::string_view, std::string_view value) {
      LogRecord record;
      return DecodeLogRecord(value, &record).ok() && record.key == customer;
    });
  }
  return status;
}

Status Store::Export(ShardNumber shard, const SymbolTable& symbols, std::string_view customer,
                     std::vector<std::string>* lines) const {
  auto known = ReadCustomer(shard, customer);
  auto state = ReadState(shard);
  if (!known.ok() || !state.ok()) {
    return known.ok() ? state.status() : known.status();
  }
  const Customer& parts = **known;
  if (parts.profile != nullptr) {
    AddProfile(*parts.profile, symbols, lines);
  }
  if (parts.activity.orders > 0 || !parts.activity.event_ids.empty()) {
    AddActivity(parts.activity, symbols, lines);
  }
  for (const Episode& episode : parts.episodes) {
    AddEpisode(episode, symbols, lines);
  }
  return VisitCustomer(
      shard, customer, [&](Family family, std::string_view key, std::string_view value) {
        ByteReader reader(value);
        JsonObject object = Line(family);
        if (family == Family::kAddresses) {
          lines->push_back(object.Add("hash", keys::HashOfAddress(key).ToString()).Close());
        } else if (family == Family::kLedger) {
          LedgerEntry entry;
          DecodeLedgerEntry(value, &entry).Ignore();  // a damaged one is shown empty
          lines->push_back(LedgerLine(entry));
        } else if (family == Family::kOutbox) {
          OutboxRecord record;
          DecodeOutboxRecord(value, &record).Ignore();  // it was decoded to get here
          lines->push_back(OutboxLine(record));
        } else if (family == Family::kTimers) {
          keys::TimerEntry entry;
          keys::ParseTimer(key, &entry);
          if (entry.deadline >= state->frontier) {  // else it has fired and is not swept up yet
            AddTime(&object, "deadline", entry.deadline);
            lines->push_back(object.Close());
          }
        } else if (family == Family::kJournal) {
          reader.Time();
          AddRendered("decision", family, reader.Raw(reader.remaining()), customer, lines);
        } else if (family == Family::kSinks) {
          for (const SinkView& record : SinksOf(key, value, customer)) {
            AddRendered("record", family, record.value, customer, lines);
          }
        } else {
          LogRecord record;
          DecodeLogRecord(value, &record).Ignore();  // it was decoded to get here
          lines->push_back(object.Add("payload", record.payload).Close());
        }
      });
}

Result<Store::Erased> Store::Erase(ShardNumber shard, std::string_view customer) {
  const std::string key = keys::Customer(shard, customer);
  WriteSet set;
  set.Delete(Family::kActivity, key);
  set.Delete(Family::kProfile, key);
  set.Delete(Family::kEpisodes, key);
  CommitBatch batch;
  Erased erased;
  std::vector<StoredDispatch> settled;
  Status status = VisitCustomer(shard, customer,
                                [&](Family family, std::string_view found, std::string_view value) {
                                  if (family == Family::kSinks) {
                                    set.Put(family, found, WithoutCustomer(found, value, customer));
                                    return;
                                  }
                                  if (family != Family::kOutbox) {
                                    set.Delete(family, found);
                                    erased.timers += family == Family::kTimers ? 1 : 0;
                                    return;
                                  }
                                  OutboxRecord record;
                                  DecodeOutboxRecord(value, &record).Ignore();  // decoded before
                                  if (record.waits()) {
                                    erased.waiting.push_back(record.channel());
                                  }
                                  settled.push_back(Stored(shard, std::move(record)));
                                });
  if (!status.ok()) {
    return status;
  }
  for (const StoredDispatch& stored : settled) {
    batch.dispatches_settled.push_back(&stored);
  }
  PutDispatches(shard, batch, &set);
  status = key_value_->Commit(set);
  if (!status.ok()) {
    return status;
  }
  return erased;
}

}  // namespace huitou
