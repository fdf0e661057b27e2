// Every bound of the channels, with the arithmetic that chose it.
#pragma once

#include <cstddef>

#include "triggers/base/time.h"

namespace huitou::channels::limits {

// The longest answer that is read: providers answer a send with under 1 kB; a longer text than this
// is no provider's and is not parsed.
inline constexpr size_t kAnswerBytesMax = 256 * 1024;
// The longest callback: receipts come in batches; 1,000 of 500 bytes with room to spare.
inline constexpr size_t kCallbackBytesMax = 1024 * 1024;
// Receipts in one callback: 1 MB of the smallest that make sense (60 bytes).
inline constexpr size_t kReceiptsMax = 16 * 1024;
// A provider that asks for a longer pause than this is asked again after this.
inline constexpr DurationUs kRetryAfterMax = kDayUs;
// How far a signed callback's time may be off: WeChat repeats within 15 s; clocks drift minutes.
inline constexpr DurationUs kCallbackSkewMax = 10 * kMinuteUs;
// The secret in a callback's URL: 16 bytes, of hex digits 64 bits, which nobody guesses over HTTP.
inline constexpr size_t kCallbackTokenBytesMin = 16;
// Numbers in one request, as Alibaba's SendBatchSms and Tencent's SendSms take them.
inline constexpr size_t kAliyunBatchMax = 100;
inline constexpr size_t kTencentBatchMax = 200;
// What one answer lists, as Alibaba's QuerySendDetails and Tencent's pulling take it.
inline constexpr size_t kAliyunDetailsMax = 50;
inline constexpr size_t kTencentPullMax = 100;
// How often receipts may be fetched: nothing in a campaign waits for less than a minute.
inline constexpr DurationUs kPollIntervalMin = 5 * kSecondUs;
// Characters of an SMS, its signature included. Alibaba's and Tencent's rules of content length say
// 500; Twilio's Body takes 1,600.
inline constexpr size_t kChineseSmsUnitsMax = 500;
inline constexpr size_t kTwilioSmsUnitsMax = 1600;
// How long a provider may hold an SMS back: Twilio's ValidityPeriod takes 1 to 36,000 s.
inline constexpr DurationUs kSmsValidMin = kSecondUs;
inline constexpr DurationUs kSmsValidMax = 10 * kHourUs;
// WeChat Pay believes signatures of 5 minutes, and asks the same of who checks its own.
inline constexpr DurationUs kPaySkewMax = 5 * kMinuteUs;
// A coupon code that a shop answers with; Saleor's bound, the largest of the known, is 255.
inline constexpr size_t kCouponCodeBytesMax = 255;
// Length of local codes. 32 letters each: 8 hold 40 bits, 24 hold 120 of the HMAC's 256. The
// default of 12 (60 bits) meets itself once with probability n^2 / 2^61: 4e-5 for 10 million codes.
inline constexpr int kCouponLengthMin = 8;
inline constexpr int kCouponLengthMax = 24;
// A mail header's value, before encoding: subjects have 20 to 100 bytes; RFC 5322 leaves the whole
// open, yet servers refuse headers of many kilobytes.
inline constexpr size_t kMailHeaderBytesMax = 2000;
// RFC 5322's hardest bound of a line, without its CRLF.
inline constexpr size_t kMailLineBytesMax = 998;
// A token in a public link: 4/3 of 16 bytes of tag, a channel's or link's name (some 20) and the
// customer's id (256 at most). With config::limits::kPublicUrlBytesMax it stays on one mail line.
inline constexpr size_t kPublicTokenBytesMax = 600;
// What is read of a mail that reports on another: the report stands before what it returns, of
// which only the header counts; mails that our templates make have under 600 kB.
inline constexpr size_t kMailReportBytesMax = 1024 * 1024;
// Its parts are three; its header has some 30 fields, every relay adding a few.
inline constexpr size_t kMailPartsMax = 16;
inline constexpr size_t kMailFieldsMax = 300;
// RFC 1035: a domain's name, and each label of it.
inline constexpr size_t kDomainBytesMax = 253;
inline constexpr size_t kDomainLabelBytesMax = 63;
// RFC 8301: signers use no RSA key under 1,024 bits, and verifiers need none above 4,096.
inline constexpr int kDkimRsaBitsMin = 1024;
inline constexpr int kDkimRsaBitsMax = 4096;
// The words of a provider's own error in a receipt's reason.
inline constexpr size_t kReceiptReasonBytesMax = 40;

// A provider's code, for people: the longest known has 47 letters (Tencent's); a phone has more
// than nine digits.
inline constexpr size_t kCodeBytesMax = 64;
inline constexpr size_t kCodeDigitsMax = 9;

}  // namespace huitou::channels::limits
