// Messages of SNS, signed by Python's cryptography with a key made for this test.
#include "channels/sns.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/channels/case.h"

namespace huitou::channels {
namespace {

constexpr char kArn[] = "arn:aws:sns:eu-west-1:123456789012:bounces";
constexpr char kCertificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICpTCCAY2gAwIBAgIBATANBgkqhkiG9w0BAQsFADAWMRQwEgYDVQQDDAtzbnMu\n"
    "ZXhhbXBsZTAeFw0yNjAxMDEwMDAwMDBaFw0zNjAxMDEwMDAwMDBaMBYxFDASBgNV\n"
    "BAMMC3Nucy5leGFtcGxlMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n"
    "qYpua8+1rbT+tzt8DdKm1OE8RQLhd9MqX8AFqi6KZvrsU6t8EPX54YC4OUvk6QbX\n"
    "bNUPgFQt3Gr5TXp7FqYA2H8wN9g6Th/AXl3+6WT4rMFxJIgefs4N96JaQTD/LVMD\n"
    "g+PW+ED5ATvTtTbJud6u8HYMMcGhmtEjq4+J9pSYYIa4SC1nPmRDKvDOe+XW4gHn\n"
    "2xGd2orpm53CMRxlTPmyHShQTSz3y4W3GBXQhLRFByIN2Bj0VUZ+INWYJ/gYmsWT\n"
    "C0YQUOEFIqVyHmipDKMp6l858zhPUPHXexuK++8FHHLwm+AqUQXVH9c01YUjn97k\n"
    "uoGlrKHGIpqkVErNZUdbOwIDAQABMA0GCSqGSIb3DQEBCwUAA4IBAQAdMzU3dx3n\n"
    "RM5vIl4fMBjYIhmBgQjryac6Li3Dap7Pd1+FI7vyyKJZ1qBa5xSBWItKqDc528/+\n"
    "sV2u6DdX3cXrFKKbSagDBmInpbNsY/Y4mBovc8I9idue7a66C0zdJhJfAh0w53Tq\n"
    "Ha7ey7qUhw5iRdjz5wZbw1Kwr4dOgieUeDBN6THrukmzxAZdqVfymXsHThTKwN9r\n"
    "XMLCfihAXLFA2yGEdoMyGxYZ7wqNvL5H/L/Cq8fe5ndWBCLJ1GMRAnbSj148qb9c\n"
    "p1LxS2eNHaxOnxN2btafxENY1WtHY0XGEPbNDEzaE6eQHQkOQlTroIkcrLwrtD0s\n"
    "L/3zBXPIZWnM\n"
    "-----END CERTIFICATE-----\n";
// SHA-1 (SignatureVersion 1) and SHA-256 (2) of the notification, SHA-256 of the confirmation.
constexpr char kSha1[] =
    "K41E++yKhu7iwuPP7AaAdkqb8ctLtoQYiavoxwFz92rPHHTXMy7ldoIEMFxue3YIabMlmJ2VUgT4"
    "/G0ITQHldv7maLroI/c+et3vLOrVn7HM2FUKlWn0iv2Ru+p8HvtmLPnYsJbgHd7aT9XpVX3kI4OL"
    "aPGeSqfWWvHU+ivUoBGjHx3nNsvG81sws1vCbYT7164Rssgfs9H3MKAGREP5pfmNj0+t61n9pzxQ"
    "ZWT1gAm7zCL9IXzGN5RWcVTDcLfOCdOld4GvLTsDROWu9QeZWvQGYSnLmHaOxPshZhVkSLNTXGHy"
    "r5rSqFuGuFdgSjEDAEU9Zi3WLbd5AmHCFjaEBg==";
constexpr char kSha256[] =
    "qS0Md0weTctlRe3SvxJOL/N4sEIFqS4p1w5IhKgh1z93jDV/gtH5fbaHwhD62hYv5QkfoVu4gVhR"
    "+mebHQIsxFPsOnY2/onuP99Sbpmdr00KHnNJaZMlL+TmS5AVDnJ+1NToFHGkub7QfviSZUvJNas6"
    "Wrc64wC7tCWtDucv3cSfjLLD5jMGWrB5yYvoVjsMSfG0u8E26ber+ERjeoZnQweQWEBgRtBeOSor"
    "k2whL8MLmXkNAGnP7knWgmA20r2z+jMEKM6aNQeoXk/HDAk6bbv8xzo4YnQ7R+zh8UXlGJImTIOB"
    "bhI117KBWAul9UBefn8IT73z1Nm5Mjfskbe9Cw==";
constexpr char kOfConfirmation[] =
    "jZY5GibYAIUyB4LJZTpHJvKK3oMGRMVAHKK+M6TWhr9e+DXtzG0Da2x/sr9JRfZojiYBI6mmcV2O"
    "jBvb4zNKLapKHoSB4HWPFPnP0weeJpVvdi6x+BlLMHYoXkzdAwEXTBsFd5dCSFm+G9HKFJ3J/A+H"
    "4qdr3jEaeZkvs0jgA3qs+HP/zBcI2Rjma/7gI18k7Kgf1f0F35TMpW8e+HTik/LsDODGBGaX/O+t"
    "Kd2lGahmEUlRrbhZB0nrfo/fvhyEQCmsBoAKSHoHx8PQLPc3olesVCLktwQqLMQkw/NmRlKeWPoR"
    "yXPsbTCx9gv4CwaiOilsoM8Rvc9T42Xp10qX7g==";

FlatObject Notification(const std::string& version, const std::string& signature) {
  return {{"Type", "Notification"},
          {"MessageId", "m1"},
          {"TopicArn", kArn},
          {"Subject", "回头"},
          {"Message", R"({"notificationType":"Delivery"})"},
          {"Timestamp", "2026-11-11T00:03:12.000Z"},
          {"SignatureVersion", version},
          {"Signature", signature}};
}

FlatObject Confirmation() {
  return {{"Type", "SubscriptionConfirmation"},
          {"MessageId", "m2"},
          {"TopicArn", kArn},
          {"Message", "You have chosen"},
          {"SubscribeURL",
           "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336"},
          {"Token", "2336"},
          {"Timestamp", "2026-11-11T00:03:12.000Z"},
          {"SignatureVersion", "2"},
          {"Signature", kOfConfirmation}};
}

std::string CertificateUrl(const std::string& url) {
  return SnsTopic::Parse(kArn)->CertificateUrl({{"SigningCertURL", url}});
}

TEST(Sns, BelievesWhatIsSignedAndNothingThatWasChanged) {
  EXPECT_TRUE(SnsTopic::IsSigned(Notification("1", kSha1), kCertificate));
  EXPECT_TRUE(SnsTopic::IsSigned(Notification("2", kSha256), kCertificate));
  EXPECT_TRUE(SnsTopic::IsSigned(Confirmation(), kCertificate));
  EXPECT_FALSE(SnsTopic::IsSigned(Notification("2", kSha1), kCertificate));
  EXPECT_FALSE(SnsTopic::IsSigned(Notification("3", kSha256), kCertificate));
  EXPECT_FALSE(SnsTopic::IsSigned(Notification("2", ""), kCertificate));
  EXPECT_FALSE(SnsTopic::IsSigned(Notification("2", kSha256), ""));
  EXPECT_FALSE(SnsTopic::IsSigned(Notification("2", kSha256), "<html>"));
  for (const char* name : {"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}) {
    FlatObject changed = Notification("2", kSha256);
    changed[name] += "x";
    EXPECT_FALSE(SnsTopic::IsSigned(changed, kCertificate)) << name;
  }
  FlatObject changed = Confirmation();
  changed["Token"] = "2337";
  EXPECT_FALSE(SnsTopic::IsSigned(changed, kCertificate));
}

TEST(Sns, FetchesACertificateFromTheHostOfItsTopicAlone) {
  const std::string good =
      "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abc.pem";
  EXPECT_EQ(CertificateUrl(good), good);
  for (const char* bad :
       {"", "http://sns.eu-west-1.amazonaws.com/x.pem", "https://evil.example/x.pem",
        "https://sns.us-east-1.amazonaws.com/x.pem", "https://sns.eu-west-1.amazonaws.com/x",
        "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem",
        "https://sns.eu-west-1.amazonaws.com:444/x.pem",
        "https://sns.eu-west-1.amazonaws.com/?to=evil.example/x.pem",
        "https://sns.eu-west-1.amazonaws.com/bucket/x.pem"}) {
    EXPECT_EQ(CertificateUrl(bad), "") << bad;
  }
  EXPECT_EQ(
      SnsTopic::Parse("arn:aws-cn:sns:cn-north-1:1:t")
          ->CertificateUrl({{"SigningCertURL", "https://sns.cn-north-1.amazonaws.com.cn/x.pem"}}),
      "https://sns.cn-north-1.amazonaws.com.cn/x.pem");
}

TEST(Sns, ConfirmsByAUrlOfItsOwnMaking) {
  EXPECT_EQ(SnsTopic::Parse(kArn)->ConfirmationUrl(Confirmation()),
            "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn="
            "arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Abounces&Token=2336");
  EXPECT_EQ(SnsTopic::Parse(kArn)->ConfirmationUrl(Notification("2", kSha256)), "");
  EXPECT_FALSE(SnsTopic::Parse("arn:aws:sns:eu-west-1.evil.example/:1:t").has_value());
}

std::string Receipts(const std::string& notification) {
  static constexpr AnswerRule kRules[] = {
      {"5.2.2", Outcome::Kind::kRejected, "mailbox_full", false, false}};
  return ToText(SesReceipts(notification, kRules));
}

TEST(Ses, TellsBouncesComplaintsAndDeliveries) {
  const std::string mail = R"("mail":{"messageId":"0102-a","commonHeaders":{"messageId":)"
                           R"("<0123456789abcdef0123456789abcdef@example.com>"}})";
  const std::string ids = " dispatch=0123456789abcdef0123456789abcdef id=0102-a";
  EXPECT_EQ(Receipts(R"({"notificationType":"Bounce","bounce":{"bounceType":"Permanent",)"
                     R"("bouncedRecipients":[{"emailAddress":"a@example.com","status":"5.9.9"}],)"
                     R"("timestamp":"2026-11-11T00:03:12.000Z"},)" +
                     mail + "}"),
            "unsubscribed" + ids + " address=a@example.com reason=bad_address " +
                "time=2026-11-11T00:03:12Z; undelivered" + ids +
                " reason=bad_address time=2026-11-11T00:03:12Z");
  EXPECT_EQ(
      Receipts(R"({"eventType":"Bounce","bounce":{"bounceType":"Transient",)"
               R"("bouncedRecipients":[{"emailAddress":"a@example.com","status":"5.2.2"}]},)" +
               mail + "}"),
      "undelivered" + ids + " reason=mailbox_full");
  EXPECT_EQ(Receipts(R"({"notificationType":"Complaint","complaint":{"complainedRecipients":)"
                     R"([{"emailAddress":"a@example.com"}]},)" +
                     mail + "}"),
            "unsubscribed" + ids + " address=a@example.com reason=opted_out");
  EXPECT_EQ(Receipts(R"({"notificationType":"Delivery","delivery":{},)" + mail + "}"),
            "delivered" + ids);
  EXPECT_EQ(Receipts(R"({"eventType":"Open",)" + mail + "}"), "");
  EXPECT_EQ(Receipts("no JSON"), "");
}

}  // namespace
}  // namespace huitou::channels
