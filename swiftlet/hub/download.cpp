#include "swiftlet/hub/download.h"

#include <algorithm>
#include <map>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/log.h"
#include "swiftlet/hub/choose_files.h"
#include "swiftlet/hub/transfer.h"
#include "swiftlet/hub/url.h"

namespace swiftlet::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostSmallBytes = std::size_t{32} << 20;
constexpr const char* kTokenizerMark = "tokenizer.json";

ReadFile reader(const CacheFolder& cache, const std::string& commit) {
  return [&cache, commit](const std::string& path) -> std::optional<std::string> {
    if (!cache.has(commit, path)) return std::nullopt;
    return read_text_file(cache.snapshot(commit) / path, kMostSmallBytes);
  };
}

Downloaded describe(const CacheFolder& cache, const std::string& commit, const Choice& choice) {
  Downloaded found{.model = cache.snapshot(commit), .commit = commit, .files = std::ssize(choice.files)};
  std::error_code ignored;
  for (const std::string& path : choice.files)
    found.bytes += std::int64_t(fs::file_size(found.model / path, ignored));
  if (!choice.model.empty()) found.model /= choice.model;
  return found;
}

// The model out of the files that are there, however few; nothing when they are no model.
std::optional<Choice> choose_cached(const ModelName& name, const CacheFolder& cache,
                                    const std::string& commit, std::string& why) {
  try {
    return choose_files(name, cache.files(commit), reader(cache, commit));
  } catch (const Error& error) {
    why = error.what();
    return std::nullopt;
  }
}

std::optional<Downloaded> find(const ModelName& name, const Settings& settings, bool settled,
                               std::string& why) {
  const CacheFolder cache(settings.cache, name.repository);
  const auto commit = cache.commit_of(name.revision);
  std::error_code ignored;
  if (!commit || !fs::is_directory(cache.snapshot(*commit), ignored)) return std::nullopt;
  const auto choice = choose_cached(name, cache, *commit, why);
  if (!choice) return std::nullopt;
  // Somebody else may have fetched weights alone.
  if (settled && !choice->tokenizer && !cache.known_missing(*commit, kTokenizerMark)) return std::nullopt;
  return describe(cache, *commit, *choice);
}

[[noreturn]] void fail_offline(const ModelName& name, const Settings& settings, const std::string& why) {
  const std::string cache = settings.cache.string();
  if (why.empty())
    fail(ErrorCode::kNotFound, name.text(),
         "is no file or folder here and, at revision {}, not in the cache {}; offline nothing is downloaded",
         name.revision, cache);
  fail(ErrorCode::kNotFound, name.text(),
       "is only in part in the cache {}, and offline nothing is downloaded: {}", cache, why);
}

std::vector<ListedFile> with_sizes(const std::vector<std::string>& paths, const Listing& listing) {
  std::map<std::string_view, std::uint64_t> sizes;
  for (const ListedFile& file : listing.files) sizes[file.path] = file.size;
  std::vector<ListedFile> files;
  for (const std::string& path : paths) files.push_back({path, sizes[path]});
  return files;
}

Downloaded fetch(const ModelName& name, const Listing& listing, const Settings& settings, const Job& job) {
  const CacheFolder cache(settings.cache, name.repository);
  std::vector<std::string> paths;
  for (const ListedFile& file : listing.files) paths.push_back(file.path);
  Transfer transfer(name, listing.commit, settings, job);
  while (true) {
    const Choice choice = choose_files(name, paths, reader(cache, listing.commit));
    transfer.fetch(with_sizes(choice.files, listing));
    if (!choice.whole) continue;  // now it can be read what else is needed
    if (!choice.tokenizer) cache.remember_missing(listing.commit, kTokenizerMark);
    cache.remember(name.revision, listing.commit);
    Downloaded done = describe(cache, listing.commit, choice);
    done.fetched_bytes = transfer.fetched_bytes();
    return done;
  }
}

}  // namespace

std::optional<Downloaded> find_in_cache(const ModelName& name, const Settings& settings) {
  std::string why;
  return find(name, settings, !settings.offline, why);
}

Downloaded download(const ModelName& name, const Settings& settings, const Job& job) {
  std::string why;
  if (settings.offline) {
    if (auto found = find(name, settings, false, why)) return *found;
    fail_offline(name, settings, why);
  }
  const Stop stop(job);
  Listing listing;
  try {
    listing = Client(settings, stop).list(name);
  } catch (const Error& error) {
    const auto cached = error.code() == ErrorCode::kIo ? find(name, settings, false, why) : std::nullopt;
    if (!cached) throw;
    warn("{}; the model in the cache is used", error.what());
    return *cached;
  }
  return fetch(name, listing, settings, job);
}

}  // namespace swiftlet::hub
