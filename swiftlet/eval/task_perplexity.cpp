// Perplexity of a text, windowed as the transformers documentation describes ("Perplexity of fixed-length
// models").
#include <cmath>
#include <limits>

#include "swiftlet/core/error.h"
#include "swiftlet/engine/scorer.h"
#include "swiftlet/eval/distribution.h"
#include "swiftlet/eval/stats.h"
#include "swiftlet/eval/text_windows.h"
#include "swiftlet/eval/vectors.h"

namespace swiftlet {
namespace {

// Of the window's scored tokens, on all threads of the pool. What is no number is found by the meter.
std::vector<double> window_nll(ThreadPool& pool, const TextWindows& text, const Window& window,
                               std::span<const float> logits, std::size_t vocabulary) {
  std::vector<double> nll(window.scored());
  pool.parallel_for(static_cast<std::int64_t>(nll.size()), 8, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const std::size_t t = window.first_scored + i;
      try {
        nll[i] = negative_log_likelihood(logits.subspan((t - window.begin - 1) * vocabulary, vocabulary),
                                         static_cast<std::size_t>(text.tokens[t]));
      } catch (const Error&) {  // must not leave the parallel region
        nll[i] = std::numeric_limits<double>::quiet_NaN();
      }
    }
  });
  return nll;
}

}  // namespace

TaskResult run_perplexity(std::shared_ptr<LoadedModel> model, const TaskOptions& options, const Job& job) {
  const TextWindows text = read_text_windows(*model, options);
  Scorer scorer(model, text.context);
  const auto vocabulary = static_cast<std::size_t>(scorer.vocab_size());
  PerplexityMeter meter;
  std::vector<double> sums, counts;  // of negative log likelihoods, by windows
  TaskResult result;
  const auto total = static_cast<std::int64_t>(text.windows.back().end);
  for (const Window& window : text.windows) {
    job.step("perplexity", static_cast<std::int64_t>(window.begin), total);
    const StopWatch watch;
    const auto logits =
        scorer.logits(std::span(text.tokens).subspan(window.begin, window.end - window.begin));
    result.seconds += watch.seconds();
    double sum = 0;
    for (const double nll : window_nll(*model->pool, text, window, logits, vocabulary)) {
      require(!std::isnan(nll), model->checkpoint.source, "gives no number for token {} of the text",
              meter.scored() + 1);
      meter.add(nll);
      sum += nll;
    }
    sums.push_back(sum);
    counts.push_back(static_cast<double>(window.scored()));
    result.tokens += static_cast<std::int64_t>(window.end - window.begin);
    result.items += static_cast<std::int64_t>(window.scored());
  }
  result.draws = sums.size();
  result.resampled = [sums, counts](std::span<const std::size_t> drawn) {
    return std::exp(mean_of(sums, drawn) / mean_of(counts, drawn));
  };
  result.metrics = {{"perplexity", meter.perplexity()}, {"mean_nll", meter.mean_nll()}};
  if (options.limit == 0) result.metrics.emplace_back("bits_per_byte", meter.bits_per_byte(text.bytes));
  return result;
}

}  // namespace swiftlet
