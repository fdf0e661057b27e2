// A connection to a mail server that takes mails, one at a time (RFC 5321), each in two round trips
// where the server offers PIPELINING (RFC 2920), else in four. A mail is in doubt from when the dot
// that ends its text is on its way until the reply to it: before that no server may deliver.
// Everything on the loop's thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "daemon/transports/byte_stream.h"
#include "daemon/transports/connection.h"
#include "daemon/transports/smtp_replies.h"

namespace huitou {

class SmtpConnection final : public Connection {
 public:
  // As OpenSmtp gives it.
  SmtpConnection(std::unique_ptr<ByteStream> stream, SmtpExtensions extensions, Owner* owner);
  // Begins to read: a server may say goodbye between mails.
  void Open();

  size_t room() const override { return owner_ != nullptr && exchange_ == nullptr ? 1 : 0; }
  size_t load() const override { return exchange_ == nullptr ? 0 : 1; }
  void Start(const ExchangePtr& exchange) override;
  void Expire(const ExchangePtr& exchange) override;
  // With QUIT where the server waits for a command; its reply is not waited for.
  void Close() override;

 private:
  // A mail's commands in their order, and its text.
  enum class Step : uint8_t { kNone, kReset, kMail, kRecipient, kData, kText };

  static Step Next(Step step);
  std::string CommandOf(Step step) const;
  void Proceed(Step step);
  void Write(std::string_view text);
  void Flush();
  void OnWritten(const ByteStream::Error& error);
  void Read();
  void OnRead(const ByteStream::Error& error, size_t bytes);
  void OnReply(const channels::SmtpReply& reply);
  void OnEnvelopeReply(const channels::SmtpReply& reply);
  void OnTextReply(const channels::SmtpReply& reply);
  void Complete(const channels::SmtpReply& reply);
  // The server is gone.
  void OnLost();
  // No reply comes to this mail.
  void Fail(const std::string& why);
  void GiveBack(const std::string& why);
  void End();
  std::string Awaited() const;

  std::unique_ptr<ByteStream> stream_;
  const SmtpExtensions extensions_;
  Owner* owner_;  // null: closed
  ExchangePtr exchange_;
  Step step_ = Step::kNone;      // whose reply comes next
  Step sent_ = Step::kNone;      // the last one that went out
  channels::SmtpReply refusal_;  // the first one of this mail's envelope; 0: none
  bool heard_ = false;           // a reply to this mail
  bool used_ = false;            // for an earlier mail: the server may have closed since
  bool clean_ = true;            // the server has no mail begun
  std::string out_;              // being written
  std::string next_;             // to be written behind it
  bool writing_ = false;
  bool cut_ = false;   // not all of it could be written
  bool lost_ = false;  // nothing more comes; what was written is not known yet
  SmtpReplies replies_;
  std::array<char, 4096> buffer_{};
};

}  // namespace huitou
