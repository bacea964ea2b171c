#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "swiftlet/text/jinja_filters.h"
#include "swiftlet/text/jinja_parser.h"

namespace swiftlet::text::jinja {
namespace {

std::vector<ExprPtr> children(ExprPtr a, ExprPtr b = nullptr, ExprPtr c = nullptr) {
  std::vector<ExprPtr> list;
  list.push_back(std::move(a));
  if (b) list.push_back(std::move(b));
  if (c) list.push_back(std::move(c));
  return list;
}

bool is_comparison(const Token& token) {
  for (const char* text : {"==", "!=", "<", "<=", ">", ">="})
    if (token.is_operator(text)) return true;
  return false;
}

Value number_of(const Token& token, Runtime& run) {
  const std::string& text = token.text;
  run.line = token.line;
  if (token.is(TokenKind::kFloat)) return Value::number(std::strtod(text.c_str(), nullptr));
  const char prefix = text.size() > 2 ? static_cast<char>(text[1] | 0x20) : '\0';
  const int base = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 10;
  const char* begin = text.data() + (base == 10 ? 0 : 2);
  std::int64_t value = 0;
  if (std::from_chars(begin, text.data() + text.size(), value, base).ec != std::errc())
    run.fail("the integer {} needs more than 64 bits", text);
  return Value::integer(value);
}

}  // namespace

void Parser::set_depth(Expr& expr) {
  int deepest = 0;
  const auto see = [&](const ExprPtr& child) { deepest = std::max(deepest, child ? child->depth : 0); };
  for (const ExprPtr& child : expr.children) see(child);
  if (expr.arguments) {
    for (const ExprPtr& child : expr.arguments->positional) see(child);
    for (const auto& [name, child] : expr.arguments->named) see(child);
    see(expr.arguments->star);
    see(expr.arguments->star_star);
  }
  expr.depth = deepest + 1;
  if (expr.depth > kMaxSourceDepth) fail_at(expr.line, "the template is nested too deeply");
}

ExprPtr Parser::make(ExprKind kind, int line, std::vector<ExprPtr> parts, std::string name) {
  auto node = std::make_unique<Expr>();
  node->kind = kind;
  node->line = line;
  node->children = std::move(parts);
  node->name = std::move(name);
  set_depth(*node);
  return node;
}

ExprPtr Parser::expression(bool with_condition) {
  const Nested nested(*this);
  return with_condition ? condition() : parse_or();
}

ExprPtr Parser::condition() {
  const Nested nested(*this);
  const int line = current().line;
  const std::size_t unknown = unknown_.size();
  ExprPtr value = parse_or();
  if (!current().is_name("if")) return value;
  unknown_.resize(unknown);  // now that it is known to be a branch, what it names may be missing
  const bool soft = std::exchange(soft_, true);
  while (skip_name("if")) {
    ExprPtr test = parse_or();
    ExprPtr other = skip_name("else") ? condition() : nullptr;
    value = make(ExprKind::kCondition, line, children(std::move(test), std::move(value), std::move(other)));
  }
  soft_ = soft;
  return value;
}

ExprPtr Parser::parse_or() {
  ExprPtr left = parse_and();
  for (int line = current().line; skip_name("or"); line = current().line)
    left = make(ExprKind::kOr, line, children(std::move(left), parse_and()));
  return left;
}

ExprPtr Parser::parse_and() {
  ExprPtr left = parse_not();
  for (int line = current().line; skip_name("and"); line = current().line)
    left = make(ExprKind::kAnd, line, children(std::move(left), parse_not()));
  return left;
}

ExprPtr Parser::parse_not() {
  const Nested nested(*this);
  const int line = current().line;
  if (skip_name("not")) return make(ExprKind::kNot, line, children(parse_not()));
  return compare();
}

ExprPtr Parser::compare() {
  const int line = current().line;
  std::vector<ExprPtr> parts = children(sum());
  std::vector<std::string> operators;
  for (;;) {
    if (is_comparison(current())) {
      operators.push_back(next().text);
    } else if (skip_name("in")) {
      operators.emplace_back("in");
    } else if (current().is_name("not") && ahead().is_name("in")) {
      next();
      next();
      operators.emplace_back("not in");
    } else {
      break;
    }
    parts.push_back(sum());
  }
  if (operators.empty()) return std::move(parts.front());
  ExprPtr node = make(ExprKind::kCompare, line, std::move(parts));
  node->operators = std::move(operators);
  return node;
}

ExprPtr Parser::sum() {
  ExprPtr left = concat();
  while (current().is_operator("+") || current().is_operator("-")) {
    const Token token = next();
    left = make(ExprKind::kBinary, token.line, children(std::move(left), concat()), token.text);
  }
  return left;
}

ExprPtr Parser::concat() {
  const int line = current().line;
  std::vector<ExprPtr> parts = children(product());
  while (skip_operator("~")) parts.push_back(product());
  if (parts.size() == 1) return std::move(parts.front());
  return make(ExprKind::kConcat, line, std::move(parts));
}

ExprPtr Parser::product() {
  ExprPtr left = power();
  while (current().is_operator("*") || current().is_operator("/") || current().is_operator("//") ||
         current().is_operator("%")) {
    const Token token = next();
    left = make(ExprKind::kBinary, token.line, children(std::move(left), power()), token.text);
  }
  return left;
}

ExprPtr Parser::power() {
  ExprPtr left = unary();
  for (int line = current().line; skip_operator("**"); line = current().line)
    left = make(ExprKind::kBinary, line, children(std::move(left), unary()), "**");
  return left;
}

ExprPtr Parser::unary(bool with_filter) {
  const Nested nested(*this);
  ExprPtr node;
  if (current().is_operator("-") || current().is_operator("+")) {
    const Token token = next();
    node = make(ExprKind::kUnary, token.line, children(unary(false)), token.text);
  } else {
    node = primary();
  }
  node = postfix(std::move(node));
  return with_filter ? filters(std::move(node)) : std::move(node);
}

ExprPtr Parser::primary(bool with_namespace) {
  const int line = current().line;
  if (current().is_operator("[")) return list();
  if (current().is_operator("{")) return dict();
  if (skip_operator("(")) {
    ExprPtr node = tuple(false, true, true, {});
    expect_operator(")");
    return node;
  }
  ExprPtr node = make(ExprKind::kConst, line);
  if (current().is(TokenKind::kString)) {
    std::string text;
    while (current().is(TokenKind::kString)) text += next().text;
    node->constant = Value::string(std::move(text));
  } else if (current().is(TokenKind::kInteger) || current().is(TokenKind::kFloat)) {
    node->constant = number_of(next(), run_);
  } else if (current().is(TokenKind::kName)) {
    const std::string name = next().text;
    if (name == "true" || name == "True" || name == "false" || name == "False") {
      node->constant = Value::boolean(name == "true" || name == "True");
    } else if (name == "none" || name == "None") {
      node->constant = Value::none();
    } else if (with_namespace && skip_operator(".")) {
      node = make(ExprKind::kAttribute, line, children(make(ExprKind::kName, line, {}, name)), expect_name());
    } else {
      if (name == "varargs" || name == "kwargs" || name == "caller") used_.insert(name);
      node = make(ExprKind::kName, line, {}, name);
    }
  } else {
    unexpected();
  }
  return node;
}

ExprPtr Parser::tuple(bool simplified, bool with_condition, bool parenthesized, const Names& ends,
                      bool with_namespace) {
  const Nested nested(*this);
  const int line = current().line;
  std::vector<ExprPtr> items;
  bool is_tuple = false;
  const auto at_end = [&] {
    const Token& token = current();
    return token.is(TokenKind::kClosePrint) || token.is(TokenKind::kCloseBlock) || token.is_operator(")") ||
           (token.is(TokenKind::kName) && std::find(ends.begin(), ends.end(), token.text) != ends.end());
  };
  for (;;) {
    if (!items.empty()) expect_operator(",");
    if (at_end()) break;
    items.push_back(simplified ? primary(with_namespace) : expression(with_condition));
    if (!current().is_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple) {
    if (!items.empty()) return std::move(items.front());
    if (!parenthesized) fail_at(current().line, "Expected an expression");
  }
  return make(ExprKind::kTuple, line, std::move(items));
}

ExprPtr Parser::list() {
  const int line = next().line;
  std::vector<ExprPtr> items;
  while (!current().is_operator("]")) {
    if (!items.empty()) expect_operator(",");
    if (current().is_operator("]")) break;
    items.push_back(expression());
  }
  expect_operator("]");
  return make(ExprKind::kList, line, std::move(items));
}

ExprPtr Parser::dict() {
  const int line = next().line;
  std::vector<ExprPtr> items;
  while (!current().is_operator("}")) {
    if (!items.empty()) expect_operator(",");
    if (current().is_operator("}")) break;
    items.push_back(expression());
    expect_operator(":");
    items.push_back(expression());
  }
  expect_operator("}");
  return make(ExprKind::kDict, line, std::move(items));
}

ExprPtr Parser::postfix(ExprPtr node) {
  for (;;) {
    if (current().is_operator(".") || current().is_operator("["))
      node = subscript(std::move(node));
    else if (current().is_operator("("))
      node = call(std::move(node));
    else
      return node;
  }
}

ExprPtr Parser::filters(ExprPtr node) {
  for (;;) {
    if (current().is_operator("|"))
      node = filter(std::move(node), false);
    else if (current().is_name("is"))
      node = test(std::move(node));
    else if (current().is_operator("("))
      node = call(std::move(node));
    else
      return node;
  }
}

ExprPtr Parser::subscript(ExprPtr node) {
  const Token token = next();
  if (token.text == ".") {
    if (current().is(TokenKind::kName))
      return make(ExprKind::kAttribute, token.line, children(std::move(node)), next().text);
    if (!current().is(TokenKind::kInteger)) fail_at(current().line, "expected name or number");
    ExprPtr index = make(ExprKind::kConst, token.line);
    index->constant = number_of(next(), run_);
    return make(ExprKind::kItem, token.line, children(std::move(node), std::move(index)));
  }
  std::vector<ExprPtr> items;
  while (!current().is_operator("]")) {
    if (!items.empty()) expect_operator(",");
    items.push_back(subscripted());
  }
  expect_operator("]");
  const bool has_slice = std::any_of(items.begin(), items.end(),
                                     [](const ExprPtr& item) { return item->kind == ExprKind::kSlice; });
  if (items.size() != 1 && has_slice) fail_at(token.line, "a slice of more than one dimension");
  ExprPtr index =
      items.size() == 1 ? std::move(items.front()) : make(ExprKind::kTuple, token.line, std::move(items));
  return make(ExprKind::kItem, token.line, children(std::move(node), std::move(index)));
}

ExprPtr Parser::subscripted() {
  const int line = current().line;
  const auto at_end = [&] {
    return current().is_operator(":") || current().is_operator("]") || current().is_operator(",");
  };
  ExprPtr start = current().is_operator(":") ? nullptr : expression();
  if (!skip_operator(":")) return start;
  ExprPtr stop = at_end() ? nullptr : expression();
  ExprPtr step = skip_operator(":") && !at_end() ? expression() : nullptr;
  ExprPtr node = make(ExprKind::kSlice, line);
  node->children.push_back(std::move(start));
  node->children.push_back(std::move(stop));
  node->children.push_back(std::move(step));
  set_depth(*node);
  return node;
}

std::unique_ptr<CallArguments> Parser::arguments() {
  const Nested nested(*this);
  const int line = current().line;
  auto result = std::make_unique<CallArguments>();
  expect_operator("(");
  const auto ensure = [&](bool fine) {
    if (!fine) fail_at(line, "invalid syntax for function call expression");
  };
  for (bool first = true; !current().is_operator(")"); first = false) {
    if (!first) {
      expect_operator(",");
      if (current().is_operator(")")) break;
    }
    if (skip_operator("*")) {
      ensure(!result->star && !result->star_star);
      result->star = expression();
    } else if (skip_operator("**")) {
      ensure(!result->star_star);
      result->star_star = expression();
    } else if (current().is(TokenKind::kName) && ahead().is_operator("=")) {
      ensure(!result->star_star);
      std::string name = next().text;
      next();
      for (const auto& known : result->named)
        if (known.first == name) fail_at(line, "keyword argument repeated: {}", name);
      result->named.emplace_back(std::move(name), expression());
    } else {
      ensure(!result->star && !result->star_star && result->named.empty());
      result->positional.push_back(expression());
    }
  }
  expect_operator(")");
  return result;
}

ExprPtr Parser::call(ExprPtr node) {
  const int line = current().line;
  ExprPtr result = make(ExprKind::kCall, line, children(std::move(node)));
  result->arguments = arguments();
  set_depth(*result);
  return result;
}

// One filter or, as `a | b | c` in a block's tag, a chain of them.
ExprPtr Parser::filter(ExprPtr node, bool inside_tag) {
  while (inside_tag || current().is_operator("|")) {
    if (!inside_tag) next();
    inside_tag = false;
    const int line = current().line;
    std::string name = expect_name();
    while (skip_operator(".")) name += "." + expect_name();
    if (!soft_ && find_filter(name) == nullptr) unknown_.push_back({line, "No filter named '" + name + "'"});
    ExprPtr result = make(ExprKind::kFilter, line, {}, std::move(name));
    result->children.push_back(std::move(node));
    result->arguments = current().is_operator("(") ? arguments() : std::make_unique<CallArguments>();
    set_depth(*result);
    node = std::move(result);
  }
  return node;
}

ExprPtr Parser::test(ExprPtr node) {
  const int line = next().line;
  const bool negated = skip_name("not");
  std::string name = expect_name();
  while (skip_operator(".")) name += "." + expect_name();
  if (!soft_ && find_test(name) == nullptr) unknown_.push_back({line, "No test named '" + name + "'"});
  ExprPtr result = make(ExprKind::kTest, line, children(std::move(node)), std::move(name));
  const Token& token = current();
  if (token.is_operator("(")) {
    result->arguments = arguments();
  } else {
    result->arguments = std::make_unique<CallArguments>();
    const bool word =
        token.is(TokenKind::kName) && !token.is_name("else") && !token.is_name("or") && !token.is_name("and");
    if (word || token.is(TokenKind::kString) || token.is(TokenKind::kInteger) ||
        token.is(TokenKind::kFloat) || token.is_operator("[") || token.is_operator("{")) {
      if (token.is_name("is")) fail_at(line, "You cannot chain multiple tests with is");
      result->arguments->positional.push_back(postfix(primary()));
    }
  }
  set_depth(*result);
  if (negated) result = make(ExprKind::kNot, line, children(std::move(result)));
  return result;
}

ExprPtr Parser::target(bool with_namespace, const Names& ends) {
  ExprPtr node = tuple(true, true, false, ends, with_namespace);
  check_target(*node);
  return node;
}

void Parser::check_target(const Expr& expr) {
  if (expr.kind == ExprKind::kName || expr.kind == ExprKind::kAttribute) return;
  if (expr.kind != ExprKind::kTuple) fail_at(expr.line, "can't assign to what is no name");
  for (const ExprPtr& child : expr.children) check_target(*child);
}

}  // namespace swiftlet::text::jinja
