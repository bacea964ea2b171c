// swiftlet convert MODEL -o OUT: any readable model as a native file, a GGUF file, or a folder for
// transformers.
#include <chrono>
#include <memory>

#include "swiftlet/cli/command.h"
#include "swiftlet/cli/format.h"

namespace swiftlet::cli {
namespace {

struct ConvertOptions {
  std::string model, output;
};

}  // namespace

Action setup_convert(CommandLine& line) {
  auto options = std::make_shared<ConvertOptions>();
  line.describe(
      "A native file is mapped at start and holds weights, tokenizer and configuration. A GGUF file is one\n"
      "that llama.cpp runs. Any other name is a folder that transformers or sentence-transformers loads;\n"
      "quantized weights become floats there.");
  line.positional("MODEL", options->model, "The model to convert");
  line.group("Files");
  line.text("-o,--output", options->output, "FILE", "name.swiftlet, name.gguf, or a folder", true);
  line.output_options();
  line.examples({"swiftlet convert models/minilm -o minilm.swiftlet",
                 "swiftlet convert assets/stories260K/stories260K.bin -o stories260K.swiftlet",
                 "swiftlet convert assets/stories-7m -o stories-7m.gguf",
                 "swiftlet convert minilm-int8.swiftlet -o minilm-folder"});
  return [options](Session& session) {
    const std::string model = session.fetch(options->model);
    const auto start = std::chrono::steady_clock::now();
    const std::int64_t bytes = convert(model, options->output, &session.job);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    session.progress.clear();
    if (session.options.json)
      session.print_json({{"model", options->model},
                          {"output", options->output},
                          {"file_bytes", bytes},
                          {"seconds", seconds}});
    else
      session.out.line(fmt::format("{}: {}", options->output, human_bytes(bytes)));
    return kDone;
  };
}

}  // namespace swiftlet::cli
