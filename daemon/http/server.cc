#include "daemon/http/server.h"

#include <httplib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "daemon/http/auth.h"
#include "daemon/http/connection.h"
#include "daemon/http/limits.h"
#include "daemon/http/lobby.h"
#include "daemon/http/work_queue.h"
#include "daemon/metrics/log.h"
#include "daemon/metrics/metrics.h"

namespace huitou::http {
namespace {

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

constexpr std::string_view kMultipart = "multipart/";
// Where the content type of such a body waits; not a header that a client can send.
constexpr char kRawMultipart[] = "raw multipart";

// --- the library's seams ------------------------------------------------------------------------

// A place among a bounded number, given back at the latest by the destructor.
class Place {
 public:
  Place() = default;
  ~Place() { Leave(); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  // False when `max` are taken. `taken` outlives this.
  bool Take(std::atomic<size_t>* taken, size_t max) {
    if (taken->fetch_add(1) >= max) {
      taken->fetch_sub(1);
      return false;
    }
    taken_ = taken;
    return true;
  }
  void Leave() {
    if (taken_ != nullptr) {
      taken_->fetch_sub(1);
      taken_ = nullptr;
    }
  }

 private:
  std::atomic<size_t>* taken_ = nullptr;
};

// A Connection as the library reads and writes it, and what has to be remembered of the request.
class RequestStream final : public httplib::Stream {
 public:
  explicit RequestStream(Connection* connection) : connection_(connection) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* data, size_t size) override { return connection_->Read(data, size); }
  ssize_t write(const char* data, size_t size) override { return connection_->Write(data, size); }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    Connection::AddressOf(connection_->socket(), true, &ip, &port);
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    Connection::AddressOf(connection_->socket(), false, &ip, &port);
  }
  socket_t socket() const override { return connection_->socket(); }

  Connection& connection() { return *connection_; }

  // Set where the rest of the request stays unread: nothing can follow on this connection.
  bool close_after = false;
  // How long the unread rest is waited for.
  DurationUs linger = limits::kLingerTimeout;
  Router::Match match;
  Place public_body;  // while the body of a public route is read

 private:
  Connection* const connection_;
};

// The request that this thread serves.
thread_local RequestStream* serving = nullptr;

// The library's queue of tasks, one for each accepted connection; whether its Enqueue has an answer
// depends on the version. They only lead to the lobby, so they run at once.
class TaskQueue final : public httplib::TaskQueue {
 public:
  TaskQueue(Lobby* lobby, WorkQueue* queue) : lobby_(lobby), queue_(queue) {}
  using Taken = decltype(std::declval<httplib::TaskQueue&>().enqueue(nullptr));
  Taken enqueue(std::function<void()> job) override {
    job();
    return static_cast<Taken>(true);
  }
  void shutdown() override {
    lobby_->Stop();
    queue_->Shutdown();
  }

 private:
  Lobby* const lobby_;
  WorkQueue* const queue_;
};

// The library's server with our own reading and writing of connections: its own has timeouts per
// read only, which a client that drips never meets, and no bound on heads and chunked bodies.
class LibraryServer final : public httplib::Server {
 public:
  LibraryServer(SSL_CTX* tls, DurationUs head_timeout)
      : tls_(tls),
        head_timeout_(head_timeout),
        queue_(limits::kThreads, limits::kWaitingMax, limits::kTurnedAwayMax),
        lobby_(limits::kLobbyMax, [this](const std::shared_ptr<Connection>& connection) {
          queue_.Enqueue([this, connection] { Serve(connection); });
        }) {
    new_task_queue = [this] { return new TaskQueue(&lobby_, &queue_); };
  }

  // The library's own backlog is 5.
  void WidenBacklog() { ::listen(svr_sock_, limits::kListenBacklog); }

 private:
  // On the thread that accepts.
  bool process_and_close_socket(socket_t socket) override {
    lobby_.Enter(std::make_shared<Connection>(socket, tls_), head_timeout_);
    return true;
  }

  // One request, whose head is there; then the next is waited for without this thread.
  void Serve(const std::shared_ptr<Connection>& connection) {
    if (WorkQueue::TurningAway()) {
      TurnAway(connection.get());
      return;
    }
    RequestStream stream(connection.get());
    serving = &stream;
    connection->Expect(head_timeout_, limits::kHeadBytesMax);
    bool closed = false;
    const bool good = Process(*this, stream, closed);
    serving = nullptr;
    const bool unread = stream.close_after || !good;
    const bool last = connection->CountRequest() + 1 == limits::kRequestsPerConnectionMax;
    if (!unread && !closed && !last && svr_sock_ != INVALID_SOCKET) {
      lobby_.Enter(connection, limits::kIdleTimeout);
    } else if (unread && !connection->timed_out()) {
      connection->Linger(stream.linger);
    }
  }

  void TurnAway(Connection* connection) {
    connection->Expect(limits::kTurnAwayTimeout, 0);
    const Response problem = Problem(503, "too many requests at once");
    std::string answer = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n";
    for (const auto& [name, value] : problem.headers) {
      answer.append(name).append(": ").append(value).append("\r\n");
    }
    answer.append("Content-Type: ").append(problem.content_type).append("\r\nContent-Length: ");
    answer.append(std::to_string(problem.body.size())).append("\r\n\r\n").append(problem.body);
    connection->Write(answer.data(), answer.size());
    connection->Linger(limits::kTurnAwayTimeout);
  }

  // Newer versions want the addresses beside the stream.
  template <typename Self>
  static bool Process(Self& self, RequestStream& stream, bool& closed) {
    const auto setup = [](httplib::Request& request) {
      // Ranges of generated answers make no sense.
      request.ranges.clear();
      request.headers.erase("Range");
      // The library would take them apart; a route that takes them wants the bytes.
      const std::string type = request.get_header_value("Content-Type");
      if (LowerCase(type).starts_with(kMultipart)) {
        request.headers.erase("Content-Type");
        request.headers.emplace(kRawMultipart, type);
      }
    };
    if constexpr (requires { self.process_request(stream, false, closed, setup); }) {
      return self.process_request(stream, false, closed, setup);
    } else {
      std::string remote;
      std::string local;
      int remote_port = 0;
      int local_port = 0;
      stream.get_remote_ip_and_port(remote, remote_port);
      stream.get_local_ip_and_port(local, local_port);
      return self.process_request(stream, remote, remote_port, local, local_port, false, closed,
                                  setup);
    }
  }

  SSL_CTX* const tls_;
  const DurationUs head_timeout_;
  WorkQueue queue_;
  Lobby lobby_;
};

// --- requests -----------------------------------------------------------------------------------

Request ToRequest(const httplib::Request& from) {
  Request request;
  request.method = from.method;
  request.target = from.target;
  request.query = ParseQuery(from.target);
  for (const auto& [name, value] : from.headers) {
    request.headers.emplace_back(name == kRawMultipart ? "content-type" : LowerCase(name), value);
  }
  return request;
}

bool HasBody(const httplib::Request& request) {
  return request.has_header("Transfer-Encoding") ||
         (request.has_header("Content-Length") &&
          request.get_header_value("Content-Length") != "0");
}

// Whether the body's length is said in one way and within what the route takes.
std::optional<Response> RefuseBody(const httplib::Request& request, const Route& route) {
  const bool chunked = request.has_header("Transfer-Encoding");
  const size_t lengths = request.get_header_value_count("Content-Length");
  if (!chunked && lengths == 0) {
    return Problem(411, "say Content-Length, or send the body chunked");
  }
  if (lengths > 1 || (chunked && lengths > 0)) {
    return Problem(400, "the body's length is said twice");
  }
  if (chunked && LowerCase(request.get_header_value("Transfer-Encoding")) != "chunked") {
    return Problem(501, "of the transfer encodings only chunked is known");
  }
  if (lengths == 1) {
    const std::string text = request.get_header_value("Content-Length");
    size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc() || end != text.data() + text.size()) {
      return Problem(400, "Content-Length is no number");
    }
    if (length > route.body_bytes_max) {
      return Problem(
          413, "at most " + std::to_string(route.body_bytes_max) + " bytes are taken at once");
    }
  }
  if (!route.takes_multipart && request.has_header(kRawMultipart)) {
    return Problem(415, "multipart bodies are not taken");
  }
  return std::nullopt;
}

// --- settings -----------------------------------------------------------------------------------

struct Address {
  std::string host;
  int port = 0;
};

std::optional<Address> ParseListen(std::string_view listen) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view host = listen.substr(0, colon);
  const std::string_view digits = listen.substr(colon + 1);
  Address address;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty() ||
      address.port < 0 || address.port > 65535) {
    return std::nullopt;
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  address.host = host.empty() ? "0.0.0.0" : host;
  return address;
}

struct TlsDeleter {
  void operator()(SSL_CTX* tls) const { SSL_CTX_free(tls); }
};
using Tls = std::unique_ptr<SSL_CTX, TlsDeleter>;

std::string LastTlsError() {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? "not readable" : reason;
}

Result<Tls> OpenTls(const ServerOptions& options) {
  Tls tls(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_min_proto_version(tls.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(tls.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_use_certificate_chain_file(tls.get(), options.tls_certificate.c_str()) != 1) {
    return Status(StatusCode::kInvalid,
                  "http.tls: the certificate " + options.tls_certificate + ": " + LastTlsError());
  }
  if (SSL_CTX_use_PrivateKey_file(tls.get(), options.tls_key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(tls.get()) != 1) {
    return Status(StatusCode::kInvalid,
                  "http.tls: the key " + options.tls_key + ": " + LastTlsError());
  }
  return tls;
}

// Unlike the library's default not SO_REUSEPORT: a second daemon must not share the port.
void ReuseAddress(socket_t socket) {
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

}  // namespace

// --- the server ---------------------------------------------------------------------------------

class Server::Impl {
 public:
  Impl(const ServerOptions& options, bool loopback, Tls tls, Router router, Metrics* metrics)
      : router_(std::move(router)),
        metrics_(metrics),
        guard_(options.tokens, loopback),
        tls_(std::move(tls)),
        library_(tls_.get(), options.head_timeout) {
    Connect();
  }
  ~Impl() { Stop(); }

  Status Listen(const Address& address, const std::string& listen) {
    errno = 0;
    if (address.port == 0) {
      port_ = library_.bind_to_any_port(address.host);
    } else {
      port_ = library_.bind_to_port(address.host, address.port) ? address.port : -1;
    }
    if (port_ <= 0) {
      const std::string why = errno == 0 ? "not an address of this machine" : std::strerror(errno);
      return {StatusCode::kUnavailable, "cannot listen on " + listen + ": " + why};
    }
    library_.WidenBacklog();
    thread_ = std::thread([this] { library_.listen_after_bind(); });
    while (!library_.is_running()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return Status::Ok();
  }

  void Stop() {
    if (thread_.joinable()) {
      library_.stop();
      thread_.join();
    }
  }

  int port() const { return port_; }

 private:
  void Connect() {
    library_.set_socket_options(ReuseAddress);
    library_.set_tcp_nodelay(true);
    library_.set_payload_max_length(limits::kBodyWireBytesMax);
    library_.set_default_headers(
        {{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}});
    library_.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          return Head(request, response) ? httplib::Server::HandlerResponse::Handled
                                         : httplib::Server::HandlerResponse::Unhandled;
        });
    // Only what Head left open comes here: POST with a body, to a known route.
    library_.Post(
        ".*", [this](const httplib::Request& request, httplib::Response& response,
                     const httplib::ContentReader& reader) { Body(request, response, reader); });
    library_.set_error_handler([this](const httplib::Request&, httplib::Response& response) {
      // What the library refuses by itself: a request that is no HTTP.
      if (response.body.empty()) {
        serving->close_after = true;
        Answer("none", Problem(response.status, "the request is not understood"), response);
      }
    });
  }

  // With the head read: answers all that needs no body. False when the body is to be read.
  bool Head(const httplib::Request& from, httplib::Response& to) {
    const std::string path = from.target.substr(0, from.target.find('?'));
    serving->close_after = HasBody(from);
    if (path.size() > limits::kPathBytesMax) {
      Answer("none", Problem(414, "no path is that long"), to);
      return true;
    }
    Router::Match& match = serving->match;
    match = router_.Find(from.method, path);
    if (match.route == nullptr) {
      Response problem = match.allow.empty() ? Problem(404, "there is nothing at this path")
                                             : Problem(405, "this path takes " + match.allow);
      if (!match.allow.empty()) {
        problem.headers.emplace_back("Allow", match.allow);
      }
      Answer("none", problem, to);
      return true;
    }
    const Route& route = *match.route;
    Request request = ToRequest(from);
    if (route.access == Access::kToken) {
      if (const std::optional<Response> refusal = guard_.Refuse(request)) {
        Answer(route.pattern, *refusal, to);
        return true;
      }
    }
    request.parameters = match.parameters;
    if (from.method == "POST" && route.body_bytes_max > 0) {
      if (const std::optional<Response> none =
              route.refuse ? route.refuse(request) : std::nullopt) {
        Answer(route.pattern, *none, to);
        return true;
      }
      const std::optional<Response> refusal = RefuseBody(from, route);
      if (refusal) {
        serving->close_after = true;
        Answer(route.pattern, *refusal, to);
        return true;
      }
      const bool open = route.access == Access::kPublic;
      if (open && !serving->public_body.Take(&public_bodies_, limits::kPublicBodiesMax)) {
        serving->close_after = true;
        serving->linger = limits::kTurnAwayTimeout;
        Answer(route.pattern, Problem(503, "too many of these bodies are under way"), to);
        return true;
      }
      serving->connection().Expect(open ? limits::kPublicBodyTimeout : limits::kBodyTimeout,
                                   limits::kBodyWireBytesMax);
      return false;
    }
    Answer(route.pattern, Handle(route, request), to);
    return true;
  }

  void Body(const httplib::Request& from, httplib::Response& to,
            const httplib::ContentReader& reader) {
    const Route& route = *serving->match.route;
    Request request = ToRequest(from);
    request.parameters = std::move(serving->match.parameters);
    bool too_large = false;
    const bool whole = reader([&](const char* data, size_t size) {
      too_large = request.body.size() + size > route.body_bytes_max;
      if (!too_large) {
        request.body.append(data, size);
      }
      return !too_large;
    });
    serving->public_body.Leave();
    serving->close_after = !whole;
    if (whole) {
      Answer(route.pattern, Handle(route, request), to);
    } else if (too_large || serving->connection().over_budget()) {
      Answer(route.pattern, Problem(413, "the body is too large"), to);
    } else if (serving->connection().timed_out()) {
      Answer(route.pattern, Problem(408, "the body did not come in time"), to);
    } else if (to.status == 415) {
      Answer(route.pattern, Problem(415, "this content encoding is not known"), to);
    } else {
      Answer(route.pattern, Problem(400, "the body broke off or is badly encoded"), to);
    }
  }

  static Response Handle(const Route& route, const Request& request) {
    try {
      return route.handler(request);
    } catch (const std::exception& error) {
      Log(LogLevel::kError, "http: a handler failed",
          {{"route", route.pattern}, {"why", error.what()}});
      return Problem(500, "the daemon failed to answer; its log says why");
    }
  }

  void Answer(const std::string& route, const Response& from, httplib::Response& to) {
    if (metrics_ != nullptr) {
      metrics_->Add(Metric::kHttpRequests, {route, std::to_string(from.status)});
    }
    to.status = from.status;
    for (const auto& [name, value] : from.headers) {
      to.set_header(name, value);
    }
    if (serving->close_after) {
      to.set_header("Connection", "close");
    }
    to.set_content(from.body, from.content_type);
    serving->connection().Expect(limits::kAnswerTimeout, 0);
  }

  const Router router_;
  Metrics* const metrics_;
  const Guard guard_;
  std::atomic<size_t> public_bodies_ = 0;
  const Tls tls_;
  LibraryServer library_;
  int port_ = 0;
  std::thread thread_;
};

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, Router router,
                                              Metrics* metrics) {
  const std::optional<Address> address = ParseListen(options.listen);
  if (!address) {
    return Status(StatusCode::kInvalid,
                  "http.listen: '" + options.listen + "' is not an address; 127.0.0.1:8080 is one");
  }
  Tls tls;
  if (!options.tls_certificate.empty() || !options.tls_key.empty()) {
    Result<Tls> opened = OpenTls(options);
    if (!opened.ok()) {
      return opened.status();
    }
    tls = std::move(*opened);
  }
  auto impl = std::make_unique<Impl>(options, IsLoopback(address->host), std::move(tls),
                                     std::move(router), metrics);
  if (Status status = impl->Listen(*address, options.listen); !status.ok()) {
    return status;
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
Server::~Server() = default;
int Server::port() const {
  return impl_->port();
}
void Server::Stop() {
  impl_->Stop();
}

}  // namespace huitou::http
