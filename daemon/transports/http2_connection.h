// HTTP/2 (RFC 9113) by nghttp2: many requests at a time, each with an end of its own. A request is
// in doubt from its first frame on until its answer is whole, unless the server says that it has
// not read it (GOAWAY below it, REFUSED_STREAM). Everything on the loop's thread.
#pragma once

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/transports/byte_stream.h"
#include "daemon/transports/connection.h"
#include "triggers/base/time.h"

struct nghttp2_session;

namespace huitou {

class Http2Connection final : public Connection {
 public:
  // `error` is empty, or says why there will be no connection.
  using Ready = std::function<void(const std::string& error)>;

  Http2Connection(std::unique_ptr<ByteStream> stream, Owner* owner);
  ~Http2Connection() override;
  // Begins to speak and to read. `ready` once: the server has said how much it takes at a time, or
  // has not within the timeout.
  void Open(DurationUs timeout, Ready ready);

  size_t room() const override;
  size_t load() const override { return streams_.size(); }
  void Start(const ExchangePtr& exchange) override;
  void Expire(const ExchangePtr& exchange) override;
  void Close() override;

 private:
  struct Stream;
  struct Callbacks;  // what nghttp2 calls

  void Read();
  void OnRead(const ByteStream::Error& error, size_t bytes);
  // What the session has to say goes out together, once this event has been dealt with.
  void WriteSoon();
  void Write();
  // `code` is HTTP/2's error code, by the server's word or the session's.
  void OnStreamClosed(int32_t id, uint32_t code);
  void AfterEvent();
  void FinishEnded(Owner* owner);
  // It takes no more, and nobody waits for anything of it.
  bool spent() const;
  // Nobody waits for it any more.
  int Reset(int32_t id);
  // The connection is lost: what was begun is in doubt.
  void Fail(const std::string& why);

  std::unique_ptr<ByteStream> stream_;
  Owner* owner_;                     // null: closed
  Ready ready_;                      // null: it has been called
  boost::asio::steady_timer timer_;  // until then
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, std::unique_ptr<Stream>> streams_;
  std::vector<std::unique_ptr<Stream>> ended_;  // whose owner is not told yet
  bool settings_came_ = false;
  uint64_t reads_ = 0;
  // A request's time was over and nothing at all had come since it began: the server may be gone
  // without a word, and the next requests go elsewhere.
  bool silent_ = false;
  bool write_soon_ = false;
  bool writing_ = false;
  std::string out_;
  std::array<char, 16 * 1024> buffer_{};
};

}  // namespace huitou
