#include "swiftlet/eval/bench.h"

#include "swiftlet/api/model_impl.h"
#include "swiftlet/core/log.h"
#include "swiftlet/core/memory.h"
#include "swiftlet/core/text_source.h"
#include "swiftlet/eval/chrome_trace.h"
#include "swiftlet/eval/roofline.h"
#include "swiftlet/kernels/machine_limits.h"

namespace swiftlet {
namespace {

constexpr std::size_t kTraceCalls = std::size_t{1} << 19;  // of one phase; 12 MB

// The phases in the order in which they were run.
std::vector<TracePhase> in_order(const BenchProfile& profile) {
  std::vector<TracePhase> phases;
  for (const char* name : {"prefill", "decode", "embed"})
    if (const auto found = profile.phases.find(name); found != profile.phases.end())
      phases.push_back({name, &found->second});
  return phases;
}

void add_profile(const BenchProfile& profile, const kernels::MachineLimits& limits, BenchResult& result) {
  for (const TracePhase& phase : in_order(profile)) {
    const Profile::Row& whole = phase.profile->whole();
    result.phases.push_back({phase.name, whole.calls, static_cast<double>(whole.nanoseconds) * 1e-9});
    for (ProfileRow& row : profile_rows(phase.name, *phase.profile, *profile.program, limits))
      result.kernels.push_back({.phase = std::move(row.phase),
                                .name = std::move(row.name),
                                .op = std::move(row.op),
                                .arithmetic = std::string(to_string(row.arithmetic)),
                                .calls = row.calls,
                                .seconds = row.seconds,
                                .bytes = row.bytes,
                                .operations = row.operations,
                                .percent_of_limit = row.roofline.percent,
                                .bound = std::string(to_string(row.roofline.bound))});
  }
}

void write_trace(const BenchProfile& profile, const std::string& path) {
  const std::vector<TracePhase> phases = in_order(profile);
  write_chrome_trace(path, phases);
  std::int64_t lost = 0;
  for (const TracePhase& phase : phases) lost += phase.profile->lost_spans();
  if (lost > 0)
    warn("{}: holds the first {} calls of each phase; {} more were timed and not kept", path, kTraceCalls,
         lost);
}

std::vector<std::string> non_empty_lines(const std::string& path) {
  std::vector<std::string> lines = read_lines(path);
  std::erase(lines, "");
  require(!lines.empty(), path, "a text a line was expected, none came");
  return lines;
}

// Fills in `result`; returns the limits, which are measured after the peak of memory was taken.
kernels::MachineLimits measure_decoder(const std::shared_ptr<LoadedModel>& model, const BenchOptions& options,
                                       const Job& job, BenchProfile* profile, BenchResult& result) {
  const DecoderSpeed speed = bench_decoder(model,
                                           {.prompt = options.prompt,
                                            .generate = options.generate,
                                            .batch = options.batch,
                                            .depth = options.depth,
                                            .repeat = options.repeat},
                                           job, profile);
  result.kind = "decoder";
  result.peak_memory_bytes = static_cast<std::int64_t>(peak_memory_bytes());
  const kernels::MachineLimits limits =
      kernels::measure_machine(*model->pool, static_cast<std::uint64_t>(speed.bytes_per_token_step));
  result.prefill_tokens_per_second = speed.prefill_tokens_per_second;
  result.decode_tokens_per_second = speed.decode_tokens_per_second;
  result.read_gigabytes_per_second = speed.decode_bytes_per_second * 1e-9;
  result.percent_of_read_limit = percent_of(speed.decode_bytes_per_second, limits.read_bytes);
  result.percent_of_compute_limit =
      percent_of(speed.prefill_flops_per_second, compute_limit(limits, speed.arithmetic));
  return limits;
}

kernels::MachineLimits measure_encoder(const std::shared_ptr<LoadedModel>& model, const BenchOptions& options,
                                       const Job& job, BenchProfile* profile, BenchResult& result) {
  if (options.input.empty())
    fail(ErrorCode::kUsage, "input", "an encoder is measured on texts: give --input FILE");
  const EncoderSpeed speed =
      bench_encoder(model, non_empty_lines(options.input), options.repeat, job, profile);
  result.kind = "encoder";
  result.peak_memory_bytes = static_cast<std::int64_t>(peak_memory_bytes());
  const kernels::MachineLimits limits =
      kernels::measure_machine(*model->pool, static_cast<std::uint64_t>(speed.weight_bytes));
  result.sentences_per_second = speed.sentences_per_second;
  result.tokens_per_second = speed.tokens_per_second;
  result.latency_seconds_p50 = speed.latency_seconds_p50;
  result.forward_seconds_p50 = speed.forward_seconds_p50;
  result.percent_of_compute_limit =
      percent_of(speed.flops_per_second, compute_limit(limits, speed.arithmetic));
  return limits;
}

}  // namespace

BenchResult bench(Model& model, const BenchOptions& options, const Job* job) {
  const auto& impl = ModelAccess::impl(model);
  BenchResult result;
  result.load_seconds = impl.load_seconds;
  result.weight_bytes = impl.loaded->weights->bytes();
  std::optional<BenchProfile> profile;
  if (options.profile || !options.trace.empty()) profile.emplace(options.trace.empty() ? 0 : kTraceCalls);
  BenchProfile* const wanted = profile ? &*profile : nullptr;
  const bool decoder = impl.loaded->built.kind == models::Kind::kDecoder;
  const kernels::MachineLimits limits =
      decoder ? measure_decoder(impl.loaded, options, or_default(job), wanted, result)
              : measure_encoder(impl.loaded, options, or_default(job), wanted, result);
  result.limit_read_gigabytes_per_second = limits.read_bytes * 1e-9;
  result.limit_f32_gflops = limits.f32_ops * 1e-9;
  result.limit_bf16_gflops = limits.bf16_ops * 1e-9;
  result.limit_int8_gops = limits.int8_ops * 1e-9;
  if (profile) add_profile(*profile, limits, result);
  if (!options.trace.empty()) write_trace(*profile, options.trace);
  return result;
}

}  // namespace swiftlet
