// The op over ragged batches; the kernels' own tests are in kernels/attention_test.cpp, the paged form is
// compared with the pure one in passes/lower_to_paged_cache_test.cpp.
#include "swiftlet/ops/attention.h"

#include "swiftlet/graph/test_ops.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::doubles;
using test::error_of;
using test::random_tensor;

const Dim kTokens = Dim::symbol("tokens");

AttentionSpec small_spec(bool causal = false) {
  return {.heads = 6, .kv_heads = 2, .head_dim = 4, .value_dim = 5, .scale = 0.5f, .causal = causal};
}

struct AttentionTest : testing::Test {
  std::vector<int> lengths{3, 1, 40, 7};
  std::int64_t tokens = 51;
  Tensor q = random_tensor({51, 24}, 1, 2), k = random_tensor({51, 8}, 2, 2),
         v = random_tensor({51, 10}, 3, 2);
  Tensor sinks = random_tensor({6}, 4), slopes = random_tensor({6}, 5, 0.3), bias = random_tensor({6, 15}, 6);

  struct Expected {
    std::vector<double> y, log_sum_exp;
  };
  // softmax(scores) v by the formula, one query head at a time, each sequence by itself.
  Expected formula(const AttentionSpec& spec) const {
    Expected out;
    int begin = 0;
    for (int length : lengths) {
      for (int row = 0; row < length; ++row)
        for (int head = 0; head < spec.heads; ++head) attend(spec, begin, length, row, head, out);
      begin += length;
    }
    return out;
  }

  double score(const AttentionSpec& spec, int begin, int row, int key, int head) const {
    const auto *qs = q.data<float>(), *ks = k.data<float>();
    const int group = head / (spec.heads / spec.kv_heads);
    double dot = 0;
    for (int d = 0; d < spec.head_dim; ++d)
      dot += static_cast<double>(qs[(begin + row) * 24 + head * spec.head_dim + d]) *
             ks[(begin + key) * 8 + group * spec.head_dim + d];
    double s = dot * spec.scale;
    if (spec.soft_cap > 0) s = spec.soft_cap * std::tanh(s / spec.soft_cap);
    if (spec.alibi) s -= static_cast<double>(slopes.data<float>()[head]) * std::abs(row - key);
    if (spec.relative_bias == kernels::RelativeBias::kT5)
      s += bias.data<float>()[head * 15 + std::clamp(key - row + 7, 0, 14)];
    return s;
  }

  void attend(const AttentionSpec& spec, int begin, int length, int row, int head, Expected& out) const {
    const auto* vs = v.data<float>();
    const int group = head / (spec.heads / spec.kv_heads);
    double sum = spec.sinks ? std::exp(static_cast<double>(sinks.data<float>()[head])) : 0;
    std::vector<double> y(static_cast<std::size_t>(spec.value_dim), 0);
    for (int key = 0; key < length; ++key) {
      if (spec.causal && key > row) continue;
      if (spec.window > 0 && std::abs(row - key) >= spec.window) continue;
      const double weight = std::exp(score(spec, begin, row, key, head));
      sum += weight;
      for (int e = 0; e < spec.value_dim; ++e)
        y[static_cast<std::size_t>(e)] += weight * vs[(begin + key) * 10 + group * spec.value_dim + e];
    }
    for (double value : y) out.y.push_back(value / sum);
    out.log_sum_exp.push_back(std::log(sum));
  }

  void expect(const AttentionSpec& spec) {
    Graph graph;
    const auto input = [&](const char* name, std::int64_t width) {
      return graph.add_input(name, {DType::kF32, {kTokens, width}});
    };
    const Value sink = spec.sinks ? graph.add_constant(sinks) : Value{};
    const Value alibi = spec.alibi ? graph.add_constant(slopes) : Value{};
    const Value table =
        spec.relative_bias == kernels::RelativeBias::kNone ? Value{} : graph.add_constant(bias);
    const auto outputs = graph.add(
        kAttention, {input("q", 24), input("k", 8), input("v", 10), sink, alibi, table}, to_attributes(spec));
    for (Value output : outputs) graph.add_output(output);
    const Expected expected = formula(spec);
    std::vector<Tensor> tensors{test::tensor_of({tokens, 30}, expected.y)};
    if (spec.log_sum_exp) tensors.push_back(test::tensor_of({tokens, 6}, expected.log_sum_exp));
    SCOPED_TRACE(to_attributes(spec).to_string());
    test::expect_outputs(graph, test::ragged(lengths), {{"q", q}, {"k", k}, {"v", v}}, tensors, 5e-6);
  }
};

TEST_F(AttentionTest, EachSequenceSeesItself) {
  expect(small_spec(false));
  expect(small_spec(true));
}

TEST_F(AttentionTest, EveryFieldOfTheSpec) {
  for (const bool causal : {false, true}) {
    AttentionSpec spec = small_spec(causal);
    spec.window = 5;
    expect(spec);
    spec = small_spec(causal);
    spec.soft_cap = 2;
    expect(spec);
    spec = small_spec(causal);
    spec.sinks = spec.log_sum_exp = true;
    expect(spec);
    spec = small_spec(causal);
    spec.alibi = true;
    expect(spec);
    spec = small_spec(causal);
    spec.relative_bias = kernels::RelativeBias::kT5;
    expect(spec);
    spec.window = 9;
    spec.soft_cap = 3;
    spec.sinks = spec.alibi = spec.log_sum_exp = true;
    expect(spec);
  }
}

TEST_F(AttentionTest, AttributesKeepEveryFieldOfTheSpec) {
  AttentionSpec spec = small_spec(true);
  spec.scale = 0.1f;
  spec.window = 7;
  spec.soft_cap = 30.1f;
  spec.sinks = spec.alibi = spec.log_sum_exp = true;
  spec.relative_bias = kernels::RelativeBias::kT5;
  EXPECT_EQ(attention_spec(to_attributes(spec)), spec);
}

struct AttentionShapeTest : testing::Test {
  Graph graph;
  Value input(const std::string& name, std::int64_t width, const Dim& rows = kTokens) {
    return graph.add_input(name, {DType::kF32, {rows, width}});
  }
  Value q = input("q", 24), k = input("k", 8), v = input("v", 10);
  std::string error(const AttentionSpec& spec, const AttentionExtras& extras = {}) {
    return error_of([&] { attention(q, k, v, spec, extras); });
  }
  static constexpr const char* kWhere = "[attention.0 (attention)] ";
};

TEST_F(AttentionShapeTest, Widths) {
  AttentionSpec spec = small_spec();
  EXPECT_EQ(attention(q, k, v, spec).type().to_string(), "f32[tokens, 30]");
  Graph other;
  spec.head_dim = 5;
  EXPECT_EQ(error(spec), "[attention.1 (attention)] q must have 6 x 5 columns, is f32[tokens, 24]");
  spec = small_spec();
  spec.value_dim = 4;
  EXPECT_EQ(error(spec), "[attention.1 (attention)] v must have 2 x 4 columns, is f32[tokens, 10]");
}

TEST_F(AttentionShapeTest, KeysMayHaveAnAxisOfTheirOwn) {
  k = input("keys", 8, Dim::symbol("source"));
  EXPECT_EQ(error(small_spec()), fmt::format("{}k has source rows but v has tokens", kWhere));
  v = input("values", 10, Dim::symbol("source"));
  EXPECT_EQ(attention(q, k, v, small_spec()).type().to_string(), "f32[tokens, 30]");
}

TEST_F(AttentionShapeTest, Heads) {
  AttentionSpec spec = small_spec();
  spec.kv_heads = 4;
  EXPECT_EQ(error(spec), fmt::format("{}6 query heads do not divide into 4 key/value heads", kWhere));
  spec.kv_heads = 0;
  EXPECT_EQ(error(spec), fmt::format("{}6 query heads do not divide into 0 key/value heads", kWhere));
  spec = small_spec();
  spec.head_dim = 0;
  EXPECT_EQ(error(spec), fmt::format("{}head sizes must be positive, are 0 and 5", kWhere));
  spec = small_spec();
  spec.window = -1;
  EXPECT_EQ(error(spec), fmt::format("{}scale 0.5, window -1 or soft cap 0 is out of range", kWhere));
}

TEST_F(AttentionShapeTest, ExtraInputsAreThoseOfTheSpec) {
  AttentionSpec spec = small_spec();
  const Value six = graph.add_weight("six", {DType::kF32, {6}}),
              five = graph.add_weight("five", {DType::kF32, {5}});
  const std::string mismatch =
      fmt::format("{}the extra inputs are not those that the attention spec names", kWhere);
  EXPECT_EQ(error(spec, {.sink_logits = six}), mismatch);
  spec.sinks = true;
  EXPECT_EQ(error(spec), mismatch);
  EXPECT_EQ(error(spec, {.sink_logits = five}),
            fmt::format("{}sink logits must be f32[6], is f32[5]", kWhere));
  spec = small_spec();
  spec.relative_bias = kernels::RelativeBias::kT5;
  const Value even = graph.add_weight("even", {DType::kF32, {6, 8}});
  EXPECT_EQ(error(spec, {.relative_bias = even}),
            fmt::format("{}relative bias must be f32[6, odd], is f32[6, 8]", kWhere));
}

TEST_F(AttentionShapeTest, PagedFormsCheckTheSame) {
  const Value state = graph.add_state("cache.0");
  AttentionSpec spec = small_spec(true);
  const Value appended = graph.add(kCacheAppend, {k, v, state}, to_attributes(spec))[0];
  EXPECT_EQ(graph.add(kAttentionPaged, {q, appended, {}, {}, {}}, to_attributes(spec))[0].type().to_string(),
            "f32[tokens, 30]");
  spec.kv_heads = 3;
  EXPECT_EQ(error_of([&] {
              graph.add(kCacheAppend, {k, v, state}, to_attributes(spec));
            }),
            "[cache_append.2 (cache_append)] k must have 3 x 4 columns, is f32[tokens, 8]");
  const Value rows = input("rows", 10, Dim::symbol("n"));
  EXPECT_EQ(error_of([&] {
              graph.add(kCacheAppend, {k, rows, state}, to_attributes(small_spec(true)));
            }),
            "[cache_append.2 (cache_append)] k has tokens rows but v has n");
  EXPECT_EQ(error_of([&] {
              graph.add(kAttentionPaged, {q, appended}, to_attributes(small_spec(true)));
            }),
            "[attention_paged.2 (attention_paged)] expected 5 inputs, got 2");
}

TEST_F(AttentionShapeTest, CostGrowsWithTheSquareOfTheLength) {
  const Value full = attention(q, k, v, small_spec(false)), causal = attention(q, k, v, small_spec(true));
  EXPECT_EQ(test::cost_of(full, 10).flops, 2.0 * 100 * 6 * (4 + 5));
  EXPECT_EQ(test::cost_of(full, 20).flops, 4 * test::cost_of(full, 10).flops);
  EXPECT_EQ(test::cost_of(causal, 10).flops, test::cost_of(full, 10).flops * 55 / 100);  // 1 + 2 + ... + 10
  EXPECT_EQ(test::cost_of(full, 10).bytes, 10 * (24 + 8 + 10 + 30) * 4);
}

}  // namespace
}  // namespace swiftlet::ops
