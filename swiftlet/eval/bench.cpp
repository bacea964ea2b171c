#include "swiftlet/eval/bench.h"

#include <algorithm>
#include <map>

#include "swiftlet/core/error.h"
#include "swiftlet/core/rng.h"
#include "swiftlet/engine/encoder.h"
#include "swiftlet/engine/engine.h"
#include "swiftlet/eval/stats.h"
#include "swiftlet/eval/vectors.h"
#include "swiftlet/graph/op_schema.h"
#include "swiftlet/ops/experts.h"
#include "swiftlet/ops/linear.h"
#include "swiftlet/runtime/program_plan.h"

namespace swiftlet {
namespace {

constexpr std::size_t kLatencyTexts = 50;

struct MatrixWork {
  double flops = 0;                          // of a step of given extents
  double bytes = 0;                          // of the weights, as they are read
  Arithmetic arithmetic = Arithmetic::kF32;  // of most of it
};

// Of every matrix product that the program runs, rows that nobody needs left out.
// Bytes are those that a step of `rows` rows reads: of a mixture, the experts that are chosen.
MatrixWork matrix_work(const Program& program, const WeightStore& weights, const Dim::Lookup& extents,
                       double rows) {
  const ProgramPlan plan = plan_of(program, weights);
  MatrixWork work;
  std::map<Arithmetic, double> flops;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Program::Step& step = program.steps[i];
    const Node& node = program.graph->node(step.node);
    const bool mixture = node.op == &ops::kExperts;
    if (node.op != &ops::kLinear && node.op != &ops::kLinearMerged && !mixture) continue;
    const double own = node.op->cost({*program.graph, node}, extents).flops;
    work.flops += own;
    work.bytes += static_cast<double>(plan.kernels[i].weight_bytes) *
                  (mixture ? ops::expected_share({*program.graph, node}, rows) : 1);
    flops[step.arithmetic] += own;
  }
  const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  if (!flops.empty()) work.arithmetic = std::max_element(flops.begin(), flops.end(), less)->first;
  return work;
}

std::vector<std::int32_t> random_prompt(std::int64_t length, std::int64_t sequence, std::int64_t vocabulary) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < length; ++i)
    ids.push_back(static_cast<std::int32_t>(
        uniform(1, static_cast<std::uint64_t>(sequence), static_cast<std::uint64_t>(i)) *
        static_cast<double>(vocabulary)));
  return ids;
}

Profile& phase_of(BenchProfile& profile, const std::string& name) {
  return profile.phases.try_emplace(name, profile.trace_calls).first->second;
}

// Seconds until every sequence has its first token, and until all are done.
std::pair<double, double> timed_run(Engine& engine, const DecoderBench& options, std::int64_t vocabulary,
                                    const Job& job, BenchProfile* profile = nullptr) {
  std::vector<std::int64_t> numbers;
  double first = 0;
  const auto set_phase = [&](const char* name) {
    if (profile != nullptr) engine.set_profile(&phase_of(*profile, name));
  };
  set_phase("prefill");
  const StopWatch watch;
  for (std::int64_t s = 0; s < options.batch; ++s)
    numbers.push_back(engine.submit(random_prompt(options.prompt, s, vocabulary),
                                    {.max_new_tokens = options.generate, .ignore_eos = true}));
  while (engine.step(job)) {
    if (first != 0 || engine.waiting_for_first_token() != 0) continue;
    first = watch.seconds();
    set_phase("decode");
  }
  const double total = watch.seconds();
  engine.set_profile(nullptr);
  for (const std::int64_t number : numbers) engine.take(number);
  return {first, total};
}

double cache_bytes_per_token(const Program& program, DType dtype) {
  double bytes = 0;
  for (const Program::State& layer : program.states)
    bytes += layer.kv_heads * kernels::cache_token_bytes(dtype, layer.head_dim, layer.value_dim);
  return bytes;
}

}  // namespace

DecoderSpeed bench_decoder(std::shared_ptr<LoadedModel> model, const DecoderBench& options, const Job& job,
                           BenchProfile* profile) {
  if (options.prompt < 1 || options.generate < 2 || options.batch < 1 || options.repeat < 1)
    fail(ErrorCode::kUsage, "bench", "prompt, batch and repeat must be at least 1 and generate at least 2");
  const std::int64_t most = model->built.max_positions;
  const std::int64_t context = std::min(options.prompt, most) + std::min(options.generate, most);
  require(context <= most && options.prompt <= most && options.generate <= most, model->checkpoint.source,
          "prompt {} and {} new tokens exceed the model's context of {}", options.prompt, options.generate,
          most);
  Engine engine(model, {.max_sequences = options.batch, .context = context});
  double prefill = 0, decode = 0;
  for (int run = 0; run < options.repeat; ++run) {
    job.step("bench", run, options.repeat);
    const auto [first, total] = timed_run(engine, options, model->built.vocab_size, job);
    if (job.cancelled()) job.step("bench", run, options.repeat);
    prefill = run == 0 ? first : std::min(prefill, first);
    decode = run == 0 ? total - first : std::min(decode, total - first);
  }
  for (int run = 0; profile != nullptr && run < options.repeat; ++run) {
    job.step("profile", run, options.repeat);
    timed_run(engine, options, model->built.vocab_size, job, profile);
  }
  if (profile != nullptr) profile->program = engine.program();
  const auto batch = static_cast<double>(options.batch);
  const auto extents = [&](std::string_view symbol) {
    return symbol == "tokens" ? options.batch * options.prompt : options.batch;
  };
  const MatrixWork work = matrix_work(*engine.program(), *model->weights, extents, batch);
  DecoderSpeed speed;
  speed.prefill_tokens_per_second = batch * static_cast<double>(options.prompt) / prefill;
  speed.decode_tokens_per_second = batch * static_cast<double>(options.generate - 1) / decode;
  const double average_context =
      static_cast<double>(options.prompt) + static_cast<double>(options.generate) / 2;
  speed.bytes_per_token_step =
      work.bytes + batch * average_context * cache_bytes_per_token(*engine.program(), engine.cache_dtype());
  speed.decode_bytes_per_second = speed.bytes_per_token_step * speed.decode_tokens_per_second / batch;
  speed.prefill_flops_per_second = work.flops / prefill;
  speed.arithmetic = work.arithmetic;
  return speed;
}

EncoderSpeed bench_encoder(std::shared_ptr<LoadedModel> model, const std::vector<std::string>& texts,
                           int repeat, const Job& job, BenchProfile* profile) {
  require(!texts.empty(), "bench", "there is no text to embed");
  if (repeat < 1) fail(ErrorCode::kUsage, "repeat", "must be at least 1, is {}", repeat);
  Encoder encoder(model);
  std::vector<std::vector<std::int32_t>> ids;
  double tokens = 0;
  for (const std::string& text : texts) {
    ids.push_back(encoder.tokenize(text));
    tokens += static_cast<double>(ids.back().size());
  }
  double best = 0;
  for (int run = 0; run < repeat; ++run) {
    const StopWatch watch;
    encoder.embed_tokens(ids, job);
    best = run == 0 ? watch.seconds() : std::min(best, watch.seconds());
  }
  if (profile != nullptr) {
    profile->program = encoder.program();
    encoder.set_profile(&phase_of(*profile, "embed"));
    for (int run = 0; run < repeat; ++run) encoder.embed_tokens(ids, job);
    encoder.set_profile(nullptr);
  }
  std::vector<double> latencies;
  for (std::size_t i = 0; i < std::min(texts.size(), kLatencyTexts); ++i) {
    const StopWatch watch;
    encoder.embed(std::span(texts).subspan(i, 1), job);
    latencies.push_back(watch.seconds());
  }
  const auto extents = [&](std::string_view symbol) {
    return symbol == "tokens" ? static_cast<std::int64_t>(tokens) : std::ssize(texts);
  };
  const MatrixWork work = matrix_work(*encoder.program(), *model->weights, extents, tokens);
  return {.sentences_per_second = static_cast<double>(texts.size()) / best,
          .tokens_per_second = tokens / best,
          .latency_seconds_p50 = quantile(latencies, 0.5),
          .flops_per_second = work.flops / best,
          .arithmetic = work.arithmetic};
}

}  // namespace swiftlet
