#include "daemon/transports/transports.h"

#include <utility>

namespace huitou {

void Transports::Send(channels::Request request, DurationUs timeout, Done done) {
  Transport* transport = nullptr;
  if (std::holds_alternative<channels::HttpRequest>(request)) {
    transport = &http_;
  } else if (std::holds_alternative<channels::Mail>(request)) {
    transport = &mail_;
  } else if (std::holds_alternative<channels::Record>(request)) {
    transport = &records_;
  } else {
    transport = std::get<channels::Line>(request).path.empty() ? &console_ : &files_;
  }
  transport->Send(std::move(request), timeout, std::move(done));
}

}  // namespace huitou
