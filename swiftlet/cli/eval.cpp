// swiftlet eval MODEL --task NAME --data FILE: the quality of a model.
#include <memory>

#include "swiftlet/cli/command.h"
#include "swiftlet/cli/format.h"
#include "swiftlet/cli/table.h"
#include "swiftlet/core/memory.h"

namespace swiftlet::cli {
namespace {

struct EvalArguments {
  std::string model;
  EvalOptions eval;
};

void check(const EvalOptions& eval) {
  if (eval.task == "kl" && eval.reference.empty())
    wrong_use("eval", "--task kl needs --reference", "--reference names the model to compare with");
  if (eval.task != "kl" && !eval.reference.empty())
    wrong_use("eval", fmt::format("--reference goes with --task kl, not {}", eval.task));
  check_window("eval", eval.task, eval.context, eval.stride);
}

Json to_json(const EvalResult& result, const std::string& model) {
  Json object{{"task", result.task}, {"model", model}, {"data", result.data}};
  for (const auto& [name, value] : result.metrics) object[name] = value;
  if (result.interval) object["interval"] = {result.interval->low, result.interval->high};
  object["items"] = result.items;
  object["tokens"] = result.tokens;
  object["seconds"] = result.seconds;
  if (result.seconds > 0) {
    object["items_per_second"] = double(result.items) / result.seconds;
    object["tokens_per_second"] = double(result.tokens) / result.seconds;
  }
  object["peak_memory_bytes"] = peak_memory_bytes();
  return object;
}

void print(Session& session, const EvalResult& result) {
  Table table({{""}, {"", Align::kRight}});
  table.row({"task", result.task});
  for (const auto& [name, value] : result.metrics) table.row({name, fmt::format("{:.6f}", value)});
  if (result.interval)
    table.row({"95% of " + result.metrics.front().first,
               fmt::format("{:.6f} to {:.6f}", result.interval->low, result.interval->high)});
  table.row({"items", grouped(result.items)});
  table.row({"tokens", grouped(result.tokens)});
  session.progress.clear();
  session.out.write(table.text());
  session.note("{}, {} tokens/s; peak memory {}", human_seconds(result.seconds),
               human_number(result.seconds > 0 ? double(result.tokens) / result.seconds : 0),
               human_bytes(std::int64_t(peak_memory_bytes())));
}

}  // namespace

Action setup_eval(CommandLine& line) {
  auto options = std::make_shared<EvalArguments>();
  EvalOptions& eval = options->eval;
  line.describe(
      "stsb        Spearman and Pearson correlation with human scores of sentence pairs (csv)\n"
      "retrieval   nDCG@10, MRR@10 and recall@100 of search (a folder in the BEIR layout)\n"
      "perplexity  of a text in windows of --context tokens that advance by --stride\n"
      "kl          KL divergence and top-1 agreement with --reference over the same windows");
  line.positional("MODEL", options->model, "The model to measure");
  line.group("Task");
  line.choice("--task", eval.task, eval_tasks(), "What to measure", "", true);
  line.text("-d,--data", eval.data, "FILE", "The data of the task (text may be gzipped)", true);
  line.number<std::int64_t>("--context", eval.context, "Tokens of a window; 0: the model's, at most 1024", 0);
  line.number<std::int64_t>("--stride", eval.stride, "Tokens from window to window; 0: half of a window", 0);
  line.text("--reference", eval.reference, "MODEL", "The model that kl compares with");
  line.number<std::int64_t>("--limit", eval.limit, "Use only the first pairs, queries or windows; 0: all", 0);
  line.machine_options();
  line.output_options();
  line.examples({"swiftlet eval models/minilm --task stsb --data assets/stsb/dev.csv",
                 "swiftlet eval assets/stories-7m --task perplexity --data assets/text/stories-valid.txt.gz "
                 "--context 256",
                 "swiftlet eval small.swiftlet --task kl --reference assets/stories-7m \\",
                 "    --data assets/text/stories-valid.txt.gz --context 256 --json"});
  return [options](Session& session) {
    check(options->eval);
    Model model = session.load(options->model);
    if (!options->eval.reference.empty()) options->eval.reference = session.fetch(options->eval.reference);
    const EvalResult result = evaluate(model, options->eval, &session.job);
    if (session.options.json)
      session.print_json(to_json(result, options->model));
    else
      print(session, result);
    return kDone;
  };
}

}  // namespace swiftlet::cli
