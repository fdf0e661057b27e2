// Mails that come back, from anybody: nothing may crash, and what is said of a mail names one of
// ours.
#include <cstdint>
#include <string_view>

#include "channels/channel.h"
#include "channels/mail_report.h"
#include "triggers/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace huitou;
  using namespace huitou::channels;
  static const std::unique_ptr<Channel> channel = [] {
    auto made = FindProvider("smtp")->make(
        config::Settings{{{"url", "smtp://127.0.0.1:25"}, {"from", "shop@example.com"}}});
    CHECK(made.ok());
    return *std::move(made);
  }();
  const std::string_view mail(reinterpret_cast<const char*>(data), size);
  const std::optional<MailReport> report = ParseMailReport(mail);
  const auto receipts = channel->DecodeMail(mail);
  CHECK(report.has_value() == receipts.has_value());
  if (receipts) {
    CHECK(!report->dispatch.empty() && receipts->size() <= 2);
    for (const Receipt& receipt : *receipts) {
      CHECK(receipt.dispatch == report->dispatch && receipt.address.empty());
      CHECK(receipt.reason.size() <= 40);
    }
  }
  return 0;
}
