#include "daemon/state/record_codec.h"

#include <algorithm>
#include <utility>

#include "daemon/state/bytes.h"
#include "daemon/state/event_codec.h"
#include "daemon/state/records.pb.h"

namespace huitou {
namespace {

Status Damaged(std::string_view what) {
  return Status(StatusCode::kCorrupt, "a stored " + std::string(what) + " is damaged");
}

template <typename Message>
bool Parse(std::string_view bytes, Message* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

std::string IdBytes(const Id128& id) {
  std::string bytes;
  ByteWriter(&bytes).Id(id);
  return bytes;
}

Id128 IdOf(const std::string& bytes) {
  return ByteReader(bytes).Id();
}

void SetMoney(const Money& money, records::Money* out) {
  out->set_minor(money.minor);
  out->set_currency(std::string(money.currency.code()));
}

Money MoneyOf(const records::Money& in) {
  return {in.minor(), Currency::Parse(in.currency()).value_or(Currency())};
}

// Refuses a number that names no value of the enumeration, whose last one is `last`.
template <typename Enum>
bool ToEnum(uint32_t number, Enum last, Enum* value) {
  if (number > static_cast<uint32_t>(last)) {
    return false;
  }
  *value = static_cast<Enum>(number);
  return true;
}

// --- episodes
// -------------------------------------------------------------------------------------

void SetEpisode(const Episode& episode, records::Episode* out) {
  out->set_id(IdBytes(episode.id));
  out->set_campaign(episode.campaign);
  out->set_version(episode.version);
  out->set_state(static_cast<uint32_t>(episode.state));
  out->set_holdout(episode.holdout);
  out->set_converted(episode.converted);
  out->set_clock(episode.clock);
  out->set_key(episode.key);
  out->set_triggered_at(episode.triggered_at);
  out->set_entered_at(episode.entered_at);
  out->set_due(episode.due);
  out->set_armed(episode.armed);
  out->set_goal_until(episode.goal_until);
  out->set_cursor(episode.cursor);
  out->set_seq(episode.seq);
  out->set_variant(episode.variant);
  out->set_held_late(episode.held_late);
  for (const EarlyNews& news : episode.early) {
    records::EarlyNews* stored = out->add_early();
    stored->set_time(news.time);
    stored->set_exits(news.exits);
    stored->set_is_goal(news.is_goal);
    SetMoney(news.amount, stored->mutable_amount());
  }
  if (episode.trigger != nullptr) {
    EncodeEvent(episode.trigger->event(), out->mutable_trigger());
  }
  for (const IssuedCoupon& coupon : episode.coupons) {
    records::IssuedCoupon* stored = out->add_coupons();
    stored->set_step(coupon.step);
    stored->set_dispatch(IdBytes(coupon.dispatch));
    SetMoney(coupon.value, stored->mutable_value());
    stored->set_issued_at(coupon.issued_at);
    stored->set_expires_at(coupon.expires_at);
    stored->set_code(coupon.code);
    stored->set_redeemed(coupon.redeemed);
    stored->set_revoked(coupon.revoked);
    stored->set_used_at(coupon.used_at);
    stored->set_used_for(coupon.used_for);
  }
  for (const SentMessage& message : episode.messages) {
    records::SentMessage* stored = out->add_messages();
    stored->set_step(message.step);
    stored->set_dispatch(IdBytes(message.dispatch));
    stored->set_status(static_cast<uint32_t>(message.status));
    stored->set_clicked(message.clicked);
  }
}

bool GetEpisode(const records::Episode& in, Episode* episode) {
  episode->id = IdOf(in.id());
  episode->campaign = in.campaign();
  episode->version = in.version();
  if (!ToEnum(in.state(), Episode::State::kEnded, &episode->state)) {
    return false;
  }
  episode->holdout = in.holdout();
  episode->converted = in.converted();
  episode->clock = in.clock();
  episode->key = in.key();
  episode->triggered_at = in.triggered_at();
  episode->entered_at = in.entered_at();
  episode->due = in.due();
  episode->armed = in.armed();
  episode->goal_until = in.goal_until();
  episode->cursor = in.cursor();
  episode->seq = in.seq();
  episode->variant = in.variant();
  episode->held_late = in.held_late();
  for (const records::EarlyNews& stored : in.early()) {
    episode->early.push_back(
        {stored.time(), stored.exits(), stored.is_goal(), MoneyOf(stored.amount())});
  }
  if (in.has_trigger()) {
    Result<std::shared_ptr<const OwnedEvent>> trigger = DecodeEvent(in.trigger());
    if (!trigger.ok()) {
      return false;
    }
    episode->trigger = *std::move(trigger);
  }
  for (const records::IssuedCoupon& stored : in.coupons()) {
    episode->coupons.push_back({stored.step(), IdOf(stored.dispatch()), MoneyOf(stored.value()),
                                stored.issued_at(), stored.expires_at(), stored.code(),
                                stored.redeemed(), stored.revoked(), stored.used_at(),
                                stored.used_for()});
  }
  for (const records::SentMessage& stored : in.messages()) {
    SentMessage message;
    message.step = stored.step();
    message.dispatch = IdOf(stored.dispatch());
    if (!ToEnum(stored.status(), SentMessage::Status::kAwaitingReceipt, &message.status)) {
      return false;
    }
    message.clicked = stored.clicked();
    episode->messages.push_back(message);
  }
  return true;
}

// --- dispatches
// -----------------------------------------------------------------------------------

void SetDispatch(const Dispatch& dispatch, records::Dispatch* out) {
  out->set_id(IdBytes(dispatch.id));
  out->set_kind(static_cast<uint32_t>(dispatch.kind));
  out->set_episode(IdBytes(dispatch.episode));
  out->set_customer(dispatch.customer);
  out->set_campaign(dispatch.campaign);
  out->set_version(dispatch.version);
  out->set_step(dispatch.step);
  out->set_time(dispatch.time);
  out->set_message_class(static_cast<uint32_t>(dispatch.message_class));
  out->set_template_name(dispatch.template_name);
  out->set_locale(dispatch.locale);
  for (const std::string& channel : dispatch.via) {
    out->add_via(channel);
  }
  out->set_wait_receipt(dispatch.wait_receipt);
  for (const auto& [name, text] : dispatch.variables) {
    records::Pair* variable = out->add_variables();
    variable->set_name(name);
    variable->set_text(text);
  }
  out->set_coupon(dispatch.coupon);
  out->set_pool(dispatch.pool);
  SetMoney(dispatch.value, out->mutable_value());
  SetMoney(dispatch.min_spend, out->mutable_min_spend());
  out->set_expires_at(dispatch.expires_at);
  out->set_holds_credit(dispatch.holds_credit);
}

bool GetDispatch(const records::Dispatch& in, Dispatch* dispatch) {
  dispatch->id = IdOf(in.id());
  dispatch->episode = IdOf(in.episode());
  if (!ToEnum(in.kind(), Dispatch::Kind::kCoupon, &dispatch->kind) ||
      !ToEnum(in.message_class(), MessageClass::kTransactional, &dispatch->message_class)) {
    return false;
  }
  dispatch->customer = in.customer();
  dispatch->campaign = in.campaign();
  dispatch->version = in.version();
  dispatch->step = in.step();
  dispatch->time = in.time();
  dispatch->template_name = in.template_name();
  dispatch->locale = in.locale();
  dispatch->via.assign(in.via().begin(), in.via().end());
  dispatch->wait_receipt = in.wait_receipt();
  for (const records::Pair& variable : in.variables()) {
    dispatch->variables.emplace_back(variable.name(), variable.text());
  }
  dispatch->coupon = in.coupon();
  dispatch->pool = in.pool();
  dispatch->value = MoneyOf(in.value());
  dispatch->min_spend = MoneyOf(in.min_spend());
  dispatch->expires_at = in.expires_at();
  dispatch->holds_credit = in.holds_credit();
  return true;
}

void SetInputs(const ShardState& state, records::ShardState* out) {
  for (const InputPosition& position : state.inputs) {
    records::InputPosition* stored = out->add_inputs();
    stored->set_input(position.input);
    stored->set_next_offset(position.next_offset);
    stored->set_newest(position.newest);
    stored->set_frontier(position.frontier);
  }
}

void SetTallies(const ShardState& state, records::ShardState* out) {
  for (const auto& [campaign, tally] : state.tallies) {
    records::Tally* stored = out->add_tallies();
    stored->set_campaign(campaign);
    stored->set_candidates(tally.candidates);
    stored->set_entered(tally.entered);
    stored->set_rejected(tally.rejected);
    stored->set_exited(tally.exited);
    stored->set_completed(tally.completed);
    stored->set_failed(tally.failed);
    stored->set_pending(tally.pending);
    stored->set_waiting(tally.waiting);
    stored->set_holdout(tally.holdout);
    stored->set_treated_converted(tally.treated_converted);
    stored->set_holdout_converted(tally.holdout_converted);
    for (const auto& [currency, minor] : tally.money_minor) {
      records::Money* money = stored->add_money();
      money->set_currency(currency);
      money->set_minor(minor);
    }
  }
  for (const auto& [version, episodes] : state.open_versions) {
    records::OpenVersion* stored = out->add_open_versions();
    stored->set_version(version);
    stored->set_episodes(episodes);
  }
  for (const auto& [channel, dispatches] : state.outbox_depth) {
    records::OutboxDepth* stored = out->add_outbox_depth();
    stored->set_channel(channel);
    stored->set_dispatches(dispatches);
  }
}

CampaignTally TallyOf(const records::Tally& stored) {
  CampaignTally tally;
  tally.candidates = stored.candidates();
  tally.entered = stored.entered();
  tally.rejected = stored.rejected();
  tally.exited = stored.exited();
  tally.completed = stored.completed();
  tally.failed = stored.failed();
  tally.pending = stored.pending();
  tally.waiting = stored.waiting();
  tally.holdout = stored.holdout();
  tally.treated_converted = stored.treated_converted();
  tally.holdout_converted = stored.holdout_converted();
  for (const records::Money& money : stored.money()) {
    tally.money_minor[money.currency()] = money.minor();
  }
  return tally;
}

}  // namespace

std::string EncodeShardState(const ShardState& state) {
  records::ShardState out;
  out.set_owner_epoch(state.owner_epoch);
  out.set_commit(state.commit);
  out.set_frontier(state.frontier);
  out.set_timer_cursor(state.timer_cursor);
  out.set_timers(state.timers);
  for (const uint64_t written : state.sinks_written) {
    out.add_sinks_written(written);
  }
  for (const uint64_t delivered : state.sinks_delivered) {
    out.add_sinks_delivered(delivered);
  }
  SetInputs(state, &out);
  SetTallies(state, &out);
  return out.SerializeAsString();
}

Status DecodeShardState(std::string_view bytes, ShardState* state) {
  records::ShardState in;
  if (!Parse(bytes, &in)) {
    return Damaged("shard state");
  }
  *state = ShardState();
  state->owner_epoch = in.owner_epoch();
  state->commit = in.commit();
  state->frontier = in.frontier();
  state->timer_cursor = in.timer_cursor();
  state->timers = in.timers();
  for (int i = 0; i < std::min(in.sinks_written_size(), static_cast<int>(kSinkKinds)); ++i) {
    state->sinks_written[static_cast<size_t>(i)] = in.sinks_written(i);
  }
  for (int i = 0; i < std::min(in.sinks_delivered_size(), static_cast<int>(kSinkKinds)); ++i) {
    state->sinks_delivered[static_cast<size_t>(i)] = in.sinks_delivered(i);
  }
  for (const records::InputPosition& stored : in.inputs()) {
    state->inputs.push_back(
        {stored.input(), stored.next_offset(), stored.newest(), stored.frontier()});
  }
  for (const records::Tally& stored : in.tallies()) {
    state->tallies[stored.campaign()] = TallyOf(stored);
  }
  for (const records::OpenVersion& stored : in.open_versions()) {
    state->open_versions[stored.version()] = stored.episodes();
  }
  for (const records::OutboxDepth& stored : in.outbox_depth()) {
    state->outbox_depth[stored.channel()] = stored.dispatches();
  }
  for (const records::OutboxDepth& stored : in.outbox_depth_of_all()) {
    state->outbox_depth[stored.channel()] = stored.dispatches();
    state->outbox_counted = false;
  }
  return Status::Ok();
}

std::string EncodeProfile(const Profile& profile) {
  records::Profile out;
  out.set_phone(profile.phone);
  out.set_email(profile.email);
  out.set_wechat_openid(profile.wechat_openid);
  out.set_locale(profile.locale);
  out.set_timezone(profile.timezone);
  out.set_region(profile.region);
  out.set_birthday(profile.birthday);
  for (const std::string& tag : profile.tags) {
    out.add_tags(tag);
  }
  for (const Attribute& attribute : profile.attributes) {
    records::Attribute* stored = out.add_attributes();
    stored->set_name(attribute.name);
    stored->set_kind(static_cast<uint32_t>(attribute.kind));
    stored->set_text(attribute.text);
    stored->set_integer(attribute.integer);
    stored->set_real(attribute.real);
  }
  for (const ConsentState& consent : profile.consents) {
    records::Consent* stored = out.add_consents();
    stored->set_channel(consent.channel);
    stored->set_message_class(static_cast<uint32_t>(consent.message_class));
    stored->set_granted(consent.granted);
    stored->set_credits(consent.credits);
    stored->set_template_name(consent.template_name);
    stored->set_held(consent.held);
  }
  for (const Suppression& suppression : profile.suppressions) {
    records::Suppression* stored = out.add_suppressions();
    stored->set_channel(suppression.channel);
    stored->set_reason(suppression.reason);
  }
  out.set_fingerprint(profile.fingerprint);
  out.set_fingerprint_time(profile.fingerprint_time);
  return out.SerializeAsString();
}

Status DecodeProfile(std::string_view bytes, Profile* profile) {
  records::Profile in;
  if (!Parse(bytes, &in)) {
    return Damaged("profile");
  }
  *profile = Profile();
  profile->phone = in.phone();
  profile->email = in.email();
  profile->wechat_openid = in.wechat_openid();
  profile->locale = in.locale();
  profile->timezone = in.timezone();
  profile->region = in.region();
  profile->birthday = in.birthday();
  profile->tags.assign(in.tags().begin(), in.tags().end());
  for (const records::Attribute& stored : in.attributes()) {
    Attribute attribute{stored.name(), Attribute::Kind::kText, stored.text(), stored.integer(),
                        stored.real()};
    if (!ToEnum(stored.kind(), Attribute::Kind::kJson, &attribute.kind)) {
      return Damaged("profile");
    }
    profile->attributes.push_back(std::move(attribute));
  }
  for (const records::Consent& stored : in.consents()) {
    ConsentState consent{stored.channel(), MessageClass::kMarketing, stored.granted(),
                         stored.credits(), stored.template_name(),   stored.held()};
    if (!ToEnum(stored.message_class(), MessageClass::kTransactional, &consent.message_class)) {
      return Damaged("profile");
    }
    profile->consents.push_back(std::move(consent));
  }
  for (const records::Suppression& stored : in.suppressions()) {
    profile->suppressions.push_back({stored.channel(), stored.reason()});
  }
  profile->fingerprint = in.fingerprint();
  profile->fingerprint_time = in.fingerprint_time();
  return Status::Ok();
}

std::string EncodeEpisodes(const std::vector<Episode>& episodes) {
  records::Episodes out;
  for (const Episode& episode : episodes) {
    SetEpisode(episode, out.add_episodes());
  }
  return out.SerializeAsString();
}

Status DecodeEpisodes(std::string_view bytes, std::vector<Episode>* episodes) {
  records::Episodes in;
  if (!Parse(bytes, &in)) {
    return Damaged("episode");
  }
  episodes->clear();
  for (const records::Episode& stored : in.episodes()) {
    if (!GetEpisode(stored, &episodes->emplace_back())) {
      return Damaged("episode");
    }
  }
  return Status::Ok();
}

std::string EncodeOutboxRecord(const OutboxRecord& record) {
  records::OutboxRecord out;
  SetDispatch(record.dispatch, out.mutable_dispatch());
  out.set_state(static_cast<uint32_t>(record.state));
  out.set_channel_index(record.channel_index);
  out.set_attempts(record.attempts);
  out.set_not_before(record.not_before);
  out.set_give_up_at(record.give_up_at);
  out.set_provider_message_id(record.provider_message_id);
  out.set_may_be_sent(record.may_be_sent);
  out.set_sent_at(record.sent_at);
  out.set_queries(record.queries);
  return out.SerializeAsString();
}

Status DecodeOutboxRecord(std::string_view bytes, OutboxRecord* record) {
  records::OutboxRecord in;
  if (!Parse(bytes, &in) || !GetDispatch(in.dispatch(), &record->dispatch) ||
      !ToEnum(in.state(), OutboxRecord::State::kUnknown, &record->state)) {
    return Damaged("dispatch");
  }
  record->channel_index = in.channel_index();
  record->attempts = in.attempts();
  record->not_before = in.not_before();
  record->give_up_at = in.give_up_at();
  record->provider_message_id = in.provider_message_id();
  record->may_be_sent = in.may_be_sent();
  record->sent_at = in.sent_at();
  record->queries = in.queries();
  const bool message = record->dispatch.kind == Dispatch::Kind::kMessage;
  if (message && record->channel_index >= record->dispatch.via.size()) {
    return Damaged("dispatch");
  }
  return Status::Ok();
}

std::string EncodeLedgerEntry(const LedgerEntry& entry) {
  records::LedgerEntry out;
  out.set_dispatch(IdBytes(entry.dispatch));
  out.set_episode(IdBytes(entry.episode));
  out.set_campaign(entry.campaign);
  out.set_coupon(entry.coupon);
  out.set_code(entry.code);
  SetMoney(entry.value, out.mutable_value());
  out.set_time(entry.time);
  out.set_expires_at(entry.expires_at);
  return out.SerializeAsString();
}

Status DecodeLedgerEntry(std::string_view bytes, LedgerEntry* entry) {
  records::LedgerEntry in;
  if (!Parse(bytes, &in)) {
    return Damaged("ledger entry");
  }
  *entry = {IdOf(in.dispatch()), IdOf(in.episode()),  in.campaign(), in.coupon(),
            in.code(),           MoneyOf(in.value()), in.time(),     in.expires_at()};
  return Status::Ok();
}

std::string EncodeLogRecord(const LogAppend& record) {
  records::LogRecord out;
  out.set_key(record.key);
  out.set_payload(record.payload);
  for (const auto& [name, text] : record.headers) {
    records::Pair* header = out.add_headers();
    header->set_name(name);
    header->set_text(text);
  }
  return out.SerializeAsString();
}

Status DecodeLogRecord(std::string_view bytes, LogRecord* record) {
  records::LogRecord in;
  if (!Parse(bytes, &in)) {
    return Damaged("log record");
  }
  record->key = std::move(*in.mutable_key());
  record->payload = std::move(*in.mutable_payload());
  for (const records::Pair& header : in.headers()) {
    record->headers.emplace_back(header.name(), header.text());
  }
  return Status::Ok();
}

}  // namespace huitou
