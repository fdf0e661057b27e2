// Names to addresses, by the system's own rules, each lookup on a thread of its own: one that takes
// long holds up neither another nor the end of the process. Everything on the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "triggers/base/time.h"

namespace huitou {

class Resolver {
 public:
  using Addresses = std::vector<boost::asio::ip::address>;
  // Without addresses: `error` says why ("no such host").
  using Done = std::function<void(const Addresses& addresses, const std::string& error)>;

  explicit Resolver(boost::asio::io_context* context);
  // Lookups on their way end without a word.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // In the order in which they are to be tried. Known names are answered from within the call.
  void Resolve(const std::string& host, Done done);

 private:
  struct Mailbox;
  struct Name {
    Addresses addresses;
    TimeUs known_at = 0;
    std::vector<Done> waiting;
  };

  void Start(const std::string& host);
  void OnAnswer(const std::string& host, const Addresses& addresses, const std::string& error);

  std::map<std::string, Name, std::less<>> names_;
  std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace huitou
