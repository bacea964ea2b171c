// Jinja templates as chat templates use them: parsed once, rendered many times.
//
// The language is that of Jinja 3.1 in the environment that transformers gives its chat templates: a sandbox
// whose values cannot be changed, trim_blocks and lstrip_blocks, break and continue, generation blocks,
// tojson, raise_exception and strftime_now. docs/chat.md tells what is left out.
//
// Templates and their inputs are not to be trusted: parsing and rendering end in an Error (kInvalid, with the
// template's line) rather than in a crash, and in bounded time and memory.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "swiftlet/text/jinja_value.h"

namespace swiftlet::text {

// Immutable: any thread may render it, several at once.
class JinjaTemplate {
 public:
  // `name` stands in errors: "chat template". Malformed UTF-8 counts as U+FFFD.
  static JinjaTemplate parse(std::string_view source, std::string name);

  struct Options {
    std::tm now{};  // for strftime_now()
    jinja::Limits limits = {};
  };
  // `variables`: a JSON object, whose members the template may name.
  std::string render(std::string_view variables, const Options& options) const;
  // The same with values made before. REQUIRES: a dict.
  std::string render(const jinja::Value& variables, const Options& options) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace swiftlet::text
