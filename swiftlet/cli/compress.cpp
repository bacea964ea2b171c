// swiftlet compress MODEL -o OUT: smaller inside an accuracy budget, with the proof.
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "swiftlet/cli/command.h"
#include "swiftlet/cli/compress_report.h"
#include "swiftlet/cli/format.h"
#include "swiftlet/core/file.h"

namespace swiftlet::cli {
namespace {

struct CompressArguments {
  CompressOptions compress;
  bool table = false;
  std::string report, save_plan;
};

bool is_budget(std::string text) {
  if (text.ends_with('%')) text.pop_back();
  double value = 0;
  return !text.empty() && parse_number(text, value) && value >= 0 && value < 1e6;
}

constexpr const char* kMagnitude = "magnitude";

void check_pruning(const CompressOptions& options) {
  const bool looks_at_texts = options.prune_method != kMagnitude;
  if (looks_at_texts && options.prune.empty())
    wrong_use("compress", fmt::format("--prune-method {} needs --prune", options.prune_method),
              "for example --prune 50%");
  if (looks_at_texts && options.calibration.empty())
    wrong_use("compress", fmt::format("--prune-method {} needs --calibration", options.prune_method));
}

void check(const CompressOptions& options) {
  if (!options.budget.empty() && !is_budget(options.budget))
    wrong_use("compress", fmt::format("--budget must be like 0.5% or 0.3, not {}", options.budget));
  if (!options.budget.empty() && options.metric.empty())
    wrong_use("compress", "--budget needs --metric", "for example --metric stsb --data dev.csv");
  if (!options.metric.empty() && options.data.empty())
    wrong_use("compress", fmt::format("--metric {} needs --data", options.metric));
  if (options.metric.empty() && !options.data.empty()) wrong_use("compress", "--data needs --metric");
  check_pruning(options);
  check_window("compress", options.metric, options.context, options.stride);
  if (options.force && options.budget.empty())
    wrong_use("compress", "--force goes with --budget: without one the file is always written");
  check_native_name(options.output);
}

void print(Session& session, const CompressArguments& arguments, const CompressResult& result) {
  session.progress.clear();
  if (!result.front.empty()) session.out.write(front_table(result).text() + "\n");
  if (!result.tensors.empty()) {
    session.out.write(tensors_table(result, !arguments.table).text() + "\n");
    session.out.write(figures_table(result).text() + "\n");
    if (is_pruned(result)) session.out.line(note_on_zeros());
    session.out.line(verdict(result, arguments.compress.budget));
  }
  if (!result.output.empty()) {
    std::error_code ignored;
    const auto bytes = std::filesystem::file_size(result.output, ignored);
    session.out.line(fmt::format("written: {} ({}, {})", result.output, human_bytes(std::int64_t(bytes)),
                                 human_seconds(result.seconds)));
  }
}

int run(Session& session, CompressArguments& arguments) {
  check(arguments.compress);
  const std::string model = session.fetch(arguments.compress.model);
  check_apart("compress", "--report", arguments.report,
              {arguments.compress.model, arguments.compress.output, arguments.compress.data});
  std::optional<OutputFile> report;  // before the work, so that a wrong name costs nothing
  if (!arguments.report.empty()) report.emplace(arguments.report);
  check_apart("compress", "--save-plan", arguments.save_plan,
              {arguments.compress.model, arguments.compress.output, arguments.compress.data,
               arguments.compress.plan, arguments.report});
  std::optional<OutputFile> plan;
  if (!arguments.save_plan.empty()) plan.emplace(arguments.save_plan);
  arguments.compress.threads = session.options.threads;
  CompressOptions options = arguments.compress;
  options.model = model;
  const CompressResult result = compress(options, &session.job);
  if (report) {
    report->write(markdown_report(arguments.compress, result));
    report->commit();
  }
  if (plan) {
    plan->write(nlohmann::json::parse(result.plan).dump(2) + "\n");
    plan->commit();
  }
  if (session.options.json)
    session.print_json(to_json(arguments.compress, result));
  else
    print(session, arguments, result);
  if (result.within_budget) return kDone;
  session.out.flush();
  const std::string reason = result.reason.empty() ? "the accuracy budget was not met" : result.reason;
  const char* hint = "";
  if (!result.front.empty() && !result.chosen)
    hint = "a larger size; the front above shows what is reached";
  else if (result.output.empty())
    hint =
        "a finer encoding (--weights int8, a smaller --group, a larger --target), --skip for the weights "
        "with "
        "the largest error, a larger --budget; --force writes the file anyway";
  throw Failure(kBudgetBroken, "[compress] " + reason, hint);
}

void add_pruning_options(CommandLine& line, CompressOptions& compress) {
  line.group("Pruning");
  line.text("--prune", compress.prune, "PATTERN",
            "What becomes zero in linear layers: 50% of the weights, 1x4:50% or 4x4:50% of such blocks, with "
            "2:4 all but two of every four in a row, with below:0.01 such magnitudes. Zeros are stored like "
            "other values: the file is no smaller and no faster for them");
  line.choice("--prune-method", compress.prune_method, {kMagnitude, "wanda", "sparsegpt"},
              "Which: small weights; weights small times their inputs (wanda); those for which other weights "
              "can make up (sparsegpt). The last two need --calibration");
}

void add_gate_options(CommandLine& line, CompressArguments& arguments) {
  CompressOptions& compress = arguments.compress;
  line.group("Proof");
  line.text("--budget", compress.budget, "LOSS",
            "What may be lost: 0.5% (relative) or 0.3 (points of 100; perplexity and kl in their own unit)");
  line.choice("--metric", compress.metric, eval_tasks(), "Task measured before and after");
  line.text("--data", compress.data, "FILE", "Its data, as for `swiftlet eval`");
  line.number<std::int64_t>("--context", compress.context, "Tokens of a window; 0: the model's, at most 1024",
                            0);
  line.number<std::int64_t>("--stride", compress.stride, "Tokens from window to window; 0: half of a window",
                            0);
  line.flag("--force", compress.force, "Write the file although the budget is broken");
  line.flag("--table", arguments.table, "List every weight, not one row for all layers");
  line.text("--report", arguments.report, "FILE", "Write the tables as Markdown too");
}

}  // namespace

Action setup_compress(CommandLine& line) {
  auto arguments = std::make_shared<CompressArguments>();
  CompressOptions& compress = arguments->compress;
  const std::vector<std::string> encodings{"f32", "f16", "bf16", "int8", "q5_0", "int4", "q4_r"};
  line.describe(
      "Prints what became of each weight, and size, speed, memory and quality before and after. When the\n"
      "budget is broken no file is written (unless --force), and the exit status is 3.");
  line.positional("MODEL", compress.model, "The model to compress");
  line.group("Compression");
  line.text("-o,--output", compress.output, "FILE", "The native file, name.swiftlet", true);
  line.choice("-w,--weights", compress.weights, encodings, "Encoding of the weights");
  line.number("-g,--group", compress.group,
              "Values that share a scale (of q5_0 32, of q4_r 16); 0: a whole row", 0, 1 << 20);
  line.flag("--asymmetric", compress.asymmetric, "Scale and offset, not a scale alone");
  line.choice("--activations", compress.activations, {"f32", "bf16", "int8"},
              "Arithmetic that meets the weights", "int8 for weights of 8 bits and less");
  line.choice("--embeddings", compress.embeddings, encodings, "Encoding of embedding tables and tied heads",
              "int8 by rows, or as float --weights");
  line.texts(
      "--rule", compress.rules, "PATTERN=ENCODING",
      "Another encoding for weights by name with * and ?, as '*.layers.0.*=int4-g32' (may be repeated; "
      "the last that matches counts)");
  line.texts("--skip", compress.skip, "PATTERN",
             "Weights that stay as they are, by name with * and ? (may be repeated)");
  line.text("--method", compress.method, "NAMES",
            "How codes are chosen, joined by '+': nearest values (rtn), scales searched (clip), columns that "
            "make up for what others lose (gptq), channels scaled first (awq, smoothquant): awq+gptq");
  line.text(
      "--target", compress.target, "SIZE",
      "Search an encoding for each weight on --calibration, until the file is as small as size=7x (than the "
      "model) or size=12MB, and loses least");
  line.text("--plan", compress.plan, "FILE",
            "All of the options above from a JSON file, as --save-plan writes it");
  line.text("--save-plan", arguments->save_plan, "FILE", "Write the plan that was used");
  line.text("--calibration", compress.calibration, "FILE",
            "Sample texts that methods of rounding and pruning look at, unlike those of --data: a text, for "
            "encoders one a line; may be gzip");
  line.number<std::int64_t>("--calibration-tokens", compress.calibration_tokens,
                            "Tokens of them to look at, at most", 1);
  add_pruning_options(line, compress);
  add_gate_options(line, *arguments);
  line.machine_options(false);
  line.output_options();
  line.examples({"swiftlet compress models/minilm -o minilm.swiftlet --weights int8 --budget 0.3 \\",
                 "    --metric stsb --data assets/stsb/dev.csv",
                 "swiftlet compress assets/stories-7m -o stories.swiftlet --weights int4 --group 32 \\",
                 "    --budget 10% --metric perplexity --data assets/text/stories-valid.txt.gz --context 256",
                 "swiftlet compress assets/stories-7m -o half.swiftlet --skip 'model.layers.0.*' --table"});
  return [arguments](Session& session) { return run(session, *arguments); };
}

}  // namespace swiftlet::cli
