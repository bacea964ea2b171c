// Words of ten million bytes: time that grows little faster than they do, and memory in proportion.
#include <gtest/gtest.h>
#include <time.h>

#include <cstring>
#include <fstream>

#include "swiftlet/text/text_testing.h"

namespace swiftlet::text {
namespace {

constexpr std::size_t kBytes = 10'000'000;

// Bytes that the process has held at most since the last call (Linux keeps the mark, and forgets it when
// asked).
std::size_t peak_since_last() {
  std::ifstream status("/proc/self/status");
  std::size_t kilobytes = 0;
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) kilobytes = std::stoul(line.substr(6));
  std::ofstream("/proc/self/clear_refs") << "5";
  return kilobytes * 1024;
}

// Of processor time: what else the machine does counts little.
double seconds_of(const Tokenizer& tokenizer, const std::string& text, std::size_t& tokens) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  const double start = now();
  tokens = tokenizer.encode(text, {.add_special = false}).size();
  return now() - start;
}

class LongWordsSlow : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::string path = GetParam();
    if (path.starts_with('$')) {
      const char* const folder = std::getenv("SWIFTLET_DATA_DIR");
      if (!folder) GTEST_SKIP() << "SWIFTLET_DATA_DIR is not set: no " << path.substr(1);
      path = folder + path.substr(1);
    } else {
      path = data_path("tests/data/tokenizers/" + path);
    }
    tokenizer_.emplace(load_tokenizer(path));
  }
  std::optional<Tokenizer> tokenizer_;
};

TEST_P(LongWordsSlow, InTimeAndMemoryOfTheirLength) {
  for (const char* const unit : {"a", " ", "漢字", "👩‍👩‍👧", "\xFF", "e\u0301", "ab\n"}) {
    std::string word;
    while (word.size() < kBytes) word += unit;
    const std::string tenth = word.substr(0, word.size() / std::strlen(unit) / 10 * std::strlen(unit));
    std::size_t tokens = 0;
    const double small = seconds_of(*tokenizer_, tenth, tokens);
    const std::size_t before = (peak_since_last(), peak_since_last());
    const double large = seconds_of(*tokenizer_, word, tokens);
    const std::size_t peak = peak_since_last();
    const double per_byte =
        static_cast<double>(peak - std::min(peak, before)) / static_cast<double>(word.size());
    fmt::print(
        "{:>12} {:>28}: {:6.3f} s for a tenth, {:6.3f} s, {:4.1f} times; {:5.1f} bytes of memory a byte, {} "
        "tokens\n",
        shown(unit), GetParam(), small, large, large / small, per_byte, tokens);
    // n log n makes 11.7 of 10, memory that no cache holds more of it; what is quadratic takes 100 times as
    // long.
    EXPECT_LT(large, small * 50 + 0.5) << shown(unit);
    EXPECT_LT(per_byte, 256) << shown(unit);
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, LongWordsSlow,
                         testing::Values("small-bpe", "small-bytes", "small-unigram", "bert-uncased",
                                         "$/tokenizers/gpt2", "$/tokenizers/llama2/tokenizer.json",
                                         "$/tokenizers/llama3/tokenizer.model", "$/tokenizers/qwen2",
                                         "$/tokenizers/t5/tokenizer.json"),
                         [](const auto& name) {
                           std::string text = name.param;
                           for (char& c : text) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return text;
                         });

}  // namespace
}  // namespace swiftlet::text
