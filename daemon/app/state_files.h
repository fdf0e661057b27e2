// The small files of the state folder beside the store. Each is replaced as a whole, so that a
// crash or a full disk leaves the old one or the new one. One thread.
//
// Example:
//   Status status = ReplaceFile(state_dir + "/paused", text);
//   Result<std::string> key = ReadOrMakeKey(state_dir + "/coupon.key");
#pragma once

#include <string>
#include <string_view>

#include "triggers/base/money.h"
#include "triggers/base/status.h"

namespace huitou {

// Makes the folder and those above it; one that is new is its owner's alone, since customers'
// phones and addresses are in it.
Status MakeStateFolder(const std::string& path);

// Durable when it returns; readable by its owner alone.
Status ReplaceFile(const std::string& path, std::string_view text);

// The key of coupon codes: 64 hexadecimal digits, made at the first start. Codes must not be
// guessable and stay the same after a restart, so any other file there is kInvalid. An empty one,
// which makes guessable codes, is replaced.
Result<std::string> ReadOrMakeKey(const std::string& path);

// All sums of the state are in one currency, that of its first start; kInvalid when it is another
// now, since they would be read as sums of that.
Status KeepCurrency(const std::string& path, const Currency& currency);

}  // namespace huitou
