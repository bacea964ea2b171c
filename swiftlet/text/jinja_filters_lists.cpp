// Filters of lists and mappings.
#include <algorithm>

#include "swiftlet/text/jinja_case.h"
#include "swiftlet/text/jinja_filters.h"
#include "swiftlet/text/jinja_interpreter.h"
#include "swiftlet/text/jinja_operators.h"
#include "swiftlet/text/jinja_strings.h"
#include "swiftlet/text/jinja_write.h"

namespace swiftlet::text::jinja {
namespace {

std::vector<Value> items_of(Call& call) {
  return iterate(call.run, call.self);
}

Value fold_case(Call& call, Value value) {
  return value.is_string() ? call.make(lower(value.bytes())) : value;
}

// "a.b.0": one look-up after the other; `fallback`, unless it is none, stands for what is missing.
Value get_path(Call& call, Value value, const Value& path, const Value& fallback = Value::none()) {
  const auto step = [&](const Value& key) {
    value = call.in.subscript(value, key);
    if (value.is_undefined() && !fallback.is_none()) value = fallback;
  };
  if (path.is_none()) return value;
  if (!path.is_string()) {
    step(path);
    return value;
  }
  for (const std::string_view part : split(path.bytes(), ".", -1, false)) {
    const bool number =
        !part.empty() && part.size() < 18 && part.find_first_not_of("0123456789") == std::string_view::npos;
    step(number ? Value::integer(std::stoll(std::string(part))) : call.make(std::string(part)));
  }
  return value;
}

bool less(Call& call, const Value& a, const Value& b) {
  return compare(call.run, a, b) < 0;
}

using Keyed = std::vector<std::pair<Value, Value>>;  // what to sort by, the item

std::vector<Value> sorted(Call& call, Keyed keyed, bool reverse) {
  call.run.bytes(keyed.size() * 2 * sizeof(Value));
  // In reverse equal items keep their order too, as in Python.
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return reverse ? less(call, b.first, a.first) : less(call, a.first, b.first);
  });
  std::vector<Value> items;
  for (auto& [key, item] : keyed) items.push_back(std::move(item));
  return items;
}

Value sort(Call& call) {
  const bool sensitive = call.flag(1, false);
  const Value attribute = call.value_or(2, Value::none());
  std::vector<std::string_view> paths;
  if (attribute.is_string()) paths = split(attribute.bytes(), ",", -1, false);
  Keyed keyed;
  for (const Value& item : items_of(call)) {
    std::vector<Value> parts;
    const auto add = [&](const Value& path) {
      Value part = get_path(call, item, path);
      parts.push_back(sensitive ? std::move(part) : fold_case(call, std::move(part)));
    };
    if (paths.empty()) add(attribute);
    for (const std::string_view path : paths) add(call.make(std::string(path)));
    keyed.emplace_back(make_sequence(call.run, Kind::kList, std::move(parts)), item);
  }
  return make_sequence(call.run, Kind::kList, sorted(call, std::move(keyed), call.flag(0, false)));
}

Value dictsort(Call& call) {
  if (call.self.is_undefined()) call.run.fail_text(call.self.hint());
  if (!call.self.is(Kind::kDict)) call.run.fail("dictsort wants a mapping, not '{}'", type_name(call.self));
  const bool sensitive = call.flag(0, false);
  const std::string by = call.has(1) ? call.text(1).bytes : "key";
  if (by != "key" && by != "value") call.run.fail("You can only sort by either \"key\" or \"value\"");
  Keyed keyed;
  for (const auto& [key, value] : call.self.dict_object().items) {
    const Value& order = by == "key" ? key : value;
    keyed.emplace_back(sensitive ? order : fold_case(call, order),
                       make_sequence(call.run, Kind::kTuple, {key, value}));
  }
  return make_sequence(call.run, Kind::kList, sorted(call, std::move(keyed), call.flag(2, false)));
}

Value unique(Call& call) {
  const bool sensitive = call.flag(0, false);
  const Value attribute = call.value_or(1, Value::none());
  Dict seen;
  std::vector<Value> items;
  for (const Value& item : items_of(call)) {
    Value key = get_path(call, item, attribute);
    if (!sensitive) key = fold_case(call, std::move(key));
    if (!hashable(key)) call.run.fail("unhashable type: '{}'", type_name(key));
    if (seen.find(key) != nullptr) continue;
    seen.set(std::move(key), Value::none());
    items.push_back(item);
  }
  return make_sequence(call.run, Kind::kIterator, std::move(items));
}

Value extreme(Call& call, bool largest) {
  const bool sensitive = call.flag(0, false);
  const Value attribute = call.value_or(1, Value::none());
  std::optional<std::pair<Value, Value>> best;
  for (const Value& item : items_of(call)) {
    Value key = get_path(call, item, attribute);
    if (!sensitive) key = fold_case(call, std::move(key));
    if (!best || (largest ? less(call, best->first, key) : less(call, key, best->first)))
      best.emplace(key, item);
  }
  return best ? best->second : Value::undefined("No aggregated item, sequence was empty.");
}

Value groupby(Call& call) {
  const bool sensitive = call.flag(2, false);
  const auto key_of = [&](const Value& item) {
    return get_path(call, item, call.value(0), call.value_or(1, Value::none()));
  };
  Keyed keyed;
  for (const Value& item : items_of(call)) {
    Value key = key_of(item);
    keyed.emplace_back(sensitive ? std::move(key) : fold_case(call, std::move(key)), item);
  }
  std::vector<Value> groups, group;
  std::optional<Value> current;
  const auto finish = [&] {
    if (group.empty()) return;
    const Value grouper = key_of(group.front());
    Value pair = make_sequence(call.run, Kind::kTuple,
                               {grouper, make_sequence(call.run, Kind::kList, std::move(group))});
    pair.sequence_object().groups = true;
    groups.push_back(std::move(pair));
    group.clear();
  };
  for (const Value& item : sorted(call, std::move(keyed), false)) {
    Value key = key_of(item);
    if (!sensitive) key = fold_case(call, std::move(key));
    if (!current || !equal(call.run, *current, key)) finish();
    current = std::move(key);
    group.push_back(item);
  }
  finish();
  return make_sequence(call.run, Kind::kList, std::move(groups));
}

Value sum(Call& call) {
  Value total = call.value_or(1, Value::integer(0));
  if (total.is_string()) call.run.fail("sum() can't sum strings");
  for (const Value& item : items_of(call))
    total = binary(call.run, "+", total, call.has(0) ? get_path(call, item, call.value(0)) : item);
  return total;
}

Value join(Call& call) {
  const std::string separator = call.has(0) ? str(call.run, call.value(0)) : "";
  std::string out;
  bool first = true;
  for (const Value& item : items_of(call)) {
    call.run.bytes(separator.size());
    if (!std::exchange(first, false)) out += separator;
    const bool path = call.has(1) && !call.value(1).is_none();
    out += str(call.run, path ? get_path(call, item, call.value(1)) : item);
  }
  return call.make(std::move(out));
}

Value first(Call& call) {
  if (call.self.is(Kind::kIterator)) {
    Sequence& sequence = call.self.sequence_object();
    if (sequence.next < sequence.items.size()) return sequence.items[sequence.next++];
  } else if (const std::vector<Value> items = items_of(call); !items.empty()) {
    return items.front();
  }
  return Value::undefined("No first item, sequence was empty.");
}

Value last(Call& call) {
  if (call.self.is_undefined()) call.run.fail_text(call.self.hint());
  if (call.self.is(Kind::kIterator)) call.run.fail("'generator' object is not reversible");
  const std::vector<Value> items = items_of(call);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value reverse(Call& call) {
  if (call.self.is_string()) {
    const Text& text = call.self.text();
    return call.make(slice_text(call.run, text, {text.length - 1, text.length, -1}));
  }
  std::vector<Value> items = items_of(call);
  std::reverse(items.begin(), items.end());
  return make_sequence(call.run, Kind::kIterator, std::move(items));
}

Value batch(Call& call) {
  const std::int64_t count = call.integer(0, 0);
  const bool fill = call.has(1) && !call.value(1).is_none();
  std::vector<Value> rows, row;
  const auto finish = [&] { rows.push_back(make_sequence(call.run, Kind::kList, std::exchange(row, {}))); };
  for (const Value& item : items_of(call)) {
    if (std::ssize(row) == count) finish();
    row.push_back(item);
  }
  if (!row.empty()) {
    const std::int64_t missing = fill ? std::max<std::int64_t>(count - std::ssize(row), 0) : 0;
    if (missing > static_cast<std::int64_t>(kMaxRange)) call.run.fail("batch: {} items are too many", count);
    row.insert(row.end(), static_cast<std::size_t>(missing), fill ? call.value(1) : Value());
    finish();
  }
  return make_sequence(call.run, Kind::kIterator, std::move(rows));
}

Value slices(Call& call) {
  const std::vector<Value> items = items_of(call);
  const std::int64_t count = call.integer(0, 0), length = std::ssize(items);
  if (count == 0) call.run.fail("integer division or modulo by zero");
  if (count > static_cast<std::int64_t>(kMaxRange)) call.run.fail("slice: {} slices are too many", count);
  std::vector<Value> rows;
  auto place = items.begin();
  for (std::int64_t i = 0; i < count; ++i) {
    const bool longer = i < length % count;
    const auto end = place + static_cast<std::ptrdiff_t>(length / count + (longer ? 1 : 0));
    std::vector<Value> row(place, end);
    if (call.has(1) && !call.value(1).is_none() && !longer) row.push_back(call.value(1));
    rows.push_back(make_sequence(call.run, Kind::kList, std::move(row)));
    place = end;
  }
  return make_sequence(call.run, Kind::kIterator, std::move(rows));
}

Value items(Call& call) {
  if (call.self.is_undefined()) return make_sequence(call.run, Kind::kIterator, {});
  if (!call.self.is(Kind::kDict)) call.run.fail("Can only get item pairs from a mapping.");
  std::vector<Value> pairs;
  for (const auto& [key, value] : call.self.dict_object().items)
    pairs.push_back(make_sequence(call.run, Kind::kTuple, {key, value}));
  return make_sequence(call.run, Kind::kIterator, std::move(pairs));
}

std::optional<Value> take(std::vector<std::pair<std::string, Value>>& named, std::string_view name) {
  for (auto place = named.begin(); place != named.end(); ++place) {
    if (place->first != name) continue;
    Value value = std::move(place->second);
    named.erase(place);
    return value;
  }
  return std::nullopt;
}

// map('filter', ...) or map(attribute='name', default=...)
Value map(Call& call) {
  if (!truth(call.self)) return make_sequence(call.run, Kind::kIterator, {});
  Arguments arguments = call.arguments;
  std::vector<Value> out;
  if (auto attribute = arguments.positional.empty() ? take(arguments.named, "attribute") : std::nullopt) {
    const Value fallback = take(arguments.named, "default").value_or(Value::none());
    if (!arguments.named.empty())
      call.run.fail("Unexpected keyword argument '{}'", arguments.named.front().first);
    for (const Value& item : items_of(call)) out.push_back(get_path(call, item, *attribute, fallback));
    return make_sequence(call.run, Kind::kIterator, std::move(out));
  }
  if (arguments.positional.empty()) call.run.fail("map requires a filter argument");
  const std::string name = str(call.run, arguments.positional.front());
  arguments.positional.erase(arguments.positional.begin());
  for (const Value& item : items_of(call)) out.push_back(call.in.call_filter(name, item, arguments));
  return make_sequence(call.run, Kind::kIterator, std::move(out));
}

// Items that pass a test, or without one are true; with `by_attribute` the first argument names what is
// asked.
Value select(Call& call, bool wanted, bool by_attribute) {
  std::vector<Value> out;
  if (!truth(call.self)) return make_sequence(call.run, Kind::kIterator, {});
  Arguments arguments = call.arguments;
  const auto shift = [&] {
    Value value = arguments.positional.front();
    arguments.positional.erase(arguments.positional.begin());
    return value;
  };
  if (by_attribute && arguments.positional.empty()) call.run.fail("Missing parameter for attribute name");
  const Value attribute = by_attribute ? shift() : Value::none();
  const bool tests = !arguments.positional.empty();
  const std::string name = tests ? str(call.run, shift()) : "";
  for (const Value& item : items_of(call)) {
    const Value value = get_path(call, item, attribute);
    const bool passes = tests ? call.in.call_test(name, value, arguments) : truth(value);
    if (passes == wanted) out.push_back(item);
  }
  return make_sequence(call.run, Kind::kIterator, std::move(out));
}

constexpr Builtin kListFilters[] = {
    {"batch", {"linecount", "?fill_with"}, batch},
    {"dictsort", {"?case_sensitive", "?by", "?reverse"}, dictsort},
    {"first", {}, first},
    {"groupby", {"attribute", "?default", "?case_sensitive"}, groupby},
    {"items", {}, items},
    {"join", {"?d", "?attribute"}, join},
    {"last", {}, last},
    {"length", {}, [](Call& c) { return Value::integer(length_of(c.run, c.self)); }},
    {"list", {}, [](Call& c) { return make_sequence(c.run, Kind::kList, items_of(c)); }},
    {"map", {"*"}, map},
    {"max", {"?case_sensitive", "?attribute"}, [](Call& c) { return extreme(c, true); }},
    {"min", {"?case_sensitive", "?attribute"}, [](Call& c) { return extreme(c, false); }},
    {"reject", {"*"}, [](Call& c) { return select(c, false, false); }},
    {"rejectattr", {"*"}, [](Call& c) { return select(c, false, true); }},
    {"reverse", {}, reverse},
    {"select", {"*"}, [](Call& c) { return select(c, true, false); }},
    {"selectattr", {"*"}, [](Call& c) { return select(c, true, true); }},
    {"slice", {"slices", "?fill_with"}, slices},
    {"sort", {"?reverse", "?case_sensitive", "?attribute"}, sort},
    {"sum", {"?attribute", "?start"}, sum},
    {"unique", {"?case_sensitive", "?attribute"}, unique},
};

}  // namespace

std::span<const Builtin> list_filters() {
  return kListFilters;
}

}  // namespace swiftlet::text::jinja
