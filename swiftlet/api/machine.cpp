#include "swiftlet/core/cpu_info.h"
#include "swiftlet/core/error.h"
#include "swiftlet/core/memory.h"
#include "swiftlet/core/thread_pool.h"
#include "swiftlet/kernels/cuda/devices.h"
#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/machine_limits.h"
#include "swiftlet/swiftlet.h"

namespace swiftlet {

MachineInfo machine(bool measure, int threads) {
  if (threads < 0) fail(ErrorCode::kUsage, "threads", "must not be negative, is {}", threads);
  const CpuInfo& cpu = cpu_info();
  MachineInfo info;
  info.cpu = cpu.name;
  info.isa = kernels::default_table().isa;
  for (const auto* table : kernels::available_tables()) info.available_isas.emplace_back(table->isa);
  const std::pair<bool, const char*> features[] = {{cpu.avx2, "avx2"},
                                                   {cpu.fma, "fma"},
                                                   {cpu.f16c, "f16c"},
                                                   {cpu.avx_vnni, "avx_vnni"},
                                                   {cpu.avx512, "avx512"},
                                                   {cpu.avx512_vnni, "avx512_vnni"},
                                                   {cpu.avx512_bf16, "avx512_bf16"},
                                                   {cpu.amx_int8, "amx_int8"},
                                                   {cpu.amx_bf16, "amx_bf16"}};
  for (const auto& [present, name] : features)
    if (present) info.features.emplace_back(name);
  for (const kernels::CudaDevice& device : kernels::cuda_devices())
    info.cuda_devices.push_back(
        fmt::format("{}, compute capability {}.{}", device.name, device.major, device.minor));
  info.threads = threads > 0 ? threads : available_cores();
  info.total_memory_bytes = static_cast<std::int64_t>(total_memory_bytes());
  info.available_memory_bytes = static_cast<std::int64_t>(available_memory_bytes());
  if (measure) {
    ThreadPool pool(info.threads);
    const kernels::MachineLimits limits = kernels::measure_machine(pool);
    info.read_gigabytes_per_second = limits.read_bytes * 1e-9;
    info.f32_gflops = limits.f32_ops * 1e-9;
    info.bf16_gflops = limits.bf16_ops * 1e-9;
    info.int8_gops = limits.int8_ops * 1e-9;
  }
  return info;
}

}  // namespace swiftlet
