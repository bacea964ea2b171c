// Divergence of a model's predictions from those of a reference model, token by token of a text.
#include <numeric>

#include "swiftlet/core/error.h"
#include "swiftlet/engine/scorer.h"
#include "swiftlet/eval/distribution.h"
#include "swiftlet/eval/stats.h"
#include "swiftlet/eval/text_windows.h"
#include "swiftlet/eval/vectors.h"

namespace swiftlet {

TaskResult run_kl(std::shared_ptr<LoadedModel> model, const TaskOptions& options, const Job& job) {
  if (options.reference.empty()) fail(ErrorCode::kUsage, "kl", "needs a reference model (--reference)");
  const auto reference =
      LoadedModel::load(options.reference, {.precision = Arithmetic::kF32, .pool = model->pool});
  require(reference->built.vocab_size == model->built.vocab_size, options.reference.string(),
          "has a vocabulary of {}, the model one of {}", reference->built.vocab_size,
          model->built.vocab_size);
  const TextWindows text = read_text_windows(*model, options);
  Scorer scorer(model, text.context), judge(reference, text.context);
  const auto vocabulary = static_cast<std::size_t>(scorer.vocab_size());
  DivergenceMeter meter;
  std::vector<std::size_t> ends;  // of the rows of each window
  TaskResult result;
  const auto total = static_cast<std::int64_t>(text.windows.back().end);
  for (const Window& window : text.windows) {
    job.step("kl", static_cast<std::int64_t>(window.begin), total);
    const auto tokens = std::span(text.tokens).subspan(window.begin, window.end - window.begin);
    const auto expected = judge.logits(tokens);
    const StopWatch watch;
    const auto logits = scorer.logits(tokens);
    result.seconds += watch.seconds();
    for (std::size_t t = window.first_scored; t < window.end; ++t) {
      const std::size_t row = (t - window.begin - 1) * vocabulary;
      try {
        meter.add(expected.subspan(row, vocabulary), logits.subspan(row, vocabulary));
      } catch (const Error& error) {
        fail(error.code(),
             fmt::format("{} or {}: token {}", model->checkpoint.source, reference->checkpoint.source, t + 1),
             "{}", error.what());
      }
    }
    ends.push_back(meter.rows().size());
    result.tokens += static_cast<std::int64_t>(tokens.size());
    result.items += static_cast<std::int64_t>(window.scored());
  }
  const DivergenceSummary summary = meter.summary();
  std::vector<double> sums, counts;  // by windows
  for (std::size_t i = 0, begin = 0; i < ends.size(); begin = ends[i++]) {
    const auto rows = meter.rows().subspan(begin, ends[i] - begin);
    sums.push_back(std::accumulate(rows.begin(), rows.end(), 0.0));
    counts.push_back(static_cast<double>(rows.size()));
  }
  result.draws = sums.size();
  result.resampled = [sums, counts](std::span<const std::size_t> drawn) {
    return mean_of(sums, drawn) / mean_of(counts, drawn);
  };
  result.metrics = {{"kl_divergence", summary.mean_kl},
                    {"kl_divergence_p95", summary.p95_kl},
                    {"kl_divergence_max", summary.max_kl},
                    {"top1_agreement", summary.top1_agreement}};
  return result;
}

}  // namespace swiftlet
