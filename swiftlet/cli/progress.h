// A progress bar on standard error, drawn over itself at most ten times a second.
//
//   evaluate  [=========>              ]  38%  1,140/3,000  312/s  0:06 left
//
// Silent unless it is enabled and standard error is a terminal. Used by the thread that works.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace swiftlet::cli {

class Progress {
 public:
  explicit Progress(bool enabled);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // total 0: unknown. A new stage, or one that starts again, starts the clock.
  void update(std::string_view stage, std::int64_t done, std::int64_t total);
  // Takes the bar off the terminal, before anything else is written there.
  void clear();
  void disable() { enabled_ = false; }

 private:
  using Clock = std::chrono::steady_clock;
  bool enabled_, drawn_ = false;
  std::string stage_;
  std::int64_t done_ = 0, first_ = 0;
  Clock::time_point started_, last_;
};

// The bar as text of at most `width` columns. `done` counts the work before the clock started too, `fresh`
// only that since.
std::string progress_line(std::string_view stage, std::int64_t done, std::int64_t fresh, std::int64_t total,
                          double seconds, std::size_t width);

}  // namespace swiftlet::cli
