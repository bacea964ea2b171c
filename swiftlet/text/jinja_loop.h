// The `loop` of a for: where it stands, and how much is left.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "swiftlet/text/jinja_arguments.h"

namespace swiftlet::text::jinja {

// Goes over the items that a filter lets through. The filter is asked only when an item is wanted, as it may
// look at what the body of the loop changes.
class Loop final : public Callable, public std::enable_shared_from_this<Loop> {
 public:
  using Filter = std::function<bool(const Value&)>;
  Loop(std::vector<Value> items, Filter filter) : items_(std::move(items)), filter_(std::move(filter)) {}

  std::optional<Value> next();
  // The loop is over: what the filter refers to goes away, and what might refer to this loop.
  void finish() {
    filter_ = nullptr;
    finished_ = true;
    changed_.clear();
  }

  std::string describe() const override { return "<LoopContext>"; }
  Value call(Interpreter& in, Arguments& arguments) override;
  std::optional<Value> attribute(Interpreter& in, std::string_view name) override;
  int depth() const override;

 private:
  std::optional<Value> pull();
  std::int64_t length();
  const std::optional<Value>& after();

  std::vector<Value> items_;
  std::size_t taken_ = 0;  // of items_
  Filter filter_;
  std::int64_t index_ = -1;
  std::optional<Value> before_, current_, after_;
  std::vector<Value> changed_;
  bool finished_ = false;
};

}  // namespace swiftlet::text::jinja
