#include "channels/channel.h"

#include "channels/answer.h"

namespace huitou::channels {

CallbackReply Channel::DecodeCallback(const CallbackRequest& /*request*/, TimeUs /*now*/) const {
  return RefuseCallback(404);
}

Result<Channel::Token> Channel::DecodeToken(const HttpResponse& /*response*/) const {
  return Status(StatusCode::kInternal, "this channel has no access token");
}

}  // namespace huitou::channels
