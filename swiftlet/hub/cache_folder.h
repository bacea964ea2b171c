// One repository in the cache that is shared with huggingface_hub:
//
//   models--org--name/refs/main                     a commit, as text
//                    /blobs/ETAG                     the bytes of a file; ETAG.incomplete while they come
//                    /snapshots/COMMIT/config.json   a link to ../../blobs/ETAG
//                    /.no_exist/COMMIT/FILE          the repository has no such file
//   .locks/models--org--name/ETAG.lock               held (flock) by who writes the blob
//
// Threads and processes may use one folder at once.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "swiftlet/hub/stop.h"

namespace swiftlet::hub {

// Held while it lives.
class BlobLock {
 public:
  BlobLock(const std::filesystem::path& path, const Stop& stop);  // waits for it; throws kCancelled, kIo
  ~BlobLock();
  BlobLock(const BlobLock&) = delete;
  BlobLock& operator=(const BlobLock&) = delete;

 private:
  int descriptor_ = -1;
};

class CacheFolder {
 public:
  CacheFolder(std::filesystem::path cache, const std::string& repository);

  std::filesystem::path blob(const std::string& etag) const { return folder_ / "blobs" / etag; }
  std::filesystem::path lock(const std::string& etag) const;
  std::filesystem::path snapshot(const std::string& commit) const { return folder_ / "snapshots" / commit; }
  // Whether the snapshot has the file, bytes and all.
  bool has(const std::string& commit, const std::string& path) const;
  std::vector<std::string> files(const std::string& commit) const;  // of the snapshot, sorted

  // The commit of a branch, tag or commit, as far as the cache knows.
  std::optional<std::string> commit_of(const std::string& revision) const;
  void remember(const std::string& revision, const std::string& commit) const;
  bool known_missing(const std::string& commit, const std::string& path) const;
  void remember_missing(const std::string& commit, const std::string& path) const;
  // Makes the folders of a blob that is to come.
  void prepare(const std::string& etag) const;
  // Puts the blob into the snapshot.
  void link(const std::string& commit, const std::string& path, const std::string& etag) const;

 private:
  std::filesystem::path cache_, folder_;
  std::string name_;
};

}  // namespace swiftlet::hub
