#include "swiftlet/io/stacked_experts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>
#include <utility>
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

// Mixtral's published names; those that transformers has in memory are those of its later kin.
constexpr std::string_view kLaterBlock = ".mlp.", kMixtralBlock = ".block_sparse_moe.";
constexpr std::pair<std::string_view, std::string_view> kMixtralNames[]{
    {"gate_proj", "w1"}, {"up_proj", "w3"}, {"down_proj", "w2"}};

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

// Calls f(element of the slice, element of the stack) for every element; `each` of the stack are of one
// expert.
template <class F>
void for_each_element(const Slice& slice, std::int64_t each, F f) {
  const std::int64_t columns = slice.shape.rank() == 1 ? 1 : slice.shape[1];
  const std::int64_t all_rows = each / columns, begin = slice.expert * each;
  for (std::int64_t row = 0, at = 0; row < slice.shape[0]; ++row) {
    const std::int64_t source = slice.first + row * slice.step;
    for (std::int64_t column = 0; column < columns; ++column, ++at)
      f(static_cast<std::size_t>(at),
        static_cast<std::size_t>(begin +
                                 (slice.turned ? column * all_rows + source : source * columns + column)));
  }
}

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
  const std::byte* from = stack.codes.data();
  std::byte* to = weight.codes.mutable_data();
  for_each_element(slice, each, [&](std::size_t at, std::size_t of_stack) {
    std::memcpy(to + at * size, from + of_stack * size, size);
  });
  return weight;
}

// Part 0 or 1 of an expert: gate and up, one half of the rows each, or in turns.
Slice slice_of(std::string name, std::int64_t expert, Shape shape, int part, const Stack& stack,
               bool is_gpt_oss) {
  Slice slice{.name = std::move(name),
              .expert = expert,
              .shape = std::move(shape),
              .turned = is_gpt_oss && !stack.bias};
  const bool in_turns = stack.both && is_gpt_oss;
  slice.first = in_turns ? part : part * slice.shape[0];
  slice.step = in_turns ? 2 : 1;
  return slice;
}

class Splitter {
 public:
  Splitter(Checkpoint& checkpoint, bool stream)
      : checkpoint_(checkpoint),
        stream_(stream),
        is_gpt_oss_(checkpoint.config.string_or("model_type", "") == "gpt_oss"),
        is_mixtral_(checkpoint.config.string_or("model_type", "") == "mixtral") {}

  void run() {
    std::vector<std::pair<std::string, Stack>> found;
    for (const auto& [name, weight] : checkpoint_.weights)
      for (const Stack& stack : kStacks)
        if (name.ends_with(stack.end)) found.emplace_back(name, stack);
    for (const auto& [name, stack] : found) split(name, stack);
    if (is_mixtral_ && !found.empty()) rename_routers();
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
        const std::int64_t own = stack.both ? rows / 2 : rows;
        const Slice slice = slice_of(name_of(list, e, projection, stack.bias ? "bias" : "weight"), e,
                                     stack.bias ? Shape{own} : Shape{own, columns}, part, stack, is_gpt_oss_);
        add(stored, maker, slice, where);
      }
  }

  std::string name_of(const std::string& list, std::int64_t expert, std::string_view projection,
                      std::string_view end) const {
    if (!is_mixtral_) return expert_name(list, expert, projection, end);
    for (const auto& [later, mixtral] : kMixtralNames)
      if (projection == later) projection = mixtral;
    return expert_name(in_mixtral(list), expert, projection, end);
  }

  static std::string in_mixtral(std::string name) {
    const std::size_t at = name.rfind(kLaterBlock);
    return at == std::string::npos ? name : name.replace(at, kLaterBlock.size(), kMixtralBlock);
  }

  void rename_routers() {
    std::vector<std::string> routers;
    for (const auto& [name, weight] : checkpoint_.weights)
      if (name.ends_with(".mlp.gate.weight")) routers.push_back(name);
    for (const std::string& name : routers) {
      auto weight = checkpoint_.weights.extract(name);
      weight.key() = weight.mapped().name = in_mixtral(name);
      if (auto maker = checkpoint_.made_weights.extract(name)) {
        maker.key() = weight.key();
        checkpoint_.made_weights.insert(std::move(maker));
      }
      checkpoint_.weights.insert(std::move(weight));
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
  bool is_gpt_oss_, is_mixtral_;
};

// "a.experts.3.up_proj.weight"
struct ExpertWeight {
  std::string list;  // "a.experts"
  std::int64_t expert = 0;
  std::string_view projection, end;
};

std::optional<ExpertWeight> parse_expert(std::string_view name) {
  constexpr std::string_view kList = ".experts.";
  const std::size_t at = name.rfind(kList);
  if (at == std::string_view::npos) return std::nullopt;
  ExpertWeight found{.list = std::string(name.substr(0, at + kList.size() - 1)), .projection = {}, .end = {}};
  const char* end = name.data() + name.size();
  const auto [after, error] = std::from_chars(name.data() + at + kList.size(), end, found.expert);
  if (error != std::errc() || after == end || *after != '.' || found.expert < 0) return std::nullopt;
  const std::string_view rest(after + 1, static_cast<std::size_t>(end - after - 1));
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  found.projection = rest.substr(0, dot);
  found.end = rest.substr(dot + 1);
  return found;
}

// The experts of one stack on their way into it.
struct StackOfExperts {
  std::string name;
  Stack stack;
  std::vector<Slice> slices;
  std::int64_t experts = 0;
  Format format = Format::kF32;

  Shape shape(bool is_gpt_oss) const {
    const Shape& one = slices.front().shape;
    const std::int64_t rows = stack.both ? 2 * one[0] : one[0];
    if (stack.bias) return {experts, rows};
    return is_gpt_oss ? Shape{experts, one[1], rows} : Shape{experts, rows, one[1]};
  }
};

// Where the model is published with a stack, the row of it that a weight goes to.
const Stack* stack_of(const ExpertWeight& weight, bool is_gpt_oss) {
  for (const Stack& stack : kStacks) {
    const bool of_gpt_oss = stack.list == ".experts";
    const bool both = weight.projection == "gate_proj" || weight.projection == "up_proj";
    if (of_gpt_oss == is_gpt_oss && weight.list.ends_with(stack.list) && stack.both == both &&
        stack.bias == (weight.end == "bias") && (both || weight.projection == "down_proj"))
      return &stack;
  }
  return nullptr;
}

// Of the same float format the bytes, of others the values.
Weight put_together(const Checkpoint& checkpoint, const StackOfExperts& made, bool is_gpt_oss) {
  Weight whole;
  whole.name = made.name;
  whole.shape = made.shape(is_gpt_oss);
  whole.encoding.format = made.format;
  const std::size_t size = element_bytes(whole);
  const std::int64_t each = whole.shape.elements() / made.experts;
  whole.codes = Buffer::heap(static_cast<std::size_t>(whole.shape.elements()) * size);
  std::byte* to = whole.codes.mutable_data();
  for (const Slice& slice : made.slices) {
    const Weight stored = checkpoint.with_bytes(slice.name);
    const bool as_it_is = stored.encoding == whole.encoding;
    const Weight rows = as_it_is
                            ? unpack(stored)
                            : weight_from_tensor(stored.name, Tensor::from(decode(stored), stored.shape));
    for_each_element(slice, each, [&](std::size_t at, std::size_t of_stack) {
      std::memcpy(to + of_stack * size, rows.codes.data() + at * size, size);
    });
  }
  return whole;
}

}  // namespace

std::string expert_name(std::string_view list, std::int64_t expert, std::string_view projection,
                        std::string_view end) {
  return fmt::format("{}.{}.{}.{}", list, expert, projection, end);
}

void split_stacked_experts(Checkpoint& checkpoint, bool stream) {
  Splitter(checkpoint, stream).run();
}

Checkpoint with_stacked_experts(const Checkpoint& checkpoint) {
  const std::string type = checkpoint.config.string_or("model_type", "");
  const bool is_gpt_oss = type == "gpt_oss";
  if (!is_gpt_oss && type != "granitemoe") return checkpoint;
  std::map<std::string, StackOfExperts> stacks;
  for (const auto& [name, weight] : checkpoint.weights) {
    const auto expert = parse_expert(name);
    const Stack* stack = expert ? stack_of(*expert, is_gpt_oss) : nullptr;
    if (stack == nullptr) continue;
    const std::string stem = expert->list.substr(0, expert->list.size() - stack->list.size());
    StackOfExperts& made = stacks[stem + std::string(stack->end)];
    const Format format = weight.encoding.is_integer() ? Format::kF32 : weight.encoding.format;
    made.format = made.slices.empty() || made.format == format ? format : Format::kF32;
    made.name = stem + std::string(stack->end);
    made.stack = *stack;
    made.experts = std::max(made.experts, expert->expert + 1);
    made.slices.push_back(slice_of(name, expert->expert, weight.shape,
                                   expert->projection == "up_proj" ? 1 : 0, *stack, is_gpt_oss));
  }
  Checkpoint stacked = checkpoint;
  for (const auto& entry : stacks) {
    const std::string& name = entry.first;
    const StackOfExperts& made = entry.second;
    const std::string where = fmt::format("{}: weight '{}'", checkpoint.source, name);
    require(std::ssize(made.slices) == made.experts * (made.stack.both ? 2 : 1), where,
            "cannot be stacked: there are {} matrices of {} experts", made.slices.size(), made.experts);
    for (const Slice& slice : made.slices) {
      require(slice.shape == made.slices.front().shape && slice.shape.rank() == (made.stack.bias ? 1U : 2U),
              where, "cannot be stacked: '{}' is {}", slice.name, slice.shape.to_string());
      stacked.weights.erase(slice.name);
      stacked.made_weights.erase(slice.name);
    }
    Weight whole;
    whole.name = name;
    whole.shape = made.shape(is_gpt_oss);
    whole.encoding.format = made.format;
    stacked.weights.emplace(name, std::move(whole));
    stacked.made_weights.emplace(
        name, [&checkpoint, made, is_gpt_oss] { return put_together(checkpoint, made, is_gpt_oss); });
  }
  return stacked;
}

}  // namespace swiftlet
