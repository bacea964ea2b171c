// The tree of a template: expressions and statements, plain data made by the parser.
//
// `depth` counts levels of nesting, so that whoever walks the tree knows how deep it gets. Immutable after
// parsing; any thread may read.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "swiftlet/text/jinja_value.h"

namespace swiftlet::text::jinja {

struct Expr;
struct Stmt;
using ExprPtr = std::unique_ptr<Expr>;
using StmtPtr = std::unique_ptr<Stmt>;
using Body = std::vector<StmtPtr>;

enum class ExprKind : std::uint8_t {
  kConst,      // constant
  kName,       // name
  kAttribute,  // children[0].name; as a target: name of the namespace in `constant`
  kItem,       // children[0][children[1]]
  kSlice,      // children: start, stop, step; null where left out
  kList,       // children
  kTuple,      // children
  kDict,       // children: key, value, key, value, ...
  kCall,       // children[0](arguments)
  kFilter,     // children[0] | name(arguments); children[0] is null at the head of a filter block
  kTest,       // children[0] is name(arguments)
  kAnd,
  kOr,
  kNot,
  kUnary,      // name: "-" or "+"
  kBinary,     // name: the operator
  kConcat,     // children joined by ~
  kCompare,    // children[0] and then one for each of `operators`
  kCondition,  // children[1] if children[0] else children[2], which may be null
};

struct CallArguments {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr star, star_star;  // *args, **kwargs
};

struct Expr {
  ExprKind kind = ExprKind::kConst;
  int line = 1, depth = 1;
  std::string name;
  Value constant;
  std::vector<ExprPtr> children;
  std::vector<std::string> operators;
  std::unique_ptr<CallArguments> arguments;
};

enum class StmtKind : std::uint8_t {
  kData,         // text
  kPrint,        // expressions
  kIf,           // expressions[i] with bodies[i]; one body more is the else
  kFor,          // target, expressions: iterable, filter or null; bodies: loop, else
  kSet,          // target = expressions[0]
  kSetBlock,     // target = filter expressions[0] (may be null) of bodies[0]
  kMacro,        // text: name; signature; bodies[0]
  kCallBlock,    // signature; expressions[0]: the call; bodies[0]
  kFilterBlock,  // expressions[0]: the filter; bodies[0]
  kWith,         // targets = expressions; bodies[0]
  kScope,        // bodies[0], with names of its own: generation and block
  kBreak,
  kContinue,
};

struct Signature {
  std::vector<std::string> parameters;
  std::vector<ExprPtr> defaults;                                       // of the last ones
  bool takes_rest = false, takes_named = false, takes_caller = false;  // varargs, kwargs, caller are used
};

struct Stmt {
  StmtKind kind = StmtKind::kData;
  int line = 1;
  std::string text;
  std::vector<ExprPtr> targets, expressions;
  std::vector<Body> bodies;
  Signature signature;
};

}  // namespace swiftlet::text::jinja
