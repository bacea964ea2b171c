// Walks the tree of a template and writes its text.
//
// One Interpreter renders once, on one thread. Names are looked up from the inside out: a loop, a macro, a
// `with` and the body of a block `set` have names of their own, `if` has not, as in Jinja.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "swiftlet/text/jinja_arguments.h"
#include "swiftlet/text/jinja_ast.h"

namespace swiftlet::text::jinja {

struct Scope {
  explicit Scope(std::shared_ptr<Scope> outer) : parent(std::move(outer)) {
    depth = parent ? parent->depth + 1 : 0;
  }
  std::shared_ptr<Scope> parent;
  int depth = 0;
  std::vector<std::pair<std::string_view, Value>> names;  // few: searched from the front
  Value* find(std::string_view name);
  void set(std::string_view name, Value value);
};
using ScopePtr = std::shared_ptr<Scope>;

enum class Flow : std::uint8_t { kOn, kBreak, kContinue };

class Interpreter {
 public:
  // `variables`: what the template may name; `now`: for strftime_now(). Both outlive the interpreter.
  Interpreter(Runtime& run, const Dict& variables, const std::tm& now);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  std::string render(const Body& body);

  Runtime& run;
  const std::tm& now;

  Value evaluate(const Expr& expr);
  // obj.name and obj[key] with Jinja's order of attributes and items.
  Value attribute(const Value& object, std::string_view name);
  Value subscript(const Value& object, const Value& key);
  Value call(const Value& callee, Arguments arguments);
  Value call_filter(std::string_view name, Value self, Arguments arguments);
  bool call_test(std::string_view name, Value self, Arguments arguments);
  // The parameters are assigned as for a Python function; the result is the text of the body.
  Value call_macro(const Stmt& macro, const std::string& name, const ScopePtr& scope, Arguments& arguments);
  // Held until the end, as they may hold each other.
  Value make_namespace(std::shared_ptr<Dict> members);
  // Text inside `body` instead of on the output, with names of its own.
  std::string capture(const Body& body);

 private:
  class Inner;
  Flow execute(const Body& body);
  Flow execute(const Stmt& stmt);
  Flow execute_if(const Stmt& stmt);
  Flow execute_for(const Stmt& stmt);
  void execute_set(const Stmt& stmt);
  void execute_call_block(const Stmt& stmt);
  Flow execute_with(const Stmt& stmt);
  void define_macro(const Stmt& stmt);
  void assign(const Expr& target, const Value& value);
  void write(const Value& value);
  void write(std::string_view text);

  Value look_up(const std::string& name);
  Value evaluate_call(const Expr& expr);
  Value evaluate_compare(const Expr& expr);
  Value evaluate_dict(const Expr& expr);
  Value evaluate_item(const Expr& expr);
  Value apply_filter(const Expr& expr, Value self);
  Value apply_chain(const Expr& expr, Value self);  // of a block: its head has no value of its own
  Arguments evaluate_arguments(const CallArguments& arguments);
  Value make_function(const Stmt& stmt, std::string name);
  ScopePtr enter(const ScopePtr& outer);

  const Dict& variables_;
  ScopePtr scope_;
  std::string out_;
  std::vector<std::shared_ptr<Dict>> namespaces_;
  std::vector<ScopePtr> captured_;  // by macros: they may hold themselves
};

// Names of their own for as long as it lives; what is not found there is looked for in `outer`.
class Interpreter::Inner {
 public:
  Inner(Interpreter& in, const ScopePtr& outer) : in_(in), before_(in.scope_) { in.scope_ = in.enter(outer); }
  ~Inner() { in_.scope_ = std::move(before_); }
  Inner(const Inner&) = delete;
  Inner& operator=(const Inner&) = delete;

 private:
  Interpreter& in_;
  ScopePtr before_;
};

}  // namespace swiftlet::text::jinja
