#include "channels/words.h"

namespace huitou::channels {

std::string_view ToWord(Promise promise) {
  switch (promise) {
    case Promise::kAtLeastOnce:
      return "at_least_once";
    case Promise::kAtMostOnce:
      return "at_most_once";
    case Promise::kExactlyOnceByKey:
      return "exactly_once_by_key";
  }
  return "";
}

std::string_view ToWord(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::kAccepted:
      return "accepted";
    case Outcome::Kind::kRejected:
      return "rejected";
    case Outcome::Kind::kRetry:
      return "retry";
    case Outcome::Kind::kUnknown:
      return "unknown";
    case Outcome::Kind::kTokenExpired:
      return "token_expired";
    case Outcome::Kind::kChannelPaused:
      return "channel_paused";
  }
  return "";
}

std::string_view ToWord(Receipt::Kind kind) {
  switch (kind) {
    case Receipt::Kind::kDelivered:
      return "delivered";
    case Receipt::Kind::kUndelivered:
      return "undelivered";
    case Receipt::Kind::kReplied:
      return "replied";
    case Receipt::Kind::kUnsubscribed:
      return "unsubscribed";
    case Receipt::Kind::kSubscribed:
      return "subscribed";
  }
  return "";
}

}  // namespace huitou::channels
