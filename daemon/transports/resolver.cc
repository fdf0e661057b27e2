#include "daemon/transports/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <mutex>
#include <thread>
#include <utility>

#include "daemon/clock/clock.h"
#include "daemon/transports/limits.h"

namespace huitou {

namespace asio = boost::asio;

// Where the lookups' threads leave what they found; they may outlive the resolver.
struct Resolver::Mailbox {
  std::mutex mutex;
  Resolver* resolver = nullptr;         // under mutex; null: gone
  asio::io_context* context = nullptr;  // valid while the resolver is there
};

namespace {

Resolver::Addresses Lookup(const std::string& host, std::string* error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  Resolver::Addresses addresses;
  if (failed != 0) {
    *error = failed == EAI_NONAME ? "no such host" : ::gai_strerror(failed);
    return addresses;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  for (const addrinfo* next = found; next != nullptr; next = next->ai_next) {
    asio::ip::tcp::endpoint endpoint;
    if (next->ai_addrlen <= endpoint.capacity()) {
      std::copy_n(reinterpret_cast<const char*>(next->ai_addr), next->ai_addrlen,
                  reinterpret_cast<char*>(endpoint.data()));
      endpoint.resize(next->ai_addrlen);
      addresses.push_back(endpoint.address());
    }
  }
  return addresses;
}

}  // namespace

Resolver::Resolver(asio::io_context* context) : mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->resolver = this;
  mailbox_->context = context;
}

Resolver::~Resolver() {
  const std::lock_guard lock(mailbox_->mutex);
  mailbox_->resolver = nullptr;
}

void Resolver::Resolve(const std::string& host, Done done) {
  boost::system::error_code not_an_address;
  const asio::ip::address address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    done({address}, {});
    return;
  }
  Name& name = names_[host];
  const TimeUs now = SteadyNow();
  if (!name.addresses.empty() && now - name.known_at < transport_limits::kNameSeconds * kSecondUs) {
    done(name.addresses, {});
    return;
  }
  name.waiting.push_back(std::move(done));
  if (name.waiting.size() == 1) {
    Start(host);
  }
}

void Resolver::Start(const std::string& host) {
  std::thread([mailbox = mailbox_, host] {
    std::string error;
    Addresses addresses = Lookup(host, &error);
    const std::lock_guard lock(mailbox->mutex);
    if (mailbox->resolver == nullptr) {
      return;
    }
    asio::post(*mailbox->context,
               [resolver = mailbox->resolver, host, error, addresses = std::move(addresses)] {
                 resolver->OnAnswer(host, addresses, error);
               });
  }).detach();
}

void Resolver::OnAnswer(const std::string& host, const Addresses& addresses,
                        const std::string& error) {
  const auto found = names_.find(host);
  const std::vector<Done> waiting = std::move(found->second.waiting);
  if (addresses.empty()) {
    names_.erase(found);  // asked anew next time
  } else {
    found->second = {addresses, SteadyNow(), {}};
  }
  for (const Done& done : waiting) {
    done(addresses, error);
  }
}

}  // namespace huitou
