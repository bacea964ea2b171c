#include "swiftlet/engine/step_builder.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kManySequences = 4096;  // where the program does not bound them

}  // namespace

StepBuilder::StepBuilder(std::shared_ptr<const Program> program, std::span<const std::string> bound)
    : program_(std::move(program)) {
  const auto tokens = static_cast<std::size_t>(maximum("tokens"));
  for (auto* rows : {&tokens_, &positions_, &token_types_, &output_rows_}) rows->reserve(tokens);
  slots_.reserve(tokens);
  skipped_.reserve(std::min(tokens, static_cast<std::size_t>(kManySequences)));
  segments_.reserve(std::min(tokens, static_cast<std::size_t>(kManySequences)));
  symbols_.resize(program_->symbols.size());
  for (const std::string& name : program_->symbols) counts_.push_back(count_of(name));
  for (const Program::Port& input : program_->inputs) {
    const bool is_bound = std::find(bound.begin(), bound.end(), input.name) != bound.end();
    rows_.push_back(is_bound ? nullptr : &rows_of(input.name));
  }
  inputs_.resize(program_->inputs.size());
  axes_.resize(program_->ragged_axes.size());
}

StepBuilder::Count StepBuilder::count_of(std::string_view symbol) {
  if (symbol == "tokens") return &StepBuilder::tokens;
  if (symbol == "sequences") return &StepBuilder::sequences;
  if (symbol == "outputs") return &StepBuilder::outputs;
  fail(ErrorCode::kUnsupported, "step", "the program counts '{}', which no step has", symbol);
}

const std::vector<std::int32_t>& StepBuilder::rows_of(std::string_view input) const {
  if (input == "token_ids") return tokens_;
  if (input == "positions") return positions_;
  if (input == "token_types") return token_types_;
  if (input == "output_rows") return output_rows_;
  if (input == "skipped_tokens") return skipped_;
  fail(ErrorCode::kUnsupported, "step", "the program reads '{}', which no step has", input);
}

std::int64_t StepBuilder::maximum(std::string_view symbol) const {
  const auto found = std::find(program_->symbols.begin(), program_->symbols.end(), symbol);
  if (found == program_->symbols.end()) return kManySequences;
  return program_->maxima[static_cast<std::size_t>(found - program_->symbols.begin())];
}

void StepBuilder::clear() {
  for (auto* rows : {&tokens_, &positions_, &token_types_, &output_rows_}) rows->clear();
  slots_.clear();
  segments_.clear();
  skipped_.clear();
}

void StepBuilder::add(std::span<const std::int32_t> tokens, OutputRows outputs, std::int64_t first,
                      std::span<const std::int32_t> blocks) {
  const std::int64_t begin = this->tokens(), count = static_cast<std::int64_t>(tokens.size());
  require(begin + count <= maximum("tokens"), "step", "{} tokens are more than the {} planned for",
          begin + count, maximum("tokens"));
  const bool paged = !program_->states.empty();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t position = first + i;
    tokens_.push_back(tokens[static_cast<std::size_t>(i)]);
    positions_.push_back(static_cast<std::int32_t>(position));
    token_types_.push_back(0);
    if (paged)
      slots_.push_back(std::int64_t{blocks[static_cast<std::size_t>(position / kernels::kKeyBlock)]} *
                           kernels::kKeyBlock +
                       position % kernels::kKeyBlock);
    if (outputs == OutputRows::kAll || (outputs == OutputRows::kLast && i + 1 == count))
      output_rows_.push_back(static_cast<std::int32_t>(begin + i));
  }
  require(this->outputs() <= maximum("outputs"), "step", "{} output rows are more than the {} planned for",
          this->outputs(), maximum("outputs"));
  skipped_.push_back(0);
  segments_.push_back({.query_begin = static_cast<std::int32_t>(begin),
                       .query_end = static_cast<std::int32_t>(begin + count),
                       .key_begin = static_cast<std::int32_t>(begin),
                       .keys = static_cast<std::int32_t>(first + count),
                       .blocks = paged ? blocks.data() : nullptr});
}

void StepBuilder::add_rows(std::span<const std::int32_t> tokens, std::span<const std::int32_t> types,
                           std::span<const std::int32_t> rows) {
  const std::int64_t begin = this->tokens();
  add(tokens, OutputRows::kNone);
  for (std::size_t i = 0; i < types.size(); ++i) token_types_[static_cast<std::size_t>(begin) + i] = types[i];
  require(outputs() + static_cast<std::int64_t>(rows.size()) <= maximum("outputs"), "step",
          "{} output rows are more than the {} planned for",
          outputs() + static_cast<std::int64_t>(rows.size()), maximum("outputs"));
  for (const std::int32_t row : rows) output_rows_.push_back(static_cast<std::int32_t>(begin) + row);
}

void StepBuilder::bind(std::string_view input, const void* values) {
  const std::size_t index = program_->input(input);
  SWIFTLET_ASSERT(rows_[index] == nullptr);
  inputs_[index] = values;
}

StepInputs StepBuilder::inputs(std::span<const CacheLayer> cache) {
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    if (rows_[i] != nullptr) inputs_[i] = rows_[i]->data();
  for (std::size_t i = 0; i < symbols_.size(); ++i) symbols_[i] = (this->*counts_[i])();
  for (RaggedAxis& axis : axes_) axis.segments = segments_;
  return {.inputs = inputs_,
          .symbols = symbols_,
          .batch = {.axes = axes_, .cache_slots = slots_, .cache = cache}};
}

}  // namespace swiftlet
