// From tokens to the tree, with Jinja's grammar and precedence.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/text/jinja_ast.h"
#include "swiftlet/text/jinja_lexer.h"

namespace swiftlet::text::jinja {

class Parser {
 public:
  // `run` names the template in errors; both must outlive the parser.
  Parser(std::vector<Token> tokens, Runtime& run) : tokens_(std::move(tokens)), run_(run) {}
  Body parse();

 private:
  using Names = std::vector<std::string_view>;
  class Nested;

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool skip_operator(std::string_view text);
  bool skip_name(std::string_view text);
  void expect_operator(std::string_view text);
  std::string expect_name();
  void expect_word(std::string_view word);
  void expect(TokenKind kind, const char* what);
  [[noreturn]] void unexpected();
  template <class... Args>
  [[noreturn]] void fail_at(int line, fmt::format_string<Args...> format, Args&&... args) {
    run_.line = line;
    run_.fail(format, std::forward<Args>(args)...);
  }

  // jinja_parser.cpp: statements.
  Body statements(const Names& ends);
  Body block(const Names& ends);  // from behind the tag's last expression to one of `ends`, which stays
  Body block_to(std::string_view end);
  StmtPtr statement(const Names& ends);
  StmtPtr parse_for(StmtPtr made);
  StmtPtr parse_if(StmtPtr made);
  StmtPtr parse_set(StmtPtr made);
  StmtPtr parse_with(StmtPtr made);
  StmtPtr parse_macro(StmtPtr made);
  StmtPtr parse_call(StmtPtr made);
  StmtPtr parse_filter_block(StmtPtr made);
  StmtPtr parse_print(StmtPtr made);
  StmtPtr parse_scope(StmtPtr made, std::string_view end);
  StmtPtr parse_block(StmtPtr made);
  void signature(Signature& out);
  Body function_body(Signature& out, std::string_view end);

  // jinja_parse_expression.cpp
  ExprPtr make(ExprKind kind, int line, std::vector<ExprPtr> children = {}, std::string name = {});
  void set_depth(Expr& expr);
  ExprPtr expression(bool with_condition = true);
  ExprPtr condition();
  ExprPtr parse_or();
  ExprPtr parse_and();
  ExprPtr parse_not();
  ExprPtr compare();
  ExprPtr sum();
  ExprPtr concat();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filter = true);
  ExprPtr primary(bool with_namespace = false);
  ExprPtr tuple(bool simplified, bool with_condition, bool parenthesized, const Names& ends,
                bool with_namespace = false);
  ExprPtr list();
  ExprPtr dict();
  ExprPtr postfix(ExprPtr node);
  ExprPtr filters(ExprPtr node);
  ExprPtr subscript(ExprPtr node);
  ExprPtr subscripted();
  ExprPtr filter(ExprPtr node, bool inside_tag);
  ExprPtr test(ExprPtr node);
  std::unique_ptr<CallArguments> arguments();
  ExprPtr call(ExprPtr node);
  ExprPtr target(bool with_namespace, const Names& ends);
  void check_target(const Expr& expr);

  std::vector<Token> tokens_;
  Runtime& run_;
  std::size_t at_ = 0;
  int depth_ = 0;  // of the recursion of this parser
  int loops_ = 0;  // around the current statement, inside its function
  // Unknown filters and tests fail at once, but inside branches only when they are reached.
  bool soft_ = false;
  struct Unknown {
    int line;
    std::string message;
  };
  std::vector<Unknown> unknown_;
  std::set<std::string> used_;  // of varargs, kwargs and caller, in the function that is being read
  std::set<std::string> blocks_;
};

// Around everything that calls itself: a source nested too deeply is an error and no overflow.
class Parser::Nested {
 public:
  explicit Nested(Parser& parser) : parser_(parser) {
    if (++parser_.depth_ > kMaxSourceDepth) {
      --parser_.depth_;
      parser_.fail_at(parser_.current().line, "the template is nested too deeply");
    }
  }
  ~Nested() { --parser_.depth_; }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  Parser& parser_;
};

}  // namespace swiftlet::text::jinja
