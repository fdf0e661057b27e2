#include "daemon/transports/http2_connection.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "daemon/transports/http_request.h"
#include "daemon/transports/limits.h"
#include "daemon/transports/response_parser.h"
#include "triggers/base/check.h"

namespace huitou {

using channels::Answer;
using channels::HttpRequest;
using channels::TransportError;

namespace asio = boost::asio;

// One request and what has come of its answer.
struct Http2Connection::Stream {
  ExchangePtr exchange;  // null: answered already, without a whole answer
  channels::HttpResponse response;
  uint64_t reads_before = 0;  // of the connection
  size_t body_sent = 0;
  size_t header_bytes = 0;
  bool overlong = false;  // these were too many
  bool begun = false;     // its first frame is among the bytes to write
  bool headed = false;    // the answer's own headers are whole; what comes now are trailers
  bool complete = false;  // and so is the answer
  // Once it is over:
  bool unread = false;  // by the server's word
  std::string why;      // there is no answer
};

struct Http2Connection::Callbacks {
  static Http2Connection& Self(void* user) { return *static_cast<Http2Connection*>(user); }
  static Stream* Find(void* user, int32_t id) {
    const auto found = Self(user).streams_.find(id);
    return found == Self(user).streams_.end() ? nullptr : found->second.get();
  }

  static int BeforeSend(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
    Stream* const stream = Find(user, frame->hd.stream_id);
    if (stream != nullptr && frame->hd.type == NGHTTP2_HEADERS) {
      stream->begun = true;
    }
    return 0;
  }

  static ssize_t ReadBody(nghttp2_session* /*session*/, int32_t id, uint8_t* buffer, size_t size,
                          uint32_t* flags, nghttp2_data_source* /*source*/, void* user) {
    Stream* const stream = Find(user, id);
    if (stream == nullptr || stream->exchange == nullptr) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // the stream is reset
    }
    const std::string& body = std::get<HttpRequest>(stream->exchange->request).body;
    const size_t bytes = std::min(size, body.size() - stream->body_sent);
    std::copy_n(body.data() + stream->body_sent, bytes, buffer);
    stream->body_sent += bytes;
    if (stream->body_sent == body.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return static_cast<ssize_t>(bytes);
  }

  static int OnHeader(nghttp2_session* /*session*/, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t /*flags*/,
                      void* user) {
    Stream* const stream = Find(user, frame->hd.stream_id);
    if (stream == nullptr || stream->headed) {
      return 0;
    }
    stream->header_bytes += name_size + value_size;
    if (stream->header_bytes > transport_limits::kHeaderBytesMax) {
      stream->overlong = true;
      return Self(user).Reset(frame->hd.stream_id);
    }
    const std::string_view key(reinterpret_cast<const char*>(name), name_size);
    const std::string_view text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":status") {
      stream->response = {};  // what came before was an interim answer's
      stream->response.status = std::atoi(std::string(text).c_str());
    } else {
      stream->response.headers.emplace_back(key, text);
    }
    return 0;
  }

  static int OnFrame(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
      Self(user).settings_came_ = true;
    }
    Stream* const stream = Find(user, frame->hd.stream_id);
    if (stream == nullptr) {
      return 0;
    }
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS && stream->response.status >= 200) {
      stream->headed = true;
    }
    if (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) {
      stream->complete = stream->complete || (ends && stream->headed);
    }
    if (stream->complete && stream->exchange != nullptr &&
        stream->body_sent < std::get<HttpRequest>(stream->exchange->request).body.size()) {
      return Self(user).Reset(frame->hd.stream_id);  // nobody reads the rest
    }
    return 0;
  }

  static int OnData(nghttp2_session* /*session*/, uint8_t /*flags*/, int32_t id,
                    const uint8_t* data, size_t size, void* user) {
    Stream* const stream = Find(user, id);
    if (stream == nullptr || stream->complete) {
      return 0;
    }
    if (!AppendCut(&stream->response, {reinterpret_cast<const char*>(data), size})) {
      stream->complete = true;
      return Self(user).Reset(id);
    }
    return 0;
  }

  static int OnClose(nghttp2_session* /*session*/, int32_t id, uint32_t code, void* user) {
    Self(user).OnStreamClosed(id, code);
    return 0;
  }
};

namespace {

nghttp2_nv Header(const std::string& name, const std::string& value) {
  return {const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(name.data())),
          const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(value.data())), name.size(),
          value.size(), NGHTTP2_NV_FLAG_NONE};
}

// RFC 9113, section 8.2.2: these speak of a connection of HTTP/1.1.
bool IsOfHttp1(std::string_view lower_name) {
  return lower_name == "host" || lower_name == "connection" || lower_name == "keep-alive" ||
         lower_name == "proxy-connection" || lower_name == "transfer-encoding" ||
         lower_name == "upgrade" || lower_name == "te" || lower_name == "content-length";
}

// Servers of HTTP/1.1 strip the blanks around a value, those of HTTP/2 refuse them (section 8.2.1).
std::string WithoutBlanks(const std::string& value) {
  constexpr const char* kBlanks = " \t";
  const size_t first = value.find_first_not_of(kBlanks);
  return first == std::string::npos
             ? std::string()
             : value.substr(first, value.find_last_not_of(kBlanks) - first + 1);
}

channels::Headers Http2Headers(const HttpRequest& request, const HttpTarget& target) {
  channels::Headers headers = {{":method", request.method},
                               {":scheme", target.tls ? "https" : "http"},
                               {":authority", target.authority},
                               {":path", target.path}};
  for (const auto& [name, value] : DefaultHeaders()) {
    std::string lower_name = LowerCase(name);
    if (!HasHeader(request.headers, lower_name)) {
      headers.emplace_back(std::move(lower_name), value);
    }
  }
  for (const auto& [name, value] : request.headers) {
    std::string lower_name = LowerCase(name);
    if (lower_name == "host") {
      headers[2].second = WithoutBlanks(value);
    } else if (!IsOfHttp1(lower_name)) {
      headers.emplace_back(std::move(lower_name), WithoutBlanks(value));
    }
  }
  if (HasBody(request)) {
    headers.emplace_back("content-length", std::to_string(request.body.size()));
  }
  return headers;
}

}  // namespace

Http2Connection::Http2Connection(std::unique_ptr<ByteStream> stream, Owner* owner)
    : stream_(std::move(stream)), owner_(owner), timer_(stream_->executor()) {
  nghttp2_session_callbacks* callbacks = nullptr;
  CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
  nghttp2_session_callbacks_set_before_frame_send_callback(callbacks, &Callbacks::BeforeSend);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, &Callbacks::OnHeader);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &Callbacks::OnFrame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &Callbacks::OnData);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &Callbacks::OnClose);
  CHECK(nghttp2_session_client_new(&session_, callbacks, this) == 0);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, transport_limits::kHeaderBytesMax}};
  CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0);
}

Http2Connection::~Http2Connection() {
  nghttp2_session_del(session_);
}

void Http2Connection::Open(DurationUs timeout, Ready ready) {
  ready_ = std::move(ready);
  const auto self = std::static_pointer_cast<Http2Connection>(shared_from_this());
  timer_.expires_after(std::chrono::microseconds(timeout));
  timer_.async_wait([self](const ByteStream::Error& error) {
    if (!error && self->ready_ != nullptr) {
      self->Fail("timed out waiting for the server's SETTINGS");
    }
  });
  WriteSoon();
  Read();
}

size_t Http2Connection::room() const {
  if (owner_ == nullptr || silent_ || nghttp2_session_check_request_allowed(session_) == 0) {
    return 0;
  }
  const size_t most = std::min<size_t>(
      transport_limits::kStreamsMax,
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
  return most - std::min(most, streams_.size());
}

void Http2Connection::Start(const ExchangePtr& exchange) {
  const auto& request = std::get<HttpRequest>(exchange->request);
  const std::optional<HttpTarget> target = TargetOf(request);
  CHECK(target.has_value());
  const channels::Headers headers = Http2Headers(request, *target);
  std::vector<nghttp2_nv> fields;
  fields.reserve(headers.size());
  for (const auto& [name, value] : headers) {
    fields.push_back(Header(name, value));
  }
  const nghttp2_data_provider body = {{}, &Callbacks::ReadBody};
  const int32_t id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                            request.body.empty() ? nullptr : &body, nullptr);
  if (id < 0) {
    owner_->OnReturn(exchange, nghttp2_strerror(id));
    return;
  }
  auto& stream = streams_[id] = std::make_unique<Stream>();
  stream->exchange = exchange;
  stream->reads_before = reads_;
  WriteSoon();
}

void Http2Connection::Expire(const ExchangePtr& exchange) {
  const auto found = std::find_if(streams_.begin(), streams_.end(), [&](const auto& stream) {
    return stream.second->exchange == exchange;
  });
  CHECK(found != streams_.end());
  const std::unique_ptr<Stream>& stream = found->second;
  stream->exchange = nullptr;
  silent_ = silent_ || stream->reads_before == reads_;
  Answer answer = stream->begun
                      ? NoAnswer(TransportError::kAmbiguous, "timed out waiting for the answer")
                      : NoAnswer(TransportError::kNotSent, "timed out waiting for the connection");
  Reset(found->first);
  if (!stream->begun) {
    streams_.erase(found);  // and never will be
  }
  owner_->OnAnswer(exchange, std::move(answer));
  AfterEvent();
}

bool Http2Connection::spent() const {
  return (silent_ || nghttp2_session_check_request_allowed(session_) == 0) &&
         std::none_of(streams_.begin(), streams_.end(),
                      [](const auto& stream) { return stream.second->exchange != nullptr; });
}

int Http2Connection::Reset(int32_t id) {
  WriteSoon();
  return nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
}

void Http2Connection::Read() {
  const auto self = std::static_pointer_cast<Http2Connection>(shared_from_this());
  stream_->ReadSome(asio::buffer(buffer_), [self](const ByteStream::Error& error, size_t bytes) {
    self->OnRead(error, bytes);
  });
}

void Http2Connection::OnRead(const ByteStream::Error& error, size_t bytes) {
  if (owner_ == nullptr) {
    return;
  }
  ++reads_;
  const ssize_t taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(buffer_.data()), bytes);
  if (taken < 0) {
    Fail(std::string("the answer is not HTTP/2: ") + nghttp2_strerror(static_cast<int>(taken)));
    return;
  }
  if (error) {
    Fail("the connection was lost before the answer");
    return;
  }
  Read();
  WriteSoon();
  AfterEvent();
}

void Http2Connection::WriteSoon() {
  if (!write_soon_ && !writing_) {
    write_soon_ = true;
    const auto self = std::static_pointer_cast<Http2Connection>(shared_from_this());
    asio::post(stream_->executor(), [self] { self->Write(); });
  }
}

void Http2Connection::Write() {
  write_soon_ = false;
  if (owner_ == nullptr || writing_) {
    return;
  }
  constexpr size_t kBytes = 64 * 1024;
  out_.clear();
  while (out_.size() < kBytes) {
    const uint8_t* data = nullptr;
    const ssize_t bytes = nghttp2_session_mem_send(session_, &data);
    if (bytes <= 0) {
      CHECK(bytes == 0);  // else there is no memory left
      break;
    }
    out_.append(reinterpret_cast<const char*>(data), static_cast<size_t>(bytes));
  }
  if (!out_.empty()) {
    writing_ = true;
    const auto self = std::static_pointer_cast<Http2Connection>(shared_from_this());
    stream_->Write(asio::buffer(out_), [self](const ByteStream::Error& error, size_t /*bytes*/) {
      // One that is lost says so by its end, behind what the server had to say before.
      if (!error) {
        self->writing_ = false;
        self->Write();
      }
    });
  }
  AfterEvent();
}

void Http2Connection::OnStreamClosed(int32_t id, uint32_t code) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) {
    return;
  }
  Stream& stream = *found->second;
  stream.unread = code == NGHTTP2_REFUSED_STREAM;
  stream.why = stream.overlong ? "the answer's headers are too long"
               : stream.unread
                   ? "the server refused the request unread"
                   : std::string("the server ended the request: ") + nghttp2_http2_strerror(code);
  ended_.push_back(std::move(found->second));
  streams_.erase(found);
}

// The session calls while it is busy; its owner is told behind that.
void Http2Connection::AfterEvent() {
  FinishEnded(owner_);
  if (owner_ == nullptr) {
    return;
  }
  if (settings_came_ && ready_ != nullptr) {
    timer_.cancel();
    std::exchange(ready_, nullptr)({});
  }
  if (!writing_ && nghttp2_session_want_read(session_) == 0 &&
      nghttp2_session_want_write(session_) == 0) {
    Fail("the answer is not HTTP/2");  // the session has said so to the server, and ended
  } else if (spent()) {
    Fail("the server closed the connection");
  } else if (room() > 0) {
    owner_->OnRoom(this);
  }
}

void Http2Connection::FinishEnded(Owner* owner) {
  for (const std::unique_ptr<Stream>& stream : std::exchange(ended_, {})) {
    if (stream->exchange == nullptr) {
      continue;
    }
    if (stream->complete) {
      Answer answer;
      answer.response = std::move(stream->response);
      owner->OnAnswer(stream->exchange, std::move(answer));
    } else if (!stream->begun || stream->unread) {
      owner->OnReturn(stream->exchange, std::move(stream->why));
    } else {
      owner->OnAnswer(stream->exchange,
                      NoAnswer(TransportError::kAmbiguous, std::move(stream->why)));
    }
  }
}

void Http2Connection::Fail(const std::string& why) {
  Owner* const owner = owner_;
  Close();
  if (ready_ != nullptr) {
    std::exchange(ready_, nullptr)(why);
    return;
  }
  for (auto& [id, stream] : std::exchange(streams_, {})) {
    stream->why = why;
    ended_.push_back(std::move(stream));
  }
  FinishEnded(owner);
  owner->OnEnd(this);
}

void Http2Connection::Close() {
  owner_ = nullptr;
  timer_.cancel();
  stream_->Close();
}

}  // namespace huitou
