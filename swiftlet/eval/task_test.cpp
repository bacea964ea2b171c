#include "swiftlet/eval/task.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "swiftlet/core/text_source.h"
#include "swiftlet/eval/test_folder.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = SWIFTLET_SOURCE_DIR;
const char* const kWords[] = {"swift", "bird", "sky", "river", "stone", "night", "green"};

std::string sentence(int i) {
  std::string text;
  for (int j = 0; j < 3 + i % 4; ++j)
    text += std::string(j > 0 ? " " : "") + kWords[(i * 3 + j * j + i / 5) % 7];
  return text;
}

TaskResult run(std::string_view task, const fs::path& model, TaskOptions options) {
  return find_task(task).run(LoadedModel::load(model, {.precision = {}, .threads = 2}), options, {});
}

// What may be drawn makes up the metric, and the interval lies around it.
void check_interval(std::string_view task, const TaskResult& result, std::size_t draws) {
  EXPECT_EQ(result.draws, draws) << task;
  std::vector<std::size_t> all(result.draws);
  std::iota(all.begin(), all.end(), std::size_t{0});
  const double metric = result.metric(find_task(task).deciding_metric);
  EXPECT_NEAR(result.resampled(all), metric, 1e-9 * std::abs(metric)) << task;
  EXPECT_EQ(result.metrics.front().first, find_task(task).deciding_metric);
  const auto interval = interval_of(result);
  ASSERT_TRUE(interval) << task;
  EXPECT_LT(interval->low, metric) << task;
  EXPECT_GT(interval->high, metric) << task;
}

TEST(Task, IntervalsOfSentencePairsAndRetrieval) {
  const TestFolder folder;
  const fs::path model = kSource / "tests/data/sentence/every-mode";
  std::string pairs, corpus, queries, qrels = "query-id\tcorpus-id\tscore\n";
  for (int i = 0; i < 30; ++i) {
    pairs += fmt::format("{},{},{}\n", sentence(i), sentence(7 * i + 2), i % 6);
    corpus += fmt::format("{{\"_id\": \"d{}\", \"text\": \"{}\"}}\n", i, sentence(i));
    if (i >= 15) continue;
    queries += fmt::format("{{\"_id\": \"q{}\", \"text\": \"{}\"}}\n", i, sentence(2 * i + 1));
    qrels += fmt::format("q{}\td{}\t1\n", i, i % 3 == 0 ? 2 * i + 1 : i);
  }
  const fs::path data = folder.put("pairs.csv", pairs);
  check_interval("stsb", run("stsb", model, {.data = data}), 30);
  EXPECT_FALSE(interval_of(run("stsb", model, {.data = data, .limit = 9}))) << "of so few it means nothing";
  folder.put("corpus.jsonl", corpus);
  folder.put("queries.jsonl", queries);
  folder.put("qrels/test.tsv", qrels);
  check_interval("retrieval", run("retrieval", model, {.data = folder.path()}), 15);
}

TEST(Task, IntervalsOfTexts) {
  const TestFolder folder;
  const std::string stories = read_text(kSource / "assets/text/stories-valid.txt.gz");
  const fs::path model = kSource / "assets/stories260K/stories260K.bin";
  const fs::path data = folder.put("text.txt", stories.substr(0, 5000));
  const TaskOptions options{.data = data, .reference = model, .context = 64, .stride = 64};
  const TaskResult perplexity = run("perplexity", model, options);
  check_interval("perplexity", perplexity, perplexity.draws);
  EXPECT_GT(perplexity.draws, 20u) << "windows";
  Checkpoint rounded = load_checkpoint(model);
  for (auto& [name, weight] : rounded.weights)
    if (name.find(".mlp.") != std::string::npos) weight = encode(weight, {Format::kInt4, 32, false});
  const auto loaded = LoadedModel::from_checkpoint(std::move(rounded), {.threads = 2});
  check_interval("kl", find_task("kl").run(loaded, options, {}), perplexity.draws);
}

// The draws are the same for both, so what differs nowhere has an interval of no width.
TEST(Task, PairedIntervalsCancelWhatBothShare) {
  const auto result_of = [](double shift) {
    TaskResult result;
    result.draws = 40;
    result.resampled = [shift](std::span<const std::size_t> drawn) {
      double sum = 0;
      for (const std::size_t i : drawn) sum += static_cast<double>(i * i % 17);
      return sum / static_cast<double>(drawn.size()) + shift;
    };
    return result;
  };
  const auto paired = interval_of(result_of(0), result_of(0.25), [](double a, double b) { return b - a; });
  ASSERT_TRUE(paired);
  EXPECT_NEAR(paired->low, 0.25, 1e-12);
  EXPECT_NEAR(paired->high, 0.25, 1e-12);
  const auto single = interval_of(result_of(0));
  EXPECT_GT(single->high - single->low, 1);
}

}  // namespace
}  // namespace swiftlet
