// Work on a matrix panel by panel, on several threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "swiftlet/core/parallel_each.h"
#include "swiftlet/encoding/panel.h"

namespace swiftlet {

// Calls f(panel) for each of them, on the threads of `pool` where there is one. Throws what an f throws, as
// parallel_each() does: of several the error of the first panel.
template <class F>
void for_each_panel(std::int64_t panels, ThreadPool* pool, F f) {
  if (pool != nullptr)
    return parallel_each(*pool, static_cast<std::size_t>(panels),
                         [&](std::size_t panel) { f(static_cast<std::int64_t>(panel)); });
  for (std::int64_t panel = 0; panel < panels; ++panel) f(panel);
}

// Calls f(begin, end) for the rows of each panel of a matrix.
template <class F>
void for_rows_of_panels(std::int64_t rows, ThreadPool* pool, F f) {
  for_each_panel((rows + kPanelRows - 1) / kPanelRows, pool, [&](std::int64_t panel) {
    const std::int64_t begin = panel * kPanelRows;
    f(begin, std::min(begin + kPanelRows, rows));
  });
}

}  // namespace swiftlet
