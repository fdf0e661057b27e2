#include "daemon/transports/smtp_connection.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace huitou {

using channels::Answer;
using channels::Mail;
using channels::SmtpReply;
using channels::TransportError;

namespace asio = boost::asio;

namespace {

constexpr int kGoodbye = 421;

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool IsGood(const SmtpReply& reply) {
  return reply.code < 300;
}

bool IsRefusal(const SmtpReply& reply) {
  return reply.code >= 400;
}

// With the dot that ends it. A dot behind a bare line feed is stuffed too: some servers would take
// it for the end, and what follows for commands.
std::string WriteText(std::string_view data) {
  std::string text;
  text.reserve(data.size() + 64);
  while (!data.empty()) {
    if (data.front() == '.') {
      text += '.';
    }
    const size_t line = std::min(data.find('\n'), data.size() - 1) + 1;
    text += data.substr(0, line);
    data.remove_prefix(line);
  }
  if (!text.empty() && !text.ends_with("\r\n")) {
    text += "\r\n";
  }
  return text + ".\r\n";
}

std::string MailCommand(const Mail& mail, const SmtpExtensions& extensions) {
  std::string command = "MAIL FROM:<" + mail.from + ">";
  if (extensions.size) {
    command += " SIZE=" + std::to_string(mail.data.size());
  }
  if (extensions.eight_bit && !IsAscii(mail.data)) {
    command += " BODY=8BITMIME";
  }
  if (extensions.utf8 && !(IsAscii(mail.from) && IsAscii(mail.to))) {
    command += " SMTPUTF8";
  }
  return command + "\r\n";
}

}  // namespace

SmtpConnection::SmtpConnection(std::unique_ptr<ByteStream> stream, SmtpExtensions extensions,
                               Owner* owner)
    : stream_(std::move(stream)), extensions_(extensions), owner_(owner) {
}

void SmtpConnection::Open() {
  Read();
}

void SmtpConnection::Start(const ExchangePtr& exchange) {
  exchange_ = exchange;
  refusal_ = {};
  heard_ = false;
  sent_ = Step::kNone;
  // A mail whose envelope was refused is still begun.
  Proceed(clean_ ? Step::kMail : Step::kReset);
  clean_ = false;
}

SmtpConnection::Step SmtpConnection::Next(Step step) {
  return static_cast<Step>(static_cast<int>(step) + 1);
}

std::string SmtpConnection::CommandOf(Step step) const {
  const auto& mail = std::get<Mail>(exchange_->request);
  switch (step) {
    case Step::kNone:
      break;
    case Step::kReset:
      return "RSET\r\n";
    case Step::kMail:
      return MailCommand(mail, extensions_);
    case Step::kRecipient:
      return "RCPT TO:<" + mail.to + ">\r\n";
    case Step::kData:
      return "DATA\r\n";
    case Step::kText:
      return WriteText(mail.data);
  }
  return {};
}

void SmtpConnection::Proceed(Step step) {
  step_ = step;
  const bool together = extensions_.pipelining && step < Step::kData;
  std::string text;
  for (const Step last = together ? Step::kData : step; sent_ < last;) {
    sent_ = std::max(step, Next(sent_));
    text += CommandOf(sent_);
  }
  if (!text.empty()) {
    Write(text);
  }
}

void SmtpConnection::Write(std::string_view text) {
  next_ += text;
  if (!writing_) {
    Flush();
  }
}

void SmtpConnection::Flush() {
  out_ = std::exchange(next_, {});
  writing_ = true;
  const auto self = std::static_pointer_cast<SmtpConnection>(shared_from_this());
  stream_->Write(asio::buffer(out_), [self](const ByteStream::Error& error, size_t /*bytes*/) {
    self->OnWritten(error);
  });
}

void SmtpConnection::OnWritten(const ByteStream::Error& error) {
  writing_ = false;
  if (owner_ == nullptr) {
    return;
  }
  // A server that stopped reading may have replied all the same: reading tells.
  cut_ = error || (lost_ && !next_.empty());
  if (lost_) {
    OnLost();
  } else if (!error && !next_.empty()) {
    Flush();
  }
}

void SmtpConnection::Read() {
  const auto self = std::static_pointer_cast<SmtpConnection>(shared_from_this());
  stream_->ReadSome(asio::buffer(buffer_), [self](const ByteStream::Error& error, size_t bytes) {
    self->OnRead(error, bytes);
  });
}

void SmtpConnection::OnRead(const ByteStream::Error& error, size_t bytes) {
  if (owner_ == nullptr) {
    return;
  }
  if (error) {
    lost_ = true;
    if (!writing_) {
      OnLost();
    }
    return;
  }
  replies_.Add({buffer_.data(), bytes});
  SmtpReply reply;
  while (owner_ != nullptr) {
    switch (replies_.Take(&reply)) {
      case SmtpReplies::Next::kNone:
        Read();
        return;
      case SmtpReplies::Next::kGarbage:
        Fail(Awaited() + " is not SMTP");
        break;
      case SmtpReplies::Next::kReply:
        OnReply(reply);
        break;
    }
  }
}

void SmtpConnection::OnReply(const SmtpReply& reply) {
  if (exchange_ == nullptr) {
    End();  // a goodbye, or something that nobody asked for
    return;
  }
  const bool goodbye = reply.code == kGoodbye;
  if ((goodbye && used_ && !heard_) || (step_ == Step::kReset && !IsGood(reply))) {
    GiveBack("the server ended the connection");
    return;
  }
  heard_ = true;
  if (goodbye) {
    refusal_ = refusal_.code == 0 ? reply : refusal_;
    Fail({});
  } else if (step_ == Step::kText) {
    OnTextReply(reply);
  } else {
    OnEnvelopeReply(reply);
  }
}

void SmtpConnection::OnEnvelopeReply(const SmtpReply& reply) {
  const bool data = step_ == Step::kData;
  if (IsRefusal(reply)) {
    refusal_ = refusal_.code == 0 ? reply : refusal_;
    if (data || !extensions_.pipelining) {
      Complete(refusal_);
      return;
    }
  } else if (data ? reply.code != 354 : !IsGood(reply)) {
    Fail(Awaited() + " makes no sense");
    return;
  }
  if (data && refusal_.code != 0) {
    Fail({});  // the server waits for a text: its end, even an empty one's, could be delivered
  } else {
    Proceed(Next(step_));
  }
}

void SmtpConnection::OnTextReply(const SmtpReply& reply) {
  if (IsGood(reply) || IsRefusal(reply)) {
    clean_ = true;
    Complete(reply);
  } else {
    Fail(Awaited() + " makes no sense");
  }
}

void SmtpConnection::Complete(const SmtpReply& reply) {
  used_ = true;
  Answer answer;
  answer.response = reply;
  owner_->OnAnswer(std::exchange(exchange_, nullptr), std::move(answer));
  if (writing_ || !replies_.empty()) {
    End();
  } else if (owner_ != nullptr) {
    owner_->OnRoom(this);
  }
}

void SmtpConnection::OnLost() {
  if (exchange_ != nullptr && used_ && !heard_) {
    GiveBack("the server closed the connection");
  } else {
    Fail("the connection was lost before " + Awaited());
  }
}

void SmtpConnection::Expire(const ExchangePtr& /*exchange*/) {
  Fail("timed out waiting for " + Awaited());
}

void SmtpConnection::Fail(const std::string& why) {
  if (exchange_ != nullptr) {
    const bool in_doubt = step_ == Step::kText && !cut_;
    Answer answer = NoAnswer(in_doubt ? TransportError::kAmbiguous : TransportError::kNotSent, why);
    if (refusal_.code != 0) {
      answer = {};
      answer.response = refusal_;
    }
    owner_->OnAnswer(std::exchange(exchange_, nullptr), std::move(answer));
  }
  End();
}

void SmtpConnection::GiveBack(const std::string& why) {
  owner_->OnReturn(std::exchange(exchange_, nullptr), why);
  End();
}

void SmtpConnection::End() {
  if (owner_ != nullptr) {
    Owner* const owner = std::exchange(owner_, nullptr);
    stream_->Close();
    owner->OnEnd(this);
  }
}

void SmtpConnection::Close() {
  if (owner_ == nullptr) {
    return;
  }
  owner_ = nullptr;
  if (exchange_ != nullptr || writing_) {
    stream_->Close();
    return;
  }
  out_ = "QUIT\r\n";
  const auto self = std::static_pointer_cast<SmtpConnection>(shared_from_this());
  stream_->Write(asio::buffer(out_), [self](const ByteStream::Error& /*error*/, size_t /*bytes*/) {
    self->stream_->Close();
  });
}

std::string SmtpConnection::Awaited() const {
  switch (step_) {
    case Step::kNone:
      break;
    case Step::kReset:
      return "the reply to RSET";
    case Step::kMail:
      return "the reply to MAIL";
    case Step::kRecipient:
      return "the reply to RCPT";
    case Step::kData:
      return "the reply to DATA";
    case Step::kText:
      return "the reply to the text";
  }
  return {};
}

}  // namespace huitou
