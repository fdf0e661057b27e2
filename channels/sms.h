// What providers of SMS have in common: answers that people send back, and callbacks that nobody
// signs. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "channels/answer.h"
#include "channels/channel.h"

namespace huitou::channels {

// The digits of a number, for who wants them alone.
std::string Digits(std::string_view phone);

// A JSON array of texts.
std::string JsonTexts(std::span<const std::string> texts);

// What the SMS says: the template's text without the line end that its file has.
std::string SmsText(const Message& message);

// What somebody wrote back: an opt-out or another reply. `phone` as the provider writes it.
Receipt SmsReply(std::string_view phone, std::string text, TimeUs time);

// Has it arrived? Else `code` says why not, as the provider writes it; empty: it does not.
void SetFate(bool delivered, std::string_view code, Receipt* receipt);

// What is said of one message, and of its repeat: that it has arrived counts most.
void TakeBetter(QueryAnswer said, QueryAnswer* best);

// A callback believed only with the secret in its URL, ?token=<token>, and its JSON objects;
// refused and without any unless it is a POST of those.
struct TokenCallback {
  CallbackReply reply;
  std::vector<FlatObject> items;
};
// `acknowledgement` is the JSON that the provider wants to hear.
TokenCallback ReadTokenCallback(const CallbackRequest& request, std::string_view token,
                                std::string_view acknowledgement);

}  // namespace huitou::channels
