// Swiftlet's public interface: load a model, use it, make it smaller, prove what was kept.
//
//   auto model = swiftlet::Model::load("minilm.swiftlet");
//   auto vectors = model.embed({"a fast bird", "a small swift"});  // [2, 384] f32, unit length
//
// Errors. Every function throws swiftlet::Error for faults of files, options and inputs ("[where] what was
// expected, what came"); after it a Model is as usable as before. What a callback throws comes through
// unchanged.
//
// Threads. Everything here may be called from several threads at once, on one Model too: its methods that
// only look (info, head, graph, tokenize, detokenize) run side by side, embed(), generate() and the tasks of
// heads of one Model take turns. Calling these from a callback of the same Model throws kUsage. Moving and
// destroying want the Model alone. Long work takes a Job, which any thread may cancel and which reports
// progress on the thread that called.
//
// Units. Times are in seconds, sizes in bytes, matrices row-major.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "swiftlet/error.h"
#include "swiftlet/export.h"
#include "swiftlet/job.h"
#include "swiftlet/logprobs.h"
#include "swiftlet/reference.h"
#include "swiftlet/tasks.h"
#include "swiftlet/warnings.h"

namespace swiftlet {

SWIFTLET_API std::string version();  // "0.1.0"

// The path of a model that a user named: the path itself, or where nothing of the name lies in the current
// folder that of a bundled model ("stories-7m", "stories260K") or of a model of the hub ("org/name") that
// the cache holds; fetch_model() of hub.h downloads it where it does not. Bundled models are
// looked for in SWIFTLET_ASSETS, beside the program or the library (../share/swiftlet) and in the source tree
// that it was built in.
SWIFTLET_API std::string locate_model(const std::string& name);

// Files of models are mapped. When another program cuts a mapped file short, the system sends SIGBUS to
// whoever touches what is gone, and that ends the process. So the first file that is mapped installs a
// handler for SIGBUS: for addresses in mapped files of this library it puts zeros there, and the call that
// used them throws Error (kIo, "was cut short while it was in use"); the model is then to be loaded again.
// All other SIGBUS go to the handler that was there before, or end the process as ever. A program that
// installs its own handler later should pass on what is not its own, or call guard_mapped_files(false) first:
// then the library never touches the signal (or takes its handler back), and a file that shrinks ends the
// process. Thread-safe.
SWIFTLET_API void guard_mapped_files(bool on);

// Options are meant for designated initializers: {.precision = "f32", .threads = 2}.
struct LoadOptions {
  std::string precision = {};  // "f32" (the reference), "bf16", "int8"; empty: as the weights are stored
  // What a decoder keeps of keys and values: "f32", "bf16", "int8" (with a scale for every head of a token);
  // empty: f32 for the reference and for weights in f32, else bf16. Encoders keep none and throw kUsage.
  std::string cache = {};
  std::string device = "cpu";  // "cuda" throws kUnsupported where there is none
  int threads = 0;             // 0: the physical cores that this process may use
  // A small decoder with the same vocabulary, which guesses what this one will say: see
  // GenerateOptions::speculate. Loaded with the same precision and cache. Throws kInvalid for another
  // vocabulary.
  std::string draft_model = {};
};

// One weight, as `inspect` lists it.
struct WeightInfo {
  std::string name;
  std::vector<std::int64_t> shape;
  std::string encoding;    // "f32", "bf16", "int8", "int4-g32", ...
  std::string arithmetic;  // "f32", "bf16", "int8": the type of the activations that meet it
  std::int64_t bytes = 0;
};

struct ModelInfo {
  std::string source, format, model_type, kind;  // kind: "decoder" or "encoder"
  std::int64_t parameters = 0, weight_bytes = 0, file_bytes = 0;
  std::int64_t layers = 0, hidden_size = 0, vocab_size = 0, max_positions = 0;
  std::string pooling;              // sentence encoders, else empty
  std::string head;                 // what its head is for, as HeadInfo::task; empty where there is none
  std::vector<std::string> labels;  // of a head that classifies
  std::string tokenizer;            // kind, empty where the model has none
  std::vector<WeightInfo> weights;
  std::string plan_json, certificate_json;  // native files, else empty
};

// What a model takes as it runs: every kernel of its compiled program, at the largest step.
struct PlanInfo {
  struct Value {
    std::string name, type;              // "f32[tokens, 288]"
    std::int64_t offset = 0, bytes = 0;  // in the arena; 0 bytes for what lies in the cache
  };
  struct Kernel {
    std::string name, op, arithmetic;
    std::vector<Value> outputs;
    std::int64_t weight_bytes = 0, workspace_bytes = 0;
  };
  std::vector<Kernel> kernels;
  std::int64_t max_tokens = 0;      // rows of the largest step
  std::int64_t arena_bytes = 0;     // values share it by their lifetimes;
  std::int64_t unshared_bytes = 0;  // what they would take if none shared its place
  std::int64_t workspace_bytes = 0;
  std::int64_t weight_bytes = 0;  // every weight in the form in which it is read
  std::int64_t pack_bytes = 0;    // of these, made at load: the file holds another form
};

// N rows of D floats, row-major.
struct Embeddings {
  std::int64_t rows = 0, columns = 0;
  std::vector<float> values;
  std::int64_t cut = 0;  // texts longer than the model takes: only their first tokens count
};

// Row `row` with its text as one line of JSON, without the line's end:
// {"text": "a fast bird", "embedding": [0.0123, ...]}. Numbers are the shortest that give the same float.
SWIFTLET_API std::string embedding_line(const Embeddings& vectors, std::int64_t row, std::string_view text);
// All rows, by the name's extension: .npy (NumPy, f32 matrix) or .jsonl (one embedding_line a row). The file
// appears whole or not at all; a pipe or a device is written directly. Throws kUsage for another extension,
// kInvalid unless there is one text for each row, kIo.
SWIFTLET_API void write_embeddings(const Embeddings& vectors, const std::vector<std::string>& texts,
                                   const std::string& path);

// Penalties and filters work in the order in which they stand here; docs/generation.md tells each rule.
struct GenerateOptions {
  std::int64_t max_new_tokens = 128, min_new_tokens = 0;

  std::vector<std::pair<std::int32_t, double>> logit_bias = {};  // token id, what is added to its logit
  double repetition_penalty = 1;                       // of all tokens so far, the prompt's too; 1: none
  double presence_penalty = 0, frequency_penalty = 0;  // of generated tokens
  int penalty_window = 0;                              // last tokens for repetition and DRY; 0: all
  int no_repeat_ngram = 0;                             // n-grams of this size come once; 0: none
  double dry_multiplier = 0, dry_base = 1.75;          // 0: no DRY
  int dry_allowed_length = 2;
  std::vector<std::string> dry_breakers = {"\n", ":", "\"", "*"};
  std::vector<std::string> banned = {};  // texts that may not be generated

  double temperature = 0;  // 0: greedy
  int top_k = 0;           // 0: all
  double top_p = 1;        // 1: all
  double min_p = 0;        // 0: all
  double typical_p = 1;    // 1: all
  int mirostat = 0;        // version 1 or 2, in place of the four filters; 0: none
  double mirostat_tau = 5, mirostat_eta = 0.1;
  std::uint64_t seed = 0;

  // Drafts of the next tokens, which the model checks together in one step: "lookup" takes what followed the
  // same words before, in the prompt or the answer; "draft" asks LoadOptions::draft_model (kUsage without
  // one); "none". The answer is the same, token for token, only sooner where drafts are right; how many pay
  // is measured as it goes. Not with beams.
  std::string speculate = "none";
  int draft_tokens = 15;  // at a time, at most; 1 to 255

  std::vector<std::string> stop = {};  // generation ends before the first of these
  bool ignore_eos = false;
  int samples = 1;    // answers to each prompt, sharing its cache
  int logprobs = -1;  // >= 0: log-probability of every token, and of so many of the likeliest

  // Beam search with so many beams, as transformers has it; 1: none. `samples` of the hypotheses come back,
  // the best first. The penalties above count; sampling, stop strings, log-probabilities and prompt caches do
  // not go with it (kUsage).
  int beams = 1;
  double length_penalty = 1;  // scores are log-probability / length^this: more favours longer answers
  // With as many ended hypotheses as beams, the search ends: "no" when none that runs is better as it is,
  // "yes" at once, "never" when none can become better at any length.
  std::string early_stopping = "no";

  // Of one prompt, or of a conversation: a file that keeps what the model computed for it. Where the file
  // exists, the tokens that the prompt has in common with it are not computed again; afterwards it is written
  // with the state of the prompt, with `all` that of the answer too, unless it is read only. The answer is
  // the same with and without. Throws kInvalid for the file of another model, precision, instruction set or
  // type of cache, and for a damaged one; kUsage with several prompts or samples.
  std::string prompt_cache = {};
  bool prompt_cache_all = false, prompt_cache_read_only = false;
};

struct Generation {
  std::string text;  // what was generated, without the prompt
  std::vector<std::int32_t> tokens;
  std::vector<TokenLogprobs> logprobs;  // of each token, where asked for
  std::int64_t prompt_tokens = 0;
  std::int64_t reused_tokens = 0;  // of the prompt, kept from the turn before: see chat.h
  std::int64_t drafted_tokens = 0, accepted_tokens = 0;  // by speculation
  std::string finish_reason;  // "stop" (end token or stop string), "length", "cancelled"
  double score = 0;           // of beam search
  // Up to the first token, from when its turn came, and from there.
  double prefill_seconds = 0, decode_seconds = 0;
  double prefill_tokens_per_second() const {
    return prefill_seconds > 0 ? double(prompt_tokens - reused_tokens) / prefill_seconds : 0;
  }
  // The first token belongs to the prefill.
  double decode_tokens_per_second() const {
    return decode_seconds > 0 && tokens.size() > 1 ? double(tokens.size() - 1) / decode_seconds : 0;
  }
};

class SWIFTLET_API Model {
 public:
  // path: a folder, a .swiftlet, .safetensors, .gguf or llama2.c .bin file, a bundled model or a
  // name of the hub, which is downloaded into the cache where that does not hold it (see hub.h).
  static Model load(const std::string& path, const LoadOptions& options = {});
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();

  ModelInfo info() const;
  // What generate() or embed() runs; no weight is read or packed for it.
  PlanInfo plan() const;
  // The graph: "text" one node a line, "dot" for Graphviz; `lowered`: after fusion.
  std::string graph(std::string_view format = "text", bool lowered = false) const;

  // Compares every hidden state and the logits with a dump that tools/reference/dump_reference.py made, in
  // the order of the network: the first place that is far away is where an import went wrong. Load with
  // precision f32 for it. Throws kInvalid for dumps that do not fit the model.
  std::vector<ReferenceDifference> check(const std::string& reference) const;

  std::vector<std::int32_t> tokenize(std::string_view text, bool special_tokens = true) const;
  std::string detokenize(const std::vector<std::int32_t>& ids, bool skip_special = true) const;

  // Encoders: one vector for each text. A text over the model's maximum of tokens is cut there and counted in
  // Embeddings::cut. Throws kUnsupported for a decoder.
  // `prompt` names one of the model's prompts (see prompts()), which is put before every text; empty: its
  // default, where it has one; "none": none. Throws kUsage for a name that it does not have.
  Embeddings embed(const std::vector<std::string>& texts, const Job* job = nullptr,
                   std::string_view prompt = {});
  // Texts by name that a sentence encoder was trained to see before its inputs: "query", "passage", ...
  std::vector<std::pair<std::string, std::string>> prompts() const;
  // Names of chat templates that the model has beside its own one: "tool_use", "rag".
  std::vector<std::string> chat_templates() const;
  // Tokens that embed() has processed so far, for throughput.
  std::int64_t embedded_tokens() const;

  // The tasks of models with a head (tasks.h); each throws kUnsupported where the model has another one, in a
  // line that says which head it has and which one is needed, and kNotFound without a tokenizer. Texts may be
  // malformed UTF-8: what is no character counts as U+FFFD.
  HeadInfo head() const;
  // Labels of texts and of pairs. A text over the model's maximum of tokens is cut there.
  std::vector<Classification> classify(const std::vector<TextPair>& texts,
                                       const ClassifyOptions& options = {}, const Job* job = nullptr);
  std::vector<Choice> choose(const std::vector<ChoiceQuestion>& questions, const Job* job = nullptr);
  // The documents, best first, by a cross-encoder: a model that gives one score to a query and a document.
  std::vector<RankedDocument> rerank(const std::string& query, const std::vector<std::string>& documents,
                                     const RerankOptions& options = {}, const Job* job = nullptr);
  // Entities in texts of any length, in their order.
  std::vector<std::vector<Entity>> tag(const std::vector<std::string>& texts, const TagOptions& options = {},
                                       const Job* job = nullptr);
  // Parts of the contexts, of any length, that answer the questions; best first.
  std::vector<std::vector<Answer>> answer(const std::vector<Question>& questions,
                                          const AnswerOptions& options = {}, const Job* job = nullptr);
  // For each text, for each of its masks, words, best first. Throws kInvalid for a text without a mask and
  // for one with more tokens than the model takes.
  std::vector<std::vector<std::vector<MaskFill>>> fill(const std::vector<std::string>& texts,
                                                       const FillOptions& options = {},
                                                       const Job* job = nullptr);

  // Decoders. on_text receives whole UTF-8 pieces as they come; returning false ends the generation
  // ("cancelled"), as does cancelling the job. The text is the progress: the job's is not reported. Throws
  // kUsage for more than one sample.
  using OnText = std::function<bool(std::string_view piece)>;
  Generation generate(std::string_view prompt, const GenerateOptions& options = {},
                      const OnText& on_text = {}, const Job* job = nullptr);
  // Several prompts at once, batched; results in the order of the prompts, the samples of each together.
  std::vector<Generation> generate(const std::vector<std::string>& prompts,
                                   const GenerateOptions& options = {}, const Job* job = nullptr);

 private:
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  friend struct ModelAccess;  // the other functions of the library
  friend class Chat;
};

// Semantic search: passages embedded once, queries by the cosine of the angle to them. Uses `model` as long
// as it lives: the model must not be moved or destroyed before. Searching from several threads is as embed().
class SWIFTLET_API SearchIndex {
 public:
  // Names of prompts, as Model::embed takes them.
  struct Prompts {
    std::string query = {}, passage = {};
  };
  SearchIndex(Model& model, std::vector<std::string> passages, const Job* job = nullptr);
  SearchIndex(Model& model, std::vector<std::string> passages, const Job* job, Prompts prompts);
  struct Hit {
    std::size_t passage = 0;  // index
    float score = 0;          // cosine, in [-1, 1]; 0 for a vector of zeros
  };
  // The best `count` passages, best first. Throws kInvalid when the model gives no number.
  std::vector<Hit> search(std::string_view query, std::size_t count = 5);
  const std::vector<std::string>& passages() const { return passages_; }
  std::int64_t cut() const { return vectors_.cut; }  // as Embeddings::cut, of the passages

 private:
  Model* model_;
  std::vector<std::string> passages_;
  Prompts prompts_;
  Embeddings vectors_;
};

struct EvalOptions {
  std::string task = {};       // "stsb", "perplexity", "retrieval", "kl"
  std::string data = {};       // file (stsb csv, text, possibly .gz) or folder (retrieval)
  std::string reference = {};  // "kl": path of the reference model
  std::int64_t context = 0,
               stride = 0;  // perplexity and kl; 0: the model's maximum (at most 1024) and half of it
  std::int64_t limit = 0;   // use only the first items; 0: all
};

// Metrics by name, in the order in which they should be shown: "spearman", "pearson"; "perplexity",
// "mean_nll" (nats), "bits_per_byte" (of a whole text); "ndcg_at_10", "mrr_at_10", "recall_at_100";
// "kl_divergence", "kl_divergence_p95", "kl_divergence_max" (nats), "top1_agreement" (a share).
// 95%, by bootstrap over what a metric is made of: windows of a text, pairs of sentences, queries.
struct ConfidenceInterval {
  double low = 0, high = 0;
};

struct SWIFTLET_API EvalResult {
  std::string task, data;
  std::vector<std::pair<std::string, double>> metrics;  // the first is the one that a budget is about
  std::optional<ConfidenceInterval> interval;           // of it; none of so little data that it means nothing
  std::int64_t items = 0, tokens = 0;
  double seconds = 0;
  double metric(std::string_view name) const;  // throws kNotFound
};
SWIFTLET_API std::vector<std::string> eval_tasks();
SWIFTLET_API EvalResult evaluate(Model& model, const EvalOptions& options, const Job* job = nullptr);

struct CompressOptions {
  std::string model = {}, output = {};
  std::string plan = {};         // a JSON file that says all of the following up to `method`; empty: none
  std::string weights = "int8";  // f32, f16, bf16, int8, q5_0, int4, q4_r
  int group = 0;                 // elements that share a scale; 0: a whole row
  bool asymmetric = false;
  std::string activations = {};  // "int8" (per token), "bf16", "f32"; empty: int8 for int8 and int4 weights
  // Of embedding tables and tied heads, with the same group; empty: int8 with a scale for each row where
  // `weights` are integers, else as `weights`.
  std::string embeddings = {};
  // "PATTERN=ENCODING": other encodings for weights by name with * and ?; the last that matches counts. These
  // reach tables of positions and types too, which stay as they are otherwise.
  std::vector<std::string> rules = {};
  std::vector<std::string> skip = {};  // names with * and ?; those weights stay as they are
  // How codes are chosen, names joined by '+': "rtn" rounds to nearest, "clip" searches the scales of groups,
  // "gptq" lets columns make up for what others lose, "awq" and "smoothquant" scale channels first. All but
  // the first two look at the texts of `calibration` (a text file, for encoders one text a line, maybe gzip),
  // of which at most so many tokens are taken; "clip" does where there are some.
  std::string method = "rtn";
  std::string calibration = {};
  std::int64_t calibration_tokens = 65536;
  // "size=7x" (than the files of the model) or "size=12MB": an encoding for each weight is searched on
  // `calibration`, instead of `weights`, `group`, `embeddings` and `rules`. Empty: none.
  std::string target = {};
  // What becomes zero in the matrices of linear layers: "50%" of the elements, "1x4:50%" and "4x4:50%" of the
  // blocks, "2:4" (two of every four in a row stay), "below:0.01" (magnitudes); empty: nothing. Zeros are
  // stored like other values: the file is no smaller for them.
  std::string prune = {};
  std::string prune_method = "magnitude";  // or "wanda", "sparsegpt", which look at `calibration` too
  std::string metric = {};                 // an eval task ("stsb", "perplexity", "kl"); empty: no gate
  std::string data = {};                   // for the metric
  // "0.5%": relative; "0.3": absolute, in points for metrics of 0 to 1 (0.3 points are 0.003), in the
  // metric's own unit for perplexity and nats for kl. Empty: no limit.
  std::string budget = {};
  std::int64_t context = 0, stride = 0;
  bool force = false;  // write the file although the budget is broken
  int threads = 0;
};

struct TensorReport {
  std::string name, before, after;  // encodings
  std::int64_t bytes_before = 0, bytes_after = 0;
  double relative_error = 0;  // |W' - W| / |W|, Frobenius
  double sparsity = 0;        // of a pruned weight: the share of its stored values that are zero
  std::string note;           // why it was skipped
};

// What a model costs and what it is worth.
struct Measurement {
  std::int64_t file_bytes = 0, weight_bytes = 0, peak_memory_bytes = 0;
  double items_per_second = 0;  // sentences and documents, or scored tokens
  double tokens_per_second = 0;
  std::vector<std::pair<std::string, double>> metrics;  // as EvalResult
};

// What a search found to be reachable: bytes of the weights, and the loss expected (of decoders KL divergence
// in nats a token, else the relative squared change of the output).
struct FrontPoint {
  std::int64_t bytes = 0;
  double loss = 0;
};

struct CompressResult {
  std::string output;  // empty when no file was written
  std::vector<TensorReport> tensors;
  std::optional<Measurement> before, after;  // when a metric was asked for
  std::string metric;                        // the deciding one: "spearman", "perplexity", "kl_divergence"
  double loss = 0, budget = 0;               // in the budget's unit; loss > 0 is worse
  std::optional<ConfidenceInterval> loss_interval;  // the same draws before and after
  std::string budget_unit;                          // "%", "points", "perplexity" or "nats"
  bool within_budget = true;
  std::string reason;                // why no file was written, one line
  std::string plan;                  // JSON, for CompressOptions::plan
  std::vector<FrontPoint> front;     // of a search, by falling bytes
  std::optional<FrontPoint> chosen;  // of it
  double seconds = 0;
};
// Measuring starts a new peak of the process's memory (Linux: /proc/self/clear_refs).
SWIFTLET_API CompressResult compress(const CompressOptions& options, const Job* job = nullptr);

// Writes a model in another form, its weights unchanged. An output named *.swiftlet is a native file, *.gguf
// one that llama.cpp runs; any other name is a folder as transformers and sentence-transformers load it
// (quantized weights become floats there). Returns the bytes.
SWIFTLET_API std::int64_t convert(const std::string& model, const std::string& output,
                                  const Job* job = nullptr);
// Checks every hash of a native file; throws kInvalid naming the first tensor that differs. Returns the
// tensors checked.
SWIFTLET_API std::int64_t verify_file(const std::string& path, const Job* job = nullptr);

struct BenchOptions {
  std::int64_t prompt = 512, generate = 128, batch = 1;  // decoders, tokens and sequences
  std::int64_t depth = 0;  // decoders: tokens in the cache when a run begins; with a batch of 1
  std::string input = {};  // encoders: one text a line
  int repeat = 3;          // the best run counts
  bool profile = false;    // run as often again, every kernel timed
  std::string trace;       // write the timed kernels to this file, for Perfetto or chrome://tracing
};
// One kernel in one phase of the work ("prefill", "decode", "embed"); sums over all its calls.
struct KernelProfile {
  std::string phase, name, op;
  std::string arithmetic;  // of its matrix products, f32 elsewhere
  std::int64_t calls = 0;
  double seconds = 0;
  double bytes = 0, operations = 0;  // moved and done, by the cost of the op
  // The shortest time that this machine could take / the time taken, and what that time would be spent on:
  // "memory", "compute", or empty where nothing is moved or computed. Work inside the caches can exceed 100.
  double percent_of_limit = 0;
  std::string bound;
};
// One phase as a whole. The kernels' seconds add up to those of the steps.
struct PhaseProfile {
  std::string phase;
  std::int64_t steps = 0;
  double seconds = 0;
};
// Fields that do not apply to the kind of model are zero.
struct BenchResult {
  std::string kind;
  double load_seconds = 0;
  double prefill_tokens_per_second = 0, decode_tokens_per_second = 0;
  double sentences_per_second = 0, tokens_per_second = 0;
  double latency_seconds_p50 = 0;  // encoders: one text at a time,
  double forward_seconds_p50 = 0;  // and from its tokens on
  std::int64_t peak_memory_bytes = 0, weight_bytes = 0;
  double read_gigabytes_per_second = 0;  // decode: weights and cache read
  // The limits are measured in the same run; that of reading over as many bytes as a step of decoding reads,
  // again and again, so that what the caches of the machine keep counts for both.
  double percent_of_read_limit = 0, percent_of_compute_limit = 0;
  double limit_read_gigabytes_per_second = 0;
  double limit_f32_gflops = 0, limit_bf16_gflops = 0, limit_int8_gops = 0;
  // With BenchOptions::profile, in the order in which the kernels run.
  std::vector<PhaseProfile> phases;
  std::vector<KernelProfile> kernels;
};
SWIFTLET_API BenchResult bench(Model& model, const BenchOptions& options, const Job* job = nullptr);

struct MachineInfo {
  std::string cpu, isa;  // isa: the kernel table in use
  std::vector<std::string> available_isas, features;
  std::vector<std::string>
      cuda_devices;  // "NVIDIA H200, compute capability 9.0"; empty in a build without CUDA
  int threads = 0;
  std::int64_t total_memory_bytes = 0, available_memory_bytes = 0;
  // Measured now, with `threads` of them, when asked for; zero where the machine lacks the instructions.
  double read_gigabytes_per_second = 0, f32_gflops = 0, bf16_gflops = 0, int8_gops = 0;
};
// threads: 0 means the physical cores that this process may use.
SWIFTLET_API MachineInfo machine(bool measure, int threads = 0);

}  // namespace swiftlet
