// Pickles of data: Python's serialization read without Python. A pickle is a program for a stack machine that
// may call any function it names; this reader calls none. It builds what torch.save writes (dicts, lists,
// tuples, numbers, strings, and records of the calls it was asked for) and leaves it to the caller which of
// those calls mean something.
//
// Format: the comments of CPython's Lib/pickletools.py. Protocols 2 to 5 without out-of-band buffers.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace swiftlet {

struct PickleNode {
  enum class Kind : std::uint8_t {
    kNone,
    kBool,        // number: 0 or 1
    kInt,         // number
    kFloat,       // real
    kString,      // text; bytes too
    kList,        // items; tuples and sets too
    kDict,        // items: key, value, key, value
    kGlobal,      // text: "module name"
    kCall,        // items: what is called, a list of its arguments
    kPersistent,  // items: the id, which the maker of the pickle gave a meaning
  };
  Kind kind = Kind::kNone;
  std::int64_t number = 0;
  double real = 0;
  std::string_view text;  // points into the pickle
  std::vector<const PickleNode*> items;

  bool is(Kind other) const { return kind == other; }
};

// The values of one pickle. They may contain each other in circles: walk them with a limit.
class Pickle {
 public:
  // Reads up to the end of the first pickle in `bytes`, which must stay where they are. Memory is
  // bounded by the number of values that it allows, some millions. Throws kInvalid "[where: byte n] ..." for
  // anything malformed, kUnsupported for opcodes that data do not need.
  static Pickle parse(std::span<const std::byte> bytes, const std::string& where);

  const PickleNode& root() const { return *root_; }
  // All values, in the order in which they were made.
  const std::deque<PickleNode>& nodes() const { return nodes_; }
  std::size_t bytes_read() const { return bytes_read_; }

 private:
  friend class PickleReader;
  std::deque<PickleNode> nodes_;    // stay where they are
  std::deque<std::string> joined_;  // "module name" of STACK_GLOBAL
  const PickleNode* root_ = nullptr;
  std::size_t bytes_read_ = 0;
};

}  // namespace swiftlet
