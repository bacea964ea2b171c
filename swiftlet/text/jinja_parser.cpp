#include "swiftlet/text/jinja_parser.h"

#include <algorithm>

namespace swiftlet::text::jinja {
namespace {

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "end of template";
    case TokenKind::kData:
      return "template data / text";
    case TokenKind::kOpenBlock:
      return "begin of statement block";
    case TokenKind::kCloseBlock:
      return "end of statement block";
    case TokenKind::kOpenPrint:
      return "begin of print statement";
    case TokenKind::kClosePrint:
      return "end of print statement";
    case TokenKind::kString:
      return "string";
    case TokenKind::kInteger:
      return "integer";
    case TokenKind::kFloat:
      return "float";
    default:
      return token.text;
  }
}

}  // namespace

void Parser::unexpected() {
  fail_at(current().line, "unexpected '{}'", describe(current()));
}

bool Parser::skip_operator(std::string_view text) {
  if (!current().is_operator(text)) return false;
  next();
  return true;
}

bool Parser::skip_name(std::string_view text) {
  if (!current().is_name(text)) return false;
  next();
  return true;
}

void Parser::expect_operator(std::string_view text) {
  if (!skip_operator(text))
    fail_at(current().line, "expected token '{}', got '{}'", text, describe(current()));
}

std::string Parser::expect_name() {
  if (!current().is(TokenKind::kName))
    fail_at(current().line, "expected token 'name', got '{}'", describe(current()));
  return next().text;
}

void Parser::expect_word(std::string_view word) {
  if (!skip_name(word)) fail_at(current().line, "expected token '{}', got '{}'", word, describe(current()));
}

void Parser::expect(TokenKind kind, const char* what) {
  if (!current().is(kind))
    fail_at(current().line, "expected token '{}', got '{}'", what, describe(current()));
  next();
}

Body Parser::parse() {
  Body body = statements({});
  if (!unknown_.empty()) fail_at(unknown_.front().line, "{}", unknown_.front().message);
  return body;
}

Body Parser::statements(const Names& ends) {
  const Nested nested(*this);
  Body body;
  for (;;) {
    const Token& token = current();
    if (token.is(TokenKind::kEnd)) {
      if (!ends.empty())
        fail_at(token.line, "unexpected end of template, expected '{}'", fmt::join(ends, "' or '"));
      return body;
    }
    auto made = std::make_unique<Stmt>();
    made->line = token.line;
    if (token.is(TokenKind::kData)) {
      made->text = next().text;
    } else if (token.is(TokenKind::kOpenPrint)) {
      next();
      made->kind = StmtKind::kPrint;
      made->expressions.push_back(tuple(false, true, false, {}));
      expect(TokenKind::kClosePrint, "end of print statement");
    } else {
      next();
      if (current().is(TokenKind::kName) && std::find(ends.begin(), ends.end(), current().text) != ends.end())
        return body;
      made = statement(ends);
      expect(TokenKind::kCloseBlock, "end of statement block");
    }
    body.push_back(std::move(made));
  }
}

Body Parser::block(const Names& ends) {
  skip_operator(":");
  expect(TokenKind::kCloseBlock, "end of statement block");
  return statements(ends);
}

Body Parser::block_to(std::string_view end) {
  Body body = block({end});
  next();
  return body;
}

StmtPtr Parser::statement(const Names& ends) {
  if (!current().is(TokenKind::kName)) fail_at(current().line, "tag name expected");
  auto made = std::make_unique<Stmt>();
  made->line = current().line;
  const std::string tag = next().text;
  if (tag == "for") return parse_for(std::move(made));
  if (tag == "if") return parse_if(std::move(made));
  if (tag == "set") return parse_set(std::move(made));
  if (tag == "with") return parse_with(std::move(made));
  if (tag == "macro") return parse_macro(std::move(made));
  if (tag == "call") return parse_call(std::move(made));
  if (tag == "filter") return parse_filter_block(std::move(made));
  if (tag == "print") return parse_print(std::move(made));
  if (tag == "generation") return parse_scope(std::move(made), "endgeneration");
  if (tag == "block") return parse_block(std::move(made));
  if (tag == "break" || tag == "continue") {
    if (loops_ == 0) fail_at(made->line, "'{}' outside a loop", tag);
    made->kind = tag == "break" ? StmtKind::kBreak : StmtKind::kContinue;
    return made;
  }
  for (const char* other : {"extends", "include", "import", "from", "autoescape"})
    if (tag == other) fail_at(made->line, "'{}' is not available in chat templates", tag);
  if (ends.empty()) fail_at(made->line, "Encountered unknown tag '{}'", tag);
  fail_at(made->line, "Encountered unknown tag '{}'; expected '{}'", tag, fmt::join(ends, "' or '"));
}

StmtPtr Parser::parse_for(StmtPtr made) {
  made->kind = StmtKind::kFor;
  made->targets.push_back(target(false, {"in"}));
  expect_word("in");
  made->expressions.push_back(tuple(false, false, false, {"recursive"}));
  made->expressions.push_back(skip_name("if") ? expression() : nullptr);
  if (current().is_name("recursive")) fail_at(current().line, "recursive loops are not available");
  const bool soft = std::exchange(soft_, false);
  ++loops_;
  made->bodies.push_back(block({"endfor", "else"}));
  --loops_;
  made->bodies.push_back(next().text == "else" ? block_to("endfor") : Body());
  soft_ = soft;
  return made;
}

StmtPtr Parser::parse_if(StmtPtr made) {
  made->kind = StmtKind::kIf;
  const bool soft = std::exchange(soft_, true);
  for (;;) {
    made->expressions.push_back(tuple(false, false, false, {}));
    made->bodies.push_back(block({"elif", "else", "endif"}));
    const std::string word = next().text;
    if (word == "elif") continue;
    if (word == "else") made->bodies.push_back(block_to("endif"));
    soft_ = soft;
    return made;
  }
}

StmtPtr Parser::parse_set(StmtPtr made) {
  made->targets.push_back(target(true, {}));
  if (skip_operator("=")) {
    made->kind = StmtKind::kSet;
    made->expressions.push_back(tuple(false, true, false, {}));
    return made;
  }
  made->kind = StmtKind::kSetBlock;
  made->expressions.push_back(current().is_operator("|") ? filter(nullptr, false) : nullptr);
  const bool soft = std::exchange(soft_, false);
  made->bodies.push_back(block_to("endset"));
  soft_ = soft;
  return made;
}

StmtPtr Parser::parse_with(StmtPtr made) {
  made->kind = StmtKind::kWith;
  while (!current().is(TokenKind::kCloseBlock)) {
    if (!made->targets.empty()) expect_operator(",");
    made->targets.push_back(target(false, {}));
    expect_operator("=");
    made->expressions.push_back(expression());
  }
  const bool soft = std::exchange(soft_, false);
  made->bodies.push_back(block_to("endwith"));
  soft_ = soft;
  return made;
}

void Parser::signature(Signature& out) {
  expect_operator("(");
  while (!current().is_operator(")")) {
    if (!out.parameters.empty()) expect_operator(",");
    Expr name;
    name.kind = ExprKind::kName;
    name.line = current().line;
    name.name = expect_name();
    check_target(name);
    if (skip_operator("="))
      out.defaults.push_back(expression());
    else if (!out.defaults.empty())
      fail_at(current().line, "non-default argument follows default argument");
    out.parameters.push_back(std::move(name.name));
  }
  expect_operator(")");
}

// A body that may ask for varargs, kwargs and caller.
Body Parser::function_body(Signature& out, std::string_view end) {
  const auto outer = std::exchange(used_, {});
  const int loops = std::exchange(loops_, 0);
  const bool soft = std::exchange(soft_, false);
  Body body = block_to(end);
  soft_ = soft;
  loops_ = loops;
  const auto uses = [&](const char* name) {
    return used_.contains(name) &&
           std::find(out.parameters.begin(), out.parameters.end(), name) == out.parameters.end();
  };
  out.takes_rest = uses("varargs");
  out.takes_named = uses("kwargs");
  out.takes_caller = used_.contains("caller");
  const auto caller = std::find(out.parameters.begin(), out.parameters.end(), "caller");
  if (out.takes_caller && out.parameters.end() - caller > std::ssize(out.defaults))
    fail_at(current().line, "the special argument 'caller' must be omitted or be given a default");
  used_.insert(outer.begin(), outer.end());
  return body;
}

StmtPtr Parser::parse_macro(StmtPtr made) {
  made->kind = StmtKind::kMacro;
  made->text = expect_name();
  signature(made->signature);
  made->bodies.push_back(function_body(made->signature, "endmacro"));
  return made;
}

StmtPtr Parser::parse_call(StmtPtr made) {
  made->kind = StmtKind::kCallBlock;
  if (current().is_operator("(")) signature(made->signature);
  made->expressions.push_back(expression());
  if (made->expressions.back()->kind != ExprKind::kCall) fail_at(made->line, "expected call");
  made->bodies.push_back(function_body(made->signature, "endcall"));
  return made;
}

StmtPtr Parser::parse_filter_block(StmtPtr made) {
  made->kind = StmtKind::kFilterBlock;
  made->expressions.push_back(filter(nullptr, true));
  const bool soft = std::exchange(soft_, false);
  made->bodies.push_back(block_to("endfilter"));
  soft_ = soft;
  return made;
}

StmtPtr Parser::parse_print(StmtPtr made) {
  made->kind = StmtKind::kPrint;
  while (!current().is(TokenKind::kCloseBlock)) {
    if (!made->expressions.empty()) expect_operator(",");
    made->expressions.push_back(expression());
  }
  return made;
}

StmtPtr Parser::parse_scope(StmtPtr made, std::string_view end) {
  made->kind = StmtKind::kScope;
  Signature unused;
  made->bodies.push_back(function_body(unused, end));
  return made;
}

// Without inheritance a block is what stands in it.
StmtPtr Parser::parse_block(StmtPtr made) {
  const std::string name = expect_name();
  if (!blocks_.insert(name).second) fail_at(made->line, "block '{}' defined twice", name);
  skip_name("scoped");
  if (current().is_name("required"))
    fail_at(made->line, "required blocks are not available in chat templates");
  made = parse_scope(std::move(made), "endblock");
  skip_name(name);
  return made;
}

}  // namespace swiftlet::text::jinja
