#include "swiftlet/hub/cache_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fstream>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/hub/model_name.h"

namespace swiftlet::hub {
namespace {

namespace fs = std::filesystem;

// A name beside `path` that no other thread or process uses.
fs::path name_aside(const fs::path& path) {
  static std::atomic<int> count{0};
  fs::path aside = path;
  return aside += fmt::format(".{}-{}.tmp", ::getpid(), ++count);
}

// Appears whole. Not synced: what a power cut takes is asked for again.
void write_small_file(const fs::path& path, std::string_view text) {
  make_folder(path.parent_path());
  const fs::path aside = name_aside(path);
  std::error_code error, ignored;
  std::ofstream file(aside, std::ios::binary);
  file << text;
  file.close();
  if (file) fs::rename(aside, path, error);
  if (file && !error) return;
  fs::remove(aside, ignored);
  fail(ErrorCode::kIo, path.string(), "cannot be written");
}

// So that backups leave the cache out (bford.info/cachedir).
void tag_cache(const fs::path& cache) {
  std::error_code ignored;
  const fs::path tag = cache / "CACHEDIR.TAG";
  if (!fs::exists(tag, ignored))
    write_small_file(tag, "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of model files.\n");
}

std::string folder_name(const std::string& repository) {
  std::string name = "models--" + repository;
  name.replace(name.find('/'), 1, "--");
  return name;
}

}  // namespace

BlobLock::BlobLock(const fs::path& path, const Stop& stop) {
  make_folder(path.parent_path());
  constexpr std::chrono::milliseconds kPause{50};
  while (true) {
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0664);
    if (descriptor_ < 0) fail(ErrorCode::kIo, path.string(), "cannot be opened: {}", errno_text(errno));
    const bool taken = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    // File systems without locks: blobs appear whole there too, only twice the bytes may come.
    if (!taken && errno != EWOULDBLOCK && errno != EINTR) return;
    struct stat status {};
    if (taken && ::fstat(descriptor_, &status) == 0 && status.st_nlink > 0) return;
    ::close(descriptor_);
    descriptor_ = -1;
    if (!taken) stop.wait(kPause);
  }
}

BlobLock::~BlobLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

CacheFolder::CacheFolder(fs::path cache, const std::string& repository)
    : cache_(std::move(cache)), name_(folder_name(repository)) {
  folder_ = cache_ / name_;
}

fs::path CacheFolder::lock(const std::string& etag) const {
  return cache_ / ".locks" / name_ / (etag + ".lock");
}

bool CacheFolder::has(const std::string& commit, const std::string& path) const {
  std::error_code ignored;
  return fs::is_regular_file(snapshot(commit) / path, ignored);  // not for a link whose blob is gone
}

std::vector<std::string> CacheFolder::files(const std::string& commit) const {
  std::vector<std::string> found;
  std::error_code error;
  const fs::path root = snapshot(commit);
  for (fs::recursive_directory_iterator entry(root, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->is_regular_file(error)) found.push_back(entry->path().lexically_relative(root).string());
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<std::string> CacheFolder::commit_of(const std::string& revision) const {
  std::error_code ignored;
  if (is_commit(revision)) return revision;
  const fs::path ref = folder_ / "refs" / revision;
  if (!fs::is_regular_file(ref, ignored)) return std::nullopt;
  constexpr std::size_t kLongest = 1024;
  std::string commit = read_text_file(ref, kLongest);
  while (commit.ends_with('\n')) commit.pop_back();
  return is_commit(commit) ? std::optional(commit) : std::nullopt;
}

void CacheFolder::remember(const std::string& revision, const std::string& commit) const {
  if (revision != commit && commit_of(revision) != commit)
    write_small_file(folder_ / "refs" / revision, commit);
}

bool CacheFolder::known_missing(const std::string& commit, const std::string& path) const {
  std::error_code ignored;
  return fs::exists(folder_ / ".no_exist" / commit / path, ignored);
}

void CacheFolder::remember_missing(const std::string& commit, const std::string& path) const {
  if (!known_missing(commit, path)) write_small_file(folder_ / ".no_exist" / commit / path, "");
}

void CacheFolder::prepare(const std::string& etag) const {
  make_folder(blob(etag).parent_path());
  tag_cache(cache_);
}

void CacheFolder::link(const std::string& commit, const std::string& path, const std::string& etag) const {
  const fs::path place = snapshot(commit) / path;
  make_folder(place.parent_path());
  if (has(commit, path)) return;
  const fs::path target = blob(etag).lexically_relative(place.parent_path());
  const fs::path aside = name_aside(place);
  std::error_code error, ignored;
  fs::create_symlink(target, aside, error);
  if (error) {  // a file system without links
    error.clear();
    fs::copy_file(blob(etag), aside, fs::copy_options::overwrite_existing, error);
  }
  if (!error) fs::rename(aside, place, error);
  if (error) {
    fs::remove(aside, ignored);
    if (!has(commit, path)) fail(ErrorCode::kIo, place.string(), "cannot be created: {}", error.message());
  }
}

}  // namespace swiftlet::hub
