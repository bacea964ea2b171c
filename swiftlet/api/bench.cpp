#include "swiftlet/eval/bench.h"

#include "swiftlet/api/model_impl.h"
#include "swiftlet/core/cpu_info.h"
#include "swiftlet/eval/text_source.h"
#include "swiftlet/kernels/cuda/devices.h"
#include "swiftlet/kernels/machine_limits.h"

namespace swiftlet {
namespace {

double percent(double value, double limit) {
  return limit > 0 ? 100 * value / limit : 0;
}

double compute_limit(const kernels::MachineLimits& limits, Arithmetic arithmetic) {
  return arithmetic == Arithmetic::kInt8   ? limits.int8_ops
         : arithmetic == Arithmetic::kBF16 ? limits.bf16_ops
                                           : limits.f32_ops;
}

std::vector<std::string> non_empty_lines(const std::string& path) {
  std::vector<std::string> lines = read_lines(path);
  std::erase(lines, "");
  return lines;
}

}  // namespace

BenchResult bench(Model& model, const BenchOptions& options, const Job* job) {
  const auto& impl = ModelAccess::impl(model);
  const LoadedModel& loaded = *impl.loaded;
  BenchResult result;
  result.load_seconds = impl.load_seconds;
  result.weight_bytes = loaded.weights->bytes();
  const Arithmetic arithmetic = main_arithmetic(loaded);
  if (loaded.built.kind == models::Kind::kDecoder) {
    result.kind = "decoder";
    const DecoderSpeed speed = bench_decoder(impl.loaded,
                                             {.prompt = options.prompt,
                                              .generate = options.generate,
                                              .batch = options.batch,
                                              .repeat = options.repeat},
                                             or_default(job));
    result.peak_memory_bytes =
        static_cast<std::int64_t>(peak_memory_bytes());  // before the limits take theirs
    const kernels::MachineLimits limits = kernels::measure_machine(*loaded.pool);
    result.prefill_tokens_per_second = speed.prefill_tokens_per_second;
    result.decode_tokens_per_second = speed.decode_tokens_per_second;
    result.read_gigabytes_per_second = speed.decode_bytes_per_second * 1e-9;
    result.percent_of_read_limit = percent(speed.decode_bytes_per_second, limits.read_bytes);
    result.percent_of_compute_limit =
        percent(speed.prefill_flops_per_second, compute_limit(limits, arithmetic));
  } else {
    result.kind = "encoder";
    if (options.input.empty())
      fail(ErrorCode::kUsage, "input", "an encoder is measured on texts: give --input FILE");
    const EncoderSpeed speed =
        bench_encoder(impl.loaded, non_empty_lines(options.input), options.repeat, or_default(job));
    result.peak_memory_bytes =
        static_cast<std::int64_t>(peak_memory_bytes());  // before the limits take theirs
    const kernels::MachineLimits limits = kernels::measure_machine(*loaded.pool);
    result.sentences_per_second = speed.sentences_per_second;
    result.tokens_per_second = speed.tokens_per_second;
    result.latency_seconds_p50 = speed.latency_seconds_p50;
    result.percent_of_compute_limit = percent(speed.flops_per_second, compute_limit(limits, arithmetic));
  }
  return result;
}

MachineInfo machine(bool measure) {
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
  info.threads = available_cores();
  info.total_memory_bytes = static_cast<std::int64_t>(total_memory_bytes());
  info.available_memory_bytes = static_cast<std::int64_t>(available_memory_bytes());
  if (measure) {
    ThreadPool pool;
    const kernels::MachineLimits limits = kernels::measure_machine(pool);
    info.read_gigabytes_per_second = limits.read_bytes * 1e-9;
    info.f32_gflops = limits.f32_ops * 1e-9;
    info.bf16_gflops = limits.bf16_ops * 1e-9;
    info.int8_gops = limits.int8_ops * 1e-9;
  }
  return info;
}

}  // namespace swiftlet
