// Every attention kernel, in f32 and where a table has it in bf16, against plain double precision, and its
// promises about equal bits.
#include "swiftlet/kernels/attention.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "swiftlet/core/buffer.h"
#include "swiftlet/core/float_bits.h"
#include "swiftlet/kernels/test_tables.h"
#include "swiftlet/kernels/test_values.h"

namespace swiftlet::kernels {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// What probabilities lose in bf16, beside the rounding of their inputs: their own, and the error of a cubic.
constexpr double kProbabilityError = 0x1p-8 + 8e-5;

struct Lengths {
  int queries, keys;
};

AttentionSpec make_spec(int heads, int kv_heads, int head_dim, int value_dim, bool causal) {
  AttentionSpec spec{.heads = heads, .kv_heads = kv_heads, .head_dim = head_dim, .value_dim = value_dim};
  spec.scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  spec.causal = causal;
  spec.log_sum_exp = true;
  return spec;
}

// A batch with all inputs, in pure form and, after page(), also in a paged cache with shuffled blocks whose
// unused places are NaN.
struct Problem {
  AttentionSpec spec;
  DType dtype;
  bool bf16;
  std::vector<Segment> segments;
  std::vector<float> q, k, v;  // the values that the kernels see: rounded as the dtype asks
  std::vector<float> sinks, slopes, bias;
  std::int64_t ldq, ldk, ldv, rows = 0, keys = 0;
  double range;  // of all inputs
  Buffer key_cache, value_cache;
  std::vector<std::vector<std::int32_t>> blocks;

  Problem(bool products, const AttentionSpec& s, const std::vector<Lengths>& lengths,
          DType type = DType::kF32, double size = 2.0)
      : spec(s), dtype(type), bf16(products), range(size) {
    for (const auto& [queries, count] : lengths) {
      Segment segment;
      segment.query_begin = static_cast<std::int32_t>(rows);
      segment.query_end = static_cast<std::int32_t>(rows += queries);
      segment.key_begin = static_cast<std::int32_t>(keys);
      segment.keys = count;
      keys += count;
      segments.push_back(segment);
    }
    ldq = spec.heads * spec.head_dim + 3;
    ldk = spec.kv_heads * spec.head_dim + 1;
    ldv = spec.kv_heads * spec.value_dim + 2;
    q = random_values(rows * ldq, 1, range);
    k = random_values(keys * ldk, 2, range);
    v = random_values(keys * ldv, 3, range);
    sinks = random_values(spec.heads, 4, 3);
    slopes = random_values(spec.heads, 5, 0.5);
    bias = random_values(spec.heads * (2 * kBiasExtent - 1), 6, 2);
    if (bf16) round(q);
    if (dtype == DType::kBF16 || (bf16 && dtype == DType::kF32)) round(k), round(v);
    if (dtype == DType::kI8) {
      quantize(k, ldk, spec.head_dim);
      quantize(v, ldv, spec.value_dim);
    }
  }

  static void round(std::vector<float>& x) {
    for (float& value : x) value = bf16_to_f32(f32_to_bf16(value));
  }
  // Every head of a row by itself, to 127 steps either side of zero.
  void quantize(std::vector<float>& x, std::int64_t ld, int size) const {
    for (std::int64_t row = 0; row < keys; ++row)
      for (int head = 0; head < spec.kv_heads; ++head) {
        float* values = x.data() + row * ld + head * size;
        float largest = 0;
        for (int i = 0; i < size; ++i) largest = std::max(largest, std::abs(values[i]));
        for (int i = 0; i < size; ++i)
          values[i] = largest / 127.0f * std::nearbyint(values[i] * (127.0f / largest));
      }
  }
  static constexpr std::int64_t kBiasExtent = 20;

  AttentionArgs args(float* y, float* log_sum_exp, bool paged = false) const {
    AttentionArgs a;
    a.spec = spec;
    a.q = q.data(), a.ldq = ldq;
    a.bf16 = bf16;
    a.kv = {.dtype = paged ? dtype : DType::kF32, .ldk = ldk, .ldv = ldv, .paged = paged};
    a.kv.keys = paged ? static_cast<const void*>(key_cache.data()) : k.data();
    a.kv.values = paged ? static_cast<const void*>(value_cache.data()) : v.data();
    a.segments = segments.data(), a.segment_count = static_cast<int>(segments.size());
    a.sink_logits = sinks.data(), a.alibi_slopes = slopes.data();
    a.bias = bias.data(), a.bias_extent = kBiasExtent;
    a.y = y, a.ldy = spec.heads * spec.value_dim, a.log_sum_exp = log_sum_exp;
    return a;
  }

  void page(ThreadPool& pool) {
    std::int32_t total = 0;
    for (const Segment& segment : segments) total += (segment.keys + kKeyBlock - 1) / kKeyBlock;
    const std::int32_t cache_blocks = 2 * total + 3;  // every other one stays unused
    std::vector<std::int64_t> slots;
    std::int32_t next = 0;
    for (Segment& segment : segments) {
      blocks.emplace_back();
      for (std::int32_t j = 0; j < segment.keys; ++j) {
        if (j % kKeyBlock == 0) blocks.back().push_back(2 * ((next++ * 7919) % std::max(total, 1)) + 1);
        slots.push_back(std::int64_t{blocks.back().back()} * kKeyBlock + j % kKeyBlock);
      }
    }
    if (total > 1 && 7919 % total == 0) ADD_FAILURE() << "blocks collide";
    const auto make_cache = [&](int size) {
      const std::int64_t heads = std::int64_t{cache_blocks} * spec.kv_heads;
      Buffer cache = Buffer::heap(static_cast<std::size_t>(heads * cache_head_bytes(dtype, size)));
      std::memset(cache.mutable_data(), 0xff, cache.size());  // NaN in all types
      return cache;
    };
    key_cache = make_cache(spec.head_dim), value_cache = make_cache(spec.value_dim);
    cache_append(pool, {.k = k.data(),
                        .v = v.data(),
                        .ldk = ldk,
                        .ldv = ldv,
                        .rows = keys,
                        .kv_heads = spec.kv_heads,
                        .head_dim = spec.head_dim,
                        .value_dim = spec.value_dim,
                        .slots = slots.data(),
                        .dtype = dtype,
                        .key_cache = key_cache.mutable_data(),
                        .value_cache = value_cache.mutable_data()});
    for (std::size_t s = 0; s < segments.size(); ++s) segments[s].blocks = blocks[s].data();
  }
};

struct Result {
  std::vector<float> y, log_sum_exp;
  bool operator==(const Result& other) const {
    return same_bits(y, other.y) && same_bits(log_sum_exp, other.log_sum_exp);
  }
};

Result run_kernel(const KernelTable& table, const Problem& problem, int threads = 1, bool paged = false) {
  ThreadPool pool(threads);
  const Buffer workspace = [&] {
    Buffer buffer = Buffer::heap(attention_workspace(problem.spec, pool.size()));
    std::memset(buffer.mutable_data(), 0xff, buffer.size());  // nothing may rest on what lies there
    return buffer;
  }();
  Guarded y(problem.rows * problem.spec.heads * problem.spec.value_dim, kNan),
      lse(problem.rows * problem.spec.heads, kNan);
  attention(table, pool, problem.args(y.data(), lse.data(), paged), Buffer(workspace).mutable_data());
  EXPECT_TRUE(y.intact() && lse.intact());
  return {y.values(), lse.values()};
}

struct Reference {
  std::vector<double> y, log_sum_exp;
  std::vector<double> magnitude;  // of y: the sum of the magnitudes
};

bool sees(const AttentionSpec& spec, std::int64_t i, std::int64_t j) {
  if (spec.causal && j > i) return false;
  if (spec.window > 0 && (i - j >= spec.window || j - i >= spec.window)) return false;
  return true;
}

double score_in_double(const Problem& p, const Segment& segment, std::int64_t row, int head, std::int64_t j) {
  const AttentionSpec& spec = p.spec;
  const int group = head / (spec.heads / spec.kv_heads);
  double score = 0;
  for (int d = 0; d < spec.head_dim; ++d)
    score += double{p.q[static_cast<std::size_t>(row * p.ldq + head * spec.head_dim + d)]} *
             p.k[static_cast<std::size_t>((segment.key_begin + j) * p.ldk + group * spec.head_dim + d)];
  score *= spec.scale;
  if (spec.soft_cap > 0) score = spec.soft_cap * std::tanh(score / spec.soft_cap);
  const std::int64_t i = segment.keys - segment.query_end + row;
  if (spec.alibi) score -= p.slopes[static_cast<std::size_t>(head)] * std::abs(double(i - j));
  if (spec.relative_bias == RelativeBias::kT5) {
    const std::int64_t extent = Problem::kBiasExtent;
    const std::int64_t distance = std::clamp(j - i, 1 - extent, extent - 1);
    score += p.bias[static_cast<std::size_t>(head * (2 * extent - 1) + distance + extent - 1)];
  }
  return score;
}

Reference in_double(const Problem& p) {
  Reference result;
  const AttentionSpec& spec = p.spec;
  for (const Segment& segment : p.segments)
    for (std::int64_t row = segment.query_begin; row < segment.query_end; ++row)
      for (int head = 0; head < spec.heads; ++head) {
        const int group = head / (spec.heads / spec.kv_heads);
        const auto width = static_cast<std::size_t>(spec.value_dim);
        std::vector<double> weights, y(width, 0.0), magnitude(width, 0.0);
        std::vector<std::int64_t> seen;
        double largest = -HUGE_VAL, total = 0;
        for (std::int64_t j = 0; j < segment.keys; ++j)
          if (sees(spec, segment.keys - segment.query_end + row, j)) {
            seen.push_back(j);
            weights.push_back(score_in_double(p, segment, row, head, j));
            largest = std::max(largest, weights.back());
          }
        for (double& w : weights) total += w = std::exp(w - largest);
        if (spec.sinks && !seen.empty()) total += std::exp(p.sinks[static_cast<std::size_t>(head)] - largest);
        for (std::size_t n = 0; n < seen.size(); ++n)
          for (std::size_t e = 0; e < width; ++e) {
            const std::int64_t row_of_v = segment.key_begin + seen[n];
            const double product =
                weights[n] / total *
                p.v[static_cast<std::size_t>(row_of_v * p.ldv) + static_cast<std::size_t>(group) * width + e];
            y[e] += product, magnitude[e] += std::abs(product);
          }
        result.y.insert(result.y.end(), y.begin(), y.end());
        result.magnitude.insert(result.magnitude.end(), magnitude.begin(), magnitude.end());
        result.log_sum_exp.push_back(seen.empty() ? -HUGE_VAL : largest + std::log(total));
      }
  return result;
}

// The relative error of a probability is the absolute error of its score, whose size is that of range^2; to
// that comes that of its rounding, in the sum of products and in the sum that divides it.
void expect_reference(const KernelTable& table, Problem problem) {
  const Reference expected = in_double(problem);
  const bool paged = problem.dtype == DType::kI8;  // has no other form
  ThreadPool pool(1);
  if (paged) problem.page(pool);
  const Result actual = run_kernel(table, problem, 1, paged);
  const double range = problem.range;
  const double rounding = problem.bf16 ? kProbabilityError : 0;
  EXPECT_TRUE(near(actual.y, expected.y, [&](std::size_t i) {
    return range * (2e-6 + range * range * 0x1p-22) + 2 * rounding * expected.magnitude[i];
  }));
  EXPECT_TRUE(near(actual.log_sum_exp, expected.log_sum_exp, [&](std::size_t i) {
    return range * range * 1e-6 * (1 + std::abs(expected.log_sum_exp[i])) + 1.01 * rounding;
  }));
}

const std::vector<Lengths> kRagged = {{5, 5}, {1, 1}, {33, 33}, {60, 60}, {17, 17}, {3, 70}, {1, 64}};

constexpr std::string_view kBF16Suffix = "_bf16";

std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (const std::string_view name : table_names()) names.emplace_back(name);
  for (const char* name : {"avx512", "amx", "amx_model"}) names.push_back(std::string(name) + "_bf16");
  return names;
}

class AttentionTest : public testing::TestWithParam<std::string> {
 public:
  const KernelTable& table() const { return *table_; }
  bool bf16() const { return bf16_; }
  // A cache that is computed as the keys in rows are.
  DType exact_cache() const { return bf16_ ? DType::kBF16 : DType::kF32; }

  Problem make(const AttentionSpec& spec, const std::vector<Lengths>& lengths, DType dtype = DType::kF32,
               double range = 2.0) const {
    return Problem(bf16_, spec, lengths, dtype, range);
  }

 protected:
  void SetUp() override {
    std::string name = GetParam();
    bf16_ = name.ends_with(kBF16Suffix);
    if (bf16_) name.resize(name.size() - kBF16Suffix.size());
    std::string_view missing;
    if (name == "amx_model")
      find_modelled(name, missing);
    else if (missing = missing_for(name); missing.empty())
      table_ = &table_for(name);
    if (table_ != nullptr && bf16_ && table_->attention.attend_chunk_bf16 == nullptr)
      table_ = nullptr, missing = "products in bf16";
    if (table_ == nullptr) GTEST_SKIP() << "this machine lacks " << missing;
  }

 private:
  void find_modelled(const std::string& name, std::string_view& missing) {
    for (const ModelledTable& modelled : modelled_tables())
      if (modelled.name == name) table_ = modelled.table, missing = modelled.missing;
    if (missing.empty()) missing = "AVX2";
  }
  const KernelTable* table_ = nullptr;
  bool bf16_ = false;
};

TEST_P(AttentionTest, HeadSizes) {
  for (const int d : {1, 8, 15, 32, 48, 64, 80, 96, 100, 128, 256})
    for (const bool causal : {false, true})
      for (const DType dtype : {DType::kF32, DType::kBF16, DType::kI8}) {
        SCOPED_TRACE(testing::Message() << "D " << d << " causal " << causal << " " << dtype_name(dtype));
        expect_reference(table(), make(make_spec(2, 2, d, d, causal), {{5, 5}, {40, 40}, {2, 35}}, dtype));
      }
}

TEST_P(AttentionTest, ValueSizeApartFromKeySize) {
  expect_reference(table(), make(make_spec(2, 1, 48, 20, true), kRagged));
  expect_reference(table(), make(make_spec(2, 1, 20, 72, false), kRagged));
}

TEST_P(AttentionTest, GroupedHeads) {
  for (const auto& [heads, kv_heads] : {std::pair{6, 6}, {6, 2}, {6, 1}, {71, 1}, {12, 3}})
    for (const bool causal : {false, true}) {
      SCOPED_TRACE(testing::Message() << heads << "/" << kv_heads << " causal " << causal);
      expect_reference(table(), make(make_spec(heads, kv_heads, 32, 32, causal), kRagged));
    }
}

TEST_P(AttentionTest, Options) {
  for (const bool causal : {false, true})
    for (int mask = 0; mask < 32; ++mask) {
      AttentionSpec spec = make_spec(4, 2, 24, 24, causal);
      if (mask & 1) spec.window = 7;
      if (mask & 2) spec.soft_cap = 3;
      if (mask & 4) spec.sinks = true;
      if (mask & 8) spec.alibi = true;
      if (mask & 16) spec.relative_bias = RelativeBias::kT5;
      SCOPED_TRACE(testing::Message() << "options " << mask << " causal " << causal);
      for (const DType dtype : {DType::kF32, DType::kI8})
        expect_reference(table(), make(spec, {{33, 33}, {2, 90}, {1, 3}}, dtype));
    }
}

TEST_P(AttentionTest, WindowsOfAllSizes) {
  for (const int window : {1, 2, 31, 32, 33, 64, 1000}) {
    SCOPED_TRACE(window);
    AttentionSpec spec = make_spec(2, 2, 16, 16, true);
    spec.window = window;
    expect_reference(table(), make(spec, {{70, 70}, {10, 130}}));
    spec.causal = false;
    expect_reference(table(), make(spec, {{70, 70}}));
  }
}

TEST_P(AttentionTest, SeveralChunks) {
  AttentionSpec spec = make_spec(4, 2, 16, 16, true);
  expect_reference(table(), make(spec, {{3, 2 * kKeyChunk + 77}, {70, kKeyChunk + 5}}));
  spec.window = kKeyChunk / 2;
  spec.sinks = true;
  expect_reference(table(), make(spec, {{40, 2 * kKeyChunk + 20}}));
}

TEST_P(AttentionTest, LargeScores) {
  expect_reference(table(), make(make_spec(2, 2, 4, 8, true), {{50, 50}}, DType::kF32, 8.0));
}

TEST_P(AttentionTest, ScalesOfAllSigns) {
  AttentionSpec spec = make_spec(2, 2, 32, 32, true);
  for (const float scale : {1.0f, 0.0f, -0.5f}) {
    spec.scale = scale;
    expect_reference(table(), make(spec, {{40, 40}}, DType::kF32, 0.5));
  }
}

TEST_P(AttentionTest, CrossAttentionWithMoreQueriesThanKeys) {
  expect_reference(table(), make(make_spec(3, 3, 32, 32, false), {{50, 7}, {9, 33}}));
}

TEST_P(AttentionTest, NoVisibleKeys) {
  for (const bool causal : {false, true}) {
    AttentionSpec spec = make_spec(2, 1, 32, 32, causal);
    spec.sinks = causal;
    // Causal: the first two of five queries stand before the first of three keys.
    const Problem problem = make(spec, {{4, 0}, {0, 5}, {5, 3}, {0, 0}});
    expect_reference(table(), problem);
    const Result result = run_kernel(table(), problem);
    EXPECT_EQ(result.y[0], 0.0f);
    EXPECT_EQ(result.log_sum_exp[0], -std::numeric_limits<float>::infinity());
  }
  run_kernel(table(), make(make_spec(2, 1, 32, 32, true), {}));
}

TEST_P(AttentionTest, PagedEqualsPure) {
  ThreadPool pool(2);
  for (const DType dtype : {exact_cache(), DType::kBF16})
    for (const int d : {15, 32, 64, 80, 100}) {
      SCOPED_TRACE(testing::Message() << "D " << d << " " << dtype_name(dtype));
      AttentionSpec spec = make_spec(4, 2, d, d == 80 ? 48 : d, true);
      Problem problem = make(spec, {{5, 5}, {1, 1}, {40, 40}, {3, 70}, {1, 64}, {1, kKeyChunk + 40}}, dtype);
      const Result pure = run_kernel(table(), problem);
      problem.page(pool);
      EXPECT_TRUE(run_kernel(table(), problem, 1, true) == pure);
      EXPECT_TRUE(run_kernel(table(), problem, 3, true) == pure);
    }
}

TEST_P(AttentionTest, Int8CacheInAnySplit) {
  ThreadPool pool(3);
  for (const int d : {20, 64, 80}) {
    SCOPED_TRACE(d);
    AttentionSpec spec = make_spec(6, 2, d, d == 80 ? 48 : d, true);
    spec.sinks = true;
    Problem problem = make(spec, {{5, 5}, {1, 1}, {40, 40}, {3, 70}, {1, 3 * kKeyChunk + 40}}, DType::kI8);
    expect_reference(table(), problem);
    problem.page(pool);
    const Result one = run_kernel(table(), problem, 1, true);
    EXPECT_TRUE(run_kernel(table(), problem, 3, true) == one);
    Problem last = problem;
    last.segments = {problem.segments.back()};
    last.segments[0].query_begin = last.segments[0].query_end - 1;
    const std::size_t width = static_cast<std::size_t>(spec.heads * spec.value_dim);
    const Result alone = run_kernel(table(), last, 1, true);
    EXPECT_EQ(std::memcmp(alone.y.data() + alone.y.size() - width, one.y.data() + one.y.size() - width,
                          width * sizeof(float)),
              0);
  }
}

// Zeros and numbers too small for a scale become zeros; a row with NaN or infinity is NaN, others are not.
TEST_P(AttentionTest, Int8CacheOfExtremes) {
  ThreadPool pool(1);
  const AttentionSpec spec = make_spec(2, 2, 32, 32, true);
  Problem problem = make(spec, {{40, 40}}, DType::kI8, 0.0);
  problem.q.assign(problem.q.size(), 1.0f);
  problem.k.assign(problem.k.size(), 1e-42f);
  problem.v.assign(problem.v.size(), 0.0f);
  for (int i = 0; i < 32; ++i) problem.v[static_cast<std::size_t>(i)] = 1e-42f;
  problem.v[static_cast<std::size_t>(20 * problem.ldv + 3)] = 3e38f;
  problem.v[static_cast<std::size_t>(30 * problem.ldv + 5)] = std::numeric_limits<float>::infinity();
  problem.v[static_cast<std::size_t>(35 * problem.ldv + 40)] = kNan;  // of the second head
  problem.page(pool);
  const Result result = run_kernel(table(), problem, 1, true);
  for (std::int64_t row = 0; row < 40; ++row)
    for (std::int64_t i = 0; i < 64; ++i) {
      const float y = result.y[static_cast<std::size_t>(row * 64 + i)];
      const bool spoiled = i < 32 ? row >= 30 : row >= 35;
      EXPECT_EQ(std::isnan(y), spoiled) << row << " " << i;
      if (spoiled) continue;
      const double expected = i == 3 && row >= 20 ? 3e38 / static_cast<double>(row + 1) : 0.0;
      EXPECT_NEAR(y, expected, (bf16() ? 2 * kProbabilityError : 1e-5) * expected) << row << " " << i;
    }
}

TEST_P(AttentionTest, BF16IsAskedFor) {
  const AttentionSpec spec = make_spec(2, 1, 32, 32, true);
  Problem problem = make(spec, {{40, 40}});
  const Result asked = run_kernel(table(), problem);
  problem.bf16 = false;
  EXPECT_EQ(run_kernel(table(), problem) == asked, !bf16());
  // A cache in f32 is computed in f32 whatever is asked.
  ThreadPool pool(1);
  const Result exact = run_kernel(table(), problem);
  problem.page(pool);
  problem.bf16 = true;
  EXPECT_TRUE(run_kernel(table(), problem, 1, true) == exact);
}

TEST_P(AttentionTest, WindowedPagedEqualsPureAndLeavesForgottenBlocksAlone) {
  ThreadPool pool(1);
  AttentionSpec spec = make_spec(2, 1, 32, 32, true);
  spec.window = 40;
  Problem problem = make(spec, {{3, 200}}, exact_cache());
  const Result pure = run_kernel(table(), problem);
  problem.page(pool);
  for (int b = 0; b < 4; ++b) problem.blocks[0][static_cast<std::size_t>(b)] = 1 << 30;  // given back
  EXPECT_TRUE(run_kernel(table(), problem, 1, true) == pure);
}

TEST_P(AttentionTest, ThreadsDoNotChangeTheResult) {
  for (const bool causal : {false, true}) {
    const Problem problem = make(make_spec(3, 3, 32, 32, causal), kRagged);
    const Result one = run_kernel(table(), problem, 1);
    EXPECT_TRUE(run_kernel(table(), problem, 2) == one);
    EXPECT_TRUE(run_kernel(table(), problem, 3) == one);
  }
}

TEST_P(AttentionTest, SplitOverKeysDoesNotChangeTheResult) {
  AttentionSpec spec = make_spec(4, 1, 16, 24, true);
  spec.sinks = true;
  const Problem problem = make(spec, {{2, 9 * kKeyChunk + 7}, {1, 3}, {1, kKeyChunk + 1}});
  const Result one = run_kernel(table(), problem, 1);
  EXPECT_TRUE(run_kernel(table(), problem, 2) == one);
  EXPECT_TRUE(run_kernel(table(), problem, 3) == one);
}

TEST_P(AttentionTest, BatchDoesNotChangeTheResult) {
  const AttentionSpec spec = make_spec(4, 2, 32, 40, true);
  const Problem batch = make(spec, kRagged);
  const Result together = run_kernel(table(), batch);
  for (std::size_t s = 0; s < batch.segments.size(); ++s) {
    Problem alone = batch;
    alone.segments = {batch.segments[s]};
    const Result single = run_kernel(table(), alone);
    const std::int64_t width = spec.heads * spec.value_dim;
    const std::int64_t begin = batch.segments[s].query_begin * width,
                       end = batch.segments[s].query_end * width;
    EXPECT_EQ(std::memcmp(together.y.data() + begin, single.y.data() + begin,
                          static_cast<std::size_t>(end - begin) * sizeof(float)),
              0)
        << "segment " << s;
  }
}

// A prompt gives the same rows in one step, token by token, and in steps of seven.
TEST_P(AttentionTest, StepsDoNotChangeTheResult) {
  constexpr int kLength = kKeyChunk + 50, kSteps = 100;
  AttentionSpec spec = make_spec(6, 2, 32, 32, true);
  for (const int window : {0, 50}) {
    spec.window = window;
    const Problem whole = make(spec, {{kSteps, kLength}});
    const Result at_once = run_kernel(table(), whole);
    for (const int step : {1, 7}) {
      Problem stepped = whole;
      stepped.segments.clear();
      for (int row = 0; row < kSteps; row += step) {
        Segment segment = whole.segments[0];
        segment.query_begin = row, segment.query_end = std::min(row + step, kSteps);
        segment.keys = kLength - kSteps + segment.query_end;
        stepped.segments.push_back(segment);
      }
      EXPECT_TRUE(run_kernel(table(), stepped) == at_once) << "steps of " << step;
    }
  }
}

TEST_P(AttentionTest, NanStaysWithTheQueriesThatSeeIt) {
  const AttentionSpec spec = make_spec(2, 2, 32, 32, true);
  const Problem clean = make(spec, {{40, 40}, {10, 10}});
  const Result expected = run_kernel(table(), clean);
  constexpr std::int64_t kKey = 35, kWidth = 64;
  for (const bool in_value : {false, true})
    for (const float poison : {kNan, std::numeric_limits<float>::infinity()}) {
      Problem spoiled = clean;
      (in_value ? spoiled.v
                : spoiled.k)[static_cast<std::size_t>(kKey * (in_value ? clean.ldv : clean.ldk))] = poison;
      const Result result = run_kernel(table(), spoiled);
      for (std::int64_t row = 0; row < 50; ++row)
        for (std::int64_t i = 0; i < kWidth; ++i) {
          const auto at = static_cast<std::size_t>(row * kWidth + i);
          const bool reached = row >= kKey && row < 40 && i < 32;
          if (!reached) {
            EXPECT_EQ(result.y[at], expected.y[at]) << row << " " << i;
          } else if (std::isnan(poison) && (!in_value || i == 0)) {
            EXPECT_TRUE(std::isnan(result.y[at])) << row << " " << i;
          }
        }
    }
}

TEST_P(AttentionTest, CacheAppendSkipsNegativeSlots) {
  ThreadPool pool(1);
  const std::vector<float> row(8, 1.0f);
  std::vector<float> keys(8 * kKeyBlock, 5.0f), values(keys);
  const std::int64_t slots[] = {-1};
  cache_append(pool, {.k = row.data(),
                      .v = row.data(),
                      .ldk = 8,
                      .ldv = 8,
                      .rows = 1,
                      .kv_heads = 1,
                      .head_dim = 8,
                      .value_dim = 8,
                      .slots = slots,
                      .key_cache = keys.data(),
                      .value_cache = values.data()});
  EXPECT_EQ(keys, std::vector<float>(8 * kKeyBlock, 5.0f));
  EXPECT_EQ(values, keys);
}

INSTANTIATE_TEST_SUITE_P(Tables, AttentionTest, testing::ValuesIn(kernel_names()), name_of_table);

}  // namespace
}  // namespace swiftlet::kernels
