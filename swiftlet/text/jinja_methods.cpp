// Methods of lists, dicts and numbers, and which ones the sandbox refuses.
#include <algorithm>
#include <cmath>

#include "swiftlet/text/jinja_filters.h"

namespace swiftlet::text::jinja {
namespace {

Value view(Call& call, const char* label, bool keys, bool values) {
  std::vector<Value> items;
  for (const auto& [key, value] : call.self.dict_object().items)
    items.push_back(keys && values ? make_sequence(call.run, Kind::kTuple, {key, value})
                    : keys         ? key
                                   : value);
  return make_sequence(call.run, Kind::kView, std::move(items), label);
}

Value dict_get(Call& call) {
  if (!hashable(call.value(0))) call.run.fail("unhashable type: '{}'", type_name(call.value(0)));
  const Value* found = call.self.dict_object().find(call.value(0));
  return found != nullptr ? *found : call.value_or(1, Value::none());
}

Value count(Call& call) {
  std::int64_t found = 0;
  for (const Value& item : call.self.items()) found += equal(call.run, item, call.value(0)) ? 1 : 0;
  return Value::integer(found);
}

Value index(Call& call) {
  const auto& items = call.self.items();
  const std::int64_t size = std::ssize(items);
  const auto place = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
  };
  for (std::int64_t i = place(call.integer(1, 0)), end = place(call.integer(2, size)); i < end; ++i)
    if (equal(call.run, items[static_cast<std::size_t>(i)], call.value(0))) return Value::integer(i);
  call.run.fail("the value is not in the list");
}

constexpr Builtin kDictMethods[] = {
    {"copy", {}, [](Call& c) { return c.self; }},
    {"get", {"key", "?default"}, dict_get},
    {"items", {}, [](Call& c) { return view(c, "dict_items", true, true); }},
    {"keys", {}, [](Call& c) { return view(c, "dict_keys", true, false); }},
    {"values", {}, [](Call& c) { return view(c, "dict_values", false, true); }},
};

constexpr Builtin kListMethods[] = {
    {"count", {"value"}, count},
    {"index", {"value", "?start", "?stop"}, index},
    {"copy", {}, [](Call& c) { return c.self; }},  // not of tuples
};

constexpr Builtin kNumberMethods[] = {
    {"is_integer",
     {},
     [](Call& c) {
       const double value = c.self.as_double();
       return Value::boolean(c.self.is_integral() || (std::isfinite(value) && std::floor(value) == value));
     }},
    {"bit_length",
     {},
     [](Call& c) {
       auto left = static_cast<std::uint64_t>(c.self.as_int());
       if (c.self.as_int() < 0) left = 0 - left;
       std::int64_t bits = 0;
       for (; left != 0; left >>= 1) ++bits;
       return Value::integer(bits);
     }},
};

bool one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::string_view kDictRefused[] = {"clear", "pop", "popitem", "setdefault", "update"};
constexpr std::string_view kListRefused[] = {"append", "clear", "pop",    "reverse",
                                             "insert", "sort",  "extend", "remove"};

}  // namespace

Method find_method(const Value& self, std::string_view name) {
  switch (self.kind()) {
    case Kind::kString:
      return {find_builtin(text_methods(), name)};
    case Kind::kDict:
      return {find_builtin(kDictMethods, name), one_of(name, kDictRefused)};
    case Kind::kList:
      return {find_builtin(kListMethods, name), one_of(name, kListRefused)};
    case Kind::kTuple:
    case Kind::kRange:
      return {name == "copy" ? nullptr : find_builtin(kListMethods, name)};
    case Kind::kFloat:
      return {name == "is_integer" ? kNumberMethods : nullptr};
    case Kind::kBool:
    case Kind::kInt:
      return {name == "bit_length" ? kNumberMethods + 1 : nullptr};
    default:
      return {};
  }
}

}  // namespace swiftlet::text::jinja
