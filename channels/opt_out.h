// Whether an answer to a message means "no more of these". Pure; any thread.
#pragma once

#include <string_view>

namespace huitou::channels {

// TD, T, N, R, STOP, 退订 and their kin, with whatever blanks, punctuation, case and full-width
// letters people type around them. In doubt yes: the law asks for an easy way out.
bool MeansOptOut(std::string_view reply);

}  // namespace huitou::channels
