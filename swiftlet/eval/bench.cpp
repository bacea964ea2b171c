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
#include "swiftlet/ops/gated_linear.h"
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
    if (node.op != &ops::kLinear && node.op != &ops::kLinearMerged && node.op != &ops::kGatedLinear &&
        !mixture)
      continue;
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

std::vector<std::int32_t> random_ids(std::int64_t length, std::int64_t stream, std::int64_t vocabulary) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < length; ++i)
    ids.push_back(static_cast<std::int32_t>(
        uniform(1, static_cast<std::uint64_t>(stream), static_cast<std::uint64_t>(i)) *
        static_cast<double>(vocabulary)));
  return ids;
}

// The prompt of one sequence in one run. With a depth, the runs share their first tokens, which the engine
// keeps, and go on differently, so that it keeps no more.
std::vector<std::int32_t> prompt_of(const DecoderBench& options, std::int64_t sequence, int run,
                                    std::int64_t vocabulary) {
  if (options.depth == 0) return random_ids(options.prompt, sequence, vocabulary);
  std::vector<std::int32_t> ids = random_ids(options.depth, 0, vocabulary);
  const std::vector<std::int32_t> own = random_ids(options.prompt, 1 + run, vocabulary);
  ids.insert(ids.end(), own.begin(), own.end());
  return ids;
}

void fill_cache(Engine& engine, const DecoderBench& options, std::int64_t vocabulary, const Job& job) {
  const std::int64_t number = engine.submit(random_ids(options.depth, 0, vocabulary),
                                            {.max_new_tokens = 1, .ignore_eos = true, .keep_state = true});
  while (engine.step(job)) continue;
  engine.take(number);
}

Profile& phase_of(BenchProfile& profile, const std::string& name) {
  return profile.phases.try_emplace(name, profile.trace_calls).first->second;
}

// Seconds until every sequence has its first token, and until all are done.
std::pair<double, double> timed_run(Engine& engine, const DecoderBench& options, int run, const Job& job,
                                    BenchProfile* profile = nullptr) {
  const LoadedModel& model = engine.model();
  std::vector<std::int64_t> numbers;
  double first = 0;
  const auto set_phase = [&](const char* name) {
    if (profile != nullptr) engine.set_profile(&phase_of(*profile, name));
  };
  set_phase("prefill");
  const StopWatch watch;
  for (std::int64_t s = 0; s < options.batch; ++s)
    numbers.push_back(engine.submit(
        prompt_of(options, s, run, model.built.vocab_size),
        {.max_new_tokens = options.generate, .ignore_eos = true, .keep_state = options.depth > 0}));
  while (engine.step(job)) {
    if (first != 0 || engine.waiting_for_first_token() != 0) continue;
    first = watch.seconds();
    set_phase("decode");
  }
  const double total = watch.seconds();
  engine.set_profile(nullptr);
  for (const std::int64_t number : numbers) {
    const GenerationResult result = engine.take(number);
    if (result.reused_tokens < options.depth && result.reason != FinishReason::kCancelled)
      fail(ErrorCode::kUnsupported, model.checkpoint.source,
           "its positions are scaled by the length of the text: nothing can be kept at a depth of {}",
           options.depth);
  }
  return {first, total};
}

double cache_bytes_per_token(const Program& program, DType dtype) {
  double bytes = 0;
  for (const Program::State& layer : program.states)
    bytes += layer.kv_heads * kernels::cache_token_bytes(dtype, layer.head_dim, layer.value_dim);
  return bytes;
}

void check(const DecoderBench& options, const LoadedModel& model) {
  if (options.prompt < 1 || options.generate < 2 || options.batch < 1 || options.repeat < 1 ||
      options.depth < 0)
    fail(ErrorCode::kUsage, "bench", "prompt, batch and repeat must be at least 1 and generate at least 2");
  if (options.depth > 0 && options.batch > 1)
    fail(ErrorCode::kUsage, "bench", "a depth goes with a batch of 1, not with {}", options.batch);
  std::int64_t left = model.built.max_positions;
  for (const std::int64_t tokens : {options.depth, options.prompt, options.generate}) {
    require(tokens <= left, model.checkpoint.source, "{} and {} new tokens exceed the model's context of {}",
            options.depth > 0 ? fmt::format("depth {}, prompt {}", options.depth, options.prompt)
                              : fmt::format("prompt {}", options.prompt),
            options.generate, model.built.max_positions);
    left -= tokens;
  }
}

// Seconds of each call, texts one at a time; the median.
template <typename Call>
double median_seconds(std::size_t texts, int repeat, const Call& call) {
  std::vector<double> seconds;
  for (int run = 0; run < repeat; ++run)
    for (std::size_t i = 0; i < std::min(texts, kLatencyTexts); ++i) {
      const StopWatch watch;
      call(i);
      seconds.push_back(watch.seconds());
    }
  return quantile(seconds, 0.5);
}

}  // namespace

DecoderSpeed bench_decoder(std::shared_ptr<LoadedModel> model, const DecoderBench& options, const Job& job,
                           BenchProfile* profile) {
  check(options, *model);
  const std::int64_t context = options.depth + options.prompt + options.generate;
  Engine engine(model, {.max_sequences = options.batch, .context = context});
  if (options.depth > 0) fill_cache(engine, options, model->built.vocab_size, job);
  double prefill = 0, decode = 0;
  for (int run = 0; run < options.repeat; ++run) {
    job.step("bench", run, options.repeat);
    const auto [first, total] = timed_run(engine, options, run, job);
    if (job.cancelled()) job.step("bench", run, options.repeat);
    prefill = run == 0 ? first : std::min(prefill, first);
    decode = run == 0 ? total - first : std::min(decode, total - first);
  }
  for (int run = 0; profile != nullptr && run < options.repeat; ++run) {
    job.step("profile", run, options.repeat);
    timed_run(engine, options, options.repeat + run, job, profile);
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
      static_cast<double>(options.depth + options.prompt) + static_cast<double>(options.generate) / 2;
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
  const double latency = median_seconds(
      texts.size(), repeat, [&](std::size_t i) { encoder.embed(std::span(texts).subspan(i, 1), job); });
  const double forward = median_seconds(
      texts.size(), repeat, [&](std::size_t i) { encoder.embed_tokens(std::span(ids).subspan(i, 1), job); });
  const auto extents = [&](std::string_view symbol) {
    return symbol == "tokens" ? static_cast<std::int64_t>(tokens) : std::ssize(texts);
  };
  const MatrixWork work = matrix_work(*encoder.program(), *model->weights, extents, tokens);
  return {.sentences_per_second = static_cast<double>(texts.size()) / best,
          .tokens_per_second = tokens / best,
          .latency_seconds_p50 = latency,
          .forward_seconds_p50 = forward,
          .flops_per_second = work.flops / best,
          .weight_bytes = work.bytes,
          .arithmetic = work.arithmetic};
}

}  // namespace swiftlet
