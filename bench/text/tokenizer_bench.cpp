// How long a tokenizer takes to load and to encode, on one thread; and what it answers, for comparison with
// the field's own package (tools/reference/compare_tokenizers.py runs it).
//
//   tokenizer_bench TOKENIZER < texts.jsonl             times, one JSON object: loading, loading from a
//   native file,
//                                                       encoding on one thread and on two
//   tokenizer_bench TOKENIZER --dump < texts.jsonl      ids, begins and ends of their bytes, and what
//   decode()
//                                                       makes of the ids (JSON), separated by tabs
//
// TOKENIZER is a tokenizer file or a folder that holds one; the texts are JSON strings, one a line.
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/core/parallel_each.h"
#include "swiftlet/io/native.h"
#include "swiftlet/io/tokenizer_source.h"
#include "swiftlet/text/tokenizer.h"

namespace {

using swiftlet::Tokenizer;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr int kRounds = 3;

double milliseconds(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Tokenizer open(const std::string& path) {
  return Tokenizer::from_source(swiftlet::open_tokenizer(path));
}

std::vector<std::string> read_texts() {
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);) texts.push_back(Json::parse(line).get<std::string>());
  return texts;
}

void dump(const Tokenizer& tokenizer, const std::vector<std::string>& texts, bool add_special) {
  for (const std::string& text : texts) {
    const swiftlet::TokenizedText encoded = tokenizer.encode(text, {.add_special = add_special});
    std::string places;
    for (const auto& span : encoded.offsets)
      fmt::format_to(std::back_inserter(places), "{}{} {}", places.empty() ? "" : " ", span.begin, span.end);
    fmt::print("{}\t{}\t{}\n", fmt::join(encoded.ids, " "), places,
               Json(tokenizer.decode(encoded.ids)).dump());
  }
}

// A native file that holds nothing but this tokenizer.
std::filesystem::path write_native_file(const Tokenizer& tokenizer) {
  const auto path =
      std::filesystem::temp_directory_path() / fmt::format("tokenizer_bench_{}.swiftlet", ::getpid());
  swiftlet::Checkpoint checkpoint;
  const auto buffer = [](const std::string& text) {
    return swiftlet::Buffer::borrowed(nullptr, reinterpret_cast<const std::byte*>(text.data()), text.size());
  };
  const std::string tables = tokenizer.tables();
  checkpoint.tokenizer.kind = swiftlet::TokenizerKind::kTokenizerJson;
  checkpoint.tokenizer.bytes = buffer(tokenizer.serialized());
  checkpoint.tokenizer.tables = buffer(tables);
  if (!tokenizer.config().empty())
    checkpoint.tokenizer.config = swiftlet::Config::parse(tokenizer.config(), "tokenizer_config.json");
  swiftlet::write_native(path, checkpoint);
  return path;
}

struct Times {
  double processor = 1e300, elapsed = 1e300;  // milliseconds; the first of the calling thread alone
};

double processor_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// The least of some rounds.
template <class F>
Times least(F&& f) {
  Times best;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = Clock::now();
    const double before = processor_milliseconds();
    f();
    best.processor = std::min(best.processor, processor_milliseconds() - before);
    best.elapsed = std::min(best.elapsed, milliseconds(start));
  }
  return best;
}

void measure(const std::string& path, const std::vector<std::string>& texts) {
  std::size_t bytes = 0, tokens = 0;
  for (const std::string& text : texts) bytes += text.size();
  std::optional<Tokenizer> tokenizer;
  const Times load = least([&] { tokenizer = open(path); });
  const auto file = write_native_file(*tokenizer);
  const Times native = least([&] { Tokenizer::from_source(swiftlet::load_native(file).tokenizer); });
  tokenizer = Tokenizer::from_source(swiftlet::load_native(file).tokenizer);
  std::filesystem::remove(file);
  const Times encode = least([&] {
    tokens = 0;
    for (const std::string& text : texts) tokens += tokenizer->encode(text).size();
  });
  swiftlet::ThreadPool pool(2);
  std::atomic<std::size_t> batched = 0;
  const Times two = least([&] {
    batched = 0;
    swiftlet::parallel_each(pool, texts.size(),
                            [&](std::size_t i) { batched += tokenizer->encode(texts[i]).size(); });
  });
  if (batched != tokens) throw std::runtime_error("a batch has other tokens");
  const Json line{{"load_milliseconds", load.processor},
                  {"native_load_milliseconds", native.processor},
                  {"encode_milliseconds", encode.processor},
                  {"one_thread_elapsed_milliseconds", encode.elapsed},
                  {"two_threads_elapsed_milliseconds", two.elapsed},
                  {"texts", texts.size()},
                  {"bytes", bytes},
                  {"tokens", tokens},
                  {"megabytes_per_second", static_cast<double>(bytes) / 1e3 / encode.processor}};
  fmt::print("{}\n", line.dump());
}

}  // namespace

int main(int count, char** words) {
  try {
    const std::vector<std::string> options(words + std::min(count, 2), words + count);
    const auto has = [&](const char* name) { return std::count(options.begin(), options.end(), name) > 0; };
    if (count < 2) {
      fmt::print(stderr, "usage: tokenizer_bench TOKENIZER [--dump] [--no-special] < texts.jsonl\n");
      return 2;
    }
    const std::vector<std::string> texts = read_texts();
    if (has("--dump"))
      dump(open(words[1]), texts, !has("--no-special"));
    else
      measure(words[1], texts);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
