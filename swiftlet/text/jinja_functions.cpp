// The functions that a template finds in every environment, and how functions become values.
#include "swiftlet/text/jinja_functions.h"

#include <algorithm>
#include <ctime>
#include <limits>

#include "swiftlet/text/jinja_filters.h"
#include "swiftlet/text/jinja_interpreter.h"
#include "swiftlet/text/jinja_write.h"

namespace swiftlet::text::jinja {
namespace {

class NativeCallable final : public Callable {
 public:
  NativeCallable(std::string name, Native function)
      : name_(std::move(name)), function_(std::move(function)) {}
  std::string describe() const override { return fmt::format("<function {}>", name_); }
  Value call(Interpreter& in, Arguments& arguments) override { return function_(in, arguments); }

 private:
  std::string name_;
  Native function_;
};

class Bound final : public Callable {
 public:
  Bound(const Builtin& builtin, Value self) : builtin_(builtin), self_(std::move(self)) {}
  std::string describe() const override { return fmt::format("<function {}>", builtin_.name); }
  int depth() const override { return self_.depth() + 1; }
  Value call(Interpreter& in, Arguments& arguments) override {
    Call call(in, in.run, builtin_.name, self_, std::move(arguments));
    return invoke(builtin_, call);
  }

 private:
  const Builtin& builtin_;
  Value self_;
};

Value range(Call& call) {
  std::int64_t start = 0, stop = call.integer(0, 0), step = call.integer(2, 1);
  if (call.has(1)) {
    start = stop;
    stop = call.integer(1, 0);
  }
  if (step == 0) call.run.fail("range() arg 3 must not be zero");
  const bool empty = step > 0 ? start >= stop : start <= stop;
  const auto wide = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
  const std::uint64_t span =
      step > 0 ? wide(stop) - wide(start) : wide(start) - wide(stop);  // does not overflow
  const std::uint64_t count = empty ? 0 : (span - 1) / (step > 0 ? wide(step) : 0 - wide(step)) + 1;
  if (count > kMaxRange) call.run.fail("Range too big. The sandbox blocks ranges larger than {}", kMaxRange);
  call.run.bytes(count * sizeof(Value));
  std::vector<Value> items;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(count); ++i)
    items.push_back(Value::integer(start + i * step));
  std::string label =
      fmt::format("range({}, {}", start, stop) + (step == 1 ? ")" : fmt::format(", {})", step));
  return make_sequence(call.run, Kind::kRange, std::move(items), std::move(label));
}

// dict() and namespace(): a mapping or pairs, and names.
std::shared_ptr<Dict> members(Call& call) {
  auto dict = std::make_shared<Dict>();
  if (call.arguments.positional.size() > 1)
    call.run.fail("{}() takes at most 1 positional argument", call.name);
  for (const Value& source : call.arguments.positional) {
    if (source.is(Kind::kDict)) {
      for (const auto& [key, value] : source.dict_object().items) dict->set(key, value);
      continue;
    }
    for (const Value& pair : iterate(call.run, source)) {
      const std::vector<Value> parts = iterate(call.run, pair);
      if (parts.size() != 2 || !hashable(parts[0])) call.run.fail("{}() wants pairs", call.name);
      dict->set(parts[0], parts[1]);
    }
  }
  for (const auto& [name, value] : call.arguments.named) dict->set(make_string(call.run, name), value);
  return dict;
}

Value make_dict_value(Call& call) {
  return make_dict(call.run, members(call));
}

Value make_namespace_value(Call& call) {
  auto dict = members(call);
  for (const auto& [name, value] : dict->items)
    if (name.is_string() && name.bytes().starts_with('_'))
      call.run.fail("names in a namespace must not begin with an underscore");
  return call.in.make_namespace(std::move(dict));
}

Value raise_exception(Call& call) {
  call.run.fail_text(str(call.run, call.value(0)));
}

Value strftime_now(Call& call) {
  const std::string format = call.text(0).bytes;
  constexpr std::size_t kLongest = 4096;
  if (format.empty()) return call.make("");
  if (format.size() > kLongest || format.find('\0') != std::string::npos)
    call.run.fail("the format of a date is too long or holds a NUL");
  std::string text(kLongest * 16, '\0');
  text.resize(std::strftime(text.data(), text.size(), format.c_str(), &call.in.now));
  return call.make(std::move(text));
}

// Gives the items in turn.
class Cycler final : public Callable {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::move(items)) {}
  std::string describe() const override { return "<Cycler>"; }
  Value call(Interpreter& in, Arguments&) override { in.run.fail("'Cycler' object is not callable"); }
  int depth() const override {
    int deepest = 0;
    for (const Value& item : items_) deepest = std::max(deepest, item.depth());
    return deepest + 1;
  }
  std::optional<Value> attribute(Interpreter&, std::string_view name) override {
    if (name == "current") return items_[*place_];
    if (name == "next")
      return make_native("next", [items = items_, place = place_](Interpreter&, Arguments&) {
        const std::size_t now = *place;
        *place = (now + 1) % items.size();
        return items[now];
      });
    if (name == "reset")
      return make_native("reset", [place = place_](Interpreter&, Arguments&) {
        *place = 0;
        return Value::none();
      });
    return std::nullopt;
  }

 private:
  std::vector<Value> items_;
  std::shared_ptr<std::size_t> place_ = std::make_shared<std::size_t>(0);
};

Value cycler(Call& call) {
  if (call.arguments.positional.empty()) call.run.fail("at least one item has to be provided");
  return Value::callable(std::make_shared<Cycler>(call.arguments.positional));
}

// The separator, but nothing at the first call.
Value joiner(Call& call) {
  const Value separator = call.value_or(0, Value::string(", "));
  return make_native("joiner", [separator, used = std::make_shared<bool>(false)](Interpreter&, Arguments&) {
    return std::exchange(*used, true) ? separator : Value::string("");
  });
}

constexpr Builtin kFunctions[] = {
    {"range", {"start", "?stop", "?step"}, range},
    {"dict", {"*"}, make_dict_value},
    {"namespace", {"*"}, make_namespace_value},
    {"raise_exception", {"message"}, raise_exception},
    {"strftime_now", {"format"}, strftime_now},
    {"cycler", {"*"}, cycler},
    {"joiner", {"?sep"}, joiner},
};

}  // namespace

const Builtin* find_function(std::string_view name) {
  return find_builtin(kFunctions, name);
}

Value make_native(std::string name, Native function) {
  return Value::callable(std::make_shared<NativeCallable>(std::move(name), std::move(function)));
}

Value make_callable(const Builtin& builtin, Value self) {
  return Value::callable(std::make_shared<Bound>(builtin, std::move(self)));
}

Value make_refused(const Value& self, std::string_view name) {
  return Value::undefined(
      fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, type_name(self)));
}

}  // namespace swiftlet::text::jinja
