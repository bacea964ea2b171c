// How long a tokenizer takes to load and to encode, on one thread; and what it answers, for comparison with
// the field's own package (tools/reference/compare_tokenizers.py runs it).
//
//   tokenizer_bench TOKENIZER < texts.jsonl             times, one JSON object
//   tokenizer_bench TOKENIZER --dump < texts.jsonl      ids, begins and ends of their bytes, and what
//   decode()
//                                                       makes of the ids (JSON), separated by tabs
//
// TOKENIZER is a tokenizer file or a folder that holds one; the texts are JSON strings, one a line.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/io/tokenizer_source.h"
#include "swiftlet/text/tokenizer.h"

namespace {

using swiftlet::Tokenizer;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

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

void measure(const std::string& path, const std::vector<std::string>& texts) {
  double load = 1e300, encode = 1e300;
  std::size_t bytes = 0, tokens = 0;
  for (const std::string& text : texts) bytes += text.size();
  std::optional<Tokenizer> tokenizer;
  for (int round = 0; round < 5; ++round) {
    const auto start = Clock::now();
    tokenizer = open(path);
    load = std::min(load, milliseconds(start));
  }
  for (int round = 0; round < 5; ++round) {
    tokens = 0;
    const auto start = Clock::now();
    for (const std::string& text : texts) tokens += tokenizer->encode(text).size();
    encode = std::min(encode, milliseconds(start));
  }
  const Json line{
      {"load_milliseconds", load}, {"encode_milliseconds", encode},
      {"texts", texts.size()},     {"bytes", bytes},
      {"tokens", tokens},          {"megabytes_per_second", static_cast<double>(bytes) / 1e3 / encode}};
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
