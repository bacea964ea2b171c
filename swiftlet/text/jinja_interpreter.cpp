#include "swiftlet/text/jinja_interpreter.h"

#include <algorithm>

#include "swiftlet/text/jinja_filters.h"
#include "swiftlet/text/jinja_functions.h"
#include "swiftlet/text/jinja_loop.h"
#include "swiftlet/text/jinja_operators.h"
#include "swiftlet/text/jinja_write.h"

namespace swiftlet::text::jinja {

Value* Scope::find(std::string_view name) {
  for (auto& [known, value] : names)
    if (known == name) return &value;
  return nullptr;
}

void Scope::set(std::string_view name, Value value) {
  if (Value* known = find(name))
    *known = std::move(value);
  else
    names.emplace_back(name, std::move(value));
}

Interpreter::Interpreter(Runtime& runtime, const Dict& variables, const std::tm& time)
    : run(runtime), now(time), variables_(variables), scope_(std::make_shared<Scope>(nullptr)) {
  captured_.push_back(scope_);
}

// Macros hold the scope that holds them, namespaces may hold each other: what they hold is let go of here.
Interpreter::~Interpreter() {
  for (const auto& scope : captured_) scope->names.clear();
  for (const auto& members : namespaces_) members->items.clear();
}

ScopePtr Interpreter::enter(const ScopePtr& outer) {
  constexpr int kMaxScopes = 500;
  if (outer->depth >= kMaxScopes) run.fail("the template calls itself too deeply");
  return std::make_shared<Scope>(outer);
}

std::string Interpreter::render(const Body& body) {
  execute(body);
  return std::move(out_);
}

void Interpreter::write(std::string_view text) {
  run.bytes(text.size());
  out_ += text;
}

void Interpreter::write(const Value& value) {
  if (value.is_string())
    write(value.bytes());
  else
    write(str(run, value));
}

std::string Interpreter::capture(const Body& body) {
  const Inner inner(*this, scope_);
  std::string before = std::exchange(out_, {});
  if (execute(body) != Flow::kOn) run.fail("a loop cannot be left from inside a block that is kept");
  return std::exchange(out_, std::move(before));
}

Flow Interpreter::execute(const Body& body) {
  for (const StmtPtr& stmt : body)
    if (const Flow flow = execute(*stmt); flow != Flow::kOn) return flow;
  return Flow::kOn;
}

Flow Interpreter::execute(const Stmt& stmt) {
  const Runtime::Level level(run);
  run.line = stmt.line;
  run.steps(1);
  switch (stmt.kind) {
    case StmtKind::kData:
      write(stmt.text);
      break;
    case StmtKind::kPrint:
      for (const ExprPtr& expr : stmt.expressions) write(evaluate(*expr));
      break;
    case StmtKind::kIf:
      return execute_if(stmt);
    case StmtKind::kFor:
      return execute_for(stmt);
    case StmtKind::kSet:
    case StmtKind::kSetBlock:
      execute_set(stmt);
      break;
    case StmtKind::kMacro:
      define_macro(stmt);
      break;
    case StmtKind::kCallBlock:
      execute_call_block(stmt);
      break;
    case StmtKind::kFilterBlock:
      write(apply_chain(*stmt.expressions.front(), make_string(run, capture(stmt.bodies.front()))));
      break;
    case StmtKind::kWith:
      return execute_with(stmt);
    case StmtKind::kScope:
      write(capture(stmt.bodies.front()));
      break;
    case StmtKind::kBreak:
      return Flow::kBreak;
    case StmtKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kOn;
}

Flow Interpreter::execute_if(const Stmt& stmt) {
  for (std::size_t i = 0; i < stmt.expressions.size(); ++i)
    if (truth(evaluate(*stmt.expressions[i]))) return execute(stmt.bodies[i]);
  return stmt.bodies.size() > stmt.expressions.size() ? execute(stmt.bodies.back()) : Flow::kOn;
}

Flow Interpreter::execute_for(const Stmt& stmt) {
  const Value source = evaluate(*stmt.expressions[0]);
  const Expr* test = stmt.expressions[1].get();
  const Expr& target = *stmt.targets.front();
  const ScopePtr outer = scope_;
  Loop::Filter filter;
  if (test != nullptr) {
    filter = [this, test, &target, outer](const Value& item) {
      const Inner inner(*this, outer);
      assign(target, item);
      return truth(evaluate(*test));
    };
  }
  const auto loop = std::make_shared<Loop>(iterate(run, source), std::move(filter));
  bool any = false;
  Flow flow = Flow::kOn;
  // Whatever ends the loop, its filter must not outlive it.
  struct Finish {
    Loop& loop;
    ~Finish() { loop.finish(); }
  } finish{*loop};
  while (flow != Flow::kBreak) {
    run.line = stmt.line;
    run.steps(1);
    const std::optional<Value> item = loop->next();
    if (!item) break;
    const Inner inner(*this, outer);
    scope_->set("loop", Value::callable(loop));
    assign(target, *item);
    flow = execute(stmt.bodies[0]);
    any = any || flow == Flow::kOn;  // as Jinja counts: rounds that came to their end
  }
  if (any || stmt.bodies[1].empty()) return Flow::kOn;
  const Inner inner(*this, outer);
  return execute(stmt.bodies[1]);
}

void Interpreter::execute_set(const Stmt& stmt) {
  const Expr* value = stmt.expressions.front().get();
  if (stmt.kind == StmtKind::kSet) {
    assign(*stmt.targets.front(), evaluate(*value));
    return;
  }
  Value text = make_string(run, capture(stmt.bodies.front()));
  if (value != nullptr) text = apply_chain(*value, std::move(text));
  assign(*stmt.targets.front(), text);
}

void Interpreter::assign(const Expr& target, const Value& value) {
  if (target.kind == ExprKind::kName) {
    scope_->set(target.name, value);
  } else if (target.kind == ExprKind::kAttribute) {
    const Value object = look_up(target.children.front()->name);
    if (!object.is(Kind::kNamespace)) run.fail("cannot assign attribute on non-namespace object");
    if (target.name.starts_with('_')) run.fail("names in a namespace must not begin with an underscore");
    run.bytes(sizeof(Value) * 4);
    object.dict_object().set(make_string(run, target.name), value);
  } else {
    const std::vector<Value> items = iterate(run, value);
    if (items.size() != target.children.size())
      run.fail("{} values to unpack were expected, there are {}", target.children.size(), items.size());
    for (std::size_t i = 0; i < items.size(); ++i) assign(*target.children[i], items[i]);
  }
}

Flow Interpreter::execute_with(const Stmt& stmt) {
  const ScopePtr outer = scope_;
  std::vector<Value> values;
  for (const ExprPtr& expr : stmt.expressions) values.push_back(evaluate(*expr));
  const Inner inner(*this, outer);
  for (std::size_t i = 0; i < values.size(); ++i) assign(*stmt.targets[i], values[i]);
  return execute(stmt.bodies.front());
}

Value Interpreter::make_namespace(std::shared_ptr<Dict> members) {
  run.bytes(sizeof(Dict) + members->items.size() * 4 * sizeof(Value));
  namespaces_.push_back(members);
  return Value::name_space(std::move(members));
}

}  // namespace swiftlet::text::jinja
