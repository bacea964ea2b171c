// StepBuilder: the tables of one step over ragged sequences: tokens, positions, segments, cache slots, output
// rows.
//
// Capacity is reserved once for the program's maxima, so building a step allocates nothing. One thread at a
// time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/runtime/execute.h"

namespace swiftlet {

enum class OutputRows : std::uint8_t { kNone, kLast, kAll };

class StepBuilder {
 public:
  // `bound`: inputs of the program that bind() gives. Throws kUnsupported when it reads others that no step
  // has.
  explicit StepBuilder(std::shared_ptr<const Program> program, std::span<const std::string> bound = {});
  StepBuilder(const StepBuilder&) = delete;  // points into itself
  StepBuilder& operator=(const StepBuilder&) = delete;

  void clear();
  // Appends the rows of a sequence, in a pure program the whole sequence. With a paged cache, `first` is the
  // number of tokens that the cache already holds and `blocks` covers first + tokens.size() of them; the
  // blocks must stay in place until the step has run. Throws Error when a planned maximum is exceeded.
  void add(std::span<const std::int32_t> tokens, OutputRows outputs, std::int64_t first = 0,
           std::span<const std::int32_t> blocks = {});
  // Appends a whole sequence to a pure program, with the segments of its tokens (none: all 0) and those of
  // its rows whose outputs are wanted.
  void add_rows(std::span<const std::int32_t> tokens, std::span<const std::int32_t> types,
                std::span<const std::int32_t> rows);
  // Of the sequence that was added last: how many tokens it has, those of later steps among them. Else those
  // that were added so far.
  void whole(std::int64_t tokens) { segments_.back().length = static_cast<std::int32_t>(tokens); }
  // Of the sequence that was added last: how many of its first tokens are not pooled. Else 0.
  void skip(std::int32_t count) { skipped_.back() = count; }
  // Of an input that the constructor was told: its values, which must live until the step has run.
  void bind(std::string_view input, const void* values);
  std::int64_t tokens() const { return static_cast<std::int64_t>(tokens_.size()); }
  std::int64_t sequences() const { return static_cast<std::int64_t>(segments_.size()); }
  std::int64_t outputs() const { return static_cast<std::int64_t>(output_rows_.size()); }

  // Valid until the next clear() or add().
  StepInputs inputs(std::span<const CacheLayer> cache = {});

 private:
  using Count = std::int64_t (StepBuilder::*)() const;
  static Count count_of(std::string_view symbol);
  const std::vector<std::int32_t>& rows_of(std::string_view input) const;
  std::int64_t maximum(std::string_view symbol) const;

  std::shared_ptr<const Program> program_;
  std::vector<std::int32_t> tokens_, positions_, token_types_, output_rows_, skipped_;
  std::vector<kernels::Segment> segments_;
  std::vector<std::int64_t> slots_, symbols_;
  std::vector<Count> counts_;                           // by symbol of the program
  std::vector<const std::vector<std::int32_t>*> rows_;  // by input of the program; null: a bound one
  std::vector<const void*> inputs_;
  std::vector<RaggedAxis> axes_;
};

}  // namespace swiftlet
