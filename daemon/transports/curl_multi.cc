#include "daemon/transports/curl_multi.h"

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <unordered_map>
#include <utility>

#include "daemon/transports/limits.h"
#include "triggers/base/check.h"

namespace huitou {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// libcurl wants this once per process, before the first handle.
void InitialiseCurl() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(initialised == CURLE_OK);
}

long Milliseconds(DurationUs duration) {
  return static_cast<long>(std::max<DurationUs>(1, duration / 1'000));
}

}  // namespace

// libcurl says which sockets to watch for what (Watch) and when to call it at the latest
// (SetTimer); Asio says when something happened (Act).
struct CurlMulti::Impl {
  struct Socket {
    explicit Socket(asio::io_context& context) : descriptor(context) {}

    asio::posix::stream_descriptor descriptor;
    int wanted = 0;  // CURL_POLL_IN, _OUT or both; 0 once libcurl has lost interest
    bool awaiting_read = false;
    bool awaiting_write = false;
  };

  explicit Impl(IoLoop* loop) : context(loop->context()), timer(context) {
    InitialiseCurl();
    multi = curl_multi_init();
    CHECK(multi != nullptr);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Impl::OnSocket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Impl::OnTimer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, transport_limits::kHostConnectionsMax);
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, transport_limits::kConnectionsMax);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, transport_limits::kHostConnectionsMax);
  }

  ~Impl() {
    for (auto& [easy, done] : transfers) {
      curl_multi_remove_handle(multi, easy);
      curl_easy_cleanup(easy);
    }
    curl_multi_cleanup(multi);
    // What libcurl did not give back is closed already; Asio must not close it again.
    for (auto& [fd, socket] : sockets) {
      socket->descriptor.release();
    }
  }

  static int OnSocket(CURL* /*easy*/, curl_socket_t fd, int what, void* self, void* /*socket*/) {
    return static_cast<Impl*>(self)->Watch(fd, what);
  }

  static int OnTimer(CURLM* /*multi*/, long timeout_ms, void* self) {
    static_cast<Impl*>(self)->SetTimer(timeout_ms);
    return 0;
  }

  int Watch(curl_socket_t fd, int what) {
    auto found = sockets.find(fd);
    if (what == CURL_POLL_REMOVE) {
      if (found != sockets.end()) {
        found->second->wanted = 0;
        found->second->descriptor.release();
        sockets.erase(found);
      }
      return 0;
    }
    if (found == sockets.end()) {
      auto socket = std::make_shared<Socket>(context);
      error_code error;
      socket->descriptor.assign(fd, error);
      if (error) {
        return -1;
      }
      found = sockets.emplace(fd, std::move(socket)).first;
    }
    found->second->wanted = what;
    Await(fd, found->second);
    return 0;
  }

  void Await(curl_socket_t fd, const std::shared_ptr<Socket>& socket) {
    if ((socket->wanted & CURL_POLL_IN) != 0 && !socket->awaiting_read) {
      socket->awaiting_read = true;
      socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                    [this, fd, socket](const error_code& error) {
                                      socket->awaiting_read = false;
                                      OnReady(fd, socket, CURL_POLL_IN, CURL_CSELECT_IN, error);
                                    });
    }
    if ((socket->wanted & CURL_POLL_OUT) != 0 && !socket->awaiting_write) {
      socket->awaiting_write = true;
      socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                    [this, fd, socket](const error_code& error) {
                                      socket->awaiting_write = false;
                                      OnReady(fd, socket, CURL_POLL_OUT, CURL_CSELECT_OUT, error);
                                    });
    }
  }

  void OnReady(curl_socket_t fd, const std::shared_ptr<Socket>& socket, int direction, int event,
               const error_code& error) {
    if (error || (socket->wanted & direction) == 0) {
      return;  // released, or no longer asked for; when asked for again, awaited again
    }
    Act(fd, event);
    if (socket->wanted != 0) {
      Await(fd, socket);
    }
  }

  void SetTimer(long timeout_ms) {
    timer.cancel();
    if (timeout_ms < 0) {
      return;
    }
    timer.expires_after(std::chrono::milliseconds(timeout_ms));
    timer.async_wait([this](const error_code& error) {
      if (!error) {
        Act(CURL_SOCKET_TIMEOUT, 0);
      }
    });
  }

  void Act(curl_socket_t fd, int event) {
    int running = 0;
    curl_multi_socket_action(multi, fd, event, &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE) {
        // The message dies with the handle's removal.
        Finish(message->easy_handle, message->data.result);
      }
    }
  }

  void Finish(CURL* easy, CURLcode code) {
    const auto found = transfers.find(easy);
    CHECK(found != transfers.end());
    const std::function<void(CURLcode)> done = std::move(found->second);
    transfers.erase(found);
    curl_multi_remove_handle(multi, easy);
    done(code);
    curl_easy_cleanup(easy);
  }

  asio::io_context& context;
  asio::steady_timer timer;
  CURLM* multi = nullptr;
  std::unordered_map<CURL*, std::function<void(CURLcode)>> transfers;
  std::unordered_map<curl_socket_t, std::shared_ptr<Socket>> sockets;
};

CurlMulti::CurlMulti(IoLoop* loop) : impl_(std::make_unique<Impl>(loop)) {
}

CurlMulti::~CurlMulti() = default;

void CurlMulti::Start(CURL* easy, std::function<void(CURLcode)> done) {
  impl_->transfers.emplace(easy, std::move(done));
  const CURLMcode added = curl_multi_add_handle(impl_->multi, easy);
  CHECK(added == CURLM_OK);
}

CURL* NewCurlHandle(const CurlOptions& options, const char* protocols, const std::string& url,
                    DurationUs timeout) {
  CURL* easy = curl_easy_init();
  CHECK(easy != nullptr);
  const DurationUs connect_timeout =
      options.connect_timeout > 0 ? options.connect_timeout : transport_limits::kConnectTimeout;
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, Milliseconds(timeout));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   Milliseconds(std::min(timeout, connect_timeout)));
  // Else a transfer that ends while its name is being resolved makes all others wait for that.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, transport_limits::kIdleSeconds);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // Reading Debian's 140 authorities takes some 100 ms of the loop's one thread, which a host that
  // needs many connections would take from all others. libcurl keeps them, but none from a folder.
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, transport_limits::kAuthoritiesSeconds);
  if (!options.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  }
  return easy;
}

channels::Answer FailedAnswer(channels::TransportError error, CURLcode code) {
  channels::Answer answer;
  answer.error = error;
  answer.error_text = curl_easy_strerror(code);  // one fixed text per code
  return answer;
}

}  // namespace huitou
