#include "daemon/transports/http1_connection.h"

#include <boost/asio/error.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "daemon/transports/http_request.h"
#include "triggers/base/check.h"

namespace huitou {

using channels::Answer;
using channels::HttpRequest;
using channels::TransportError;

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

// Says a proxy that wants a name and a password, and no server of its own.
constexpr int kProxyAuthenticationRequired = 407;

}  // namespace

Http1Connection::Http1Connection(std::unique_ptr<ByteStream> stream, const Proxy* proxy,
                                 Owner* owner)
    : stream_(std::move(stream)), proxy_(proxy), owner_(owner) {
}

void Http1Connection::Open() {
  Read();
}

void Http1Connection::Start(const ExchangePtr& exchange) {
  const auto& request = std::get<HttpRequest>(exchange->request);
  const std::optional<HttpTarget> target = TargetOf(request);
  CHECK(target.has_value());
  exchange_ = exchange;
  Expect();
  out_ = WriteHttp1(request, *target, proxy_);
  writing_ = true;
  const auto self = std::static_pointer_cast<Http1Connection>(shared_from_this());
  stream_->Write(asio::buffer(out_), [self](const ByteStream::Error& error, size_t bytes) {
    self->OnWritten(error, bytes);
  });
}

void Http1Connection::OnWritten(const ByteStream::Error& error, size_t bytes) {
  writing_ = false;
  if (owner_ != nullptr && error && bytes == 0 && exchange_ != nullptr) {
    // The server had closed before: not a byte has left.
    owner_->OnReturn(std::exchange(exchange_, nullptr), "the server closed the connection");
    End();
  }
  // A server that stopped reading may have answered all the same: reading tells.
}

void Http1Connection::Read() {
  const auto self = std::static_pointer_cast<Http1Connection>(shared_from_this());
  stream_->ReadSome(asio::buffer(buffer_), [self](const ByteStream::Error& error, size_t bytes) {
    self->OnRead(error, bytes);
  });
}

void Http1Connection::OnRead(const ByteStream::Error& error, size_t bytes) {
  if (owner_ == nullptr) {
    return;
  }
  if (exchange_ == nullptr) {
    End();  // closed, or something that nobody asked for
    return;
  }
  in_.append(buffer_.data(), bytes);
  if (error && error != asio::error::eof) {
    Fail("the connection was lost before the answer");
    return;
  }
  const bool at_end = error == asio::error::eof;
  const ByteStream::Error wrong = Parse(at_end);
  if (parser_->cut() || parser_->is_done()) {
    Complete(at_end);
  } else if (at_end) {
    Fail("the server closed the connection before the answer");
  } else if (wrong) {
    Fail("the answer is not HTTP: " + wrong.message());
  } else {
    Read();
  }
}

// Up to the answer's end, or as far as the bytes reach.
ByteStream::Error Http1Connection::Parse(bool at_end) {
  ByteStream::Error error;
  while (!in_.empty() && !parser_->is_done() && !error) {
    in_.erase(0, parser_->put(asio::buffer(in_), error));
    if (!error && parser_->is_done() && parser_->interim()) {
      Expect();
    }
  }
  if (error == http::error::need_more) {
    error = {};
  }
  if (at_end && !error && parser_->got_some() && !parser_->is_done()) {
    parser_->put_eof(error);  // a body without a length ends with the connection
  }
  return error;
}

void Http1Connection::Expect() {
  parser_.emplace();
  parser_->skip(std::get<HttpRequest>(exchange_->request).method == "HEAD");
}

void Http1Connection::Complete(bool at_end) {
  const bool reusable =
      !at_end && !writing_ && in_.empty() && parser_->is_done() && parser_->keep_alive();
  Answer answer;
  if (proxy_ != nullptr && parser_->response().status == kProxyAuthenticationRequired) {
    answer = NoAnswer(TransportError::kNotSent, "the proxy refused the request with 407");
  } else {
    answer.response = std::move(parser_->response());
  }
  owner_->OnAnswer(std::exchange(exchange_, nullptr), std::move(answer));
  if (!reusable || owner_ == nullptr) {
    End();
    return;
  }
  Read();
  owner_->OnRoom(this);
}

void Http1Connection::Fail(const std::string& why) {
  owner_->OnAnswer(std::exchange(exchange_, nullptr), NoAnswer(TransportError::kAmbiguous, why));
  End();
}

void Http1Connection::Expire(const ExchangePtr& /*exchange*/) {
  Fail("timed out waiting for the answer");
}

void Http1Connection::End() {
  if (owner_ != nullptr) {
    Owner* const owner = owner_;
    Close();
    owner->OnEnd(this);
  }
}

void Http1Connection::Close() {
  owner_ = nullptr;
  stream_->Close();
}

}  // namespace huitou
