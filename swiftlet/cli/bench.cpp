// swiftlet bench MODEL: speed, and its distance to the limits of the machine.
#include <algorithm>
#include <memory>

#include "swiftlet/cli/bench_profile.h"
#include "swiftlet/cli/command.h"
#include "swiftlet/cli/format.h"
#include "swiftlet/cli/table.h"

namespace swiftlet::cli {
namespace {

struct BenchArguments {
  std::string model;
  BenchOptions bench;
};

Json to_json(const BenchResult& result, const BenchArguments& arguments) {
  Json object{{"kind", result.kind}, {"model", arguments.model}};
  if (result.kind == "encoder") {
    object.update({{"input", arguments.bench.input},
                   {"sentences_per_second", result.sentences_per_second},
                   {"tokens_per_second", result.tokens_per_second},
                   {"latency_seconds_p50", result.latency_seconds_p50},
                   {"forward_seconds_p50", result.forward_seconds_p50}});
  } else {
    object.update({{"prompt_tokens", arguments.bench.prompt},
                   {"generated_tokens", arguments.bench.generate},
                   {"batch", arguments.bench.batch},
                   {"depth_tokens", arguments.bench.depth},
                   {"prefill_tokens_per_second", result.prefill_tokens_per_second},
                   {"decode_tokens_per_second", result.decode_tokens_per_second},
                   {"read_gigabytes_per_second", result.read_gigabytes_per_second},
                   {"percent_of_read_limit", result.percent_of_read_limit}});
  }
  object.update({{"percent_of_compute_limit", result.percent_of_compute_limit},
                 {"load_seconds", result.load_seconds},
                 {"weight_bytes", result.weight_bytes},
                 {"peak_memory_bytes", result.peak_memory_bytes},
                 {"repeat", arguments.bench.repeat},
                 {"limits",
                  {{"read_gigabytes_per_second", result.limit_read_gigabytes_per_second},
                   {"f32_gflops", result.limit_f32_gflops},
                   {"bf16_gflops", result.limit_bf16_gflops},
                   {"int8_gops", result.limit_int8_gops}}}});
  if (!result.phases.empty()) object["profile"] = profile_json(result);
  if (!arguments.bench.trace.empty()) object["trace"] = arguments.bench.trace;
  return object;
}

std::string percent(double value, const char* of) {
  return value > 0 ? fmt::format("{:.1f}% of the {} limit measured now", value, of) : "";
}

void print(Session& session, const BenchResult& result) {
  Table table({{""}, {"", Align::kRight}, {""}, {""}});
  const auto row = [&](const char* name, double value, const char* unit, const std::string& remark = "") {
    table.row({name, human_number(value), unit, remark});
  };
  if (result.kind == "encoder") {
    row("texts", result.sentences_per_second, "/s", percent(result.percent_of_compute_limit, "compute"));
    row("tokens", result.tokens_per_second, "/s");
    row("latency", result.latency_seconds_p50 * 1000, "ms", "median, one text at a time");
    row("forward", result.forward_seconds_p50 * 1000, "ms", "the same without tokenizing");
  } else {
    row("prefill", result.prefill_tokens_per_second, "tokens/s",
        percent(result.percent_of_compute_limit, "compute"));
    row("decode", result.decode_tokens_per_second, "tokens/s", percent(result.percent_of_read_limit, "read"));
    row("read in decode", result.read_gigabytes_per_second, "GB/s");
  }
  row("load", result.load_seconds * 1000, "ms");
  row("weights", double(result.weight_bytes) / 1e6, "MB");
  row("peak memory", double(result.peak_memory_bytes) / 1e6, "MB");
  session.progress.clear();
  session.out.write(table.text());
  if (!result.phases.empty()) session.out.write(profile_text(result));
}

[[noreturn]] void wrong_input() {
  wrong_use("bench", "--input is for encoders; --prompt, --generate, --batch and --depth for decoders");
}

// The defaults fit any decoder: what was not asked for is at most what the context holds.
void fit_defaults(const CommandLine& line, std::int64_t context, BenchOptions& bench) {
  context -= std::min(bench.depth, context);
  if (!line.given("--generate")) {
    const std::int64_t left = line.given("--prompt") ? context - bench.prompt : context / 4;
    bench.generate = std::min(bench.generate, std::max<std::int64_t>(left, 2));
  }
  if (!line.given("--prompt"))
    bench.prompt = std::min(bench.prompt, std::max<std::int64_t>(context - bench.generate, 1));
}

}  // namespace

Action setup_bench(CommandLine& line) {
  auto options = std::make_shared<BenchArguments>();
  BenchOptions& bench = options->bench;
  line.describe("Decoders: a prompt of N tokens, then generation. Encoders: the texts of --input.");
  line.positional("MODEL", options->model, "The model to measure");
  line.group("Work");
  line.number<std::int64_t>("--prompt", bench.prompt, "Decoders: tokens of the prompt", 1);
  line.number<std::int64_t>("--generate", bench.generate, "Decoders: tokens to generate", 2);
  line.number<std::int64_t>("--batch", bench.batch, "Decoders: sequences at once", 1, 65536);
  line.number<std::int64_t>("--depth", bench.depth, "Decoders: tokens in the cache before what is measured",
                            0);
  line.text("-i,--input", bench.input, "FILE", "Encoders: one text a line");
  line.number("--repeat", bench.repeat, "Runs; the best one counts", 1, 1000000);
  line.group("Profile");
  line.flag("--profile", bench.profile,
            "Once more with every kernel timed: time, GB/s, GFLOP/s, % of the limit");
  line.text("--trace", bench.trace, "FILE", "Write the timed kernels for Perfetto or chrome://tracing");
  line.machine_options();
  line.cache_option();
  line.output_options();
  line.examples({"swiftlet bench assets/stories-7m --prompt 128 --generate 64",
                 "swiftlet bench models/minilm --input assets/text/corpus.txt --threads 1",
                 "swiftlet bench assets/stories-7m --depth 256 --prompt 1 --generate 64",
                 "swiftlet bench assets/stories-7m --profile --trace trace.json",
                 "swiftlet bench stories-int4.swiftlet --batch 8 --prompt 64 --generate 64 --json"});
  return [options, &line](Session& session) {
    const bool decoder =
        line.given("--prompt") || line.given("--generate") || line.given("--batch") || line.given("--depth");
    if (decoder && !options->bench.input.empty()) wrong_input();
    if (options->bench.depth > 0 && options->bench.batch > 1)
      wrong_use("bench", "--depth goes with --batch 1");
    check_apart("bench", "--trace", options->bench.trace, {options->model, options->bench.input});
    Model model = session.load(options->model);
    const ModelInfo info = model.info();
    if (info.kind == "decoder" && !options->bench.input.empty()) wrong_input();
    fit_defaults(line, info.max_positions, options->bench);
    const BenchResult result = swiftlet::bench(model, options->bench, &session.job);
    if (session.options.json)
      session.print_json(to_json(result, *options));
    else
      print(session, result);
    return kDone;
  };
}

}  // namespace swiftlet::cli
