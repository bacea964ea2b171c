#include "swiftlet/compress/calibrate/samples.h"

#include <algorithm>
#include <numeric>

#include "swiftlet/core/error.h"
#include "swiftlet/core/text_source.h"
#include "swiftlet/engine/encoder.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kLongestWindow = 2048, kLeastTokens = 256;

// The model as far as texts need it.
LoadedModel without_weights(const Checkpoint& checkpoint, const models::BuiltModel& built) {
  LoadedModel model;
  model.checkpoint = checkpoint;
  model.checkpoint.weights.clear();
  model.checkpoint.made_weights.clear();
  model.built = built;
  if (checkpoint.tokenizer.kind != TokenizerKind::kNone)
    model.tokenizer = Tokenizer::from_source(checkpoint.tokenizer);
  return model;
}

// Where the i-th of `count` pieces of that length begins, the first at 0 and the last at the end.
std::size_t place_of(std::size_t i, std::size_t count, std::size_t length, std::size_t all) {
  return count < 2 ? 0 : (all - length) * i / (count - 1);
}

std::vector<std::vector<std::int32_t>> windows(const LoadedModel& model, const CalibrationOptions& options) {
  const std::vector<std::int32_t> tokens = model.encode(read_text(options.texts), {.add_special = false});
  const auto wanted = std::min(tokens.size(), static_cast<std::size_t>(options.tokens));
  const auto length =
      std::min(wanted, static_cast<std::size_t>(std::min(kLongestWindow, model.built.max_positions)));
  std::vector<std::vector<std::int32_t>> sequences;
  const std::size_t count = length == 0 ? 0 : wanted / length;
  for (std::size_t i = 0; i < count; ++i) {
    const auto begin =
        tokens.begin() + static_cast<std::ptrdiff_t>(place_of(i, count, length, tokens.size()));
    sequences.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
  }
  return sequences;
}

// Lines in an order that spreads whatever number of them over the whole: i * step modulo count, the step near
// the golden section of the count and prime to it.
std::vector<std::vector<std::int32_t>> sentences(const LoadedModel& model,
                                                 const CalibrationOptions& options) {
  const std::vector<std::string> lines = read_lines(options.texts);
  std::string prompt;
  if (const auto& sentence = model.checkpoint.sentence_transformer) {
    const auto found = sentence->prompts.find(sentence->default_prompt);
    if (found != sentence->prompts.end()) prompt = found->second;
  }
  std::size_t step = std::max<std::size_t>(1, lines.size() * 618 / 1000);
  while (std::gcd(step, lines.size()) > 1) ++step;
  std::vector<std::vector<std::int32_t>> sequences;
  const std::int64_t max_length = model.max_sequence_length();
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::vector<std::int32_t> ids =
        encode_sentence(model, prompt, lines[i * step % lines.size()], max_length);
    tokens += static_cast<std::int64_t>(ids.size());
    if (tokens > options.tokens) break;
    sequences.push_back(std::move(ids));
  }
  return sequences;
}

}  // namespace

Samples read_samples(const Checkpoint& checkpoint, const models::BuiltModel& built,
                     const CalibrationOptions& options) {
  const LoadedModel model = without_weights(checkpoint, built);
  model.require_tokenizer();
  Samples samples;
  samples.sequences =
      built.kind == models::Kind::kDecoder ? windows(model, options) : sentences(model, options);
  for (const auto& sequence : samples.sequences) samples.tokens += static_cast<std::int64_t>(sequence.size());
  require(samples.tokens >= kLeastTokens, options.texts.string(),
          "gives {} tokens to calibrate with, at least {} are needed", samples.tokens, kLeastTokens);
  return samples;
}

}  // namespace swiftlet
