// What keeps a template from running away: budgets of steps, bytes and nesting, and errors with its line.
//
// A template comes with a checkpoint from anywhere, so everything that it can make grow is counted here. One
// Runtime belongs to one rendering (or to the parsing of one template), on one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "swiftlet/core/error.h"

namespace swiftlet::text::jinja {

// Generous for templates that mean well: a conversation of a thousand turns takes about a hundred thousand
// steps.
struct Limits {
  std::int64_t steps = 30'000'000;  // nodes evaluated, elements and bytes (64 a step) walked over
  std::int64_t bytes = std::int64_t{256} << 20;  // of all values that are made; input values add to it
  int depth = 1000;                              // of nested evaluation, macro calls included
};

constexpr int kMaxSourceDepth = 300;        // of nested expressions and blocks in the source
constexpr int kMaxValueDepth = 200;         // of lists in lists
constexpr std::size_t kMaxRange = 100'000;  // elements of range(), as in Jinja's sandbox

class Runtime {
 public:
  Runtime(std::string name, const Limits& limits) : name_(std::move(name)), limits_(limits) {}

  int line = 1;  // of the template, where evaluation stands

  void steps(std::int64_t count) {
    if (count > limits_.steps) fail("the template takes too many steps");
    limits_.steps -= count;
  }
  // Before so many bytes are made.
  void bytes(std::size_t count) {
    if (count > static_cast<std::size_t>(limits_.bytes)) fail("the template makes more text than is allowed");
    limits_.bytes -= static_cast<std::int64_t>(count);
    steps(static_cast<std::int64_t>(count / 64));
  }

  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    fail_text(fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void fail_text(const std::string& message) const;

  // Counts one level of nesting for as long as it lives.
  class Level {
   public:
    explicit Level(Runtime& runtime) : runtime_(runtime) {
      if (++runtime_.depth_ > runtime_.limits_.depth) {
        --runtime_.depth_;
        runtime_.fail("the template calls itself too deeply");
      }
    }
    ~Level() { --runtime_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Runtime& runtime_;
  };

 private:
  std::string name_;
  Limits limits_;
  int depth_ = 0;
};

}  // namespace swiftlet::text::jinja
