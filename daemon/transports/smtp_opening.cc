#include "daemon/transports/smtp_opening.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "channels/crypto.h"
#include "channels/url.h"
#include "daemon/transports/connection.h"
#include "daemon/transports/endpoint.h"

namespace huitou {

using channels::Answer;
using channels::Mail;
using channels::SmtpReply;
using channels::ToBase64;
using channels::TransportError;

namespace asio = boost::asio;

namespace {

constexpr uint16_t kSmtpPort = 25;
constexpr uint16_t kSmtpsPort = 465;

struct Server {
  Endpoint endpoint;
  std::string our_name;  // for EHLO
};

bool IsHostName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-';
  });
}

// The URL's path, else what this machine calls itself.
std::string OurName(std::string_view path) {
  if (path.size() > 1 && IsHostName(path.substr(1))) {
    return std::string(path.substr(1));
  }
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return IsHostName(name.data()) ? name.data() : "localhost";
}

std::optional<Server> ServerOf(const std::string& text) {
  const std::optional<channels::Url> url = channels::ParseUrl(text);
  if (!url.has_value() || (url->scheme != "smtp" && url->scheme != "smtps")) {
    return std::nullopt;
  }
  const bool tls = url->scheme == "smtps";
  std::optional<Endpoint> endpoint = ParseAuthority(url->authority, tls ? kSmtpsPort : kSmtpPort);
  if (!endpoint.has_value()) {
    return std::nullopt;
  }
  endpoint->tls = tls;
  return Server{*std::move(endpoint), OurName(url->path)};
}

// Keeps itself until it has ended.
class Opening : public std::enable_shared_from_this<Opening> {
 public:
  Opening(asio::io_context* context, Dialer* dialer, const Mail& like, Server server,
          SmtpOpened done)
      : dialer_(*dialer),
        server_(std::move(server)),
        require_tls_(like.require_tls),
        username_(like.username),
        password_(like.password),
        done_(std::move(done)),
        deadline_(*context) {}

  void Begin(DurationUs timeout) {
    deadline_.expires_after(std::chrono::microseconds(timeout));
    deadline_.async_wait([weak = weak_from_this()](const ByteStream::Error& error) {
      const auto self = weak.lock();
      if (!error && self != nullptr) {
        self->Fail("timed out waiting for " + self->awaited_);
      }
    });
    dialer_.Dial(server_.endpoint, Connected(&Opening::AwaitGreeting));
  }

 private:
  using Step = void (Opening::*)(const SmtpReply& reply);

  Dialer::Done Connected(void (Opening::*next)()) {
    return [self = shared_from_this(), next](std::unique_ptr<ByteStream> stream,
                                             const std::string& error) {
      if (self->done_ == nullptr) {
        return;
      }
      self->stream_ = std::move(stream);
      if (self->stream_ == nullptr) {
        self->Fail(error);
      } else {
        (self.get()->*next)();
      }
    };
  }

  void AwaitGreeting() {
    awaited_ = "the server's greeting";
    step_ = &Opening::OnGreeting;
    Read();
  }

  void OnGreeting(const SmtpReply& reply) {
    if (IsGood(reply)) {
      SayHello();
    }
  }

  void SayHello() { Ask("EHLO " + server_.our_name, "the reply to EHLO", &Opening::OnEhlo); }

  void OnEhlo(const SmtpReply& reply) {
    if (reply.code >= 500) {
      Ask("HELO " + server_.our_name, "the reply to HELO", &Opening::OnHelo);
    } else if (IsGood(reply)) {
      extensions_ = ReadExtensions(reply.text);
      Encrypt();
    }
  }

  void OnHelo(const SmtpReply& reply) {
    if (IsGood(reply)) {
      extensions_ = {};
      Encrypt();
    }
  }

  void Encrypt() {
    if (!require_tls_ || stream_->encrypted()) {
      LogIn();
    } else if (extensions_.start_tls) {
      Ask("STARTTLS", "the reply to STARTTLS", &Opening::OnStartTls);
    } else {
      Fail("TLS is required and the server does not offer STARTTLS");
    }
  }

  void OnStartTls(const SmtpReply& reply) {
    if (reply.code != 220) {
      Fail("TLS is required and the server refused STARTTLS");
    } else {
      dialer_.Encrypt(std::move(stream_), server_.endpoint, Connected(&Opening::SayHello));
    }
  }

  void LogIn() {
    if (username_.empty()) {
      Succeed();
    } else if (extensions_.auth_plain) {
      const std::string nul(1, '\0');
      Ask("AUTH PLAIN " + ToBase64(nul + username_ + nul + password_), "the reply to AUTH",
          &Opening::OnLogin);
    } else if (extensions_.auth_login) {
      Ask("AUTH LOGIN", "the reply to AUTH", &Opening::OnUserWanted);
    } else {
      Fail("there is a username and the server offers neither AUTH PLAIN nor AUTH LOGIN");
    }
  }

  void OnUserWanted(const SmtpReply& reply) {
    if (IsGood(reply, 334)) {
      Ask(ToBase64(username_), "the reply to AUTH", &Opening::OnPasswordWanted);
    }
  }

  void OnPasswordWanted(const SmtpReply& reply) {
    if (IsGood(reply, 334)) {
      Ask(ToBase64(password_), "the reply to AUTH", &Opening::OnLogin);
    }
  }

  void OnLogin(const SmtpReply& reply) {
    if (IsGood(reply)) {
      Succeed();
    }
  }

  // As expected (0: any 2yz); else it has ended: a refusal is the answer.
  bool IsGood(const SmtpReply& reply, int expected = 0) {
    if (reply.code >= 400) {
      Answer answer;
      answer.response = reply;
      End(nullptr, std::move(answer));
      return false;
    }
    if (expected == 0 ? reply.code >= 300 : reply.code != expected) {
      Fail(awaited_ + " makes no sense");
      return false;
    }
    return true;
  }

  void Ask(std::string command, std::string awaited, Step step) {
    awaited_ = std::move(awaited);
    step_ = step;
    out_ = std::move(command) + "\r\n";
    // A server that takes nothing more may have said why: reading tells.
    stream_->Write(asio::buffer(out_),
                   [self = shared_from_this()](const ByteStream::Error&, size_t) { self->Read(); });
  }

  void Read() {
    if (done_ == nullptr) {
      return;
    }
    stream_->ReadSome(asio::buffer(buffer_),
                      [self = shared_from_this()](const ByteStream::Error& error, size_t bytes) {
                        self->OnRead(error, bytes);
                      });
  }

  void OnRead(const ByteStream::Error& error, size_t bytes) {
    if (done_ == nullptr) {
      return;
    }
    if (error) {
      Fail("the connection was lost before " + awaited_);
      return;
    }
    replies_.Add({buffer_.data(), bytes});
    SmtpReply reply;
    switch (replies_.Take(&reply)) {
      case SmtpReplies::Next::kNone:
        Read();
        break;
      case SmtpReplies::Next::kGarbage:
        Fail(awaited_ + " is not SMTP");
        break;
      case SmtpReplies::Next::kReply:
        if (replies_.empty()) {
          (this->*step_)(reply);
        } else {
          // Behind the reply to STARTTLS: said by anybody on the way, to be heard as if encrypted.
          Fail("the server said more than " + awaited_);
        }
        break;
    }
  }

  void Succeed() { End(std::move(stream_), {}); }

  void Fail(std::string why) { End(nullptr, NoAnswer(TransportError::kNotSent, std::move(why))); }

  void End(std::unique_ptr<ByteStream> stream, Answer failure) {
    deadline_.cancel();
    if (stream_ != nullptr) {
      stream_->Close();
    }
    const SmtpOpened done = std::exchange(done_, nullptr);
    done(std::move(stream), extensions_, std::move(failure));
  }

  Dialer& dialer_;
  const Server server_;
  const bool require_tls_;
  const std::string username_;
  const std::string password_;
  SmtpOpened done_;  // null: ended
  asio::steady_timer deadline_;
  std::string awaited_ = "a connection";
  Step step_ = nullptr;
  SmtpExtensions extensions_;
  SmtpReplies replies_;
  std::string out_;
  std::array<char, 4096> buffer_{};
  std::unique_ptr<ByteStream> stream_;
};

}  // namespace

void OpenSmtp(asio::io_context* context, Dialer* dialer, const Mail& like, DurationUs timeout,
              SmtpOpened done) {
  std::optional<Server> server = ServerOf(like.url);
  if (!server.has_value()) {
    done(nullptr, {}, NoAnswer(TransportError::kNotSent, "not the URL of a mail server"));
    return;
  }
  std::make_shared<Opening>(context, dialer, like, *std::move(server), std::move(done))
      ->Begin(timeout);
}

}  // namespace huitou
