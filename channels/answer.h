// What all providers' answers have in common: lost ones, HTTP's own statuses, Retry-After, small
// JSON objects and tables of codes. Pure; any thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "channels/channel.h"

namespace huitou::channels {

// Shorthand for an Outcome without further fields.
Outcome MakeOutcome(Outcome::Kind kind, std::string_view reason);

// The same outcome with the provider's own code for a person to look up: "code 40164". Only what
// can be a code and nothing of a person's: a number of up to nine digits, or words without any.
Outcome WithCode(Outcome outcome, std::string_view code);

// The outcome when no answer came at all, with the transport's words; nothing when one did.
std::optional<Outcome> LostAnswer(const Answer& answer);

// The outcome of a Line, which is accepted once it is written.
Outcome LineOutcome(const Answer& answer);

// The outcome that lies in the status alone; nothing for 2xx, whose body the provider reads. Also
// covers lost answers and those of another transport.
std::optional<Outcome> HttpFailure(const Answer& answer, TimeUs now);

// The response of an HTTP answer; null for any other.
const HttpResponse* HttpResponseOf(const Answer& answer);

// "120" or an HTTP date, as a length from `now`; 0 when there is none or it makes no sense.
DurationUs RetryAfter(const Headers& headers, TimeUs now);

// The value of a header whose name is given in lower case; empty when there is none.
std::string HeaderValue(const Headers& headers, std::string_view lower_case_name);

// The scalars of a JSON object: strings as they are, numbers and booleans as written, null as "".
// What is nested is left out.
using FlatObject = std::map<std::string, std::string, std::less<>>;

// Nothing unless `json` is one object.
std::optional<FlatObject> ParseJsonObject(std::string_view json);
// Nothing unless `json` is an object or an array of objects.
std::optional<std::vector<FlatObject>> ParseJsonObjects(std::string_view json);
// The same of what is at this JSON Pointer (RFC 6901).
std::optional<std::vector<FlatObject>> ParseJsonObjectsAt(std::string_view json,
                                                          std::string_view pointer);

// The scalars at these JSON Pointers, in their order, as in a FlatObject; empty where
// there is none. Nothing unless `json` is JSON.
std::optional<std::vector<std::string>> ParseJsonAt(std::string_view json,
                                                    std::span<const std::string_view> pointers);

// "Thu, 24 Aug 2023 05:01:45 +0000" (RFC 5322); 0 for what is no such text.
TimeUs FromMailDate(const std::string& text);

// Whole seconds since 1970; 0 for what is no such number.
TimeUs FromUnixSeconds(std::string_view text);

// The value of `key`; empty when there is none.
std::string ValueOf(const FlatObject& object, std::string_view key);

// The row of `code`; null when the table has none.
const AnswerRule* FindRule(std::span<const AnswerRule> rules, std::string_view code);
Outcome OutcomeOf(const AnswerRule& rule);

// The outcome of an answer with this code of the provider's: its row's, accepted only under a 2xx
// status, with Retry-After where the row says retry. Without a row, and for a lost answer, what
// HttpFailure says; nothing for a 2xx answer whose code the table does not have.
std::optional<Outcome> RuledOutcome(const Answer& answer, std::span<const AnswerRule> rules,
                                    std::string_view code, TimeUs now);

// An answer that says one thing about a batch of `count` messages, as Channel::DecodeBatch returns
// it: nothing for a refusal that may mean one of them alone, or that they came together.
std::optional<std::vector<Outcome>> OutcomesOfBatch(const Outcome& whole, size_t count);

// A provider's own error text as a reason: lower case, letters, digits and _.:- only, cut.
std::string ReasonWord(std::string_view text);

// A callback that is not believed, and one that is.
CallbackReply RefuseCallback(int status);
CallbackReply AcceptCallback(std::string_view content_type, std::string_view body);

}  // namespace huitou::channels
