#include "swiftlet/compress/compress.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "swiftlet/compress/calibrate/test_samples.h"
#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/text_source.h"
#include "swiftlet/engine/scorer.h"
#include "swiftlet/io/native.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

class Compress : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("swiftlet-compress-{}", ::getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static fs::path model(const std::string& name) {
    return fs::path(SWIFTLET_SOURCE_DIR) / "tests/data/models" / name;
  }
  fs::path output(const std::string& name = "out.swiftlet") const { return folder_ / name; }
  // A request whose metric is the perplexity of the tiny model on a small text.
  CompressRequest measured(const std::string& name, const std::string& budget) const {
    return {.model = model(name),
            .output = output(),
            .plan = {},
            .task = "perplexity",
            .data = {.data = fs::path(SWIFTLET_SOURCE_DIR) / "tests/data/minilm/sentences.txt",
                     .context = 64,
                     .stride = 48},
            .budget = budget,
            .threads = 1};
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_))
      names.push_back(entry.path().filename().string());
    return names;
  }

  fs::path folder_;
};

TEST_F(Compress, WritesASmallerModelThatStillPredicts) {
  const CompressReport report =
      compress_model({.model = model("llama-grouped"), .output = output(), .plan = {}, .threads = 1}, {});
  EXPECT_TRUE(report.written);
  std::int64_t before = 0, after = 0;
  for (const WeightChange& change : report.weights) {
    before += change.bytes_before;
    after += change.bytes_after;
    EXPECT_LT(change.relative_error, 0.02) << change.name;
  }
  EXPECT_GT(before, 3 * after);
  const auto original =
      LoadedModel::load(model("llama-grouped"), {.precision = Arithmetic::kF32, .threads = 1});
  const auto compressed = LoadedModel::load(output(), {.precision = {}, .threads = 1});
  const std::vector<std::int32_t> ids{3, 17, 42, 5, 9};
  Scorer a(original, 16), b(compressed, 16);
  const auto want = a.logits(ids), got = b.logits(ids);
  // int8 weights and activations: some 0.5% of noise a layer.
  EXPECT_LT(test::relative_distance(got, want), 0.05);
  EXPECT_GT(test::relative_distance(got, want), 0);
  EXPECT_EQ(files(), std::vector<std::string>{"out.swiftlet"});
}

TEST_F(Compress, CertificateSaysWhatWasDoneAndMeasured) {
  const CompressReport report = compress_model(measured("llama-tied", "50%"), {});
  ASSERT_TRUE(report.written) << report.reason;
  const Checkpoint checkpoint = load_native(output());
  const auto certificate = nlohmann::json::parse(checkpoint.certificate);
  EXPECT_EQ(certificate["source"], "llama-tied");
  EXPECT_EQ(certificate["source_sha256"].get<std::string>().size(), 64u);
  EXPECT_EQ(certificate["plan"]["weights"], "int8");
  EXPECT_EQ(certificate["deciding_metric"], "perplexity");
  EXPECT_TRUE(certificate["within_budget"]);
  EXPECT_DOUBLE_EQ(certificate["after"]["perplexity"], report.after->result.metric("perplexity"));
  EXPECT_NEAR(certificate["loss"].get<double>(), report.loss, 1e-12);
  // What the certificate says is what the file on disk gives again.
  const auto model = LoadedModel::load(output(), {.precision = {}, .threads = 1});
  const TaskResult again = run_perplexity(model, measured("llama-tied", "").data, {});
  EXPECT_DOUBLE_EQ(again.metric("perplexity"), certificate["after"]["perplexity"]);
}

TEST_F(Compress, ABrokenBudgetWritesNothingAndKeepsTheOldFile) {
  std::ofstream(output()) << "precious";
  CompressRequest request = measured("llama-tied", "0");
  request.task = "kl";  // never better than the original, unlike a random model's perplexity
  request.data.reference = request.model;
  request.plan.weights = {Format::kInt4, 0, false};
  request.plan.embeddings = {Format::kInt4, 0, false};
  const CompressReport report = compress_model(request, {});
  ASSERT_FALSE(report.within_budget) << "4 bits for a whole row were expected to cost something";
  EXPECT_FALSE(report.written);
  EXPECT_NE(report.reason.find("kl_divergence"), std::string::npos);
  EXPECT_EQ(read_text_file(output()), "precious");
  EXPECT_EQ(files(), std::vector<std::string>{"out.swiftlet"});
  request.force = true;
  EXPECT_TRUE(compress_model(request, {}).written);
  EXPECT_FALSE(nlohmann::json::parse(load_native(output()).certificate)["within_budget"]);
}

TEST_F(Compress, AnInterruptLeavesNothingBehind) {
  Job job;
  job.cancel();
  try {
    compress_model(measured("llama-tied", "1%"), job);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
  EXPECT_TRUE(files().empty());
}

// Cuts `file` short when `stage` has come to its third step.
Job cutting(const fs::path& file, const std::string& stage) {
  return Job([file, stage](std::string_view now, std::int64_t done, std::int64_t) {
    if (now == stage && done == 3) fs::resize_file(file, 4096);
  });
}

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    return error.what();
  }
  return "nothing was thrown";
}

TEST_F(Compress, ASourceThatShrinksMeanwhileIsNamed) {
  const fs::path source = folder_ / "source", weights = source / "model.safetensors";
  fs::copy(model("llama-grouped"), source);
  std::ofstream(output()) << "precious";
  const std::string expected = fmt::format("[{}] was cut short while it was in use", weights.string());
  const auto restore = [&] {
    fs::copy(model("llama-grouped") / "model.safetensors", weights, fs::copy_options::overwrite_existing);
  };
  EXPECT_EQ(
      error_of([&] { compress_model({.model = source, .output = output()}, cutting(weights, "quantize")); }),
      expected);
  restore();
  EXPECT_EQ(error_of([&] { convert_model(source, output(), cutting(weights, "convert")); }), expected);
  restore();
  EXPECT_EQ(error_of([&] { convert_model(source, folder_ / "to", cutting(weights, "convert")); }), expected);
  EXPECT_FALSE(fs::exists(folder_ / "to/model.safetensors"));
  EXPECT_EQ(read_text_file(output()), "precious");
  restore();
  CompressRequest request{.model = source, .output = output()};
  request.plan.method = parse_method("gptq");
  request.calibration.texts = fs::path(SWIFTLET_SOURCE_DIR) / "tests/data/minilm/sentences.txt";
  EXPECT_EQ(error_of([&] { compress_model(request, cutting(weights, "calibrate")); }), expected);
  restore();
  request.plan.method = Method{};
  request.calibration.texts.clear();
  request.plan.skip = {"*"};  // nothing is encoded: the bytes go from file to file
  EXPECT_EQ(error_of([&] { compress_model(request, cutting(weights, "quantize")); }), expected);
  EXPECT_EQ(read_text_file(output()), "precious");
}

TEST_F(Compress, AModelWhoseFileShrinksWhileItRunsThrows) {
  compress_model({.model = model("llama-grouped"), .output = output()}, {});
  const auto loaded = LoadedModel::load(output(), {.precision = {}, .threads = 2});
  const auto other = LoadedModel::load(model("llama-grouped"), {.precision = {}, .threads = 2});
  const std::vector<std::int32_t> ids{3, 17, 42, 5, 9};
  Scorer scorer(loaded, 16), unharmed(other, 16);
  EXPECT_NO_THROW(scorer.logits(ids));
  fs::resize_file(output(), 4096);
  const std::string expected = fmt::format("[{}] was cut short while it was in use", output().string());
  EXPECT_EQ(error_of([&] { scorer.logits(ids); }), expected);
  EXPECT_EQ(error_of([&] { scorer.logits(ids); }), expected) << "it stays damaged";
  EXPECT_NO_THROW(unharmed.logits(ids)) << "other models go on";
}

TEST_F(Compress, RefusesWhatCannotWork) {
  const auto code = [](const CompressRequest& request) {
    try {
      compress_model(request, {});
      return std::string("nothing was thrown");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  EXPECT_NE(code({.model = model("llama-tied"), .output = folder_ / "out.bin"}).find("*.swiftlet"),
            std::string::npos);
  EXPECT_NE(code({.model = model("llama-tied"), .output = output(), .budget = "1%"}).find("metric"),
            std::string::npos);
  EXPECT_NE(code({.model = model("no-such"), .output = output()}).find("no-such"), std::string::npos);
  EXPECT_NE(code({.model = model("llama-tied"), .output = folder_ / "no/such/out.swiftlet"}).find("no/such"),
            std::string::npos);
  compress_model({.model = model("llama-tied"), .output = output()}, {});
  EXPECT_NE(code({.model = output(), .output = output()}).find("replace"), std::string::npos);
  EXPECT_EQ(files(), std::vector<std::string>{"out.swiftlet"});
}

TEST_F(Compress, EveryEncodingRunsEndToEnd) {
  const std::vector<std::int32_t> ids{3, 17, 42, 5, 9, 11};
  const auto original = LoadedModel::load(model("llama-bias"), {.precision = Arithmetic::kF32, .threads = 1});
  Scorer reference(original, 16);
  const auto logits = reference.logits(ids);
  const std::vector<float> want(logits.begin(), logits.end());
  struct Case {
    Encoding encoding;
    Arithmetic arithmetic;
    double tolerance;  // relative L2 of the logits, some times the rounding of a weight
  };
  const Case cases[] = {{{Format::kF32, 0, false}, Arithmetic::kF32, 2e-5},
                        {{Format::kF16, 0, false}, Arithmetic::kF32, 3e-3},
                        {{Format::kBF16, 0, false}, Arithmetic::kBF16, 3e-2},
                        {{Format::kInt8, 0, false}, Arithmetic::kF32, 3e-2},
                        {{Format::kInt8, 32, false}, Arithmetic::kInt8, 5e-2},
                        {{Format::kInt8, 20, true}, Arithmetic::kInt8, 5e-2},
                        {{Format::kInt4, 32, false}, Arithmetic::kInt8, 0.4},
                        {{Format::kInt4, 24, true}, Arithmetic::kF32, 0.4}};
  for (const Case& c : cases) {
    CompressRequest request{.model = model("llama-bias"), .output = output(), .threads = 1};
    request.plan = {.weights = c.encoding, .embeddings = c.encoding, .arithmetic = c.arithmetic};
    compress_model(request, {});
    Scorer scorer(LoadedModel::load(output(), {.precision = {}, .threads = 1}), 16);
    const auto got = scorer.logits(ids);
    EXPECT_LE(test::relative_distance(got, want), c.tolerance) << to_string(c.encoding);
  }
}

// Experts are compressed as other matrices are; the router that chooses them is not.
TEST_F(Compress, AMixtureOfExpertsRunsEndToEnd) {
  const std::vector<std::int32_t> ids{3, 17, 42, 5, 9, 11};
  const auto logits_of = [&](const fs::path& path) {
    Scorer scorer(LoadedModel::load(path, {.precision = {}, .threads = 2}), 16);
    const auto logits = scorer.logits(ids);
    return std::vector<float>(logits.begin(), logits.end());
  };
  const auto want = logits_of(model("qwen3-moe"));
  convert_model(model("qwen3-moe"), output(), {});
  EXPECT_EQ(logits_of(output()), want);
  for (const auto& [encoding, tolerance] :
       {std::pair{Encoding{Format::kInt8, 0, false}, 0.1}, {Encoding{Format::kInt4, 16, false}, 0.6}}) {
    CompressRequest request{.model = model("qwen3-moe"), .output = output(), .threads = 1};
    request.plan = {.weights = encoding, .embeddings = encoding, .arithmetic = Arithmetic::kInt8};
    const CompressReport report = compress_model(request, {});
    for (const WeightChange& change : report.weights) {
      const bool expert = change.name.find(".experts.") != std::string::npos;
      EXPECT_TRUE(!expert || change.after == to_string(encoding)) << change.name;
      if (change.name.ends_with("mlp.gate.weight")) {
        EXPECT_EQ(change.after, change.before);
        EXPECT_EQ(change.note, "router, kept: it chooses the experts");
      }
    }
    const auto got = logits_of(output());
    EXPECT_LE(test::relative_distance(got, want), tolerance) << to_string(encoding);
  }
}

// Calibrated on the text that the divergence is not measured on.
TEST_F(Compress, CalibrationKeepsMoreOfTheModelThanRounding) {
  const std::string stories = read_text(fs::path(SWIFTLET_SOURCE_DIR) / "assets/text/stories-valid.txt.gz");
  const std::size_t cut = 60'000;
  const fs::path seen = folder_ / "seen.txt", unseen = folder_ / "unseen.txt";
  std::ofstream(seen) << stories.substr(0, cut);
  std::ofstream(unseen) << stories.substr(cut, 12'000);
  const auto loss_of = [&](std::string_view names, const std::string& name) {
    const Method method = parse_method(names);
    const fs::path texts = method == Method{} ? fs::path() : seen;
    CompressRequest request{.model = fs::path(SWIFTLET_SOURCE_DIR) / "assets/stories260K/stories260K.bin",
                            .output = output(name),
                            .calibration = {.texts = texts, .tokens = 16384},
                            .task = "kl",
                            .data = {.data = unseen},
                            .threads = 2};
    request.plan = {.method = method,
                    .weights = {Format::kInt4, 64, false},
                    .embeddings = {Format::kF32, 0, false},
                    .arithmetic = Arithmetic::kF32};
    request.data.reference = request.model;
    const CompressReport report = compress_model(request, {});
    EXPECT_TRUE(report.written);
    EXPECT_EQ(report.calibration_tokens > 14000, !texts.empty());
    return report.after->result.metric("kl_divergence");
  };
  const double nearest = loss_of("rtn", "rtn.swiftlet");
  EXPECT_LT(loss_of("gptq", "gptq.swiftlet"), 0.75 * nearest);
  EXPECT_LT(loss_of("awq", "awq.swiftlet"), 0.9 * nearest);
  EXPECT_LT(loss_of("awq+gptq", "both.swiftlet"), 0.7 * nearest);
  loss_of("gptq", "again.swiftlet");  // the same, weight by weight
  const auto weights = [&](const char* name) { return load_native(output(name)).weights; };
  const auto first = weights("gptq.swiftlet"), second = weights("again.swiftlet");
  for (const auto& [name, weight] : first) EXPECT_EQ(decode(weight), decode(second.at(name))) << name;
  const auto certificate = nlohmann::json::parse(load_native(output("gptq.swiftlet")).certificate);
  EXPECT_EQ(certificate["plan"]["method"], "gptq");
  EXPECT_EQ(certificate["calibration"], "seen.txt");
  EXPECT_EQ(certificate["calibration_sha256"].get<std::string>().size(), 64u);
  EXPECT_GT(certificate["calibration_tokens"], 14000);
}

// A search for half of what int8 takes is as small as asked, loses less than int4 throughout, and more than
// int8.
TEST_F(Compress, ATargetIsReachedByMixedEncodings) {
  const std::string stories = read_text(fs::path(SWIFTLET_SOURCE_DIR) / "assets/text/stories-valid.txt.gz");
  const fs::path seen = folder_ / "seen.txt", unseen = folder_ / "unseen.txt";
  std::ofstream(seen) << stories.substr(0, 20'000);
  std::ofstream(unseen) << stories.substr(60'000, 12'000);
  const fs::path model = fs::path(SWIFTLET_SOURCE_DIR) / "assets/stories260K/stories260K.bin";
  const auto run = [&](const Encoding& weights, const std::string& target) {
    CompressRequest request{.model = model,
                            .output = output("t.swiftlet"),
                            .target = target,
                            .task = "kl",
                            .data = {.data = unseen, .reference = model},
                            .threads = 2};
    if (!target.empty()) request.calibration = {.texts = seen, .tokens = 2048};
    request.plan = {.weights = weights, .embeddings = weights, .arithmetic = Arithmetic::kF32};
    return compress_model(request, {});
  };
  const auto loss_of = [](const CompressReport& report) {
    return report.after->result.metric("kl_divergence");
  };
  const CompressReport int4 = run({Format::kInt4, 32, false}, ""), int8 = run({Format::kInt8, 0, false}, "");
  const std::int64_t between = (int4.after->file_bytes + int8.after->file_bytes) / 2;
  const CompressReport mixed = run({}, fmt::format("size={:.3f}kB", static_cast<double>(between) / 1e3));
  EXPECT_TRUE(mixed.written);
  EXPECT_LE(mixed.after->file_bytes, between);
  EXPECT_GT(mixed.after->file_bytes, int4.after->file_bytes);
  EXPECT_LT(loss_of(mixed), loss_of(int4));
  EXPECT_GT(loss_of(mixed), loss_of(int8));
  const Plan plan = plan_from_json(mixed.plan, "plan");
  std::set<std::string> encodings;
  for (const WeightRule& rule : plan.rules) encodings.insert(to_string(rule.encoding));
  EXPECT_GE(encodings.size(), 2u);
  EXPECT_GT(mixed.front.size(), plan.rules.size());

  ASSERT_TRUE(mixed.loss_interval);
  EXPECT_LT(mixed.loss_interval->low, mixed.loss);
  EXPECT_GT(mixed.loss_interval->high, mixed.loss);
  const auto certificate = nlohmann::json::parse(load_native(output("t.swiftlet")).certificate);
  EXPECT_EQ(certificate["loss_interval"],
            (std::vector<double>{mixed.loss_interval->low, mixed.loss_interval->high}));
  EXPECT_EQ(certificate["interval_after"].size(), 2u);

  fs::remove(output("t.swiftlet"));
  const CompressReport never = run({}, "size=60x");
  EXPECT_FALSE(never.written);
  EXPECT_FALSE(never.within_budget);
  EXPECT_FALSE(fs::exists(output("t.swiftlet")));
  EXPECT_NE(never.reason.find("the smallest that is reached is "), std::string::npos) << never.reason;
}

TEST_F(Compress, GptqSaysWhatItCannotDo) {
  const auto message_of = [&](const fs::path& source, const Plan& plan, const fs::path& texts) {
    try {
      compress_model({.model = source, .output = output(), .plan = plan, .calibration = {.texts = texts}},
                     {});
      return std::string("nothing was thrown");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  const fs::path texts = fs::path(SWIFTLET_SOURCE_DIR) / "tests/data/minilm/sentences.txt";
  const Plan plan{.method = parse_method("gptq"), .weights = {Format::kInt4, 32, false}};
  EXPECT_EQ(message_of(model("llama-tied"), plan, ""),
            "[calibration] method gptq looks at sample texts (--calibration)");
  EXPECT_EQ(message_of(model("llama-tied"),
                       {.method = parse_method("gptq"), .weights = {Format::kQ4R, 0, false}}, texts),
            "[method] gptq rounds to int8 and int4, not to q4_r");
  EXPECT_NE(message_of(model("llama-tied"), plan, folder_ / "no-such.txt").find("no-such.txt"),
            std::string::npos);
  // An infinity in a norm of the second layer: what its linears read, and nothing before it.
  const fs::path source = folder_ / "source";
  convert_model(model("llama-grouped"), source, {});
  const Checkpoint checkpoint = load_checkpoint(source);
  std::string bytes = read_text_file(source / "model.safetensors");
  const Weight& norm = checkpoint.weight("model.layers.1.input_layernorm.weight");
  const std::string_view values(reinterpret_cast<const char*>(norm.codes.data()), norm.codes.size());
  const std::size_t at = bytes.find(values);
  ASSERT_NE(at, std::string::npos);
  const float infinity = INFINITY;
  std::memcpy(bytes.data() + at, &infinity, sizeof infinity);
  std::ofstream(source / "model.safetensors", std::ios::binary) << bytes;
  const std::string message = message_of(source, plan, texts);
  EXPECT_EQ(message.find("[model.layers.1.self_attn."), 0u) << message;
  EXPECT_NE(message.find("is not finite on the calibration data"), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(output()));
}

TEST_F(Compress, PrunedWeightsHaveTheZerosThatTheReportTells) {
  for (const char* method : {"magnitude", "wanda", "sparsegpt"}) {
    CompressRequest request{.model = model("llama-grouped"), .output = output(), .threads = 2};
    request.plan = {.weights = {Format::kBF16},
                    .embeddings = {Format::kBF16},
                    .arithmetic = Arithmetic::kBF16,
                    .skip = {"lm_head.weight"},
                    .prune = parse_pruning("2:4", method)};
    if (request.plan.prune->needs_calibration())
      request.calibration.texts = fs::path(SWIFTLET_SOURCE_DIR) / "tests/data/minilm/sentences.txt";
    const CompressReport report = compress_model(request, {});
    const Checkpoint written = load_native(output());
    std::int64_t pruned = 0;
    for (const WeightChange& change : report.weights) {
      const bool linear = change.name.find("_proj.") != std::string::npos;
      EXPECT_EQ(change.sparsity, linear ? 0.5 : 0) << change.name;
      if (!linear) continue;
      ++pruned;
      const std::vector<float> values = decode(written.weights.at(change.name));
      for (auto group = values.begin(); group != values.end(); group += 4)
        ASSERT_EQ(std::count(group, group + 4, 0.0f), 2) << change.name;
    }
    EXPECT_EQ(pruned, 3 * 7);
    const auto certificate = nlohmann::json::parse(written.certificate);
    EXPECT_EQ(certificate["plan"]["prune"], (nlohmann::json{{"pattern", "2:4"}, {"method", method}}));
    EXPECT_EQ(certificate.contains("calibration_sha256"), request.plan.prune->needs_calibration());
    Scorer scorer(LoadedModel::load(output(), {.precision = {}, .threads = 1}), 16);
    for (const float logit : scorer.logits({{3, 17, 42, 5}})) ASSERT_TRUE(std::isfinite(logit));
  }
}

TEST_F(Compress, PruningSaysWhatItCannotDo) {
  const auto message_of = [&](const fs::path& source, const char* pattern, const char* method,
                              const fs::path& texts) {
    try {
      compress_model({.model = source,
                      .output = output(),
                      .plan = {.weights = {Format::kF32}, .prune = parse_pruning(pattern, method)},
                      .calibration = {.texts = texts}},
                     {});
      return std::string("nothing was thrown");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  const fs::path texts = fs::path(SWIFTLET_SOURCE_DIR) / "tests/data/minilm/sentences.txt";
  EXPECT_EQ(message_of(model("llama-tied"), "50%", "wanda", ""),
            "[calibration] method wanda looks at sample texts (--calibration)");
  // A weight that is not finite, which a method that looks at samples meets by what it makes of them.
  const fs::path source = folder_ / "source";
  convert_model(model("llama-grouped"), source, {});
  const Checkpoint checkpoint = load_checkpoint(source);
  const Weight& weight = checkpoint.weight("model.layers.1.mlp.up_proj.weight");
  std::string bytes = read_text_file(source / "model.safetensors");
  const std::string_view values(reinterpret_cast<const char*>(weight.codes.data()), weight.codes.size());
  const std::size_t at = bytes.find(values);
  ASSERT_NE(at, std::string::npos);
  const float bad = NAN;
  std::memcpy(bytes.data() + at + 2 * sizeof bad, &bad, sizeof bad);
  std::ofstream(source / "model.safetensors", std::ios::binary) << bytes;
  EXPECT_EQ(message_of(source, "50%", "magnitude", ""),
            "[model.layers.1.mlp.up_proj.weight] expected finite values, row 0 column 2 is nan");
  for (const char* method : {"wanda", "sparsegpt"})
    EXPECT_EQ(
        message_of(source, "50%", method, texts),
        "[model.layers.1.mlp.down_proj.weight] what it multiplies is not finite on the calibration data");
  EXPECT_FALSE(fs::exists(output()));
}

TEST_F(Compress, ConvertKeepsEveryBit) {
  convert_model(model("llama-bf16"), output(), {});
  const auto original = LoadedModel::load(model("llama-bf16"), {.precision = {}, .threads = 1});
  const auto converted = LoadedModel::load(output(), {.precision = {}, .threads = 1});
  for (const std::string& name : original->weights->names())
    EXPECT_EQ(decode(original->weights->get(name)), decode(converted->weights->get(name))) << name;
  EXPECT_EQ(original->encode("Once upon a time"), converted->encode("Once upon a time"));
}

TEST_F(Compress, ANameWithoutTheNativeEndingBecomesAFolderForTransformers) {
  const fs::path folder = folder_ / "model";
  EXPECT_GT(convert_model(fs::path(SWIFTLET_SOURCE_DIR) / "assets/stories260K/stories260K.bin", folder, {}),
            1000000);
  EXPECT_TRUE(fs::exists(folder / "tokenizer.json"));
  const auto original = LoadedModel::load(
      fs::path(SWIFTLET_SOURCE_DIR) / "assets/stories260K/stories260K.bin", {.precision = {}, .threads = 1});
  const auto converted = LoadedModel::load(folder, {.precision = {}, .threads = 1});
  const auto ids = original->encode("Lily and Tom went out.");
  EXPECT_EQ(ids, converted->encode("Lily and Tom went out."));
  Scorer a(original, 32), b(converted, 32);
  const auto want = a.logits(ids), got = b.logits(ids);
  EXPECT_TRUE(std::equal(want.begin(), want.end(), got.begin()));
}

TEST_F(Compress, Llama2cFilesBecomeNativeOnesWithTheirTokenizer) {
  const fs::path source = fs::path(SWIFTLET_SOURCE_DIR) / "assets/stories260K/stories260K.bin";
  convert_model(source, output(), {});
  const auto original = LoadedModel::load(source, {.precision = {}, .threads = 1});
  const auto converted = LoadedModel::load(output(), {.precision = {}, .threads = 1});
  EXPECT_EQ(original->encode("Lily and Tom went out."), converted->encode("Lily and Tom went out."));
}

}  // namespace
}  // namespace swiftlet
