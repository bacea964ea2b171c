#include "swiftlet/cli/bench_profile.h"

#include <algorithm>

#include "swiftlet/cli/format.h"
#include "swiftlet/cli/table.h"

namespace swiftlet::cli {
namespace {

constexpr std::size_t kSlowest = 10;

std::string rate(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? human_number(amount / seconds * 1e-9) : "";
}

// Kernels of one op as one; its percent is that of the sums.
void add_to(KernelProfile& sum, const KernelProfile& kernel) {
  sum.percent_of_limit = (sum.percent_of_limit * sum.seconds + kernel.percent_of_limit * kernel.seconds) /
                         std::max(sum.seconds + kernel.seconds, 1e-30);
  if (sum.bound != kernel.bound) sum.bound = sum.bound.empty() ? kernel.bound : "both";
  sum.calls += kernel.calls;
  sum.seconds += kernel.seconds;
  sum.bytes += kernel.bytes;
  sum.operations += kernel.operations;
}

std::vector<KernelProfile> by_op(const std::vector<KernelProfile>& kernels) {
  std::vector<KernelProfile> sums;
  for (const KernelProfile& kernel : kernels) {
    const auto same = std::find_if(sums.begin(), sums.end(), [&](const KernelProfile& sum) {
      return sum.op == kernel.op && sum.arithmetic == kernel.arithmetic;
    });
    if (same == sums.end())
      sums.push_back(kernel);
    else
      add_to(*same, kernel);
  }
  return sums;
}

Table kernel_table(std::vector<KernelProfile> kernels, const PhaseProfile& phase, bool names) {
  std::stable_sort(kernels.begin(), kernels.end(),
                   [](const KernelProfile& a, const KernelProfile& b) { return a.seconds > b.seconds; });
  std::vector<Column> columns{{"op"}};
  if (names) columns.push_back({"kernel"});
  for (const char* title : {"ms/step", "share", "GB/s", "GFLOP/s", "of limit"})
    columns.push_back({title, Align::kRight});
  columns.push_back({"bound by"});
  Table table(std::move(columns));
  if (names && kernels.size() > kSlowest) kernels.resize(kSlowest);
  for (const KernelProfile& kernel : kernels) {
    std::vector<std::string> cells{kernel.op + (kernel.arithmetic == "f32" ? "" : " " + kernel.arithmetic)};
    if (names) cells.push_back(kernel.name);
    const double steps = static_cast<double>(std::max<std::int64_t>(phase.steps, 1));
    cells.push_back(fmt::format("{:.4f}", 1000 * kernel.seconds / steps));
    cells.push_back(fmt::format("{:.1f}%", 100 * kernel.seconds / std::max(phase.seconds, 1e-30)));
    cells.push_back(rate(kernel.bytes, kernel.seconds));
    cells.push_back(rate(kernel.operations, kernel.seconds));
    cells.push_back(kernel.bound.empty() ? "" : fmt::format("{:.1f}%", kernel.percent_of_limit));
    cells.push_back(kernel.bound);
    table.row(std::move(cells));
  }
  return table;
}

}  // namespace

std::string profile_text(const BenchResult& result) {
  std::string text;
  for (const PhaseProfile& phase : result.phases) {
    std::vector<KernelProfile> kernels;
    for (const KernelProfile& kernel : result.kernels)
      if (kernel.phase == phase.phase) kernels.push_back(kernel);
    text += fmt::format("\n{}: {} steps of {:.4f} ms\n", phase.phase, grouped(phase.steps),
                        1000 * phase.seconds / static_cast<double>(std::max<std::int64_t>(phase.steps, 1)));
    text += kernel_table(by_op(kernels), phase, false).text();
    text += fmt::format("\n{}: the slowest kernels\n", phase.phase);
    text += kernel_table(std::move(kernels), phase, true).text();
  }
  text += fmt::format(
      "\nlimits measured now: {} GB/s over the weights of a step, {} GFLOP/s f32, {} bf16, {} int8; the "
      "caches are faster "
      "than memory\n",
      human_number(result.limit_read_gigabytes_per_second), human_number(result.limit_f32_gflops),
      human_number(result.limit_bf16_gflops), human_number(result.limit_int8_gops));
  return text;
}

Json profile_json(const BenchResult& result) {
  Json phases = Json::array(), kernels = Json::array();
  for (const PhaseProfile& phase : result.phases)
    phases.push_back({{"phase", phase.phase}, {"steps", phase.steps}, {"seconds", phase.seconds}});
  for (const KernelProfile& kernel : result.kernels) {
    const double per_second = kernel.seconds > 0 ? 1e-9 / kernel.seconds : 0;
    kernels.push_back({{"phase", kernel.phase},
                       {"name", kernel.name},
                       {"op", kernel.op},
                       {"arithmetic", kernel.arithmetic},
                       {"calls", kernel.calls},
                       {"seconds", kernel.seconds},
                       {"bytes", kernel.bytes},
                       {"operations", kernel.operations},
                       {"gigabytes_per_second", kernel.bytes * per_second},
                       {"gflops", kernel.operations * per_second},
                       {"percent_of_limit", kernel.percent_of_limit},
                       {"bound", kernel.bound}});
  }
  return {{"phases", std::move(phases)}, {"kernels", std::move(kernels)}};
}

}  // namespace swiftlet::cli
