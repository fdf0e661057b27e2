#include "daemon/transports/curl_multi.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

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
//
// At ten thousand transfers a second the system calls count, so a connection's socket stays with
// Asio from its opening to its close, the timer is set again only for an earlier instant, and
// handles are used again.
struct CurlMulti::Impl {
  using Clock = asio::steady_timer::clock_type;

  struct Socket {
    explicit Socket(asio::io_context& context) : descriptor(context) {}

    asio::posix::stream_descriptor descriptor;
    bool connection = false;  // opened here and closed here; else a pipe of libcurl's own
    int wanted = 0;           // CURL_POLL_IN, _OUT or both; 0 once libcurl has lost interest
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
    // A mail server would be told QUIT on every kept connection, and its reply waited for.
    for (const auto& [fd, socket] : sockets) {
      if (socket->connection) {
        ::shutdown(fd, SHUT_RDWR);
      }
    }
    for (auto& [easy, done] : transfers) {
      curl_multi_remove_handle(multi, easy);
      curl_easy_cleanup(easy);
    }
    for (CURL* easy : spare) {
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

  static curl_socket_t OnOpen(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
    const curl_socket_t fd =
        ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd == CURL_SOCKET_BAD) {
      return fd;
    }
    Socket* const socket = static_cast<Impl*>(self)->Add(fd);
    if (socket == nullptr) {
      ::close(fd);
      return CURL_SOCKET_BAD;
    }
    socket->connection = true;
    return fd;
  }

  static int OnClose(void* self, curl_socket_t fd) {
    static_cast<Impl*>(self)->Forget(fd);
    return ::close(fd);
  }

  // Null when the system watches no more.
  Socket* Add(curl_socket_t fd) {
    auto socket = std::make_shared<Socket>(context);
    error_code error;
    socket->descriptor.assign(fd, error);
    if (error) {
      socket->descriptor.release();
      return nullptr;
    }
    return sockets.insert_or_assign(fd, std::move(socket)).first->second.get();
  }

  void Forget(curl_socket_t fd) {
    if (const auto found = sockets.find(fd); found != sockets.end()) {
      found->second->wanted = 0;
      found->second->descriptor.release();
      sockets.erase(found);
    }
  }

  int Watch(curl_socket_t fd, int what) {
    const auto found = sockets.find(fd);
    if (what == CURL_POLL_REMOVE) {
      if (found != sockets.end() && found->second->connection) {
        found->second->wanted = 0;  // until its next transfer, or its close
      } else {
        Forget(fd);
      }
      return 0;
    }
    if (found == sockets.end() && Add(fd) == nullptr) {
      return -1;
    }
    const std::shared_ptr<Socket>& socket = sockets.at(fd);
    socket->wanted = what;
    Await(fd, socket);
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
    if (timeout_ms < 0) {
      due.reset();
      return;
    }
    due = Clock::now() + std::chrono::milliseconds(timeout_ms);
    if (timeout_ms == 0) {
      // Every transfer begins so; several that begin together share one call.
      if (!std::exchange(called, true)) {
        asio::post(context, [this] {
          called = false;
          OnTime();
        });
      }
    } else if (!armed || *due < *armed) {
      Arm();
    }
  }

  void Arm() {
    armed = due;
    timer.expires_at(*due);
    timer.async_wait([this](const error_code& error) {
      if (!error) {
        armed.reset();
        OnTime();
      }
    });
  }

  void OnTime() {
    if (due && *due <= Clock::now()) {
      due.reset();
      Act(CURL_SOCKET_TIMEOUT, 0);
    }
    if (due && !called && (!armed || *due < *armed)) {
      Arm();
    }
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
    if (spare.size() < transport_limits::kSpareHandlesMax) {
      curl_easy_reset(easy);
      spare.push_back(easy);
    } else {
      curl_easy_cleanup(easy);
    }
  }

  CURL* TakeHandle() {
    CURL* easy = nullptr;
    if (spare.empty()) {
      easy = curl_easy_init();
      CHECK(easy != nullptr);
    } else {
      easy = spare.back();
      spare.pop_back();
    }
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &Impl::OnOpen);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &Impl::OnClose);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
    return easy;
  }

  asio::io_context& context;
  asio::steady_timer timer;
  std::optional<Clock::time_point> due;    // when libcurl wants to be called
  std::optional<Clock::time_point> armed;  // when the timer ends
  bool called = false;                     // it is on its way to be called
  CURLM* multi = nullptr;
  std::vector<CURL*> spare;
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

CURL* CurlMulti::NewHandle(const CurlOptions& options, const char* protocols,
                           const std::string& url, DurationUs timeout) {
  CURL* const easy = impl_->TakeHandle();
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
