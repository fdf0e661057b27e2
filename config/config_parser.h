// The parts of the config file's parser. For this folder's .cc files only. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/daemon_config.h"
#include "config/reader.h"

namespace huitou::config {

// A secret as env:NAME or file:PATH, read; one that stands in the file itself is warned of.
std::optional<std::string> ReadSecret(const Value& value, const Secrets& secrets);
// A path, relative to the file that names it.
std::optional<std::string> ReadPath(const Value& value);
// When checking, where the world may be asked at all: warns of a file that is not there. Who runs
// it opens it.
void WarnUnlessThere(const Value& path, const Secrets& secrets);
// host:port, several with commas.
std::optional<std::string> ReadBrokers(const Value& value);
// Properties of librdkafka; values may be secrets.
std::map<std::string, std::string> ReadProperties(const Value& value, const Secrets& secrets);

std::vector<SourceConfig> ParseSources(const Value& value, const Secrets& secrets);
std::vector<ChannelConfig> ParseChannels(const Value& value, const ComponentSchemas& schemas,
                                         const Secrets& secrets);
void ParsePublic(const Value& value, const Secrets& secrets, PublicConfig* config);
CouponConfig ParseCoupons(const Value& value, const ComponentSchemas& schemas,
                          const Secrets& secrets);

}  // namespace huitou::config
