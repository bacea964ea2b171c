// Several files of one commit on their way into the cache.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <vector>

#include "swiftlet/hub/cache_folder.h"
#include "swiftlet/hub/client.h"

namespace swiftlet::hub {

class Transfer {
 public:
  Transfer(ModelName name, std::string commit, const Settings& settings, const Job& job)
      : name_(std::move(name)),
        commit_(std::move(commit)),
        settings_(settings),
        job_(job),
        cache_(settings.cache, name_.repository) {}

  // Gets these files, as many at once as the settings say; `job` hears of it on this thread. May be called
  // again with more. After an error no thread is left, and what arrived stays.
  void fetch(const std::vector<ListedFile>& files);
  std::int64_t fetched_bytes() const { return fetched_; }

 private:
  void work(const std::vector<ListedFile>& files, std::atomic<std::size_t>& next, Stop& stop);
  void fetch_one(Client& client, const ListedFile& file, const Stop& stop);
  void get_blob(Client& client, const ListedFile& file, const FileInfo& info);
  void check_space(const std::string& path, std::uint64_t bytes) const;
  void report();

  ModelName name_;
  std::string commit_;
  const Settings& settings_;
  const Job& job_;
  CacheFolder cache_;
  std::atomic<std::int64_t> done_{0}, total_{0}, fetched_{0};
  std::mutex mutex_;
  std::exception_ptr failure_;
  std::vector<std::string> warnings_;  // told on the caller's thread
};

}  // namespace swiftlet::hub
