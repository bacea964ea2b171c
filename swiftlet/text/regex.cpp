#define PCRE2_CODE_UNIT_WIDTH 8
#include "swiftlet/text/regex.h"

#include <pcre2.h>

#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/text/json_view.h"

namespace swiftlet::text {
namespace {

template <class T, void (*Free)(T*)>
struct Freer {
  void operator()(T* pointer) const { Free(pointer); }
};
using CompiledPointer = std::unique_ptr<pcre2_code, Freer<pcre2_code, pcre2_code_free>>;
using MatchDataPointer = std::unique_ptr<pcre2_match_data, Freer<pcre2_match_data, pcre2_match_data_free>>;
using MatchContextPointer =
    std::unique_ptr<pcre2_match_context, Freer<pcre2_match_context, pcre2_match_context_free>>;
using CompileContextPointer =
    std::unique_ptr<pcre2_compile_context, Freer<pcre2_compile_context, pcre2_compile_context_free>>;

std::string error_text(int code) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(code, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

}  // namespace

struct Regex::Code {
  CompiledPointer compiled;
  std::string where;
};

Regex::Regex(std::string_view pattern, const std::string& where) : scanner_(find_scanner(pattern)) {
  if (scanner_) return;
  code_ = std::make_unique<Code>();
  code_->where = where;
  const std::string translated = translate_pattern(pattern, where);
  const CompileContextPointer context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_parens_nest_limit(context.get(), 100);
  int error = 0;
  PCRE2_SIZE position = 0;
  const std::uint32_t options =
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_UTF_CHECK;
  code_->compiled.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                      options, &error, &position, context.get()));
  if (!code_->compiled)
    fail(ErrorCode::kInvalid, where, "expected a regular expression, came {}: {} at {}", shown(pattern),
         error_text(error), position);
  pcre2_jit_compile(code_->compiled.get(), PCRE2_JIT_COMPLETE);  // without it the interpreter runs
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;

void Regex::find_all(std::string_view text, std::vector<Span>& out) const {
  if (scanner_) return scanner_(text, out);
  const MatchDataPointer data(pcre2_match_data_create(1, nullptr));
  const MatchContextPointer context(pcre2_match_context_create(nullptr));
  if (!data || !context) fail(ErrorCode::kMemory, code_->where, "no memory for a match");
  // Enough for any sane pattern on a text of this size, and seconds, not years, for the others.
  pcre2_set_match_limit(context.get(), 1'000'000 + static_cast<std::uint32_t>(text.size()) * 2);
  const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const PCRE2_SIZE* const found = pcre2_get_ovector_pointer(data.get());
  std::size_t start = 0, last_end = 0;
  const std::uint32_t options = PCRE2_NO_UTF_CHECK;
  while (start <= text.size()) {
    int rc =
        pcre2_match(code_->compiled.get(), subject, text.size(), start, options, data.get(), context.get());
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)  // the interpreter keeps its stack on the heap
      rc = pcre2_match(code_->compiled.get(), subject, text.size(), start, options | PCRE2_NO_JIT, data.get(),
                       context.get());
    if (rc == PCRE2_ERROR_NOMATCH) return;
    if (rc < 0)
      fail(ErrorCode::kInvalid, code_->where, "the regular expression gave up on a text of {} bytes: {}",
           text.size(), error_text(rc));
    const std::size_t begin = found[0], end = found[1];
    if (end < begin)
      fail(ErrorCode::kInvalid, code_->where, "the regular expression matches backwards (\\K)");
    const bool repeated = begin == end && !out.empty() && end == last_end;  // an empty match right after one
    if (!repeated) out.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
    start = last_end = end;
    if (begin == end) {  // go on behind the next character
      if (end == text.size()) return;
      start += char_at(text, end).bytes;
    }
  }
}

void find_literal(std::string_view text, std::string_view pattern, std::vector<Span>& out) {
  if (pattern.empty()) return;
  for (std::size_t at = 0; (at = text.find(pattern, at)) != std::string_view::npos; at += pattern.size())
    out.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + pattern.size())});
}

}  // namespace swiftlet::text
