#include "daemon/transports/transports.h"

#include <utility>

namespace huitou {

void Transports::Send(channels::Request request, DurationUs timeout, Done done) {
  Transport* const transport =
      std::holds_alternative<channels::HttpRequest>(request) ? static_cast<Transport*>(&http_)
      : std::holds_alternative<channels::Mail>(request)      ? static_cast<Transport*>(&mail_)
                                                             : &lines_;
  transport->Send(std::move(request), timeout, std::move(done));
}

}  // namespace huitou
