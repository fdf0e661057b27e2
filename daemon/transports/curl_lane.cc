#include "daemon/transports/curl_lane.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "daemon/transports/limits.h"
#include "triggers/base/check.h"

namespace huitou {

namespace asio = boost::asio;
using boost::system::error_code;

// libcurl says which sockets to watch for what (Watch) and when to call it at the latest
// (SetTimer); Asio says when something happened (Act).
//
// At ten thousand transfers a second the system calls count, so a connection's socket stays with
// Asio from its opening to its close, and the timer is set again only for an earlier instant.
struct CurlLane::Socket {
  explicit Socket(asio::io_context& context) : descriptor(context) {}

  asio::posix::stream_descriptor descriptor;
  bool connection = false;  // opened here and closed here; else a pipe of libcurl's own
  int wanted = 0;           // CURL_POLL_IN, _OUT or both; 0 once libcurl has lost interest
  bool awaiting_read = false;
  bool awaiting_write = false;
};

CurlLane::CurlLane(asio::io_context* context, long* open)
    : context_(*context), open_(*open), timer_(*context), multi_(curl_multi_init()) {
  CHECK(multi_ != nullptr);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLane::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLane::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  // What is beyond waits inside libcurl for a connection.
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, transport_limits::kLaneConnectionsMax);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, transport_limits::kLaneConnectionsMax);
}

CurlLane::~CurlLane() {
  Close();
}

void CurlLane::Close() {
  if (multi_ == nullptr) {
    return;
  }
  // A mail server would be told QUIT on every kept connection, and its reply waited for.
  for (const auto& [fd, socket] : sockets_) {
    if (socket->connection) {
      ::shutdown(fd, SHUT_RDWR);
    }
  }
  for (auto& [easy, done] : transfers_) {
    curl_multi_remove_handle(multi_, easy);
    curl_easy_cleanup(easy);
  }
  transfers_.clear();
  curl_multi_cleanup(std::exchange(multi_, nullptr));
  // What libcurl did not give back is closed already; Asio must not close it again.
  for (auto& [fd, socket] : sockets_) {
    socket->wanted = 0;
    socket->descriptor.release();
  }
  sockets_.clear();
  timer_.cancel();
}

void CurlLane::Start(CURL* easy, Done done) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &CurlLane::OnOpen);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &CurlLane::OnClose);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
  transfers_.emplace(easy, std::move(done));
  const CURLMcode added = curl_multi_add_handle(multi_, easy);
  CHECK(added == CURLM_OK);
}

int CurlLane::OnSocket(CURL* /*easy*/, curl_socket_t fd, int what, void* self, void* /*socket*/) {
  return static_cast<CurlLane*>(self)->Watch(fd, what);
}

int CurlLane::OnTimer(CURLM* /*multi*/, long timeout_ms, void* self) {
  static_cast<CurlLane*>(self)->SetTimer(timeout_ms);
  return 0;
}

curl_socket_t CurlLane::OnOpen(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
  auto* const lane = static_cast<CurlLane*>(self);
  if (lane->open_ >= transport_limits::kConnectionsMax) {
    return CURL_SOCKET_BAD;
  }
  const curl_socket_t fd =
      ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd == CURL_SOCKET_BAD) {
    return fd;
  }
  Socket* const socket = lane->Add(fd);
  if (socket == nullptr) {
    ::close(fd);
    return CURL_SOCKET_BAD;
  }
  socket->connection = true;
  ++lane->open_;
  return fd;
}

int CurlLane::OnClose(void* self, curl_socket_t fd) {
  auto* const lane = static_cast<CurlLane*>(self);
  lane->Forget(fd);
  --lane->open_;
  return ::close(fd);
}

// Null when the system watches no more.
CurlLane::Socket* CurlLane::Add(curl_socket_t fd) {
  auto socket = std::make_shared<Socket>(context_);
  error_code error;
  socket->descriptor.assign(fd, error);
  if (error) {
    socket->descriptor.release();
    return nullptr;
  }
  return sockets_.insert_or_assign(fd, std::move(socket)).first->second.get();
}

void CurlLane::Forget(curl_socket_t fd) {
  if (const auto found = sockets_.find(fd); found != sockets_.end()) {
    found->second->wanted = 0;
    found->second->descriptor.release();
    sockets_.erase(found);
  }
}

int CurlLane::Watch(curl_socket_t fd, int what) {
  const auto found = sockets_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (found != sockets_.end() && found->second->connection) {
      found->second->wanted = 0;  // until its next transfer, or its close
    } else {
      Forget(fd);
    }
    return 0;
  }
  if (found == sockets_.end() && Add(fd) == nullptr) {
    return -1;
  }
  const std::shared_ptr<Socket>& socket = sockets_.at(fd);
  socket->wanted = what;
  Await(fd, socket);
  return 0;
}

// The lane outlives every wait that finds something wanted: Close and Forget take that back.
void CurlLane::Await(curl_socket_t fd, const std::shared_ptr<Socket>& socket) {
  if ((socket->wanted & CURL_POLL_IN) != 0 && !socket->awaiting_read) {
    socket->awaiting_read = true;
    socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                  [this, fd, socket](const error_code& error) {
                                    socket->awaiting_read = false;
                                    if (!error && (socket->wanted & CURL_POLL_IN) != 0) {
                                      OnReady(fd, socket, CURL_CSELECT_IN);
                                    }
                                  });
  }
  if ((socket->wanted & CURL_POLL_OUT) != 0 && !socket->awaiting_write) {
    socket->awaiting_write = true;
    socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                  [this, fd, socket](const error_code& error) {
                                    socket->awaiting_write = false;
                                    if (!error && (socket->wanted & CURL_POLL_OUT) != 0) {
                                      OnReady(fd, socket, CURL_CSELECT_OUT);
                                    }
                                  });
  }
}

void CurlLane::OnReady(curl_socket_t fd, const std::shared_ptr<Socket>& socket, int event) {
  Act(fd, event);
  if (socket->wanted != 0) {
    Await(fd, socket);
  }
}

void CurlLane::SetTimer(long timeout_ms) {
  if (timeout_ms < 0) {
    due_.reset();
    return;
  }
  due_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
  if (timeout_ms == 0) {
    // Every transfer begins so; several that begin together share one call.
    if (!std::exchange(called_, true)) {
      asio::post(context_, [weak = weak_from_this()] {
        if (const std::shared_ptr<CurlLane> self = weak.lock()) {
          self->called_ = false;
          self->OnTime();
        }
      });
    }
  } else if (!armed_ || *due_ < *armed_) {
    Arm();
  }
}

void CurlLane::Arm() {
  armed_ = due_;
  timer_.expires_at(*due_);
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const std::shared_ptr<CurlLane> self = weak.lock();
    if (!error && self != nullptr) {
      self->armed_.reset();
      self->OnTime();
    }
  });
}

void CurlLane::OnTime() {
  if (due_ && *due_ <= Clock::now()) {
    due_.reset();
    Act(CURL_SOCKET_TIMEOUT, 0);
  }
  if (due_ && !called_ && (!armed_ || *due_ < *armed_)) {
    Arm();
  }
}

void CurlLane::Act(curl_socket_t fd, int event) {
  if (multi_ == nullptr) {
    return;
  }
  const std::shared_ptr<CurlLane> self = shared_from_this();  // whatever `done` does
  int running = 0;
  curl_multi_socket_action(multi_, fd, event, &running);
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg == CURLMSG_DONE) {
      // The message dies with the handle's removal.
      Finish(message->easy_handle, message->data.result);
    }
  }
}

void CurlLane::Finish(CURL* easy, CURLcode code) {
  const auto found = transfers_.find(easy);
  CHECK(found != transfers_.end());
  const Done done = std::move(found->second);
  transfers_.erase(found);
  curl_multi_remove_handle(multi_, easy);
  done(easy, code);
}

}  // namespace huitou
