#include "swiftlet/text/jinja_value.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "swiftlet/text/unicode.h"

namespace swiftlet::text::jinja {
namespace {

constexpr std::size_t kSmallDict = 8;  // searched from the front

int depth_of(const std::vector<Value>& items) {
  int deepest = 0;
  for (const Value& item : items) deepest = std::max(deepest, item.depth());
  return deepest + 1;
}

int depth_of(const Dict& dict) {
  int deepest = 0;
  for (const auto& [key, value] : dict.items) deepest = std::max({deepest, key.depth(), value.depth()});
  return deepest + 1;
}

int sign(bool less, bool more) {
  return less ? -1 : more ? 1 : 0;
}

int compare_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return sign(a.as_int() < b.as_int(), a.as_int() > b.as_int());
  return sign(a.as_double() < b.as_double(), a.as_double() > b.as_double());
}

bool equal_dicts(Runtime& run, const Dict& a, const Dict& b) {
  if (a.items.size() != b.items.size()) return false;
  for (const auto& [key, value] : a.items) {
    const Value* other = b.find(key);
    if (other == nullptr || !equal(run, value, *other)) return false;
  }
  return true;
}

bool equal_items(Runtime& run, const Value& a, const Value& b) {
  if (a.identity() == b.identity()) return true;
  if (a.is(Kind::kIterator)) return false;
  if (a.items().size() != b.items().size()) return false;
  for (std::size_t i = 0; i < a.items().size(); ++i)
    if (!equal(run, a.items()[i], b.items()[i])) return false;
  return true;
}

std::vector<Value> characters(Runtime& run, const Text& text) {
  run.bytes(static_cast<std::size_t>(text.length) * (sizeof(Value) + sizeof(Text)));
  std::vector<Value> result;
  for (std::size_t at = 0; at < text.bytes.size();) {
    const std::size_t length = char_at(text.bytes, at).bytes;
    result.push_back(Value::string(text.bytes.substr(at, length)));
    at += length;
  }
  return result;
}

}  // namespace

std::optional<Value> Callable::attribute(Interpreter&, std::string_view) {
  return std::nullopt;
}

Value Value::undefined(std::string message) {
  Value result;
  auto hint = std::make_shared<Hint>();
  hint->message = std::move(message);
  result.object_ = std::move(hint);
  return result;
}

Value Value::boolean(bool value) {
  Value result(Kind::kBool);
  result.integer_ = value ? 1 : 0;
  return result;
}

Value Value::integer(std::int64_t value) {
  Value result(Kind::kInt);
  result.integer_ = value;
  return result;
}

Value Value::number(double value) {
  Value result(Kind::kFloat);
  result.number_ = value;
  return result;
}

Value Value::string(std::string bytes, bool markup) {
  Value result(Kind::kString);
  auto text = std::make_shared<Text>();
  text->length = static_cast<std::int64_t>(count_chars(bytes));
  text->bytes = std::move(bytes);
  text->markup = markup;
  result.object_ = std::move(text);
  return result;
}

Value Value::sequence(Kind kind, std::vector<Value> items, std::string label) {
  Value result(kind);
  auto sequence = std::make_shared<Sequence>();
  sequence->depth = depth_of(items);
  sequence->items = std::move(items);
  sequence->label = std::move(label);
  result.object_ = std::move(sequence);
  return result;
}

Value Value::dict(std::shared_ptr<Dict> dict) {
  Value result(Kind::kDict);
  dict->depth = depth_of(*dict);
  result.object_ = std::move(dict);
  return result;
}

Value Value::name_space(std::shared_ptr<Dict> dict) {
  Value result(Kind::kNamespace);
  result.object_ = std::move(dict);
  return result;
}

Value Value::callable(std::shared_ptr<Callable> callable) {
  Value result(Kind::kCallable);
  result.object_ = std::move(callable);
  return result;
}

Dict& Value::dict_object() const {
  return static_cast<Dict&>(*object_);
}

std::string Value::hint() const {
  return object_ ? static_cast<const Hint&>(*object_).message : "the value is undefined";
}

int Value::depth() const {
  if (is_sequence()) return sequence_object().depth;
  if (kind_ == Kind::kDict) return dict_object().depth;
  if (kind_ == Kind::kCallable) return callable_object().depth();
  return kind_ == Kind::kNamespace ? 1 : 0;  // the interpreter holds the namespaces until its end
}

std::size_t HashValue::operator()(const Value& value) const {
  if (value.is_string()) return std::hash<std::string>()(value.bytes());
  if (value.is_integral()) return std::hash<double>()(static_cast<double>(value.as_int()));
  if (value.is(Kind::kFloat)) return std::hash<double>()(value.as_double());
  if (!value.is(Kind::kTuple)) return std::hash<const void*>()(value.identity());
  std::size_t hash = 7;
  for (const Value& item : value.items()) hash = hash * 31 + (*this)(item);
  return hash;
}

bool EqualKeys::operator()(const Value& a, const Value& b) const {
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0 && a.as_double() == b.as_double();
  if (a.kind() != b.kind()) return false;
  if (a.is_string()) return a.bytes() == b.bytes();
  if (!a.is(Kind::kTuple)) return a.identity() == b.identity();
  return std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(), *this);
}

void Dict::set(Value key, Value value) {
  for (std::size_t i = 0; places_.empty() && i < items.size(); ++i) {
    if (!EqualKeys()(items[i].first, key)) continue;
    items[i].second = std::move(value);
    return;
  }
  if (items.size() == kSmallDict && places_.empty())
    for (std::size_t i = 0; i < items.size(); ++i) places_.emplace(items[i].first, i);
  if (!places_.empty()) {
    const auto [place, added] = places_.emplace(key, items.size());
    if (!added) {
      items[place->second].second = std::move(value);
      return;
    }
  }
  items.emplace_back(std::move(key), std::move(value));
}

const Value* Dict::find(const Value& key) const {
  if (!places_.empty()) {
    const auto place = places_.find(key);
    return place == places_.end() ? nullptr : &items[place->second].second;
  }
  for (const auto& [known, value] : items)
    if (EqualKeys()(known, key)) return &value;
  return nullptr;
}

const Value* Dict::find(std::string_view key) const {
  if (!places_.empty()) return find(Value::string(std::string(key)));
  for (const auto& [known, value] : items)
    if (known.is_string() && known.bytes() == key) return &value;
  return nullptr;
}

bool hashable(const Value& value) {
  if (value.is(Kind::kTuple)) return std::all_of(value.items().begin(), value.items().end(), hashable);
  return !value.is(Kind::kList) && !value.is(Kind::kDict) && !value.is(Kind::kView);
}

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return value.text().markup ? "Markup" : "str";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return "tuple";
    case Kind::kRange:
      return "range";
    case Kind::kView:
      return "dict view";
    case Kind::kIterator:
      return "generator";
    case Kind::kDict:
      return "dict";
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kCallable:
      return "function";
  }
  return "object";
}

bool truth(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
    case Kind::kInt:
      return value.as_int() != 0;
    case Kind::kFloat:
      return value.as_double() != 0;
    case Kind::kString:
      return !value.bytes().empty();
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kRange:
    case Kind::kView:
      return !value.items().empty();
    case Kind::kDict:
      return !value.dict_object().items.empty();
    default:
      return true;
  }
}

bool equal(Runtime& run, const Value& a, const Value& b) {
  run.steps(1);
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral()) return a.as_int() == b.as_int();
    return a.as_double() == b.as_double();
  }
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kString:
      run.steps(static_cast<std::int64_t>(a.bytes().size() / 64));
      return a.bytes() == b.bytes();
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kRange:
    case Kind::kView:
    case Kind::kIterator:
      return equal_items(run, a, b);
    case Kind::kDict:
      return equal_dicts(run, a.dict_object(), b.dict_object());
    default:
      return a.identity() == b.identity();
  }
}

int compare(Runtime& run, const Value& a, const Value& b) {
  run.steps(1);
  if (a.is_undefined()) run.fail_text(a.hint());
  if (b.is_undefined()) run.fail_text(b.hint());
  if (a.is_number() && b.is_number()) return compare_numbers(a, b);
  if (a.is_string() && b.is_string()) {
    run.steps(static_cast<std::int64_t>(std::min(a.bytes().size(), b.bytes().size()) / 64));
    return a.bytes().compare(b.bytes());  // the order of UTF-8 is that of code points
  }
  if (a.kind() == b.kind() && (a.is(Kind::kList) || a.is(Kind::kTuple))) {
    const auto &x = a.items(), &y = b.items();
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
      if (!equal(run, x[i], y[i])) return compare(run, x[i], y[i]);
    return sign(x.size() < y.size(), x.size() > y.size());
  }
  run.fail("'{}' and '{}' cannot be ordered", type_name(a), type_name(b));
}

bool contains(Runtime& run, const Value& container, const Value& item) {
  if (container.is_string()) {
    if (!item.is_string())
      run.fail("'in <string>' requires a string as left operand, not {}", type_name(item));
    run.steps(static_cast<std::int64_t>((container.bytes().size() + item.bytes().size()) / 64));
    return container.bytes().find(item.bytes()) != std::string::npos;
  }
  if (container.is(Kind::kDict)) {
    if (!hashable(item)) run.fail("unhashable type: '{}'", type_name(item));
    return container.dict_object().find(item) != nullptr;
  }
  if (!is_iterable(container)) run.fail("argument of type '{}' is not iterable", type_name(container));
  for (const Value& candidate : iterate(run, container))
    if (equal(run, candidate, item)) return true;
  return false;
}

std::vector<Value> iterate(Runtime& run, const Value& value) {
  if (value.is_undefined()) return {};
  if (value.is_string()) return characters(run, value.text());
  std::vector<Value> result;
  if (value.is(Kind::kDict)) {
    run.bytes(value.dict_object().items.size() * sizeof(Value));
    for (const auto& item : value.dict_object().items) result.push_back(item.first);
    return result;
  }
  if (!value.is_sequence()) run.fail("'{}' object is not iterable", type_name(value));
  Sequence& sequence = value.sequence_object();
  run.bytes((sequence.items.size() - sequence.next) * sizeof(Value));
  result.assign(sequence.items.begin() + static_cast<std::ptrdiff_t>(sequence.next), sequence.items.end());
  if (value.is(Kind::kIterator)) sequence.next = sequence.items.size();
  return result;
}

bool has_length(const Value& value) {
  return value.is_undefined() || value.is_string() || value.is(Kind::kDict) ||
         (value.is_sequence() && !value.is(Kind::kIterator));
}

bool is_iterable(const Value& value) {
  return has_length(value) || value.is(Kind::kIterator);
}

std::int64_t length_of(Runtime& run, const Value& value) {
  if (value.is_undefined()) return 0;
  if (value.is_string()) return value.text().length;
  if (value.is(Kind::kDict)) return std::ssize(value.dict_object().items);
  if (!has_length(value)) run.fail("object of type '{}' has no len()", type_name(value));
  return std::ssize(value.items());
}

Value make_string(Runtime& run, std::string bytes) {
  run.bytes(bytes.size() + sizeof(Text));
  return Value::string(std::move(bytes));
}

Value make_sequence(Runtime& run, Kind kind, std::vector<Value> items, std::string label) {
  run.bytes(items.size() * sizeof(Value) + sizeof(Sequence));
  Value result = Value::sequence(kind, std::move(items), std::move(label));
  if (result.depth() > kMaxValueDepth) run.fail("values are nested too deeply");
  return result;
}

Value make_dict(Runtime& run, std::shared_ptr<Dict> dict) {
  run.bytes(dict->items.size() * 4 * sizeof(Value) + sizeof(Dict));
  Value result = Value::dict(std::move(dict));
  if (result.depth() > kMaxValueDepth) run.fail("values are nested too deeply");
  return result;
}

}  // namespace swiftlet::text::jinja
