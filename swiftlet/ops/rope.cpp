#include "swiftlet/ops/rope.h"

#include <cmath>

#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

std::vector<Inferred> infer_rope(const NodeView& node) {
  const Type& x = require_f32(node, 0, 2);
  const Type& positions = node.type(1);
  const auto head_dim = node.attribute<std::int64_t>("head_dim");
  const auto rotary_dim = node.attribute<std::int64_t>("rotary_dim");
  require(x.shape.size() == 2, "infer", "x must have 2 dimensions, is {}", x.to_string());
  require(head_dim > 0 && last_dim(x) % head_dim == 0, "infer", "{} does not divide into heads of {}",
          x.to_string(), head_dim);
  require(rotary_dim > 0 && rotary_dim <= head_dim && rotary_dim % 2 == 0, "infer",
          "rotary_dim must be even and at most {}, is {}", head_dim, rotary_dim);
  require(node.attribute<std::vector<double>>("inverse_frequencies").size() ==
              static_cast<std::size_t>(rotary_dim / 2),
          "infer", "needs {} inverse frequencies", rotary_dim / 2);
  if (node.node.attributes.has("long_inverse_frequencies"))
    require(node.attribute<std::vector<double>>("long_inverse_frequencies").size() ==
                    static_cast<std::size_t>(rotary_dim / 2) &&
                node.attribute<std::int64_t>("short_context") > 0,
            "infer", "needs {} long inverse frequencies and the context from which they hold",
            rotary_dim / 2);
  require(positions.dtype == DType::kI32 && positions.shape == Dims{x.shape[0]}, "infer",
          "positions must be i32[{}], are {}", x.shape[0].to_string(), positions.to_string());
  return {x};
}

struct RopeKernel {
  Place x, positions, y;
  Extent rows;
  std::int64_t width = 0;
  kernels::RopeArgs args;
  RopeFrequencies turns;

  static void run(const RopeKernel& p, const ExecContext& context) noexcept {
    const float* x = p.x.f32(context);
    float* y = p.y.f32_out(context);
    const auto* positions = static_cast<const std::int32_t*>(p.positions.resolve(context));
    context.pool->parallel_for(p.rows(context), 4, [&](std::int64_t begin, std::int64_t end) {
      p.turns.for_parts(context, begin, end,
                        [&](std::int64_t first, std::int64_t last, const float* frequencies) {
                          kernels::RopeArgs band = p.args;
                          band.rows = last - first;
                          band.positions = positions + first;
                          band.inverse_frequencies = frequencies;
                          band.x = x + first * p.width;
                          band.y = y + first * p.width;
                          band.ldx = band.ldy = p.width;
                          context.table->rows.rope(band);
                        });
    });
  }
};

Kernel lower_rope(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  const std::int64_t width = last_dim(node.type(0));
  const Attributes& attributes = node.node.attributes;
  RopeKernel kernel{.x = context.input(0),
                    .positions = context.input(1),
                    .y = context.output(0),
                    .rows = context.extent(row_count(node.type(0))),
                    .width = width,
                    .args = rope_args(attributes, width),
                    .turns = RopeFrequencies::of(context, attributes, node.type(0).shape[0])};
  return make_kernel(std::move(kernel));
}

Cost rope_cost(const NodeView& node, const CostContext& step) {
  return streaming_cost(node, step, 3);
}

}  // namespace

const OpSchema kRope{.name = "rope", .infer = infer_rope, .lower_cpu = lower_rope, .cost = rope_cost};

kernels::RopeArgs rope_args(const Attributes& attributes, std::int64_t width) {
  const auto head_dim = attributes.get<std::int64_t>("head_dim");
  kernels::RopeArgs args;
  args.heads = static_cast<int>(width / head_dim);
  args.head_dim = static_cast<int>(head_dim);
  args.rotary_dim = static_cast<int>(attributes.get<std::int64_t>("rotary_dim"));
  args.interleaved = attributes.get<bool>("interleaved");
  args.attention_factor = static_cast<float>(attributes.get<double>("attention_factor"));
  return args;
}

void copy_rope_attributes(const Attributes& from, Attributes& to) {
  to.set("rotary_dim", from.get<std::int64_t>("rotary_dim"));
  to.set("interleaved", from.get<bool>("interleaved"));
  to.set("attention_factor", from.get<double>("attention_factor"));
  to.set("inverse_frequencies", from.get<std::vector<double>>("inverse_frequencies"));
  if (!from.has("long_inverse_frequencies")) return;
  to.set("long_inverse_frequencies", from.get<std::vector<double>>("long_inverse_frequencies"));
  to.set("short_context", from.get<std::int64_t>("short_context"));
}

RopeFrequencies RopeFrequencies::of(LowerContext& context, const Attributes& attributes, const Dim& dim) {
  const auto list = [&](std::string_view name) {
    const auto& numbers = attributes.get<std::vector<double>>(name);
    return std::vector<float>(numbers.begin(), numbers.end());
  };
  RopeFrequencies frequencies;
  frequencies.usual_ = list("inverse_frequencies");
  if (!attributes.has("long_inverse_frequencies")) return frequencies;
  frequencies.extended_ = list("long_inverse_frequencies");
  frequencies.short_context_ = attributes.get<std::int64_t>("short_context");
  frequencies.axis_ = context.ragged_axis(dim);
  return frequencies;
}

Value rope(Value x, Value positions, const RopeSpec& spec) {
  Attributes attributes{{"head_dim", spec.head_dim},
                        {"rotary_dim", spec.rotary_dim},
                        {"interleaved", spec.interleaved},
                        {"attention_factor", spec.attention_factor},
                        {"inverse_frequencies", spec.inverse_frequencies}};
  if (!spec.long_inverse_frequencies.empty()) {
    attributes.set("long_inverse_frequencies", spec.long_inverse_frequencies);
    attributes.set("short_context", spec.short_context);
  }
  return x.graph->add(kRope, {x, positions}, std::move(attributes))[0];
}

std::vector<double> default_inverse_frequencies(double theta, std::int64_t rotary_dim) {
  std::vector<double> frequencies;
  for (std::int64_t i = 0; i < rotary_dim; i += 2) {
    const float exponent = static_cast<float>(i) / static_cast<float>(rotary_dim);
    frequencies.push_back(1.0f / std::pow(static_cast<float>(theta), exponent));
  }
  return frequencies;
}

}  // namespace swiftlet::ops
