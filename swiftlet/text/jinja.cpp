#include "swiftlet/text/jinja.h"

#include "swiftlet/text/jinja_interpreter.h"
#include "swiftlet/text/jinja_parser.h"
#include "swiftlet/text/jinja_write.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text {
namespace {

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Piece piece = next_utf8_piece(text, at);
    if (piece.valid)
      out += text.substr(at, piece.bytes);
    else
      append_utf8(out, kReplacementCharacter);
    at += piece.bytes;
  }
  return out;
}

}  // namespace

struct JinjaTemplate::Impl {
  std::string name;
  jinja::Body body;
};

JinjaTemplate JinjaTemplate::parse(std::string_view source, std::string name) {
  constexpr std::size_t kMostBytes = std::size_t{4} << 20;
  require(source.size() <= kMostBytes, name, "has {} bytes, more than {}", source.size(), kMostBytes);
  jinja::Runtime run(name, {});
  auto impl = std::make_shared<Impl>();
  jinja::Runtime reading(name, {});
  auto tokens = jinja::tokenize(valid_utf8(source), reading);
  impl->body = jinja::Parser(std::move(tokens), run).parse();
  impl->name = std::move(name);
  JinjaTemplate result;
  result.impl_ = std::move(impl);
  return result;
}

std::string JinjaTemplate::render(std::string_view variables, const Options& options) const {
  Options larger = options;
  larger.limits.bytes +=
      static_cast<std::int64_t>(variables.size()) * 1024;  // a long conversation is no attack
  return render(jinja::from_json(variables, impl_->name + ": variables"), larger);
}

std::string JinjaTemplate::render(const jinja::Value& variables, const Options& options) const {
  require(variables.is(jinja::Kind::kDict), impl_->name, "wants its variables as an object");
  jinja::Runtime run(impl_->name, options.limits);
  jinja::Interpreter interpreter(run, variables.dict_object(), options.now);
  return interpreter.render(impl_->body);
}

}  // namespace swiftlet::text
