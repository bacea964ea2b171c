// What the processor tells is compared with what the kernel tells of it in /proc.
#include "swiftlet/core/cpu_info.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace swiftlet {
namespace {

std::set<std::string> kernel_flags() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    std::set<std::string> flags;
    for (std::string word; words >> word;) flags.insert(word);
    return flags;
  }
  return {};
}

TEST(CpuInfo, AgreesWithTheKernel) {
  const std::set<std::string> flags = kernel_flags();
  if (flags.empty()) GTEST_SKIP() << "/proc/cpuinfo lists no flags";
  const CpuInfo& info = cpu_info();
  const auto has = [&](const char* flag) { return flags.count(flag) > 0; };
  EXPECT_FALSE(info.name.empty());
  EXPECT_EQ(info.avx2, has("avx2"));
  EXPECT_EQ(info.fma, has("fma"));
  EXPECT_EQ(info.f16c, has("f16c"));
  EXPECT_EQ(info.avx512, has("avx512f") && has("avx512bw") && has("avx512vl") && has("avx512dq"));
  EXPECT_EQ(info.avx512_vnni, info.avx512 && has("avx512_vnni"));
  // Older kernels do not name these: what they name must be found, but more may be.
  EXPECT_TRUE(!has("avx_vnni") || info.avx_vnni);
  EXPECT_TRUE(!has("avx512_bf16") || info.avx512_bf16);
  EXPECT_TRUE(!has("amx_int8") || info.amx_int8);
  EXPECT_TRUE(!has("amx_bf16") || info.amx_bf16);
}

}  // namespace
}  // namespace swiftlet
