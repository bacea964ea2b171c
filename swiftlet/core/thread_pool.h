// ThreadPool: one persistent team of threads; a parallel region runs a function once per member and joins.
//
// Workers spin for a short while between regions and then sleep, so back-to-back kernels pay about a
// microsecond. The caller, done with its own part, runs the parts of members that have not begun yet, so on a
// busy machine a region takes no longer than one thread would. One region at a time: a second caller waits
// for the first (regions of different models may share a pool). A region inside a region runs in the calling
// member alone.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

namespace swiftlet {

class ThreadPool {
 public:
  // threads <= 0: the cores that this process may use (affinity, cgroup quota).
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const noexcept { return size_; }

  // Calls body(member) once for each member in [0, size()): the caller is member 0, and any other whose
  // thread comes too late. `body` must not throw, and no member may wait for another.
  template <class Body>
  void run(Body&& body) noexcept {
    run_erased(
        [](void* context, int member) { (*static_cast<std::remove_reference_t<Body>*>(context))(member); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

  // Calls body(begin, end) on contiguous parts of [0, count), each a multiple of `grain` but for the last.
  // What a part computes must not depend on where the cuts fall.
  template <class Body>
  void parallel_for(std::int64_t count, std::int64_t grain, Body&& body) noexcept {
    const std::int64_t units = (count + grain - 1) / grain;
    if (units <= 1 || size_ == 1) {
      if (count > 0) body(std::int64_t{0}, count);
      return;
    }
    run([&](int member) {
      const std::int64_t begin = units * member / size_ * grain;
      const std::int64_t end = units * (member + 1) / size_ * grain;
      if (begin < end) body(begin, end < count ? end : count);
    });
  }

 private:
  using Erased = void (*)(void* context, int member);
  void run_erased(Erased body, void* context) noexcept;
  void stop();
  struct Team;
  std::unique_ptr<Team> team_;
  int size_;
};

// The default pool size: physical cores within this process's affinity mask and cgroup quota, at least 2
// where 2 are allowed.
int available_cores();

}  // namespace swiftlet
