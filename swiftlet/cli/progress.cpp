#include "swiftlet/cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "swiftlet/cli/format.h"
#include "swiftlet/cli/output.h"
#include "swiftlet/cli/table.h"

namespace swiftlet::cli {
namespace {

constexpr std::string_view kDownload = "download";  // the stage that counts bytes

std::int64_t percent(std::int64_t done, std::int64_t total) {
  return std::clamp<std::int64_t>(std::int64_t(100 * double(done) / double(total)), 0, 100);
}

bool can_draw() {
  const char* term = std::getenv("TERM");
  return ::isatty(2) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Progress::Progress(bool enabled) : enabled_(enabled && can_draw()) {}

void Progress::update(std::string_view stage, std::int64_t done, std::int64_t total) {
  if (!enabled_) return;
  const auto now = Clock::now();
  if (stage != stage_ || done < done_) {
    stage_ = stage;
    first_ = done;
    started_ = now;
    last_ = {};
  }
  done_ = done;
  if (now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  // The last column stays free: some terminals would wrap.
  const std::string line = progress_line(stage, done, done - first_, total, seconds, terminal_width() - 1);
  write_stderr(fmt::format("\r{}\x1b[K", line));
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
  last_ = {};
}

std::string progress_line(std::string_view stage, std::int64_t done, std::int64_t fresh, std::int64_t total,
                          double seconds, std::size_t width) {
  const bool bytes = stage == kDownload;
  const auto amount = [&](std::int64_t number) { return bytes ? human_bytes(number) : grouped(number); };
  std::string tail = total > 0
                         ? fmt::format("{:3}%  {}/{}", percent(done, total), amount(done), amount(total))
                         : amount(done);
  const double rate = seconds > 0 ? double(fresh) / seconds : 0;
  if (rate > 0 && seconds >= 0.5) {  // earlier the rate is a guess
    tail += fmt::format("  {}/s", bytes ? human_bytes(std::int64_t(rate)) : human_number(rate));
    if (total > done) tail += fmt::format("  {} left", clock_time(double(total - done) / rate));
  }
  std::string line(stage);
  constexpr std::size_t kSmallest = 10, kLargest = 40;
  const std::size_t taken = display_width(line) + 2 + 2 + 2 + tail.size();
  if (total > 0 && taken + kSmallest <= width) {
    const std::size_t cells = std::min(kLargest, width - taken);
    const std::size_t full = std::min(cells, std::size_t(double(cells) * double(done) / double(total)));
    std::string bar(full, '=');
    if (full < cells) bar += '>';
    bar.resize(cells, ' ');
    line += "  [" + bar + "]";
  }
  line += "  " + tail;
  // A stage's name may hold multi-byte characters: cut between them.
  while (display_width(line) > width) {
    line.pop_back();
    while (!line.empty() && (line.back() & 0xC0) == 0x80) line.pop_back();
  }
  return line;
}

}  // namespace swiftlet::cli
