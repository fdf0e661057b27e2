// Which of the messages that leave together share a request. Pure; any thread.
//
// Only what is there already is put together: nothing waits for company.
//
//   for (std::vector<SendJob>& jobs : PutTogether(std::move(leased), codec_of)) SendAsOne(jobs);
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "channels/channel.h"
#include "daemon/outbox/outbox.h"

namespace huitou {

// Null for a channel that sends no messages.
using CodecOf = std::function<const channels::Channel*(const std::string& channel)>;

// All jobs, in their order, those of one request together.
std::vector<std::vector<SendJob>> PutTogether(std::vector<SendJob> jobs, const CodecOf& codec_of);

}  // namespace huitou
