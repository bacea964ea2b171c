// Macros and call blocks.
#include <algorithm>

#include "swiftlet/text/jinja_functions.h"
#include "swiftlet/text/jinja_interpreter.h"

namespace swiftlet::text::jinja {
namespace {

class Macro final : public Callable {
 public:
  Macro(const Stmt& stmt, std::string name, ScopePtr scope)
      : stmt_(stmt), name_(std::move(name)), scope_(std::move(scope)) {}

  std::string describe() const override { return fmt::format("<Macro '{}'>", name_); }
  Value call(Interpreter& in, Arguments& arguments) override {
    return in.call_macro(stmt_, name_, scope_, arguments);
  }
  std::optional<Value> attribute(Interpreter& in, std::string_view name) override {
    const Signature& signature = stmt_.signature;
    if (name == "name") return make_string(in.run, name_);
    if (name == "caller") return Value::boolean(signature.takes_caller);
    if (name == "catch_kwargs") return Value::boolean(signature.takes_named);
    if (name == "catch_varargs") return Value::boolean(signature.takes_rest);
    if (name != "arguments") return std::nullopt;
    std::vector<Value> names;
    for (const std::string& parameter : signature.parameters) names.push_back(make_string(in.run, parameter));
    return make_sequence(in.run, Kind::kTuple, std::move(names));
  }

 private:
  const Stmt& stmt_;
  std::string name_;
  ScopePtr scope_;
};

Value take_named(Arguments& arguments, std::string_view name, bool& found) {
  const auto place = std::find_if(arguments.named.begin(), arguments.named.end(),
                                  [name](const auto& pair) { return pair.first == name; });
  found = place != arguments.named.end();
  if (!found) return {};
  Value value = std::move(place->second);
  arguments.named.erase(place);
  return value;
}

}  // namespace

Value Interpreter::make_function(const Stmt& stmt, std::string name) {
  if (captured_.back() != scope_) {
    run.bytes(sizeof(Scope));
    captured_.push_back(scope_);
  }
  return Value::callable(std::make_shared<Macro>(stmt, std::move(name), scope_));
}

void Interpreter::define_macro(const Stmt& stmt) {
  scope_->set(stmt.text, make_function(stmt, stmt.text));
}

void Interpreter::execute_call_block(const Stmt& stmt) {
  const Expr& expr = *stmt.expressions.front();
  const Value callee = evaluate(*expr.children.front());
  Arguments arguments = evaluate_arguments(*expr.arguments);
  arguments.named.emplace_back("caller", make_function(stmt, "caller"));
  write(call(callee, std::move(arguments)));
}

Value Interpreter::call_macro(const Stmt& macro, const std::string& name, const ScopePtr& scope,
                              Arguments& arguments) {
  const Runtime::Level level(run);
  const Signature& signature = macro.signature;
  const int line = run.line;
  const Inner inner(*this, scope);
  const std::size_t count = signature.parameters.size();
  bool has_caller_parameter = false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& parameter = signature.parameters[i];
    has_caller_parameter = has_caller_parameter || parameter == "caller";
    if (i < arguments.positional.size()) {
      scope_->set(parameter, arguments.positional[i]);
      continue;
    }
    bool found = false;
    Value value = take_named(arguments, parameter, found);
    const std::size_t first_default = count - signature.defaults.size();
    if (!found && i >= first_default) value = evaluate(*signature.defaults[i - first_default]);
    if (!found && i < first_default)
      value = Value::undefined(fmt::format("parameter '{}' was not provided", parameter));
    scope_->set(parameter, std::move(value));
  }
  if (signature.takes_caller && !has_caller_parameter) {
    bool found = false;
    Value caller = take_named(arguments, "caller", found);
    scope_->set("caller", found ? std::move(caller) : Value::undefined("No caller defined"));
  }
  run.line = line;
  if (signature.takes_named) {
    auto rest = std::make_shared<Dict>();
    for (auto& [key, value] : arguments.named) rest->set(make_string(run, key), std::move(value));
    scope_->set("kwargs", make_dict(run, std::move(rest)));
  } else if (!arguments.named.empty()) {
    run.fail("macro '{}' takes no keyword argument '{}'", name, arguments.named.front().first);
  }
  if (signature.takes_rest) {
    std::vector<Value> rest;
    for (std::size_t i = count; i < arguments.positional.size(); ++i) rest.push_back(arguments.positional[i]);
    scope_->set("varargs", make_sequence(run, Kind::kTuple, std::move(rest)));
  } else if (arguments.positional.size() > count) {
    run.fail("macro '{}' takes not more than {} argument(s)", name, count);
  }
  std::string before = std::exchange(out_, {});
  execute(macro.bodies.front());
  run.line = line;
  return make_string(run, std::exchange(out_, std::move(before)));
}

}  // namespace swiftlet::text::jinja
