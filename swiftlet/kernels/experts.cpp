#include "swiftlet/kernels/experts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <new>

#include "swiftlet/kernels/carver.h"
#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet::kernels {
namespace {

// Rows of one pass: enough for the products to be at their best, few enough for the scratch to stay small
// beside the weights, whatever the batch.
constexpr std::int64_t kPassRows = 1024;
constexpr std::int64_t kColumns = 128;                  // of one part of the sum over experts
constexpr std::int64_t kSerialElements = 16 * 1024;     // below which waking the pool does not pay
constexpr std::int64_t kElementsForAThread = 8 * 1024;  // of the streaming parts

struct Choice {
  std::int32_t row = 0, expert = 0;
  float gate = 0;
};

// What one call has in its workspace.
struct Scratch {
  Choice* choices;           // [T * chosen], by expert, then by row
  std::int64_t* ends;        // [E + 1]
  float *outer, *gate, *up;  // [pass, H] rows of x and then of y; [pass, I]
  LinearGroup* groups;       // [2 * experts of a pass]
  LinearOutput* outputs;     // [2 * experts of a pass]
  std::byte* linear;
};

std::int64_t pass_rows(std::int64_t rows, std::int64_t chosen) {
  return std::min(rows * chosen, kPassRows);
}

Scratch carve(Carver& carver, std::int64_t rows, std::int64_t chosen, std::int64_t experts,
              std::int64_t hidden, std::int64_t width) {
  const std::int64_t pass = pass_rows(rows, chosen), used = std::min(pass, experts);
  Scratch scratch{};
  scratch.choices = carver.take<Choice>(rows * chosen);
  scratch.ends = carver.take<std::int64_t>(experts + 1);
  scratch.outer = carver.take<float>(pass * hidden);
  scratch.gate = carver.take<float>(pass * width);
  scratch.up = carver.take<float>(pass * width);
  scratch.groups = carver.take<LinearGroup>(2 * used);
  scratch.outputs = carver.take<LinearOutput>(2 * used);
  return scratch;
}

LinearOutput output_of(const ExpertMatrix& matrix, float* y, std::int64_t ldy) {
  return {.weight = matrix.weight, .bias = matrix.bias, .activation = Activation::kNone, .y = y, .ldy = ldy};
}

// Calls f(row, expert, gate) for every choice, rows ascending, at most `chosen` of a row.
template <class F>
void for_each_choice(const ExpertsArgs& args, F f) {
  for (std::int64_t row = 0; row < args.rows; ++row) {
    const float* gates = args.gates + row * args.experts;
    std::int64_t left = args.chosen;
    for (std::int64_t e = 0; e < args.experts && left > 0; ++e) {
      if (gates[e] == 0) continue;
      f(row, e, gates[e]);
      --left;
    }
  }
}

// Sorts the choices by counting. Returns how many there are.
std::int64_t sort_choices(const ExpertsArgs& args, const Scratch& scratch) {
  std::int64_t* ends = scratch.ends;
  std::fill(ends, ends + args.experts + 1, 0);
  for_each_choice(args, [&](std::int64_t, std::int64_t e, float) { ++ends[e + 1]; });
  for (std::int64_t e = 0; e < args.experts; ++e) ends[e + 1] += ends[e];
  const std::int64_t total = ends[args.experts];
  for_each_choice(args, [&](std::int64_t row, std::int64_t e, float gate) {
    scratch.choices[ends[e]++] = {static_cast<std::int32_t>(row), static_cast<std::int32_t>(e), gate};
  });
  return total;
}

class Pass {
 public:
  Pass(const KernelTable& table, ThreadPool& pool, const ExpertsArgs& args, const Scratch& scratch)
      : table_(table), pool_(pool), args_(args), scratch_(scratch) {}

  // The choices [begin, end), in order.
  void run(std::int64_t begin, std::int64_t end) {
    choices_ = {scratch_.choices + begin, static_cast<std::size_t>(end - begin)};
    gather();
    multiply([&](const Expert& expert, std::int64_t first, std::int64_t m) { add_inner(expert, first, m); });
    activate();
    multiply([&](const Expert& expert, std::int64_t first, std::int64_t m) { add_outer(expert, first, m); });
    sum();
  }

 private:
  std::int64_t rows() const { return std::ssize(choices_); }

  template <class Body>
  void stream(std::int64_t count, std::int64_t elements, Body body) {
    if (count * elements <= kSerialElements)
      body(0, count);
    else
      pool_.parallel_for(count, std::max<std::int64_t>(1, kElementsForAThread / elements), body);
  }

  void gather() {
    stream(rows(), args_.hidden, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        std::memcpy(scratch_.outer + i * args_.hidden,
                    args_.x + choices_[static_cast<std::size_t>(i)].row * args_.hidden,
                    static_cast<std::size_t>(args_.hidden) * sizeof(float));
    });
  }

  // One round of products: `add` gives the groups of an expert and its rows.
  template <class Add>
  void multiply(Add add) {
    group_count_ = output_count_ = 0;
    for (std::int64_t first = 0, last = 0; first < rows(); first = last) {
      const std::int32_t expert = choices_[static_cast<std::size_t>(first)].expert;
      while (last < rows() && choices_[static_cast<std::size_t>(last)].expert == expert) ++last;
      add(args_.expert(args_.source, expert), first, last - first);
    }
    linear_groups(table_, pool_, {scratch_.groups, group_count_}, scratch_.linear);
  }

  void add_inner(const Expert& expert, std::int64_t first, std::int64_t m) {
    const float* x = scratch_.outer + first * args_.hidden;
    const auto gate = output_of(expert.gate, scratch_.gate + first * args_.width, args_.width);
    const auto up = output_of(expert.up, scratch_.up + first * args_.width, args_.width);
    if (expert.gate.arithmetic == expert.up.arithmetic) {
      add_group(expert.gate.arithmetic, x, args_.hidden, m, std::array{gate, up});
    } else {
      add_group(expert.gate.arithmetic, x, args_.hidden, m, std::array{gate});
      add_group(expert.up.arithmetic, x, args_.hidden, m, std::array{up});
    }
  }

  void add_outer(const Expert& expert, std::int64_t first, std::int64_t m) {
    const auto down = output_of(expert.down, scratch_.outer + first * args_.hidden, args_.hidden);
    add_group(expert.down.arithmetic, scratch_.gate + first * args_.width, args_.width, m, std::array{down});
  }

  template <std::size_t N>
  void add_group(Arithmetic arithmetic, const float* x, std::int64_t ldx, std::int64_t m,
                 const std::array<LinearOutput, N>& outputs) {
    LinearOutput* own = scratch_.outputs + output_count_;
    for (const LinearOutput& output : outputs) new (scratch_.outputs + output_count_++) LinearOutput(output);
    new (scratch_.groups + group_count_++) LinearGroup{arithmetic, x, ldx, m, {own, N}};
  }

  // To the place of the gates.
  void activate() {
    const ExpertGate& how = args_.gate;
    stream(rows(), args_.width, [&](std::int64_t begin, std::int64_t end) {
      float* gate = scratch_.gate + begin * args_.width;
      const float* up = scratch_.up + begin * args_.width;
      const std::int64_t count = (end - begin) * args_.width;
      if (how.limit > 0)
        table_.rows.clamped_gate(gate, up, how.alpha, how.limit, gate, count);
      else
        table_.rows.gate(how.activation, gate, count, up, count, gate, count, 1, count);
    });
  }

  // Each thread has columns of its own, so that the sum of a row runs in the order of experts.
  void sum() {
    const auto add = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = 0; i < rows(); ++i) {
        const Choice& choice = choices_[static_cast<std::size_t>(i)];
        table_.rows.add_scaled(scratch_.outer + i * args_.hidden + begin, choice.gate,
                               args_.y + choice.row * args_.hidden + begin, end - begin);
      }
    };
    if (rows() * args_.hidden <= kSerialElements)
      add(0, args_.hidden);
    else
      pool_.parallel_for(args_.hidden, kColumns, add);
  }

  const KernelTable& table_;
  ThreadPool& pool_;
  const ExpertsArgs& args_;
  const Scratch& scratch_;
  std::span<const Choice> choices_;
  std::size_t group_count_ = 0, output_count_ = 0;
};

}  // namespace

void route(const Routing& routing, const float* scores, std::int64_t rows, std::int64_t experts,
           float* gates) noexcept {
  struct Best {
    float score;
    std::int64_t expert;
  };
  std::array<Best, kMaxChosen> best;
  const std::int64_t chosen = std::min({routing.chosen, experts, kMaxChosen});
  for (std::int64_t row = 0; row < rows; ++row, scores += experts, gates += experts) {
    std::int64_t found = 0;
    for (std::int64_t e = 0; e < experts; ++e) {
      std::int64_t place = found;
      while (place > 0 && scores[e] > best[static_cast<std::size_t>(place - 1)].score) --place;
      if (place == chosen) continue;
      found = std::min(found + 1, chosen);
      for (std::int64_t i = found - 1; i > place; --i)
        best[static_cast<std::size_t>(i)] = best[static_cast<std::size_t>(i - 1)];
      best[static_cast<std::size_t>(place)] = {scores[e], e};
    }
    const double top = best[0].score;
    double sum = 0;
    if (routing.over_all)
      for (std::int64_t e = 0; e < experts; ++e) sum += std::exp(scores[e] - top);
    else
      for (std::int64_t i = 0; i < chosen; ++i)
        sum += std::exp(best[static_cast<std::size_t>(i)].score - top);
    std::fill(gates, gates + experts, 0.0f);
    for (std::int64_t i = 0; i < chosen; ++i) {
      const Best& one = best[static_cast<std::size_t>(i)];
      gates[one.expert] = static_cast<float>(routing.factor * std::exp(one.score - top) / sum);
    }
  }
}

std::size_t experts_workspace(const KernelTable& table, int threads, std::span<const Expert> experts,
                              std::int64_t rows, std::int64_t chosen) {
  const std::int64_t pass = pass_rows(rows, chosen);
  const std::int64_t used = std::min<std::int64_t>(pass, std::ssize(experts));
  // Gate and up of different arithmetic prepare the rows twice.
  const auto alike = [](const Expert& expert) { return expert.gate.arithmetic == expert.up.arithmetic; };
  const std::int64_t twice = std::all_of(experts.begin(), experts.end(), alike) ? 1 : 2;
  std::size_t most = 0;
  for (const Expert& expert : experts) {
    const std::array inner{output_of(expert.gate, nullptr, 0), output_of(expert.up, nullptr, 0)};
    const std::array outer{output_of(expert.down, nullptr, 0)};
    const std::span<const LinearOutput> both(inner), gate(both.first(1)), up(both.last(1));
    const bool one = alike(expert);
    const std::array kinds{LinearGroup{.arithmetic = expert.gate.arithmetic, .outputs = one ? both : gate},
                           LinearGroup{.arithmetic = expert.up.arithmetic, .outputs = one ? both : up},
                           LinearGroup{.arithmetic = expert.down.arithmetic, .outputs = outer}};
    most = std::max(most, linear_groups_workspace(table, threads, kinds, twice * pass, twice * used));
  }
  const Expert& first = experts.front();
  Carver carver{nullptr};
  carve(carver, rows, chosen, std::ssize(experts), first.down.weight.geometry.n,
        first.gate.weight.geometry.n);
  return carver.used + most;
}

void experts(const KernelTable& table, ThreadPool& pool, const ExpertsArgs& args,
             std::byte* workspace) noexcept {
  Carver carver{workspace};
  Scratch scratch = carve(carver, args.rows, args.chosen, args.experts, args.hidden, args.width);
  scratch.linear = workspace + carver.used;
  std::memset(args.y, 0, static_cast<std::size_t>(args.rows * args.hidden) * sizeof(float));
  const std::int64_t total = sort_choices(args, scratch);
  Pass pass(table, pool, args, scratch);
  for (std::int64_t begin = 0; begin < total; begin += kPassRows)
    pass.run(begin, std::min(begin + kPassRows, total));
}

}  // namespace swiftlet::kernels
