// Expressions.
#include <algorithm>

#include "swiftlet/text/jinja_filters.h"
#include "swiftlet/text/jinja_functions.h"
#include "swiftlet/text/jinja_interpreter.h"
#include "swiftlet/text/jinja_operators.h"
#include "swiftlet/text/jinja_write.h"

namespace swiftlet::text::jinja {

Value Interpreter::look_up(const std::string& name) {
  for (Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
    run.steps(1);
    if (const Value* value = scope->find(name)) return *value;
  }
  if (const Value* value = variables_.find(name)) return *value;
  if (const Builtin* function = find_function(name)) return make_callable(*function, {});
  return Value::undefined(fmt::format("'{}' is undefined", name));
}

Value Interpreter::evaluate(const Expr& expr) {
  const Runtime::Level level(run);
  run.steps(1);
  run.line = expr.line;
  const auto child = [&](std::size_t i) { return evaluate(*expr.children[i]); };
  switch (expr.kind) {
    case ExprKind::kConst:
      return expr.constant;
    case ExprKind::kName:
      return look_up(expr.name);
    case ExprKind::kAttribute:
      return attribute(child(0), expr.name);
    case ExprKind::kItem:
      return evaluate_item(expr);
    case ExprKind::kSlice:
      run.fail("a slice stands where a value was expected");
    case ExprKind::kList:
    case ExprKind::kTuple: {
      std::vector<Value> items;
      for (const ExprPtr& item : expr.children) items.push_back(evaluate(*item));
      return make_sequence(run, expr.kind == ExprKind::kList ? Kind::kList : Kind::kTuple, std::move(items));
    }
    case ExprKind::kDict:
      return evaluate_dict(expr);
    case ExprKind::kCall:
      return evaluate_call(expr);
    case ExprKind::kFilter:
      return apply_filter(expr, child(0));
    case ExprKind::kTest: {
      Value self = child(0);
      Arguments arguments = evaluate_arguments(*expr.arguments);
      run.line = expr.line;
      return Value::boolean(call_test(expr.name, std::move(self), std::move(arguments)));
    }
    case ExprKind::kAnd: {
      Value left = child(0);
      return truth(left) ? child(1) : left;
    }
    case ExprKind::kOr: {
      Value left = child(0);
      return truth(left) ? left : child(1);
    }
    case ExprKind::kNot:
      return Value::boolean(!truth(child(0)));
    case ExprKind::kUnary: {
      Value value = child(0);
      if (expr.name == "-") return negate(run, value);
      if (!value.is_number()) return negate(run, value);  // which says what is wrong
      return value.is(Kind::kFloat) ? value : Value::integer(value.as_int());
    }
    case ExprKind::kBinary: {
      const Value left = child(0), right = child(1);
      run.line = expr.line;
      return binary(run, expr.name, left, right);
    }
    case ExprKind::kConcat: {
      std::string text;
      for (const ExprPtr& part : expr.children) {
        const Value value = evaluate(*part);
        if (value.is_string()) run.bytes(value.bytes().size());
        text += value.is_string() ? value.bytes() : str(run, value);
      }
      run.bytes(sizeof(Text));
      return Value::string(std::move(text));
    }
    case ExprKind::kCompare:
      return evaluate_compare(expr);
    case ExprKind::kCondition:
      if (truth(child(0))) return child(1);
      if (expr.children.size() > 2) return child(2);
      return Value::undefined("the inline if-expression evaluated to false and no else section was defined");
  }
  return {};
}

Value Interpreter::evaluate_item(const Expr& expr) {
  const Value object = evaluate(*expr.children[0]);
  const Expr& index = *expr.children[1];
  if (index.kind != ExprKind::kSlice) return subscript(object, evaluate(index));
  const auto part = [&](std::size_t i) {
    return index.children[i] ? evaluate(*index.children[i]) : Value::none();
  };
  const Value start = part(0), stop = part(1), step = part(2);
  run.line = expr.line;
  return slice(run, object, start, stop, step);
}

Value Interpreter::evaluate_dict(const Expr& expr) {
  auto dict = std::make_shared<Dict>();
  for (std::size_t i = 0; i < expr.children.size(); i += 2) {
    Value key = evaluate(*expr.children[i]);
    Value value = evaluate(*expr.children[i + 1]);
    if (!hashable(key)) run.fail("unhashable type: '{}'", type_name(key));
    dict->set(std::move(key), std::move(value));
  }
  return make_dict(run, std::move(dict));
}

Value Interpreter::evaluate_compare(const Expr& expr) {
  Value left = evaluate(*expr.children.front());
  for (std::size_t i = 0; i < expr.operators.size(); ++i) {
    Value right = evaluate(*expr.children[i + 1]);
    const std::string& op = expr.operators[i];
    run.line = expr.line;
    bool holds = false;
    if (op == "==" || op == "!=")
      holds = equal(run, left, right) == (op == "==");
    else if (op == "in" || op == "not in")
      holds = contains(run, right, left) == (op == "in");
    else if (left.is_number() && right.is_number() &&
             (left.as_double() != left.as_double() || right.as_double() != right.as_double()))
      holds = false;  // nothing is before or after what is not a number
    else {
      const int order = compare(run, left, right);
      holds = op == "<" ? order < 0 : op == "<=" ? order <= 0 : op == ">" ? order > 0 : order >= 0;
    }
    if (!holds) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Arguments Interpreter::evaluate_arguments(const CallArguments& source) {
  Arguments result;
  for (const ExprPtr& expr : source.positional) result.positional.push_back(evaluate(*expr));
  if (source.star) {
    const Value rest = evaluate(*source.star);
    if (rest.is_undefined()) run.fail_text(rest.hint());
    for (Value& value : iterate(run, rest)) result.positional.push_back(std::move(value));
  }
  for (const auto& [name, expr] : source.named) result.named.emplace_back(name, evaluate(*expr));
  if (!source.star_star) return result;
  const Value rest = evaluate(*source.star_star);
  if (!rest.is(Kind::kDict)) run.fail("argument after ** must be a mapping, not {}", type_name(rest));
  for (const auto& [key, value] : rest.dict_object().items) {
    if (!key.is_string()) run.fail("keywords must be strings");
    for (const auto& known : result.named)
      if (known.first == key.bytes()) run.fail("got multiple values for keyword argument '{}'", key.bytes());
    run.bytes(key.bytes().size() + 2 * sizeof(Value));
    run.steps(std::ssize(result.named));
    result.named.emplace_back(key.bytes(), value);
  }
  return result;
}

Value Interpreter::evaluate_call(const Expr& expr) {
  const Value callee = evaluate(*expr.children.front());
  Arguments arguments = evaluate_arguments(*expr.arguments);
  run.line = expr.line;
  return call(callee, std::move(arguments));
}

Value Interpreter::call(const Value& callee, Arguments arguments) {
  if (callee.is_undefined()) run.fail_text(callee.hint());
  if (!callee.is(Kind::kCallable)) run.fail("'{}' object is not callable", type_name(callee));
  const Value keep = callee;  // the call may drop the last other reference
  return keep.callable_object().call(*this, arguments);
}

Value Interpreter::apply_filter(const Expr& expr, Value self) {
  Arguments arguments = evaluate_arguments(*expr.arguments);
  run.line = expr.line;
  return call_filter(expr.name, std::move(self), std::move(arguments));
}

Value Interpreter::apply_chain(const Expr& expr, Value self) {
  if (expr.children.front()) self = apply_chain(*expr.children.front(), std::move(self));
  return apply_filter(expr, std::move(self));
}

Value Interpreter::call_filter(std::string_view name, Value self, Arguments arguments) {
  const Builtin* filter = find_filter(name);
  if (filter == nullptr) run.fail("No filter named '{}'", name);
  Call call(*this, run, name, std::move(self), std::move(arguments));
  return invoke(*filter, call);
}

bool Interpreter::call_test(std::string_view name, Value self, Arguments arguments) {
  const Builtin* test = find_test(name);
  if (test == nullptr) run.fail("No test named '{}'", name);
  Call call(*this, run, name, std::move(self), std::move(arguments));
  return truth(invoke(*test, call));
}

Value Interpreter::attribute(const Value& object, std::string_view name) {
  if (object.is_undefined()) run.fail_text(object.hint());
  if (object.is(Kind::kNamespace)) {
    if (const Value* member = object.dict_object().find(name)) return *member;
  } else if (object.is(Kind::kCallable)) {
    if (auto found = object.callable_object().attribute(*this, name)) return *std::move(found);
  } else if (object.is(Kind::kTuple) && object.sequence_object().groups &&
             (name == "grouper" || name == "list")) {
    return object.items()[name == "list" ? 1 : 0];
  } else if (const Method method = find_method(object, name); method.builtin != nullptr) {
    return make_callable(*method.builtin, object);
  } else if (method.refused) {
    return make_refused(object, name);
  } else if (object.is(Kind::kDict)) {
    if (const Value* member = object.dict_object().find(name)) return *member;
  }
  if (object.is_none()) return Value::undefined(fmt::format("'None' has no attribute '{}'", name));
  return Value::undefined(fmt::format("'{} object' has no attribute '{}'", type_name(object), name));
}

Value Interpreter::subscript(const Value& object, const Value& key) {
  if (object.is_undefined()) run.fail_text(object.hint());
  if (object.is(Kind::kDict) && !hashable(key)) return item(run, object, key);
  if (object.is(Kind::kDict))
    if (const Value* found = object.dict_object().find(key)) return *found;
  if (!key.is_string()) return item(run, object, key);
  if (object.is(Kind::kDict)) {  // the item is not there: perhaps a method
    const Method method = find_method(object, key.bytes());
    if (method.builtin != nullptr) return make_callable(*method.builtin, object);
    if (method.refused) return make_refused(object, key.bytes());
    return item(run, object, key);
  }
  return attribute(object, key.bytes());
}

}  // namespace swiftlet::text::jinja
