// Every bound of the configuration files, with the arithmetic that chose it. What is past a bound
// is a diagnostic.
#pragma once

#include <cstddef>
#include <cstdint>

namespace huitou::config::limits {

// --- YAML ---
// The largest shipped campaign has 10 kB with its tests; 1 MiB holds a hundred such, and is parsed
// in under 100 ms.
inline constexpr size_t kFileBytesMax = 1 << 20;
// Campaigns nest at most kStepDepthMax (8) branches of four levels each, and a test's event two
// more: 64 leaves room, and recursion stays below 64 kB of stack.
inline constexpr int kYamlDepthMax = 64;
// Nodes with every alias counted in full, so that ten levels of ten aliases (10^10 nodes) are
// refused: the most that 1 MiB of "a: b" lines holds without aliases is some 400,000.
inline constexpr size_t kYamlNodesMax = 500'000;

// --- messages ---
// A quoted text in a message: an event name or a condition's head, within one terminal line.
inline constexpr size_t kQuotedCharactersMax = 60;
// The longest list of choices that still reads as a sentence.
inline constexpr size_t kListedChoicesMax = 12;

// Unknown keys of one map that are told; each costs a search for what it may mean, 50 us.
inline constexpr size_t kUnknownKeysMax = 200;

// --- campaigns ---
inline constexpr size_t kNameBytesMax = 64;   // campaign, step, segment, budget, channel
inline constexpr size_t kCampaignsMax = 500;  // every event walks those that listen
inline constexpr size_t kExitsMax = 32;
inline constexpr size_t kVariantsMax = 16;
inline constexpr size_t kViaMax = 8;
inline constexpr int kPriorityMax = 1000;
// A window, wait or expiry: ten years; longer is a typing error.
inline constexpr int64_t kDurationDaysMax = 3660;

// --- shop ---
inline constexpr size_t kSegmentsMax = 100;
inline constexpr size_t kTiersMax = 16;
inline constexpr size_t kCapsMax = 32;
inline constexpr size_t kBudgetsMax = 100;
inline constexpr size_t kPoolsMax = 100;

// --- pools: files of coupon codes ---
// As long as the codes that a shop's interface may answer with.
inline constexpr size_t kCodeBytesMax = 255;
// 4 million codes of 16 bytes; in memory each takes some 200 bytes with its book, 800 MB in all.
inline constexpr int64_t kCodeFileBytesMax = 64 * 1024 * 1024;
// Of one file that are told: a file of something else has one a line.
inline constexpr size_t kCodeMistakesMax = 20;

// --- the public door ---
inline constexpr size_t kLinksMax = 256;
// With a token of 600 bytes it stays on one line of a mail (998).
inline constexpr size_t kPublicUrlBytesMax = 300;
// What browsers and proxies take in a Location header; nobody writes one by hand.
inline constexpr size_t kLinkUrlBytesMax = 2000;
// 128 bits.
inline constexpr size_t kPublicSecretBytesMin = 16;

// --- templates ---
// An email of 256 KiB is refused by no server; a message text has under 1 kB.
inline constexpr size_t kTemplateBytesMax = 256 * 1024;
inline constexpr size_t kTemplatesMax = 5000;
inline constexpr int kTemplateDepthMax = 16;
// Sections inside sections render their variables once each, so the output is the template plus
// its variables; this bounds a front matter that repeats one long variable.
inline constexpr size_t kRenderedBytesMax = 1 << 20;

// --- tests: of a campaign ---
inline constexpr size_t kTestsMax = 500;
inline constexpr size_t kTestEventsMax = 10'000;

}  // namespace huitou::config::limits
