// Files and folders of the configuration, read whole. Nothing else; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "triggers/base/status.h"

namespace huitou::config {

// The whole file; kUnavailable says why not, without the path.
Result<std::string> ReadWholeFile(const std::string& path);

// A file as it is; of a folder its files that end in one of `endings`, sorted. Hidden ones are
// left out.
Result<std::vector<std::string>> ListFiles(const std::string& path,
                                           const std::vector<std::string_view>& endings,
                                           bool recursive);

// The same for all ways to write one path.
std::string CanonicalPath(const std::string& path);

}  // namespace huitou::config
