#include "daemon/transports/mail_transport.h"

#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "daemon/transports/limits.h"

namespace huitou {

using channels::Answer;
using channels::Mail;
using channels::SmtpReply;
using channels::TransportError;

namespace {

// What may stand between < and > in an envelope; anything else could end the command.
bool IsAddress(std::string_view address) {
  return !address.empty() && std::none_of(address.begin(), address.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '<' || c == '>' || c == 0x7f;
  });
}

int CodeOf(std::string_view line) {
  int code = 0;
  std::from_chars(line.data(), line.data() + std::min<size_t>(3, line.size()), code);
  return code;
}

}  // namespace

struct MailTransport::Transfer {
  Mail mail;
  DurationUs timeout = 0;
  Done done;
  CURL* easy = nullptr;
  curl_slist* recipients = nullptr;
  size_t read = 0;         // of mail.data
  bool begun = false;      // greeted, encrypted, logged in: MAIL comes next
  bool handed = false;     // libcurl knows that this was all: the dot that ends the message is out
  bool continues = false;  // the reply's next line belongs to it
  SmtpReply reply;         // the last one
  SmtpReply refusal;       // the one that ended it

  ~Transfer() { curl_slist_free_all(recipients); }

  static int OnBegin(void* data, char* /*remote_ip*/, char* /*local_ip*/, int /*remote_port*/,
                     int /*local_port*/) {
    auto* transfer = static_cast<Transfer*>(data);
    transfer->begun = true;
    transfer->refusal = {};  // of EHLO by a server that took HELO
    return CURL_PREREQFUNC_OK;
  }

  // Every line of every reply comes here.
  static size_t OnReply(char* data, size_t size, size_t count, void* user) {
    static_cast<Transfer*>(user)->AddReplyLine(std::string_view(data, size * count));
    return size * count;
  }

  void AddReplyLine(std::string_view line) {
    if (!continues) {
      reply = {CodeOf(line), {}};
    }
    continues = line.size() > 3 && line[3] == '-';
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) {
      line.remove_suffix(1);
    }
    const size_t room = transport_limits::kReplyBytesMax - reply.text.size();
    reply.text += line.substr(0, room);
    if (continues || reply.code < 400 || (begun && refusal.code != 0)) {
      return;
    }
    refusal = reply;
    if (begun) {
      StopReading();
    }
  }

  // Nothing that matters comes after a refusal; without this libcurl would wait for QUIT's reply.
  void StopReading() const {
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD) {
      ::shutdown(fd, SHUT_RD);
    }
  }

  static size_t OnRead(char* buffer, size_t size, size_t count, void* user) {
    auto* transfer = static_cast<Transfer*>(user);
    const std::string& data = transfer->mail.data;
    const size_t bytes = std::min(size * count, data.size() - transfer->read);
    std::copy_n(data.data() + transfer->read, bytes, buffer);
    transfer->read += bytes;
    // Not with the last bytes already: until it has asked once more and got nothing, libcurl sends
    // no dot, and a message without one is none to the server.
    transfer->handed = bytes == 0;
    return bytes;
  }

  // What is the same for all.
  static void Prepare(CURL* easy) {
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Transfer::OnRead);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &Transfer::OnBegin);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::OnReply);
  }

  void SetRequest() {
    const bool login = !mail.username.empty();
    curl_easy_setopt(easy, CURLOPT_USE_SSL,
                     static_cast<long>(mail.require_tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    curl_easy_setopt(easy, CURLOPT_USERNAME, login ? mail.username.c_str() : nullptr);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, login ? mail.password.c_str() : nullptr);
    const long seconds = static_cast<long>((timeout + kSecondUs - 1) / kSecondUs);
    curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, seconds);
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, ("<" + mail.from + ">").c_str());
    recipients = curl_slist_append(nullptr, ("<" + mail.to + ">").c_str());
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(easy, CURLOPT_READDATA, this);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  }

  Answer Finish(CURLcode code) {
    Answer answer;
    if (code == CURLE_OK) {
      answer.response = std::move(reply);
    } else if (refusal.code != 0) {
      answer.response = std::move(refusal);
    } else {
      answer = FailedAnswer(handed ? TransportError::kAmbiguous : TransportError::kNotSent, code);
    }
    return answer;
  }
};

MailTransport::MailTransport(CurlOptions options) : options_(std::move(options)) {
}

MailTransport::~MailTransport() {
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    lane->loop.Stop();
  }
}

MailTransport::Lane::Lane(const CurlOptions& options)
    : multi(std::make_unique<CurlMulti>(&loop, options, &Transfer::Prepare)) {
}

MailTransport::Lane* MailTransport::PickLane() {
  const std::lock_guard lock(mutex_);
  const auto least = std::min_element(
      lanes_.begin(), lanes_.end(), [](const auto& a, const auto& b) { return a->busy < b->busy; });
  const bool all_busy = least == lanes_.end() || (*least)->busy > 0;
  if (all_busy && lanes_.size() < transport_limits::kMailThreadsMax) {
    lanes_.push_back(std::make_unique<Lane>(options_));
    return lanes_.back().get();
  }
  return least->get();
}

void MailTransport::Send(channels::Request request, DurationUs timeout, Done done) {
  auto transfer = std::make_shared<Transfer>();
  transfer->mail = std::get<Mail>(std::move(request));
  transfer->timeout = timeout;
  transfer->done = std::move(done);
  Lane* const lane = PickLane();
  ++lane->busy;
  lane->loop.Post([lane, transfer] { Start(lane, transfer); });
}

void MailTransport::Start(Lane* lane, const std::shared_ptr<Transfer>& transfer) {
  if (!IsAddress(transfer->mail.from) || !IsAddress(transfer->mail.to)) {
    --lane->busy;
    Answer answer;  // what any server would say
    answer.response = SmtpReply{553, "553 5.1.3 not an address"};
    transfer->done(std::move(answer));
    return;
  }
  Mail& mail = transfer->mail;
  if (mail.sign) {
    mail.data.insert(0, mail.sign(mail.data));
  }
  transfer->easy = lane->multi->TakeHandle();
  transfer->SetRequest();
  lane->multi->Start(transfer->easy, mail.url, transfer->timeout, [lane, transfer](CURLcode code) {
    --lane->busy;
    transfer->done(transfer->Finish(code));
  });
}

}  // namespace huitou
