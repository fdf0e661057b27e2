// HTTP/1.1: one request at a time, the connection kept for the next one. A request is in doubt from
// its first byte on the wire until its answer is whole. Everything on the loop's thread.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "daemon/transports/byte_stream.h"
#include "daemon/transports/connection.h"
#include "daemon/transports/proxies.h"
#include "daemon/transports/response_parser.h"

namespace huitou {

class Http1Connection final : public Connection {
 public:
  // To a proxy that shall carry the requests on, unless `proxy` is null; it outlives this.
  Http1Connection(std::unique_ptr<ByteStream> stream, const Proxy* proxy, Owner* owner);
  // Begins to read: a server may close while nothing is asked.
  void Open();

  size_t room() const override { return owner_ != nullptr && exchange_ == nullptr ? 1 : 0; }
  size_t load() const override { return exchange_ == nullptr ? 0 : 1; }
  void Start(const ExchangePtr& exchange) override;
  void Expire(const ExchangePtr& exchange) override;
  void Close() override;

 private:
  void Read();
  void OnRead(const ByteStream::Error& error, size_t bytes);
  void OnWritten(const ByteStream::Error& error, size_t bytes);
  ByteStream::Error Parse(bool at_end);
  // The next answer.
  void Expect();
  void Complete(bool at_end);
  // No answer came.
  void Fail(const std::string& why);
  void End();

  std::unique_ptr<ByteStream> stream_;
  const Proxy* const proxy_;
  Owner* owner_;  // null: closed
  ExchangePtr exchange_;
  std::optional<ResponseParser> parser_;  // while there is an exchange
  std::string out_;
  bool writing_ = false;
  std::string in_;  // what the parser has not taken
  std::array<char, 4096> buffer_{};
};

}  // namespace huitou
