// compress, convert and inspect --verify.
#include <fstream>

#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const char* const kModel = "assets/stories260K/stories260K.bin";

// A piece of the stories, long enough to tell int8 from int4.
std::string some_text(const Scratch& scratch) {
  return scratch.write("text.txt", read(SWIFTLET_SOURCE_DIR "/assets/text/corpus.txt").substr(0, 6000));
}

TEST(Compress, PrintsTablesAndWritesTheFile) {
  const Scratch scratch;
  const std::string small = scratch.path("small.swiftlet");
  const Result result = swiftlet({"compress", kModel, "-o", small, "--weights", "int8", "--budget", "5%",
                                  "--metric", "perplexity", "--data", some_text(scratch), "--context", "64",
                                  "--report", scratch.path("report.md")});
  EXPECT_EQ(result.status, 0) << result.err;
  for (const char* word : {"model.layers.*.self_attn.q_proj.weight", "before", "after", "smaller",
                           "perplexity", "tokens/s", "within the budget", "written: "})
    EXPECT_THAT(result.out, HasSubstr(word));
  EXPECT_TRUE(std::filesystem::exists(small));
  EXPECT_THAT(read(scratch.path("report.md")), HasSubstr("| model.layers.0.self_attn.q_proj.weight |"));

  const auto shown = json_of(swiftlet({"inspect", small, "--json"}));
  EXPECT_TRUE(shown["certificate"].is_object());
  EXPECT_TRUE(shown["plan"].is_object());
  EXPECT_THAT(swiftlet({"inspect", small}).out, HasSubstr("certificate"));
  EXPECT_GT(json_of(swiftlet({"inspect", small, "--verify", "--json"}))["verified_tensors"].get<int>(), 20);
  EXPECT_EQ(swiftlet({"run", small, "Once upon a time", "-n", "8"}).status, 0);
}

TEST(Compress, CalibratesOnSampleTexts) {
  const Scratch scratch;
  const std::string out = scratch.path("gptq.swiftlet"), samples = some_text(scratch);
  const std::vector<std::string> words{"compress", kModel, "-o",       out,    "--weights",     "int4",
                                       "--group",  "32",   "--method", "gptq", "--calibration", samples};
  const Result result = swiftlet(words);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("model.embed_tokens.weight"));
  EXPECT_THAT(result.out, HasSubstr("rounded to nearest: no linear layer reads it first"));
  const auto shown = json_of(swiftlet({"inspect", out, "--json"}));
  EXPECT_EQ(shown["certificate"]["plan"]["method"], "gptq");
  EXPECT_EQ(shown["certificate"]["calibration"], "text.txt");
  EXPECT_GT(shown["certificate"]["calibration_tokens"].get<int>(), 1000);
  EXPECT_EQ(swiftlet({"run", out, "Once upon a time", "-n", "8"}).status, 0);

  // What can't be calibrated with leaves the file as it was.
  const std::string before = read(out);
  for (const auto& [text, expected] : {std::pair{std::string("One."), "at least 256 are needed"},
                                       {std::string(), "at least 256 are needed"}}) {
    auto wrong = words;
    wrong.back() = scratch.write("few.txt", text);
    const Result refused = swiftlet(wrong);
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(error_lines(refused.err), 1u) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("few.txt"));
    EXPECT_THAT(refused.err, HasSubstr(expected));
  }
  auto missing = words;
  missing.back() = scratch.path("no-such.txt");
  EXPECT_EQ(swiftlet(missing).status, 1);
  EXPECT_EQ(read(out), before);
}

TEST(Compress, TheSavedPlanGivesTheSameFileAgain) {
  const Scratch scratch;
  const std::string first = scratch.path("first.swiftlet"), second = scratch.path("second.swiftlet");
  const std::string plan = scratch.path("plan.json"), samples = some_text(scratch);
  const Result result = swiftlet({"compress", kModel, "-o", first, "-w", "int4", "-g", "32", "--method",
                                  "clip+gptq", "--rule", "model.layers.0.*=int8", "--skip", "*.1.mlp.*",
                                  "--calibration", samples, "--save-plan", plan});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto saved = nlohmann::json::parse(read(plan));
  EXPECT_EQ(saved["method"], "clip+gptq");
  EXPECT_EQ(saved["rules"][0], "model.layers.0.*=int8");
  ASSERT_EQ(swiftlet({"compress", kModel, "-o", second, "--plan", plan, "--calibration", samples}).status, 0);
  EXPECT_EQ(read(first), read(second));

  // A plan and what it would say cannot both be given; a plan that is none leaves everything as it was.
  const Result both = swiftlet({"compress", kModel, "-o", second, "--plan", plan, "--weights", "int4"});
  EXPECT_EQ(both.status, 2);
  EXPECT_THAT(both.err, HasSubstr("so --weights does not go with it"));
  for (const auto& [text, expected] :
       {std::pair{"{\"rules\": [\"model.layers.9.*=int8\"]}", "'model.layers.9.*' matches no weight"},
        {"{\"wieghts\": \"int8\"}", "wieghts] is not known"},
        {"{", "bad.json"}}) {
    const Result refused =
        swiftlet({"compress", kModel, "-o", second, "--plan", scratch.write("bad.json", text)});
    EXPECT_THAT(refused.status, ::testing::AnyOf(1, 2));
    EXPECT_EQ(error_lines(refused.err), 1u) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr(expected));
  }
  EXPECT_EQ(swiftlet({"compress", kModel, "-o", second, "--plan", scratch.path("none.json")}).status, 1);
  EXPECT_EQ(read(first), read(second));
}

TEST(Compress, ATargetChoosesTheEncodings) {
  const Scratch scratch;
  const std::string out = scratch.path("small.swiftlet"), samples = some_text(scratch);
  const std::vector<std::string> words{"compress", kModel, "-o", out, "--calibration", samples, "--target"};
  const auto with = [&](const std::string& target, std::vector<std::string> more = {}) {
    std::vector<std::string> all = words;
    all.push_back(target);
    all.insert(all.end(), more.begin(), more.end());
    return swiftlet(all);
  };
  const Result result = with("size=3x");
  EXPECT_EQ(result.status, 0) << result.err;
  for (const char* word : {"expected loss", "chosen", "int4-g32", "written: "})
    EXPECT_THAT(result.out, HasSubstr(word));
  EXPECT_LE(3 * std::filesystem::file_size(out),
            std::filesystem::file_size(SWIFTLET_SOURCE_DIR "/assets/stories260K/stories260K.bin") +
                std::filesystem::file_size(SWIFTLET_SOURCE_DIR "/assets/stories260K/tok512.bin"));
  const std::string before = read(out);
  const Result never = with("size=100x");
  EXPECT_EQ(never.status, 3);
  EXPECT_THAT(never.err, HasSubstr("the smallest that is reached is "));
  EXPECT_EQ(with("latency=2x").status, 2);
  EXPECT_EQ(with("size=7").status, 2);
  EXPECT_THAT(with("size=3x", {"--weights", "int4"}).err, HasSubstr("do not go with it"));
  EXPECT_EQ(swiftlet({"compress", kModel, "-o", out, "--target", "size=3x"}).status, 2);
  EXPECT_EQ(read(out), before);
}

TEST(Compress, PrunesAndSaysWhatThatBrings) {
  const Scratch scratch;
  const std::string out = scratch.path("pruned.swiftlet"), samples = some_text(scratch);
  for (const std::string method : {"magnitude", "wanda", "sparsegpt"}) {
    std::vector<std::string> words{"compress",       kModel, "-o",       out,
                                   "--weights",      "bf16", "--prune",  "2:4",
                                   "--prune-method", method, "--report", scratch.path("report.md")};
    if (method != "magnitude") words.insert(words.end(), {"--calibration", samples});
    const Result result = swiftlet(words);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out, AllOf(HasSubstr("50.00%"), HasSubstr("not pruned: a table"),
                                  HasSubstr("no smaller and no faster for them yet")));
    EXPECT_THAT(read(scratch.path("report.md")),
                AllOf(HasSubstr("Pruned: 2:4 by " + method), HasSubstr("zeros")));
    const auto shown = json_of(swiftlet({"inspect", out, "--json"}));
    EXPECT_EQ(shown["certificate"]["plan"]["prune"]["pattern"], "2:4");
    EXPECT_EQ(shown["certificate"]["plan"]["prune"]["method"], method);
    EXPECT_EQ(swiftlet({"run", out, "Once upon a time", "-n", "8"}).status, 0);
  }
  // Pruned and rounded in one pass.
  const auto report = json_of(
      swiftlet({"compress", kModel, "-o", out, "--weights", "int4", "--group", "32", "--method", "gptq",
                "--calibration", samples, "--prune", "50%", "--prune-method", "sparsegpt", "--json"}));
  EXPECT_EQ(report["plan"]["prune"]["pattern"], "50%");
  for (const auto& tensor : report["tensors"]) {
    const bool linear = tensor["name"].get<std::string>().find("_proj.") != std::string::npos;
    EXPECT_EQ(tensor["sparsity"].get<double>() >= 0.49, linear) << tensor["name"];
  }
}

TEST(Compress, RefusesToPruneWhatCannotBe) {
  const Scratch scratch;
  const auto refused = [&](std::vector<std::string> words, int status, const std::string& expected) {
    words.insert(words.begin(), {"compress", kModel, "-o", scratch.path("x.swiftlet")});
    const Result result = swiftlet(words);
    EXPECT_EQ(result.status, status) << expected;
    EXPECT_EQ(error_lines(result.err), 1u) << result.err;
    EXPECT_THAT(result.err, HasSubstr(expected));
  };
  refused({"--prune", "100%"}, 2, "[prune] the ratio must be above 0% and below 100%, is 100%");
  refused({"--prune", "half"}, 2, "[prune] 'half' is no pattern: expected 50%, 2:4");
  refused({"--prune", "4:2"}, 2, "[prune] of N:M, N must be at least 1 and below M");
  refused({"--prune", "8x8:50%"}, 2, "is no pattern");
  refused({"--prune", "below:-1"}, 2, "[prune] the threshold must be a positive number");
  refused({"--prune", "50%", "--prune-method", "luck"}, 2, "--prune-method");
  refused({"--prune", "50%", "--prune-method", "wanda"}, 2, "--prune-method wanda needs --calibration");
  refused({"--prune-method", "wanda"}, 2, "--prune-method wanda needs --prune");
  refused({"--prune", "below:1", "--prune-method", "wanda", "--calibration", some_text(scratch)}, 2,
          "[prune] below:1 is a threshold of magnitudes");
  refused({"--prune", "2:7"}, 1,
          "[model.layers.0.mlp.down_proj.weight] pruning by 2:7 wants a multiple of 7");
  EXPECT_FALSE(scratch.has("x.swiftlet"));
}

TEST(Compress, ABrokenBudgetIsStatus3AndNoFile) {
  const Scratch scratch;
  const std::string out = scratch.path("x.swiftlet");
  std::vector<std::string> words{
      "compress", kModel,     "-o",         out,      "--weights",        "int4",      "--budget",
      "0.001%",   "--metric", "perplexity", "--data", some_text(scratch), "--context", "64"};
  const Result refused = swiftlet(words);
  EXPECT_EQ(refused.status, 3);
  EXPECT_FALSE(scratch.has("x.swiftlet"));
  EXPECT_EQ(scratch.files(), 1u) << "something was left behind";
  EXPECT_EQ(error_lines(refused.err), 1u) << refused.err;
  EXPECT_THAT(refused.out, HasSubstr("BUDGET BROKEN, no file written"));

  words.emplace_back("--json");
  const Result json = swiftlet(words);
  EXPECT_EQ(json.status, 3);
  const auto object = nlohmann::json::parse(json.out);
  EXPECT_EQ(object["within_budget"], false);
  EXPECT_EQ(object["output"], nullptr);
  EXPECT_GT(object["loss"].get<double>(), 0.001);
  EXPECT_GT(object["after"]["perplexity"].get<double>(), object["before"]["perplexity"].get<double>());

  words.emplace_back("--force");
  EXPECT_EQ(swiftlet(words).status, 3);
  EXPECT_TRUE(scratch.has("x.swiftlet"));
}

TEST(Compress, TakesABundledModelByItsName) {
  const Scratch scratch;
  const auto got = json_of(swiftlet({"compress", "stories260K", "-o", scratch.path("x.swiftlet"), "--metric",
                                     "kl", "--data", some_text(scratch), "--context", "64", "--json"}));
  EXPECT_LT(got["after"]["kl_divergence"].get<double>(), 0.01);
  EXPECT_EQ(got["budget"], nullptr);
}

// Encodings with scales of their own: beside int4 in groups of 32 by extremes, which lost 0.0047 here.
TEST(Compress, RoundsToQ4RAndQ50) {
  const std::string stories = "assets/stories-7m";
  const Scratch scratch;
  const std::string out = scratch.path("x.swiftlet");
  const auto got =
      json_of(swiftlet({"compress", stories, "-o", out, "--weights", "q4_r", "--embeddings", "q5_0",
                        "--metric", "kl", "--data", some_text(scratch), "--context", "64", "--json"}));
  EXPECT_GT(got["after"]["kl_divergence"].get<double>(), 0);
  EXPECT_LT(got["after"]["kl_divergence"].get<double>(), 0.01);
  EXPECT_THAT(swiftlet({"inspect", out}).out, AllOf(HasSubstr("q4_r"), HasSubstr("q5_0")));
  const Result grouped = swiftlet({"compress", stories, "-o", out, "--weights", "q4_r", "--group", "32"});
  EXPECT_EQ(grouped.status, 2);
  EXPECT_THAT(grouped.err, HasSubstr("groups and offsets belong to int8 and int4, not to q4_r"));
  const Result narrow = swiftlet({"compress", kModel, "-o", out, "--weights", "q4_r"});
  EXPECT_EQ(narrow.status, 0) << narrow.err;
  EXPECT_THAT(narrow.out, AllOf(HasSubstr("int4-g32"), HasSubstr("q4_r wants a multiple of 32 columns")));
}

TEST(Compress, SkipsWhatIsNamed) {
  const Scratch scratch;
  const Result result = swiftlet({"compress", kModel, "-o", scratch.path("x.swiftlet"), "--skip",
                                  "model.layers.0.*", "--skip", "*down_proj*", "--table", "--json"});
  const auto report = json_of(result);
  for (const auto& tensor : report["tensors"]) {
    const std::string name = tensor["name"];
    const bool skipped = name.starts_with("model.layers.0.") || name.find("down_proj") != std::string::npos;
    if (skipped) {
      EXPECT_EQ(tensor["before"], tensor["after"]) << name;
    } else if (name.find("q_proj") != std::string::npos) {
      EXPECT_NE(tensor["before"], tensor["after"]) << name;
    }
  }
}

TEST(Compress, WhatIsQuantizedIsNotQuantizedAgain) {
  const Scratch scratch;
  const std::string once = scratch.path("once.swiftlet"), twice = scratch.path("twice.swiftlet");
  ASSERT_EQ(swiftlet({"compress", kModel, "-o", once}).status, 0);
  const Result refused = swiftlet({"compress", once, "-o", twice, "--weights", "int4"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("is quantized already"));
  EXPECT_FALSE(scratch.has("twice.swiftlet"));

  ASSERT_EQ(swiftlet({"compress", kModel, "-o", once, "--skip", "model.layers.0.*"}).status, 0);
  const Result rest = swiftlet({"compress", once, "-o", twice});
  EXPECT_EQ(rest.status, 0);
  EXPECT_THAT(rest.err, HasSubstr("are quantized already and stay as they are"));
}

TEST(Compress, APrecisionThatChangesNothingIsToldOf) {
  const Scratch scratch;
  const std::string small = scratch.path("small.swiftlet");
  ASSERT_EQ(swiftlet({"compress", kModel, "-o", small}).status, 0);
  const auto run = [&](const char* precision) {
    return swiftlet({"run", small, "Once", "-n", "2", "-q", "--precision", precision}).err;
  };
  EXPECT_THAT(run("bf16"), HasSubstr("precision bf16 changes nothing"));
  EXPECT_EQ(run("f32"), "");
  EXPECT_EQ(run("int8"), "");
}

TEST(Compress, LeavesTheOldFileWhenItFails) {
  const Scratch scratch;
  const std::string out = scratch.write("x.swiftlet", "precious");
  const Result result = swiftlet({"compress", kModel, "-o", out, "--weights", "int4", "--budget", "0.001%",
                                  "--metric", "perplexity", "--data", some_text(scratch), "--context", "64"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(read(out), "precious");
}

TEST(Convert, TheNativeFileAnswersTheSame) {
  const Scratch scratch;
  const std::string native = scratch.path("x.swiftlet");
  const auto converted = json_of(swiftlet({"convert", kModel, "-o", native, "--json"}));
  EXPECT_EQ(converted["file_bytes"], std::filesystem::file_size(native));
  const auto text = [](const std::string& model) {
    return swiftlet({"run", model, "Once upon a time", "-n", "32"}).out;
  };
  EXPECT_EQ(text(native), text(kModel));
  EXPECT_THAT(swiftlet({"inspect", native, "--verify"}).out, HasSubstr("every hash agrees"));
}

TEST(Convert, AFlippedBitIsFound) {
  const Scratch scratch;
  const std::string native = scratch.path("x.swiftlet");
  ASSERT_EQ(swiftlet({"convert", kModel, "-o", native}).status, 0);
  std::string bytes = read(native);
  bytes[bytes.size() / 2] ^= 1;
  const Result result = swiftlet({"inspect", scratch.write("x.swiftlet", bytes), "--verify"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(error_lines(result.err), 1u) << result.err;
  // Nor may the damage get good hashes in another file.
  for (const char* command : {"convert", "compress"}) {
    const Result again = swiftlet({command, scratch.path("x.swiftlet"), "-o", scratch.path("y.swiftlet")});
    EXPECT_EQ(again.status, 1) << command;
    EXPECT_FALSE(scratch.has("y.swiftlet")) << command;
  }
}

}  // namespace

TEST(Inspect, CheckTellsWhichLayerDiffersFirst) {
  const std::string model = "tests/data/models/llama-grouped", other = "tests/data/models/llama-bias";
  const std::string reference = model + "/golden.safetensors";
  const Result good = swiftlet({"inspect", model, "--check", "--reference", reference});
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_THAT(good.out, AllOf(HasSubstr("embeddings"), HasSubstr("layer 1"), HasSubstr("logits")));
  const auto shown = json_of(swiftlet({"inspect", model, "--check", "--reference", reference, "--json"}));
  EXPECT_TRUE(shown["agrees"].get<bool>());
  EXPECT_TRUE(shown["first_different"].is_null());
  EXPECT_LT(shown["places"].back()["relative_l2"].get<double>(), 5e-6);

  const Result bad = swiftlet({"inspect", other, "--check", "--reference", reference});
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.err,
              AllOf(HasSubstr("hidden."), HasSubstr("is the first place that differs: relative L2")));
  // The rounding of the weights is seen, and may be allowed.
  const Scratch scratch;
  const std::string small = scratch.path("small.swiftlet");
  ASSERT_EQ(swiftlet({"compress", model, "-o", small, "--quiet"}).status, 0);
  EXPECT_EQ(swiftlet({"inspect", small, "--check", "--reference", reference}).status, 1);
  EXPECT_EQ(swiftlet({"inspect", small, "--check", "--reference", reference, "--tolerance", "0.2"}).status,
            0);
}

TEST(Inspect, CheckNamesWhatIsNoReference) {
  const std::string model = "tests/data/models/llama-grouped";
  EXPECT_EQ(swiftlet({"inspect", model, "--check"}).status, 2);
  EXPECT_EQ(swiftlet({"inspect", model, "--tolerance", "0.1"}).status, 2);
  EXPECT_EQ(swiftlet({"inspect", model, "--check", "--verify", "--reference", "x"}).status, 2);
  const Result missing = swiftlet({"inspect", model, "--check", "--reference", "no.safetensors"});
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.err, HasSubstr("no.safetensors"));
  const Result none = swiftlet({"inspect", model, "--check", "--reference", model + "/model.safetensors"});
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.err, HasSubstr("has no input_ids.0: it is no dump of a reference"));
}

}  // namespace swiftlet::cli_test
