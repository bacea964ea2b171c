// `is ...`: the tests, each one row of the table.
#include <algorithm>

#include "swiftlet/text/jinja_case.h"
#include "swiftlet/text/jinja_filters.h"
#include "swiftlet/text/jinja_operators.h"
#include "swiftlet/text/jinja_write.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text::jinja {
namespace {

Value yes(bool value) {
  return Value::boolean(value);
}

std::int64_t modulo(Call& call, const Value& divisor) {
  const Value rest = binary(call.run, "%", call.self, divisor);
  if (rest.is_string()) return 2;  // of a text: formatted, and no number
  return rest.is(Kind::kFloat) ? (rest.as_double() == 0 ? 0 : rest.as_double() == 1 ? 1 : 2) : rest.as_int();
}

// As str.isupper(): has cased letters, all of the wanted case.
bool all_cased(const std::string& text, bool (*wanted)(char32_t)) {
  bool any = false;
  for (std::size_t at = 0; at < text.size(); at += char_at(text, at).bytes) {
    const char32_t code = char_at(text, at).code;
    if (!is_upper(code) && !is_lower(code) && !is_title(code)) continue;
    if (!wanted(code)) return false;
    any = true;
  }
  return any;
}

Value is_mapping(Call& c) {
  return yes(c.self.is(Kind::kDict));
}
Value is_sequence(Call& c) {
  return yes(has_length(c.self) && !c.self.is(Kind::kView) && !c.self.is_undefined());
}
Value is_iterable_value(Call& c) {
  return yes(is_iterable(c.self));
}
Value is_same(Call& c) {
  const Value &a = c.self, &b = c.value(0);
  if (a.kind() != b.kind()) return yes(false);
  if (a.is_integral()) return yes(a.as_int() == b.as_int());
  if (a.is(Kind::kFloat)) return yes(false);
  return yes(a.identity() == b.identity() || (a.is_string() && a.bytes() == b.bytes()));
}
Value holds(Call& c, bool (*wanted)(int)) {
  return yes(wanted(compare(c.run, c.self, c.value(0))));
}

constexpr Builtin kTests[] = {
    {"defined", {}, [](Call& c) { return yes(!c.self.is_undefined()); }},
    {"undefined", {}, [](Call& c) { return yes(c.self.is_undefined()); }},
    {"none", {}, [](Call& c) { return yes(c.self.is_none()); }},
    {"boolean", {}, [](Call& c) { return yes(c.self.is(Kind::kBool)); }},
    {"true", {}, [](Call& c) { return yes(c.self.is(Kind::kBool) && c.self.as_int() == 1); }},
    {"false", {}, [](Call& c) { return yes(c.self.is(Kind::kBool) && c.self.as_int() == 0); }},
    {"integer", {}, [](Call& c) { return yes(c.self.is(Kind::kInt)); }},
    {"float", {}, [](Call& c) { return yes(c.self.is(Kind::kFloat)); }},
    {"number", {}, [](Call& c) { return yes(c.self.is_number()); }},
    {"string", {}, [](Call& c) { return yes(c.self.is_string()); }},
    {"mapping", {}, is_mapping},
    {"sequence", {}, is_sequence},
    {"iterable", {}, is_iterable_value},
    {"callable", {}, [](Call& c) { return yes(c.self.is(Kind::kCallable) || c.self.is_undefined()); }},
    {"sameas", {"other"}, is_same},
    {"escaped", {}, [](Call& c) { return yes(c.self.is_string() && c.self.text().markup); }},
    {"in", {"seq"}, [](Call& c) { return yes(contains(c.run, c.value(0), c.self)); }},
    {"odd", {}, [](Call& c) { return yes(modulo(c, Value::integer(2)) == 1); }},
    {"even", {}, [](Call& c) { return yes(modulo(c, Value::integer(2)) == 0); }},
    {"divisibleby", {"num"}, [](Call& c) { return yes(modulo(c, c.value(0)) == 0); }},
    {"lower", {}, [](Call& c) { return yes(all_cased(c.self_text(), is_lower)); }},
    {"upper", {}, [](Call& c) { return yes(all_cased(c.self_text(), is_upper)); }},
    {"filter", {}, [](Call& c) { return yes(c.self.is_string() && find_filter(c.self.bytes()) != nullptr); }},
    {"test", {}, [](Call& c) { return yes(c.self.is_string() && find_test(c.self.bytes()) != nullptr); }},
    {"eq", {"other"}, [](Call& c) { return yes(equal(c.run, c.self, c.value(0))); }},
    {"ne", {"other"}, [](Call& c) { return yes(!equal(c.run, c.self, c.value(0))); }},
    {"lt", {"other"}, [](Call& c) { return holds(c, [](int order) { return order < 0; }); }},
    {"le", {"other"}, [](Call& c) { return holds(c, [](int order) { return order <= 0; }); }},
    {"gt", {"other"}, [](Call& c) { return holds(c, [](int order) { return order > 0; }); }},
    {"ge", {"other"}, [](Call& c) { return holds(c, [](int order) { return order >= 0; }); }},
};

constexpr std::pair<const char*, const char*> kOtherNames[] = {
    {"==", "eq"}, {"equalto", "eq"}, {"!=", "ne"},          {"<", "lt"},  {"lessthan", "lt"},
    {"<=", "le"}, {">", "gt"},       {"greaterthan", "gt"}, {">=", "ge"},
};

}  // namespace

const Builtin* find_test(std::string_view name) {
  for (const auto& [other, real] : kOtherNames)
    if (name == other) name = real;
  return find_builtin(kTests, name);
}

}  // namespace swiftlet::text::jinja
