// libcurl's multi interface on an IoLoop: many transfers on one thread. What HTTP and mail share;
// only the transports include it. Everything on the loop's thread but construction and destruction.
//
//   CurlMulti multi(&loop, options, [](CURL* easy) { what is the same for all transfers });
//   CURL* easy = multi.TakeHandle();
//   curl_easy_setopt(easy, ...);  // whatever differs, each time: it served others before
//   multi.Start(easy, "https://a.example/b", 10 * kSecondUs, [](CURLcode code) { ... });
#pragma once

#include <curl/curl.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "channels/channel.h"
#include "daemon/transports/curl_lane.h"
#include "daemon/transports/io_loop.h"
#include "triggers/base/time.h"

struct x509_store_st;

namespace huitou {

struct CurlOptions {
  std::string ca_file;             // PEM with the authorities to trust; empty: the system's
  DurationUs connect_timeout = 0;  // 0: limits::kConnectTimeout
};

class CurlMulti {
 public:
  CurlMulti(IoLoop* loop, CurlOptions options, std::function<void(CURL*)> prepare);
  // The loop must have been stopped. Transfers that are open end without a word, kept connections
  // are shut down without waiting for goodbyes.
  ~CurlMulti();

  // A handle with what every transfer has: TLS always verified, no redirects; `prepare` says which
  // protocols.
  CURL* TakeHandle();
  // Takes the handle back; calls `done` when its transfer has ended. Whoever needs something of it
  // asks in `done`: it serves another transfer after that.
  void Start(CURL* easy, const std::string& url, DurationUs timeout,
             std::function<void(CURLcode)> done);

 private:
  // A host's are filled one after another, so that few transfers use few connections, and those
  // stay in use.
  struct Lane {
    std::shared_ptr<CurlLane> curl;
    TimeUs used_at = 0;
  };

  CURL* NewHandle();
  CurlLane* PickLane(std::string_view url);
  // Those without a transfer, not used since.
  void CloseIdleLanes(TimeUs used_until);
  CURLcode Trust(void* ssl_context);

  IoLoop& loop_;
  const CurlOptions options_;
  const std::function<void(CURL*)> prepare_;
  CURLSH* share_ = nullptr;  // what all lanes know: hosts' addresses and TLS sessions
  long open_ = 0;            // connections
  std::vector<CURL*> spare_;
  std::map<std::string, std::vector<Lane>, std::less<>> hosts_;
  TimeUs swept_at_ = 0;
  std::string authorities_file_;
  x509_store_st* authorities_ = nullptr;  // OpenSSL's X509_STORE
  TimeUs authorities_at_ = 0;
};

// The answer when none came, in words without addresses.
channels::Answer FailedAnswer(channels::TransportError error, CURLcode code);

}  // namespace huitou
