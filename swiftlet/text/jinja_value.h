// Values of templates: Python's, as far as a template can tell.
//
// A Value is cheap to copy. What it points to never changes once it is made, with two exceptions that belong
// to one rendering: namespaces, and iterators that are being used up. So values of a conversation may be
// shared between threads as long as they hold neither. Texts are valid UTF-8 and count code points.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "swiftlet/text/jinja_runtime.h"

namespace swiftlet::text::jinja {

class Interpreter;
class Value;
struct Arguments;

enum class Kind : std::uint8_t {
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kList,
  kTuple,
  kRange,
  kView,      // of a dict: keys, values or items
  kIterator,  // what Python's generators are: usable once
  kDict,
  kNamespace,
  kCallable,  // functions, macros, bound methods, loops
};

struct Object {
  virtual ~Object() = default;
};

struct Text final : Object {
  std::string bytes;
  std::int64_t length = 0;  // code points
  bool markup = false;      // made by `safe` or `escape`: what is added to it gets escaped
  bool ascii() const { return length == static_cast<std::int64_t>(bytes.size()); }
};

struct Sequence;
struct Dict;

// Something with a behaviour of its own.
struct Callable : Object {
  virtual std::string describe() const = 0;
  virtual Value call(Interpreter& in, Arguments& arguments) = 0;
  virtual std::optional<Value> attribute(Interpreter& in, std::string_view name);
  virtual int depth() const { return 1; }
};

// Why a value is undefined: what the error says when it is used.
struct Hint final : Object {
  std::string message;
};

class Value {
 public:
  Value() = default;  // undefined
  static Value undefined(std::string message);
  static Value none() { return Value(Kind::kNone); }
  static Value boolean(bool value);
  static Value integer(std::int64_t value);
  static Value number(double value);
  static Value string(std::string bytes, bool markup = false);
  static Value sequence(Kind kind, std::vector<Value> items, std::string label = {});
  static Value list(std::vector<Value> items) { return sequence(Kind::kList, std::move(items)); }
  static Value tuple(std::vector<Value> items) { return sequence(Kind::kTuple, std::move(items)); }
  static Value iterator(std::vector<Value> items) { return sequence(Kind::kIterator, std::move(items)); }
  static Value dict(std::shared_ptr<Dict> dict);
  static Value name_space(std::shared_ptr<Dict> dict);
  static Value callable(std::shared_ptr<Callable> callable);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_undefined() const { return kind_ == Kind::kUndefined; }
  bool is_none() const { return kind_ == Kind::kNone; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_integral() const { return kind_ == Kind::kInt || kind_ == Kind::kBool; }
  bool is_number() const { return is_integral() || kind_ == Kind::kFloat; }
  bool is_sequence() const { return kind_ >= Kind::kList && kind_ <= Kind::kIterator; }

  // REQUIRES: the kind.
  std::int64_t as_int() const { return integer_; }  // booleans are 0 and 1
  double as_double() const { return kind_ == Kind::kFloat ? number_ : static_cast<double>(integer_); }
  const Text& text() const { return static_cast<const Text&>(*object_); }
  const std::string& bytes() const { return text().bytes; }
  const std::vector<Value>& items() const;
  Sequence& sequence_object() const;
  Dict& dict_object() const;
  Callable& callable_object() const { return static_cast<Callable&>(*object_); }
  std::string hint() const;  // of an undefined value
  const void* identity() const { return object_.get(); }
  int depth() const;  // of nesting: 0 for scalars

 private:
  explicit Value(Kind kind) : kind_(kind) {}
  Kind kind_ = Kind::kUndefined;
  union {
    std::int64_t integer_ = 0;
    double number_;
  };
  std::shared_ptr<Object> object_;
};

struct Sequence final : Object {
  std::vector<Value> items;
  int depth = 1;
  std::string label;     // how a range or a view writes itself
  std::size_t next = 0;  // of an iterator
  bool groups = false;   // a pair of groupby: .grouper and .list name its parts
};

inline Sequence& Value::sequence_object() const {
  return static_cast<Sequence&>(*object_);
}
inline const std::vector<Value>& Value::items() const {
  return sequence_object().items;
}

struct HashValue {
  std::size_t operator()(const Value& value) const;
};
// Equality of keys: scalars, texts and tuples of them.
struct EqualKeys {
  bool operator()(const Value& a, const Value& b) const;
};

// Pairs in the order in which they came; a key that comes again keeps its place.
struct Dict final : Object {
  std::vector<std::pair<Value, Value>> items;
  int depth = 1;
  void set(Value key, Value value);  // REQUIRES: hashable(key)
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;

 private:
  std::unordered_map<Value, std::size_t, HashValue, EqualKeys> places_;  // once there are more than a few
};

bool hashable(const Value& value);
// "str", "int", "dict", ...: Python's names, for errors.
std::string_view type_name(const Value& value);

bool truth(const Value& value);
bool equal(Runtime& run, const Value& a, const Value& b);
// < 0, 0, > 0; fails for values without an order.
int compare(Runtime& run, const Value& a, const Value& b);
// `item in container`.
bool contains(Runtime& run, const Value& container, const Value& item);
// What a loop goes over, counted; fails for what is not iterable. An iterator is used up.
std::vector<Value> iterate(Runtime& run, const Value& value);
std::int64_t length_of(Runtime& run, const Value& value);
bool has_length(const Value& value);
bool is_iterable(const Value& value);

// Checked makers: count the bytes, and refuse what is nested too deeply.
Value make_string(Runtime& run, std::string bytes);
Value make_sequence(Runtime& run, Kind kind, std::vector<Value> items, std::string label = {});
Value make_dict(Runtime& run, std::shared_ptr<Dict> dict);

}  // namespace swiftlet::text::jinja
