// Decoders: run, tokenize, eval, bench, inspect on the bundled Llamas.
#include <fstream>
#include <set>

#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const char* const kSmall = "assets/stories260K/stories260K.bin";
const char* const kStories = "assets/stories-7m";

nlohmann::json golden(const std::string& name) {
  return nlohmann::json::parse(read(std::string(SWIFTLET_SOURCE_DIR "/tests/data/") + name));
}

TEST(Run, GreedyTextEqualsTheReference) {
  const auto reference = golden("stories260k/golden.json");
  for (const auto& expected : reference["cases"]) {
    const std::string prompt = expected["prompt"], whole = expected["text"];
    const auto tokens = std::to_string(expected["ids"].size());
    const auto got = json_of(swiftlet({"run", kSmall, prompt, "-n", tokens, "--precision", "f32", "--json"}));
    EXPECT_EQ(got["tokens"], expected["ids"]);
    EXPECT_EQ(prompt + got["text"].get<std::string>(), whole);
    EXPECT_EQ(got["finish_reason"], "length");
    EXPECT_EQ(got["prompt_tokens"], expected["prompt_ids"].size());
    for (const char* key : {"prefill_tokens_per_second", "decode_tokens_per_second", "tokens_per_second",
                            "peak_memory_bytes", "load_seconds"})
      EXPECT_GT(got[key].get<double>(), 0) << key;
  }
}

TEST(Run, FindsABundledModelByItsName) {
  const auto named = swiftlet({"run", "stories-7m", "A fox", "--max-tokens", "8", "--quiet"});
  EXPECT_EQ(named.status, 0) << named.err;
  EXPECT_EQ(named.out, swiftlet({"run", "assets/stories-7m", "A fox", "--max-tokens", "8", "--quiet"}).out);
}

TEST(Run, StreamsTheSameTextThatJsonHolds) {
  const std::vector<std::string> words{"run", kStories, "Once upon a time", "-n", "24"};
  std::vector<std::string> json = words, echo = words;
  json.emplace_back("--json");
  echo.emplace_back("--echo");
  std::string text = json_of(swiftlet(json))["text"];
  if (!text.ends_with('\n')) text += '\n';  // the line is ended
  EXPECT_EQ(swiftlet(words).out, text);
  EXPECT_EQ(swiftlet(echo).out, "Once upon a time" + text);
}

TEST(Run, SpeculatesWithoutAnotherText) {
  const std::vector<std::string> words{
      "run", kStories, "Tim saw a dog. Tim saw a dog. Tim saw", "-n", "60", "--temperature", "0.5", "--json"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), words.begin(), words.end());
    return swiftlet(more);
  };
  const auto plain = json_of(with({}));
  EXPECT_EQ(plain["drafted_tokens"], 0);
  for (const auto& result : {json_of(with({"--speculate", "lookup"})),
                             json_of(with({"--draft-model", kStories, "--draft-tokens", "4"}))}) {
    EXPECT_EQ(result["tokens"], plain["tokens"]);
    EXPECT_TRUE(result["drafted_tokens"].is_number_unsigned()) << result;  // how many depends on time
    EXPECT_LE(result["accepted_tokens"], result["drafted_tokens"]);
  }
  EXPECT_THAT(with({"--draft-model", kSmall}).err, HasSubstr("needs the vocabulary of its target"));
  for (const auto& [more, says] : std::vector<std::pair<std::vector<std::string>, const char*>>{
           {{"--draft-tokens", "3"}, "--draft-tokens goes with"},
           {{"--speculate", "lookup", "--draft-model", kStories}, "exclude each other"},
           {{"--speculate", "lookup", "--beams", "2"}, "do not go with --beams"}}) {
    const auto result = with(more);
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, HasSubstr(says));
  }
}

TEST(Run, ReadsThePromptFromStandardInput) {
  const std::string given = swiftlet({"run", kStories, "The king", "-n", "6"}).out;
  EXPECT_EQ(swiftlet({"run", kStories, "-n", "6"}, {.input = "The king\n"}).out, given);
  EXPECT_EQ(swiftlet({"run", kStories, "-n", "6"}, {.input = "The king\r\n"}).out, given);
}

TEST(Run, APromptMayBeginWithADashAfterTwo) {
  EXPECT_THAT(swiftlet({"run", kStories, "-n", "2", "--echo", "--", "-x"}).out, StartsWith("-x"));
}

TEST(Run, StopsBeforeAStopString) {
  const std::string text =
      json_of(swiftlet({"run", kSmall, "Once upon a time", "-n", "60", "--json"}))["text"];
  const std::string stop = text.substr(20, 6);
  const auto got = json_of(
      swiftlet({"run", kSmall, "Once upon a time", "-n", "60", "--stop", "@@@", "--stop", stop, "--json"}));
  EXPECT_EQ(got["text"], text.substr(0, text.find(stop)));
  EXPECT_EQ(got["finish_reason"], "stop");
}

TEST(Run, SamplesBySeed) {
  const auto sample = [](const char* seed) {
    return json_of(swiftlet({"run", kSmall, "Once", "-n", "40", "--temperature", "1", "--top-p", "0.95",
                             "--seed", seed, "--json"}))["text"]
        .get<std::string>();
  };
  EXPECT_EQ(sample("7"), sample("7"));
  EXPECT_NE(sample("7"), sample("8"));
}

TEST(Run, SamplesOnePromptSeveralTimes) {
  const std::vector<std::string> words{
      "run",    kStories, "Once upon a time", "-n", "12",      "--temperature", "1",
      "--seed", "5",      "--samples",        "3",  "--min-p", "0.05",          "--json"};
  const auto three = json_of(swiftlet(words));
  ASSERT_EQ(three["samples"].size(), 3u);
  EXPECT_NE(three["samples"][0]["text"], three["samples"][1]["text"]);
  std::vector<std::string> one = words;
  one[10] = "1";
  EXPECT_EQ(json_of(swiftlet(one))["text"], three["samples"][0]["text"]);
}

TEST(Run, PenaltiesReachTheText) {
  const auto text = [](std::vector<std::string> more) {
    std::vector<std::string> words{"run", kStories, "Once upon a time", "-n", "60", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return json_of(swiftlet(words));
  };
  const auto plain = text({});
  ASSERT_THAT(plain["text"].get<std::string>(), HasSubstr("king"));
  EXPECT_THAT(text({"--ban", "king"})["text"].get<std::string>(), ::testing::Not(HasSubstr("king")));
  const int first = plain["tokens"][0];
  EXPECT_NE(text({"--logit-bias", std::to_string(first) + "=-inf"})["tokens"][0], first);
  const auto tokens = text({"--no-repeat-ngram", "2"})["tokens"].get<std::vector<int>>();
  std::set<std::pair<int, int>> pairs;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i)
    EXPECT_TRUE(pairs.insert({tokens[i], tokens[i + 1]}).second) << i;
  EXPECT_NE(text({"--dry-multiplier", "5", "--dry-allowed-length", "1"})["text"], plain["text"]);
  const auto logprobs = text({"--logprobs", "2"})["logprobs"];
  ASSERT_EQ(logprobs.size(), 60u);
  EXPECT_EQ(logprobs[0]["top"][0]["token"], first);
  EXPECT_EQ(logprobs[0]["top"][0]["logprob"], logprobs[0]["logprob"]);
}

TEST(Bench, DefaultsFitWhatWasAskedFor) {
  const auto fits = [](std::vector<std::string> more) {
    std::vector<std::string> words{"bench", kStories, "--repeat", "1", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return swiftlet(words).status;
  };
  EXPECT_EQ(fits({"--prompt", "500"}), 0);
  EXPECT_EQ(fits({"--generate", "500"}), 0);
}

TEST(Run, ThreadsDoNotChangeGreedyText) {
  const auto with = [](const char* threads) {
    return swiftlet({"run", kStories, "Once upon a time", "-n", "40", "--threads", threads}).out;
  };
  EXPECT_EQ(with("1"), with("2"));
}

TEST(Tokenize, GivesTheReferenceIdsAndBack) {
  std::ifstream lines(SWIFTLET_SOURCE_DIR "/tests/data/tokenizers/stories-7m/golden.jsonl");
  std::string texts, ids, decoded;
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    texts += row["text"].dump() + "\n";
    std::string numbers;
    for (const auto& id : row["ids"]) numbers += (numbers.empty() ? "" : " ") + id.dump();
    ids += numbers + "\n";
    decoded += row["decoded"].dump() + "\n";
  }
  ASSERT_GT(ids.size(), 1000u);
  EXPECT_EQ(swiftlet({"tokenize", kStories, "--jsonl"}, {.input = texts}).out, ids);
  EXPECT_EQ(swiftlet({"tokenize", kStories, "--jsonl", "--decode"}, {.input = ids}).out, decoded);
}

TEST(Tokenize, SpecialTokensAreAddedUnlessToldNot) {
  const Result with = swiftlet({"tokenize", kSmall}, {.input = "a\n"});
  const Result without = swiftlet({"tokenize", kSmall, "--no-special"}, {.input = "a\n"});
  EXPECT_EQ(with.out, "1 261\n");
  EXPECT_EQ(without.out, "261\n");
  EXPECT_EQ(swiftlet({"tokenize", kSmall, "--decode"}, {.input = "[1, 261]\n"}).out, "a\n");
  const char* const bert = "tests/data/models/bert-gelu";
  const Result ids = swiftlet({"tokenize", bert}, {.input = "the\n"});
  EXPECT_EQ(swiftlet({"tokenize", bert, "--decode"}, {.input = ids.out}).out, "the\n");
  EXPECT_EQ(swiftlet({"tokenize", bert, "--decode", "--keep-special"}, {.input = ids.out}).out,
            "[CLS] the [SEP]\n");
}

TEST(Tokenize, OneLineForEachLine) {
  const Result result = swiftlet({"tokenize", kStories}, {.input = "one\n\ntwo"});
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 3);
  const auto json = json_of(swiftlet({"tokenize", kStories, "--json"}, {.input = "one\n\ntwo"}));
  EXPECT_EQ(json["ids"].size(), 3u);
  EXPECT_EQ(json["lines"], 3);
}

TEST(Tokenize, NamesTheLineThatIsWrong) {
  const Result id = swiftlet({"tokenize", kStories, "--decode"}, {.input = "1 2\n3 x\n"});
  EXPECT_EQ(id.status, 1);
  EXPECT_THAT(id.err, HasSubstr("[standard input:2]"));
  const Result text = swiftlet({"tokenize", kStories, "--jsonl"}, {.input = "\"a\"\nb\n"});
  EXPECT_EQ(text.status, 1);
  EXPECT_THAT(text.err, HasSubstr("[standard input:2] a JSON string was expected"));
  for (const char* ids : {"99999999", "4096", "99999999999999"})
    EXPECT_EQ(swiftlet({"tokenize", kStories, "--decode"}, {.input = ids}).status, 1) << ids;
}

// The first 2,048 tokens; tests/golden measures the whole text.
TEST(Eval, PerplexityEqualsTheReference) {
  const auto reference = golden("stories-7m/reference.json")["prefix"];
  const auto got = json_of(
      swiftlet({"eval", kStories, "--task", "perplexity", "--data", "assets/text/stories-valid.txt.gz",
                "--context", "256", "--stride", "128", "--limit", "15", "--precision", "f32", "--json"}));
  const double expected = reference["perplexity"];
  EXPECT_NEAR(got["perplexity"].get<double>(), expected, 1e-4 * expected);
  EXPECT_EQ(got["task"], "perplexity");
  EXPECT_EQ(got["items"], reference["scored"]);
  EXPECT_GT(got["tokens_per_second"].get<double>(), 0);
}

TEST(Eval, AModelDoesNotDivergeFromItself) {
  const Scratch scratch;
  const std::string text =
      scratch.write("text.txt", "Once upon a time there was a king who had three sons.\n");
  const auto got = json_of(swiftlet({"eval", kStories, "--task", "kl", "--data", text, "--reference",
                                     kStories, "--precision", "f32", "--json"}));
  EXPECT_NEAR(got["kl_divergence"].get<double>(), 0, 1e-9);
  EXPECT_EQ(got["top1_agreement"], 1);
}

TEST(Bench, MeasuresADecoder) {
  const auto got =
      json_of(swiftlet({"bench", kSmall, "--prompt", "16", "--generate", "8", "--repeat", "1", "--json"}));
  EXPECT_EQ(got["kind"], "decoder");
  for (const char* key : {"prefill_tokens_per_second", "decode_tokens_per_second", "weight_bytes",
                          "peak_memory_bytes", "percent_of_read_limit"})
    EXPECT_GT(got[key].get<double>(), 0) << key;
  EXPECT_FALSE(got.contains("sentences_per_second"));
}

TEST(Bench, ItsDefaultsFitASmallContext) {
  const auto bench = json_of(swiftlet({"bench", "stories-7m", "--repeat", "1", "--json"}));
  EXPECT_EQ(bench["generated_tokens"], 128);
  EXPECT_EQ(bench["prompt_tokens"], 384);
}

TEST(Bench, RefusesWhatTheContextCannotHold) {
  for (const char* tokens : {"1000000", "9223372036854775807"})
    for (const char* option : {"--prompt", "--generate"}) {
      const Result result = swiftlet({"bench", kSmall, option, tokens});
      EXPECT_EQ(result.status, 1) << option << tokens;
      EXPECT_THAT(result.err, HasSubstr("exceed the model's context"));
    }
  EXPECT_THAT(swiftlet({"bench", kStories, "--depth", "400", "--prompt", "100", "--generate", "13"}).err,
              HasSubstr("depth 400, prompt 100 and 13 new tokens exceed the model's context of 512"));
}

// The tokens of the depth lie in the cache before the clock starts: each measured prefill is one step of the
// prompt alone, and each token of decoding reads the keys and values of the depth beside what it reads
// without.
TEST(Bench, MeasuresAtADepth) {
  const auto at = [](const char* depth) {
    return json_of(swiftlet({"bench", kStories, "--depth", depth, "--prompt", "16", "--generate", "8",
                             "--repeat", "2", "--profile", "--json"}));
  };
  const auto bytes_per_token = [](const nlohmann::json& result) {
    return result["read_gigabytes_per_second"].get<double>() * 1e9 /
           result["decode_tokens_per_second"].get<double>();
  };
  const auto shallow = at("0"), deep = at("400");
  EXPECT_EQ(deep["depth_tokens"], 400);
  EXPECT_EQ(deep["profile"]["phases"][0]["steps"], 2);  // 400 tokens would take two steps more for each run
  EXPECT_EQ(deep["profile"]["phases"][1]["steps"], 2 * 7);
  // 8 layers of 4 heads of 32 for keys and for values, in bf16
  EXPECT_NEAR(bytes_per_token(deep) - bytes_per_token(shallow), 400. * 8 * 2 * 4 * 32 * 2, 1);
}

TEST(Bench, NeedsNoTokenizer) {
  const Scratch scratch;
  const std::filesystem::path model = SWIFTLET_SOURCE_DIR "/tests/data/models/llama-tied";
  for (const char* name : {"config.json", "model.safetensors"})
    std::filesystem::copy_file(model / name, scratch.path(name));
  const auto bench =
      json_of(swiftlet({"bench", scratch.path(""), "--prompt", "8", "--generate", "4", "--json"}));
  EXPECT_GT(bench["decode_tokens_per_second"].get<double>(), 0);
  const Result run = swiftlet({"run", scratch.path(""), "x"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("has no tokenizer"));
}

TEST(Bench, ProfilesEveryKernelOfEachPhase) {
  const Scratch scratch;
  const std::string trace = scratch.path("trace.json");
  const auto got = json_of(swiftlet({"bench", kSmall, "--prompt", "16", "--generate", "8", "--repeat", "2",
                                     "--profile", "--trace", trace, "--json"}));
  const auto& profile = got["profile"];
  ASSERT_EQ(profile["phases"].size(), 2u);
  EXPECT_EQ(profile["phases"][0]["phase"], "prefill");
  EXPECT_EQ(profile["phases"][1]["phase"], "decode");
  EXPECT_EQ(profile["phases"][0]["steps"], 2);
  EXPECT_EQ(profile["phases"][1]["steps"], 2 * 7);  // the first of 8 tokens comes from the prefill
  for (const char* key : {"read_gigabytes_per_second", "f32_gflops"})
    EXPECT_GT(got["limits"][key].get<double>(), 0) << key;
  std::map<std::string, double> seconds;
  std::size_t calls = 0;
  bool named = false;
  for (const auto& kernel : profile["kernels"]) {
    seconds[kernel["phase"]] += kernel["seconds"].get<double>();
    calls += kernel["calls"].get<std::size_t>();
    named = named || kernel["name"] == "model.layers.0.mlp.down_proj";
    if (kernel["op"] != "linear") continue;
    EXPECT_GT(kernel["gigabytes_per_second"].get<double>(), 0);
    EXPECT_GT(kernel["gflops"].get<double>(), 0);
    EXPECT_GT(kernel["percent_of_limit"].get<double>(), 0);
    EXPECT_THAT(kernel["bound"], testing::AnyOf("memory", "compute"));
  }
  EXPECT_TRUE(named);
  // The kernels of a step stand back to back.
  for (const auto& phase : profile["phases"]) {
    const double sum = seconds[phase["phase"]], whole = phase["seconds"];
    EXPECT_NEAR(sum, whole, 1e-9 + 1e-6 * whole) << phase;
  }
  const auto events = nlohmann::json::parse(read(trace))["traceEvents"];
  EXPECT_EQ(events.size(), 1 + calls + 2 * 8);  // the process, the kernels, the steps
  for (std::size_t i = 1; i < events.size(); ++i) {
    EXPECT_EQ(events[i]["ph"], "X");
    EXPECT_GE(events[i]["ts"].get<double>(), 0);
    EXPECT_GE(events[i]["dur"].get<double>(), 0);
  }
}

TEST(Bench, ShowsAProfileByOpAndTheSlowestKernels) {
  const std::string out =
      swiftlet({"bench", kSmall, "--prompt", "16", "--generate", "8", "--repeat", "1", "--profile"}).out;
  EXPECT_THAT(out, HasSubstr("\nprefill: 1 steps of "));
  EXPECT_THAT(out, HasSubstr("\ndecode: the slowest kernels\n"));
  EXPECT_THAT(out, HasSubstr("attention_paged"));
  EXPECT_THAT(out, HasSubstr("limits measured now: "));
  EXPECT_THAT(swiftlet({"bench", kSmall, "--prompt", "16", "--generate", "8", "--repeat", "1"}).out,
              testing::Not(HasSubstr("slowest")));
}

TEST(Inspect, ShowsTheModelAndItsWeights) {
  const auto got = json_of(swiftlet({"inspect", kStories, "--json"}));
  EXPECT_EQ(got["kind"], "decoder");
  EXPECT_EQ(got["layers"], 8);
  EXPECT_EQ(got["vocab_size"], 4096);
  EXPECT_EQ(got["certificate"], nullptr);
  EXPECT_GT(got["weights"].size(), 50u);
  EXPECT_THAT(swiftlet({"inspect", kStories}).out, HasSubstr("parameters"));
  EXPECT_THAT(swiftlet({"inspect", kStories, "--tensors"}).out,
              HasSubstr("model.layers.7.mlp.down_proj.weight"));
}

TEST(Inspect, PrintsTheGraphBeforeAndAfterFusion) {
  const std::string core = swiftlet({"inspect", kStories, "--graph", "--format", "text"}).out;
  const std::string lowered = swiftlet({"inspect", kStories, "--graph", "--lowered"}).out;
  EXPECT_THAT(core, HasSubstr("rms_norm"));
  EXPECT_NE(core, lowered);
  EXPECT_THAT(swiftlet({"inspect", kStories, "--graph", "--format", "dot"}).out, HasSubstr("digraph"));
}

TEST(Inspect, ShowsThePlanWithItsBytes) {
  const auto got = json_of(swiftlet({"inspect", kStories, "--graph", "--json"}));
  const auto& plan = got["plan"];
  std::int64_t end = 0, workspace = 0;
  for (const auto& kernel : plan["kernels"]) {
    EXPECT_FALSE(kernel["name"].get<std::string>().empty());
    workspace = std::max(workspace, kernel["workspace_bytes"].get<std::int64_t>());
    for (const auto& output : kernel["outputs"])
      end = std::max(end,
                     output["arena_offset"].get<std::int64_t>() + output["arena_bytes"].get<std::int64_t>());
  }
  EXPECT_LE(end, plan["arena_bytes"].get<std::int64_t>());
  EXPECT_GT(end, plan["arena_bytes"].get<std::int64_t>() - 64);  // rounded up to a cache line
  EXPECT_EQ(workspace, plan["workspace_bytes"].get<std::int64_t>());
  EXPECT_GT(plan["unshared_bytes"], plan["arena_bytes"]);
  EXPECT_GT(plan["weight_bytes"], 0);
  const std::string text = swiftlet({"inspect", kStories, "--graph"}).out;
  for (const char* part :
       {"arena offset", "model.layers.7.mlp.down_proj", "f32[tokens, 704]", "in the cache", "packs"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(swiftlet({"inspect", "tests/data/models/bert-gelu", "--graph"}).out,
              HasSubstr("add_layer_norm"));
}

TEST(Run, BeamsGiveTheBestAnswersInOrder) {
  const auto shown = json_of(swiftlet({"run", kStories, "Once upon a time", "-n", "12", "--beams", "4",
                                       "--samples", "3", "--length-penalty", "0.5", "--json"}));
  ASSERT_EQ(shown["samples"].size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(shown["samples"][i]["text"].get<std::string>().empty());
    if (i > 0) {
      EXPECT_GE(shown["samples"][i - 1]["score"], shown["samples"][i]["score"]);
    }
  }
  const Result one =
      swiftlet({"run", kStories, "Once upon a time", "-n", "12", "--beams", "4", "--length-penalty", "0.5"});
  EXPECT_EQ(one.out, shown["samples"][0]["text"].get<std::string>() + "\n");
  EXPECT_EQ(swiftlet({"run", kStories, "x", "--beams", "2", "--samples", "3"}).status, 2);
  const Result mixed = swiftlet({"run", kStories, "x", "--beams", "2", "--stop", "."});
  EXPECT_EQ(mixed.status, 2);
  EXPECT_THAT(mixed.err, HasSubstr("stop strings do not go with beam search"));
}

}  // namespace
}  // namespace swiftlet::cli_test
