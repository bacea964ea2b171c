// SequenceState: what a sequence keeps between steps, and the operations that engines need of it: grow, share
// with a copy on write, roll back. Behind it lie paged key/value blocks; other kinds of state will be other
// classes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace swiftlet {

class SequenceState {
 public:
  virtual ~SequenceState() = default;  // frees what only this sequence holds

  // Tokens held.
  virtual std::int64_t length() const = 0;
  // Makes room for `tokens` more; false, and nothing changed, when memory is exhausted.
  virtual bool extend(std::int64_t tokens) = 0;
  // Forgets all behind the first `length` tokens (roll back of speculation). REQUIRES: length <= length().
  virtual void truncate(std::int64_t length) = 0;
  // A second sequence with the same content: shared until one of them writes.
  virtual std::unique_ptr<SequenceState> fork() = 0;
  // The table of cache blocks, for StepBuilder; valid until the next extend, truncate or fork.
  virtual std::span<const std::int32_t> blocks() const = 0;
};

}  // namespace swiftlet
