// Models of the hub by name: downloaded once into the cache that huggingface_hub uses too.
//
//   auto model = swiftlet::Model::load("org/name");                 // downloads what the cache lacks
//   auto got = swiftlet::download("org/name@v2", {}, &job);         // asks for news, reports progress
//
// A name is "org/name", "org/name@revision", one file ("org/name/model-Q8_0.gguf") or, of a repository of
// GGUF files, the one in an encoding ("org/name:Q4_K_M"). A file or folder of that name in the current folder
// comes first. The variables of huggingface_hub count: HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN,
// HF_HUB_OFFLINE and their neighbours (docs/hub.md).
//
// Errors and threads as in swiftlet.h. Several threads and processes may want the same model at once: it is
// downloaded once.
#pragma once

#include <cstdint>
#include <string>

#include "swiftlet/error.h"
#include "swiftlet/export.h"
#include "swiftlet/job.h"

namespace swiftlet {

struct DownloadOptions {
  std::string endpoint = {};  // the address of the hub; empty: HF_ENDPOINT or https://huggingface.co
  std::string cache = {};     // the folder; empty: as huggingface_hub finds it
  std::string token = {};     // empty: HF_TOKEN or its file. Sent to the endpoint alone
  bool offline = false;       // no connection at all; HF_HUB_OFFLINE does the same
  int parallel = 4;           // files at once
};

struct DownloadResult {
  std::string path;  // what Model::load() takes
  std::string repository, revision, commit;
  std::int64_t files = 0, bytes = 0;  // that the model is made of
  std::int64_t downloaded_bytes = 0;  // that came over the network now
};

// Whether the text has the form of a name of the hub, whatever lies in the current folder.
SWIFTLET_API bool is_hub_name(const std::string& text);

// Brings a model of the hub into the cache, as it is at its revision now: only the files that Swiftlet reads,
// every one checked against its checksum. What an interrupted download left is gone on with. `job` sees
// "download", bytes done of all. Where the hub cannot be reached, a model in the cache is taken, with a
// warning. Throws kNotFound for an unknown repository, revision or file, and offline for what is not in the
// cache; kIo where access is not granted, nobody answers or the disk is full; kInvalid for answers that are
// none and for checksums that differ; kUsage for what is no name of the hub, and where several models are to
// choose from.
SWIFTLET_API DownloadResult download(const std::string& name, const DownloadOptions& options = {},
                                     const Job* job = nullptr);

// What Model::load() does with the path that it gets: a file, a folder or a bundled model as locate_model()
// finds it; a name of the hub from the cache, where that holds it whole nobody is asked, or else by
// download(). What is none of these is given back as it is.
SWIFTLET_API std::string fetch_model(const std::string& name, const DownloadOptions& options = {},
                                     const Job* job = nullptr);

}  // namespace swiftlet
