#include "swiftlet/io/stacked_experts.h"

#include <array>
#include <cstring>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

struct Stack {
  std::string_view end;   // of the stacked name, behind the list
  std::string_view list;  // what stands in its place, before the number
  bool both;              // gate and up, else down
  bool bias = false;
};

// Names as transformers has them; gpt-oss alone stores biases.
constexpr std::array kStacks{
    Stack{".experts.gate_up_proj", ".experts", true},
    Stack{".experts.down_proj", ".experts", false},
    Stack{".experts.gate_up_proj_bias", ".experts", true, true},
    Stack{".experts.down_proj_bias", ".experts", false, true},
    Stack{".block_sparse_moe.input_linear.weight", ".block_sparse_moe.experts", true},
    Stack{".block_sparse_moe.output_linear.weight", ".block_sparse_moe.experts", false},
};

constexpr std::int64_t kMostExperts = 1 << 16;

std::size_t element_bytes(const Weight& weight) {
  return weight.encoding.format == Format::kF32 ? 4 : 2;
}

// One weight of a stack: rows [expert][first + i * step] of [experts, rows, columns], or with `turned`
// columns of [experts, columns, rows].
struct Slice {
  std::string name;
  std::int64_t expert = 0, first = 0, step = 1;
  Shape shape;
  bool turned = false;

  bool is_window() const { return step == 1 && !turned; }
};

Weight cut(const Weight& stack, const Slice& slice) {
  const std::size_t size = element_bytes(stack);
  const std::int64_t each = stack.shape.elements() / stack.shape[0];
  const std::int64_t columns = slice.shape.rank() == 1 ? 1 : slice.shape[1];
  Weight weight = stack;
  weight.name = slice.name;
  weight.shape = slice.shape;
  if (slice.is_window()) {
    weight.codes =
        stack.codes.slice(static_cast<std::size_t>(slice.expert * each + slice.first * columns) * size,
                          static_cast<std::size_t>(slice.shape.elements()) * size);
    return weight;
  }
  weight.codes = Buffer::heap(static_cast<std::size_t>(slice.shape.elements()) * size);
  const std::byte* from = stack.codes.data() + static_cast<std::size_t>(slice.expert * each) * size;
  std::byte* to = weight.codes.mutable_data();
  const std::int64_t all_rows = each / columns;
  for (std::int64_t row = 0; row < slice.shape[0]; ++row) {
    const std::int64_t source = slice.first + row * slice.step;
    for (std::int64_t column = 0; column < columns; ++column, to += size)
      std::memcpy(to,
                  from + static_cast<std::size_t>(slice.turned ? column * all_rows + source
                                                               : source * columns + column) *
                             size,
                  size);
  }
  return weight;
}

class Splitter {
 public:
  Splitter(Checkpoint& checkpoint, bool stream)
      : checkpoint_(checkpoint),
        stream_(stream),
        is_gpt_oss_(checkpoint.config.string_or("model_type", "") == "gpt_oss") {}

  void run() {
    std::vector<std::pair<std::string, Stack>> found;
    for (const auto& [name, weight] : checkpoint_.weights)
      for (const Stack& stack : kStacks)
        if (name.ends_with(stack.end)) found.emplace_back(name, stack);
    for (const auto& [name, stack] : found) split(name, stack);
  }

 private:
  void split(const std::string& name, const Stack& stack) {
    const Weight stored = checkpoint_.weights.at(name);
    const std::size_t rank = stack.bias ? 2 : 3;
    const std::string where = fmt::format("{}: tensor '{}'", checkpoint_.source, printable(name));
    require(stored.shape.rank() == rank && stored.layout == Layout::kRows, where,
            "expected {} dimensions, the first of them experts, is {}", rank, stored.shape.to_string());
    const std::int64_t experts = stored.shape[0];
    require(experts >= 1 && experts <= kMostExperts && stored.shape.elements() > 0, where,
            "expected 1 to {} experts, is {}", kMostExperts, stored.shape.to_string());
    const bool turned = is_gpt_oss_ && !stack.bias;
    const std::int64_t rows = turned ? stored.shape[2] : stored.shape[1];
    const std::int64_t columns = stack.bias ? 0 : turned ? stored.shape[1] : stored.shape[2];
    require(!stack.both || rows % 2 == 0, where, "expected as many rows of gates as of ups, has {}", rows);
    const auto known = checkpoint_.made_weights.find(name);
    const auto maker = known == checkpoint_.made_weights.end() ? std::function<Weight()>() : known->second;
    checkpoint_.weights.erase(name);
    checkpoint_.made_weights.erase(name);
    const std::string list = name.substr(0, name.size() - stack.end.size()) + std::string(stack.list);
    for (std::int64_t e = 0; e < experts; ++e)
      for (int part = 0; part < (stack.both ? 2 : 1); ++part) {
        const std::string_view projection = stack.both ? (part == 0 ? "gate_proj" : "up_proj") : "down_proj";
        Slice slice{.name = expert_name(list, e, projection, stack.bias ? "bias" : "weight"),
                    .expert = e,
                    .shape = {},
                    .turned = turned};
        const std::int64_t own = stack.both ? rows / 2 : rows;
        slice.shape = stack.bias ? Shape{own} : Shape{own, columns};
        if (stack.both && is_gpt_oss_)
          slice.first = part, slice.step = 2;
        else
          slice.first = part * own;
        add(stored, maker, slice, where);
      }
  }

  void add(const Weight& stored, const std::function<Weight()>& maker, const Slice& slice,
           const std::string& where) {
    require(!checkpoint_.weights.contains(slice.name), where, "holds '{}', which is there by itself",
            slice.name);
    const auto make = [stored, maker, slice] { return cut(maker ? maker() : stored, slice); };
    if (!stream_ || (slice.is_window() && !maker)) {
      checkpoint_.weights.emplace(slice.name, make());
      return;
    }
    Weight weight = stored;
    weight.name = slice.name;
    weight.shape = slice.shape;
    weight.codes = {};
    checkpoint_.weights.emplace(slice.name, std::move(weight));
    checkpoint_.made_weights.emplace(slice.name, make);
  }

  Checkpoint& checkpoint_;
  bool stream_;
  bool is_gpt_oss_;
};

}  // namespace

std::string expert_name(std::string_view list, std::int64_t expert, std::string_view projection,
                        std::string_view end) {
  return fmt::format("{}.{}.{}.{}", list, expert, projection, end);
}

void split_stacked_experts(Checkpoint& checkpoint, bool stream) {
  Splitter(checkpoint, stream).run();
}

}  // namespace swiftlet
