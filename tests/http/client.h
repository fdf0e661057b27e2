// A client of the HTTP tests: libcurl for well-formed requests, a bare socket for all others.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace huitou::http {

struct Answer {
  int status = 0;  // 0: none came
  std::string body;
  std::map<std::string, std::string> headers;  // names in lower case
};

struct Call {
  std::string method = "GET";
  std::string url;
  std::string body = {};
  std::vector<std::string> headers = {};  // "Name: value"
  std::string ca_file = {};               // of https
};

Answer Send(const Call& call);

// Connects to 127.0.0.1:port.
class RawSocket {
 public:
  explicit RawSocket(int port);
  ~RawSocket();
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  // False when the other side is gone.
  bool Write(const std::string& bytes) const;
  // Everything up to the connection's end.
  std::string ReadAll() const;

 private:
  int socket_;
};

}  // namespace huitou::http
