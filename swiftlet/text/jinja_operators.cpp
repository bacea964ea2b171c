#include "swiftlet/text/jinja_operators.h"

#include <cmath>
#include <limits>

#include "swiftlet/text/jinja_format.h"
#include "swiftlet/text/jinja_strings.h"
#include "swiftlet/text/jinja_write.h"

namespace swiftlet::text::jinja {
namespace {

[[noreturn]] void too_large(Runtime& run) {
  run.fail("an integer needs more than 64 bits");
}

std::int64_t power(Runtime& run, std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) too_large(run);
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) too_large(run);
  }
  return result;
}

Value integers(Runtime& run, std::string_view op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (op == "+"   ? __builtin_add_overflow(a, b, &result)
      : op == "-" ? __builtin_sub_overflow(a, b, &result)
                  : op == "*" && __builtin_mul_overflow(a, b, &result))
    too_large(run);
  if (op == "+" || op == "-" || op == "*") return Value::integer(result);
  if (op == "**") {
    if (b >= 0) return Value::integer(power(run, a, b));
    if (a == 0) run.fail("0.0 cannot be raised to a negative power");
    return Value::number(std::pow(static_cast<double>(a), static_cast<double>(b)));
  }
  if (b == 0) run.fail("division by zero");
  if (op == "/") return Value::number(static_cast<double>(a) / static_cast<double>(b));
  if (b == -1) {
    if (op == "%") return Value::integer(0);
    if (a == std::numeric_limits<std::int64_t>::min()) too_large(run);
    return Value::integer(-a);
  }
  const std::int64_t quotient = a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
  return Value::integer(op == "//" ? quotient : a - quotient * b);
}

double floor_mod(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest != 0 && (b < 0) != (rest < 0)) rest += b;
  return rest == 0 ? std::copysign(0.0, b) : rest;
}

Value floats(Runtime& run, std::string_view op, double a, double b) {
  if (op == "+") return Value::number(a + b);
  if (op == "-") return Value::number(a - b);
  if (op == "*") return Value::number(a * b);
  if (op == "**") {
    if (a == 0 && b < 0) run.fail("0.0 cannot be raised to a negative power");
    const double result = std::pow(a, b);
    if (std::isnan(result) && !std::isnan(a) && !std::isnan(b)) run.fail("complex numbers are not available");
    if (std::isinf(result) && !std::isinf(a) && !std::isinf(b)) run.fail("Result too large");
    return Value::number(result);
  }
  if (b == 0) run.fail("float division by zero");
  if (op == "/") return Value::number(a / b);
  const double rest = floor_mod(a, b);
  if (op == "%") return Value::number(rest);
  const double quotient = (a - rest) / b;
  const double floor = std::floor(quotient);
  return Value::number(quotient - floor > 0.5 ? floor + 1 : floor);
}

Value join_texts(Runtime& run, const Value& a, const Value& b) {
  const bool markup = a.text().markup || b.text().markup;
  run.bytes(a.bytes().size() + b.bytes().size() + sizeof(Text));
  if (!markup) return Value::string(a.bytes() + b.bytes());
  const auto escaped = [&](const Value& text) {
    return text.text().markup ? text.bytes() : escape_html(run, text.bytes());
  };
  return Value::string(escaped(a) + escaped(b), true);
}

Value repeat_items(Runtime& run, const Value& value, std::int64_t times) {
  std::vector<Value> items;
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  const std::int64_t length = std::ssize(value.items());
  if (times > 0 && length > 0) {
    if (times > kMost / length) run.fail("the template makes more text than is allowed");
    run.bytes(static_cast<std::size_t>(times * length) * sizeof(Value));
    run.steps(times * length);
    for (std::int64_t i = 0; i < times; ++i)
      items.insert(items.end(), value.items().begin(), value.items().end());
  }
  return make_sequence(run, value.kind(), std::move(items));
}

bool is_list(const Value& value) {
  return value.is(Kind::kList) || value.is(Kind::kTuple);
}

}  // namespace

Value binary(Runtime& run, std::string_view op, const Value& a, const Value& b) {
  if (op == "%" && a.is_string()) return percent_format(run, a, b);
  if (a.is_undefined()) run.fail_text(a.hint());
  if (b.is_undefined()) run.fail_text(b.hint());
  if (a.is_integral() && b.is_integral()) return integers(run, op, a.as_int(), b.as_int());
  if (a.is_number() && b.is_number()) return floats(run, op, a.as_double(), b.as_double());
  if (op == "+" && a.is_string() && b.is_string()) return join_texts(run, a, b);
  if (op == "+" && is_list(a) && a.kind() == b.kind()) {
    std::vector<Value> items;
    run.bytes((a.items().size() + b.items().size()) * sizeof(Value));
    items = a.items();
    items.insert(items.end(), b.items().begin(), b.items().end());
    return make_sequence(run, a.kind(), std::move(items));
  }
  if (op == "*") {
    const Value& times = a.is_integral() ? a : b;
    const Value& value = a.is_integral() ? b : a;
    if (times.is_integral() && value.is_string())
      return Value::string(repeat(run, value.bytes(), times.as_int()), value.text().markup);
    if (times.is_integral() && is_list(value)) return repeat_items(run, value, times.as_int());
  }
  run.fail("unsupported operand type(s) for {}: '{}' and '{}'", op, type_name(a), type_name(b));
}

Value negate(Runtime& run, const Value& value) {
  if (value.is_undefined()) run.fail_text(value.hint());
  if (value.is(Kind::kFloat)) return Value::number(-value.as_double());
  if (!value.is_integral()) run.fail("bad operand type for unary -: '{}'", type_name(value));
  if (value.as_int() == std::numeric_limits<std::int64_t>::min()) too_large(run);
  return Value::integer(-value.as_int());
}

Value item(Runtime& run, const Value& container, const Value& index) {
  if (container.is(Kind::kDict)) {
    const Value* found = hashable(index) ? container.dict_object().find(index) : nullptr;
    if (found != nullptr) return *found;
  } else if (index.is_integral() &&
             (container.is_string() || is_list(container) || container.is(Kind::kRange))) {
    const std::int64_t length = length_of(run, container);
    const std::int64_t place = index.as_int() < 0 ? index.as_int() + length : index.as_int();
    if (place >= 0 && place < length) {
      if (!container.is_string()) return container.items()[static_cast<std::size_t>(place)];
      return make_string(run, slice_text(run, container.text(), {place, 1, 1}));
    }
  }
  if (index.is_string())
    return Value::undefined(
        fmt::format("'{} object' has no attribute '{}'", type_name(container), index.bytes()));
  return Value::undefined(fmt::format("{} object has no element {}", type_name(container), repr(run, index)));
}

Value slice(Runtime& run, const Value& value, const Value& start, const Value& stop, const Value& step) {
  if (value.is_undefined()) run.fail_text(value.hint());
  if (!value.is_string() && !is_list(value) && !value.is(Kind::kRange))
    return Value::undefined(fmt::format("'{} object' cannot be sliced", type_name(value)));
  const Slice part = resolve_slice(run, start, stop, step, length_of(run, value));
  if (value.is_string()) return make_string(run, slice_text(run, value.text(), part));
  run.bytes(static_cast<std::size_t>(part.count) * sizeof(Value));
  std::vector<Value> items;
  for (std::int64_t i = 0; i < part.count; ++i)
    items.push_back(value.items()[static_cast<std::size_t>(part.start + i * part.step)]);
  return make_sequence(run, value.kind(), std::move(items), value.sequence_object().label);
}

}  // namespace swiftlet::text::jinja
