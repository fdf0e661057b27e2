// The provider of provider_server.cc by HTTP/2 over TLS: 100 streams at a time on a connection, and
// what is due together is written together.
//
//   http2_provider_server DELAY_MS CERTIFICATE KEY      (PEM files)
#include <nghttp2/nghttp2.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "bench/provider.h"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using huitou::bench::Seen;

constexpr uint32_t kStreamsMax = 100;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, asio::ssl::context* tls, Seen::Clock::duration delay, Seen* seen)
      : stream_(std::move(socket), *tls),
        timer_(stream_.get_executor()),
        delay_(delay),
        seen_(seen) {}

  void Start() {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [self = shared_from_this()](const error_code& error) {
                              if (!error) {
                                self->StartSession();
                              }
                            });
  }

 private:
  struct Waiting {
    int32_t stream = 0;
    Seen::Clock::time_point due;
  };

  void StartSession() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          const bool carries = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
          if (carries && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            static_cast<Connection*>(self)->Take(frame->hd.stream_id);
          }
          return 0;
        });
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new(&session, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    session_.reset(session);
    const nghttp2_settings_entry streams_max{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreamsMax};
    nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, &streams_max, 1);
    Write();
    Read();
  }

  void Read() {
    stream_.async_read_some(asio::buffer(input_),
                            [self = shared_from_this()](const error_code& error, size_t bytes) {
                              if (!error && self->Feed(bytes)) {
                                self->Read();
                              }
                            });
  }

  bool Feed(size_t bytes) {
    if (nghttp2_session_mem_recv(session_.get(), input_.data(), bytes) < 0) {
      return false;
    }
    Write();
    return true;
  }

  void Take(int32_t stream) {
    seen_->OnRequest();
    waiting_.push_back({stream, Seen::Clock::now() + delay_});
    if (waiting_.size() == 1) {
      Wait();
    }
  }

  void Wait() {
    timer_.expires_at(waiting_.front().due);
    timer_.async_wait([self = shared_from_this()](const error_code&) { self->Answer(); });
  }

  void Answer() {
    const Seen::Clock::time_point now = Seen::Clock::now();
    while (!waiting_.empty() && waiting_.front().due <= now) {
      static uint8_t name[] = ":status";
      static uint8_t value[] = "204";
      const nghttp2_nv status{name, value, sizeof name - 1, sizeof value - 1,
                              NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
      nghttp2_submit_response(session_.get(), waiting_.front().stream, &status, 1, nullptr);
      seen_->OnAnswer();
      waiting_.pop_front();
    }
    if (!waiting_.empty()) {
      Wait();
    }
    Write();
  }

  void Write() {
    if (!output_.empty()) {
      return;  // on its way; what has come since follows it
    }
    const uint8_t* data = nullptr;
    for (ssize_t bytes = 0; (bytes = nghttp2_session_mem_send(session_.get(), &data)) > 0;) {
      output_.append(reinterpret_cast<const char*>(data), static_cast<size_t>(bytes));
    }
    if (output_.empty()) {
      return;
    }
    asio::async_write(stream_, asio::buffer(output_),
                      [self = shared_from_this()](const error_code& error, size_t) {
                        self->output_.clear();
                        if (!error) {
                          self->Write();
                        }
                      });
  }

  struct Delete {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  asio::ssl::stream<tcp::socket> stream_;
  asio::steady_timer timer_;
  const Seen::Clock::duration delay_;
  Seen* const seen_;
  std::unique_ptr<nghttp2_session, Delete> session_;
  std::deque<Waiting> waiting_;  // by due
  std::array<uint8_t, size_t{64} << 10> input_;
  std::string output_;  // being written
};

int ChooseHttp2(SSL* /*tls*/, const unsigned char** chosen, unsigned char* bytes,
                const unsigned char* offered, unsigned int offered_bytes, void* /*context*/) {
  return nghttp2_select_next_protocol(const_cast<unsigned char**>(chosen), bytes, offered,
                                      offered_bytes) == 1
             ? SSL_TLSEXT_ERR_OK
             : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: http2_provider_server DELAY_MS CERTIFICATE KEY\n");
    return 2;
  }
  const std::chrono::milliseconds delay(std::atoi(argv[1]));
  asio::ssl::context tls(asio::ssl::context::tls_server);
  tls.use_certificate_chain_file(argv[2]);
  tls.use_private_key_file(argv[3], asio::ssl::context::pem);
  SSL_CTX_set_alpn_select_cb(tls.native_handle(), &ChooseHttp2, nullptr);
  asio::io_context context(1);
  Seen seen;
  huitou::bench::Serve(&context, &seen, [&](tcp::socket socket) {
    std::make_shared<Connection>(std::move(socket), &tls, delay, &seen)->Start();
  });
}
