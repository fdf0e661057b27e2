#include "channels/channel.h"

#include "channels/answer.h"
#include "triggers/base/check.h"

namespace huitou::channels {

CallbackReply Channel::DecodeCallback(const CallbackRequest& /*request*/, TimeUs /*now*/) const {
  return RefuseCallback(404);
}

Request Channel::EncodeBatch(std::span<const Message> /*messages*/,
                             const EncodeContext& /*context*/) const {
  CHECK(BatchMax() > 1);  // then the channel has its own
  return {};
}

std::optional<std::vector<Outcome>> Channel::DecodeBatch(const Answer& /*answer*/,
                                                         std::span<const Message> /*messages*/,
                                                         TimeUs /*now*/) const {
  return std::nullopt;
}

Result<Channel::Polled> Channel::DecodePoll(const Answer& /*answer*/) const {
  return Status(StatusCode::kInternal, "this channel fetches no receipts");
}

Result<Channel::Token> Channel::DecodeToken(const HttpResponse& /*response*/) const {
  return Status(StatusCode::kInternal, "this channel has no access token");
}

}  // namespace huitou::channels
