#include "swiftlet/core/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

inline void pause_core() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// About 50 microseconds of pauses before a thread goes to sleep.
constexpr int kSpins = 2000;

thread_local bool inside_region = false;

// The cgroup v2 (or v1) CPU quota in whole cores, 0 where none is set.
int cgroup_quota() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period && quota != "max" && period > 0)
    return std::max(1, static_cast<int>(std::lround(std::stod(quota) / period)));
  double limit = 0;
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
      v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (v1_quota >> limit && v1_period >> period && limit > 0 && period > 0)
    return std::max(1, static_cast<int>(std::lround(limit / period)));
  return 0;
}

}  // namespace

int available_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (::sched_getaffinity(0, sizeof mask, &mask) != 0) return 1;
  const int allowed = CPU_COUNT(&mask);
  std::set<std::string> physical;  // one sibling list per physical core
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask)) continue;
    std::ifstream siblings("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                           "/topology/thread_siblings_list");
    std::string list;
    if (!(siblings >> list)) list = std::to_string(cpu);
    physical.insert(list);
  }
  int cores = std::max(static_cast<int>(physical.size()), std::min(allowed, 2));
  if (const int quota = cgroup_quota(); quota > 0) cores = std::min(cores, quota);
  return std::max(cores, 1);
}

struct ThreadPool::Team {
  std::mutex region;  // held for the whole of a region: one at a time
  std::mutex sleep;
  std::condition_variable wake, finished;
  std::atomic<std::uint64_t> generation{0};
  std::atomic<int> running{0};
  std::atomic<bool> stopping{false};
  std::atomic<int> sleepers{0};
  std::vector<std::atomic<std::uint64_t>>
      claimed;  // [size] the last generation in which a member's part began
  Erased body = nullptr;
  void* context = nullptr;
  std::vector<std::thread> workers;

  explicit Team(int size) : claimed(static_cast<std::size_t>(size)) {}

  // True for one caller alone: it runs the member's part of this generation. Until the part is claimed the
  // region cannot end, so a claim that succeeds finds `body` and `context` in place; one that comes too late
  // fails.
  bool claim(int member, std::uint64_t region_generation) {
    std::atomic<std::uint64_t>& last = claimed[static_cast<std::size_t>(member)];
    std::uint64_t before = region_generation - 1;
    return last.compare_exchange_strong(before, region_generation, std::memory_order_acq_rel);
  }

  void work(int member) {
    inside_region = true;
    std::uint64_t seen = 0;
    for (;;) {
      wait_for_region(seen);
      if (stopping.load(std::memory_order_relaxed)) return;
      seen = generation.load(std::memory_order_acquire);
      if (!claim(member, seen)) continue;
      body(context, member);
      if (running.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        // The lock orders this notification after the caller's check, or the wake-up could be lost.
        const std::lock_guard lock(sleep);
        finished.notify_one();
      }
    }
  }

  void wait_for_region(std::uint64_t seen) {
    for (int spin = 0; spin < kSpins; ++spin) {
      if (generation.load(std::memory_order_acquire) != seen || stopping.load(std::memory_order_relaxed))
        return;
      pause_core();
    }
    std::unique_lock lock(sleep);
    sleepers.fetch_add(1);
    wake.wait(lock, [&] { return generation.load() != seen || stopping.load(); });
    sleepers.fetch_sub(1);
  }
};

ThreadPool::ThreadPool(int threads) : size_(threads > 0 ? threads : available_cores()) {
  team_ = std::make_unique<Team>(size_);
  try {
    for (int member = 1; member < size_; ++member)
      team_->workers.emplace_back([team = team_.get(), member] { team->work(member); });
  } catch (const std::system_error& error) {
    const std::size_t started = team_->workers.size() + 1;
    stop();
    fail(ErrorCode::kMemory, "threads", "{} of {} could be started: {}", started, size_, error.what());
  }
}

ThreadPool::~ThreadPool() {
  stop();
}

void ThreadPool::stop() {
  {
    const std::lock_guard lock(team_->sleep);
    team_->stopping.store(true);
  }
  team_->wake.notify_all();
  for (std::thread& worker : team_->workers) worker.join();
}

void ThreadPool::run_erased(Erased body, void* context) noexcept {
  if (size_ == 1 || inside_region) {
    for (int member = 0; member < size_; ++member) body(context, member);
    return;
  }
  Team& team = *team_;
  const std::lock_guard one_region(team.region);
  team.body = body;
  team.context = context;
  team.running.store(size_ - 1, std::memory_order_relaxed);
  const std::uint64_t generation =
      team.generation.fetch_add(1) +
      1;  // sequentially consistent with `sleepers`: a worker sleeps or sees this
  if (team.sleepers.load() > 0) {
    { const std::lock_guard lock(team.sleep); }
    team.wake.notify_all();
  }
  inside_region = true;
  body(context, 0);
  // Members that have not begun (asleep, or not scheduled on a busy machine) are not waited for.
  for (int member = 1; member < size_; ++member)
    if (team.claim(member, generation)) {
      body(context, member);
      team.running.fetch_sub(1, std::memory_order_acq_rel);
    }
  inside_region = false;
  for (int spin = 0; spin < kSpins; ++spin) {
    if (team.running.load(std::memory_order_acquire) == 0) return;
    pause_core();
  }
  std::unique_lock lock(team.sleep);
  team.finished.wait(lock, [&] { return team.running.load(std::memory_order_acquire) == 0; });
}

}  // namespace swiftlet
