#include "swiftlet/compress/quantize/gptq.h"

#include <algorithm>

#include "swiftlet/compress/prune/mask.h"
#include "swiftlet/core/error.h"
#include "swiftlet/encoding/integer.h"
#include "swiftlet/encoding/panel_work.h"

namespace swiftlet {
namespace {

// The scales of round to nearest, by row and group.
std::vector<GroupScale> static_scales(const Weight& weight, IntegerWeightBuilder& builder, ThreadPool& pool) {
  const PanelGeometry& g = builder.geometry();
  const Encoding encoding = builder.encoding();
  std::vector<GroupScale> scales(static_cast<std::size_t>(g.n * g.groups));
  for_rows_of_panels(g.n, &pool, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> row(static_cast<std::size_t>(g.k));
    for (std::int64_t r = begin; r < end; ++r) {
      decode_row(weight, r, row.data());
      check_finite(weight, r, row);
      for (std::int64_t i = 0; i < g.groups; ++i) {
        const std::int64_t first = i * g.group;
        const GroupScale scale =
            choose_scale(encoding, row.data() + first, std::min(g.group, g.k - first), weight.name);
        builder.set_group(r, i, scale);
        scales[static_cast<std::size_t>(r * g.groups + i)] = scale;
      }
    }
  });
  return scales;
}

}  // namespace

Gptq::Gptq(Dense& dense, const SecondMoments& moments, const GptqOptions& options, const std::string& where)
    : feedback_(dense, moments, {.damping = options.damping, .activation_order = options.activation_order},
                where) {}

QuantizedWeight Gptq::quantize(Dense& dense, const Weight& weight, const Encoding& encoding,
                               Arithmetic arithmetic, const Mask* zeros) const {
  SWIFTLET_ASSERT(weight.shape[1] == feedback_.k());
  ThreadPool& pool = dense.pool();
  IntegerWeightBuilder builder(weight.name, encoding, weight.shape[0], feedback_.k());
  const PanelGeometry& g = builder.geometry();
  const std::vector<GroupScale> scales = static_scales(weight, builder, pool);
  feedback_.run(
      dense, weight, ErrorFeedback::kBlock, [](const MovedBlock&) {},
      [&](std::int64_t r, std::int64_t place, const MovedBlock& moved) {
        const std::int64_t column = feedback_.column(place);
        const GroupScale& scale = scales[static_cast<std::size_t>(r * g.groups + column / g.group)];
        const bool zero = zeros != nullptr && zeros->at(r, column);
        const int code = zero ? scale.zero_point : nearest_code(encoding, scale, moved.at(r, place));
        builder.set_code(r, column, code);
        return code_value(scale, code);
      });
  Weight rounded = std::move(builder).finish();
  rounded.arithmetic = arithmetic;
  return with_error(weight, std::move(rounded), pool);
}

}  // namespace swiftlet
