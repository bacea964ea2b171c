// What each fusion brings: a model compiled with all passes and with all but one, in turns, on one thread.
//
//   passes_bench MODEL [f32|bf16|int8 [PASS...]]
//                                          decoders: a prompt of 256 tokens, then single tokens
//                                          encoders: batches of 1 and of 32 texts of 32 tokens
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>

#include "swiftlet/engine/model.h"
#include "swiftlet/engine/paged_cache.h"
#include "swiftlet/engine/step_builder.h"

namespace swiftlet::bench {
namespace {

constexpr int kTurns = 40;
constexpr int kPrompt = 256, kTexts = 32, kText = 32;

// A compiled variant and the steps that it is measured on.
class Variant {
 public:
  Variant(const LoadedModel& model, std::vector<std::string> skip_passes)
      : decoder_(model.built.kind == models::Kind::kDecoder),
        program_(std::make_shared<const Program>(
            compile(model.built.graph, *model.weights,
                    {.maxima = {{"tokens", kTexts * kText}, {"outputs", 8}, {"sequences", kTexts}},
                     .precision = model.options.precision,
                     .paged_cache = decoder_,
                     .skip_passes = std::move(skip_passes),
                     .threads = model.pool->size()}))),
        executor_(program_, model.weights, model.pool),
        cache_(program_->states, DType::kBF16, 16),
        step_(program_) {}

  double many() { return decoder_ ? prefill() : texts(kTexts); }
  double few() { return decoder_ ? decode() : texts(1); }

 private:
  // Seconds of processor time of this thread, which does all of the work when the pool is of one.
  static double seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }
  double run() {
    const StepInputs inputs = step_.inputs(cache_.layers());
    const double begin = seconds();
    executor_.run(inputs);
    return seconds() - begin;
  }
  double prefill() {
    sequence_ = nullptr;
    sequence_ = cache_.new_sequence();
    sequence_->extend(kPrompt);
    step_.clear();
    step_.add(std::vector<std::int32_t>(kPrompt, 7), OutputRows::kLast, 0, sequence_->blocks());
    return run();
  }
  double decode() {
    const std::int64_t first = sequence_->length();
    sequence_->extend(1);
    step_.clear();
    step_.add(std::vector<std::int32_t>(1, 7), OutputRows::kLast, first, sequence_->blocks());
    return run();
  }
  double texts(int count) {
    step_.clear();
    for (int i = 0; i < count; ++i) step_.add(std::vector<std::int32_t>(kText, 7), OutputRows::kNone);
    return run();
  }

  bool decoder_;
  std::shared_ptr<const Program> program_;
  Executor executor_;
  PagedCache cache_;
  StepBuilder step_;
  std::unique_ptr<SequenceState> sequence_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Other load comes and goes, so each turn compares its two runs, and the median of the turns counts.
struct Comparison {
  std::vector<double> with, without, ratio;
  template <class Step>
  void turn(Variant& fused, Variant& plain, bool fused_first, Step step) {
    const double first = step(fused_first ? fused : plain), second = step(fused_first ? plain : fused);
    with.push_back(fused_first ? first : second);
    without.push_back(fused_first ? second : first);
    ratio.push_back(without.back() / with.back());
  }
  std::string text() const {
    return fmt::format("{:9.1f} -> {:9.1f} us ({:+5.1f}%)", median(without) * 1e6, median(with) * 1e6,
                       100 * (median(ratio) - 1));
  }
};

void compare(const LoadedModel& model, const std::string& pass) {
  Variant with(model, {}), without(model, {pass});
  Comparison many, few;
  for (int turn = 0; turn < kTurns; ++turn) {
    many.turn(with, without, turn % 2 == 0, [](Variant& variant) { return variant.many(); });
    for (int i = 0; i < 8; ++i)
      few.turn(with, without, i % 2 == 0, [](Variant& variant) { return variant.few(); });
  }
  fmt::print("{:24}  many rows {}   few rows {}\n", pass, many.text(), few.text());
}

int main(int count, char** arguments) {
  if (count < 2) {
    fmt::print(stderr, "usage: passes_bench MODEL [f32|bf16|int8 [PASS...]]\n");
    return 2;
  }
  ModelOptions options;
  if (count > 2) options.precision = parse_arithmetic(arguments[2]);
  options.threads = 1;
  Checkpoint checkpoint = load_checkpoint(arguments[1]);
  const auto model = LoadedModel::from_checkpoint(std::move(checkpoint), options);
  std::vector<std::string> passes(arguments + std::min(count, 3), arguments + count);
  if (passes.empty())
    passes = {"no_such_pass",         "narrow_to_output_rows", "fuse_gated_activation", "fuse_embedding_norm",
              "fuse_linear_epilogue", "merge_linears",         "fuse_residual_norm",    "fuse_rope_append"};
  for (const std::string& pass : passes) compare(*model, pass);
  return 0;
}

}  // namespace
}  // namespace swiftlet::bench

int main(int count, char** arguments) {
  try {
    return swiftlet::bench::main(count, arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
