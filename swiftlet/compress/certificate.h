// Certificate: what a compressed file says about itself: where it came from, what was done, what it lost.
#pragma once

#include <filesystem>
#include <string>

#include "swiftlet/compress/compress.h"

namespace swiftlet {

// SHA-256 over the files of a model or of a folder of data, in the order of their names. What Swiftlet itself
// writes (*.swiftlet, temporaries) counts only where it is the model. `job` sees "hash".
std::string hash_of_files(const std::filesystem::path& path, const Job& job);

struct SourceHashes {
  std::string model, calibration, data;  // empty where nothing is calibrated, nothing measured
};
SourceHashes hash_sources(const CompressRequest& request, const Job& job);

// JSON: release, source and its SHA-256, plan, calibration texts with theirs, and where a metric was
// measured: task, data and its SHA-256, metrics before and after, budget, loss, verdict, instruction set and
// processor.
std::string make_certificate(const CompressRequest& request, const SourceHashes& hashes,
                             const CompressReport& report);

// Bytes of a header that hold the certificate, whatever will be measured after the compression.
std::size_t room_for_certificate(const CompressRequest& request, const SourceHashes& hashes,
                                 const CompressReport& before);

}  // namespace swiftlet
