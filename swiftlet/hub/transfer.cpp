#include "swiftlet/hub/transfer.h"

#include <algorithm>
#include <thread>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/hub/part_file.h"

namespace swiftlet::hub {
namespace {

namespace fs = std::filesystem;

// Joins whatever happens.
class Threads {
 public:
  explicit Threads(Stop& stop) : stop_(stop) {}
  ~Threads() {
    stop_.set();
    join();
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  template <class Work>
  void start(Work work) {
    threads_.emplace_back(std::move(work));
  }
  void join() {
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }

 private:
  Stop& stop_;
  std::vector<std::thread> threads_;
};

}  // namespace

void Transfer::fetch(const std::vector<ListedFile>& files) {
  std::vector<ListedFile> missing;
  for (const ListedFile& file : files)
    if (!cache_.has(commit_, file.path)) missing.push_back(file);
  if (missing.empty()) return;
  for (const ListedFile& file : missing) total_ += std::int64_t(file.size);
  Stop stop(job_);
  std::atomic<std::size_t> next{0};
  std::atomic<int> running{0};
  {
    Threads threads(stop);
    const auto count = std::min<std::size_t>(std::size_t(std::max(settings_.parallel, 1)), missing.size());
    running = int(count);
    for (std::size_t i = 0; i < count; ++i)
      threads.start([&] {
        work(missing, next, stop);
        --running;
      });
    constexpr std::chrono::milliseconds kPause{50};
    while (running > 0) {
      report();  // throws when the job is cancelled
      std::this_thread::sleep_for(kPause);
    }
    threads.join();
  }
  if (failure_) std::rethrow_exception(failure_);
  report();
}

void Transfer::report() {
  std::vector<std::string> warnings;
  {
    const std::lock_guard lock(mutex_);
    warnings.swap(warnings_);
  }
  for (const std::string& warning : warnings) warn("{}", warning);
  job_.step("download", done_, total_);
}

void Transfer::work(const std::vector<ListedFile>& files, std::atomic<std::size_t>& next, Stop& stop) {
  try {
    Client client(settings_, stop);
    for (std::size_t i = next++; i < files.size(); i = next++) fetch_one(client, files[i], stop);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();  // the others only hear of the stop
    stop.set();
  }
}

void Transfer::fetch_one(Client& client, const ListedFile& file, const Stop& stop) {
  const FileInfo info = client.look_at(name_, commit_, file.path);
  std::error_code ignored;
  cache_.prepare(info.etag);
  if (info.size) total_ += std::int64_t(*info.size) - std::int64_t(file.size);
  const BlobLock lock(cache_.lock(info.etag), stop);
  if (fs::exists(cache_.blob(info.etag), ignored))  // of another commit, or made while we waited
    done_ += std::int64_t(info.size.value_or(file.size));
  else
    get_blob(client, file, info);
  cache_.link(commit_, file.path, info.etag);
}

void Transfer::check_space(const std::string& path, std::uint64_t bytes) const {
  std::error_code error;
  const fs::space_info space = fs::space(settings_.cache, error);
  if (!error && bytes > space.available)
    fail(ErrorCode::kIo, fmt::format("{}/{}", name_.repository, path),
         "needs {} bytes more, the disk of {} has {} left", bytes, settings_.cache.string(), space.available);
}

void Transfer::get_blob(Client& client, const ListedFile& file, const FileInfo& info) {
  const std::string where = fmt::format("{}/{}", name_.repository, file.path);
  PartFile part(cache_.blob(info.etag), info, where);
  const std::uint64_t kept = part.size();
  if (info.size) check_space(file.path, *info.size - part.size());
  done_ += std::int64_t(part.size());
  std::uint64_t farthest = part.size(), before = 0;
  const auto restart = [&] {
    done_ -= std::int64_t(part.size());
    part.restart();
  };
  const auto attempt = [&] {
    before = farthest;
    if (part.complete()) return;
    client.get(
        name_, commit_, file.path, part.size(),
        [&](std::uint64_t first) {
          if (first != part.size()) restart();
        },
        [&](std::span<const std::byte> bytes) {
          part.append(bytes);
          farthest = std::max(farthest, part.size());
          done_ += std::int64_t(bytes.size());
          fetched_ += std::int64_t(bytes.size());
        });
    if (info.size && !part.complete())
      throw Transient(fmt::format("the answer ended after {} of {} bytes", part.size(), *info.size));
  };
  // A server that begins anew each time brings nothing.
  const auto moved = [&] { return farthest > before; };
  client.retry(where, attempt, moved);
  if (!part.checked()) {
    const std::lock_guard lock(mutex_);
    warnings_.push_back(fmt::format("[{}] the hub gives no checksum: only the size was checked", where));
  }
  std::string wrong = part.mismatch();
  if (!wrong.empty() && kept > 0) {  // what an earlier run left may have been damaged
    restart();
    client.retry(where, attempt, moved);
    wrong = part.mismatch();
  }
  if (!wrong.empty()) {
    part.discard();
    fail(ErrorCode::kInvalid, where, "{}; the part was deleted", wrong);
  }
  part.commit();
}

}  // namespace swiftlet::hub
