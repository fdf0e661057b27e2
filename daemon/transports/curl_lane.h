// One handle of libcurl's multi interface on an IoLoop, for the transfers to one host: libcurl
// looks through all its connections to the host for each transfer, twice, so a lane has few of
// them. Only CurlMulti includes it. Everything on the loop's thread.
#pragma once

#include <curl/curl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

namespace huitou {

class CurlLane : public std::enable_shared_from_this<CurlLane> {
 public:
  using Done = std::function<void(CURL* easy, CURLcode code)>;

  // `open` counts the connections of all lanes; beyond limits::kConnectionsMax none is opened, and
  // the transfer fails as one to a host that cannot be reached.
  CurlLane(boost::asio::io_context* context, long* open);
  // Closes.
  ~CurlLane();
  CurlLane(const CurlLane&) = delete;
  CurlLane& operator=(const CurlLane&) = delete;

  // `done` when it has ended, with the handle.
  void Start(CURL* easy, Done done);
  size_t transfers() const { return transfers_.size(); }

  // Open transfers end without a word, their handles are gone; kept connections are shut down
  // without waiting for goodbyes.
  void Close();

 private:
  using Clock = boost::asio::steady_timer::clock_type;
  struct Socket;

  static int OnSocket(CURL* easy, curl_socket_t fd, int what, void* self, void* socket);
  static int OnTimer(CURLM* multi, long timeout_ms, void* self);
  static curl_socket_t OnOpen(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int OnClose(void* self, curl_socket_t fd);

  Socket* Add(curl_socket_t fd);
  void Forget(curl_socket_t fd);
  int Watch(curl_socket_t fd, int what);
  void Await(curl_socket_t fd, const std::shared_ptr<Socket>& socket);
  void OnReady(curl_socket_t fd, const std::shared_ptr<Socket>& socket, int event);
  void SetTimer(long timeout_ms);
  void Arm();
  void OnTime();
  void Act(curl_socket_t fd, int event);
  void Finish(CURL* easy, CURLcode code);

  boost::asio::io_context& context_;
  long& open_;
  boost::asio::steady_timer timer_;
  std::optional<Clock::time_point> due_;    // when libcurl wants to be called
  std::optional<Clock::time_point> armed_;  // when the timer ends
  bool called_ = false;                     // it is on its way to be called
  CURLM* multi_ = nullptr;                  // null: closed
  std::unordered_map<CURL*, Done> transfers_;
  std::unordered_map<curl_socket_t, std::shared_ptr<Socket>> sockets_;
};

}  // namespace huitou
