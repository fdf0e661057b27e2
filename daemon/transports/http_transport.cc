#include "daemon/transports/http_transport.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/transports/limits.h"

namespace huitou {

using channels::Answer;
using channels::HttpRequest;
using channels::HttpResponse;
using channels::TransportError;

namespace {

// A line break in a header would begin another header, or another request.
bool IsPlain(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

bool IsPlain(const HttpRequest& request) {
  return IsPlain(request.method) && IsPlain(request.url) &&
         std::all_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
           return !header.first.empty() && IsPlain(header.first) && IsPlain(header.second);
         });
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

struct HttpTransport::Transfer {
  HttpRequest request;
  DurationUs timeout = 0;
  Done done;
  HttpResponse response;
  CURL* easy = nullptr;
  std::vector<std::string> lines;  // the request's headers
  std::vector<curl_slist> nodes;   // the same as libcurl wants them
  size_t header_bytes = 0;
  bool begun = false;  // the connection stands and the request begins
  bool cut = false;    // the answer is longer than anybody reads

  bool Sent() const {
    long bytes = 0;
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &bytes);
    return bytes > 0;
  }

  // libcurl repeats a request by itself when a kept connection breaks before the answer, though the
  // provider may have acted on it. Whether to repeat is the outbox's business.
  static int OnBegin(void* data, char* /*remote_ip*/, char* /*local_ip*/, int /*remote_port*/,
                     int /*local_port*/) {
    auto* transfer = static_cast<Transfer*>(data);
    if (transfer->begun && transfer->Sent()) {
      return CURL_PREREQFUNC_ABORT;
    }
    transfer->begun = true;
    return CURL_PREREQFUNC_OK;
  }

  static size_t OnHeader(char* data, size_t size, size_t count, void* user) {
    auto* transfer = static_cast<Transfer*>(user);
    const std::string_view line(data, size * count);
    transfer->header_bytes += line.size();
    if (transfer->header_bytes > transport_limits::kHeaderBytesMax) {
      return 0;
    }
    const size_t colon = line.find(':');
    if (line.starts_with("HTTP/")) {
      transfer->response.headers.clear();  // those before were of an interim answer
    } else if (colon != std::string_view::npos) {
      transfer->response.headers.emplace_back(LowerCase(Trim(line.substr(0, colon))),
                                              Trim(line.substr(colon + 1)));
    }
    return line.size();
  }

  static size_t OnBody(char* data, size_t size, size_t count, void* user) {
    auto* transfer = static_cast<Transfer*>(user);
    std::string& body = transfer->response.body;
    const size_t bytes = size * count;
    const size_t room = transport_limits::kAnswerBytesMax - body.size();
    body.append(data, std::min(bytes, room));
    if (bytes > room) {
      transfer->cut = true;
      return 0;
    }
    return bytes;
  }

  // The list's nodes are ours: libcurl's own functions would copy every line once more.
  void SetHeaders() {
    lines.reserve(request.headers.size());
    bool has_type = false;
    for (const auto& [name, value] : request.headers) {
      has_type = has_type || LowerCase(name) == "content-type";
      lines.push_back(value.empty() ? name + ";" : name + ": " + value);  // ';': none, but sent
    }
    // What libcurl would add by itself: a wrong type, and a wait for "100 Continue".
    static std::string no_wait = "Expect:";
    static std::string no_type = "Content-Type:";
    nodes.reserve(lines.size() + 2);
    nodes.push_back({no_wait.data(), nullptr});
    if (!has_type) {
      nodes.push_back({no_type.data(), nullptr});
    }
    for (std::string& line : lines) {
      nodes.push_back({line.data(), nullptr});
    }
    for (size_t i = 1; i < nodes.size(); ++i) {
      nodes[i - 1].next = &nodes[i];
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nodes.data());
  }

  // What is the same for all.
  static void Prepare(CURL* easy) {
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    // One request per connection at a time: only so is it known whether any of it was taken.
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);  // signatures cover the path as it is
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "huitou");
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &Transfer::OnBegin);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  }

  void SetRequest() {
    if (!request.body.empty() || request.method == "POST") {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
    } else {
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);  // no body
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    SetHeaders();
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  }

  Answer Finish(CURLcode code) {
    if (code != CURLE_OK && !cut) {
      const bool sent = begun && Sent();
      return FailedAnswer(sent ? TransportError::kAmbiguous : TransportError::kNotSent, code);
    }
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    response.status = static_cast<int>(status);
    Answer answer;
    answer.response = std::move(response);
    return answer;
  }
};

HttpTransport::HttpTransport(CurlOptions options)
    : multi_(std::make_unique<CurlMulti>(&loop_, std::move(options), &Transfer::Prepare)) {
}

HttpTransport::~HttpTransport() {
  loop_.Stop();
}

void HttpTransport::Send(channels::Request request, DurationUs timeout, Done done) {
  auto transfer = std::make_shared<Transfer>();
  transfer->request = std::get<HttpRequest>(std::move(request));
  transfer->timeout = timeout;
  transfer->done = std::move(done);
  loop_.Post([this, transfer] { Start(transfer); });
}

void HttpTransport::Start(const std::shared_ptr<Transfer>& transfer) {
  if (!IsPlain(transfer->request)) {
    transfer->done(FailedAnswer(TransportError::kNotSent, CURLE_URL_MALFORMAT));
    return;
  }
  transfer->easy = multi_->TakeHandle();
  transfer->SetRequest();
  multi_->Start(transfer->easy, transfer->request.url, transfer->timeout,
                [transfer](CURLcode code) { transfer->done(transfer->Finish(code)); });
}

}  // namespace huitou
