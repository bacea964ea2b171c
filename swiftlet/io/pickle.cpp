#include "swiftlet/io/pickle.h"

#include <bit>
#include <cstring>
#include <unordered_map>

#include "swiftlet/core/error.h"

namespace swiftlet {

using Kind = PickleNode::Kind;

// A state dict takes some twenty opcodes and values for a tensor.
constexpr std::size_t kMostSteps = std::size_t{1} << 25, kMostNodes = std::size_t{1} << 22;

class PickleReader {
 public:
  PickleReader(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  Pickle run() {
    while (!done_) {
      if (++steps_ > kMostSteps) invalid(fmt::format("expected at most {} opcodes", kMostSteps));
      step(take<std::uint8_t>("an opcode"));
    }
    pickle_.bytes_read_ = at_;
    return std::move(pickle_);
  }

 private:
  [[noreturn]] void invalid(std::string_view what) const {
    fail(ErrorCode::kInvalid, fmt::format("{}: byte {} of the pickle", where_, opcode_at_), "{}", what);
  }

  std::string_view take_text(std::uint64_t length, std::string_view what) {
    if (length > bytes_.size() - at_)
      invalid(fmt::format("expected {} of {} bytes, {} are left: is it truncated?", what, length,
                          bytes_.size() - at_));
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + at_, length);
    at_ += length;
    return text;
  }
  template <class T>
  T take(std::string_view what) {
    T value{};
    std::memcpy(&value, take_text(sizeof value, what).data(), sizeof value);
    return value;
  }
  std::string_view take_line() {
    const char* const begin = reinterpret_cast<const char*>(bytes_.data()) + at_;
    const void* const end = std::memchr(begin, '\n', bytes_.size() - at_);
    if (!end) invalid("expected a name and the end of its line");
    const auto length = static_cast<std::size_t>(static_cast<const char*>(end) - begin);
    const std::string_view line = take_text(length, "a name");
    ++at_;
    return line;
  }

  PickleNode& make(Kind kind) {
    if (pickle_.nodes_.size() >= kMostNodes) invalid(fmt::format("expected at most {} values", kMostNodes));
    pickle_.nodes_.emplace_back().kind = kind;
    return pickle_.nodes_.back();
  }
  void push(PickleNode& node) { stack_.push_back(&node); }
  void push_number(Kind kind, std::int64_t number) {
    PickleNode& node = make(kind);
    node.number = number;
    push(node);
  }
  void push_text(std::string_view text) {
    PickleNode& node = make(Kind::kString);
    node.text = text;
    push(node);
  }
  // Of the innermost mark.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  PickleNode* pop() {
    if (stack_.size() <= floor()) invalid("expected a value, there is none");
    PickleNode* const node = stack_.back();
    stack_.pop_back();
    return node;
  }
  PickleNode& top(Kind kind, std::string_view what) {
    if (stack_.size() <= floor() || !stack_.back()->is(kind)) invalid(fmt::format("expected {}", what));
    return *stack_.back();
  }
  std::vector<const PickleNode*> pop_to_mark() {
    if (marks_.empty()) invalid("expected a mark, there is none");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<const PickleNode*> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }
  void push_list(std::vector<const PickleNode*> items) {
    PickleNode& node = make(Kind::kList);
    node.items = std::move(items);
    push(node);
  }
  void push_tuple(std::size_t count) {
    std::vector<const PickleNode*> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    push_list(std::move(items));
  }
  void append(PickleNode& list, const std::vector<const PickleNode*>& items) {
    list.items.insert(list.items.end(), items.begin(), items.end());
  }
  void push_call() {
    PickleNode* const arguments = pop();
    PickleNode* const callee = pop();
    if (!callee->is(Kind::kGlobal) || !arguments->is(Kind::kList))
      invalid("expected the name of a function and its arguments");
    PickleNode& call = make(Kind::kCall);
    call.items = {callee, arguments};
    // The one class of dicts that torch.save writes: what is set later goes where dicts keep it.
    if (callee->text == "collections OrderedDict" && arguments->items.empty()) call.kind = Kind::kDict;
    if (call.is(Kind::kDict)) call.items.clear();
    push(call);
  }

  // Two's complement, the lowest byte first.
  void push_long(std::size_t length) {
    if (length > 8) invalid(fmt::format("expected an integer of at most 8 bytes, came {}", length));
    const std::string_view text = take_text(length, "an integer");
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < length; ++i)
      value |= std::uint64_t{static_cast<std::uint8_t>(text[i])} << (8 * i);
    if (length > 0 && length < 8 && (text.back() & 0x80)) value |= ~std::uint64_t{0} << (8 * length);
    push_number(Kind::kInt, static_cast<std::int64_t>(value));
  }

  void remember(std::uint32_t index) {
    if (stack_.size() <= floor()) invalid("expected a value to remember, there is none");
    memo_[index] = stack_.back();
  }
  void recall(std::uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) invalid(fmt::format("expected a value remembered as {}, there is none", index));
    stack_.push_back(found->second);
  }

  void step(std::uint8_t opcode);
  void build();
  void push_global(std::string_view module, std::string_view name) {
    PickleNode& node = make(Kind::kGlobal);
    node.text = pickle_.joined_.emplace_back(fmt::format("{} {}", module, name));
    push(node);
  }

  std::span<const std::byte> bytes_;
  const std::string& where_;
  std::size_t at_ = 0, opcode_at_ = 0, steps_ = 0;
  bool done_ = false;
  Pickle pickle_;
  std::vector<PickleNode*> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint32_t, PickleNode*> memo_;
};

// What an object keeps beside its items: the notes of a state dict, which say nothing about its tensors.
void PickleReader::build() {
  pop();
  if (stack_.size() <= floor()) invalid("expected an object, there is none");
  if (!stack_.back()->is(Kind::kDict)) invalid("expected a dict: the state of other objects is not read");
}

void PickleReader::step(std::uint8_t opcode) {
  opcode_at_ = at_ - 1;
  switch (opcode) {
    case 0x80: {  // PROTO
      const auto protocol = take<std::uint8_t>("a protocol");
      if (protocol < 2 || protocol > 5)
        fail(ErrorCode::kUnsupported, where_, "is a pickle of protocol {}, only 2 to 5 are read", protocol);
      return;
    }
    case 0x95:  // FRAME
      static_cast<void>(take<std::uint64_t>("the length of a frame"));
      return;
    case '.':  // STOP
      pickle_.root_ = pop();
      done_ = true;
      return;
    case '(':
      marks_.push_back(stack_.size());
      return;
    case '0':
      pop();
      return;
    case '1':  // POP_MARK
      pop_to_mark();
      return;
    case 'N':
      return push(make(Kind::kNone));
    case 0x88:
    case 0x89:
      return push_number(Kind::kBool, opcode == 0x88);
    case 'J':
      return push_number(Kind::kInt, take<std::int32_t>("an integer"));
    case 'K':
      return push_number(Kind::kInt, take<std::uint8_t>("an integer"));
    case 'M':
      return push_number(Kind::kInt, take<std::uint16_t>("an integer"));
    case 0x8a:  // LONG1
      return push_long(take<std::uint8_t>("the length of an integer"));
    case 'G': {  // big-endian
      const auto bits = __builtin_bswap64(take<std::uint64_t>("a number"));
      PickleNode& node = make(Kind::kFloat);
      node.real = std::bit_cast<double>(bits);
      return push(node);
    }
    case 'X':  // BINUNICODE
    case 'T':  // BINSTRING
    case 'B':  // BINBYTES
      return push_text(take_text(take<std::uint32_t>("the length of a string"), "a string"));
    case 0x8c:  // SHORT_BINUNICODE
    case 'U':   // SHORT_BINSTRING
    case 'C':   // SHORT_BINBYTES
      return push_text(take_text(take<std::uint8_t>("the length of a string"), "a string"));
    case 0x8d:  // BINUNICODE8
    case 0x8e:  // BINBYTES8
      return push_text(take_text(take<std::uint64_t>("the length of a string"), "a string"));
    case ']':
    case ')':
    case 0x8f:  // EMPTY_SET
      return push(make(Kind::kList));
    case '}':
      return push(make(Kind::kDict));
    case 't':
    case 'l':
      return push_list(pop_to_mark());
    case 'd': {
      PickleNode& node = make(Kind::kDict);
      node.items = pop_to_mark();
      if (node.items.size() % 2 != 0) invalid("expected a value for every key");
      return push(node);
    }
    case 0x85:
    case 0x86:
    case 0x87:
      return push_tuple(opcode - 0x84u);
    case 'a': {
      const PickleNode* const item = pop();
      return append(top(Kind::kList, "a list"), {item});
    }
    case 'e':
    case 0x90: {  // ADDITEMS
      const auto items = pop_to_mark();
      return append(top(Kind::kList, "a list"), items);
    }
    case 's': {
      const PickleNode* const value = pop();
      const PickleNode* const key = pop();
      return append(top(Kind::kDict, "a dict"), {key, value});
    }
    case 'u': {
      const auto items = pop_to_mark();
      if (items.size() % 2 != 0) invalid("expected a value for every key");
      return append(top(Kind::kDict, "a dict"), items);
    }
    case 'c': {
      const std::string_view module = take_line();
      return push_global(module, take_line());
    }
    case 0x93: {  // STACK_GLOBAL
      const PickleNode* const name = pop();
      const PickleNode* const module = pop();
      if (!name->is(Kind::kString) || !module->is(Kind::kString)) invalid("expected two names");
      return push_global(module->text, name->text);
    }
    case 'R':
    case 0x81:  // NEWOBJ
      return push_call();
    case 'b':
      return build();
    case 'Q': {
      const PickleNode* const id = pop();
      PickleNode& node = make(Kind::kPersistent);
      node.items = {id};
      return push(node);
    }
    case 'q':
      return remember(take<std::uint8_t>("a number"));
    case 'r':
      return remember(take<std::uint32_t>("a number"));
    case 0x94:  // MEMOIZE
      return remember(static_cast<std::uint32_t>(memo_.size()));
    case 'h':
      return recall(take<std::uint8_t>("a number"));
    case 'j':
      return recall(take<std::uint32_t>("a number"));
    default:
      fail(ErrorCode::kUnsupported, fmt::format("{}: byte {} of the pickle", where_, opcode_at_),
           "opcode 0x{:02x} is not read: only data are, no objects", opcode);
  }
}

Pickle Pickle::parse(std::span<const std::byte> bytes, const std::string& where) {
  return PickleReader(bytes, where).run();
}

}  // namespace swiftlet
