#include "swiftlet/compress/quantize/group_scales.h"

#include <algorithm>
#include <limits>

#include "swiftlet/core/error.h"
#include "swiftlet/encoding/panel_work.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kRows = 4096;                                // that are searched at a time
constexpr int kFirstTrial = 44, kLastTrial = 24, kTrialSteps = 40;  // 1.1, 1.075, .. 0.6

// Calls f(row, values) for rows [begin, end) of a weight, decoded and found finite.
template <class F>
void for_rows(const Weight& weight, std::int64_t begin, std::int64_t end, F f) {
  std::vector<float> row(static_cast<std::size_t>(weight.shape[1]));
  for (; begin < end; ++begin) {
    decode_row(weight, begin, row.data());
    check_finite(weight, begin, row);
    f(begin, std::span<const float>(row));
  }
}

struct Group {
  std::int64_t first = 0, count = 0;  // columns
};
Group group_of(const PanelGeometry& g, std::int64_t i) {
  return {i * g.group, std::min(g.group, g.k - i * g.group)};
}

// The moments of the columns of a group, [count, count]; none without any.
std::vector<float> moments_of(const SecondMoments* moments, const Group& group) {
  std::vector<float> block;
  if (moments == nullptr) return block;
  block.reserve(static_cast<std::size_t>(group.count * group.count));
  for (std::int64_t r = 0; r < group.count; ++r)
    for (std::int64_t c = 0; c < group.count; ++c)
      block.push_back(moments->at(group.first + r, group.first + c));
  return block;
}

double dot(const float* a, const float* b, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += double{a[i]} * b[i];
  return sum;
}

// The search for one group of some rows.
class ClipSearch {
 public:
  ClipSearch(Dense& dense, const Encoding& encoding, std::int64_t rows, std::int64_t most_columns)
      : dense_(dense),
        encoding_(encoding),
        rows_(rows),
        errors_(static_cast<std::size_t>(rows * most_columns)),
        weighed_(errors_.size()),
        best_(static_cast<std::size_t>(rows)) {}

  // w: the columns of the group. moments: [columns, columns], or none. scales: the usual one of each row,
  // `stride` apart; replaced.
  void run(const ConstMatrix& w, const std::vector<float>& moments, GroupScale* scales, std::int64_t stride) {
    const std::int64_t count = w.columns;
    std::fill(best_.begin(), best_.end(), std::numeric_limits<double>::infinity());
    std::vector<GroupScale> usual(static_cast<std::size_t>(rows_));
    for (std::int64_t r = 0; r < rows_; ++r) usual[static_cast<std::size_t>(r)] = scales[r * stride];
    for (int trial = kFirstTrial; trial >= kLastTrial; --trial) {
      const auto scale_of = [&](std::int64_t r) {
        return times(usual[static_cast<std::size_t>(r)], static_cast<float>(trial) / kTrialSteps);
      };
      each_row(
          [&](std::int64_t r) { errors(w.data + r * w.ld, count, scale_of(r), errors_.data() + r * count); });
      const Matrix e{errors_.data(), rows_, count, count};
      if (!moments.empty())
        dense_.multiply_transposed(e, {moments.data(), count, count, count},
                                   {weighed_.data(), rows_, count, count});
      const float* const weighed = moments.empty() ? errors_.data() : weighed_.data();
      each_row([&](std::int64_t r) {
        const double lost = dot(e.row(r), weighed + r * count, count);
        double& best = best_[static_cast<std::size_t>(r)];
        if (!(lost < best)) return;
        best = lost;
        scales[r * stride] = scale_of(r);
      });
    }
  }

 private:
  template <class F>
  void each_row(F f) {
    dense_.pool().parallel_for(rows_, 64, [&](std::int64_t begin, std::int64_t end) {
      for (; begin < end; ++begin) f(begin);
    });
  }
  GroupScale times(GroupScale usual, float factor) const {
    usual.scale = stored_scale(encoding_, usual.scale * factor);
    return usual;
  }
  void errors(const float* w, std::int64_t count, const GroupScale& scale, float* out) const {
    for (std::int64_t i = 0; i < count; ++i)
      out[i] = code_value(scale, nearest_code(encoding_, scale, w[i])) - w[i];
  }

  Dense& dense_;
  Encoding encoding_;
  std::int64_t rows_;
  std::vector<float> errors_, weighed_;
  std::vector<double> best_;
};

}  // namespace

GroupScales usual_scales(const Weight& weight, const Encoding& encoding, ThreadPool& pool) {
  const PanelGeometry g = panel_geometry(encoding, weight.shape[0], weight.shape[1]);
  GroupScales scales(static_cast<std::size_t>(g.n * g.groups));
  for_rows_of_panels(g.n, &pool, [&](std::int64_t begin, std::int64_t end) {
    for_rows(weight, begin, end, [&](std::int64_t r, std::span<const float> row) {
      for (std::int64_t i = 0; i < g.groups; ++i) {
        const Group group = group_of(g, i);
        scales[static_cast<std::size_t>(r * g.groups + i)] =
            choose_scale(encoding, row.data() + group.first, group.count, weight.name);
      }
    });
  });
  return scales;
}

GroupScales clipped_scales(Dense& dense, const Weight& weight, const Encoding& encoding,
                           const SecondMoments* moments) {
  GroupScales scales = usual_scales(weight, encoding, dense.pool());
  const PanelGeometry g = panel_geometry(encoding, weight.shape[0], weight.shape[1]);
  SWIFTLET_ASSERT(moments == nullptr || moments->k() == g.k);
  std::vector<float> values(static_cast<std::size_t>(std::min(g.n, kRows) * g.k));
  for (std::int64_t begin = 0; begin < g.n; begin += kRows) {
    const std::int64_t rows = std::min(kRows, g.n - begin);
    for_rows_of_panels(rows, &dense.pool(), [&](std::int64_t first, std::int64_t last) {
      for (; first < last; ++first) decode_row(weight, begin + first, values.data() + first * g.k);
    });
    ClipSearch search(dense, encoding, rows, std::min(g.group, g.k));
    for (std::int64_t i = 0; i < g.groups; ++i) {
      const Group group = group_of(g, i);
      search.run({values.data() + group.first, rows, group.count, g.k}, moments_of(moments, group),
                 scales.data() + begin * g.groups + i, g.groups);
    }
  }
  return scales;
}

Weight round_with_scales(const Weight& weight, const Encoding& encoding, const GroupScales& scales,
                         ThreadPool& pool) {
  IntegerWeightBuilder builder(weight.name, encoding, weight.shape[0], weight.shape[1]);
  const PanelGeometry& g = builder.geometry();
  for_rows_of_panels(g.n, &pool, [&](std::int64_t begin, std::int64_t end) {
    for_rows(weight, begin, end, [&](std::int64_t r, std::span<const float> row) {
      for (std::int64_t i = 0; i < g.groups; ++i)
        builder.encode_group(r, i, scales[static_cast<std::size_t>(r * g.groups + i)],
                             row.data() + group_of(g, i).first);
    });
  });
  return std::move(builder).finish();
}

}  // namespace swiftlet
