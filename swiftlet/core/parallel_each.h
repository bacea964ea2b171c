// parallel_each: pieces of work of unequal length, each of which may fail, over the threads of a pool.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>

#include "swiftlet/core/thread_pool.h"

namespace swiftlet {

// Calls body(i) once for each i below `count`, in no order, on all members of the pool. Whoever is free takes
// the next few. What a body throws is thrown here once all have stopped, of several the one of the lowest i
// that was reached; bodies that have not begun by then are left out.
template <class Body>
void parallel_each(ThreadPool& pool, std::size_t count, Body&& body) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
  std::size_t failed = count;
  const std::size_t grain =
      std::clamp<std::size_t>(count / (static_cast<std::size_t>(pool.size()) * 16), 1, 64);
  pool.run([&](int) {
    for (std::size_t begin; (begin = next.fetch_add(grain)) < count;)
      for (std::size_t i = begin; i < std::min(begin + grain, count); ++i) try {
          body(i);
        } catch (...) {
          next = count;
          const std::lock_guard lock(mutex);
          if (i < failed) error = std::current_exception();
          failed = std::min(failed, i);
          return;
        }
  });
  if (error) std::rethrow_exception(error);
}

}  // namespace swiftlet
