// A model of the hub, in the cache.
//
// What the cache holds whole is used without asking anybody; the rest is downloaded, several files at once,
// what an earlier attempt left included. Threads and processes may do so at the same time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "swiftlet/hub/model_name.h"
#include "swiftlet/hub/settings.h"
#include "swiftlet/job.h"

namespace swiftlet::hub {

struct Downloaded {
  std::filesystem::path model;  // what load_checkpoint() takes: the snapshot, or a file in it
  std::string commit;
  std::int64_t files = 0, bytes = 0;  // that the model is made of
  std::int64_t fetched_bytes = 0;     // that came over the network now
};

// Without any connection; nothing when the cache does not hold the model whole.
std::optional<Downloaded> find_in_cache(const ModelName& name, const Settings& settings);

// Asks the hub what the revision is now and gets what is missing. Where the hub cannot be reached but the
// cache holds the model, that is taken, with a warning. `job` sees "download", bytes done of all. Throws
// kNotFound (no such repository, revision or file; offline, what is not in the cache), kIo (not allowed, not
// reachable, a full disk), kInvalid (answers that are none, a checksum that differs), kUsage (several models
// to choose from), kCancelled; what has arrived stays in the cache.
Downloaded download(const ModelName& name, const Settings& settings, const Job& job = {});

}  // namespace swiftlet::hub
