#include "swiftlet/io/panel_work.h"

#include <exception>
#include <mutex>

namespace swiftlet {

void for_each_panel(std::int64_t panels, ThreadPool* pool,
                    const std::function<void(std::int64_t panel)>& write) {
  std::mutex mutex;
  std::exception_ptr fault;
  const auto part = [&](std::int64_t begin, std::int64_t end) noexcept {
    try {
      for (std::int64_t panel = begin; panel < end; ++panel) write(panel);
    } catch (...) {
      const std::lock_guard lock(mutex);
      fault = std::current_exception();
    }
  };
  if (pool != nullptr)
    pool->parallel_for(panels, 1, part);
  else
    part(0, panels);
  if (fault) std::rethrow_exception(fault);
}

}  // namespace swiftlet
