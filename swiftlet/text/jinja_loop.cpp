#include "swiftlet/text/jinja_loop.h"

#include <algorithm>

#include "swiftlet/text/jinja_functions.h"
#include "swiftlet/text/jinja_interpreter.h"

namespace swiftlet::text::jinja {

std::optional<Value> Loop::pull() {
  while (taken_ < items_.size()) {
    const Value& item = items_[taken_++];
    if (!filter_ || filter_(item)) return item;
  }
  return std::nullopt;
}

std::optional<Value> Loop::next() {
  std::optional<Value> item = after_ ? std::exchange(after_, std::nullopt) : pull();
  if (!item) return std::nullopt;
  ++index_;
  before_ = std::move(current_);
  current_ = item;
  return item;
}

const std::optional<Value>& Loop::after() {
  if (!after_) after_ = pull();
  return after_;
}

// What is left has to be filtered for that.
std::int64_t Loop::length() {
  if (filter_) {
    std::vector<Value> rest;
    while (auto item = pull()) rest.push_back(std::move(*item));
    items_ = std::move(rest);
    taken_ = 0;
    filter_ = nullptr;
  }
  return index_ + 1 + (after_ ? 1 : 0) + std::ssize(items_) - static_cast<std::int64_t>(taken_);
}

int Loop::depth() const {
  int deepest = 0;
  for (const Value& item : items_) deepest = std::max(deepest, item.depth());
  return deepest + 1;
}

Value Loop::call(Interpreter& in, Arguments&) {
  in.run.fail("recursive loops are not available");
}

std::optional<Value> Loop::attribute(Interpreter& in, std::string_view name) {
  if (name == "index") return Value::integer(index_ + 1);
  if (name == "index0") return Value::integer(index_);
  if (name == "first") return Value::boolean(index_ == 0);
  if (name == "last") return Value::boolean(!after());
  if (name == "length") return Value::integer(length());
  if (name == "revindex") return Value::integer(length() - index_);
  if (name == "revindex0") return Value::integer(length() - index_ - 1);
  if (name == "depth") return Value::integer(1);  // of recursion
  if (name == "depth0") return Value::integer(0);
  if (name == "previtem") return before_ ? *before_ : Value::undefined("there is no previous item");
  if (name == "nextitem") return after() ? *after_ : Value::undefined("there is no next item");
  if (name == "cycle") {
    return make_native("cycle", [index = index_](Interpreter& where, Arguments& arguments) {
      if (arguments.positional.empty()) where.run.fail("no items for cycling given");
      return arguments.positional[static_cast<std::size_t>(index) % arguments.positional.size()];
    });
  }
  if (name == "changed") {
    const auto self = shared_from_this();
    return make_native("changed", [self](Interpreter& where, Arguments& arguments) {
      const auto& now = arguments.positional;
      bool same = self->changed_.size() == now.size() + 1;  // one more: so that nothing is a value too
      for (std::size_t i = 0; same && i < now.size(); ++i) same = equal(where.run, self->changed_[i], now[i]);
      if (self->finished_) return Value::boolean(!same);
      self->changed_ = now;
      self->changed_.push_back(Value::none());
      return Value::boolean(!same);
    });
  }
  in.run.steps(1);
  return std::nullopt;
}

}  // namespace swiftlet::text::jinja
