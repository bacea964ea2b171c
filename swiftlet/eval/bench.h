// Bench: speed of a model on this machine, as users meet it, and how far that is from the machine's limits.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "swiftlet/core/profile.h"
#include "swiftlet/engine/model.h"
#include "swiftlet/job.h"

namespace swiftlet {

// Where the time goes: the same runs once more, every kernel timed; sums over all of them. A phase is a kind
// of step that has costs of its own: "prefill" and "decode" of a decoder, "embed" of an encoder.
struct BenchProfile {
  explicit BenchProfile(std::size_t calls_of_trace = 0) : trace_calls(calls_of_trace) {}
  std::size_t trace_calls;  // single calls of kernels that each phase keeps for a trace
  std::shared_ptr<const Program> program;
  std::map<std::string, Profile> phases;
};

// The best of `repeat` runs counts: the others tell how busy the machine was.
struct DecoderBench {
  std::int64_t prompt = 512, generate = 128, batch = 1;  // tokens, tokens, sequences
  std::int64_t depth = 0;  // tokens that the cache holds already when a run begins; with a batch of 1
  int repeat = 3;
};
struct DecoderSpeed {
  double prefill_tokens_per_second = 0;  // all sequences together, first tokens included
  double decode_tokens_per_second = 0;   // all sequences together
  double bytes_per_token_step = 0;  // weights read by one decode step and the cache of the average context
  double prefill_flops_per_second = 0, decode_bytes_per_second = 0;
  Arithmetic arithmetic = Arithmetic::kF32;  // of most matrix products
};
// Prompts are pseudo-random ids, so no text is favoured. Throws kInvalid when depth + prompt + generate
// exceed the model's context, kUnsupported where a model's scaling of positions forbids to go on from a
// shorter text.
DecoderSpeed bench_decoder(std::shared_ptr<LoadedModel> model, const DecoderBench& options, const Job& job,
                           BenchProfile* profile = nullptr);

struct EncoderSpeed {
  double sentences_per_second = 0, tokens_per_second = 0;
  double latency_seconds_p50 = 0;            // one text at a time, tokenizing included
  double forward_seconds_p50 = 0;            // the same without tokenizing
  double flops_per_second = 0;               // matrix products
  double weight_bytes = 0;                   // that a step reads
  Arithmetic arithmetic = Arithmetic::kF32;  // of most of them
};
// Tokenizing is not part of the throughput.
EncoderSpeed bench_encoder(std::shared_ptr<LoadedModel> model, const std::vector<std::string>& texts,
                           int repeat, const Job& job, BenchProfile* profile = nullptr);

}  // namespace swiftlet
