#include "daemon/app/setup_channels.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "channels/channel.h"
#include "channels/coupon_provider.h"
#include "channels/words.h"
#include "daemon/app/state_files.h"
#include "daemon/kafka/kafka_client.h"

namespace huitou {

namespace {

// Providers report a phone that was off for days; later receipts change nothing any more.
constexpr DurationUs kReceiptWait = 3 * kDayUs;

// Each minute behind a lost answer: providers whose interface fails are back within ten, or are out
// for hours.
constexpr uint32_t kQueriesMax = 10;

class LocalCodes final : public CouponCodes {
 public:
  explicit LocalCodes(std::unique_ptr<channels::CouponProvider> provider)
      : provider_(std::move(provider)) {}
  std::string CodeOf(const Id128& dispatch) const override {
    channels::CouponRequest request;
    request.dispatch = dispatch;
    return std::get<std::string>(provider_->Issue(request, {}));
  }

 private:
  const std::unique_ptr<channels::CouponProvider> provider_;
};

channels::Promise PromiseOf(const std::string& word, channels::Promise own) {
  using channels::Promise;
  for (const Promise promise :
       {Promise::kAtLeastOnce, Promise::kAtMostOnce, Promise::kExactlyOnceByKey}) {
    if (word == channels::ToWord(promise)) {
      return promise;
    }
  }
  return own;
}

bool MayGiveReceipts(const channels::Registration& registration, const config::Settings& settings) {
  const auto& needs = registration.receipts_need;
  return registration.receipts &&
         (needs.empty() || std::any_of(needs.begin(), needs.end(), [&](std::string_view need) {
            return !settings.Get(std::string(need)).empty();
          }));
}

// The properties of a channel that writes records: only the library knows what it takes.
Status CheckProperties(const channels::Registration& registration, const channels::Channel& codec) {
  const auto& settings = registration.schema.settings;
  if (std::none_of(settings.begin(), settings.end(), [](const config::Setting& setting) {
        return setting.type == config::SettingType::kProperties;
      })) {
    return Status::Ok();
  }
  const auto record = std::get<channels::Record>(codec.Encode({}, {}));
  return kafka::MakeConf(record.brokers, *record.properties, {}).status();
}

}  // namespace

Result<Outlets> MakeOutlets(const config::DaemonConfig& config, const std::string& state_dir) {
  Outlets outlets;
  for (const config::ChannelConfig& channel : config.channels) {
    const channels::Registration* registration = channels::FindProvider(channel.provider);
    auto codec = registration->make(channel.settings);
    const Status status = codec.ok() ? CheckProperties(*registration, **codec) : codec.status();
    if (!status.ok()) {
      return Status(StatusCode::kInvalid,
                    config.file + ": channel " + channel.name + ": " + status.message());
    }
    DispatchChannel made;
    made.name = channel.name;
    made.provider = channel.provider;
    made.codec = *std::move(codec);
    made.limits = registration->limits;
    made.limits.rate_per_second = channel.rate_per_second.value_or(made.limits.rate_per_second);
    made.limits.in_flight_max = channel.in_flight_max.value_or(made.limits.in_flight_max);
    made.limits.timeout = channel.timeout.value_or(made.limits.timeout);
    ChannelPolicy& policy = outlets.policies[channel.name];
    policy.promise = PromiseOf(channel.promise, registration->promise);
    policy.tells_delivery = registration->receipts_of_delivery;
    policy.receipt_wait = MayGiveReceipts(*registration, channel.settings) ? kReceiptWait : 0;
    policy.queries_max = registration->answers_queries ? kQueriesMax : 0;
    outlets.channels.push_back(std::move(made));
  }
  config::Settings settings = config.coupons.settings;
  const bool local = config.coupons.provider == "local";
  if (local && settings.Get("secret").empty()) {
    auto key = ReadOrMakeKey(state_dir + "/coupon.key");
    if (!key.ok()) {
      return key.status();
    }
    settings.values["secret"] = *key;
  }
  auto coupons = channels::FindCouponProvider(config.coupons.provider)->make(settings);
  if (!coupons.ok()) {
    return Status(StatusCode::kInvalid, config.file + ": coupons: " + coupons.status().message());
  }
  if (local) {
    outlets.codes = std::make_shared<LocalCodes>(*std::move(coupons));
  } else {
    DispatchChannel made;
    made.name = kCouponChannel;
    made.provider = config.coupons.provider;
    made.coupons = *std::move(coupons);
    outlets.policies[kCouponChannel].promise = channels::Promise::kExactlyOnceByKey;
    outlets.channels.push_back(std::move(made));
  }
  outlets.pools = std::make_shared<CodePools>(BootId());
  DispatchChannel pools;
  pools.name = kPoolChannel;
  pools.provider = "pool";
  pools.coupons = outlets.pools;
  outlets.policies[kPoolChannel].promise = channels::Promise::kExactlyOnceByKey;
  outlets.channels.push_back(std::move(pools));
  return outlets;
}

Status CanRun(const CampaignSet& set, const Outlets& outlets) {
  const auto restart = [](const std::string& what) {
    return Status(StatusCode::kInvalid, what + "; channels and coupons begin with a restart");
  };
  if (set.coupons_local != (outlets.codes != nullptr)) {
    return restart("coupons: another provider than the one that runs");
  }
  for (const auto& campaign : set.campaigns) {
    for (const Step* step : campaign->message_steps) {
      for (const std::string& channel : std::get<SendStep>(step->action).via) {
        if (!outlets.policies.contains(channel)) {
          return restart("campaign " + campaign->id + ": channel " + channel + " does not run yet");
        }
      }
    }
  }
  return Status::Ok();
}

FieldMap MakeFieldMap(const config::FieldMapping& mapping, Currency currency) {
  const auto convert = [](const config::MappedField& field) {
    FieldSource source;
    source.pointer = field.pointer;
    source.value = field.value;
    source.table = field.table;
    source.other = field.other;
    source.zone = field.zone;
    source.minor = field.minor;
    switch (field.unit) {
      case config::MappedField::Unit::kText:
        source.unit = TimeUnit::kText;
        break;
      case config::MappedField::Unit::kSeconds:
        source.unit = TimeUnit::kSeconds;
        break;
      case config::MappedField::Unit::kMilliseconds:
        source.unit = TimeUnit::kMilliseconds;
        break;
    }
    return source;
  };
  FieldMap map;
  map.currency = currency;
  map.items_pointer = mapping.items_pointer;
  for (const auto& [target, field] : mapping.fields) {
    map.fields.emplace(target, convert(field));
  }
  for (const auto& [target, field] : mapping.item_fields) {
    map.item_fields.emplace(target, convert(field));
  }
  return map;
}

}  // namespace huitou
