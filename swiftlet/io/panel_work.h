// Laying a matrix out in panels on several threads. Only for swiftlet/io.
#pragma once

#include <cstdint>
#include <functional>

#include "swiftlet/core/thread_pool.h"

namespace swiftlet {

// Calls write(panel) for each of them, on the threads of `pool` where there is one. A panel that throws stops
// none of those of other threads; the last error is thrown at the end.
void for_each_panel(std::int64_t panels, ThreadPool* pool,
                    const std::function<void(std::int64_t panel)>& write);

}  // namespace swiftlet
