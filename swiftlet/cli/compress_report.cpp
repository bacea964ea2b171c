#include "swiftlet/cli/compress_report.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

#include "swiftlet/cli/format.h"

namespace swiftlet::cli {
namespace {

// "encoder.layer.3.output" -> "encoder.layer.*.output"
std::string fold_layers(const std::string& name) {
  std::string out, part;
  for (const char c : name + ".") {
    if (c != '.') {
      part += c;
      continue;
    }
    const bool digits = !part.empty() && std::all_of(part.begin(), part.end(),
                                                     [](unsigned char d) { return std::isdigit(d) != 0; });
    out += (out.empty() ? "" : ".") + (digits ? "*" : part);
    part.clear();
  }
  return out;
}

struct Row {
  TensorReport tensor;
  std::int64_t count = 0;
};

bool is_kept_vector(const TensorReport& tensor) {
  return tensor.before == tensor.after && tensor.note.starts_with("vector");
}

// Of all their elements, which take so many bytes in either.
double mean_sparsity(const TensorReport& a, const TensorReport& b) {
  const auto bytes_a = double(a.bytes_before), bytes_b = double(b.bytes_before);
  if (!(bytes_a + bytes_b > 0)) return 0;
  return (a.sparsity * bytes_a + b.sparsity * bytes_b) / (bytes_a + bytes_b);
}

// Tensors that differ only in their layer become one row, vectors that nobody compresses too; the error is
// the largest.
std::vector<Row> folded(const std::vector<TensorReport>& tensors, bool fold) {
  std::vector<Row> rows;
  for (TensorReport tensor : tensors) {
    if (fold) tensor.name = is_kept_vector(tensor) ? "(biases and norms)" : fold_layers(tensor.name);
    const auto same = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
      return fold && row.tensor.name == tensor.name && row.tensor.before == tensor.before &&
             row.tensor.after == tensor.after && row.tensor.note == tensor.note;
    });
    if (same == rows.end()) {
      rows.push_back({std::move(tensor), 1});
      continue;
    }
    ++same->count;
    same->tensor.sparsity = mean_sparsity(same->tensor, tensor);
    same->tensor.bytes_before += tensor.bytes_before;
    same->tensor.bytes_after += tensor.bytes_after;
    same->tensor.relative_error = std::max(same->tensor.relative_error, tensor.relative_error);
  }
  return rows;
}

std::pair<std::int64_t, std::int64_t> weight_sums(const CompressResult& result) {
  std::pair<std::int64_t, std::int64_t> sums{0, 0};
  for (const TensorReport& tensor : result.tensors) {
    sums.first += tensor.bytes_before;
    sums.second += tensor.bytes_after;
  }
  return sums;
}

std::string smaller(std::int64_t before, std::int64_t after) {
  if (before <= 0 || after <= 0) return "";
  return before >= after ? fmt::format("{:.2f}x smaller", double(before) / double(after))
                         : fmt::format("{:.2f}x larger", double(after) / double(before));
}

std::string faster(double before, double after) {
  if (before <= 0 || after <= 0) return "";
  return after >= before ? fmt::format("{:.2f}x faster", after / before)
                         : fmt::format("{:.2f}x slower", before / after);
}

// Sentence tasks count sentences; the others tokens.
const char* speed_name(const std::string& metric) {
  const bool sentences = metric == "spearman" || metric == "pearson" || metric == "ndcg_at_10" ||
                         metric == "mrr_at_10" || metric == "recall_at_100";
  return sentences ? "sentences_per_second" : "tokens_per_second";
}

Json to_json(const Measurement& measured, const std::string& metric) {
  Json object{{"file_bytes", measured.file_bytes},
              {"weight_bytes", measured.weight_bytes},
              {"peak_memory_bytes", measured.peak_memory_bytes},
              {"tokens_per_second", measured.tokens_per_second}};
  object[speed_name(metric)] = measured.items_per_second;
  for (const auto& [name, value] : measured.metrics) object[name] = value;
  return object;
}

}  // namespace

bool is_pruned(const CompressResult& result) {
  return std::any_of(result.tensors.begin(), result.tensors.end(),
                     [](const TensorReport& tensor) { return tensor.sparsity > 0; });
}

Table tensors_table(const CompressResult& result, bool fold) {
  const bool pruned = is_pruned(result);
  Table table({{"weight"},
               {fold ? "count" : "", Align::kRight},
               {"before"},
               {"after"},
               {"size", Align::kRight},
               {"", Align::kRight},
               {"error", Align::kRight},
               {pruned ? "zeros" : "", Align::kRight},
               {"note"}});
  for (const auto& [tensor, count] : folded(result.tensors, fold))
    table.row({tensor.name, fold ? std::to_string(count) : "", tensor.before, tensor.after,
               human_bytes(tensor.bytes_before), human_bytes(tensor.bytes_after),
               tensor.relative_error > 0 ? fmt::format("{:.3f}%", 100 * tensor.relative_error) : "0",
               tensor.sparsity > 0 ? fmt::format("{:.2f}%", 100 * tensor.sparsity) : "", tensor.note});
  return table;
}

std::string note_on_zeros() {
  return "zeros are stored like other values: the file is no smaller and no faster for them yet";
}

Table figures_table(const CompressResult& result) {
  Table table({{""}, {"before", Align::kRight}, {"after", Align::kRight}, {""}});
  const auto bytes = [&](const char* name, std::int64_t before, std::int64_t after) {
    table.row({name, human_bytes(before), human_bytes(after), smaller(before, after)});
  };
  if (!result.before || !result.after) {
    const auto [before, after] = weight_sums(result);
    bytes("weights", before, after);
    return table;
  }
  const Measurement &before = *result.before, &after = *result.after;
  bytes("file", before.file_bytes, after.file_bytes);
  bytes("weights in memory", before.weight_bytes, after.weight_bytes);
  bytes("peak memory", before.peak_memory_bytes, after.peak_memory_bytes);
  const bool tokens = std::string_view(speed_name(result.metric)) == "tokens_per_second";
  table.row({tokens ? "tokens/s" : "sentences/s", human_number(before.items_per_second),
             human_number(after.items_per_second), faster(before.items_per_second, after.items_per_second)});
  for (std::size_t i = 0; i < before.metrics.size() && i < after.metrics.size(); ++i) {
    const auto& [name, value] = before.metrics[i];
    table.row({name, fmt::format("{:.4f}", value), fmt::format("{:.4f}", after.metrics[i].second),
               name == result.metric ? "decides" : ""});
  }
  return table;
}

std::string verdict(const CompressResult& result, const std::string& budget) {
  if (!result.before || !result.after) return "verdict: not measured (no --metric)";
  const std::string unit = result.budget_unit == "%" ? "%" : " " + result.budget_unit;
  std::string change = result.loss > 0
                           ? fmt::format("{} is worse by {:.3f}{}", result.metric, result.loss, unit)
                           : fmt::format("{} is not worse ({:.3f}{})", result.metric, result.loss, unit);
  if (result.loss_interval)
    change += fmt::format(", with 95% confidence by {:.3f} to {:.3f}", result.loss_interval->low,
                          result.loss_interval->high);
  if (budget.empty()) return fmt::format("verdict: {}; no budget was given", change);
  std::string line = fmt::format("verdict: {}; the budget is {:g}{}: {}", change, result.budget, unit,
                                 result.within_budget ? "within the budget" : "BUDGET BROKEN");
  if (!result.within_budget) line += result.output.empty() ? ", no file written" : ", written by --force";
  return line;
}

std::string markdown_report(const CompressOptions& options, const CompressResult& result) {
  std::string out = fmt::format("# Compression of {}\n\n", options.model);
  if (!result.plan.empty()) {
    const Json plan = Json::parse(result.plan);
    const auto text = [](const Json& value) { return value.get<std::string>(); };
    out += fmt::format("Weights {}{}, by {}{}.\n\n", text(plan["weights"]),
                       plan["rules"].empty() ? "" : ", others by rules", text(plan["method"]),
                       options.calibration.empty() ? "" : " on " + options.calibration);
    if (plan.contains("prune"))
      out += fmt::format("Pruned: {} by {}; {}.\n\n", text(plan["prune"]["pattern"]),
                         text(plan["prune"]["method"]), note_on_zeros());
  }
  if (!options.metric.empty()) out += fmt::format("Metric {} on {}.\n\n", options.metric, options.data);
  out += figures_table(result).markdown() + "\n" + verdict(result, options.budget) + ".\n";
  if (!result.reason.empty()) out += "\n" + result.reason + "\n";
  return out + "\n## Weights\n\n" + tensors_table(result, false).markdown();
}

Table front_table(const CompressResult& result) {
  constexpr std::size_t kRows = 10;
  Table table({{"weights", Align::kRight}, {"expected loss", Align::kRight}, {""}});
  const std::size_t count = result.front.size(), step = (count + kRows - 1) / kRows;
  for (std::size_t i = 0; i < count; ++i) {
    const FrontPoint& point = result.front[i];
    const bool chosen = result.chosen && result.chosen->bytes == point.bytes;
    if (i % step != 0 && i + 1 != count && !chosen) continue;
    table.row({human_bytes(point.bytes), fmt::format("{:.3g}", point.loss), chosen ? "chosen" : ""});
  }
  return table;
}

Json to_json(const CompressOptions& options, const CompressResult& result) {
  const auto [before, after] = weight_sums(result);
  Json object{{"model", options.model},
              {"output", result.output.empty() ? Json(nullptr) : Json(result.output)},
              {"plan", result.plan.empty() ? Json(nullptr) : Json::parse(result.plan)},
              {"weight_bytes_before", before},
              {"weight_bytes_after", after},
              {"within_budget", result.within_budget},
              {"reason", result.reason},
              {"seconds", result.seconds}};
  if (!result.metric.empty()) {
    object["metric"] = result.metric;
    object["loss"] = result.loss;
    object["loss_unit"] = result.budget_unit;
    if (result.loss_interval)
      object["loss_interval"] = {result.loss_interval->low, result.loss_interval->high};
    object["budget"] = options.budget.empty() ? Json(nullptr) : Json(result.budget);
  }
  if (result.before) object["before"] = to_json(*result.before, result.metric);
  if (result.after) object["after"] = to_json(*result.after, result.metric);
  if (result.before && result.after && result.after->file_bytes > 0)
    object["times_smaller"] = double(result.before->file_bytes) / double(result.after->file_bytes);
  if (!result.front.empty()) {
    Json front = Json::array();
    for (const FrontPoint& point : result.front)
      front.push_back({{"weight_bytes", point.bytes}, {"expected_loss", point.loss}});
    object["target"] = options.target;
    object["front"] = std::move(front);
  }
  Json tensors = Json::array();
  for (const TensorReport& tensor : result.tensors)
    tensors.push_back({{"name", tensor.name},
                       {"before", tensor.before},
                       {"after", tensor.after},
                       {"bytes_before", tensor.bytes_before},
                       {"bytes_after", tensor.bytes_after},
                       {"relative_error", tensor.relative_error},
                       {"sparsity", tensor.sparsity},
                       {"note", tensor.note}});
  object["tensors"] = std::move(tensors);
  return object;
}

}  // namespace swiftlet::cli
