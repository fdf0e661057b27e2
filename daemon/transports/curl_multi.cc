#include "daemon/transports/curl_multi.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <utility>

#include "daemon/clock/clock.h"
#include "daemon/transports/limits.h"
#include "triggers/base/check.h"

namespace huitou {

namespace {

// libcurl wants this once per process, before the first handle.
void InitialiseCurl() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(initialised == CURLE_OK);
}

long Milliseconds(DurationUs duration) {
  return static_cast<long>(std::max<DurationUs>(1, duration / 1'000));
}

// "https://api.example:8443" of a URL; all of it when it is none.
std::string_view Origin(std::string_view url) {
  const size_t scheme = url.find("://");
  return scheme == std::string_view::npos ? url
                                          : url.substr(0, url.find_first_of("/?#", scheme + 3));
}

}  // namespace

CurlMulti::CurlMulti(IoLoop* loop, CurlOptions options, std::function<void(CURL*)> prepare)
    : loop_(*loop),
      options_(std::move(options)),
      prepare_(std::move(prepare)),
      authorities_file_(options_.ca_file) {
  InitialiseCurl();
  share_ = curl_share_init();
  CHECK(share_ != nullptr);
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

CurlMulti::~CurlMulti() {
  hosts_.clear();
  for (CURL* easy : spare_) {
    curl_easy_cleanup(easy);
  }
  curl_share_cleanup(share_);
  X509_STORE_free(authorities_);
}

CURL* CurlMulti::TakeHandle() {
  if (spare_.empty()) {
    return NewHandle();
  }
  CURL* const easy = spare_.back();
  spare_.pop_back();
  return easy;
}

CURL* CurlMulti::NewHandle() {
  CURL* const easy = curl_easy_init();
  CHECK(easy != nullptr);
  curl_easy_setopt(easy, CURLOPT_SHARE, share_);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Else a transfer that ends while its name is being resolved makes all others wait for that.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, transport_limits::kIdleSeconds);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  const CURLcode trusts = curl_easy_setopt(
      easy, CURLOPT_SSL_CTX_FUNCTION, +[](CURL* /*easy*/, void* context, void* self) {
        return static_cast<CurlMulti*>(self)->Trust(context);
      });
  CHECK(trusts == CURLE_OK);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, this);
  if (authorities_file_.empty()) {
    const char* system = nullptr;
    curl_easy_getinfo(easy, CURLINFO_CAINFO, &system);
    authorities_file_ = system == nullptr ? "" : system;
  }
  curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  prepare_(easy);
  return easy;
}

// Reading Debian's 140 authorities takes some 100 ms of the loop's one thread: not for each
// connection, and not for each lane as libcurl would.
CURLcode CurlMulti::Trust(void* ssl_context) {
  const TimeUs now = SteadyNow();
  if (authorities_ == nullptr ||
      now - authorities_at_ > transport_limits::kAuthoritiesSeconds * kSecondUs) {
    X509_STORE* const store = X509_STORE_new();
    CHECK(store != nullptr);
    // An authority of the list ends a chain, whether or not it signed itself.
    X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    if (X509_STORE_load_file(store, authorities_file_.c_str()) != 1) {
      X509_STORE_free(store);
      return CURLE_SSL_CACERT_BADFILE;
    }
    X509_STORE_free(std::exchange(authorities_, store));
    authorities_at_ = now;
  }
  SSL_CTX_set1_cert_store(static_cast<SSL_CTX*>(ssl_context), authorities_);
  return CURLE_OK;
}

void CurlMulti::Start(CURL* easy, const std::string& url, DurationUs timeout,
                      std::function<void(CURLcode)> done) {
  const DurationUs connect_timeout =
      options_.connect_timeout > 0 ? options_.connect_timeout : transport_limits::kConnectTimeout;
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, Milliseconds(timeout));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   Milliseconds(std::min(timeout, connect_timeout)));
  PickLane(url)->Start(easy, [this, done = std::move(done)](CURL* ended, CURLcode code) {
    done(code);
    if (spare_.size() < transport_limits::kSpareHandlesMax) {
      spare_.push_back(ended);
    } else {
      curl_easy_cleanup(ended);
    }
  });
}

CurlLane* CurlMulti::PickLane(std::string_view url) {
  const TimeUs now = SteadyNow();
  if (now - swept_at_ > kSecondUs) {
    swept_at_ = now;
    CloseIdleLanes(now - transport_limits::kIdleSeconds * kSecondUs);
  }
  if (open_ >= transport_limits::kConnectionsMax) {
    CloseIdleLanes(now);
  }
  const std::string_view origin = Origin(url);
  auto host = hosts_.find(origin);
  if (host == hosts_.end()) {
    host = hosts_.emplace(origin, std::vector<Lane>()).first;
  }
  std::vector<Lane>& lanes = host->second;
  const auto transfers = [](const Lane& lane) { return lane.curl->transfers(); };
  auto lane = std::find_if(lanes.begin(), lanes.end(), [&](const Lane& candidate) {
    return transfers(candidate) < transport_limits::kLaneTransfersMax;
  });
  if (lane == lanes.end() && lanes.size() < transport_limits::kHostLanesMax) {
    lanes.push_back({std::make_shared<CurlLane>(&loop_.context(), &open_), now});
    lane = std::prev(lanes.end());
  } else if (lane == lanes.end()) {
    lane = std::min_element(lanes.begin(), lanes.end(), [&](const Lane& a, const Lane& b) {
      return transfers(a) < transfers(b);
    });
  }
  lane->used_at = now;
  return lane->curl.get();
}

// libcurl itself looks for connections that are too old only in lanes that are used.
void CurlMulti::CloseIdleLanes(TimeUs used_until) {
  for (auto& [origin, lanes] : hosts_) {
    std::erase_if(lanes, [&](const Lane& lane) {
      return lane.curl->transfers() == 0 && lane.used_at <= used_until;
    });
  }
  std::erase_if(hosts_, [](const auto& host) { return host.second.empty(); });
}

channels::Answer FailedAnswer(channels::TransportError error, CURLcode code) {
  channels::Answer answer;
  answer.error = error;
  answer.error_text = curl_easy_strerror(code);  // one fixed text per code
  return answer;
}

}  // namespace huitou
