#include "swiftlet/core/memory.h"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kKilo = 1024;  // /proc says kB

// The number behind the key that a line begins with; 0 when there is no such line.
std::uint64_t value_of(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return std::strtoull(line.c_str() + key.size(), nullptr, 10);
  return 0;
}

std::uint64_t number_in(const fs::path& path, std::uint64_t otherwise) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : otherwise;  // "max" is no number
}

struct Names {
  const char *limit, *used, *inactive_file, *active_file;
};
constexpr Names kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ",
                          "total_active_file "};
constexpr Names kVersion2{"memory.max", "memory.current", "inactive_file ", "active_file "};

std::uint64_t left_in(const fs::path& group, const Names& names) {
  const std::uint64_t limit = number_in(group / names.limit, kNoLimit);
  if (limit == kNoLimit) return kNoLimit;
  const std::uint64_t used = number_in(group / names.used, 0);
  const std::uint64_t files = value_of(group / "memory.stat", names.inactive_file) +
                              value_of(group / "memory.stat", names.active_file);
  const std::uint64_t held = used - std::min(used, files);
  return limit - std::min(limit, held);
}

// The path of this process's group below the mount, as /proc/self/cgroup tells it: "0::/user.slice/..." in
// version 2, "5:memory:/..." in version 1.
std::string group_path(const fs::path& root, std::string_view controller) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos || second + 1 >= line.size()) continue;
    if (std::string_view(line).substr(first + 1, second - first - 1) == controller)
      return line.substr(second + 2);  // without the slash
  }
  return {};
}

std::uint64_t least_left(const fs::path& mount, const std::string& path, const Names& names) {
  std::uint64_t left = left_in(mount, names);
  fs::path group = mount;
  for (const fs::path& part : fs::path(path)) {
    group /= part;
    left = std::min(left, left_in(group, names));
  }
  return left;
}

}  // namespace

std::uint64_t control_group_memory_bytes(const fs::path& root) {
  const fs::path mount = root / "sys/fs/cgroup";
  return std::min(least_left(mount, group_path(root, ""), kVersion2),
                  least_left(mount / "memory", group_path(root, "memory"), kVersion1));
}

std::uint64_t total_memory_bytes() {
  return kKilo * value_of("/proc/meminfo", "MemTotal:");
}

std::uint64_t available_memory_bytes() {
  return std::min(kKilo * value_of("/proc/meminfo", "MemAvailable:"), control_group_memory_bytes());
}

void check_fits(std::string_view where, std::uint64_t bytes) {
  const std::uint64_t available = available_memory_bytes();
  constexpr double kGiga = 1e9;
  if (bytes > available)
    fail(ErrorCode::kMemory, where, "needs {:.1f} GB of memory, {:.1f} GB are available",
         static_cast<double>(bytes) / kGiga, static_cast<double>(available) / kGiga);
}

std::uint64_t peak_memory_bytes() {
  return kKilo * value_of("/proc/self/status", "VmHWM:");
}

void reset_peak_memory() {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";  // proc(5): resets the peak resident set
}

}  // namespace swiftlet
